"""Fréchet and kernel physics distance of two samples of features (FPD and KPD).

FPD is the distance of the Gaussians with the samples' means and covariances,

    d = |mu1 - mu2|^2 + Tr(S1 + S2 - 2 (S1 S2)^(1/2)),

extrapolated to infinitely many events. KPD is the squared maximum mean discrepancy

    MMD^2 = <k(x, x')> + <k(y, y')> - 2 <k(x, y)>,   k(x, y) = (x.y / features + 1)^4,

averaged over pairs of different events, which has no bias, as the median over batches.
FPD sees means and covariances alone, KPD the first four moments.

Both are measured in features standardised by the reference; the paper divides by their
largest absolute values instead, so that its numbers are of another scale.

Source: Kansal et al., arXiv:2211.10295; the extrapolation: Chong and Forsyth,
arXiv:1911.07023; the unbiased estimate: Gretton et al., JMLR 13 (2012) 723.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrics.showers.prd import standardised
from metrics.statistics.arrays import Array, ratio
from metrics.statistics.distances import Statistic
from metrics.statistics.resampling import Metric, Resampling

BLOCKS = (1, 2, 3, 4)
"""Into how many blocks the events are divided for the extrapolation in 1 / N."""

_MANY_FEATURES = 100

BATCH_EVENTS = 500
"""Largest number of events a side in a batch of the kernel distance."""

_Moments = tuple[Array, Array]
"""Means [rows, features] and covariances [rows, features, features]."""


def frechet_physics_distance(
    generated: NDArray[Any], reference: NDArray[Any], resampling: Resampling
) -> Metric:
    """Measures FPD beside its floor, both extrapolated to infinitely many events.

    Both are measured between halves, as all distances
    (metrics/statistics/resampling.py). Since the extrapolation takes the bias away, the
    floor is 0 up to its uncertainty and may be negative. Uncertainties are bootstrap
    standard deviations of the extrapolated distance.

    Args:
        generated: Physics features, [events, features].
        reference: Features of as many reference events, pairs of equal condition.
        resampling: Splits and bootstrap weights.

    Returns:
        The metric, a pure number.

    Raises:
        ValueError: If the events are too few for the features.
    """
    return resampling.against_floor(
        *standardised(generated, reference), weighted_frechet_distance
    )


def kernel_physics_distance(
    generated: NDArray[Any], reference: NDArray[Any], resampling: Resampling
) -> Metric:
    """Measures KPD beside its floor.

    The floor is near 0 and more often below it: the estimate of a batch has no bias but
    is skewed, so that its median is lower than its mean.

    Args:
        generated: Physics features, [events, features].
        reference: Features of as many reference events, pairs of equal condition.
        resampling: Splits and bootstrap weights.

    Returns:
        The metric, a pure number; its uncertainties are bootstrap standard deviations.
    """
    return resampling.against_floor(
        *standardised(generated, reference), weighted_kernel_distance
    )


def frechet_distance(first: NDArray[Any], second: NDArray[Any]) -> float:
    """Returns d of two samples as they are, without extrapolation.

    Args:
        first: Features, [n, features].
        second: Features, [m, features].

    Returns:
        The distance, in the squared unit of the features; never negative.
    """
    centre = second.mean(axis=0)
    moments = [
        _moments(sample - centre)(_equal_weights(sample)) for sample in (first, second)
    ]
    return float(_frechet(moments[0], moments[1])[0])


def weighted_frechet_distance(first: Array, second: Array) -> Statistic:
    """Prepares d at infinitely many events for rows of weights.

    For each q of `BLOCKS` the events are divided into q blocks, of which each takes
    every q-th event, and d is averaged over the blocks. Its bias is proportional to
    1 / N, so the intercept of a line through the points (1 / N, d), N = events / q, is
    free of it. For equal distributions the variance of the average grows like q, hence
    the weights 1 / q of the fit.

    Args:
        first: Features, [n, features].
        second: Features of about as many events, [m, features].

    Returns:
        The statistic; it can be negative, since it has no bias.

    Raises:
        ValueError: If the smallest block has no more events than there are features.
    """
    smallest = min(len(first), len(second)) // max(BLOCKS)
    if smallest <= first.shape[1]:
        raise ValueError(
            f"FPD of {first.shape[1]} features needs more than as many events in each "
            f"of {max(BLOCKS)} blocks of half of the events, received {smallest}: take "
            "more events (--num)"
        )
    centre = second.mean(axis=0)
    samples = first - centre, second - centre

    def statistic(first_weights: Array, second_weights: Array) -> Array:
        inverse, distances = [], []
        for number in BLOCKS:
            blocks = [slice(start, None, number) for start in range(number)]
            found = [
                _frechet(
                    _moments(samples[0][block])(_normalised(first_weights[:, block])),
                    _moments(samples[1][block])(_normalised(second_weights[:, block])),
                )
                for block in blocks
            ]
            inverse.append(0.5 * number * (1.0 / len(first) + 1.0 / len(second)))
            distances.append(np.mean(found, axis=0))
        fit = np.polyfit(inverse, np.stack(distances), 1, w=1.0 / np.sqrt(BLOCKS))
        intercept: Array = fit[1]
        return intercept

    return statistic


def kernel_distance(first: NDArray[Any], second: NDArray[Any]) -> float:
    """Returns the unbiased MMD^2 of two samples in one batch.

    Args:
        first: Features, [n, features].
        second: Features, [m, features].

    Returns:
        The distance; it can be negative, since it has no bias.
    """
    return float(
        _discrepancy(first, second, _equal_weights(first), _equal_weights(second))[0]
    )


def weighted_kernel_distance(first: Array, second: Array) -> Statistic:
    """Prepares the median over batches of the unbiased MMD^2 for rows of weights.

    A batch takes every q-th event of both samples, with the smallest q for which no
    batch has more than `BATCH_EVENTS` events.

    Args:
        first: Features, [n, features].
        second: Features, [m, features].

    Returns:
        The statistic.
    """
    number = -(-max(len(first), len(second)) // BATCH_EVENTS)

    def statistic(first_weights: Array, second_weights: Array) -> Array:
        batches = [slice(start, None, number) for start in range(number)]
        found = [
            _discrepancy(
                first[batch],
                second[batch],
                _normalised(first_weights[:, batch]),
                _normalised(second_weights[:, batch]),
            )
            for batch in batches
        ]
        median: Array = np.median(found, axis=0)
        return median

    return statistic


def _equal_weights(features: NDArray[Any]) -> Array:
    return np.full((1, len(features)), 1.0 / len(features))


def _normalised(weights: Array) -> Array:
    return weights / weights.sum(axis=1, keepdims=True)


def _moments(features: Array) -> Callable[[Array], _Moments]:
    """Prepares mean and unbiased covariance for rows of weights."""
    events, number = features.shape
    if number > _MANY_FEATURES:
        return _many_moments(features)
    above = np.triu_indices(number)
    products = features[:, above[0]] * features[:, above[1]]

    def moments(weights: Array) -> _Moments:
        mean = weights @ features
        covariance = np.empty((len(weights), number, number))
        covariance[:, above[0], above[1]] = weights @ products
        covariance[:, above[1], above[0]] = covariance[:, above[0], above[1]]
        covariance -= mean[:, :, np.newaxis] * mean[:, np.newaxis, :]
        return mean, covariance * (events / (events - 1.0))

    return moments


def _many_moments(features: Array) -> Callable[[Array], _Moments]:
    """Prepares the same without all products of two features, row by row."""
    events = len(features)

    def moments(weights: Array) -> _Moments:
        mean = weights @ features
        covariance = np.stack([(features.T * row) @ features for row in weights])
        covariance -= mean[:, :, np.newaxis] * mean[:, np.newaxis, :]
        return mean, covariance * (events / (events - 1.0))

    return moments


def _frechet(first: _Moments, second: _Moments) -> Array:
    """Returns d for every row.

    With S = A A^T, Tr (S1 S2)^(1/2) is the sum of the singular values of A1^T A2: real
    and not negative, for any covariances, and more accurate than the root of a product.
    """
    shift = ((first[0] - second[0]) ** 2).sum(axis=1)
    spreads = np.trace(first[1] + second[1], axis1=1, axis2=2)
    cross = np.swapaxes(_factor(first[1]), 1, 2) @ _factor(second[1])
    overlap = np.linalg.svd(cross, compute_uv=False).sum(axis=1)
    return np.maximum(shift + spreads - 2.0 * overlap, 0.0)


def _factor(covariance: Array) -> Array:
    """Returns A with A A^T = covariance; eigenvalues below 0 by rounding become 0."""
    variances, directions = np.linalg.eigh(covariance)
    factor: Array = directions * np.sqrt(np.maximum(variances, 0.0))[:, np.newaxis, :]
    return factor


def _discrepancy(
    first: NDArray[Any],
    second: NDArray[Any],
    first_weights: Array,
    second_weights: Array,
) -> Array:
    """Returns the unbiased MMD^2 for every row of weights."""
    cross = np.einsum(
        "ri,ri->r", first_weights @ _kernel(first, second), second_weights
    )
    within = _within(first, first_weights) + _within(second, second_weights)
    return within - 2.0 * cross


def _within(features: NDArray[Any], weights: Array) -> Array:
    """Averages the kernel over pairs of different events."""
    kernel = _kernel(features, features)
    np.fill_diagonal(kernel, 0.0)
    pairs = np.einsum("ri,ri->r", weights @ kernel, weights)
    return ratio(pairs, 1.0 - (weights**2).sum(axis=1))


def _kernel(first: NDArray[Any], second: NDArray[Any]) -> Array:
    kernel: Array = (first @ second.T / first.shape[1] + 1.0) ** 4
    return kernel
