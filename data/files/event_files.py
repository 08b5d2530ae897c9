"""The files that events are read from, all behind one small interface."""

from pathlib import Path
from typing import Protocol

import h5py
import numpy as np
from numpy.typing import NDArray

from data.detectors.spec import DetectorSpec
from data.events import SPLITS, DataError
from data.files import hdf5
from data.files.archives import npz_layouts
from data.files.shower_formats import shower_layouts
from data.files.shower_formats.layout_file import LayoutFile
from data.files.sparse_responses import open_responses
from data.files.validation import as_floats

CHUNK_EVENTS = 256


class File(Protocol):
    """One opened file, or those events of it that belong to one split.

    Attributes:
        path: Its name.
        rows: Numbers of the events in the file, ascending, int64 [events].
        condition: Conditions [spec.condition_units], float32 [events, conditions].
        weight: Weights, float32 [events]; None where all are 1.
        chunk_rows: Number of rows of the file that are cheap to read together.
    """

    path: str
    rows: NDArray[np.int64]
    condition: NDArray[np.float32]
    weight: NDArray[np.float32] | None
    chunk_rows: int

    def response(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Reads the responses of some rows, ascending and near each other."""

    def close(self) -> None:
        """Closes the file; to read responses opens it again."""


class CanonicalFile:
    """A canonical HDF5 file; responses stay in the file until they are read."""

    def __init__(
        self,
        path: str,
        spec: DetectorSpec,
        split: str | None,
        opened: h5py.File | None = None,
    ) -> None:
        self.path, self._spec = path, spec
        self._file = hdf5.open_file(path) if opened is None else opened
        self._owned = opened is None
        try:
            self._open(self._file, spec, split)
        except BaseException:
            self.close()
            raise

    def _open(self, file: h5py.File, spec: DetectorSpec, split: str | None) -> None:
        path = self.path
        hdf5.check_head(path, file, spec)
        self._response = open_responses(path, file, spec)
        condition = hdf5.dataset(path, file, "condition")
        events = self._response.events
        shapes = {
            "condition": (events, len(spec.condition_names)),
            "weight": (events,),
            "split": (events,),
        }
        for name, shape in shapes.items():
            if not hdf5.holds(path, file, name):
                continue
            found = hdf5.dataset(path, file, name).shape
            if found != shape:
                raise DataError(
                    f"{path}: {name} has shape {found}, {events} events need {shape}"
                )
        self.rows = self._select(file, split, events)
        self.condition = hdf5.floats(path, condition)[self.rows]
        self.weight = None
        if hdf5.holds(path, file, "weight"):
            weight = hdf5.dataset(path, file, "weight")
            self.weight = hdf5.floats(path, weight)[self.rows]
        self.chunk_rows = self._response.chunk_events

    def _select(
        self, file: h5py.File, split: str | None, events: int
    ) -> NDArray[np.int64]:
        codes = hdf5.split_codes(self.path, file)
        if split is None:
            return np.arange(events)
        if codes is None:
            raise DataError(
                f"{self.path}: has no dataset 'split', so that the events of "
                f"{split!r} are not known; add one, see docs/formats.md"
            )
        return np.flatnonzero(codes == SPLITS.index(split))

    def response(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Reads the responses of some rows, ascending and near each other."""
        if self._owned and not self._file:
            self._file = hdf5.open_file(self.path)
            self._response = open_responses(self.path, self._file, self._spec)
        first, last = int(rows[0]), int(rows[-1]) + 1
        span = self._response.read(first, last)
        return span if len(rows) == last - first else span[rows - first]

    def close(self) -> None:
        """Closes the file until it is read again, unless somebody else opened it."""
        if self._owned:
            self._file.close()


class ArchiveFile:
    """A NumPy archive, held in memory."""

    def __init__(self, path: str, spec: DetectorSpec, split: str | None) -> None:
        self.path = path
        self.weight: NDArray[np.float32] | None = None
        self.chunk_rows = CHUNK_EVENTS
        if split is not None:
            raise DataError(
                f"{path}: a NumPy archive has no split, so that the events of "
                f"{split!r} are not known; convert it to HDF5, see docs/formats.md"
            )
        events = npz_layouts.load(path, spec)
        if events.response.shape[1:] != spec.shape:
            raise DataError(
                f"{path}: responses have shape {events.response.shape}, detector "
                f"{spec.name!r} needs (events, {', '.join(map(str, spec.shape))})"
            )
        conditions = (len(events.response), len(spec.condition_names))
        if events.condition.shape != conditions:
            raise DataError(
                f"{path}: conditions have shape {events.condition.shape}, "
                f"{len(events.response)} events need {conditions}"
            )
        self.rows = self._stored = events.rows
        self._response = as_floats(path, "response", events.response)
        self.condition = as_floats(path, "condition", events.condition)

    def response(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Returns the responses of some rows, ascending and near each other."""
        return self._response[np.searchsorted(self._stored, rows)]

    def close(self) -> None:
        """Does nothing: the archive was read and closed at once."""


def is_archive(path: str) -> bool:
    """Tells NumPy archives from HDF5 files, by the name."""
    return Path(path).suffix == ".npz"


def open_file(
    path: str,
    spec: DetectorSpec,
    split: str | None,
    opened: h5py.File | None = None,
) -> File:
    """Opens a file of any known layout.

    Args:
        path: The file.
        spec: The detector that it has to fit.
        split: "train", "validation" or "test"; None takes all events.
        opened: The file, where it is open already; whoever opened it closes it.

    Raises:
        DataError: If it cannot be read or does not fit.
    """
    if is_archive(path):
        return ArchiveFile(path, spec, split)
    file = hdf5.open_file(path) if opened is None else opened
    try:
        layout = shower_layouts.identify(path, file)
    finally:
        if opened is None:
            file.close()
    if layout is None:
        return CanonicalFile(path, spec, split, opened)
    return LayoutFile(path, layout, spec, split, opened)
