"""Zip archives (`.npz`) that know their own checksum.

The archive's comment is the SHA-256 of everything before it: one file, which other
programs read as ever.
"""

import hashlib
import os
import pathlib
import zipfile

_MARK = b"sha256:"
_SEAL_BYTES = len(_MARK) + 64
_CHUNK_BYTES = 1 << 20


def seal(path: pathlib.Path) -> None:
    """Writes the checksum into a finished archive.

    Args:
        path: The archive, without a comment.
    """
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = _MARK.ljust(_SEAL_BYTES, b"0")
    digest = _digest(path)
    with path.open("r+b") as handle:
        handle.seek(-_SEAL_BYTES, os.SEEK_END)
        handle.write(_MARK + digest)


def intact(path: pathlib.Path) -> bool | None:
    """Tells whether an archive is, byte for byte, what was sealed.

    Args:
        path: The archive.

    Returns:
        Whether the checksum fits; None if there is none.

    Raises:
        OSError: If the file cannot be read.
    """
    with path.open("rb") as handle:
        handle.seek(max(0, path.stat().st_size - _SEAL_BYTES))
        end = handle.read()
    if not end.startswith(_MARK):
        return None
    return end == _MARK + _digest(path)


def _digest(path: pathlib.Path) -> bytes:
    """Returns the SHA-256 of a file but for its seal, in hexadecimal digits."""
    digest = hashlib.sha256()
    left = path.stat().st_size - _SEAL_BYTES
    with path.open("rb") as handle:
        while left > 0 and (chunk := handle.read(min(left, _CHUNK_BYTES))):
            digest.update(chunk)
            left -= len(chunk)
    return digest.hexdigest().encode()
