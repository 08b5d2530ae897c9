"""Small networks that judge showers: trained within seconds, many times over.

One `Network` holds one sample, its graph is traced once, and every training starts
from the same weights. Seeds are those of the initialisers and of the order of events:
nothing here touches the global random state.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from metrics.showers.classifiers.network_inputs import Encoded
from metrics.statistics.arrays import Array
from metrics.statistics.distances import scale

Tensor = Any

FOLDS = 4
"""Number of folds of a cross-validation."""

BATCH_EVENTS = 256
EPOCHS = 12
FEWEST_STEPS = 200
LEARNING_RATE = 3e-3

_FILTERS = (8, 16)
_OF_CELLS = 32
_HIDDEN = (64, 32)
_PREDICTED_AT_ONCE = 2048


class Network:
    """A network that is trained anew on parts of one sample.

    Inputs of rank 3 or 4 are images [events, rows, columns] or with layers as channels
    [events, rows, columns, layers]: two convolutions of stride 2 see them, and one
    dense layer sees their result and all single cells. Two more see what is left of
    them beside the inputs of rank 2. The rate of Adam falls linearly to 0 within a
    training.

    Args:
        inputs: Inputs of all events, standardised, each [events, ...].
        outputs: Numbers that it predicts for an event.
        loss: Maps targets and predictions, [batch, outputs], to losses of that shape.
        seed: Seed of the weights at the start.
    """

    def __init__(
        self,
        inputs: Sequence[Encoded],
        outputs: int,
        loss: Callable[[Tensor, Tensor], Tensor],
        seed: int,
    ) -> None:
        self._inputs = [tf.constant(one) for one in inputs]
        self._model = _model([one.shape[1:] for one in inputs], outputs, seed)
        self._loss = loss
        self._optimizer = keras.optimizers.Adam(LEARNING_RATE)
        self._optimizer.build(self._model.trainable_variables)
        self._variables = [*self._model.variables, *self._optimizer.variables]
        self._start = [keras.ops.convert_to_numpy(one) for one in self._variables]
        self._train = tf.function(self._steps)
        self._forward = tf.function(self._model_of)

    def fit(self, events: NDArray[np.intp], targets: Array, seed: int) -> None:
        """Trains from the start.

        Args:
            events: Numbers of the events to train on, [n].
            targets: Their targets, [n, outputs].
            seed: Seed of the order of the events.
        """
        for variable, value in zip(self._variables, self._start, strict=True):
            variable.assign(value)
        batch = min(BATCH_EVENTS, len(events))
        steps = max(FEWEST_STEPS, EPOCHS * len(events) // batch)
        random = np.random.default_rng(seed)
        rounds = -(-steps * batch // len(events))
        order = np.concatenate([random.permutation(len(events)) for _ in range(rounds)])
        order = order[: steps * batch].reshape(steps, batch)
        self._train(
            tf.constant(events[order], tf.int32),
            tf.constant(targets[order], tf.float32),
        )

    def predict(self, events: NDArray[np.intp]) -> Array:
        """Returns the outputs, float64 [events, outputs].

        Args:
            events: Numbers of the events, [events].
        """
        parts = [
            self._forward(tf.constant(events[start : start + _PREDICTED_AT_ONCE]))
            for start in range(0, len(events), _PREDICTED_AT_ONCE)
        ]
        return np.concatenate(parts).astype(np.float64)

    def out_of_fold(
        self,
        learnt: NDArray[np.intp],
        targets: Array,
        asked: NDArray[np.intp],
        pairs: int,
        seed: int,
    ) -> Array:
        """Asks about every event after a training without its condition.

        Args:
            learnt: Numbers of the events to learn from, in blocks: the events of all
                pairs of equal condition, again the events of all pairs, and so on.
            targets: Their targets, [learnt, outputs].
            asked: Numbers of the events to ask about, in such blocks.
            pairs: Number of pairs, the size of a block.
            seed: Seed of folds and order.

        Returns:
            The outputs, float64 [asked, outputs].

        Raises:
            ValueError: If there are fewer than two pairs per fold.
        """
        fold = folds(pairs, seed)
        fold_learnt = np.tile(fold, len(learnt) // pairs)
        fold_asked = np.tile(fold, len(asked) // pairs)
        outputs: Array = np.empty((len(asked), targets.shape[1]))
        for number in range(FOLDS):
            others, held_out = fold_learnt != number, fold_asked == number
            self.fit(learnt[others], targets[others], seed + number)
            outputs[held_out] = self.predict(asked[held_out])
        return outputs

    def _model_of(self, events: Tensor) -> Tensor:
        return self._model([tf.gather(one, events) for one in self._inputs])

    def _steps(self, events: Tensor, targets: Tensor) -> None:
        steps = tf.shape(events)[0]
        weights = self._model.trainable_variables
        for step in tf.range(steps):
            left = 1.0 - tf.cast(step / steps, tf.float32)
            self._optimizer.learning_rate.assign(LEARNING_RATE * left)
            with tf.GradientTape() as tape:
                losses = self._loss(targets[step], self._model_of(events[step]))
                loss = tf.reduce_mean(losses)
            gradients = tape.gradient(loss, [one.value for one in weights])
            self._optimizer.apply(gradients, weights)


class Regressor(Network):
    """A polynomial of second order in a few numbers, and a network for what is left.

    The network is trained on the mean squared error; it corrects what the polynomial,
    fitted by least squares to the same events, has missed.

    Args:
        inputs: Inputs of the network, of all events, standardised, each [events, ...].
        numbers: Numbers that the polynomial depends on, [events, numbers].
        outputs: Numbers that it predicts for an event.
        seed: Seed of the weights at the start.
    """

    def __init__(
        self, inputs: Sequence[Encoded], numbers: Array, outputs: int, seed: int
    ) -> None:
        super().__init__(inputs, outputs, tf.math.squared_difference, seed)
        terms = PolynomialFeatures(2, include_bias=False)
        self._numbers = terms.fit_transform(StandardScaler().fit_transform(numbers))
        self._polynomial = LinearRegression()
        self._width = np.ones(outputs)

    def fit(self, events: NDArray[np.intp], targets: Array, seed: int) -> None:
        """Fits the polynomial, then trains the network; see `Network.fit`.

        Args:
            events: Numbers of the events to learn from, [n].
            targets: Their targets, in any unit, [n, outputs].
            seed: Seed of the order of the events.
        """
        self._polynomial.fit(self._numbers[events], targets)
        left = targets - self._polynomial.predict(self._numbers[events])
        self._width = np.array([scale(column) for column in left.T])
        super().fit(events, left / self._width, seed)

    def predict(self, events: NDArray[np.intp]) -> Array:
        """Returns the outputs in the unit of the targets, float64 [events, outputs].

        Args:
            events: Numbers of the events, [events].
        """
        first: Array = self._polynomial.predict(self._numbers[events])
        return first + self._width * super().predict(events)


def folds(pairs: int, seed: int) -> NDArray[np.intp]:
    """Deals pairs of equal condition out to the folds of a cross-validation.

    Args:
        pairs: Number of pairs.
        seed: Seed of the choice.

    Returns:
        The fold of every pair, 0 to FOLDS - 1, all of the same size within one.

    Raises:
        ValueError: If there are fewer than two pairs per fold.
    """
    if pairs < 2 * FOLDS:
        raise ValueError(
            f"a cross-validation in {FOLDS} folds needs at least {2 * FOLDS} pairs of "
            f"showers, received {pairs}: compare more"
        )
    return np.random.default_rng(seed).permutation(np.arange(pairs) % FOLDS)


def classifier(inputs: Sequence[Encoded], seed: int) -> Network:
    """Builds a network whose one output is the logit of a target of 0 or 1.

    Args:
        inputs: Inputs of all events, standardised, each [events, ...].
        seed: Seed of the weights at the start.
    """
    return Network(inputs, 1, tf.nn.sigmoid_cross_entropy_with_logits, seed)


def _model(shapes: Sequence[tuple[int, ...]], outputs: int, seed: int) -> keras.Model:
    random = np.random.default_rng(seed)

    def start(kind: str) -> keras.initializers.Initializer:
        drawn = int(random.integers(2**31))
        return keras.initializers.get({"class_name": kind, "config": {"seed": drawn}})

    def dense(x: Tensor, width: int) -> Tensor:
        return keras.layers.Dense(
            width, activation="relu", kernel_initializer=start("HeNormal")
        )(x)

    inputs = [keras.Input(shape) for shape in shapes]
    seen = []
    for one in inputs:
        x = one
        if len(one.shape) > 2:
            images = keras.layers.Flatten()(_convolved(one, start))
            x = keras.layers.Concatenate()([keras.layers.Flatten()(one), images])
            # Few beside many cells, the other inputs would not be heard otherwise.
            x = dense(x, _OF_CELLS)
        seen.append(x)
    x = keras.layers.Concatenate()(seen) if len(seen) > 1 else seen[0]
    for width in _HIDDEN:
        x = dense(x, width)
    last = keras.layers.Dense(outputs, kernel_initializer=start("GlorotUniform"))
    return keras.Model(inputs, last(x))


def _convolved(
    image: Tensor, start: Callable[[str], keras.initializers.Initializer]
) -> Tensor:
    x = image if len(image.shape) == 4 else image[..., None]
    for filters in _FILTERS:
        x = keras.layers.Conv2D(
            filters,
            3,
            strides=2,
            padding="same",
            activation="relu",
            kernel_initializer=start("HeNormal"),
        )(x)
    return x
