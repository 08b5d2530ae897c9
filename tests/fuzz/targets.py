"""What is fuzzed: each format's readers, given a file of arbitrary bytes.

A target returns whether the file was read or refused by a `DataError` of one line. All
else that a reader raises is a finding.
"""

from collections.abc import Callable, Mapping

from data.calibration.calibration_table import CalibrationTable, ReadingOptions
from data.detectors.spec import DetectorSpec
from data.events import DataError
from data.files import readers
from data.files.event_stream import stream_of
from data.files.shower_formats.binning_xml import Binning, RingLayer, read_binning
from data.files.shower_formats.cylinder_spec import cylinder_spec
from data.production.stored_conditions import StoredConditions

BINNING = Binning("photon", (RingLayer(0, 1, (0.0, 5.0)), RingLayer(1, 2, (0.0, 9.0))))
"""The voxels of the small file of the CaloChallenge in the corpus."""

Refusal = str | None


def _refusal(work: Callable[[], object]) -> Refusal:
    """Returns what a DataError says; None if there is none."""
    try:
        work()
    except DataError as error:
        message = str(error)
        if not message.strip() or "\n" in message:
            raise RuntimeError(f"not one line: {message!r}") from error
        return message
    return None


def _conditions(path: str, spec: DetectorSpec) -> None:
    StoredConditions([path], spec, None, {}, None)


def _events(path: str) -> None:
    with readers.Dataset(path, BINNING) as dataset:
        _ = dataset.splits
        with readers.open_source(path, dataset.spec) as source:
            for _block in stream_of(dataset, source, None).blocks():
                pass
        spec = dataset.spec
    _conditions(path, spec)


def _tracks(path: str) -> None:
    drop = ("no_rich", "other_species")
    table = CalibrationTable(path, ReadingOptions(species="kaon", drop=drop))
    for _sample in table.samples():
        pass


def read_events(path: str) -> Refusal:
    """Reads showers: HDF5, or a NumPy archive."""
    return _refusal(lambda: _events(path))


def read_tracks(path: str) -> Refusal:
    """Reads a calibration table."""
    return _refusal(lambda: _tracks(path))


def read_archive(path: str) -> Refusal:
    """Reads an archive as showers and as a calibration table."""
    return read_events(path) or read_tracks(path)


def read_voxels(path: str) -> Refusal:
    """Reads a binning."""
    return _refusal(lambda: cylinder_spec(read_binning(path), "calochallenge"))


TARGETS: Mapping[str, tuple[str, Callable[[str], Refusal]]] = {
    "hdf5": (".h5", read_events),
    "npz": (".npz", read_archive),
    "csv": (".csv", read_tracks),
    "parquet": (".parquet", read_tracks),
    "root": (".root", read_tracks),
    "xml": (".xml", read_voxels),
}
"""Ending of the files of a format, and what reads them."""
