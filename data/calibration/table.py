"""The interface of a table of any format: names of columns, and numbers in pieces."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.events import DataError

PIECE_ROWS = 131_072
"""Rows that are read together where the format allows to choose."""

Columns = Mapping[str, NDArray[np.float64]]


@dataclasses.dataclass(frozen=True)
class Table:
    """A table in a file.

    Attributes:
        path: The file, and the table inside it where there may be several.
        names: Its columns, in order.
        pieces: Reads some columns, given by name, a piece at a time: name -> numbers
            as they stand in the file, float64 [rows].
    """

    path: str
    names: tuple[str, ...]
    pieces: Callable[[Sequence[str]], Iterator[Columns]]


@contextlib.contextmanager
def optional(path: str) -> Iterator[None]:
    """Wraps the import of a package that only some formats need.

    Raises:
        DataError: If it is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise DataError(
            f"{path}: this format needs the package {error.name!r}; "
            "pip install -r requirements-pid.txt"
        ) from None


def check_exists(path: str) -> None:
    """Refuses what is not a file.

    Raises:
        DataError: If there is none of this name.
    """
    if not Path(path).is_file():
        raise DataError(f"{path}: no such file; check the path")


def unreadable(path: str, what: str, error: Exception) -> DataError:
    """Returns the error for a file that a package could not read.

    Args:
        path: The file.
        what: What it should have been, e.g. "Parquet file".
        error: What the package said.
    """
    reason = " ".join(str(error).split()) or type(error).__name__
    return DataError(
        f"{path}: not a readable {what} ({reason}); fetch or write it again"
    )


def not_numbers(path: str, name: str, what: object) -> DataError:
    """Returns the error for a column that holds something else than numbers.

    Args:
        path: The file.
        name: The column.
        what: What it holds, e.g. "string".
    """
    return DataError(
        f"{path}: column {name!r} holds {what}, not one number per track; choose "
        "another column"
    )


def numbers(path: str, name: str, values: NDArray[Any]) -> NDArray[np.float64]:
    """Returns a column as float64 [rows].

    Args:
        path: The file, for the message.
        name: The column.
        values: What was read.

    Raises:
        DataError: If it is not one number per row.
    """
    if values.dtype.kind not in "iufb":
        raise not_numbers(path, name, values.dtype)
    if values.ndim != 1:
        raise not_numbers(path, name, f"arrays of shape {values.shape[1:]}")
    return values.astype(np.float64)
