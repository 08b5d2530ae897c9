"""Readers of parts of HDF5 files; whatever is wrong ends in a DataError."""

from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from data.detectors.spec import DetectorSpec
from data.events import SPLITS, DataError
from data.files.validation import as_floats, check_names


def open_file(path: str) -> h5py.File:
    """Opens an HDF5 file for reading.

    Raises:
        DataError: If it is missing, truncated or something else.
    """
    try:
        return h5py.File(path, "r")
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; check the path") from None
    except OSError as error:
        reason = " ".join(str(error).split())
        raise DataError(
            f"{path}: not a readable HDF5 file ({reason}); fetch or write it again"
        ) from error


def attribute(path: str, file: h5py.File, name: str) -> Any:
    """Returns an attribute.

    Raises:
        DataError: If it is missing.
    """
    if name not in file.attrs:
        raise DataError(
            f"{path}: the attribute {name!r} is missing; write it as docs/formats.md "
            "says"
        )
    value = file.attrs[name]
    return value.decode() if isinstance(value, bytes) else value


def texts(path: str, file: h5py.File, name: str) -> tuple[str, ...]:
    """Returns an attribute that holds one text or several.

    Raises:
        DataError: If it is missing.
    """
    values = np.atleast_1d(attribute(path, file, name))
    return tuple(v.decode() if isinstance(v, bytes) else str(v) for v in values)


def dataset(path: str, file: h5py.File, name: str) -> h5py.Dataset:
    """Returns a dataset of numbers or fixed-length strings.

    Raises:
        DataError: If it is missing or holds something else.
    """
    found = file.get(name)
    if not isinstance(found, h5py.Dataset):
        raise DataError(
            f"{path}: the dataset {name!r} is missing; write it as docs/formats.md says"
        )
    return found


def content(path: str, found: h5py.Dataset, where: Any = ()) -> NDArray[Any]:
    """Reads a dataset or a part of it.

    Raises:
        DataError: If the file is damaged there.
    """
    try:
        return np.asarray(found[where])
    except (OSError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise DataError(
            f"{path}: {found.name[1:]} is damaged ({reason}); fetch or write it again"
        ) from error


def floats(path: str, found: h5py.Dataset, where: Any = ()) -> NDArray[np.float32]:
    """Reads numbers as float32.

    Raises:
        DataError: If they are not numbers or the file is damaged there.
    """
    return as_floats(path, found.name[1:], content(path, found, where))


def split_codes(path: str, file: h5py.File) -> NDArray[np.uint8] | None:
    """Returns the index in `SPLITS` of every event; None if the file has no split.

    Raises:
        DataError: If the file holds another name.
    """
    if "split" not in file:
        return None
    found = dataset(path, file, "split")
    if found.dtype.kind not in "SO":
        raise DataError(
            f"{path}: split holds {found.dtype}, not the names {', '.join(SPLITS)}"
        )
    names = content(path, found).astype("S")
    codes = np.full(len(names), len(SPLITS), np.uint8)
    for code, name in enumerate(SPLITS):
        codes[names == name.encode()] = code
    unknown = np.flatnonzero(codes == len(SPLITS))
    if unknown.size:
        event = int(unknown[0])
        raise DataError(
            f"{path}: event {event}: unknown split {names[event].decode('latin-1')!r}; "
            f"choose one of {', '.join(SPLITS)}"
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
