"""Files that are either whole or not there."""

import contextlib
import os
import pathlib
import shutil
from collections.abc import Iterator


@contextlib.contextmanager
def replacing(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Gives a temporary name to write to, renamed to `path` when all went well.

    Works for files and folders. On any error the temporary is removed and what stood
    at `path` before still stands there.

    Args:
        path: Where the result shall be.

    Yields:
        The temporary path beside it.
    """
    temporary = path.with_name(f".{path.name}.partial")
    _remove(temporary)
    try:
        yield temporary
        if temporary.is_dir():
            _remove(path)
        else:
            with temporary.open("rb") as handle:
                os.fsync(handle.fileno())
        temporary.replace(path)
    except BaseException:
        _remove(temporary)
        raise


def _remove(path: pathlib.Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
