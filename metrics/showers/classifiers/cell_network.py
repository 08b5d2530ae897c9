"""A convolutional network that tells generated from reference showers, cell by cell.

It is built for strength: what it does not see need not be there. Unlike the networks of
`metrics.showers.classifiers.small_networks` it needs thousands of showers and minutes.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from metrics.showers.classifiers.network_inputs import Encoded, encoded_features
from metrics.statistics.arrays import Array
from metrics.statistics.roc import roc_auc

Tensor = Any
Events = NDArray[np.intp]

EPOCHS = 3
"""Smallest number of epochs."""

FEWEST_STEPS = 600
"""Smallest number of steps; fewer showers are seen in more epochs."""

BATCH_EVENTS = 128
LEARNING_RATE = 1e-3

_CONVOLUTIONS = ((32, 1), (48, 2), (64, 1), (96, 2))
"""Filters and stride of each."""

_DENSE = (512, 256)
"""Widths of the layers that see cells that are no image."""

_HIDDEN = (128, 64)
_SLOPE = 0.1
_E_FOLDS = 10.0
_MEMORY_OF_MOMENTS = 0.9
_PREDICTED_AT_ONCE = 1024


class CellNetwork:
    """A network that learns on some pairs of showers and is asked about others.

    It sees every cell twice: as ln(1 + E / m), which resolves the core, and, if it is
    hit, as 1 + ln(E / m) / 10, which resolves the cells with least energy; m is the
    median of the cells above 0. Layers are channels. Four convolutions with batch
    normalisation see them; cells that are no image are seen by two dense layers. Beside
    their result the dense part sees numbers of the whole shower. The rate of Adam falls
    to 0 along a cosine. The weights that remain are those of the epoch with the largest
    AUC of pairs that were kept apart.

    Args:
        generated: Generated responses, [pairs, rows, columns], [pairs, rows, columns,
            layers] or [pairs, cells].
        reference: Reference responses of equal condition, likewise.
        numbers: Numbers of every generated and every reference shower, two arrays
            [pairs, numbers].
    """

    def __init__(
        self,
        generated: NDArray[np.float32],
        reference: NDArray[np.float32],
        numbers: Sequence[Array],
    ) -> None:
        self._pairs = len(reference)
        self._unit, self._scales = _scales(reference)
        # Shower i of the pairs is number i if generated and pairs + i if not.
        self._cells = tf.constant(np.concatenate([generated, reference]))
        self._numbers = tf.constant(
            np.concatenate([encoded_features(one, numbers[1]) for one in numbers])
        )
        self._shapes: list[tuple[int, ...]] = [
            tuple(one.shape[1:])
            for one in (self._encoded(self._cells[:1]), self._numbers)
        ]
        self._model = _model(self._shapes, 0)
        self._optimizer = keras.optimizers.Adam(LEARNING_RATE)
        self._optimizer.build(self._model.trainable_variables)
        self._train = tf.function(
            self._steps,
            input_signature=[
                tf.TensorSpec([None, None], tf.int32),
                tf.TensorSpec([None, None], tf.float32),
                tf.TensorSpec([None], tf.float32),
            ],
        )
        self._forward = tf.function(
            lambda events: self._logits(events, training=False),
            input_signature=[tf.TensorSpec([None], tf.int32)],
        )

    def fit(self, first: Events, second: Events, apart: int, seed: int) -> None:
        """Trains from random weights to tell showers of two roles.

        Args:
            first: Numbers of showers in the role of generated ones, [n].
            second: As many in the role of reference showers, [n]; shower number i of
                both is one pair.
            apart: How many pairs choose the epoch instead of being learnt: the last.
            seed: Seed of weights and order.
        """
        self._restart(seed)
        random = np.random.default_rng(seed)
        learnt = np.concatenate([first[:-apart], second[:-apart]])
        target = np.repeat([1.0, 0.0], len(first) - apart)
        judged = np.concatenate([first[-apart:], second[-apart:]])
        is_first = np.arange(2 * apart) < apart
        batch = min(BATCH_EVENTS, len(learnt))
        steps = len(learnt) // batch
        epochs = max(EPOCHS, -(-FEWEST_STEPS // steps))
        rates = _cosine(epochs * steps).reshape(epochs, steps)
        best, kept = -1.0, self._weights()
        for rate in rates:
            order = random.permutation(len(learnt))[: steps * batch]
            order = order.reshape(steps, batch)
            self._train(
                tf.constant(learnt[order], tf.int32),
                tf.constant(target[order], tf.float32),
                tf.constant(rate, tf.float32),
            )
            auc = roc_auc(self.predict(judged), is_first)
            # Of equals the later one, which a smaller rate has made.
            if auc >= best:
                best, kept = auc, self._weights()
        self._assign(kept)

    def predict(self, events: Events) -> Array:
        """Returns the logits of having the role of a generated shower, float64 [n].

        Args:
            events: Numbers of the showers, [n].
        """
        parts = [
            self._forward(
                tf.constant(events[start : start + _PREDICTED_AT_ONCE], tf.int32)
            )
            for start in range(0, len(events), _PREDICTED_AT_ONCE)
        ]
        return np.concatenate(parts)[:, 0].astype(np.float64)

    def _restart(self, seed: int) -> None:
        fresh = _model(self._shapes, seed)
        self._assign([keras.ops.convert_to_numpy(one) for one in fresh.variables])
        for variable in self._optimizer.variables:
            variable.assign(keras.ops.zeros_like(variable))

    def _weights(self) -> list[Encoded]:
        return [keras.ops.convert_to_numpy(one) for one in self._model.variables]

    def _assign(self, values: Sequence[Encoded]) -> None:
        for variable, value in zip(self._model.variables, values, strict=True):
            variable.assign(value)

    def _encoded(self, response: Tensor) -> Tensor:
        if len(response.shape) == 3:
            response = response[..., None]
        size = response / self._unit
        hit = size > 0.0
        core = tf.math.log1p(tf.nn.relu(size)) / self._scales[0]
        tail = 1.0 + tf.math.log(tf.where(hit, size, 1.0)) / _E_FOLDS
        tail = tf.where(hit, tail, 0.0) / self._scales[1]
        return tf.concat([core, tail], axis=-1)

    def _logits(self, events: Tensor, training: bool) -> Tensor:
        cells = self._encoded(tf.gather(self._cells, events))
        numbers = tf.gather(self._numbers, events)
        return self._model([cells, numbers], training=training)

    def _steps(self, events: Tensor, targets: Tensor, rates: Tensor) -> None:
        weights = self._model.trainable_variables
        for step in tf.range(tf.shape(events)[0]):
            self._optimizer.learning_rate.assign(rates[step])
            with tf.GradientTape() as tape:
                logits = self._logits(events[step], training=True)[:, 0]
                losses = tf.nn.sigmoid_cross_entropy_with_logits(targets[step], logits)
                loss = tf.reduce_mean(losses)
            gradients = tape.gradient(loss, [one.value for one in weights])
            self._optimizer.apply(gradients, weights)


def _cosine(steps: int) -> Array:
    """Returns rates that fall from `LEARNING_RATE` to 0, [steps]."""
    return 0.5 * LEARNING_RATE * (1.0 + np.cos(np.pi * np.arange(steps) / steps))


def _scales(reference: NDArray[np.float32]) -> tuple[np.float32, Sequence[np.float32]]:
    """Returns the median of the cells above 0, and the spread of both encodings."""
    lit = reference[reference > 0.0]
    unit = np.float32(np.median(lit)) if len(lit) else np.float32(1.0)
    # The cells that are not lit add nothing to either sum.
    found = []
    for encoded in (np.log1p(lit / unit), 1.0 + np.log(lit / unit) / _E_FOLDS):
        mean = encoded.sum(dtype=np.float64) / reference.size
        square = np.square(encoded).sum(dtype=np.float64) / reference.size
        found.append(np.float32(np.sqrt(max(square - mean**2, 0.0)) or 1.0))
    return unit, found


def _model(shapes: Sequence[tuple[int, ...]], seed: int) -> keras.Model:
    random = np.random.default_rng(seed)

    def start(kind: str) -> keras.initializers.Initializer:
        drawn = int(random.integers(2**31))
        return keras.initializers.get({"class_name": kind, "config": {"seed": drawn}})

    def active(x: Tensor) -> Tensor:
        return keras.layers.LeakyReLU(_SLOPE)(x)

    cells, others = (keras.Input(shape) for shape in shapes)
    x = cells
    # Layers of different shapes are no image: dense layers see their cells.
    for width in () if len(cells.shape) > 2 else _DENSE:
        x = keras.layers.Dense(
            width, use_bias=False, kernel_initializer=start("HeNormal")
        )(x)
        x = keras.layers.BatchNormalization(momentum=_MEMORY_OF_MOMENTS)(x)
        x = active(x)
    for filters, stride in _CONVOLUTIONS if len(cells.shape) > 2 else ():
        x = keras.layers.Conv2D(
            filters,
            3,
            strides=stride,
            padding="same",
            use_bias=False,
            kernel_initializer=start("HeNormal"),
        )(x)
        x = keras.layers.BatchNormalization(momentum=_MEMORY_OF_MOMENTS)(x)
        x = active(x)
    x = keras.layers.Flatten()(x)
    for width in _HIDDEN:
        # Beside many cells a few numbers would not be heard: they are told twice.
        x = keras.layers.Concatenate()([x, others])
        x = active(keras.layers.Dense(width, kernel_initializer=start("HeNormal"))(x))
    last = keras.layers.Dense(1, kernel_initializer=start("GlorotUniform"))
    return keras.Model([cells, others], last(x))
