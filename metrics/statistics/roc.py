"""The curve of a classifier's true against false positives, and its area (AUC)."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_curve

from metrics.statistics.arrays import Array

CURVE_POINTS = 200
"""Largest number of points of a curve."""


def roc_auc(scores: Array, generated: NDArray[np.bool_]) -> float:
    """Returns P(score of a generated event > score of a reference event).

    Args:
        scores: Scores, [events]; ties count one half.
        generated: Which events are generated, bool [events].

    Returns:
        The AUC.
    """
    return float(weighted_auc(scores, generated, np.ones((1, len(scores))))[0])


def weighted_auc(scores: Array, generated: NDArray[np.bool_], weights: Array) -> Array:
    """Returns the AUC for every row of weights.

    Args:
        scores: Scores, [events]; ties count one half.
        generated: Which events are generated, bool [events].
        weights: Weights, [rows, events].

    Returns:
        AUCs, [rows].
    """
    return auc_statistic(scores, generated)(weights)


def auc_statistic(
    scores: Array, positive: NDArray[np.bool_]
) -> Callable[[Array], Array]:
    """Prepares the AUC for many rows of weights, exactly.

    AUC = sum_ij w_i v_j [1(x_i > y_j) + 1(x_i = y_j) / 2] / (sum w sum v), with i over
    positive and j over negative events, in O(n log n). Weights may be negative; the
    AUC then need not lie between 0 and 1. It estimates that of the signals without
    bias in numerator and denominator.

    Args:
        scores: Scores, [events].
        positive: Which events shall have large scores, bool [events].

    Returns:
        The statistic: weights [rows, events] to AUCs [rows].
    """
    values, place = np.unique(scores, return_inverse=True)
    order = np.argsort(place, kind="stable")
    starts = np.searchsorted(place[order], np.arange(len(values)))
    of_positive = positive[order].astype(np.float64)
    of_negative = 1.0 - of_positive

    def statistic(weights: Array) -> Array:
        ordered = weights[:, order]
        above = np.add.reduceat(ordered * of_positive, starts, axis=1)
        below = np.add.reduceat(ordered * of_negative, starts, axis=1)
        passed = np.cumsum(below, axis=1) - 0.5 * below
        product: Array = (above * passed).sum(axis=1)
        return product / (above.sum(axis=1) * below.sum(axis=1))

    return statistic


def roc_points(scores: Array, generated: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Returns the curve, thinned to at most `CURVE_POINTS` points.

    Args:
        scores: Scores, [events].
        generated: Which events are generated, bool [events].

    Returns:
        The fractions of reference events (false positives) and of generated events
        (true positives) whose score reaches a threshold, for falling thresholds, from
        (0, 0) to (1, 1).
    """
    false, true, _ = roc_curve(generated, scores)
    # Equal steps along the curve: a steep start and a flat end both keep their points.
    steps = np.linspace(0.0, 2.0, CURVE_POINTS)
    chosen = np.unique(np.searchsorted(false + true, steps - 1e-9))
    return false[chosen], true[chosen]
