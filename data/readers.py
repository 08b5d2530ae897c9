"""Reads events from files of any known layout, whole or in pieces."""

import os
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from data import described, hdf5, layouts
from data.files import is_archive
from data.sample import SPLITS, DataError, Sample
from data.source import Source
from data.spec import DetectorSpec

__all__ = [
    "SPLITS",
    "DataError",
    "Sample",
    "Source",
    "detect",
    "open_source",
    "read",
    "splits",
]

Paths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]


def _path_list(paths: Paths) -> list[str]:
    if isinstance(paths, str | os.PathLike):
        return [os.fspath(paths)]
    if not paths:
        raise DataError("no data file was given; name at least one")
    return [os.fspath(path) for path in paths]


def detect(path: Paths) -> DetectorSpec:
    """Finds out which detector a file belongs to.

    Args:
        path: A file, or several of one detector.

    Returns:
        The specification; from data/spec.py if it knows the detector, otherwise built
        from the file itself.

    Raises:
        DataError: If the file cannot be read, or the detector is unknown.
    """
    first = _path_list(path)[0]
    return layouts.detect(first) if is_archive(first) else described.detect(first)


def splits(path: Paths) -> dict[str, int]:
    """Counts the events of every split.

    Args:
        path: A file or several.

    Returns:
        The number of events of each split that occurs; empty if no file has a split.

    Raises:
        DataError: If a file cannot be read or holds an unknown split.
    """
    counts = dict.fromkeys(SPLITS, 0)
    for name in _path_list(path):
        if is_archive(name):
            continue
        with hdf5.open_file(name) as file:
            codes = hdf5.split_codes(name, file)
        for code, split in enumerate(SPLITS):
            counts[split] += 0 if codes is None else int(np.sum(codes == code))
    return {split: count for split, count in counts.items() if count}


def open_source(
    paths: Paths,
    spec: DetectorSpec,
    *,
    split: str | None = None,
    where: Callable[[NDArray[np.float32]], NDArray[np.bool_]] | None = None,
) -> Source:
    """Opens files for reading chunk by chunk.

    Args:
        paths: A file, or several of one detector.
        spec: The detector.
        split: "train", "validation" or "test"; None takes all events.
        where: Tells from conditions [events, conditions] which events to take, bool
            [events]; None takes all.

    Returns:
        The opened source.

    Raises:
        DataError: If a file cannot be read, does not fit the detector, or has no
            events of the split.
    """
    return Source(_path_list(paths), spec, split, where)


def read(
    path: Paths,
    spec: DetectorSpec,
    *,
    split: str | None = None,
    limit: int | None = None,
    where: Callable[[NDArray[np.float32]], NDArray[np.bool_]] | None = None,
) -> Sample:
    """Reads events into memory.

    Args:
        path: A file, or several of one detector, read one after the other.
        spec: The detector.
        split: "train", "validation" or "test"; None takes all events.
        limit: Number of events to stop after; None reads all.
        where: See `open_source`.

    Returns:
        The events.

    Raises:
        DataError: If a file cannot be read, does not fit the detector, has no events
            of the split, or an event is bad.
    """
    if limit is not None and limit < 1:
        raise DataError(f"limit must be at least 1, received {limit}")
    with open_source(path, spec, split=split, where=where) as source:
        return source.read(0, limit)
