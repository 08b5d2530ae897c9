"""Numbers of a sample whose weights may be negative."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrics.statistics.arrays import Array, ratio


def effective_tracks(weight: NDArray[Any]) -> float:
    """Returns the number of tracks of weight 1 that would be known as well.

    n = (sum w)^2 / sum w^2.

    Args:
        weight: Weights, [tracks]; may be negative.

    Returns:
        The number; 0 without a positive sum, from which nothing can be normalised.
    """
    total = float(np.sum(weight, dtype=np.float64))
    squares = float(np.sum(np.square(weight, dtype=np.float64)))
    return total**2 / squares if total > 0.0 else 0.0


def weighted_quantiles(
    values: NDArray[Any], weight: Array, fractions: Sequence[float]
) -> Array:
    """Returns where the cumulative sum of weights first reaches fractions of the total.

    With negative weights the cumulative sum may fall: the first crossing counts.

    Args:
        values: Numbers, [tracks].
        weight: Their weights, with a positive sum, [tracks].
        fractions: Fractions between 0 and 1.

    Returns:
        The quantiles, [fractions].
    """
    order = np.argsort(values, kind="stable")
    cumulative = np.cumsum(weight[order])
    highest = np.maximum.accumulate(cumulative)
    wanted = np.asarray(fractions) * cumulative[-1]
    place = np.minimum(np.searchsorted(highest, wanted), len(order) - 1)
    return np.asarray(values[order][place], np.float64)


def weighted_scale(values: NDArray[Any], weight: Array) -> float:
    """Returns the weighted standard deviation; 1 where it is not positive.

    Args:
        values: Numbers, [tracks].
        weight: Their weights, with a positive sum, [tracks].
    """
    centred = values - float(np.mean(values, dtype=np.float64))
    mean, square = (weight @ centred**power / weight.sum() for power in (1, 2))
    variance = float(square - mean**2)
    return float(np.sqrt(variance)) if variance > 0.0 else 1.0


def normalised_histogram(
    values: NDArray[Any], weight: Array, edges: Array
) -> tuple[Array, Array]:
    """Returns fractions of the weights in bins and their errors.

    The error of a sum of weights is sqrt(sum w^2); that of the total is neglected.

    Args:
        values: Numbers, [tracks].
        weight: Their weights, [tracks]; may be negative.
        edges: Edges of the bins, [bins + 1].

    Returns:
        Fractions and errors, [bins] each; 0 if the weights have no positive sum.
    """
    total = np.full(len(edges) - 1, weight.sum())
    sums = np.histogram(values, edges, weights=weight)[0]
    squares = np.histogram(values, edges, weights=weight**2)[0]
    return ratio(sums, total), ratio(np.sqrt(squares), total)
