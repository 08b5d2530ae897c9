"""Distances between two samples of a number, in which events may carry weights.

Every distance comes twice: as a plain function of two samples, and as a `Statistic`,
prepared once for two samples and then evaluated for many rows of weights, which is
what bootstrap and floor need (metrics/statistics/resampling.py).
"""

from collections.abc import Callable

import numpy as np
import scipy.stats

from metrics.statistics.arrays import Array, ratio

Statistic = Callable[[Array, Array], Array]
"""Maps weights [rows, n] and [rows, m] of two samples to one number per row.

Every row of weights sums to 1.
"""

BINS = 50
"""Number of bins of the separation power."""

_OPEN_TAILS = 0.001


def wasserstein(first: Array, second: Array) -> float:
    """Returns the first Wasserstein distance: W1 = integral |F1(x) - F2(x)| dx.

    Args:
        first: Values, [n].
        second: Values, [m].

    Returns:
        The distance, in the unit of the values.
    """
    return float(scipy.stats.wasserstein_distance(first, second))


def normalised_wasserstein(generated: Array, reference: Array) -> float:
    """Returns W1 / sigma, with the standard deviation of the reference.

    Args:
        generated: Values, [n].
        reference: Values, [m].

    Returns:
        The distance, a pure number; not normalised if the reference does not vary.
    """
    return wasserstein(generated, reference) / scale(reference)


def scale(reference: Array) -> float:
    """Returns the standard deviation of the reference, 1 if it does not vary."""
    return float(np.std(reference)) or 1.0


def bin_edges(reference: Array) -> Array:
    """Returns the inner edges of the bins of the separation power.

    `BINS` bins of equal width: the first and the last are open, the others span the
    central 99.8 % of the reference. The model that is judged has no influence.

    Args:
        reference: Values of the whole reference, [n].

    Returns:
        Edges, float64 [BINS - 1].
    """
    low, high = np.quantile(reference, [_OPEN_TAILS, 1.0 - _OPEN_TAILS])
    if low == high:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, BINS - 1)


def separation_power(first: Array, second: Array, edges: Array) -> float:
    """Returns S = 1/2 sum_b (h1_b - h2_b)^2 / (h1_b + h2_b), between 0 and 1.

    Args:
        first: Values, [n].
        second: Values, [m].
        edges: Inner edges of the bins; the outer bins are open.

    Returns:
        0 for equal and 1 for disjoint normalised histograms h1, h2.
    """
    statistic = weighted_separation(first, second, edges)
    return float(statistic(_equal_weights(first), _equal_weights(second))[0])


def weighted_wasserstein(first: Array, second: Array) -> Statistic:
    """Prepares W1 of two samples for rows of weights.

    Args:
        first: Values, [n].
        second: Values, [m].

    Returns:
        The statistic.
    """
    values = np.concatenate([first, second])
    order = np.argsort(values, kind="stable")
    steps = np.diff(values[order])

    def statistic(first_weights: Array, second_weights: Array) -> Array:
        signed = np.concatenate([first_weights, -second_weights], axis=1)
        difference = np.cumsum(signed[:, order], axis=1)[:, :-1]
        distance: Array = np.abs(difference, out=difference) @ steps
        return distance

    return statistic


def weighted_separation(first: Array, second: Array, edges: Array) -> Statistic:
    """Prepares the separation power of two samples for rows of weights.

    Args:
        first: Values, [n].
        second: Values, [m].
        edges: Inner edges of the bins; the outer bins are open.

    Returns:
        The statistic.
    """
    histograms = _histogram(first, edges), _histogram(second, edges)

    def statistic(first_weights: Array, second_weights: Array) -> Array:
        h1, h2 = histograms[0](first_weights), histograms[1](second_weights)
        power: Array = 0.5 * ratio((h1 - h2) ** 2, h1 + h2).sum(axis=1)
        return power

    return statistic


def weighted_profile_distance(first: Array, second: Array) -> Statistic:
    """Prepares the distance of two mean profiles for rows of weights.

    D = sum_k |p1_k - p2_k| / sum_k (p1_k + p2_k) / 2, with p the mean over events of
    entry k: the mean absolute deviation in units of the mean; 0 to 2.

    Args:
        first: One profile per event, [n, k].
        second: One profile per event, [m, k].

    Returns:
        The statistic.
    """

    def statistic(first_weights: Array, second_weights: Array) -> Array:
        p1 = first_weights @ first
        p2 = second_weights @ second
        return 2.0 * ratio(np.abs(p1 - p2).sum(axis=1), (p1 + p2).sum(axis=1))

    return statistic


def weighted_correlation_distance(first: Array, second: Array) -> Statistic:
    """Prepares the largest difference of two correlation matrices.

    D = max_ij |C1_ij - C2_ij| with C Pearson's correlation of the columns.

    Args:
        first: Features, [n, k].
        second: Features, [m, k].

    Returns:
        The statistic.
    """
    moments = _correlations(first), _correlations(second)

    def statistic(first_weights: Array, second_weights: Array) -> Array:
        difference = moments[0](first_weights) - moments[1](second_weights)
        largest: Array = np.abs(difference).max(axis=1)
        return largest

    return statistic


def weighted_mean(values: Array, weights: Array) -> Array:
    """Returns the mean of values [n] for every row of weights [rows, n]."""
    mean: Array = (weights @ values) / weights.sum(axis=1)
    return mean


def weighted_width(values: Array, weights: Array) -> Array:
    """Returns the standard deviation of values [n] for every row of weights."""
    centred = values - values.mean()
    mean = weighted_mean(centred, weights)
    return np.sqrt(np.maximum(weighted_mean(centred**2, weights) - mean**2, 0.0))


def weighted_resolution(values: Array, weights: Array) -> Array:
    """Returns standard deviation / mean of values [n] for every row of weights."""
    return ratio(weighted_width(values, weights), weighted_mean(values, weights))


def _equal_weights(values: Array) -> Array:
    return np.full((1, len(values)), 1.0 / len(values))


def _histogram(values: Array, edges: Array) -> Callable[[Array], Array]:
    """Prepares the histogram of values for rows of weights, [rows, bins]."""
    order = np.argsort(values, kind="stable")
    inner = np.searchsorted(values[order], edges, side="left")
    borders = np.concatenate([[0], inner, [len(values)]])

    def histogram(weights: Array) -> Array:
        # Faster than a product with the bins' indicator matrix.
        cumulative = np.zeros((len(weights), len(values) + 1))
        np.cumsum(weights[:, order], axis=1, out=cumulative[:, 1:])
        return np.maximum(np.diff(cumulative[:, borders], axis=1), 0.0)

    return histogram


def _correlations(features: Array) -> Callable[[Array], Array]:
    """Prepares the correlations above the diagonal, [rows, pairs], for weights."""
    centred = features - features.mean(axis=0)
    scaled = ratio(centred, np.broadcast_to(centred.std(axis=0), centred.shape))
    first, second = np.triu_indices(features.shape[1], k=1)
    products = scaled[:, first] * scaled[:, second]

    def matrix(weights: Array) -> Array:
        mean = weights @ scaled
        width = np.sqrt(np.maximum(weights @ scaled**2 - mean**2, 0.0))
        covariance = weights @ products - mean[:, first] * mean[:, second]
        return ratio(covariance, width[:, first] * width[:, second])

    return matrix
