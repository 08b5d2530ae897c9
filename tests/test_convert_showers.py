"""The command: convert.py between layouts of showers."""

import h5py
import numpy as np
import pytest

from common.rounding import rounded
from data.files import readers
from tests.data.files import challenge_files as made

SHAPES = {0: (1, 3), 1: (4, 4), 12: (1, 2)}
EVENTS = 600


@pytest.fixture
def files(tmp_path):
    (tmp_path / "photon.xml").write_text(made.binning(SHAPES))
    cells, energy = made.showers(21, EVENTS)
    made.write_challenge(tmp_path / "a.hdf5", cells, energy)
    return tmp_path, cells.astype(np.float32)


def _convert(script, capsys, *options):
    status = script("convert")(*options)
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_there_and_back_again(script, files, capsys):
    folder, cells = files
    status, out, err = _convert(
        script, capsys, f"--input={folder}/a.hdf5", f"--output={folder}/b.h5",
        f"--binning={folder}/photon.xml", "--splits=0.5,0.25,0.25", "--seed=3",
    )  # fmt: skip
    assert (status, err) == (0, "")
    counts = readers.splits(folder / "b.h5")
    assert sum(counts.values()) == EVENTS
    assert abs(counts["train"] - EVENTS / 2) < 4 * (EVENTS / 4) ** 0.5
    assert out.split(": ")[-1].startswith(f"{counts['train']} train")
    spec = readers.detect(folder / "b.h5")
    np.testing.assert_array_equal(readers.read(folder / "b.h5", spec).response, cells)
    status, out, err = _convert(
        script, capsys, f"--input={folder}/b.h5", f"--output={folder}/c.hdf5",
        "--format=calochallenge",
    )  # fmt: skip
    assert (status, err) == (0, "")
    assert out == f"{folder}/c.hdf5: 600 events\n"
    with h5py.File(folder / "c.hdf5") as file:
        np.testing.assert_array_equal(file["showers"], cells)


def test_a_sample_keeps_processor_times_and_fewer_bits(script, files, capsys):
    folder, cells = files
    times = np.arange(EVENTS, dtype=np.float32)
    with h5py.File(folder / "a.hdf5", "a") as file:
        file["cpu_s"] = times
    there = [
        f"--input={folder}/a.hdf5", f"--output={folder}/b.h5", "--mantissa_bits=11",
        f"--binning={folder}/photon.xml", "--format=sparse_hdf5", "--compression=9",
    ]  # fmt: skip
    assert _convert(script, capsys, *there)[0] == 0
    spec = readers.detect(folder / "b.h5")
    found = readers.read(folder / "b.h5", spec).response
    np.testing.assert_array_equal(found, rounded(cells, 11))
    assert not np.array_equal(found, cells)
    with h5py.File(folder / "b.h5") as file:
        np.testing.assert_array_equal(file["cpu_s"], times)
        assert file.attrs["rounding"].startswith("11 bits of mantissa")
        test = file["split"][()] == b"test"
    back = [f"--input={folder}/b.h5", f"--output={folder}/c.hdf5", "--split=test"]
    assert _convert(script, capsys, *back, "--format=calochallenge")[0] == 0
    with h5py.File(folder / "c.hdf5") as file:
        np.testing.assert_array_equal(file["cpu_s"], times[test])
        np.testing.assert_array_equal(file["showers"], rounded(cells[test], 11))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--species=kaon",), "--species: has no meaning for events, as of"),
        (("--particle=pion",), "--particle=pion: a part of a binning"),
        ((), "says nothing of its voxels"),
        (("--binning={folder}/photon.xml", "--format=calogan"), "has no place for det"),
        (
            ("--binning={folder}/photon.xml", "--output={folder}/a.hdf5"),
            "is one of",
        ),
    ],
)
def test_a_mistake_is_one_line_and_harms_no_file(
    script, files, capsys, options, message
):
    folder, _ = files
    before = (folder / "a.hdf5").read_bytes()
    status, _, err = _convert(
        script, capsys, f"--input={folder}/a.hdf5", f"--output={folder}/b.h5",
        *(option.format(folder=folder) for option in options),
    )  # fmt: skip
    assert status == 2
    assert err.count("\n") == 1
    assert message in err
    assert (folder / "a.hdf5").read_bytes() == before
    assert sorted(path.name for path in folder.iterdir()) == ["a.hdf5", "photon.xml"]


def test_flags_of_showers_have_no_meaning_for_tables(script, tmp_path, capsys):
    status, _, err = _convert(
        script, capsys, f"--input={tmp_path}/a.csv", f"--output={tmp_path}/b.h5",
        "--format=par04",
    )  # fmt: skip
    assert status == 2
    assert "--format: has no meaning for tables, as of" in err
