"""Uncertainty and floor for weighted pairs of tracks.

The protocol is that of metrics/statistics/resampling.py with two differences. A
bootstrap replicate draws pairs: a generated track and the reference track of equal
condition and weight come and go together, within each species. For they share what
fluctuates most, the signed weights and the conditions, and the uncertainty of a
difference must not count that twice. And there are fewer splits, as there are many more
tracks.

The sWeights themselves are taken as they are: a replicate does not repeat the fit from
which they came.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from metrics.statistics.arrays import Array

SPLITS = 4
REPLICATES = 100

_NUMBERS_AT_ONCE = 250_000


class PairResampling:
    """The random splits and bootstrap replicates shared by all metrics of a report.

    Row 0 of all weights is the sample itself, the others are bootstrap replicates.

    Args:
        weight: Weight of every pair, [tracks]; may be negative.
        groups: Species of every pair, [tracks].
        seed: Seed of splits and replicates.
        splits: Number of random splits into halves.
        replicates: Number of bootstrap replicates.

    Attributes:
        counts: How often each pair occurs, uint8 [1 + replicates, tracks].
        halves: Which pairs are in the first half of each split, bool [splits, tracks].
    """

    def __init__(
        self,
        weight: Array,
        groups: NDArray[np.int64],
        seed: int,
        splits: int = SPLITS,
        replicates: int = REPLICATES,
    ) -> None:
        # Apart, so that the splits do not depend on the number of replicates.
        random, for_splits = np.random.default_rng(seed).spawn(2)
        self.weight = weight
        self.counts = np.ones((1 + replicates, len(weight)), np.uint8)
        self.halves = np.zeros((splits, len(weight)), bool)
        members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
        for tracks in members:
            number = len(tracks)
            for row in range(1, 1 + replicates):
                drawn = random.integers(0, number, number)
                # Nobody is drawn 256 times: the mean is 1.
                self.counts[row, tracks] = np.bincount(drawn, minlength=number)
            for half in self.halves:
                half[for_splits.permutation(tracks)[: number // 2]] = True

    @property
    def rows(self) -> int:
        """Number of rows: the sample and its replicates."""
        return len(self.counts)

    def weights(self, tracks: NDArray[np.intp]) -> Iterator[tuple[slice, Array]]:
        """Returns the weights of some pairs, in pieces that fit into the cache.

        Args:
            tracks: Numbers of the pairs, [n].

        Yields:
            Which rows, and their weights, [rows of the piece, n].
        """
        step = max(1, _NUMBERS_AT_ONCE // max(1, len(tracks)))
        for start in range(0, self.rows, step):
            some = slice(start, min(start + step, self.rows))
            yield some, self.counts[some][:, tracks] * self.weight[tracks]


def sums(key: NDArray[np.intp], weight: Array, size: int) -> Array:
    """Adds the weights that share a key.

    Args:
        key: Where each weight is added, [tracks].
        weight: The weights, [tracks].
        size: Number of sums.

    Returns:
        The sums, [size].
    """
    return np.bincount(key, weight, size).astype(np.float64, copy=False)
