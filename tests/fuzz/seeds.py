"""Small valid files of every format, from which the fuzzer starts."""

import pathlib

import h5py
import numpy as np

from data.detectors import ecal
from data.events import Sample
from data.files import readers, writers
from data.files.lhcb_npz import write_lhcb
from data.files.shower_formats import cylinder_spec, layout_writer
from tests.data import made_tables
from tests.data.files import challenge_files
from tests.fuzz.targets import BINNING

_EVENTS = 3


def described(path: pathlib.Path) -> None:
    """A detector of two by two cells that describes itself, by h5py alone."""
    with h5py.File(path, "w", libver="latest") as file:
        file["response"] = np.ones((_EVENTS, 2, 2), np.float32)
        file["condition"] = np.arange(1, _EVENTS + 1, dtype=np.float32)[:, None]
        file["split"] = ["train", "validation", "test"]
        file["cells"] = np.ones((2, 2), bool)
        file["positions_cm"] = np.zeros((2, 2, 3), np.float32)
        file.attrs["detector"] = "mine"
        file.attrs["condition_names"] = ["energy_gev"]
        file.attrs["condition_units"] = ["GeV"]
        file.attrs["response_unit"] = "MeV"
        file.attrs["domain_low"] = [1.0]
        file.attrs["domain_high"] = [100.0]


def _hdf5(folder: pathlib.Path) -> None:
    own = folder / "own.h5"
    described(own)
    spec = readers.detect(own)
    sample = readers.read(own, spec)
    weighted = Sample(sample.response, sample.condition, np.ones(_EVENTS, np.float32))
    split = list(readers.SPLITS)
    writers.write(folder / "dense.h5", spec, weighted, split=split, cpu_s=0.5)
    writers.write(folder / "sparse.h5", spec, sample, split=split, sparse=True)
    challenge_files.write_calogan(folder / "calogan.h5", 1)
    voxels = cylinder_spec.cylinder_spec(BINNING, "calochallenge")
    showers = Sample(
        np.full((_EVENTS, *voxels.shape), 100.0, np.float32),
        np.full((_EVENTS, 1), 1.0, np.float32),
    )
    layout_writer.write_layout(
        folder / "challenge.h5", "calochallenge", voxels, showers
    )


def _npz(folder: pathlib.Path) -> None:
    spec = ecal.spec()
    condition = np.tile(np.float32([0, 0, 10, 0, 0]), (2, 1))
    sample = Sample(np.ones((2, *spec.shape), np.float32), condition)
    write_lhcb(folder / "lhcb.npz", sample)
    values = made_tables.named(made_tables.tracks(_EVENTS), made_tables.TEXT)
    made_tables.write_archive(folder / "tracks.npz", values)


def _csv(folder: pathlib.Path) -> None:
    values = made_tables.named(made_tables.tracks(_EVENTS), made_tables.TEXT)
    made_tables.write_text(folder / "tabs.csv", values)
    made_tables.write_text(folder / "commas.csv", values, ",")


def _parquet(folder: pathlib.Path) -> None:
    values = made_tables.named(made_tables.tracks(_EVENTS), made_tables.TREE)
    made_tables.write_parquet(folder / "tracks.parquet", values)


def _root(folder: pathlib.Path) -> None:
    values = made_tables.named(made_tables.tracks(_EVENTS), made_tables.TREE)
    made_tables.write_root(folder / "tree.root", {"pid_kaon": values})
    made_tables.write_root(folder / "ntuple.root", {"pid_kaon": values}, "mkrntuple")


def _xml(folder: pathlib.Path) -> None:
    text = challenge_files.binning({0: (1, 2), 2: (10, 3)})
    (folder / "binning.xml").write_text(text, encoding="utf-8")


WRITERS = {
    "hdf5": _hdf5,
    "npz": _npz,
    "csv": _csv,
    "parquet": _parquet,
    "root": _root,
    "xml": _xml,
}
"""Writers of the files of every format into a folder."""
