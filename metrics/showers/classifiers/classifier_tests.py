"""Classifier two-sample tests: can a classifier tell generated from reference showers?

Three classifiers are asked here: boosted trees and a small network that see the
observables, and, where it has to be quick, a small network that sees the cells; the
strong one is in `metrics.showers.classifiers.cell_classifier`. Each AUC is measured out
of sample: every event is scored by a classifier that was trained on the other folds. A
generated event and the reference event of the same condition share a fold, so that no
classifier sees a condition it is asked about.
"""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from metrics.observables.calorimeter import energy_response, visible_energy
from metrics.showers.classifiers import small_networks
from metrics.showers.classifiers.network_inputs import (
    Encoded,
    encoded_cells,
    encoded_features,
)
from metrics.showers.classifiers.small_networks import FOLDS, folds
from metrics.showers.shower_pairs import Comparison
from metrics.statistics.arrays import Array
from metrics.statistics.curves import Curve
from metrics.statistics.resampling import Metric, Resampling, significance, spread
from metrics.statistics.roc import roc_auc, roc_points, weighted_auc

NETWORK_SPLITS = 2
"""Number of random splits for the floor of a network; the trees take all."""

Events = NDArray[np.intp]
Scorer = Callable[[Events, Events], Array]
"""Maps numbers of events in the role of generated ones, and of as many in that of
reference events, to the out-of-fold scores of both. Events 0 to n - 1 are generated,
n to 2 n - 1 the reference."""


@dataclasses.dataclass(frozen=True, eq=False)
class ClassifierResult:
    """What a classifier two-sample test has found.

    Attributes:
        metric: The AUC: 0.5 cannot be told apart, 1 always.
        curve: The ROC curve: x is the fraction of reference events whose score exceeds
            a threshold (false positives), y that of the generated events (true
            positives). The floor's is that of the scores of all its splits together.
    """

    metric: Metric
    curve: Curve


def classifier_tests(
    comparison: Comparison, resampling: Resampling, seed: int
) -> dict[str, ClassifierResult]:
    """Runs the tests on observables.

    Args:
        comparison: Generated and reference showers.
        resampling: Splits and bootstrap weights.
        seed: Seed of folds and classifiers.

    Returns:
        `classifier_auc`, of trees that see all observables and the incident energy; and
        `classifier_auc_network`, of a network that sees the conditions too.

    Raises:
        ValueError: If there are fewer than two pairs per fold, in a half too.
    """
    energy, condition = comparison.energy, comparison.condition
    generated, reference = (
        np.column_stack([*values.values(), energy]) for values in comparison.values
    )
    return {
        "classifier_auc": trees_test(generated, reference, resampling, seed),
        "classifier_auc_network": network_test(
            np.column_stack([generated, condition]),
            np.column_stack([reference, condition]),
            resampling,
            seed,
        ),
    }


def trees_test(
    generated: Array, reference: Array, resampling: Resampling, seed: int
) -> ClassifierResult:
    """Asks boosted trees.

    The floor is the mean AUC between random halves of the reference, 0.5 on average for
    any number of events. Its uncertainty is the standard deviation over these splits,
    divided by sqrt(2) for twice the events: the spread among perfect models. It is
    larger than a bootstrap of the events with their scores, which knows nothing of the
    training; the uncertainty of the value is the larger of both.

    Args:
        generated: Features of generated events, [events, features].
        reference: Features of reference events of equal condition, [events, features].
        resampling: Splits and bootstrap weights.
        seed: Seed of folds and classifiers.

    Returns:
        AUC and ROC curve.

    Raises:
        ValueError: If there are fewer than two pairs per fold, in a half too.
    """
    features = np.concatenate([generated, reference])

    def score(first: Events, second: Events) -> Array:
        return out_of_fold_scores(features[first], features[second], seed)

    return _result(score, resampling, len(resampling.splits), _measured_spread)


def network_test(
    generated: Array, reference: Array, resampling: Resampling, seed: int
) -> ClassifierResult:
    """Asks a small dense network.

    The floor is that of `trees_test` over the first `NETWORK_SPLITS` splits, too few to
    measure their spread: instead the uncertainty is the closed form of Hanley and
    McNeil for equal distributions, times sqrt(2) as the classifiers of the folds share
    their events. The uncertainty of the value is the larger of this and of a bootstrap
    of the scores.

    Args:
        generated: Features of generated events, [events, features].
        reference: Features of reference events of equal condition, [events, features].
        resampling: Splits and bootstrap weights.
        seed: Seed of folds and network.

    Returns:
        AUC and ROC curve.

    Raises:
        ValueError: If there are fewer than two pairs per fold, in a half too.

    Source: J. A. Hanley and B. J. McNeil, Radiology 143 (1982) 29.
    """
    both = (encoded_features(one, reference) for one in (generated, reference))
    return _network_result([np.concatenate([*both])], resampling, seed)


def cells_test(
    comparison: Comparison, resampling: Resampling, seed: int
) -> ClassifierResult:
    """Asks a small network with convolutions; else as `network_test`.

    It sees all cells, the conditions, and visible and visible / incident energy, which
    from logarithms of cells alone it does not learn within seconds.

    Args:
        comparison: Generated and reference showers.
        resampling: Splits and bootstrap weights.
        seed: Seed of folds and network.

    Returns:
        AUC and ROC curve.

    Raises:
        ValueError: If there are fewer than two pairs per fold, in a half too.
    """

    def features(response: NDArray[np.float32]) -> Array:
        energy = comparison.energy
        sums = visible_energy(response), energy_response(response, energy)
        return np.column_stack([*sums, energy, comparison.condition])

    generated, reference = comparison.both(features)
    numbers = [encoded_features(one, reference) for one in (generated, reference)]
    cells = comparison.both(lambda one: encoded_cells(one, comparison.reference))
    inputs = [np.concatenate(cells), np.concatenate(numbers)]
    return _network_result(inputs, resampling, seed)


def out_of_fold_scores(generated: Array, reference: Array, seed: int) -> Array:
    """Scores every event by a classifier that has not seen it.

    Args:
        generated: Features of generated events, [events, features].
        reference: Features of as many reference events, pairs of equal condition.
        seed: Seed of folds and classifiers.

    Returns:
        Probabilities of being generated, first of all generated events, then of all
        reference events, [2 * events].

    Raises:
        ValueError: If there are fewer than two pairs per fold, in a half too.
    """
    features = np.concatenate([generated, reference])
    target = np.repeat([1, 0], [len(generated), len(reference)])
    fold = np.tile(folds(len(generated), seed), 2)
    scores: Array = np.empty(len(features))
    for number in range(FOLDS):
        held_out = fold == number
        classifier = HistGradientBoostingClassifier(
            max_iter=60, max_leaf_nodes=15, early_stopping=False, random_state=seed
        )
        # On a busy machine threads that wait for each other cost a hundredfold.
        with threadpool_limits(1):
            classifier.fit(features[~held_out], target[~held_out])
            scores[held_out] = classifier.predict_proba(features[held_out])[:, 1]
    return scores


def _network_result(
    inputs: Sequence[Encoded], resampling: Resampling, seed: int
) -> ClassifierResult:
    network = small_networks.classifier(inputs, seed)

    def score(first: Events, second: Events) -> Array:
        events = np.concatenate([first, second])
        target = np.repeat([[1.0], [0.0]], len(first), axis=0)
        return network.out_of_fold(events, target, events, len(first), seed)[:, 0]

    return _result(
        score, resampling, NETWORK_SPLITS, lambda _, size: expected_spread(size)
    )


def _result(
    score: Scorer,
    resampling: Resampling,
    splits: int,
    spread_of_floors: Callable[[list[float], int], float],
) -> ClassifierResult:
    """Measures value and floor; `spread_of_floors` maps floors and pairs of each."""
    pairs = resampling.generated.shape[1]
    everyone = np.arange(pairs)
    scores = score(everyone, everyone + pairs)
    is_generated = np.repeat([True, False], pairs)
    weights = np.concatenate([resampling.generated, resampling.reference], axis=1)
    value = weighted_auc(scores, is_generated, weights)
    floors, floor_scores, first = [], [], []
    for one, other in resampling.splits[:splits]:
        size = min(len(one.events), len(other.events))
        floor_scores.append(
            score(one.events[:size] + pairs, other.events[:size] + pairs)
        )
        first.append(np.arange(2 * size) < size)
        floors.append(roc_auc(floor_scores[-1], first[-1]))
    among_halves = spread_of_floors(floors, pairs // 2)
    among_models = float(among_halves / np.sqrt(2.0))
    uncertainty = max(spread(value), among_models)
    of_mean = among_halves / np.sqrt(len(floors))
    difference = float(value[0]) - float(np.mean(floors))
    metric = Metric(
        value=float(value[0]),
        uncertainty=uncertainty,
        floor=float(np.mean(floors)),
        floor_uncertainty=among_models,
        z=significance(difference, float(np.hypot(uncertainty, of_mean))),
    )
    curve = roc_points(scores, is_generated)
    floor_curve = roc_points(np.concatenate(floor_scores), np.concatenate(first))
    return ClassifierResult(metric, Curve(*curve, *floor_curve))


def _measured_spread(floors: list[float], _: int) -> float:
    return float(np.std(floors, ddof=1))


def expected_spread(pairs: int, auc: float = 0.5) -> float:
    """Returns the standard deviation of the AUC between samples of one size.

    That of Hanley and McNeil is, between samples of one distribution, sqrt((2 n + 1) /
    12) / n. Here an event is held out once and trained on in all other folds. Where two
    folds happen to differ in the same way, each is separated by the classifier that has
    learnt from the other: their AUCs deviate together, which doubles the variance
    (exactly so for a linear classifier that takes the difference of the means).

    Args:
        pairs: Number of pairs of showers, each asked about out of fold.
        auc: The expected AUC; 0.5 where both samples have one distribution.

    Source: J. A. Hanley and B. J. McNeil, Radiology 143 (1982) 29.
    """
    above, below = auc / (2.0 - auc), 2.0 * auc**2 / (1.0 + auc)
    deviations = above + below - 2.0 * auc**2
    variance = (auc * (1.0 - auc) + (pairs - 1) * deviations) / pairs**2
    return float(np.sqrt(2.0 * variance))
