"""Readers of parts of HDF5 files; whatever is wrong ends in a DataError.

A file can name others: links, virtual datasets and external storage. None of these is
followed. It can also declare more than it holds, which is found before room is made.
"""

import math
import zlib
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from data.detectors.spec import DetectorSpec
from data.events import SPLITS, DataError
from data.files.inflated_chunks import check_chunks
from data.files.validation import as_floats, check_names

_BROKEN = (
    OSError, RuntimeError, KeyError, TypeError, ValueError, OverflowError, MemoryError,
    zlib.error,
)  # fmt: skip
"""What h5py raises where a file is damaged, or holds what Python has no name for."""

_UNSUSPICIOUS_BYTES = 1 << 26
_LARGEST_RATIO = 1100
"""Bytes per stored byte: deflate reaches 1032."""

_PIECE_ROWS = {"S": 1 << 20, "O": 1 << 8}
"""Names to read together; texts of any length may all be the same long one."""


def open_file(path: str) -> h5py.File:
    """Opens an HDF5 file for reading.

    Raises:
        DataError: If it is missing, truncated or something else.
    """
    try:
        return h5py.File(path, "r")
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; check the path") from None
    except _BROKEN as error:
        raise DataError(
            f"{path}: not a readable HDF5 file ({_reason(error)}); fetch or write it "
            "again"
        ) from error


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _damaged(path: str, what: str, error: Exception) -> DataError:
    return DataError(
        f"{path}: {what} is damaged ({_reason(error)}); fetch or write it again"
    )


def holds_attribute(path: str, file: h5py.File, name: str) -> bool:
    """Tells whether a file has an attribute.

    Raises:
        DataError: If the file is damaged.
    """
    try:
        return name in file.attrs
    except _BROKEN as error:
        raise _damaged(path, f"the attribute {name!r}", error) from error


def attribute(path: str, file: h5py.File, name: str) -> Any:
    """Returns an attribute: a text, a number or an array of them.

    Raises:
        DataError: If it is missing or something else.
    """
    if not holds_attribute(path, file, name):
        raise DataError(
            f"{path}: the attribute {name!r} is missing; write it as docs/formats.md "
            "says"
        )
    try:
        value = file.attrs[name]
        if isinstance(value, bytes):
            value = value.decode()
        kinds = {type(one) for one in np.ravel(value).tolist()}
    except _BROKEN as error:
        raise _damaged(path, f"the attribute {name!r}", error) from error
    if not kinds <= {bool, int, float, str, bytes}:
        raise DataError(
            f"{path}: the attribute {name!r} is neither text nor numbers; write it as "
            "docs/formats.md says"
        )
    return value


def attributes(path: str, file: h5py.File) -> dict[str, Any]:
    """Returns all attributes that are texts, numbers or arrays of them.

    Raises:
        DataError: If the file is damaged.
    """
    try:
        names = list(file.attrs)
    except _BROKEN as error:
        raise _damaged(path, "the list of attributes", error) from error
    found = {}
    for name in names:
        try:
            found[name] = attribute(path, file, name)
        except DataError:
            # Somebody else's, of a kind that no layout has.
            continue
    return found


def texts(path: str, file: h5py.File, name: str) -> tuple[str, ...]:
    """Returns an attribute that holds one text or several.

    Raises:
        DataError: If it is missing.
    """
    values = np.ravel(attribute(path, file, name)).tolist()
    try:
        return tuple(v.decode() if isinstance(v, bytes) else str(v) for v in values)
    except ValueError as error:
        raise _damaged(path, f"the attribute {name!r}", error) from error


def _found(path: str, file: h5py.File, name: str) -> Any:
    """Returns what the file itself has under a name; None if there is nothing.

    Raises:
        DataError: If a link leads elsewhere, or the file is damaged.
    """
    here: Any = file
    try:
        for part in filter(None, name.split("/")):
            if not isinstance(here, h5py.Group):
                return None
            link = here.get(part, getlink=True)
            if link is None:
                return None
            if not isinstance(link, h5py.HardLink):
                raise DataError(
                    f"{path}: {name!r} is a link to elsewhere, and links are not "
                    "followed; copy what it leads to into the file, as `h5copy -f ext`"
                )
            here = here[part]
    except DataError:
        raise
    except _BROKEN as error:
        raise _damaged(path, name, error) from error
    return here


def holds(path: str, file: h5py.File, name: str) -> bool:
    """Tells whether a file has a dataset, or something else of this name.

    Raises:
        DataError: If a link leads elsewhere, or the file is damaged.
    """
    return _found(path, file, name) is not None


def dataset(path: str, file: h5py.File, name: str) -> h5py.Dataset:
    """Returns a dataset with at least one axis, whose numbers are in the file.

    Raises:
        DataError: If it is missing or something else, keeps its numbers in other files,
            or declares more of them than the file can hold.
    """
    found = _found(path, file, name)
    if not isinstance(found, h5py.Dataset):
        raise DataError(
            f"{path}: the dataset {name!r} is missing; write it as docs/formats.md says"
        )
    try:
        # First: the shape of a virtual dataset may be asked of the other files.
        elsewhere = found.is_virtual or found.external is not None
        if not elsewhere:
            shape, size = found.shape, found.dtype.itemsize
            stored = found.id.get_storage_size()
    except _BROKEN as error:
        raise _damaged(path, name, error) from error
    if elsewhere:
        raise DataError(
            f"{path}: {name} keeps its numbers in other files, which are not followed; "
            "copy it whole, as `h5repack` does"
        )
    if not shape:
        raise DataError(f"{path}: {name} has no axis; write one row for each event")
    declared = math.prod(shape) * size
    if declared > max(_UNSUSPICIOUS_BYTES, _LARGEST_RATIO * stored):
        raise DataError(
            f"{path}: {name} of shape {shape} says that it is {declared:,} bytes, "
            f"{stored:,} are stored; write it again"
        )
    return found


def content(path: str, found: h5py.Dataset, rows: slice = slice(None)) -> NDArray[Any]:
    """Reads rows of a dataset, by default all.

    Raises:
        DataError: If the file is damaged there.
    """
    try:
        check_chunks(found, rows)
        return np.asarray(found[rows])
    except _BROKEN as error:
        raise _damaged(path, found.name[1:], error) from error


def floats(
    path: str, found: h5py.Dataset, rows: slice = slice(None)
) -> NDArray[np.float32]:
    """Reads rows of numbers as float32, by default all.

    Raises:
        DataError: If they are not numbers or the file is damaged there.
    """
    return as_floats(path, found.name[1:], content(path, found, rows))


def split_codes(path: str, file: h5py.File) -> NDArray[np.uint8] | None:
    """Returns the index in `SPLITS` of every event; None if the file has no split.

    Raises:
        DataError: If the file holds another name.
    """
    if not holds(path, file, "split"):
        return None
    found = dataset(path, file, "split")
    step = _PIECE_ROWS.get(found.dtype.kind)
    if step is None or not h5py.check_string_dtype(found.dtype) or found.ndim != 1:
        raise DataError(
            f"{path}: split holds {found.dtype} of shape {found.shape}, not the names "
            f"{', '.join(SPLITS)}, one for each event"
        )
    codes = np.full(len(found), len(SPLITS), np.uint8)
    for first in range(0, len(found), step):
        names = content(path, found, slice(first, first + step))
        piece = codes[first : first + step]
        for code, name in enumerate(SPLITS):
            # Texts of any length are bytes too.
            piece[names == name.encode()] = code
        unknown = np.flatnonzero(piece == len(SPLITS))
        if unknown.size:
            event = int(unknown[0])
            name = bytes(names[event]).decode("latin-1")
            raise DataError(
                f"{path}: event {first + event}: unknown split {name!r}; choose one of "
                f"{', '.join(SPLITS)}"
            )
    return codes


def check_head(path: str, file: h5py.File, spec: DetectorSpec) -> None:
    """Refuses a file of another detector, with other conditions or in other units.

    Raises:
        DataError: If an attribute is missing or wrong.
    """
    name = str(attribute(path, file, "detector"))
    if name != spec.name:
        raise DataError(
            f"{path}: holds detector {name!r}, not {spec.name!r}; choose the other "
            "detector or another file"
        )
    for key, expected in (
        ("condition_names", spec.condition_names),
        ("condition_units", spec.condition_units),
        ("response_unit", (spec.unit,)),
    ):
        check_names(path, key, texts(path, file, key), expected, name)
