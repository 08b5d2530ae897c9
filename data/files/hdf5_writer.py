"""Writing of HDF5 files piece by piece: whole, or not at all."""

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from data.events import DataError
from data.files.full_disk import Disk

# A call of HDF5 costs as much as some hundred kilobytes.
_LARGE_BYTES, _WRITTEN_BYTES = 1 << 20, 1 << 22


class Hdf5Writer:
    """Writes datasets of events that grow piece by piece.

    A context manager. The file appears under its name when the block ends without
    an error; until then it has a temporary name in the same folder, and nothing stays
    behind after an error. What a killed process leaves there is written over; a second
    process is refused.

    Args:
        path: The file, replaced if it exists.
        compression: Level of gzip, 1 to 9; None writes plain numbers.
    """

    def __init__(
        self, path: str | os.PathLike[str], compression: int | None = 4
    ) -> None:
        self._path = Path(path)
        self._temporary = self._path.with_name(f".{self._path.name}.partial")
        self._filters: dict[str, Any] = {}
        if compression is not None:
            self._filters = {
                "compression": "gzip",
                "compression_opts": compression,
                "shuffle": True,
            }
        self._disk: Disk | None = None
        self._file: h5py.File | None = None
        self._events = 0
        self._datasets: dict[str, h5py.Dataset] = {}
        self._waiting: list[Mapping[str, NDArray[Any]]] = []
        self._waiting_bytes = 0
        self._rows: Mapping[str, int] = {}

    def _write_head(self, file: h5py.File) -> None:
        """Writes what a file holds beside its events; nothing here."""

    def __enter__(self) -> Self:
        """Creates the temporary file."""
        try:
            self._disk = Disk(self._temporary)
            self._file = h5py.File(self._disk, "w")
            self._write_head(self._file)
        except BaseException as error:
            self._discard(error)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Gives the file its name, or removes it after an error."""
        if error is not None:
            self._discard(error)
            return
        try:
            if self._file is not None and self._disk is not None:
                self._flush(self._file)
                self._file.close()
                self._check_disk()
                os.fsync(self._disk.fileno())
                # Renamed while it is locked: nobody else may empty it any more.
                os.replace(self._temporary, self._path)
                self._disk.close()
        except BaseException as failure:
            self._discard(failure)
            raise

    def _check_disk(self) -> None:
        if self._disk is not None and self._disk.failure is not None:
            raise self._disk.failure

    def _append(
        self,
        file: h5py.File,
        pieces: Mapping[str, NDArray[Any]],
        count: int,
        rows: Mapping[str, int],
    ) -> None:
        """Adds events to datasets, which are made in chunks of so many rows.

        Small pieces wait, copied, until `_WRITTEN_BYTES` go to the file together.
        """
        known = set(self._waiting[0]) if self._waiting else set(self._datasets)
        if self._events and known != set(pieces):
            raise DataError(
                f"{self._path}: every piece needs the same datasets; the file has "
                f"{sorted(known)}, received {sorted(pieces)}"
            )
        self._events += count
        self._rows = rows
        size = sum(values.nbytes for values in pieces.values())
        self._waiting_bytes += size
        if size < _LARGE_BYTES and self._waiting_bytes < _WRITTEN_BYTES:
            # The caller may write to its arrays before they are in the file.
            self._waiting.append({name: one.copy() for name, one in pieces.items()})
        else:
            self._waiting.append(pieces)
            self._flush(file)

    def _flush(self, file: h5py.File) -> None:
        waiting, self._waiting, self._waiting_bytes = self._waiting, [], 0
        for name in waiting[0] if waiting else ():
            parts = [pieces[name] for pieces in waiting]
            values = parts[0] if len(parts) == 1 else np.concatenate(parts)
            if name not in self._datasets:
                self._datasets[name] = file.create_dataset(
                    name,
                    shape=(0, *values.shape[1:]),
                    maxshape=(None, *values.shape[1:]),
                    dtype=values.dtype,
                    chunks=(self._rows[name], *values.shape[1:]),
                    **self._filters,
                )
            found = self._datasets[name]
            stored = len(found)
            found.resize(stored + len(values), axis=0)
            found[stored:] = values

    def _discard(self, error: BaseException) -> None:
        """Removes the temporary file; explains what the disk or HDF5 complained of."""
        with contextlib.suppress(OSError, RuntimeError):
            if self._file is not None:
                self._file.close()
        with contextlib.suppress(OSError):
            if self._disk is not None:
                self._temporary.unlink(missing_ok=True)
                self._disk.close()
        if isinstance(error, (OSError, RuntimeError)):
            reason = " ".join(str(error).split())
            raise DataError(
                f"{self._path}: cannot be written ({reason}); check that the folder "
                "exists, may be written to and has room"
            ) from error
