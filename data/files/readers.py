"""Readers of events from files of any known layout, whole or in pieces."""

import functools
import os
from collections.abc import Callable, Sequence
from typing import Any, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from data.detectors.spec import DetectorSpec
from data.events import SPLITS, DataError, Sample
from data.files import described_detector, hdf5
from data.files.archives import npz_layouts
from data.files.event_files import is_archive
from data.files.shower_formats import shower_layouts
from data.files.shower_formats.binning_xml import Binning
from data.files.source import Source

__all__ = [
    "SPLITS",
    "DataError",
    "Dataset",
    "Sample",
    "Source",
    "detect",
    "open_source",
    "read",
    "splits",
]

Choice = Callable[[NDArray[np.float32]], NDArray[np.bool_]]
Paths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]


def _path_list(paths: Paths) -> list[str]:
    if isinstance(paths, str | os.PathLike):
        return [os.fspath(paths)]
    if not paths:
        raise DataError("no data file was given; name at least one")
    return [os.fspath(path) for path in paths]


class Dataset:
    """Events in one or several files, opened once: what they are, and those of a split.

    Close it, or use it as a context manager.

    Args:
        paths: A file, or several of one detector, one after the other.
        binning: The voxels of files of the CaloChallenge or of Par04, see
            `data.files.shower_formats.binning_xml.read_binning`.

    Attributes:
        paths: Their names.
        spec: The detector; from `data.detectors` if it is known there, otherwise built
            from the first file itself.
        splits: The number of events of each split that occurs; empty if no file has a
            split.
        attributes: The attributes of the first file; empty for a NumPy archive.
        layout: Name of the first file's public layout of showers, for instance
            "CaloChallenge"; None for a canonical file and an archive.

    Raises:
        DataError: If a file cannot be read or holds an unknown split, or the detector
            is unknown.

    Example:
        >>> from data.samples.bundled import sample_of
        >>> with Dataset(sample_of("hgcal")) as dataset:
        ...     sample = dataset.read("test")
        >>> dataset.spec.name, sample.response.shape
        ('hgcal', (5000, 12, 15, 7))
    """

    def __init__(self, paths: Paths, binning: Binning | None = None) -> None:
        self.paths = _path_list(paths)
        self._opened: dict[str, h5py.File] = {}
        try:
            for path in self.paths:
                if not is_archive(path) and path not in self._opened:
                    self._opened[path] = hdf5.open_file(path)
            self._describe(self.paths[0], binning)
        except BaseException:
            self.close()
            raise

    def _describe(self, first: str, binning: Binning | None) -> None:
        self.layout: str | None = None
        file = self._opened.get(first)
        if file is None:
            self.spec = npz_layouts.detect(first)
            self.attributes: dict[str, Any] = {}
        else:
            self.spec = described_detector.detect(first, file, binning)
            found = shower_layouts.identify(first, file)
            self.layout = None if found is None else found.name
            self.attributes = hdf5.attributes(first, file)

    @functools.cached_property
    def splits(self) -> dict[str, int]:
        """The number of events of each split that occurs."""
        counts = dict.fromkeys(SPLITS, 0)
        for path in self.paths:
            if path in self._opened:
                codes = hdf5.split_codes(path, self._opened[path])
                for code, split in enumerate(SPLITS):
                    counts[split] += 0 if codes is None else int(np.sum(codes == code))
        return {split: count for split, count in counts.items() if count}

    def read(self, split: str | None = None, where: Choice | None = None) -> Sample:
        """Reads events into memory.

        Args:
            split: See `open_source`.
            where: See `open_source`.

        Raises:
            DataError: If a file does not fit the detector, has no events of the split,
                or an event is bad.
        """
        return Source(self.paths, self.spec, split, where, self._opened).read()

    def close(self) -> None:
        """Closes the files."""
        for file in self._opened.values():
            file.close()

    def __enter__(self) -> Self:
        """Returns the data set itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes the files."""
        self.close()


def detect(path: Paths, binning: Binning | None = None) -> DetectorSpec:
    """Finds out which detector a file belongs to, see `Dataset.spec`.

    Args:
        path: A file, or several of one detector.
        binning: See `Dataset`.

    Raises:
        DataError: If the first file cannot be read, or the detector is unknown.
    """
    with Dataset(_path_list(path)[0], binning) as dataset:
        return dataset.spec


def splits(path: Paths) -> dict[str, int]:
    """Counts the events of every split, see `Dataset.splits`.

    Args:
        path: A file or several.

    Raises:
        DataError: If a file cannot be read or holds an unknown split.
    """
    with Dataset(path) as dataset:
        return dataset.splits


def open_source(
    paths: Paths,
    spec: DetectorSpec,
    *,
    split: str | None = None,
    where: Choice | None = None,
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
    where: Choice | None = None,
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
