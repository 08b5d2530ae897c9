"""Statistics of showers that are drawn by likelihood, and what they fix in a shower."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

Tensor = Any
_TINY = 1e-6
_STEP = 0.1


class ShowerStatistics(keras.layers.Layer):
    """Base of the statistics of a shower that a model draws before the shower itself.

    The first `fixed` of them fix the energy and the number of hits of every layer, see
    `layers_of`; the others describe the shape. Numbers of hits N appear as
    sqrt(N + u), with u uniform in [0, 1): so they have a density, and `layers_of`
    gets N back exactly.

    Args:
        transform: The `data.transforms.SpectrumTable` of the encoded showers.
        positions_cm: Centres (x, y) of the cells, [row, column, 2].
        impact_conditions: Indices of the conditions that hold the impact point [cm].
        thresholds: Energies above which hits are counted too [spec.unit].
        layers: Number of layers.
    """

    def __init__(
        self,
        transform: Any,
        positions_cm: ArrayLike,
        impact_conditions: Sequence[int],
        thresholds: Sequence[float],
        layers: int,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.transform = transform
        self.positions_cm = np.asarray(positions_cm, np.float32)
        self.impact_conditions = list(impact_conditions)
        self.thresholds = [float(value) for value in thresholds]
        self.layers = layers
        self.built = True

    @property
    def fixed(self) -> int:
        """How many of the statistics `layers_of` uses; they are the first."""
        return 2 * self.layers

    @property
    def typical(self) -> tuple[list[float], list[float]]:
        """Location and width of each statistic, to start from."""
        shape = len(self.thresholds) + self._shape_statistics
        location = [0.0] + [6.0] * self.layers + [0.0] * (self.layers - 1 + shape)
        return location, [1.0] * len(location)

    @property
    def _shape_statistics(self) -> int:
        raise NotImplementedError

    def _shape(
        self, response: Tensor, total: Tensor, condition: Tensor
    ) -> list[Tensor]:
        """Computes the further statistics of the shape, each [batch]."""
        raise NotImplementedError

    def call(self, encoded: Tensor, condition: Tensor, dither: Tensor) -> Tensor:
        """Computes the statistics of showers.

        The counts above thresholds pass a gradient on, those of all hits do not.

        Args:
            encoded: Encoded showers, [batch, row, column(, layer)].
            condition: Conditions [spec.condition_units], [batch, conditions].
            dither: u, [batch, layers + thresholds]; constant for a comparison.

        Returns:
            [batch, statistics]: (E / E_expected - 1) sqrt(E_incident / GeV); the root
            sqrt(N + u) of each layer; ln(E_l / sum of the layers behind) of each layer
            but the last; sqrt(N + u) above each threshold; then those of the shape.
        """
        rows, columns = self.positions_cm.shape[:2]
        encoded = tf.reshape(encoded, [-1, rows, columns, self.layers])
        response = self.transform.decode(encoded, condition)
        layer = tf.reduce_sum(response, axis=(1, 2))
        total = tf.reduce_sum(layer, axis=1)
        expected = self.transform.expected_response(condition, 1)
        root = tf.sqrt(expected / self.transform.response_per_gev)
        counts = [
            tf.stop_gradient(
                tf.reduce_sum(tf.cast(encoded > 0.0, tf.float32), axis=(1, 2))
            )
        ]
        for threshold in self.thresholds:
            limit = tf.fill([tf.shape(condition)[0], 1, 1, 1], threshold)
            border = self.transform.encode(limit, condition)
            soft = tf.clip_by_value((encoded - border) / _STEP + 0.5, 0.0, 1.0)
            hard = tf.cast(encoded > border, tf.float32)
            soft = soft + tf.stop_gradient(hard - soft)
            counts.append(tf.reduce_sum(soft, axis=(1, 2, 3))[:, None])
        hits = tf.sqrt(tf.concat(counts, axis=1) + dither)
        behind = tf.cumsum(layer, axis=1, reverse=True, exclusive=True)
        split = tf.math.log(layer + _TINY) - tf.math.log(behind + _TINY)
        split = tf.clip_by_value(split[:, :-1], -10.0, 10.0)
        numbers = [
            ((total / expected - 1.0) * root)[:, None],
            hits[:, : self.layers],
            split,
            hits[:, self.layers :],
            tf.stack(self._shape(response, total, condition), axis=1),
        ]
        return tf.concat(numbers, axis=1)

    def layers_of(self, drawn: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Turns drawn statistics into what a shower can be held to.

        Args:
            drawn: Statistics, [batch, statistics].
            condition: Conditions [spec.condition_units], [batch, conditions].

        Returns:
            Energies of the layers [spec.unit] and their numbers of hits, both
            float32 [batch, layers]; no energy where there is no hit.
        """
        count = tf.floor(tf.nn.relu(drawn[:, 1 : 1 + self.layers]) ** 2)
        expected = self.transform.expected_response(condition, 1)
        root = tf.sqrt(expected / self.transform.response_per_gev)
        deviation = tf.math.divide_no_nan(drawn[:, 0], root)
        rest = expected * tf.maximum(1.0 + deviation, 1e-2)
        behind = tf.cumsum(count, axis=1, reverse=True, exclusive=True)
        energies = []
        for layer in range(self.layers):
            part = tf.where(count[:, layer] > 0.0, 1.0, 0.0)
            if layer < self.layers - 1:
                split = drawn[:, 1 + self.layers + layer]
                both = (count[:, layer] > 0.0) & (behind[:, layer] > 0.0)
                energies.append(rest * tf.where(both, tf.sigmoid(split), part))
                rest = rest * tf.where(both, tf.sigmoid(-split), 1.0 - part)
            else:
                energies.append(rest * part)
        return tf.stack(energies, axis=1), count

    def _distance(self, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Returns displacement and distance of the cells from the impact point [cm]."""
        impact = tf.gather(condition, self.impact_conditions, axis=1)[:, None, None]
        displacement = self.positions_cm - impact
        return displacement, tf.norm(displacement, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "transform": keras.saving.serialize_keras_object(self.transform),
            "positions_cm": self.positions_cm.tolist(),
            "impact_conditions": self.impact_conditions,
            "thresholds": self.thresholds,
            "layers": self.layers,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "ShowerStatistics":
        """Makes the layer from `get_config`."""
        for name in ("transform", "track"):
            if name in config:
                config[name] = keras.saving.deserialize_keras_object(config[name])
        return cls(**config)


@keras.saving.register_keras_serializable("fastsim_zoo")
class LayeredStatistics(ShowerStatistics):
    """Of a shower without inclination: its radius, centre and hottest cell."""

    _shape_statistics = 4

    def _shape(
        self, response: Tensor, total: Tensor, condition: Tensor
    ) -> list[Tensor]:
        displacement, distance = self._distance(condition)
        plane = tf.reduce_sum(response, axis=3)
        safe = total + _TINY
        radius = tf.reduce_sum(plane * distance, axis=(1, 2)) / safe
        centre = tf.reduce_sum(plane[..., None] * displacement, axis=(1, 2))
        centre = centre / safe[:, None]
        hottest = tf.reduce_max(response, axis=(1, 2, 3)) / safe
        return [
            tf.math.log(radius + 1e-2),
            centre[:, 0],
            centre[:, 1],
            tf.math.log(hottest + 1e-3),
        ]


@keras.saving.register_keras_serializable("fastsim_zoo")
class InclinedStatistics(ShowerStatistics):
    """Of an image: what it looks like from its track.

    Centre, width and asymmetry along the inclination and across it, relative to the
    track at the depth of the shower; radius around the impact point; the fractions of
    the hottest cell and of the 3 x 3 cells around it.

    Args:
        *args: See `ShowerStatistics`.
        track: The `tracks.Track` of the detector.
        **kwargs: See `ShowerStatistics`.
    """

    _shape_statistics = 9

    def __init__(self, *args: Any, track: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.track = track

    def _shape(
        self, response: Tensor, total: Tensor, condition: Tensor
    ) -> list[Tensor]:
        seen = self.track(condition)
        image = response[..., 0]
        safe = total[:, None] + _TINY
        moments = tf.concat([seen, seen**2, tf.sign(seen)], axis=-1)
        moments = tf.einsum("brc,brcm->bm", image, moments) / safe
        centre, square, asymmetry = tf.split(moments, 3, axis=1)
        # A width of 0 has no logarithm.
        width = tf.nn.relu(square - centre**2) + 1e-2
        radius = tf.reduce_sum(image * self._distance(condition)[1], axis=(1, 2))
        squares = tf.nn.conv2d(response, tf.ones([3, 3, 1, 1]), 1, "SAME")
        flat = tf.reshape(image, [-1, int(np.prod(image.shape[1:]))])
        squares = tf.reshape(squares, tf.shape(flat))
        hottest = tf.argmax(flat, axis=1)
        fractions = [
            tf.gather(one, hottest, batch_dims=1) / safe[:, 0]
            for one in (flat, squares)
        ]
        return [
            *tf.unstack(centre, axis=1),
            *tf.unstack(0.5 * tf.math.log(width), axis=1),
            *tf.unstack(asymmetry, axis=1),
            tf.math.log(radius / safe[:, 0] + 1e-2),
            tf.math.log(fractions[0] + 1e-3),
            tf.math.log(fractions[1] + 1e-3),
        ]

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        track = keras.saving.serialize_keras_object(self.track)
        return {**super().get_config(), "track": track}
