"""Responses as lists of hits: how a file holds only the cells that are not 0."""

from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from data.detectors.spec import DetectorSpec
from data.events import DataError
from data.files import hdf5

OFFSET, CELL, VALUE = "response_offset", "response_cell", "response_value"
"""Names of the datasets of a file."""

CHUNK_EVENTS = 256


Hits = tuple[NDArray[np.int64], NDArray[Any], NDArray[np.float32]]
"""Offsets, cells and values, see `encode`."""


def encode(response: NDArray[np.float32]) -> Hits:
    """Lists the cells of responses that are not 0.

    Args:
        response: Responses, float32 [events, *shape].

    Returns:
        The number of the first hit of every event and, at the end, of all hits, int64
        [events + 1]; the index of the cell of every hit in the flattened response,
        ascending within an event, uint16 or, from 65,537 cells, uint32 [hits]; its
        value, float32 [hits].

    Example:
        >>> offset, cell, value = encode(np.array([[0, 2, 0], [0, 0, 0], [3, 0, 4]]))
        >>> offset.tolist(), cell.tolist(), value.tolist()
        ([0, 1, 1, 3], [1, 0, 2], [2.0, 3.0, 4.0])
    """
    events, flat = len(response), np.asarray(response, np.float32).ravel()
    size = int(np.prod(response.shape[1:]))
    # Of truth values: NumPy finds them four times as fast as numbers.
    hits = np.flatnonzero(flat != 0)
    starts = np.arange(events + 1, dtype=np.int64) * size
    offset = np.searchsorted(hits, starts).astype(np.int64)
    cell = hits - np.repeat(starts[:-1], np.diff(offset))
    return offset, cell.astype(cell_type(size)), flat[hits]


def cell_type(size: int) -> type[np.unsignedinteger[Any]]:
    """Returns the smallest type of an index among `size` cells."""
    return np.uint16 if size <= 1 << 16 else np.uint32


def decode(
    offset: NDArray[np.int64],
    cell: NDArray[Any],
    value: NDArray[np.float32],
    shape: tuple[int, ...],
) -> NDArray[np.float32]:
    """Makes responses from their hits; the inverse of `encode`.

    Args:
        offset: See `encode`; the first one may be larger than 0.
        cell: See `encode`.
        value: See `encode`.
        shape: Shape of one response.

    Returns:
        Responses, float32 [events, *shape].
    """
    events, size = len(offset) - 1, int(np.prod(shape))
    flat = np.zeros(events * size, np.float32)
    starts = np.arange(events, dtype=np.int64) * size
    flat[np.repeat(starts, np.diff(offset)) + cell] = value
    return flat.reshape(events, *shape)


class DenseDataset:
    """The responses of a file that holds every cell.

    Args:
        path: The file, for messages.
        file: The opened file.
        spec: The detector.

    Attributes:
        events: Number of responses.
        chunk_events: Number of responses that are cheap to read together.

    Raises:
        DataError: If the responses are missing or of another shape.
    """

    def __init__(self, path: str, file: h5py.File, spec: DetectorSpec) -> None:
        self._path = path
        self._response = hdf5.dataset(path, file, "response")
        if self._response.shape[1:] != spec.shape or not self._response.ndim:
            raise DataError(
                f"{path}: response has shape {self._response.shape}, detector "
                f"{spec.name!r} needs (events, {', '.join(map(str, spec.shape))})"
            )
        self.events = len(self._response)
        stored = self._response.chunks[0] if self._response.chunks else CHUNK_EVENTS
        self.chunk_events = -(-CHUNK_EVENTS // stored) * stored

    def read(self, first: int, last: int) -> NDArray[np.float32]:
        """Reads responses, float32 [last - first, *spec.shape].

        Raises:
            DataError: If the file is damaged there.
        """
        return hdf5.floats(self._path, self._response, slice(first, last))


class SparseDataset:
    """The responses of a file that lists hits.

    Args:
        path: The file, for messages.
        file: The opened file.
        spec: The detector.

    Attributes:
        events: Number of responses.
        chunk_events: Number of responses that are cheap to read together.

    Raises:
        DataError: If the datasets do not fit each other.
    """

    def __init__(self, path: str, file: h5py.File, spec: DetectorSpec) -> None:
        self._path, self._shape = path, spec.shape
        self._cell = hdf5.dataset(path, file, CELL)
        self._value = hdf5.dataset(path, file, VALUE)
        self._offset = hdf5.content(path, hdf5.dataset(path, file, OFFSET))
        offset, hits = self._offset, self._cell.shape
        if (
            offset.ndim != 1
            or offset.dtype.kind not in "iu"
            or self._cell.dtype.kind not in "iu"
            or len(hits) != 1
            or self._value.shape != hits
            or not len(offset)
            or (offset[0], offset[-1]) != (0, *hits)
            or (offset[1:] < offset[:-1]).any()
        ):
            raise DataError(
                f"{path}: {OFFSET}, {CELL} and {VALUE} do not fit each other; write "
                "them as docs/formats.md says"
            )
        self.events = len(offset) - 1
        self.chunk_events = CHUNK_EVENTS

    def read(self, first: int, last: int) -> NDArray[np.float32]:
        """Reads responses, float32 [last - first, *spec.shape].

        Raises:
            DataError: If the file is damaged there, or a cell is not one of the
                detector or stands twice in an event.
        """
        offset = self._offset[first : last + 1].astype(np.int64)
        part = slice(int(offset[0]), int(offset[-1]))
        cell = hdf5.content(self._path, self._cell, part).astype(np.int64)
        value = hdf5.floats(self._path, self._value, part)
        size = int(np.prod(self._shape))
        event = np.repeat(np.arange(last - first), np.diff(offset))
        bad = (cell < 0) | (cell >= size)
        bad[1:] |= (event[1:] == event[:-1]) & (cell[1:] <= cell[:-1])
        if bad.any():
            hit = int(np.argmax(bad))
            raise DataError(
                f"{self._path}: event {first + event[hit]}: {CELL} {cell[hit]} is not "
                f"one of {size} cells or not above the one before it; write the cells "
                "of an event in ascending order, each once"
            )
        return decode(offset, cell, value, self._shape)


def open_responses(
    path: str, file: h5py.File, spec: DetectorSpec
) -> DenseDataset | SparseDataset:
    """Finds the responses of a canonical file.

    Raises:
        DataError: If there are none or they do not fit the detector.
    """
    if hdf5.holds(path, file, OFFSET) and not hdf5.holds(path, file, "response"):
        return SparseDataset(path, file, spec)
    return DenseDataset(path, file, spec)
