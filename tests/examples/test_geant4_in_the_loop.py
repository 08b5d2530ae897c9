"""The example with Geant4 in the loop: what is taken over, clusters, masses, page."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from data import detectors
from examples.geant4_in_the_loop import comparison_page, electron_pairs, takeover
from examples.geant4_in_the_loop.takeover import FaceParticle, Takeover

SPEC = detectors.get("ecal")
ROOT = Path(__file__).parents[2]


class Deposits:
    """A model that leaves the energy in the four cells around the centre."""

    spec = SPEC

    def __init__(self):
        self.calls = []

    def simulate(self, condition, seed):
        self.calls.append((np.array(condition), seed))
        response = np.zeros((len(condition), *SPEC.shape), np.float32)
        energy = np.linalg.norm(np.array(condition)[:, :3], axis=1)
        response[:, 14:16, 14:16] = 0.25 * energy[:, None, None]
        return response


def particle(event=0, pdg=11, momentum=(0.0, 0.0, 20.0), impact=(0.1, -0.2)):
    energy = float(np.linalg.norm(momentum))
    return FaceParticle(event, pdg, momentum, impact, energy, 40.0)


@pytest.mark.parametrize(
    ("value", "steps"), [(0.5, 0), (-0.5, 0), (1.6, 1), (2.4, 1), (-4.3, -2), (1.0, 1)]
)
def test_as_few_cells_as_possible(value, steps):
    assert takeover.steps_into(value, -0.5, 0.5, 2.0) == steps


def test_a_shift_keeps_the_energy_inside_and_loses_what_leaves():
    response = np.zeros(SPEC.shape, np.float32)
    response[15, 14], response[28, 14] = 1.0, 2.0
    moved = takeover.shifted(response, (3, -5))
    assert moved[18, 9] == 1.0
    assert moved.sum() == 1.0
    np.testing.assert_array_equal(takeover.shifted(response, (0, 0)), response)


@pytest.mark.parametrize(
    "refused",
    [
        {"pdg": 22},
        {"pdg": 13},
        {"momentum": (0.0, 0.0, 0.9)},
        {"momentum": (0.0, 0.0, -20.0)},
        {"momentum": (0.0, 0.0, 200.0)},
        {"impact": (1.0, 0.0)},
        {"impact": (0.0, 30.1)},
    ],
)
def test_geant4_keeps_what_the_model_does_not_know(refused):
    takes = Takeover(Deposits())
    assert not takes.take(particle(**refused))
    assert len(takes) == 0
    assert takes.kinetic_gev == 0.0


def test_showers_of_all_events_are_one_call_and_land_in_their_cells():
    model = Deposits()
    takes = Takeover(model)
    assert takes.take(particle(event=7, impact=(4.2, -6.1)))
    assert takes.take(particle(event=8, pdg=-11, momentum=(0.0, 0.0, 8.0)))
    cells = np.ones((2, *SPEC.shape), np.float32)
    takes.simulate_into(cells, 7, 3)
    takes.simulate_into(cells, 7, 3)
    [(condition, seed)] = model.calls
    np.testing.assert_allclose(condition[0], [0, 0, 20, 0.2, -0.1], atol=1e-9)
    assert seed == 3
    assert takes.kinetic_gev == pytest.approx(28.0)
    expected = np.ones((2, *SPEC.shape))
    expected[0, 16:18, 11:13] += 5.0
    expected[1, 14:16, 14:16] += 2.0
    np.testing.assert_allclose(cells, expected)


def test_pairs_hit_what_the_model_knows_or_the_face():
    corner = electron_pairs.draw(500, "corner", 1).impact_cm
    face = electron_pairs.draw(500, "face", 1).impact_cm
    for impact in (corner, face):
        assert (impact[:, 0, 0] < -7.0).all()
        assert (impact[:, 1, 0] > 7.0).all()
        assert np.abs(impact).max() <= 21.0
    assert np.abs(corner - 2.0 * np.round(corner / 2.0)).max() <= 0.5
    known = np.abs(face - 2.0 * np.round(face / 2.0)).max(axis=-1) <= 0.5
    assert known.mean() == pytest.approx(0.25, abs=0.06)


def test_a_mass_is_that_of_two_massless_particles():
    pairs = electron_pairs.draw(20, "face", 2)
    momentum = pairs.kinetic_gev[..., None] * pairs.direction
    squared = pairs.kinetic_gev.sum(axis=1) ** 2 - (momentum.sum(axis=1) ** 2).sum(-1)
    np.testing.assert_allclose(pairs.mass_gev, np.sqrt(squared), rtol=1e-6)


def test_clusters_find_energy_place_and_mass():
    """All the energy of each electron in the cell where its straight line goes."""
    pairs = electron_pairs.draw(10, "face", 3)
    cells = np.zeros((10, *SPEC.shape), np.float32)
    for event in range(10):
        for one in range(2):
            x, y = np.floor(pairs.impact_cm[event, one] / 2.0).astype(int) + 15
            cells[event, x, y] += 175.0 * pairs.kinetic_gev[event, one]
    found = electron_pairs.reconstruct(cells, SPEC, pairs)
    np.testing.assert_allclose(found.energy_ratio, 1.0, rtol=1e-5)
    # Half a cell, and what 15 cm of depth move the line.
    assert np.abs(found.offset_cm).max() < 1.3
    np.testing.assert_allclose(found.mass_ratio, 1.0, atol=0.2)
    doubled = electron_pairs.reconstruct(2.0 * cells, SPEC, pairs)
    np.testing.assert_allclose(doubled.mass_ratio, 2.0 * found.mass_ratio, rtol=0.05)


def test_the_page_compares_both():
    pairs = electron_pairs.draw(10, "face", 3)
    cells = np.ones((10, *SPEC.shape), np.float32)
    found = electron_pairs.reconstruct(cells, SPEC, pairs)
    times = [np.array([300.0, 0.0]), np.array([90.0, 10.0])]
    text = comparison_page.page("python x", [found, found], times, 0.613)
    assert "| energy simulated by the model | 0 | 61.3% |" in text
    assert "| all, ms / event | 300 | 100 |" in text
    assert "1 / 3.0 of the processor time" in text
    assert max(len(line) for line in text.splitlines()) <= 100


@pytest.mark.skipif(
    importlib.util.find_spec("geant4_pybind") is None
    or "GEANT4_DATA_DIR" not in os.environ,
    reason="needs geant4-pybind, and GEANT4_DATA_DIR",
)
def test_geant4_hands_its_electrons_over(tmp_path):
    """In a process of its own, as Geant4's kernel is one for a process."""
    command = [sys.executable, "-m", "examples.geant4_in_the_loop.run"]
    output = tmp_path / "page.md"
    subprocess.run(
        [*command, "--events=2", f"--output={output}"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    lines = output.read_text(encoding="utf-8").splitlines()
    [row] = [line for line in lines if line.startswith("| energy simulated")]
    assert 10.0 < float(row.split("|")[3].strip(" %")) <= 100.0


def test_a_missing_folder_is_refused_before_anything_is_simulated(tmp_path):
    command = [sys.executable, "-m", "examples.geant4_in_the_loop.run"]
    output = tmp_path / "no" / "page.md"
    done = subprocess.run(
        [*command, f"--output={output}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "there is no folder" in done.stderr.splitlines()[-1]
