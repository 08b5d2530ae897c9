"""How well an epoch mixes events: what came when, against where it was stored."""

import dataclasses

import numpy as np
from numpy.typing import NDArray
from scipy import stats


@dataclasses.dataclass(frozen=True)
class ShuffleQuality:
    """What a shuffle of an epoch is worth, beside one of all its events at once.

    Attributes:
        rank_correlation: Spearman's, between the place of an event in the files and in
            the epoch; 0 of a perfect shuffle.
        rank_error: Its standard deviation of a perfect shuffle.
        files_in_batch: Mean number of files of which a batch has events.
        ideal_files: The same of a perfect shuffle.
        spread: Standard deviation, over batches, of the mean place in the files,
            divided by that of a perfect shuffle. If the files are sorted by something,
            the mean of it in a batch scatters so much more.
    """

    rank_correlation: float
    rank_error: float
    files_in_batch: float
    ideal_files: float
    spread: float


def of_order(
    order: NDArray[np.int64], sizes: NDArray[np.int64], rows: int
) -> ShuffleQuality:
    """Measures the shuffle of an epoch.

    Args:
        order: Numbers of the events through all files, as they came, int64 [drawn].
        sizes: Events of every file, int64 [files].
        rows: Events of a batch; what does not fill one is left out.
    """
    events, batches = int(sizes.sum()), len(order) // rows
    batch = order[: batches * rows].reshape(batches, rows)
    file = np.sort(np.searchsorted(np.cumsum(sizes), batch, side="right"), axis=1)
    found = 1 + np.count_nonzero(np.diff(file, axis=1), axis=1)
    # Of a draw without replacement, the probability that a file is not in the batch.
    absent = stats.hypergeom(events, sizes, rows).pmf(0)
    # Variance of the mean of `rows` of the numbers 0 to events - 1, likewise.
    ideal = (events + 1) * (events - rows) / (12.0 * rows)
    return ShuffleQuality(
        rank_correlation=float(stats.spearmanr(order, np.arange(len(order)))[0]),
        rank_error=float((len(order) - 1) ** -0.5),
        files_in_batch=float(found.mean()),
        ideal_files=float(np.sum(1.0 - absent)),
        spread=float(batch.mean(axis=1).std(ddof=1) / np.sqrt(ideal)),
    )
