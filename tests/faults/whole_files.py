"""Looks for files that are half-written under the name of a whole one."""

import csv
import hashlib
import json
import zipfile

import h5py

from common import sealed_archive
from tests.faults.killed_process import Failed

_SAVED_MODEL_FILES = {
    "saved_model.pb",
    "signature.json",
    "variables/variables.index",
    "variables/variables.data-00000-of-00001",
}


def check_whole(folder):
    """Refuses files that are half-written under the name of a whole one."""
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        hidden = any(part.startswith((".", "tmp")) for part in inside.parts)
        if hidden or path.is_dir():
            continue
        try:
            _check_file(path)
        except (OSError, ValueError, zipfile.BadZipFile) as error:
            raise Failed(f"{inside} is half-written: {error}") from error
    for path in folder.glob("**/saved_model*"):
        if path.is_dir() and not path.name.startswith("."):
            lacking = [one for one in _SAVED_MODEL_FILES if not (path / one).is_file()]
            if lacking:
                raise Failed(f"{path.name} lacks {lacking}")
    report = folder / "run" / "report"
    if report.exists() and {path.name for path in report.iterdir()} != {
        "index.html",
        "metrics.json",
        "figures",
    }:
        raise Failed(f"{report}: not a whole report")


def _check_file(path):
    if path.suffix == ".npz":
        if not sealed_archive.intact(path):
            raise ValueError("its checksum does not fit")
    elif path.suffix == ".json":
        json.loads(path.read_text())
    elif path.suffix == ".csv":
        rows = list(csv.reader(path.read_text().splitlines()))
        if len({len(row) for row in rows}) != 1:
            raise ValueError("rows of different lengths")
    elif path.suffix == ".h5":
        with h5py.File(path) as file:
            lengths = {
                len(file[name]) for name in ("condition", "split") if name in file
            }
        if len(lengths) != 1:
            raise ValueError(f"datasets of {lengths} events")
    elif path.suffix == ".keras":
        with zipfile.ZipFile(path) as archive:
            if archive.testzip() is not None:
                raise ValueError(archive.testzip())
    elif path.suffix == ".png" and not path.read_bytes().endswith(b"IEND\xaeB`\x82"):
        raise ValueError("no end of the picture")


def contents(folder):
    """Returns the SHA-256 of every file below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
