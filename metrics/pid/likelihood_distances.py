"""Distances between the likelihoods of generated and reference tracks, weights signed.

With negative weights a cumulative fraction F(x) = sum_{x_i <= x} w_i / sum w need not
rise everywhere, nor stay between 0 and 1. Both distances are functions of the
difference of two such fractions. It is well defined and estimates the difference of the
two signals' distributions without bias. It does not change when a track is split into
two whose weights add up. What negative weights add is noise, equally in value and
floor.
"""

import numpy as np
from numpy.typing import NDArray

from metrics.pid.track_pairs import Tracks
from metrics.pid.track_resampling import PairResampling, sums
from metrics.statistics.arrays import Array, ratio
from metrics.statistics.resampling import Metric, beside_floor
from metrics.statistics.weighted import weighted_scale

_Grid = tuple[NDArray[np.intp], Array]
"""Where the weight of each value is added, see `_keys`, and the steps of the grid."""

GRID_POINTS = 1024
"""Points of the grid on which replicates are measured; the sample itself is exact."""


def weighted_distances(
    first: Array, second: Array, first_weight: Array, second_weight: Array
) -> tuple[float, float]:
    """Returns the Kolmogorov-Smirnov and the first Wasserstein distance.

    KS = max_x |F1(x) - F2(x)| and W1 = integral |F1(x) - F2(x)| dx, with the cumulative
    fractions of signed weights that the module describes. KS can exceed 1.

    Args:
        first: Values, [n].
        second: Values, [m].
        first_weight: Their weights, with a positive sum, [n].
        second_weight: Likewise, [m].

    Returns:
        KS, a pure number, and W1, in the unit of the values.
    """
    grid = np.unique(np.concatenate([first, second]))
    fractions = []
    for values, weight in ((first, first_weight), (second, second_weight)):
        place = np.searchsorted(grid, values)
        cumulative = np.cumsum(sums(place, weight, len(grid)))
        fractions.append(cumulative / cumulative[-1])
    ks, w1 = _distances(fractions[0] - fractions[1], np.diff(grid))
    return float(ks), float(w1)


def shape_distances(tracks: Tracks, resampling: PairResampling) -> dict[str, Metric]:
    """Measures both distances of every component and species beside their floors.

    Args:
        tracks: Generated and reference tracks.
        resampling: Splits and replicates.

    Returns:
        `wasserstein_<species>_<component>`, W1 in weighted standard deviations of the
        reference, and `kolmogorov_<species>_<component>`.
    """
    found: dict[str, Metric] = {}
    for species, members in tracks.members.items():
        prepared = []
        for component in tracks.spec.component_names:
            generated, reference = (one[members] for one in tracks.pair(component))
            scale = weighted_scale(reference, tracks.weight[members])
            pair = generated / scale, reference / scale
            prepared.append(_prepared(*pair, resampling.halves[:, members]))
        rows = _against_floor(prepared, members, resampling)
        for component, measured in zip(
            tracks.spec.component_names, np.moveaxis(rows, 1, 0), strict=True
        ):
            for number, kind in enumerate(("kolmogorov", "wasserstein")):
                value, floor = measured[:, :, number].T
                found[f"{kind}_{species}_{component}"] = beside_floor(value, floor)
    return found


def correlations(tracks: Tracks, resampling: PairResampling) -> dict[str, Metric]:
    """Measures the largest difference of the components' weighted correlations.

    Args:
        tracks: Generated and reference tracks.
        resampling: Splits and replicates.

    Returns:
        `correlation_<species>`: max_ij |C1_ij - C2_ij| beside its floor.
    """
    found = {}
    for species, members in tracks.members.items():
        middle, scale = _standard(tracks, members)
        products = [
            _products((one[members] - middle) / scale)
            for one in (tracks.generated, tracks.reference)
        ]
        rows = []
        for _, weights in resampling.weights(members):
            value = floor = np.zeros(len(weights))
            whole = [weights @ one for one in products]
            for half in resampling.halves[:, members]:
                first = [(weights * half) @ one for one in products]
                second = [a - b for a, b in zip(whole, first, strict=True)]
                generated = [_correlation(one[0]) for one in (first, second)]
                reference = [_correlation(one[1]) for one in (first, second)]
                value = value + _largest(generated[0], reference[1])
                value = value + _largest(generated[1], reference[0])
                floor = floor + _largest(reference[0], reference[1])
            splits = len(resampling.halves)
            rows.append(np.stack([value / (2 * splits), floor / splits]))
        found[f"correlation_{species}"] = beside_floor(*np.concatenate(rows, axis=1))
    return found


def correlation_matrix(response: Array, weight: Array) -> Array:
    """Returns Pearson's correlations of the components with signed weights.

    Args:
        response: Responses, [tracks, components].
        weight: Their weights, with a positive sum, [tracks].

    Returns:
        The matrix, [components, components]; 0 beside a component without a positive
        weighted variance.
    """
    centred = response - response.mean(axis=0)
    size = response.shape[1]
    found = np.eye(size)
    upper = np.triu_indices(size, k=1)
    found[upper] = _correlation((weight @ _products(centred))[None])[0]
    found.T[upper] = found[upper]
    return found


def _prepared(
    generated: Array, reference: Array, halves: NDArray[np.bool_]
) -> tuple[_Grid, _Grid]:
    """Prepares the exact grid of the sample and the thin one of its replicates."""
    merged = np.sort(np.concatenate([generated, reference]))
    thin = np.linspace(0, len(merged) - 1, GRID_POINTS).round().astype(np.intp)
    exact, coarse = (
        (_keys(generated, reference, halves, grid), np.diff(grid))
        for grid in (np.unique(merged), np.unique(merged[thin]))
    )
    return exact, coarse


def _against_floor(
    prepared: list[tuple[_Grid, _Grid]],
    members: NDArray[np.intp],
    resampling: PairResampling,
) -> Array:
    """Measures (KS, W1) of every row: value and floor, [rows, components, 2, 2]."""
    found = []
    for some, rows in resampling.weights(members):
        for number, weight in enumerate(rows, some.start):
            both = np.tile(weight, 2)
            found.append([_one_row(*grids[number > 0], both) for grids in prepared])
    return np.array(found)


def _keys(
    generated: Array, reference: Array, halves: NDArray[np.bool_], grid: Array
) -> NDArray[np.intp]:
    """Numbers the grid point and the quarter of every value, [splits, 2 n].

    A quarter is one half of the generated or of the reference values; a value belongs
    to the first grid point that is not below it.
    """
    place = np.searchsorted(grid, np.concatenate([generated, reference]))
    side = np.repeat([0, 1], len(generated))
    quarter = 2 * side + np.tile(halves, 2)
    keys: NDArray[np.intp] = quarter * len(grid) + place
    return keys


def _one_row(keys: NDArray[np.intp], steps: Array, weight: Array) -> Array:
    """Averages (KS, W1) over the splits: value and floor, [2, 2]."""
    total = np.zeros((3, 2))
    for key in keys:
        quarters = sums(key, weight, 4 * (len(steps) + 1)).reshape(4, -1)
        fractions = np.cumsum(quarters, axis=1)
        fractions /= fractions[:, -1:]
        # Halves 0 and 1 of the generated, then of the reference values.
        total += _distances(fractions[[1, 0, 3]] - fractions[[2, 3, 2]], steps)
    total /= len(keys)
    return np.stack([total[:2].mean(axis=0), total[2]])


def _distances(difference: Array, steps: Array) -> Array:
    """Returns KS and W1 of differences of cumulative fractions on a grid, [..., 2]."""
    away = np.abs(difference)
    return np.stack([away.max(axis=-1), away[..., :-1] @ steps], axis=-1)


def _standard(tracks: Tracks, members: NDArray[np.intp]) -> tuple[Array, Array]:
    """Returns means and standard deviations of the reference, against cancellation."""
    response, weight = tracks.reference[members], tracks.weight[members]
    scale = [weighted_scale(column, weight) for column in response.T]
    return weight @ response / weight.sum(), np.array(scale)


def _products(values: Array) -> Array:
    """Returns what correlations are made of: 1, x, x^2 and x_i x_j, [tracks, ...]."""
    first, second = np.triu_indices(values.shape[1], k=1)
    one = np.ones((len(values), 1))
    return np.hstack([one, values, values**2, values[:, first] * values[:, second]])


def _correlation(moments: Array) -> Array:
    """Returns the correlations above the diagonal, [rows, pairs], of sums of products.

    Args:
        moments: Sums of weights times `_products`, [rows, 1 + 2 k + k (k - 1) / 2].
    """
    mean = moments[:, 1:] / moments[:, :1]
    # 1 + 2 k + k (k - 1) / 2 numbers.
    size = round((np.sqrt(8 * mean.shape[1] + 9) - 3) / 2)
    average, square, product = np.split(mean, [size, 2 * size], axis=1)
    width = np.sqrt(np.maximum(square - average**2, 0.0))
    first, second = np.triu_indices(size, k=1)
    covariance = product - average[:, first] * average[:, second]
    return ratio(covariance, width[:, first] * width[:, second])


def _largest(first: Array, second: Array) -> Array:
    """Returns the largest absolute difference of every row."""
    largest: Array = np.abs(first - second).max(axis=1)
    return largest
