"""The curve of a classifier's true against false positives, and the area under it."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_curve

from metrics.showers import Array

CURVE_POINTS = 200
"""Largest number of points of a curve."""


def area_under_curve(scores: Array, generated: NDArray[np.bool_]) -> float:
    """Returns P(score of a generated event > score of a reference event).

    Args:
        scores: Scores, [events]; ties count one half.
        generated: Which events are generated, bool [events].

    Returns:
        The area under the ROC curve.
    """
    return float(weighted_area(scores, generated, np.ones((1, len(scores))))[0])


def weighted_area(scores: Array, generated: NDArray[np.bool_], weights: Array) -> Array:
    """Returns the area under the curve for every row of weights.

    Args:
        scores: Scores, [events]; ties count one half.
        generated: Which events are generated, bool [events].
        weights: Weights, [rows, events].

    Returns:
        Areas, [rows].
    """
    return area_statistic(scores, generated)(weights)


def area_statistic(
    scores: Array, positive: NDArray[np.bool_]
) -> Callable[[Array], Array]:
    """Prepares the area under the curve for many rows of weights, exactly.

    AUC = sum_ij w_i v_j [1(x_i > y_j) + 1(x_i = y_j) / 2] / (sum w sum v), with i over
    positive and j over negative events, in O(n log n). Weights may be negative; the
    area then need not lie between 0 and 1. It estimates that of the signals without
    bias in numerator and denominator.

    Args:
        scores: Scores, [events].
        positive: Which events shall have large scores, bool [events].

    Returns:
        The statistic: weights [rows, events] to areas [rows].
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
        area: Array = (above * passed).sum(axis=1)
        return area / (above.sum(axis=1) * below.sum(axis=1))

    return statistic


def roc_points(scores: Array, generated: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Returns the curve, thinned to at most `CURVE_POINTS` points.

    Args:
        scores: Scores, [events].
        generated: Which events are generated, bool [events].

    Returns:
        The shares of reference events (false positives) and of generated events (true
        positives) whose score reaches a threshold, for falling thresholds, from (0, 0)
        to (1, 1).
    """
    false, true, _ = roc_curve(generated, scores)
    # Equal steps along the curve: a steep start and a flat end both keep their points.
    steps = np.linspace(0.0, 2.0, CURVE_POINTS)
    chosen = np.unique(np.searchsorted(false + true, steps - 1e-9))
    return false[chosen], true[chosen]
