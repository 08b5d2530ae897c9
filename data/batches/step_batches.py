"""Shuffled and augmented events of a source, a step's worth at a time."""

import dataclasses
import itertools
import threading
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from data.batches.shuffling import operations, shard_chunks, windows
from data.detectors.symmetry import SymmetryGroup
from data.events import Sample
from data.files.source import Source

WINDOW_BYTES = 48 * 2**20
"""Events of about so many bytes are mixed in memory; smaller files stay in memory."""

Element = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]
"""Responses [rows, ...], conditions [rows, conditions] and weights [rows]."""


def _ranges(starts: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Concatenates the ranges of given starts and sizes."""
    ends = np.cumsum(sizes)
    return np.arange(int(ends[-1])) + np.repeat(starts - (ends - sizes), sizes)


def _offsets(source: Source | Sample) -> NDArray[np.int64]:
    """Returns the borders of the chunks; in memory every event is one."""
    if isinstance(source, Source):
        return source.offsets
    if not len(source):
        raise ValueError("cannot draw batches from a sample without events")
    return np.arange(len(source) + 1)


def _files(source: Source | Sample) -> NDArray[np.int64]:
    """Returns the number of the file that each chunk is in."""
    if isinstance(source, Source):
        return source.file_of_chunk
    return np.zeros(len(source), np.int64)


def response_shape(source: Source | Sample) -> tuple[int, ...]:
    """Returns the shape of one response."""
    if isinstance(source, Source):
        return source.spec.shape
    return source.response.shape[1:]


def fits_in_memory(source: Source | Sample) -> bool:
    """Tells whether all events are kept in memory, once they have been read."""
    if isinstance(source, Sample):
        return True
    return len(source) * 4 * int(np.prod(source.spec.shape)) <= WINDOW_BYTES


def steps_per_epoch(
    source: Source | Sample, rows: int, shard: tuple[int, int] = (0, 1)
) -> int:
    """Counts the elements of an epoch.

    Args:
        source: The events.
        rows: Events per element.
        shard: Number of the worker, from 0, and number of workers.

    Returns:
        How many full elements the worker with the fewest events can give, but at least
        1: all workers take the same number of steps.

    Raises:
        ValueError: If `rows` is not positive, the sample empty or the shard impossible.
    """
    if rows < 1:
        raise ValueError(f"rows must be at least 1, received {rows}")
    sizes = np.diff(_offsets(source))
    files = _files(source)
    workers = [shard_chunks(files, (i, shard[1])) for i in range(shard[1])]
    return max(1, min(int(sizes[chunks].sum()) for chunks in workers) // rows)


def augmented(
    element: Element, group: SymmetryGroup, chosen: NDArray[np.int64]
) -> Element:
    """Rotates and mirrors events.

    Args:
        element: Responses, conditions and weights.
        group: The operations to choose from.
        chosen: Operation of every event, int64 [rows].

    Returns:
        New arrays, with every response and condition carried along.
    """
    response, condition, weight = element
    flat = response.reshape(len(response), -1)
    turned = np.empty_like(flat)
    # One gather of columns per operation is 5 to 10 times faster than one per event.
    for operation, cells in enumerate(group.cells):
        members = np.flatnonzero(chosen == operation)
        turned[members] = np.take(flat[members], cells, axis=1)
    carried = np.einsum("rij,rj->ri", group.conditions[chosen], condition)
    return turned.reshape(response.shape), carried, weight


@dataclasses.dataclass(frozen=True, eq=False)
class _Window:
    """Some responses in memory, and the order in which to use them.

    Attributes:
        response: Responses, float32 [any, *shape].
        rows: Where the events of this window are among them, int64 [events].
        events: Numbers of these events in the source, int64 [events].
    """

    response: NDArray[np.float32]
    rows: NDArray[np.int64]
    events: NDArray[np.int64]


class Elements:
    """All elements that one worker draws from a source, numbered through the epochs.

    Attributes:
        steps: Elements per epoch.
    """

    def __init__(
        self,
        source: Source | Sample,
        *,
        rows: int,
        seed: int,
        shard: tuple[int, int] = (0, 1),
        augment: SymmetryGroup | None = None,
        acceptance: NDArray[np.bool_] | None = None,
    ) -> None:
        """Plans the elements; see `data.batches.pipeline.batches` for the arguments."""
        self.steps = steps_per_epoch(source, rows, shard)
        self._source, self._rows, self._seed = source, rows, seed
        self._shard, self._augment = shard, augment
        self._kept = None if acceptance is None else acceptance.astype(np.float32)
        self._weight = _normalised_weight(source)
        offsets = _offsets(source)
        self._chunks = shard_chunks(_files(source), shard)
        self._starts = offsets[self._chunks]
        self._sizes = offsets[self._chunks + 1] - self._starts
        self._window_events = int(self._sizes.sum())
        self._resident: NDArray[np.float32] | None = None
        if isinstance(source, Source):
            event_bytes = 4 * int(np.prod(source.spec.shape))
            self._window_events = WINDOW_BYTES // event_bytes
            if int(self._sizes.sum()) <= self._window_events:
                self._resident = self._load(source, np.arange(len(self._chunks)))
        self._lock = threading.Lock()
        self._next: int | None = None
        self._running: Iterator[Element] = iter(())

    def __getitem__(self, number: int) -> Element:
        """Returns an element; fast for one after the other.

        Args:
            number: `steps` times the number of the epoch plus the step within it.
        """
        with self._lock:
            if number != self._next:
                self._running = self._from(number)
            self._next = None
            element = next(self._running)
            self._next = number + 1
            return element

    def _from(self, number: int) -> Iterator[Element]:
        first, skipped = divmod(number, self.steps)
        epochs = itertools.chain.from_iterable(map(self.epoch, itertools.count(first)))
        return itertools.islice(epochs, skipped, None)

    def epoch(self, epoch: int) -> Iterator[Element]:
        """Yields the elements of one epoch.

        Args:
            epoch: Number of the epoch, from 0.

        Yields:
            Responses, conditions and weights.
        """
        for step, element in enumerate(self._gathered(epoch)):
            turned = element
            if self._augment is not None:
                chosen = operations(
                    len(self._augment.cells),
                    self._rows,
                    seed=self._seed,
                    epoch=epoch,
                    step=step,
                    shard=self._shard[0],
                )
                turned = augmented(element, self._augment, chosen)
            if self._kept is not None:
                np.multiply(turned[0], self._kept, out=turned[0])
            yield turned

    def _gathered(self, epoch: int) -> Iterator[Element]:
        source, rows = self._source, self._rows
        shape = (rows, *response_shape(source))
        response, events = np.empty(shape, np.float32), np.empty(rows, np.int64)
        filled = steps = 0
        for window in self._windows(epoch):
            used = 0
            while used < len(window.rows):
                count = min(rows - filled, len(window.rows) - used)
                taken = window.rows[used : used + count]
                # "clip" lets take() write without a copy; no row is out of range.
                target = response[filled : filled + count]
                np.take(window.response, taken, axis=0, out=target, mode="clip")
                events[filled : filled + count] = window.events[used : used + count]
                used, filled = used + count, filled + count
                if filled == rows:
                    weight = np.ones(rows, np.float32)
                    if self._weight is not None:
                        weight = self._weight[events]
                    yield response, source.condition[events], weight
                    steps += 1
                    if steps == self.steps:
                        return
                    response, filled = np.empty(shape, np.float32), 0

    def _windows(self, epoch: int) -> Iterator[_Window]:
        """Yields windows without end; every event comes once per turn."""
        local = np.cumsum(self._sizes) - self._sizes
        for turn in itertools.count():
            for numbers, order in windows(
                self._sizes,
                self._window_events,
                seed=self._seed,
                epoch=epoch,
                turn=turn,
            ):
                sizes = self._sizes[numbers]
                events = _ranges(self._starts[numbers], sizes)[order]
                if isinstance(self._source, Sample):
                    yield _Window(self._source.response, events, events)
                elif self._resident is not None:
                    rows = _ranges(local[numbers], sizes)[order]
                    yield _Window(self._resident, rows, events)
                else:
                    yield _Window(self._load(self._source, numbers), order, events)

    def _load(self, source: Source, numbers: NDArray[np.int64]) -> NDArray[np.float32]:
        """Reads some chunks of this worker, one after the other."""
        events = int(self._sizes[numbers].sum())
        response = np.empty((events, *source.spec.shape), np.float32)
        stop = 0
        for number in numbers:
            start, stop = stop, stop + int(self._sizes[number])
            response[start:stop] = source.chunk(int(self._chunks[number]))
        return response


def _normalised_weight(source: Source | Sample) -> NDArray[np.float32] | None:
    """Divides signed weights by their mean, a constant of the data set.

    An event that is split into two whose weights add up then changes no mean of
    weighted losses over an epoch.
    """
    if source.weight is None:
        return None
    mean = float(source.weight.mean(dtype=np.float64))
    if not mean > 0.0:
        raise ValueError(
            f"the mean of the weights must be positive to train, is {mean:g}; are they "
            "those of the background?"
        )
    return source.weight / np.float32(mean)
