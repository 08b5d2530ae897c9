"""The command: simulate.py with the toy, and what it says without Geant4."""

import pathlib
import subprocess
import sys

import h5py
import numpy as np
import pytest

from data import detectors
from data.detectors.summed_cells import sum_cells
from data.files import readers
from data.simulation.geant4 import electrons
from tests.driver import drive

ROOT = pathlib.Path(__file__).resolve().parents[1]
RICH = detectors.get("rich")
TRACKS = 20_000


@pytest.fixture
def broken_geant4(tmp_path, monkeypatch):
    """The scripts are found from any folder, and a package in the way of Geant4's."""
    package = tmp_path / "package"
    package.mkdir()
    text = "raise ModuleNotFoundError('No module named geant4_pybind')"
    (package / "geant4_pybind.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", f"{package}:{ROOT}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("simulate")


@pytest.fixture(scope="module")
def finished(folder):
    """What good command lines said."""
    common = ["--detector=rich", f"--num={TRACKS}", "--seed=7"]
    pure = ["--detector=rich", "--num=50", "--background=0", "--species=kaon,proton"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        return drive(
            "simulate",
            folder,
            [
                [*common, "--output=one.h5"],
                [*common, "--output=two.h5", "--jobs=3"],
                [*pure, "--output=pure.h5", "--splits=0,0,1"],
            ],
        )


def test_tracks_are_written(folder, finished):
    status, errors, output = finished[0]
    assert (status, errors) == (0, "")
    assert f"{TRACKS}/{TRACKS}" in output
    assert output.endswith("one.h5: 12,000 train, 2,000 validation, 6,000 test\n")
    assert readers.detect(folder / "one.h5").name == "rich"
    sample = readers.read(folder / "one.h5", RICH, split="train")
    assert len(sample) == 12_000
    assert (sample.weight < 0).any()
    with h5py.File(folder / "one.h5") as file:
        assert file.attrs["seed"] == 7
        assert file.attrs["background"] == 0.3
        assert file.attrs["licence"] == "CC-BY-4.0"
        assert file.attrs["generator"] == "ring-imaging toy"
        assert (file["split"][:12_000] == b"train").all()


def test_jobs_change_nothing(folder, finished):
    with h5py.File(folder / "one.h5") as one, h5py.File(folder / "two.h5") as two:
        assert set(one) == set(two) == {"response", "condition", "weight", "split"}
        for name in one:
            np.testing.assert_array_equal(one[name][:], two[name][:])


def test_pure_tracks_have_no_weights(folder, finished):
    assert finished[2][0] == 0
    assert finished[2][2].endswith("pure.h5: 50 test\n")
    with h5py.File(folder / "pure.h5") as file:
        assert "weight" not in file
        assert set(file["condition"][:, 3]) == {321, 2212}


def test_nothing_else_stays_behind(folder, finished):
    names = {path.name for path in folder.iterdir()}
    assert names == {"one.h5", "two.h5", "pure.h5"}


@pytest.mark.usefixtures("broken_geant4")
def test_mistakes_end_in_one_line(tmp_path):
    rich = ["--detector=rich", "--num=1000", "--output=new.h5"]
    ecal = ["--detector=ecal", "--num=300", "--output=new.h5"]
    mistakes = [
        (rich[:2], "--output"),
        (["--detector=calogan", *rich[1:]], "calogan"),
        ([rich[0], "--num=0", rich[2]], "--num"),
        ([*rich, "--jobs=0"], "--jobs"),
        (
            [*rich, "--splits=0.5,0.5"],
            "--splits=0.5,0.5: give the fractions of train, val",
        ),
        ([*rich, "--splits=0.5,0.5,0.5"], "which add up to 1"),
        ([*rich, "--splits=a,b,c"], "--splits=a,b,c"),
        ([*rich, "--splits=1.5,-0.5,0"], "--splits=1.5,-0.5,0"),
        ([*rich, "--species=kaon,tau"], "unknown species 'tau'"),
        ([*rich, "--background=1"], "background must be a fraction from 0 to 0.9"),
        ([*rich[:2], "--output=new.npz"], "let its name end in .h5"),
        ([*rich[:2], "--output=no/new.h5"], "check that the folder exists"),
        ([*rich, "surplus"], "unexpected argument 'surplus'"),
        ([*ecal, "--species=kaon"], "--species belongs to --detector=rich"),
        ([*ecal, "--background=0"], "--background belongs to --detector=rich"),
        ([*ecal, "--cell_cm=5"], "cell_cm=5: the 30 x 30 cells of 2 cm"),
        ([*ecal, "--cell_cm=-6"], "give one of 2, 4, 6, 10, 12, 20, 30 [cm]"),
        ([*rich, "--cell_cm=6"], "in detector 'rich' responses are not images"),
        (ecal, "simulate.py: Geant4 ended with status 1: ModuleNotFoundError: No mod"),
        ([*ecal, "--jobs=2"], "named geant4_pybind; install requirements-geant4.txt"),
    ]
    found = drive("simulate", tmp_path, [arguments for arguments, _ in mistakes])
    for (status, errors, _), (arguments, message) in zip(found, mistakes, strict=True):
        assert status == 2, arguments
        assert errors.startswith("simulate.py: ")
        assert errors.count("\n") == 1
        assert message in errors
    assert {path.name for path in tmp_path.iterdir()} == {"package"}


def test_showers_of_geant4_are_written(tmp_path, monkeypatch):
    """A stand-in for the simulation: pieces keep their order and their own seeds."""
    text = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
import numpy as np
import simulate
def stand_in(condition, seed):
    response = np.zeros((len(condition), 30, 30), np.float32)
    response[:, 0, 0], response[:, 0, 1] = condition[:, 0].clip(0), seed % 1000
    return response, np.full(len(condition), 0.5)
simulate.ecal_showers.simulate = stand_in
simulate.command_line.run(simulate.main)
"""
    options = ["--detector=ecal", "--num=600", "--jobs=2"]
    for more in (["--output=showers.h5"], ["--output=sums.h5", "--cell_cm=6"]):
        command = [sys.executable, "-c", text, *options, *more]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    ecal = detectors.get("ecal")
    sample = readers.read(tmp_path / "showers.h5", ecal)
    np.testing.assert_array_equal(sample.condition, electrons.conditions(600, 1))
    expected = sample.condition[:, 0].clip(0)
    np.testing.assert_array_equal(sample.response[:, 0, 0], expected)
    seeds = sample.response[:, 0, 1]
    assert len(set(seeds)) == 3
    assert len(set(seeds[:250])) == 1
    with h5py.File(tmp_path / "showers.h5") as file:
        assert (file["cpu_s"][:] == 0.5).all()
        assert file.attrs["generator"] == "Geant4"
    with readers.Dataset(tmp_path / "sums.h5") as dataset:
        assert dataset.spec.name == "ecal_6cm"
        sums = dataset.read()
    np.testing.assert_array_equal(sums.condition, sample.condition)
    np.testing.assert_array_equal(sums.response, sum_cells(sample.response, 3))


def test_electrons_are_those_of_the_sample():
    """1/E between 1 and 100 GeV: ln E is uniform; angles of 20 and 10 degrees."""
    condition = electrons.conditions(20_000, 3).astype(np.float64)
    assert np.asarray(detectors.get("ecal").in_domain(condition)).all()
    log_energy = np.log(np.linalg.norm(condition[:, :3], axis=1)) / np.log(100)
    assert abs(log_energy.mean() - 0.5) < 4 * np.sqrt(1 / 12 / len(condition))
    for axis, width_deg in ((0, 20), (1, 10)):
        angle = np.degrees(np.arctan2(condition[:, axis], condition[:, 2]))
        assert abs(angle.std() / width_deg - 1) < 4 / np.sqrt(2 * len(angle))
    assert abs(condition[:, 3:].std() - 1 / np.sqrt(12)) < 0.01
    prefix = electrons.conditions(10, 3)
    np.testing.assert_array_equal(prefix, condition[:10].astype(np.float32))


@pytest.mark.parametrize(("num", "seed"), [(-1, 0), (1, -1)])
def test_impossible_electrons_are_refused(num, seed):
    with pytest.raises(ValueError, match=f"received {num} and {seed}"):
        electrons.conditions(num, seed)
