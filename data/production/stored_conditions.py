"""Conditions from files: HDF5, NumPy archives, and tables in text, Parquet or ROOT."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.calibration.formats import open_table
from data.detectors.spec import DetectorSpec
from data.events import DataError
from data.files import hdf5
from data.files.archives import array_archives, npz_layouts
from data.files.event_files import is_archive
from data.files.validation import as_floats, check_names, check_per_event
from data.production.shares import Share

_HDF5 = (".h5", ".hdf5")
_PIECE_ROWS = 131_072

Pieces = Iterator[NDArray[np.float32]]


class StoredConditions:
    """Takes the conditions of events from the rows of files.

    Event n has row n. A production with more events than rows begins again with the
    first row. All rows are read and checked once; those of the share are kept in a file
    of plain numbers, so that memory does not grow with them.

    Args:
        paths: The files, one after the other.
        spec: The detector.
        num: Number of events of the production; None for one per row.
        columns: Name of a condition -> name in the file, where that is another one.
        tree: Tree of ROOT files; None if it is clear.

    Attributes:
        rows: Number of rows.
        num: Number of events.
        sha256: Checksum of all rows, as little-endian float32; the format of the file
            does not change it.
        outside_domain: Number of rows outside the detector's domain.

    Raises:
        DataError: If a file cannot be read, or lacks a condition, or one is not finite.
    """

    def __init__(
        self,
        paths: Sequence[str],
        spec: DetectorSpec,
        num: int | None,
        columns: Mapping[str, str],
        tree: str | None,
    ) -> None:
        for name in columns:
            if name not in spec.condition_names:
                raise DataError(
                    f"--columns={name}=...: {name!r} is no condition of detector "
                    f"{spec.name!r}; it has {', '.join(spec.condition_names)}"
                )
        self._paths, self._spec, self._columns, self._tree = paths, spec, columns, tree
        digest, self.rows, self.outside_domain = hashlib.sha256(), 0, 0
        for piece in self._pieces():
            digest.update(piece.astype("<f4").tobytes())
            inside = np.asarray(spec.in_domain(piece), bool)
            self.outside_domain += int(np.sum(~inside))
            self.rows += len(piece)
        if not self.rows:
            raise DataError(f"{', '.join(paths)}: no rows; choose another file")
        self.num = num or self.rows
        self.sha256 = digest.hexdigest()
        self._kept: Path | None = None
        self._first = 0

    def keep(self, share: Share, path: Path) -> None:
        """Writes the rows that a share needs to a file, from which `block` reads them.

        Args:
            share: The share.
            path: The file, replaced if it exists.
        """
        whole = share.num > self.rows
        start, stop = (0, self.rows) if whole else (share.start, share.stop)
        first = 0
        with path.open("wb") as file:
            for piece in self._pieces():
                part = piece[max(start - first, 0) : max(stop - first, 0)]
                file.write(part.astype("<f4").tobytes())
                first += len(piece)
        self._kept, self._first = path, start

    def block(self, share: Share, number: int) -> NDArray[np.float32]:
        """Reads the conditions of a block.

        Args:
            share: The share that was kept.
            number: The block.

        Returns:
            Conditions [spec.condition_units], float32 [events of the block,
            conditions].

        Raises:
            DataError: If nothing was kept.
        """
        if self._kept is None:
            raise DataError("keep() comes before block()")
        events = share.events_of(number)
        parts, event = [], events.start
        while event < events.stop:
            row = event % self.rows
            count = min(events.stop - event, self.rows - row)
            parts.append(self._read(self._kept, row - self._first, count))
            event += count
        return np.concatenate(parts)

    def _read(self, path: Path, row: int, count: int) -> NDArray[np.float32]:
        size = len(self._spec.condition_names)
        values = np.fromfile(
            path, "<f4", count=count * size, offset=row * size * np.float32().itemsize
        )
        return values.astype(np.float32).reshape(count, size)

    def _pieces(self) -> Pieces:
        """Reads all rows, checked, some at a time."""
        for path in self._paths:
            row = 0
            for piece in self._raw(path):
                rows = np.arange(row, row + len(piece))
                check_per_event(path, "condition", piece, rows)
                row += len(piece)
                yield piece

    def _raw(self, path: str) -> Pieces:
        if Path(path).suffix in _HDF5:
            return self._of_hdf5(path)
        if is_archive(path):
            return self._of_archive(path)
        return self._of_table(path)

    def _names(self) -> list[str]:
        """Returns what every condition is called in the files."""
        return [self._columns.get(name, name) for name in self._spec.condition_names]

    def _of_hdf5(self, path: str) -> Pieces:
        """The dataset `condition` of a canonical file, or a dataset per condition."""
        with hdf5.open_file(path) as file:
            if not self._columns and hdf5.holds(path, file, "condition"):
                found = [hdf5.dataset(path, file, "condition")]
                if hdf5.holds_attribute(path, file, "condition_names"):
                    received = hdf5.texts(path, file, "condition_names")
                    wanted, name = self._spec.condition_names, self._spec.name
                    check_names(path, "condition_names", received, wanted, name)
            else:
                found = [hdf5.dataset(path, file, name) for name in self._names()]
            shapes = {one.shape for one in found}
            if len(shapes) > 1:
                raise DataError(
                    f"{path}: the datasets {', '.join(self._names())} have different "
                    "lengths; write one row per event in each of them"
                )
            for first in range(0, len(found[0]), _PIECE_ROWS):
                part = slice(first, first + _PIECE_ROWS)
                yield self._shaped(
                    path, [hdf5.floats(path, one, part) for one in found]
                )

    def _of_archive(self, path: str) -> Pieces:
        """The array `condition`, an array per condition, or a layout of events."""
        names = array_archives.array_names(path)
        wanted = self._names()
        if "condition" in names and not self._columns:
            wanted = ["condition"]
        if names.issuperset(wanted):
            arrays = array_archives.load_arrays(path, wanted)
            yield self._shaped(
                path, [as_floats(path, name, arrays[name]) for name in wanted]
            )
        else:
            condition = npz_layouts.load(path, self._spec).condition
            yield self._shaped(path, [as_floats(path, "condition", condition)])

    def _of_table(self, path: str) -> Pieces:
        """A column per condition."""
        table, wanted = open_table(path, self._tree, None), self._names()
        missing = [name for name in wanted if name not in table.names]
        if missing:
            raise DataError(
                f"{table.path}: no column {missing[0]!r}; name it with "
                f"--columns=condition=theirs; the table has {', '.join(table.names)}"
            )
        for piece in table.pieces(wanted):
            columns = [piece[name].astype(np.float32) for name in wanted]
            yield self._shaped(path, columns)

    def _shaped(
        self, path: str, arrays: Sequence[NDArray[np.float32]]
    ) -> NDArray[np.float32]:
        """Returns one table [rows, conditions]."""
        values = arrays[0] if len(arrays) == 1 else np.stack(arrays, axis=-1)
        size = len(self._spec.condition_names)
        if values.ndim == 1 and size == 1:
            values = values[:, None]
        if values.ndim != 2 or values.shape[1] != size:
            raise DataError(
                f"{path}: conditions have shape {values.shape}, detector "
                f"{self._spec.name!r} needs (events, {size})"
            )
        return values
