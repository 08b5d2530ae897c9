"""The order of the events of an epoch: a pure function of seed, epoch and shard."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_ORDER, _AUGMENTATION = 0, 1


def _generator(
    seed: int, epoch: int, purpose: int, step: int, shard: int
) -> np.random.Generator:
    """Returns a stream of random numbers that belongs to these five alone."""
    key = np.array([seed & (2**64 - 1), epoch], np.uint64)
    counter = np.array([0, shard, step, purpose], np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))


def shard_chunks(files: NDArray[np.int64], shard: tuple[int, int]) -> NDArray[np.int64]:
    """Returns the chunks of one of several workers.

    Args:
        files: The number of the file that each chunk is in, int64 [chunks].
        shard: Number of the worker, from 0, and number of workers.

    Returns:
        The chunks of every n-th file of n workers, who open no file of another one; if
        there are fewer files than workers, every n-th chunk. The workers share no chunk
        and have them all together.

    Raises:
        ValueError: If the shard is impossible or there are more workers than chunks.

    Example:
        >>> shard_chunks(np.array([0, 0, 1, 2, 2]), (0, 2)).tolist()
        [0, 1, 3, 4]
        >>> shard_chunks(np.array([0, 0, 0, 0, 0]), (0, 2)).tolist()
        [0, 2, 4]
    """
    index, count = shard
    if not 0 <= index < count:
        raise ValueError(f"shard must be (index, count), 0 <= index < count: {shard}")
    if count > len(files):
        raise ValueError(
            f"{count} workers cannot share {len(files)} chunks of data; use fewer "
            "workers"
        )
    found, ranks = np.unique(files, return_inverse=True)
    if len(found) < count:
        return np.arange(index, len(files), count)
    return np.flatnonzero(ranks % count == index)


def windows(
    sizes: NDArray[np.int64], window_events: int, *, seed: int, epoch: int, turn: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Visits chunks in random order, mixing the events of several at a time.

    Args:
        sizes: Events of every chunk, int64 [chunks].
        window_events: About so many events are mixed with each other; always those of
            at least one chunk.
        seed: Seed of the run.
        epoch: Number of the epoch.
        turn: Number of this pass through the events within the epoch.

    Yields:
        The chunks of one window, and a permutation of their events, which are
        numbered in the order of these chunks.
    """
    random = _generator(seed, epoch, _ORDER, turn, 0)
    order = random.permutation(len(sizes))
    window = np.cumsum(sizes[order]) // max(window_events + 1, 1)
    for chunks in np.split(order, np.flatnonzero(np.diff(window)) + 1):
        yield chunks, random.permutation(int(sizes[chunks].sum()))


def operations(
    count: int, rows: int, *, seed: int, epoch: int, step: int, shard: int
) -> NDArray[np.int64]:
    """Draws a symmetry operation for every event of a step.

    Args:
        count: Number of operations to choose from.
        rows: Number of events.
        seed: Seed of the run.
        epoch: Number of the epoch.
        step: Number of the step within the epoch.
        shard: Number of the worker.

    Returns:
        Numbers of operations, int64 [rows].
    """
    random = _generator(seed, epoch, _AUGMENTATION, step, shard)
    return random.integers(count, size=rows)
