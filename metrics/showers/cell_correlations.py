"""Correlations between distant cells, in the frame of the track.

The residual of a cell is what it has more or less than expected for its condition, in
units of the width of its distribution. Expectation and width come from the reference,
for generated showers too. The correlation of two cells' residuals is averaged over
showers and over all pairs of one distance, along the inclination of the track and
across it.

Source: this project, for the open problem of Chekalina et al., arXiv:1812.01319,
"long-range correlations between different cells".
"""

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from metrics.observables import calorimeter
from metrics.observables.track_frame import TrackFrame, track_frame
from metrics.showers.shower_pairs import Comparison
from metrics.statistics.arrays import Array, ratio
from metrics.statistics.distances import Statistic
from metrics.statistics.energy_bins import EnergyBin, merged
from metrics.statistics.pair_sums import PairSums
from metrics.statistics.resampling import Metric, Resampling

NEAREST = 2
"""Smallest distance that counts as long-range [cells]."""

FARTHEST = 8
"""Largest distance of two cells [cells]."""

_RANGES = 3
_INCLINATIONS = 4
_STEPS_A_CELL = 2
_FOLDS = 5
_LEAST_OCCUPANCY = 0.1
_FEWEST_HITS = 10
_LARGEST_RESIDUAL = 5.0
_EVENTS_AT_ONCE = 512


@dataclasses.dataclass(frozen=True, eq=False)
class AxisCorrelation:
    """Correlations along one axis; all arrays are [energy ranges, FARTHEST + 1].

    Attributes:
        name: Name of the axis.
        pairs: Number of pairs of all showers at distances of 0, 1, ... cells.
        generated: Correlation of the generated showers, 1 at distance 0.
        generated_error: Its bootstrap uncertainty.
        reference: Correlation of the reference.
        reference_error: Its bootstrap uncertainty.
    """

    name: str
    pairs: Array
    generated: Array
    generated_error: Array
    reference: Array
    reference_error: Array


@dataclasses.dataclass(frozen=True, eq=False)
class CellCorrelations:
    """Correlations between cells along both axes of the track.

    Attributes:
        metrics: `correlation_cells_<axis>`: root mean square of the difference of the
            correlations over all pairs `NEAREST` to `FARTHEST` cells apart.
        axes: The correlations.
        ranges: The energy ranges.
        cell_cm: Distance of neighbouring cells [cm].
    """

    metrics: dict[str, Metric]
    axes: tuple[AxisCorrelation, ...]
    ranges: tuple[EnergyBin, ...]
    cell_cm: float


def measure_cell_correlations(
    comparison: Comparison, resampling: Resampling, seed: int
) -> CellCorrelations:
    """Measures the correlations between cells along and across the track.

    Layers are summed: what lies behind one another is one cell.

    Args:
        comparison: Generated and reference showers.
        resampling: Splits and bootstrap weights.
        seed: Seed of the folds.

    Returns:
        The correlations and their metrics.

    Raises:
        ValueError: If the cells lie on no regular grid or too few of them are hit.
    """
    residuals = Residuals(comparison, seed)
    pairs = residuals.pairs()
    sums = comparison.both(residuals.products)
    ranges = residuals.ranges
    metrics: dict[str, Metric] = {}
    found: list[AxisCorrelation] = []
    for axis, name in enumerate(residuals.frame.axes):
        number = np.stack([pairs[one.events, axis].sum(axis=0) for one in ranges])
        if number[:, NEAREST:].sum() == 0.0:
            raise ValueError(
                "correlations between cells need cells that are hit in at least "
                f"{_LEAST_OCCUPANCY:.0%} of the showers of the reference and in "
                f"{_FEWEST_HITS} of them, {NEAREST} to {FARTHEST} cells apart"
            )
        generated, reference = (
            _rows(one[:, axis], pairs[:, axis], ranges) for one in sums
        )
        metrics[f"correlation_cells_{name}"] = resampling.against_floor(
            generated, reference, _distance(number)
        )
        curves = (
            *_curve(generated, resampling.generated, number.shape),
            *_curve(reference, resampling.reference, number.shape),
        )
        found.append(AxisCorrelation(name, number, *curves))
    return CellCorrelations(metrics, tuple(found), ranges, residuals.sums.cell_cm)


class Residuals:
    """Residuals of the cells' fractions of a shower's energy.

    The expectation of a cell is the mean fraction in its class: the same energy range,
    a quarter of its showers in inclination, and the same displacement from the track
    along its inclination and across it, in steps of half a cell; left and right of the
    track are one. The expectation of a shower comes from the other four fifths of the
    reference, so that no shower is compared with itself.

    Classes in which fewer than a tenth of the cells are hit, or fewer than ten, have no
    expectation. A residual beyond five widths counts as five.

    Attributes:
        frame: The frames of the tracks.
        ranges: The energy ranges.
        sums: Sums over pairs of cells.

    Args:
        comparison: Generated and reference showers.
        seed: Seed of the fifths.

    Raises:
        ValueError: If the cells lie on no regular grid.
    """

    def __init__(self, comparison: Comparison, seed: int) -> None:
        spec = comparison.spec
        self.frame = track_frame(spec, comparison.condition)
        self.ranges = merged(comparison.energy_bins, _RANGES)
        cells, centres = comparison.accepted, spec.positions_cm[..., :2]
        if spec.layer_shapes:
            raise ValueError(
                "correlations between cells need layers with cells of one shape"
            )
        if comparison.layered:
            # A cell that one layer lacks would have another expectation.
            cells, centres = np.logical_and.reduce(cells, axis=2), centres[:, :, 0]
        self._cells = cells
        self.sums = PairSums(centres[cells], FARTHEST)
        group = _classes(self.frame, self.ranges)
        self._place, classes = self._places(centres[cells], group)
        folds = np.random.default_rng(seed).permutation(len(comparison)) % _FOLDS
        self._place += (folds * classes).astype(np.int32)[:, None]
        self._expect(comparison.reference, classes)

    def _places(
        self, centres_cm: NDArray[np.float32], group: NDArray[np.intp]
    ) -> tuple[NDArray[np.int32], int]:
        """Returns the class of every cell, [events, cells], and their number."""
        step_cm = self.sums.cell_cm / _STEPS_A_CELL
        corners = np.abs(centres_cm).max(axis=0) + np.abs(self.frame.origin_cm)
        far = int(np.linalg.norm(corners, axis=1).max(initial=0.0) / step_cm) + 1
        steps = (2 * far + 1) * (far + 1)
        place = np.empty((len(group), len(centres_cm)), np.int32)
        for part in _parts(len(group)):
            along, across = self.frame.seen(centres_cm, part)
            row = np.rint(along / step_cm) + far
            column = np.rint(np.abs(across) / step_cm)
            place[part] = group[part, None] * steps + row * (far + 1) + column
        return place, (int(group.max(initial=0)) + 1) * steps

    def _expect(self, reference: NDArray[np.float32], classes: int) -> None:
        """Finds mean and width of every class for every fold, from the others."""
        size = _FOLDS * classes
        moments = np.zeros((4, size))
        for part in _parts(len(reference)):
            place = self._place[part].ravel()
            fraction = self._fractions(reference[part]).ravel()
            moments[0] += np.bincount(place, minlength=size)
            moments[1] += np.bincount(place[fraction > 0.0], minlength=size)
            moments[2] += np.bincount(place, fraction, size)
            moments[3] += np.bincount(place, fraction**2, size)
        by_fold = moments.reshape(4, _FOLDS, classes)
        others = by_fold.sum(axis=1, keepdims=True) - by_fold
        number, hits, first, second = others.reshape(4, size)
        self._mean = ratio(first, number)
        variance = ratio(second, number) - self._mean**2
        enough = hits >= np.maximum(_LEAST_OCCUPANCY * number, _FEWEST_HITS)
        known = enough & (variance > 1e-12 * self._mean**2)
        self._known = known.astype(np.float32)
        self._width = np.sqrt(np.where(known, variance, 1.0))

    def _fractions(self, response: NDArray[np.float32]) -> Array:
        """Returns the cells' fractions of the energy; 0 in an empty shower."""
        total = calorimeter.visible_energy(response)
        if response.ndim == 4:
            response = response.sum(axis=3, dtype=np.float64)
        fractions: Array = response[:, self._cells] * ratio(1.0, total)[:, None]
        return fractions

    def of(self, response: NDArray[np.float32], events: slice) -> Array:
        """Returns residuals, 0 where there is no expectation, [events, cells].

        Args:
            response: Accepted responses of all events [spec.unit].
            events: Which events.
        """
        place = self._place[events]
        away = self._fractions(response[events]) - self._mean[place]
        limited = np.clip(
            away / self._width[place], -_LARGEST_RESIDUAL, _LARGEST_RESIDUAL
        )
        found: Array = limited * self._known[place]
        return found

    def products(self, response: NDArray[np.float32]) -> Array:
        """Sums the products of two residuals over the pairs of every distance.

        Args:
            response: Accepted responses [spec.unit], [events, *spec.shape].

        Returns:
            Sums along both axes, [events, 2, FARTHEST + 1].
        """
        return self._summed(lambda part: self.of(response, part).astype(np.float32))

    def pairs(self) -> Array:
        """Counts the pairs with two expectations, [events, 2, FARTHEST + 1]."""
        return np.rint(self._summed(lambda part: self._known[self._place[part]]))

    def _summed(self, values: Callable[[slice], NDArray[np.float32]]) -> Array:
        along = self.frame.along
        return np.concatenate(
            [self.sums(values(part), along[part]) for part in _parts(len(along))]
        )


def _parts(events: int) -> Iterator[slice]:
    for start in range(0, events, _EVENTS_AT_ONCE):
        yield slice(start, start + _EVENTS_AT_ONCE)


def _classes(frame: TrackFrame, ranges: tuple[EnergyBin, ...]) -> NDArray[np.intp]:
    """Numbers the showers by energy range and inclination, [events]."""
    group = np.empty(len(frame.inclination), np.intp)
    inner = np.linspace(0.0, 1.0, _INCLINATIONS + 1)[1:-1]
    for number, one in enumerate(ranges):
        inclination = frame.inclination[one.events]
        quarter = np.searchsorted(np.quantile(inclination, inner), inclination)
        group[one.events] = number * _INCLINATIONS + quarter
    return group


def _rows(sums: Array, pairs: Array, ranges: tuple[EnergyBin, ...]) -> Array:
    """Writes sums and numbers of pairs of every event into one row.

    Args:
        sums: Sums of products, [events, distances].
        pairs: Numbers of pairs, [events, distances].
        ranges: The energy ranges.

    Returns:
        Rows that are 0 outside the event's energy range,
        [events, ranges * 2 * distances].
    """
    rows = np.zeros((len(sums), len(ranges), 2, sums.shape[1]))
    for number, one in enumerate(ranges):
        rows[one.events, number, 0] = sums[one.events]
        rows[one.events, number, 1] = pairs[one.events]
    return rows.reshape(len(sums), -1)


def _correlation(rows: Array, weights: Array, shape: tuple[int, ...]) -> Array:
    """Correlates residuals for rows of weights.

    c(d) = <r_i r_j> / <r_i^2>, with the means over the pairs and the cells of all
    showers, 0 where there are none.

    Args:
        rows: From `_rows`.
        weights: Weights of the events, [rows, events].
        shape: Numbers of energy ranges and of distances.

    Returns:
        Correlations, [rows, ranges, distances].
    """
    sums = (weights @ rows).reshape(len(weights), shape[0], 2, shape[1])
    mean = ratio(sums[:, :, 0], sums[:, :, 1])
    return ratio(mean, np.broadcast_to(mean[:, :, :1], mean.shape))


def _distance(pairs: Array) -> Callable[[Array, Array], Statistic]:
    """Prepares the root mean square difference of correlations over distant pairs.

    D^2 = sum_gd N_gd (c1_gd - c2_gd)^2 / sum_gd N_gd, with N_gd the number of pairs in
    energy range g at the distance d, from `NEAREST` on.

    Args:
        pairs: N_gd, [ranges, distances].
    """
    share = pairs[:, NEAREST:] / pairs[:, NEAREST:].sum()

    def prepare(first: Array, second: Array) -> Statistic:
        def statistic(first_weights: Array, second_weights: Array) -> Array:
            difference = _correlation(first, first_weights, pairs.shape)
            difference -= _correlation(second, second_weights, pairs.shape)
            square = (share * difference[:, :, NEAREST:] ** 2).sum(axis=(1, 2))
            return np.sqrt(square)

        return statistic

    return prepare


def _curve(rows: Array, weights: Array, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Returns the correlations of the sample and their bootstrap uncertainty."""
    value, *replicates = _correlation(rows, weights, shape)
    error = np.std(replicates, axis=0) if replicates else np.zeros_like(value)
    return value, error
