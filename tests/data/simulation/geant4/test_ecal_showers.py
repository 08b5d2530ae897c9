"""Geant4 showers: geometry and physics where Geant4 is, clear errors everywhere."""

import importlib.util
import os

import numpy as np
import pytest

from data import detectors
from data.simulation.geant4 import child, ecal_showers
from metrics.observables import calorimeter

ELECTRON = np.array([[0.0, 0.0, 2.0, 0.0, 0.0]])
ECAL = detectors.get("ecal")

needs_geant4 = pytest.mark.skipif(
    importlib.util.find_spec("geant4_pybind") is None
    or "GEANT4_DATA_DIR" not in os.environ,
    reason="needs geant4-pybind, and GEANT4_DATA_DIR",
)


@pytest.fixture(scope="module")
def stack():
    """The geometry's module, which only a child may use."""
    return importlib.import_module("data.simulation.geant4.ecal_stack")


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
        ecal_showers.simulate(ELECTRON, 1)
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
        ecal_showers.simulate(ELECTRON, 1)


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
        ecal_showers.simulate(condition, seed)


def test_the_folder_carries_the_events(tmp_path):
    condition = ELECTRON.astype(np.float32)
    np.savez(tmp_path / "events.npz", condition=condition, seed=7)
    found, seed = child.read(tmp_path)
    np.testing.assert_array_equal(found, condition)
    assert seed == 7


@needs_geant4
def test_the_stack_is_the_detector_of_the_spec(stack):
    assert ECAL.shape == (stack.CELLS, stack.CELLS)
    x = ECAL.positions_cm[:, 0, 0]
    np.testing.assert_allclose(np.diff(x), 0.1 * stack.CELL_MM)
    assert x[0] == pytest.approx(-0.05 * (stack.WIDTH_MM - stack.CELL_MM))
    assert ECAL.positions_cm[0, 0, 2] == pytest.approx(0.05 * stack.DEPTH_MM)


@needs_geant4
def test_showers_lie_where_the_electrons_point():
    # Along z, inclined in x, inclined in y; the last one enters off the centre.
    condition = np.array(
        [[0, 0, 2, 0, 0], [1, 0, 2, 0, 0], [0, -1, 2, 0, 0], [0, 0, 2, 6.5, -8.5]]
    )
    response, cpu_s = ecal_showers.simulate(np.repeat(condition, 4, axis=0), 5)
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
def test_the_seed_decides():
    first, again, other = (
        ecal_showers.simulate(ELECTRON, seed)[0] for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
