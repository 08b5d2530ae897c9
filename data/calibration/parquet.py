"""Tables in Parquet files."""

import functools
from collections.abc import Iterator, Sequence

from data.calibration.table import (
    PIECE_ROWS,
    Columns,
    Table,
    check_exists,
    not_numbers,
    numbers,
    optional,
    unreadable,
)
from data.events import DataError


def open_table(path: str) -> Table:
    """Opens a Parquet file.

    Args:
        path: The file.

    Raises:
        DataError: If it cannot be read.
    """
    check_exists(path)
    with optional(path):
        import pyarrow
        import pyarrow.parquet
    try:
        names = tuple(pyarrow.parquet.read_schema(path).names)
    except (OSError, ValueError, pyarrow.ArrowException) as error:
        raise unreadable(path, "Parquet file", error) from error
    return Table(path, names, functools.partial(_pieces, path))


def _pieces(path: str, names: Sequence[str]) -> Iterator[Columns]:
    """Reads some columns, a batch of rows at a time."""
    with optional(path):
        import pyarrow
        import pyarrow.parquet
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            for name in names:
                kind = file.schema_arrow.field(name).type
                if not (
                    pyarrow.types.is_integer(kind)
                    or pyarrow.types.is_floating(kind)
                    or pyarrow.types.is_boolean(kind)
                ):
                    raise not_numbers(path, name, kind)
            for batch in file.iter_batches(PIECE_ROWS, columns=list(names)):
                # A null becomes NaN, which nothing here accepts.
                yield {
                    name: numbers(
                        path,
                        name,
                        batch.column(name)
                        .cast(pyarrow.float64(), safe=False)
                        .to_numpy(zero_copy_only=False),
                    )
                    for name in names
                }
    except DataError:
        raise
    except (OSError, ValueError, pyarrow.ArrowException) as error:
        raise unreadable(path, "Parquet file", error) from error
