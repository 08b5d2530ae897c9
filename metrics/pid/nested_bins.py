"""Bins of momentum, and in each of them bins of pseudorapidity of its own."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from metrics.pid.track_pairs import Tracks
from metrics.statistics.arrays import Array
from metrics.statistics.weighted import weighted_quantiles

OUTSIDE = -1


@dataclasses.dataclass(frozen=True, eq=False)
class NestedBins:
    """Bins that hold equal sums of weights although the two are correlated.

    Attributes:
        momentum_gev: Edges [GeV], [momentum bins + 1], ascending.
        pseudorapidity: Edges in every bin of momentum, ascending; in each at least two.
    """

    momentum_gev: Array
    pseudorapidity: Sequence[Array]

    @property
    def number(self) -> int:
        """How many bins there are."""
        return sum(len(edges) - 1 for edges in self.pseudorapidity)

    def place(self, momentum_gev: Array, pseudorapidity: Array) -> NDArray[np.intp]:
        """Numbers the bin of every track, momentum first.

        Args:
            momentum_gev: Momenta [GeV], of any shape.
            pseudorapidity: Pseudorapidities, of the same shape.

        Returns:
            Numbers of that shape; `OUTSIDE` beyond the outer edges.
        """
        found = np.full(np.shape(momentum_gev), OUTSIDE, np.intp)
        along, start = _place(momentum_gev, self.momentum_gev), 0
        for number, edges in enumerate(self.pseudorapidity):
            here = along == number
            across = _place(pseudorapidity[here], edges)
            found[here] = np.where(across == OUTSIDE, OUTSIDE, start + across)
            start += len(edges) - 1
        return found


def nested_bins(tracks: Tracks, momentum: int, pseudorapidity: int) -> NestedBins:
    """Divides at quantiles of the weighted reference; every species counts the same.

    Args:
        tracks: The tracks; the outer edges are theirs.
        momentum: Number of bins of momentum, fewer where many momenta are equal.
        pseudorapidity: Number of bins of pseudorapidity in each of them, likewise.
    """
    weight = tracks.balanced_weight()
    momentum_gev = tracks.column("momentum_gev")
    values = tracks.column("pseudorapidity")
    first = _edges(momentum_gev, weight, momentum)
    along = _place(momentum_gev, first)
    inside = [along == number for number in range(len(first) - 1)]
    return NestedBins(
        first, [_edges(values[one], weight[one], pseudorapidity) for one in inside]
    )


def _edges(values: Array, weight: Array, bins: int) -> Array:
    fractions = list(np.linspace(0.0, 1.0, bins + 1)[1:-1])
    inner = np.unique(weighted_quantiles(values, weight, fractions))
    low = values.min()
    return np.array([low, *inner[inner > low], values.max()])


def _place(values: Array, edges: Array) -> NDArray[np.intp]:
    found = np.searchsorted(edges[1:-1], values, side="right")
    inside = (values >= edges[0]) & (values <= edges[-1])
    return np.where(inside, found, OUTSIDE)
