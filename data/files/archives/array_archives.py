"""NumPy archives of strangers: arrays are read as data, and not beyond what is stored.

`numpy.load` makes room for whatever shape a header names, before it looks at what is
there, and holds a header in memory however long it is.
"""

import contextlib
import io
import math
import os
import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from data.events import DataError

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_LONGEST_HEADER_BYTES = 1 << 16
_PIECE_BYTES = 1 << 20

_DEFLATE = 1032
"""Bytes of which one byte of deflate can be at most: RFC 1951, 258 bytes in 2 bits."""

_HEADERS = {
    (1, 0): npy.read_array_header_1_0,
    (2, 0): npy.read_array_header_2_0,
}

# RuntimeError: encrypted, or compressed in a way that Python does not know.
_BROKEN = (
    OSError, ValueError, TypeError, SyntaxError, EOFError, KeyError, RuntimeError,
    MemoryError, tokenize.TokenError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


@contextlib.contextmanager
def _opened(path: str) -> Iterator[zipfile.ZipFile]:
    """Opens an archive; whatever is wrong with it ends in a DataError."""
    try:
        with open(path, "rb") as file:
            if file.read(len(npy.MAGIC_PREFIX)) == npy.MAGIC_PREFIX:
                raise DataError(
                    f"{path}: a single array, not an archive of named arrays; write it "
                    "with numpy.savez"
                )
            with zipfile.ZipFile(file) as archive:
                yield archive
    except DataError:
        raise
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; check the path") from None
    except _BROKEN as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(
            f"{path}: not a readable .npz archive ({reason}); fetch or write it again"
        ) from error


def array_names(path: str) -> set[str]:
    """Returns the names of the arrays of an archive.

    Raises:
        DataError: If the file cannot be read.
    """
    with _opened(path) as archive:
        return {name.removesuffix(".npy") for name in archive.namelist()}


def load_arrays(path: str, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Reads some arrays of an archive.

    Args:
        path: The archive.
        names: The arrays, which it has.

    Raises:
        DataError: If the file cannot be read, or an array is larger than what is
            stored of it, or holds Python objects.
    """
    with _opened(path) as archive:
        most_bytes = _DEFLATE * os.path.getsize(path)
        return {name: _array(archive, name, most_bytes) for name in names}


def _array(archive: zipfile.ZipFile, name: str, most_bytes: int) -> NDArray[Any]:
    """Reads an array; raises one of `_BROKEN` if that is not possible."""
    info = archive.getinfo(f"{name}.npy")
    if info.compress_type not in _METHODS:
        raise ValueError(f"{name} is compressed otherwise than by deflate")
    with archive.open(info) as member:
        head = member.read(_LONGEST_HEADER_BYTES)
        start = io.BytesIO(head)
        version = npy.read_magic(start)
        if version not in _HEADERS:
            raise ValueError(f"{name} has a header of version {version}")
        shape, fortran_order, dtype = _HEADERS[version](start)
        if dtype.hasobject:
            raise ValueError(
                f"{name} holds Python objects, which are never read, since they may "
                "run code; write names as numpy.array([...], dtype=str) and numbers as "
                "float32"
            )
        declared = math.prod(shape) * dtype.itemsize
        stored = info.file_size - start.tell()
        if declared != stored or stored > most_bytes or dtype.itemsize == 0:
            raise ValueError(
                f"{name} says that it is {declared:,} bytes, {stored:,} are stored"
            )
        content = np.empty(declared, np.uint8)
        done = len(head) - start.tell()
        content[:done] = np.frombuffer(head, np.uint8, offset=start.tell())
        while piece := member.read(_PIECE_BYTES):
            content[done : done + len(piece)] = np.frombuffer(piece, np.uint8)
            done += len(piece)
    if done != declared:
        raise ValueError(f"{name} ends after {done:,} of {declared:,} bytes")
    values = content.view(dtype)
    return values.reshape(shape, order="F" if fortran_order else "C")
