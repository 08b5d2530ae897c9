"""Sums over pairs of cells against their distance, in a frame that turns with events.

The cells lie on a regular grid of points, of which some may be empty: squares do, and
hexagons too. So the sums over all pairs of equal displacement are an autocorrelation,
which a fast Fourier transform finds for all displacements at once.
"""

import math
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from metrics.statistics.arrays import Array

_ROUNDING_CM = 1e-3
_MOST_POINTS_A_CELL = 16
_HALF_A_CELL = 0.5 + 1e-3
_EVENTS_AT_ONCE = 512


class PairSums:
    """Sums products of two cells over pairs that lie along an axis of an event.

    A pair of distance d along an axis is one whose displacement has a component of d
    cells along this axis, rounded to a whole number, and of at most half a cell across
    it. Every pair counts once. A cell is the distance between the two nearest centres.

    Attributes:
        cell_cm: Distance between the two nearest centres [cm].

    Args:
        centres_cm: Centres (x, y) of the cells [cm], [cells, 2].
        farthest: Largest distance [cells].

    Raises:
        ValueError: If there are fewer than two cells or they lie on no regular grid.

    Example:
        >>> pairs = PairSums(np.array([[0.0, 0.0], [2.0, 0.0], [4.0, 0.0]]), farthest=2)
        >>> pairs(np.array([[1.0, 2.0, 3.0]]), np.array([[1.0, 0.0]])).round(6).tolist()
        [[[14.0, 8.0, 3.0], [14.0, 0.0, 0.0]]]
    """

    def __init__(self, centres_cm: NDArray[Any], farthest: int) -> None:
        centres = np.asarray(centres_cm, np.float64).reshape(-1, 2)
        if len(centres) < 2:
            raise ValueError(f"pairs need at least two cells, received {len(centres)}")
        columns, step_x = _on_grid(centres[:, 0])
        rows, step_y = _on_grid(centres[:, 1])
        self.farthest = farthest
        self._place = columns, rows
        self._shape = int(columns.max()) + 1, int(rows.max()) + 1
        step = np.array([step_x, step_y])
        rest = centres - np.column_stack(self._place) * step
        regular = np.ptp(rest, axis=0).max() <= 2.0 * _ROUNDING_CM
        apart = len(set(zip(*self._place, strict=True))) == len(centres)
        few = math.prod(self._shape) <= _MOST_POINTS_A_CELL * len(centres)
        if not (regular and apart and few):
            raise ValueError(
                f"{len(centres)} cells do not lie on a regular grid of points: their "
                "distances need common steps in x and y, and no two may be at one place"
            )
        lags = self._occurring()
        length = np.linalg.norm(lags * step, axis=1)
        self.cell_cm = float(length[length > 0.0].min())
        self._lags = lags[length <= (farthest + 1) * self.cell_cm]
        self._displacement = self._lags * step / self.cell_cm
        # Room beside the grid, else its far end would be its neighbour.
        self._size = _fast(np.add(self._shape, np.abs(self._lags).max(axis=0)))

    def _occurring(self) -> NDArray[np.intp]:
        """Returns the displacements of all pairs of cells on the grid, [lags, 2]."""
        occupied = np.zeros((1, *self._shape))
        occupied[0, *self._place] = 1.0
        size = _fast(2 * np.array(self._shape))
        lags = np.argwhere(_autocorrelation(occupied, size)[0] > 0.5)
        lags = np.where(lags >= self._shape, lags - np.array(size), lags)
        # One of v and -v.
        chosen = (lags[:, 0] > 0) | ((lags[:, 0] == 0) & (lags[:, 1] >= 0))
        return lags[chosen]

    def __call__(self, values: NDArray[Any], direction: Array) -> Array:
        """Sums the products of the values of all pairs.

        Args:
            values: A number for every cell, [events, cells].
            direction: Unit vectors of the first axis, [events, 2]; the second one is
                at right angles to it.

        Returns:
            Sums over pairs along the first and the second axis, at distances of 0
            (squares of single cells) to `farthest` cells, [events, 2, farthest + 1].
        """
        sums = np.empty((len(values), 2, self.farthest + 1))
        for start in range(0, len(values), _EVENTS_AT_ONCE):
            part = slice(start, start + _EVENTS_AT_ONCE)
            sums[part] = self._sums(values[part], direction[part])
        return sums

    def _sums(self, values: NDArray[Any], direction: Array) -> Array:
        grid = np.zeros((len(values), *self._shape), values.dtype)
        grid[:, *self._place] = values
        products = _autocorrelation(grid, self._size)
        products = products[:, *(self._lags % np.array(self._size)).T].astype(
            np.float64
        )
        first = np.abs(direction @ self._displacement.T)
        left = direction[:, ::-1] * (-1.0, 1.0)
        second = np.abs(left @ self._displacement.T)
        bins = self.farthest + 1
        found = np.empty((len(values), 2, bins))
        for axis, (along, across) in enumerate(((first, second), (second, first))):
            distance = np.floor(along + 0.5).astype(np.intp)
            event, lag = np.nonzero((across <= _HALF_A_CELL) & (distance < bins))
            place = event * bins + distance[event, lag]
            sums = np.bincount(place, products[event, lag], len(values) * bins)
            found[:, axis] = sums.reshape(-1, bins)
        return found


def _on_grid(coordinate_cm: Array) -> tuple[NDArray[np.intp], float]:
    """Returns the places of coordinates on a grid and its step [cm]."""
    distinct = np.unique(np.round(coordinate_cm / _ROUNDING_CM)) * _ROUNDING_CM
    if len(distinct) < 2:
        return np.zeros(len(coordinate_cm), np.intp), 1.0
    shortest = np.diff(distinct).min()
    # The mean step is known better than the shortest, which was rounded.
    steps = np.rint(np.diff(distinct) / shortest)
    step = float((distinct[-1] - distinct[0]) / steps.sum())
    place = (coordinate_cm - coordinate_cm.min()) / step
    return np.rint(place).astype(np.intp), step


def _fast(size: NDArray[Any]) -> tuple[int, ...]:
    """Returns sizes, not smaller, that the transform likes."""
    return tuple(int(scipy.fft.next_fast_len(int(one), real=True)) for one in size)


def _autocorrelation(grid: NDArray[Any], size: tuple[int, ...]) -> NDArray[Any]:
    """Sums products of all places at every displacement, [events, *size]."""
    spectrum = scipy.fft.rfft2(grid, s=size)
    power = spectrum.real**2 + spectrum.imag**2
    found: NDArray[Any] = scipy.fft.irfft2(power, s=size, overwrite_x=True)
    return found
