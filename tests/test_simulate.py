"""The command: simulate.py with the toy, and what it says without Geant4."""

import importlib.util
import os
import pathlib
import signal
import subprocess
import sys

import h5py
import numpy as np
import pytest

from data import detectors
from data.detectors.summed_cells import sum_cells
from data.files import readers
from data.simulation.geant4 import geant4_showers, setups
from tests import stand_in_geant4
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
    calogan = ["--detector=calogan", *ecal[1:]]
    mistakes = [
        (rich[:2], "--output"),
        (["--detector=atlas", *rich[1:]], "atlas"),
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
        ([*rich, "--particle=e+"], "--particle belongs to --detector=ecal, hgcal, cal"),
        ([*rich, "--energy_gev=1,2"], "--energy_gev belongs to --detector=ecal"),
        ([*calogan, "--cell_cm=6"], "--cell_cm belongs to canonical files"),
        ([*calogan, "--splits=1,0,0"], "--splits belongs to canonical files"),
        ([*calogan, "--impact_half_cm=1"], "impact_half_cm=1: every particle hits"),
        ([*ecal, "--impact_half_cm=-1"], "--impact_half_cm"),
        ([*ecal, "--energy_gev=5"], "--energy_gev=5: give the lowest and the highest"),
        ([*ecal, "--energy_gev=5,a"], "--energy_gev=5,a: give the lowest"),
        ([*ecal, "--energy_gev=5,1"], "energy_gev=5,1: give the lowest"),
        ([*ecal, "--particle=mu-"], "--particle"),
        ([*ecal, "--seed=2147483648"], "--seed"),
        ([*ecal[:2], "--output=no/new.h5"], "check that the folder exists"),
        (calogan, "simulate.py: Geant4 ended with status 1: ModuleNotFoundError: No"),
        ([*calogan[:2], "--output=no/new.h5"], "check that the folder exists"),
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


def test_showers_of_geant4_are_written_though_killed_in_between(
    tmp_path, monkeypatch, script
):
    """A stand-in for the simulation: pieces keep their order and their own streams."""
    text = """
import simulate
from data.simulation.geant4 import geant4_showers
from tests import stand_in_geant4
geant4_showers.simulate = stand_in_geant4.simulate
simulate.command_line.run(simulate.main)
"""
    options = ["--detector=ecal", "--num=560", "--seed=1"]
    path = f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    done = subprocess.run(
        [sys.executable, "-c", text, *options, "--output=showers.h5"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path, stand_in_geant4.DIES_AT: "3"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["showers.h5.pieces"]
    assert len(list((tmp_path / "showers.h5.pieces").glob("piece_*.npz"))) == 3

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(geant4_showers, "simulate", stand_in_geant4.simulate)
    simulate = script("simulate")
    assert simulate(*options, "--output=showers.h5") == 0
    assert simulate(*options, "--output=sums.h5", "--cell_cm=6", "--jobs=2") == 0
    assert {path.name for path in tmp_path.iterdir()} == {"showers.h5", "sums.h5"}
    setup = setups.get("ecal")
    sample = readers.read(tmp_path / "showers.h5", detectors.get("ecal"))
    expected = setups.all_conditions(setup, setup.beam(), 560, 1)
    np.testing.assert_array_equal(sample.condition, expected)
    np.testing.assert_array_equal(
        sample.response[:, 0, 0], sample.condition[:, 0].clip(0)
    )
    streams = np.repeat(np.arange(6), 100)[:560]
    np.testing.assert_array_equal(sample.response[:, 0, 1], 1 + streams)
    with h5py.File(tmp_path / "showers.h5") as file:
        assert (file["cpu_s"][:] == 0.5).all()
        assert file.attrs["generator"] == "Geant4"
        assert file.attrs["particle"] == "e-"
        assert file.attrs["energy_gev"].tolist() == [1.0, 100.0]
    with readers.Dataset(tmp_path / "sums.h5") as dataset:
        assert dataset.spec.name == "ecal_6cm"
        sums = dataset.read()
    np.testing.assert_array_equal(sums.condition, sample.condition)
    np.testing.assert_array_equal(sums.response, sum_cells(sample.response, 3))


@pytest.mark.skipif(
    importlib.util.find_spec("geant4_pybind") is None
    or "GEANT4_DATA_DIR" not in os.environ,
    reason="needs geant4-pybind, and GEANT4_DATA_DIR",
)
def test_real_showers_are_written(tmp_path, monkeypatch, script):
    monkeypatch.chdir(tmp_path)
    simulate, beam = script("simulate"), ["--num=3", "--energy_gev=1,2"]
    cylinder = ["--detector=cylinder", "--output=c.h5", "--particle=gamma"]
    assert simulate(*cylinder, *beam) == 0
    assert simulate("--detector=calogan", "--output=g.h5", *beam) == 0
    spec = readers.detect(tmp_path / "c.h5")
    assert spec.shape == (16, 9, 45)
    assert spec.periodic_axes == (0,)
    assert (spec.domain[0].low, spec.domain[0].high) == (1.0, 2.0)
    sample = readers.read(tmp_path / "c.h5", spec)
    ratio = sample.response.sum() / 1e3 / sample.condition.sum()
    assert 0.6 < ratio < 1.3
    with h5py.File(tmp_path / "g.h5") as file:
        assert file.attrs["particle"] == "e+"
        deposit = sum(file[f"layer_{layer}"][:].sum() for layer in range(3))
        assert 0.9 < deposit / 1e3 / file["energy"][:].sum() < 1.01
        assert (file["cpu_s"][:] > 0.0).all()
