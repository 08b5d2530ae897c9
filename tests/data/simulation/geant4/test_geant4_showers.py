"""Geant4 showers: geometry and physics where Geant4 is, clear errors everywhere."""

import importlib.util
import os

import numpy as np
import pytest

from data import detectors
from data.detectors import cylinder
from data.simulation.geant4 import child_task, geant4_showers, setups
from data.simulation.geant4.child_task import ChildTask, Primaries
from metrics.observables import calorimeter

ELECTRON = np.array([[0.0, 0.0, 2.0, 0.0, 0.0]])
ECAL = detectors.get("ecal")

needs_geant4 = pytest.mark.skipif(
    importlib.util.find_spec("geant4_pybind") is None
    or "GEANT4_DATA_DIR" not in os.environ,
    reason="needs geant4-pybind, and GEANT4_DATA_DIR",
)


def geometry(name):
    """A geometry's module; only a child may build it."""
    return importlib.import_module(
        f"data.simulation.geant4.{setups.get(name).geometry}"
    )


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Puts a package of the same name in the way of the child's import."""

    def write(text):
        (tmp_path / "geant4_pybind.py").write_text(text)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    return write


@pytest.mark.parametrize(
    ("text", "status", "reason"),
    [
        ("raise ModuleNotFoundError('no geant4_pybind')", 1, "no geant4_pybind"),
        ("import os; os.abort()", -6, "it said nothing"),
        (
            "import os\nprint('issued by : A\\nMinor. *** warning ***\\n'\n"
            "'issued by : G4Data\\n G4EMLOW\\n  is missing. *** Fatal ***', flush=True)"
            "\nos.abort()",
            -6,
            "G4Data G4EMLOW is missing.",
        ),
        ("import sys; sys.exit(0)", 0, "it said nothing"),
    ],
)
def test_a_dead_child_is_one_line(package, text, status, reason):
    package(text)
    with pytest.raises(ChildProcessError) as caught:
        geant4_showers.simulate("ecal", ELECTRON, 1)
    message = str(caught.value)
    assert message.startswith(f"Geant4 ended with status {status}: ")
    assert f"{reason}; install requirements-geant4.txt" in message
    assert "GEANT4_DATA_DIR" in message
    assert "\n" not in message


def test_the_child_finds_the_data_sets_from_its_own_folder(
    package, monkeypatch, tmp_path
):
    package("import os, sys; sys.exit(os.environ['GEANT4_DATA_DIR'])")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GEANT4_DATA_DIR", "sets")
    with pytest.raises(ChildProcessError, match=str(tmp_path / "sets")):
        geant4_showers.simulate("ecal", ELECTRON, 1)


@pytest.mark.parametrize(
    ("condition", "seed", "message"),
    [
        (np.zeros((0, 5)), 1, r"received \(0, 5\)"),
        (np.ones(5), 1, r"received \(5,\)"),
        (np.ones((2, 3)), 1, r"received \(2, 3\)"),
        ([[0, 0, 1, 0, 0], [0, 1, 0, 0, 0]], 1, "event 1 has"),
        ([[0, 0, 1, np.nan, 0]], 1, "event 0 has"),
        (ELECTRON, -1, "received -1"),
        (ELECTRON, 2**31, "received 2147483648"),
    ],
)
def test_what_is_no_electron_is_refused(condition, seed, message, package):
    package("raise SystemError('nothing should run')")
    with pytest.raises(ValueError, match=message):
        geant4_showers.simulate("ecal", condition, seed)


@pytest.mark.parametrize("particle", ["mu-", "electron", ""])
def test_what_electromagnetic_physics_does_not_follow_is_refused(particle):
    with pytest.raises(ValueError, match="one of e-, e\\+, gamma"):
        geant4_showers.simulate("hgcal", [[20, 0, 0]], 1, particle=particle)


def test_an_unknown_detector_is_refused():
    with pytest.raises(ValueError, match="ecal, hgcal, calogan, cylinder"):
        geant4_showers.simulate("rich", ELECTRON, 1)


def test_the_folder_carries_the_task_and_the_showers(tmp_path):
    assert child_task.showers(tmp_path) is None
    shot = Primaries("e+", np.ones(2), np.eye(3)[:2], np.zeros((2, 2)))
    child_task.write(tmp_path, ChildTask(shot, 7, 8, 9))
    found = child_task.read(tmp_path)
    assert (found.seed, found.stream, found.parent) == (7, 8, 9)
    assert found.primaries.particle == "e+"
    for name in ("kinetic_gev", "direction", "impact_cm"):
        stored = getattr(found.primaries, name)
        np.testing.assert_array_equal(stored, getattr(shot, name))
    child_task.write_showers(tmp_path, {"cells": np.ones(3)})
    np.testing.assert_array_equal(child_task.showers(tmp_path)["cells"], np.ones(3))


@needs_geant4
def test_missing_data_sets_are_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("GEANT4_DATA_DIR", str(tmp_path))
    with pytest.raises(ChildProcessError, match="GEANT4_DATA_DIR name a folder") as end:
        geant4_showers.simulate("cylinder", [[1.0]], 1)
    assert "\n" not in str(end.value)


@needs_geant4
def test_the_geometries_are_the_detectors_of_the_specs():
    stack = geometry("ecal")
    assert ECAL.shape == (stack.CELLS, stack.CELLS)
    x = ECAL.positions_cm[:, 0, 0]
    np.testing.assert_allclose(np.diff(x), 0.1 * stack.CELL_MM)
    assert x[0] == pytest.approx(-0.05 * (stack.WIDTH_MM - stack.CELL_MM))
    assert ECAL.positions_cm[0, 0, 2] == pytest.approx(0.05 * stack.DEPTH_MM)
    stack, spec = geometry("hgcal"), detectors.get("hgcal")
    exists = np.zeros(spec.shape[:2], bool)
    for row, columns in enumerate(stack.CELLS):
        for column in columns:
            exists[row, column] = True
            place = spec.positions_cm[row, column, 0, :2]
            np.testing.assert_allclose(
                0.1 * np.array(stack.place_mm(row, column)), place
            )
    np.testing.assert_array_equal(exists, spec.cells[..., 0])
    ends_cm = 0.1 * np.array(stack.sensor_ends_mm())
    np.testing.assert_allclose(ends_cm, spec.positions_cm[0, 0, :, 2], atol=2e-3)
    stack = geometry("cylinder")
    assert cylinder.spec().shape == (stack.ANGLES, stack.RINGS, stack.LAYERS // 2)
    np.testing.assert_allclose(stack.RING_MM, 10.0 * cylinder.RING_CM)
    np.testing.assert_allclose(2.0 * stack.LAYER_MM, 10.0 * cylinder.LAYER_CM)


@needs_geant4
def test_showers_lie_where_the_electrons_point():
    # Along z, inclined in x, inclined in y; the last one enters off the centre.
    condition = np.array(
        [[0, 0, 2, 0, 0], [1, 0, 2, 0, 0], [0, -1, 2, 0, 0], [0, 0, 2, 6.5, -8.5]]
    )
    found = geant4_showers.simulate("ecal", np.repeat(condition, 4, axis=0), 5)
    response, cpu_s = found["response"], found["cpu_s"]
    assert response.dtype == np.float32
    assert response.shape == (16, *ECAL.shape)
    assert (cpu_s > 0.0).all()
    # 0.176 of the energy is seen; one shower of 2 GeV spreads by 5.5 %.
    energy = np.linalg.norm(condition[:, :3], axis=1).repeat(4)
    fraction = response.sum(axis=(1, 2)) / (1e3 * energy)
    assert fraction.mean() == pytest.approx(0.176, abs=0.008)
    centre = calorimeter.centre_of_gravity(response, ECAL.positions_cm)
    centre = centre.reshape(4, 4, -1).mean(axis=1)[:, :2]
    # Depth a + b ln E of the spec, here about 10.7 cm along the track.
    depth = ECAL.shower_depth_cm[0] + ECAL.shower_depth_cm[1] * np.log(5**0.5)
    expected = [[0, 0], [depth / 5**0.5, 0], [0, -depth / 5**0.5], [6.5, -8.5]]
    np.testing.assert_allclose(centre, expected, atol=0.8)


@needs_geant4
def test_an_electron_hits_the_cell_that_it_is_aimed_at():
    spec = detectors.get("hgcal")
    aims = [(5, 7), (2, 4), (8, 11), (11, 6)]
    condition = [[5.0, *spec.positions_cm[row, column, 0, :2]] for row, column in aims]
    found = geant4_showers.simulate("hgcal", condition, 2)["response"]
    for response, aim in zip(found, aims, strict=True):
        hottest = np.unravel_index(response.sum(axis=2).argmax(), spec.shape[:2])
        assert hottest == aim
    assert (found[:, ~spec.cells] == 0.0).all()
    # 42 MIP per GeV; one shower of 5 GeV spreads by 20 %.
    assert found.sum() / 20.0 == pytest.approx(42.0, rel=0.4)


@needs_geant4
def test_energy_is_conserved_in_the_calorimeter_of_calogan():
    """Absorber, gap and what is beside the cells are all that there is."""
    found = geant4_showers.simulate("calogan", np.full((4, 1), 2.0), 2, particle="e+")
    total = found["overflow"].sum(axis=1)
    for layer in range(3):
        deposit, active = found[f"layer_{layer}"], found[f"active_{layer}"]
        assert (active <= deposit).all()
        total = total + deposit.sum(axis=(1, 2))
    # A positron brings two masses of an electron when it annihilates.
    assert (total <= 2000.0 + 1.1).all()
    assert total.mean() > 1900.0


@needs_geant4
def test_the_cylinder_holds_about_the_energy_around_its_axis():
    energy = np.full((4, 1), 2.0)
    first, again = (
        geant4_showers.simulate("cylinder", energy, 3)["response"] for _ in range(2)
    )
    np.testing.assert_array_equal(first, again)
    for seed, stream in ((3, 1), (4, 0)):
        other = geant4_showers.simulate("cylinder", energy[:1], seed, stream=stream)
        assert not np.array_equal(first[:1], other["response"])
    # One shower of 2 GeV spreads by 9 %.
    assert first.sum() / 8e3 == pytest.approx(0.97, abs=0.2)
    assert first.sum(axis=(0, 1, 3)).argmax() == 0
    angles = first.sum(axis=(0, 2, 3))
    assert angles.min() > 0.2 * angles.mean()
    assert first[first > 0.0].min() >= np.float32(cylinder.READOUT_CUT_MEV)
