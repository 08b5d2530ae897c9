"""The manifest of a file of a production: what made it, and its checksum."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from common.atomic_files import replacing
from data.events import DataError

_CHUNK_BYTES = 1 << 22


def manifest_path(output: Path) -> Path:
    """Returns where the manifest of a file lies: beside it."""
    return output.with_name(f"{output.name}.manifest.json")


def checksum(path: Path) -> str:
    """Returns the SHA-256 of a file, as `sha256sum` prints it.

    Raises:
        DataError: If it cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}); generate this file again"
        ) from error
    return digest.hexdigest()


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Writes a file of JSON, whole or not at all.

    Raises:
        DataError: If it cannot be written.
    """
    try:
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise DataError(
            f"{path}: cannot be written ({error.strerror}); check that the folder "
            "exists, may be written to and has room"
        ) from error


def read_json(path: Path) -> dict[str, Any]:
    """Reads a file that `write_json` wrote.

    Raises:
        DataError: If it is missing or holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(
            f"{path}: not a readable manifest ({error}); generate its file again"
        ) from error
    if not isinstance(content, dict):
        raise DataError(f"{path}: not a manifest; generate its file again")
    return content


def difference(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> str | None:
    """Says in which setting two descriptions of a production differ first.

    Returns:
        "seed is 1, not 2", or None if they are the same.
    """
    for name in {**wanted, **found}:
        if found.get(name) != wanted.get(name):
            return f"{name} is {found.get(name)!r}, not {wanted.get(name)!r}"
    return None


def verified(path: Path) -> dict[str, Any]:
    """Returns the manifest of a file whose content is what the manifest says.

    Args:
        path: The file.

    Raises:
        DataError: If its manifest is missing, or the file is not that of the manifest.
    """
    content = read_json(manifest_path(path))
    if not path.is_file():
        raise DataError(f"{path}: is missing; generate it again")
    size = path.stat().st_size
    if size != content.get("bytes") or checksum(path) != content.get("sha256"):
        raise DataError(
            f"{path}: is not the file of its manifest ({size:,} bytes, manifest "
            f"{content.get('bytes')}; or another checksum); copy or generate it again"
        )
    return content
