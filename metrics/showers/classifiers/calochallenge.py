"""The classifier tests of the CaloChallenge, with its network and its training.

Larger networks than those of `metrics.showers.classifiers.classifier_tests`, trained
for long: minutes to hours. A number stands beside the published ones only with the
number of showers that it has been learnt from.

Source: C. Krause et al., "CaloChallenge 2022", arXiv:2410.21611; its code is
CaloChallenge/homepage, code/evaluate.py.
"""

import dataclasses
import itertools
from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from metrics.showers.classifiers.calochallenge_features import (
    Features,
    high_level,
    low_level,
)
from metrics.showers.shower_pairs import Comparison
from metrics.statistics.resampling import Metric, Resampling, significance
from metrics.statistics.roc import roc_auc

PUBLISHED_SHOWERS = "80,000 (data set 1) or 60,000 (data sets 2 and 3)"
LEARN, SELECT = 0.6, 0.2
"""Fractions of the showers to learn from and to select the epoch with."""

_FEWEST_PAIRS = 20
_FLOPS_PER_WEIGHT = 6.0
_FLOPS_PER_SECOND = 1e11
_PREDICTED_AT_ONCE = 4096

Events = NDArray[np.intp]


@dataclasses.dataclass(frozen=True)
class Judge:
    """The classifier and its training; the defaults are those of the CaloChallenge.

    Attributes:
        runs: Independent trainings, each with a division of the showers of its own. The
            CaloChallenge has 10.
        width: Of the input layer and the hidden ones.
        hidden: Number of hidden layers after the input layer.
        epochs: Epochs of a training; that of the best accuracy is judged.
        batch: Showers per step.
        rate: Learning rate of Adam.
    """

    runs: int = 3
    width: int = 2048
    hidden: int = 2
    epochs: int = 50
    batch: int = 1000
    rate: float = 2e-4


@dataclasses.dataclass(frozen=True)
class Result:
    """What the tests have found.

    Attributes:
        metrics: `calochallenge_low` and `calochallenge_high`.
        note: From how many showers a class they have learnt, beside the published.
    """

    metrics: Mapping[str, Metric]
    note: str


def calochallenge_tests(
    comparison: Comparison, resampling: Resampling, seed: int, judge: Judge
) -> Result:
    """Runs `cls_low` and `cls_high`.

    The value is the mean AUC of the runs. Each run divides the showers at random into
    60 % to learn from, 20 % to select the epoch with and 20 % that are judged; a
    generated shower and the reference shower of equal condition go together. The floor
    is the same between halves of the reference, a new division in every run, and so
    from half as many showers. An AUC out of sample is 0.5 for equal distributions
    however many they are.

    The uncertainty of one run is the spread between the runs and that of Hanley and
    McNeil for the showers judged, added in quadrature although the first contains a
    part of the second: different runs judge some showers again. That of the mean is
    smaller by the root of the number of runs.

    Args:
        comparison: Generated and reference showers.
        resampling: Random halves.
        seed: Seed of divisions, weights and order.
        judge: The classifier and its training.

    Returns:
        Both AUCs, and the number of showers.

    Raises:
        ValueError: If there are fewer than 20 showers of each kind.
    """
    pairs = len(comparison)
    if pairs < _FEWEST_PAIRS:
        raise ValueError(
            f"the CaloChallenge's tests need at least {_FEWEST_PAIRS} showers of each "
            f"kind, received {pairs}"
        )
    metrics = {
        f"calochallenge_{name}": _test(*features(comparison), resampling, seed, judge)
        for name, features in (("low", low_level), ("high", high_level))
    }
    learn, _, judged = map(len, _divided(pairs, seed))
    note = (
        f"CaloChallenge's tests: mean of {judge.runs} runs (there 10), each from "
        f"{learn:,} showers a class (there {PUBLISHED_SHOWERS}) and judged by "
        f"{judged:,}; the floor from half as many."
    )
    return Result(metrics, note)


def announcement(pairs: int, cells: int, judge: Judge) -> str:
    """Says how long the tests take on two cores that do nothing else.

    Args:
        pairs: Showers of each kind.
        cells: Cells of a shower.
        judge: The classifier and its training.
    """
    # Both tests; next to the cells, the features of the other do not count.
    weights = judge.width * (cells + 2 * judge.hidden * judge.width)
    # The floor has as many runs with half of the showers.
    showers = 2.0 * LEARN * pairs * judge.epochs * judge.runs * 1.5
    seconds = showers * weights * _FLOPS_PER_WEIGHT / _FLOPS_PER_SECOND
    return (
        f"CaloChallenge's tests: {4 * judge.runs} trainings of {judge.epochs} epochs, "
        f"about {max(1.0, seconds / 60.0):.0f} min on two free cores"
    )


def hanley_mcneil(auc: float, first: int, second: int) -> float:
    """Returns the standard deviation of an AUC of given scores.

    Args:
        auc: The AUC.
        first: Number of events of one kind.
        second: Number of events of the other.

    Source: J. A. Hanley and B. J. McNeil, Radiology 143 (1982) 29, equation 1.
    """
    square = auc * auc
    one, other = auc / (2.0 - auc) - square, 2.0 * square / (1.0 + auc) - square
    variance = auc * (1.0 - auc) + (first - 1) * one + (second - 1) * other
    return float(np.sqrt(variance / (first * second)))


def _test(
    generated: Features,
    reference: Features,
    resampling: Resampling,
    seed: int,
    judge: Judge,
) -> Metric:
    network = _Network(generated.shape[1], judge)
    value, floor = [], []
    for run in range(judge.runs):
        value.append(network.auc(generated, reference, seed + run))
        one, other = resampling.splits[run % len(resampling.splits)]
        size = min(len(one.events), len(other.events))
        halves = reference[one.events[:size]], reference[other.events[:size]]
        floor.append(network.auc(*halves, seed + run))
    uncertainty = _uncertainty(value, len(_divided(len(reference), seed)[2]))
    of_floor = _uncertainty(floor, len(_divided(len(reference) // 2, seed)[2]))
    difference = float(np.mean(value) - np.mean(floor))
    return Metric(
        value=float(np.mean(value)),
        uncertainty=uncertainty,
        floor=float(np.mean(floor)),
        floor_uncertainty=of_floor,
        z=significance(difference, float(np.hypot(uncertainty, of_floor))),
    )


def _uncertainty(aucs: list[float], judged: int) -> float:
    """Returns the uncertainty of the mean of some runs."""
    between = float(np.std(aucs, ddof=1)) if len(aucs) > 1 else 0.0
    within = hanley_mcneil(float(np.mean(aucs)), judged, judged)
    return float(np.hypot(between, within) / np.sqrt(len(aucs)))


def _divided(pairs: int, seed: int) -> tuple[Events, Events, Events]:
    """Divides pairs at random: to learn from, to select with, to judge."""
    order = np.random.default_rng(seed).permutation(pairs)
    first, second = int(LEARN * pairs), int(LEARN * pairs) + int(SELECT * pairs)
    return order[:first], order[first:second], order[second:]


class _Network:
    """The classifier, which starts every training from new weights.

    Args:
        inputs: Features of a shower.
        judge: Its sizes and its training.
    """

    def __init__(self, inputs: int, judge: Judge) -> None:
        self._judge = judge
        sizes = [inputs, *[judge.width] * (judge.hidden + 1), 1]
        self._sizes = list(itertools.pairwise(sizes))
        layers: list[keras.layers.Layer] = [keras.Input((inputs,))]
        for width in sizes[1:-1]:
            layers.append(keras.layers.Dense(width))
            layers.append(keras.layers.LeakyReLU(negative_slope=0.01))
        self._model = keras.Sequential([*layers, keras.layers.Dense(1)])
        self._adam = keras.optimizers.Adam(judge.rate, epsilon=1e-8)
        self._adam.build(self._model.trainable_variables)
        self._train = tf.function(self._step, reduce_retracing=True)
        self._forward = tf.function(self._model, reduce_retracing=True)

    def auc(self, generated: Features, reference: Features, seed: int) -> float:
        """Trains, selects the epoch and returns the AUC of the showers judged."""
        parts = [
            (
                np.concatenate([generated[events], reference[events]]),
                np.repeat([1.0, 0.0], len(events)).astype(np.float32)[:, None],
            )
            for events in _divided(len(generated), seed)
        ]
        (features, target), select, (judged, truth) = parts
        random = np.random.default_rng((seed, 1))
        self._restart(random)
        best, weights = -1.0, self._model.get_weights()
        for _ in range(self._judge.epochs):
            order = random.permutation(len(features))
            for start in range(0, len(order), self._judge.batch):
                batch = order[start : start + self._judge.batch]
                self._train(tf.constant(features[batch]), tf.constant(target[batch]))
            accuracy = float(
                np.mean((self._scores(select[0]) > 0.0) == (select[1][:, 0] > 0.0))
            )
            if accuracy > best:
                best, weights = accuracy, self._model.get_weights()
            if accuracy == 1.0:
                break
        self._model.set_weights(weights)
        return roc_auc(self._scores(judged), truth[:, 0] > 0.0)

    def _restart(self, random: np.random.Generator) -> None:
        """Draws weights and biases as PyTorch does, which the CaloChallenge uses."""
        weights = []
        for size, width in self._sizes:
            limit = 1.0 / np.sqrt(size)
            weights.append(random.uniform(-limit, limit, (size, width)))
            weights.append(random.uniform(-limit, limit, width))
        self._model.set_weights(weights)
        for variable in self._adam.variables:
            variable.assign(tf.zeros_like(variable))
        # It is one of them.
        self._adam.learning_rate = self._judge.rate

    def _scores(self, features: Features) -> NDArray[np.float64]:
        parts = [
            self._forward(tf.constant(features[start : start + _PREDICTED_AT_ONCE]))
            for start in range(0, len(features), _PREDICTED_AT_ONCE)
        ]
        return np.concatenate(parts)[:, 0].astype(np.float64)

    def _step(self, features: tf.Tensor, target: tf.Tensor) -> None:
        variables = self._model.trainable_variables
        with tf.GradientTape() as tape:
            scores = self._model(features)
            loss = tf.reduce_mean(
                tf.nn.sigmoid_cross_entropy_with_logits(labels=target, logits=scores)
            )
        gradients = tape.gradient(loss, [one.value for one in variables])
        self._adam.apply(gradients, variables)
