"""Classifier two-sample test: can a classifier tell generated from reference showers?

The AUC is measured out of sample: every event is scored by a classifier that was
trained on the other folds. A generated event and the reference event of the same
condition share a fold, so that no classifier sees a condition it is asked about.
"""

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from metrics.resampling import Metric, Resampling, significance, spread
from metrics.showers import Array

FOLDS = 4
"""Number of folds of the cross-validation."""


def area_under_curve(scores: Array, generated: NDArray[np.bool_]) -> float:
    """Returns P(score of a generated event > score of a reference event).

    Args:
        scores: Scores, [events]; ties count one half.
        generated: Which events are generated, bool [events].

    Returns:
        The area under the ROC curve.
    """
    return float(_weighted_area(scores, generated, np.ones((1, len(scores))))[0])


def out_of_fold_scores(generated: Array, reference: Array, seed: int) -> Array:
    """Scores every event by a classifier that has not seen it.

    Args:
        generated: Features of generated events, [events, features].
        reference: Features of as many reference events, pairs of equal condition.
        seed: Seed of folds and classifiers.

    Returns:
        Probabilities of being generated, first of all generated events, then of all
        reference events, [2 * events].
    """
    features = np.concatenate([generated, reference])
    target = np.repeat([1, 0], [len(generated), len(reference)])
    random = np.random.default_rng(seed)
    fold = random.permutation(np.arange(len(generated)) % FOLDS)
    fold = np.concatenate([fold, fold])
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


def classifier_auc(
    generated: Array, reference: Array, resampling: Resampling, seed: int
) -> Metric:
    """Measures the AUC of generated against reference events beside its floor.

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
        The metric: 0.5 cannot be told apart, 1 always.
    """
    scores = out_of_fold_scores(generated, reference, seed)
    is_generated = np.repeat([True, False], [len(generated), len(reference)])
    weights = np.concatenate([resampling.generated, resampling.reference], axis=1)
    value = _weighted_area(scores, is_generated, weights)
    floors = []
    for one, other in resampling.splits:
        size = min(len(one.events), len(other.events))
        scores = out_of_fold_scores(
            reference[one.events[:size]], reference[other.events[:size]], seed
        )
        floors.append(area_under_curve(scores, np.arange(2 * size) < size))
    floor, among_halves = float(np.mean(floors)), float(np.std(floors, ddof=1))
    among_models = among_halves / np.sqrt(2.0)
    uncertainty = max(spread(value), among_models)
    of_mean = among_halves / np.sqrt(len(floors))
    return Metric(
        value=float(value[0]),
        uncertainty=uncertainty,
        floor=floor,
        floor_uncertainty=among_models,
        z=significance(float(value[0]) - floor, float(np.hypot(uncertainty, of_mean))),
    )


def _weighted_area(
    scores: Array, generated: NDArray[np.bool_], weights: Array
) -> Array:
    """Returns the area under the curve for every row of weights."""
    values, place = np.unique(scores, return_inverse=True)
    order = np.argsort(place, kind="stable")
    starts = np.searchsorted(place[order], np.arange(len(values)))
    above = np.add.reduceat((weights * generated)[:, order], starts, axis=1)
    below = np.add.reduceat((weights * ~generated)[:, order], starts, axis=1)
    passed = np.cumsum(below, axis=1) - 0.5 * below
    area: Array = (above * passed).sum(axis=1)
    return area / (above.sum(axis=1) * below.sum(axis=1))
