"""Layers that decide which cells are hit and how much energy each of them holds."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

_register = keras.saving.register_keras_serializable("fastsim_zoo")
_LOGISTIC_WIDTH = 1.702
_KNEE, _SLOPE = 0.1, 0.05
_TINY = 1e-12
_MOST = 4.0
# A score. ONNX may select by a product with 0, which infinity does not survive.
_NEVER = -1e9


def positive(amplitude: Any) -> Any:
    """Maps any number to a positive one: a + 0.1 above 0, 0.1 exp(a / 2) below.

    Below 0 the logarithm falls linearly: amplitudes that differ give energies that
    differ, down to the smallest, and no value is taken by many of them.

    Args:
        amplitude: a, [...].

    Returns:
        Positive numbers, [...].
    """
    below = _KNEE * tf.exp(tf.minimum(amplitude, 0.0) * (_SLOPE / _KNEE))
    return below + tf.nn.relu(amplitude)


def _gated(amplitude: Any, score: Any) -> Any:
    """Keeps cells of positive score; the step has the logistic function's gradient."""
    smooth = tf.sigmoid(score)
    step = tf.cast(score > 0.0, smooth.dtype)
    return positive(amplitude) * (smooth + tf.stop_gradient(step - smooth))


@_register
class HitGate(keras.layers.Layer):
    """Decides cell by cell whether there is a hit, and with which amplitude.

    A real shower has many empty cells and hardly any with next to no energy: a smooth
    generator cannot jump over that gap. Half of the input channels are scores, which
    with normal noise added turn into hits where they are positive: a hit has about the
    probability that the logistic function gives to its score, from scores of -4 on. The
    step's gradient is replaced by that of the logistic function. The other half are
    amplitudes, see `positive`.

    Source: the straight-through estimator of Bengio et al., arXiv:1308.3432.
    """

    def call(self, inputs: Any, noise: Any) -> Any:
        """Maps [batch, row, column, 2 layers] to cells [batch, row, column, layer].

        Args:
            inputs: Amplitudes, then scores.
            noise: Normal noise, [batch, row, column, layer].
        """
        amplitude, score = tf.split(inputs, 2, axis=-1)
        # A normal of this width is close to the logistic distribution.
        return _gated(amplitude, score + _LOGISTIC_WIDTH * noise)


def counted(inputs: Any, noise: Any, counts: Any, accepted: Any, shift: float) -> Any:
    """Chooses given numbers of hits in every layer, those of the highest scores.

    As `HitGate`, with the threshold of each shower and layer between the scores of the
    last cell that is hit and of the first that is not. It is taken as a constant: the
    gradient says which cells are hit, not how many.

    Args:
        inputs: Amplitudes, then scores, [batch, row, column, 2 layers].
        noise: Normal noise, [batch, row, column, layer].
        counts: Numbers of hits, at least 0, [batch, layer]; more than there are cells
            means all of them.
        accepted: The cells that can be hit, bool [row, column, layer].
        shift: Added to the amplitudes: the encoded energy of a typical hit.

    Returns:
        Cells, [batch, row, column, layer].

    Source: top-k sampling by perturbed scores, Kool, van Hoof and Welling,
    arXiv:1903.06059.
    """
    rows, columns, layers = accepted.shape
    amplitude, score = tf.split(inputs, 2, axis=-1)
    score = tf.where(accepted, score + _LOGISTIC_WIDTH * noise, _NEVER)
    flat = tf.transpose(tf.reshape(score, [-1, rows * columns, layers]), [0, 2, 1])
    most = int(accepted.sum(axis=(0, 1)).max())
    # Sorting all is faster than a search for the first.
    ranked = tf.sort(tf.stop_gradient(flat), direction="DESCENDING")[..., :most]
    # One place before the first and after the last, for no hit and for all.
    ranked = tf.concat([ranked[..., :1] + 2.0, ranked, ranked[..., -1:] - 2.0], axis=2)
    last = tf.clip_by_value(tf.cast(counts, tf.int32), 0, most)
    within = tf.gather(ranked, last, batch_dims=2)
    beyond = tf.gather(ranked, last + 1, batch_dims=2)
    # A layer with fewer cells than another ends in places that cannot be hit.
    threshold = tf.where(beyond > 0.5 * _NEVER, 0.5 * (within + beyond), within - 1.0)
    score = tf.where(accepted, score - threshold[:, None, None], -1e3)
    return _gated(amplitude + shift, score)


def move_core(response: Any, wanted: Any, core: float) -> Any:
    """Brings the layers of a shower to given energies by scaling their cores.

    A cell of energy E is multiplied by 1 + lambda E / (E + E_core), lambda from -1/2 to
    1: the many soft hits, which are the same in every shower, stay as they are. What
    the cores cannot give, all cells of the layer give in proportion, by a factor of up
    to 4 or down to 1/4.

    Args:
        response: Cell energies [spec.unit], at least 0, [batch, row, column, layer].
        wanted: Energies of the layers [spec.unit], [batch, layer]; a layer without any
            hit stays empty.
        core: E_core, several times the energy of a typical hit [spec.unit].

    Returns:
        Cell energies of the shape of `response`.
    """
    movable = response * response / (response + core)
    total = tf.reduce_sum(response, axis=(1, 2))
    of_cores = tf.reduce_sum(movable, axis=(1, 2))
    factor = tf.clip_by_value((wanted - total) / (of_cores + _TINY), -0.5, 1.0)
    rest = tf.where(total > 0.0, wanted / (total + factor * of_cores + _TINY), 1.0)
    # Without limits no loss would tell a generator all of whose energies run away.
    rest = tf.clip_by_value(rest, 1.0 / _MOST, _MOST)
    return (response + factor[:, None, None] * movable) * rest[:, None, None]


@_register
class FillShower(keras.layers.Layer):
    """Turns amplitudes and scores into a shower of drawn energies and numbers of hits.

    Every layer gets exactly the number of hits, see `counted`, and, if that is not too
    far from what the amplitudes say, the energy, see `move_core`, that its statistics
    say.

    Args:
        statistics: The `statistics.ShowerStatistics` that were drawn.
        accepted: The cells that can be hit, bool or 0/1 [row, column(, layer)].
        core: See `move_core` [spec.unit].
    """

    def __init__(
        self, statistics: Any, accepted: ArrayLike, core: float, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.statistics = statistics
        self.accepted = np.asarray(accepted, bool)
        self.core = core
        self.built = True

    def call(self, inputs: Any, noise: Any, drawn: Any, condition: Any) -> Any:
        """Makes encoded showers.

        Args:
            inputs: Amplitudes, then scores, [batch, row, column, 2 layers].
            noise: Normal noise, [batch, row, column, layer].
            drawn: Statistics, see `ShowerStatistics.call`, [batch, statistics].
            condition: Conditions [spec.condition_units], [batch, conditions].

        Returns:
            Encoded showers, [batch, row, column(, layer)].
        """
        transform = self.statistics.transform
        energies, counts = self.statistics.layers_of(drawn, condition)
        accepted = self.accepted.reshape(*self.accepted.shape[:2], -1)
        cells = counted(inputs, noise, counts, accepted, transform.median)
        # Beyond, energies grow without limit.
        cells = tf.minimum(cells, transform.highest)
        response = move_core(transform.decode(cells, condition), energies, self.core)
        encoded = transform.encode(response, condition)
        return tf.reshape(encoded, [-1, *self.accepted.shape])

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "statistics": keras.saving.serialize_keras_object(self.statistics),
            "accepted": self.accepted.astype(int).tolist(),
            "core": self.core,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "FillShower":
        """Makes the layer from `get_config`."""
        statistics = keras.saving.deserialize_keras_object(config.pop("statistics"))
        return cls(statistics=statistics, **config)
