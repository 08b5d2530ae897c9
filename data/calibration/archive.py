"""NumPy archives of particle identification: x, y and w, with names of columns."""

import functools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.calibration.table import (
    PIECE_ROWS,
    Columns,
    Table,
    check_exists,
    numbers,
)
from data.events import DataError
from data.files.archives.array_archives import array_names, load_arrays

_PAIRS = (("x", "x_vars"), ("y", "y_vars"), ("w", "w_var"))


def open_table(path: str) -> Table:
    """Opens an archive and reads it whole.

    `x` [rows, columns] has its names in `x_vars`, `y` in `y_vars`; `w` [rows] has its
    name in `w_var`, and both may be missing.

    Args:
        path: The archive.

    Raises:
        DataError: If it cannot be read, or its arrays do not fit each other.
    """
    check_exists(path)
    arrays = _load(path)
    columns: dict[str, NDArray[Any]] = {}
    names: list[str] = []
    for key, names_key in _PAIRS:
        if key == "w" and key not in arrays:
            continue
        of_key = _names(path, arrays, names_key)
        values = _array(path, arrays, key)
        values = values[:, None] if values.ndim == 1 else values
        if values.ndim != 2 or values.shape[1] != len(of_key):
            raise DataError(
                f"{path}: {key} has shape {arrays[key].shape}, and {names_key} names "
                f"{len(of_key)} columns; write {key} [tracks, {len(of_key)}]"
            )
        names += of_key
        columns.update(zip(of_key, values.T, strict=True))
    rows = {key: len(arrays[key]) for key, _ in _PAIRS if key in arrays}
    if len(set(rows.values())) > 1:
        counts = ", ".join(f"{key} has {count}" for key, count in rows.items())
        raise DataError(
            f"{path}: {counts} rows; write one row per track in each of them"
        )
    return Table(path, tuple(names), functools.partial(_pieces, path, columns))


def _load(path: str) -> dict[str, NDArray[Any]]:
    present = array_names(path)
    return load_arrays(path, [key for pair in _PAIRS for key in pair if key in present])


def _array(path: str, arrays: dict[str, NDArray[Any]], key: str) -> NDArray[Any]:
    if key not in arrays:
        wanted = ", ".join(name for pair in _PAIRS for name in pair)
        raise DataError(
            f"{path}: has no array {key!r}; an archive of calibration tracks has "
            f"{wanted}"
        )
    return arrays[key]


def _names(path: str, arrays: dict[str, NDArray[Any]], key: str) -> list[str]:
    values = np.atleast_1d(_array(path, arrays, key))
    if values.dtype.kind not in "US" or values.ndim != 1:
        raise DataError(
            f"{path}: {key} holds {values.dtype} of shape {values.shape}, not names of "
            "columns; write numpy.array([...], dtype=str)"
        )
    if values.dtype.kind == "S":
        values = np.char.decode(values, "latin-1")
    return [str(name) for name in values]


def _pieces(
    path: str, columns: dict[str, NDArray[Any]], names: Sequence[str]
) -> Iterator[Columns]:
    """Returns some columns, a range of rows at a time."""
    rows = len(next(iter(columns.values())))
    for first in range(0, rows, PIECE_ROWS):
        piece = slice(first, first + PIECE_ROWS)
        yield {name: numbers(path, name, columns[name][piece]) for name in names}
