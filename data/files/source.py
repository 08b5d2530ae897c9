"""Several files as one long row of events, read chunk by chunk."""

from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

import h5py
import numpy as np
from numpy.typing import NDArray

from data.detectors.spec import DetectorSpec
from data.events import DataError, Sample
from data.files.event_files import File, open_file
from data.files.validation import check_per_event, check_response, check_split_name

MOST_OPEN = 32
"""Files that are open at a time: HDF5 takes one to two megabytes for each."""


class Source:
    """One or several files, opened for reading chunk by chunk.

    Events are numbered through all files, in the order of the paths; a chunk is a
    range of events that is cheap to read together. Of many files only the `MOST_OPEN`
    read last are open, and responses stay in the files: what grows with the number of
    events is conditions, weights and row numbers alone. Close it, or use it as a
    context manager.

    Attributes:
        spec: The detector.
        condition: Conditions [spec.condition_units], float32 [events, conditions].
        weight: Weights, float32 [events]; None where all are 1.
        offsets: Number of the first event of every chunk and, at the end, the number
            of events, int64 [chunks + 1].
        file_of_chunk: Number of the file of every chunk, int64 [chunks].
    """

    def __init__(
        self,
        paths: Sequence[str],
        spec: DetectorSpec,
        split: str | None,
        where: Callable[[NDArray[np.float32]], NDArray[np.bool_]] | None = None,
        opened: Mapping[str, h5py.File] | None = None,
    ) -> None:
        """Opens the files but those in `opened`; see `open_source`."""
        check_split_name(split)
        self.spec = spec
        self._files: list[File] = []
        self._open: dict[int, File] = {}
        try:
            for path in paths:
                found = (opened or {}).get(path)
                self._files.append(open_file(path, spec, split, found))
                self._use(self._files[-1])
            if where is not None:
                for file in self._files:
                    _keep(file, where(file.condition))
            self._join(split)
        except BaseException:
            self.close()
            raise

    def _join(self, split: str | None) -> None:
        for file in self._files:
            check_per_event(file.path, "condition", file.condition, file.rows)
            if file.weight is not None:
                check_per_event(file.path, "weight", file.weight, file.rows)
        weights = [file.weight for file in self._files if file.weight is not None]
        if weights and len(weights) < len(self._files):
            plain = next(file for file in self._files if file.weight is None)
            raise DataError(
                f"{plain.path}: has no dataset 'weight', but another of the files has; "
                "give it to all of them or to none"
            )
        self.condition = np.concatenate([file.condition for file in self._files])
        self.weight = np.concatenate(weights) if weights else None
        if not len(self.condition):
            what = "no events" if split is None else f"no events of split {split!r}"
            raise DataError(
                f"{', '.join(file.path for file in self._files)}: {what}; choose "
                "another file" + ("" if split is None else " or another split")
            )
        self._chunks: list[tuple[File, NDArray[np.int64]]] = []
        counts = []
        for file in self._files:
            borders = np.flatnonzero(np.diff(file.rows // file.chunk_rows)) + 1
            pieces = np.split(file.rows, borders) if len(file.rows) else []
            self._chunks += [(file, rows) for rows in pieces]
            counts.append(len(pieces))
        self.file_of_chunk = np.repeat(np.arange(len(counts)), counts)
        sizes = [len(rows) for _, rows in self._chunks]
        self.offsets = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
        self._checked = np.zeros(len(sizes), bool)

    def _use(self, file: File) -> None:
        """Notes that a file is open; closes the one that was not used for longest."""
        self._open.pop(id(file), None)
        self._open[id(file)] = file
        if len(self._open) > MOST_OPEN:
            self._open.pop(next(iter(self._open))).close()

    def __len__(self) -> int:
        """Returns the number of events."""
        return int(self.offsets[-1])

    @property
    def outside_domain(self) -> int:
        """Number of events whose condition lies outside the detector's domain."""
        return int(np.sum(~np.asarray(self.spec.in_domain(self.condition), bool)))

    def chunk(self, number: int) -> NDArray[np.float32]:
        """Reads the responses of one chunk.

        Args:
            number: The chunk, from 0.

        Returns:
            Responses [spec.unit], float32 [events of the chunk, *spec.shape].

        Raises:
            DataError: If the file is damaged, or a response is impossible.
        """
        file, rows = self._chunks[number]
        response = file.response(rows)
        self._use(file)
        if not self._checked[number]:
            check_response(file.path, self.spec, response, rows)
            self._checked[number] = True
        return response

    def read(self, start: int = 0, stop: int | None = None) -> Sample:
        """Reads a range of events.

        Args:
            start: First event.
            stop: Event after the last one; None reads to the end.

        Returns:
            The events.

        Raises:
            DataError: If the range is empty or not inside the source, or the events
                are bad.
        """
        stop = len(self) if stop is None else min(stop, len(self))
        if not 0 <= start < stop:
            raise DataError(f"no events from {start} to {stop} among {len(self)}")
        response = np.empty((stop - start, *self.spec.shape), np.float32)
        first = int(np.searchsorted(self.offsets, start, side="right")) - 1
        last = int(np.searchsorted(self.offsets, stop, side="left"))
        for number in range(first, last):
            begin, end = (int(o) for o in self.offsets[number : number + 2])
            low, high = max(begin, start), min(end, stop)
            piece = self.chunk(number)[low - begin : high - begin]
            response[low - start : high - start] = piece
        weight = None if self.weight is None else self.weight[start:stop]
        return Sample(response, self.condition[start:stop], weight)

    def check(self) -> None:
        """Reads all events once, so that a bad one is found before a long run.

        Raises:
            DataError: If an event is bad.
        """
        for number in np.flatnonzero(~self._checked):
            self.chunk(int(number))

    def close(self) -> None:
        """Closes the files."""
        for file in self._files:
            file.close()

    def __enter__(self) -> Self:
        """Returns the source itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Closes the files."""
        self.close()


def _keep(file: File, chosen: NDArray[np.bool_]) -> None:
    """Leaves out the events of a file that are not wanted."""
    file.rows, file.condition = file.rows[chosen], file.condition[chosen]
    if file.weight is not None:
        file.weight = file.weight[chosen]
