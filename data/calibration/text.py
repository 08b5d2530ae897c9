"""Tables in text: names in the first line; tabs, commas or semicolons between."""

import csv
import functools
import re
from collections.abc import Iterator, Sequence

from data.calibration.table import (
    Columns,
    Table,
    check_exists,
    numbers,
    optional,
    unreadable,
)
from data.events import DataError

_DELIMITERS = "\t,;"
_LONGEST_HEADER_BYTES = 1 << 20
_BLOCK_BYTES = 8 << 20
# How Arrow says that a field is no number. It counts lines from 1, with the header.
_NO_NUMBER = re.compile(r"CSV column #(\d+): Row #(\d+): .*invalid value '(.*)'", re.S)
_HEADER_AND_FIRST_LINE = 2


def open_table(path: str) -> Table:
    """Opens a table in text, compressed or not.

    The delimiter is the first one of tab, comma and semicolon that the first line has.

    Args:
        path: The file.

    Raises:
        DataError: If it cannot be read, is no text, or has no first line.
    """
    check_exists(path)
    with optional(path):
        import pyarrow
    try:
        with pyarrow.input_stream(path, compression="detect") as stream:
            first_line = stream.read(_LONGEST_HEADER_BYTES).partition(b"\n")[0]
        header = first_line.decode("utf-8-sig").rstrip("\r")
    except (OSError, ValueError, pyarrow.ArrowException) as error:
        raise unreadable(path, "table in text", error) from error
    if not header.strip() or "\0" in header:
        raise DataError(
            f"{path}: its first line names no columns; write a table in UTF-8 with the "
            "names in the first line"
        )
    delimiter = next((mark for mark in _DELIMITERS if mark in header), "\t")
    try:
        names = tuple(next(csv.reader([header], delimiter=delimiter)))
    except csv.Error as error:
        raise unreadable(path, "table in text", error) from error
    return Table(path, names, functools.partial(_pieces, path, names, delimiter))


def _pieces(
    path: str, header: Sequence[str], delimiter: str, names: Sequence[str]
) -> Iterator[Columns]:
    """Reads some columns, a block of the file at a time."""
    with optional(path):
        import pyarrow
        import pyarrow.csv
    # One thread: with more, Arrow does not know the line of a bad field.
    reading = pyarrow.csv.ReadOptions(use_threads=False, block_size=_BLOCK_BYTES)
    parsing = pyarrow.csv.ParseOptions(delimiter=delimiter)
    converting = pyarrow.csv.ConvertOptions(
        include_columns=list(names),
        column_types=dict.fromkeys(names, pyarrow.float64()),
    )
    try:
        with pyarrow.csv.open_csv(
            path,
            read_options=reading,
            parse_options=parsing,
            convert_options=converting,
        ) as reader:
            for batch in reader:
                # Empty fields become NaN, which nothing here accepts.
                yield {
                    name: numbers(
                        path, name, batch.column(name).to_numpy(zero_copy_only=False)
                    )
                    for name in names
                }
    except DataError:
        raise
    except (OSError, ValueError, pyarrow.ArrowException) as error:
        match = _NO_NUMBER.search(str(error))
        if match is None:
            raise unreadable(path, "table in text", error) from error
        column, row, value = match.groups()
        raise DataError(
            f"{path}: event {int(row) - _HEADER_AND_FIRST_LINE}: column "
            f"{header[int(column)]!r} holds {value!r}, not a number; correct the file "
            "or choose another column"
        ) from error
