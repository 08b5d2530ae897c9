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
    at `path` before still stands there. A folder cannot be renamed over another one:
    if the process is killed between the two renamings that this takes, the next call
    puts the earlier folder back.

    Args:
        path: Where the result shall be.

    Yields:
        The temporary path beside it.
    """
    temporary = path.with_name(f".{path.name}.partial")
    earlier = path.with_name(f".{path.name}.earlier")
    _settle(path, earlier)
    _remove(temporary)
    try:
        yield temporary
        if temporary.is_dir():
            if path.exists():
                path.replace(earlier)
        else:
            with temporary.open("rb") as handle:
                os.fsync(handle.fileno())
        temporary.replace(path)
    except BaseException:
        _remove(temporary)
        _settle(path, earlier)
        raise
    _remove(earlier)


def _settle(path: pathlib.Path, earlier: pathlib.Path) -> None:
    """Puts back what stood at `path` if nothing has come in its place."""
    if earlier.exists() and not path.exists():
        earlier.replace(path)
    _remove(earlier)


def _remove(path: pathlib.Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
