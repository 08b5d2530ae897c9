"""Beams, their conditions, and what becomes of scored energies."""

import numpy as np
import pytest

from data import detectors
from data.detectors import cylinder
from data.events import Sample
from data.files import readers, writers
from data.simulation.geant4 import calogan_showers, primaries, setups


def draw(name, num, seed=3, **beam):
    setup = setups.get(name)
    found = setups.all_conditions(setup, setup.beam(**beam), num, seed)
    return found.astype(np.float64)


def test_electrons_of_the_ecal_are_those_of_the_sample():
    """1/E between 1 and 100 GeV: ln E is uniform; angles of 20 and 10 degrees."""
    condition = draw("ecal", 20_000)
    assert np.asarray(detectors.get("ecal").in_domain(condition)).all()
    log_energy = np.log(np.linalg.norm(condition[:, :3], axis=1)) / np.log(100)
    assert abs(log_energy.mean() - 0.5) < 4 * np.sqrt(1 / 12 / len(condition))
    for axis, width_deg in ((0, 20), (1, 10)):
        angle = np.degrees(np.arctan2(condition[:, axis], condition[:, 2]))
        assert abs(angle.std() / width_deg - 1) < 4 / np.sqrt(2 * len(angle))
    assert abs(condition[:, 3:].std() - 1 / np.sqrt(12)) < 0.01


def test_electrons_of_the_prototype_are_those_of_the_sample():
    condition = draw("hgcal", 10_000)
    assert np.asarray(detectors.get("hgcal").in_domain(condition)).all()
    assert abs(condition[:, 0].mean() - 55) < 4 * 70 / np.sqrt(12 * len(condition))
    # A normal distribution of 1.5 cm that is cut at 4 cm is 1.455 cm wide.
    assert abs(condition[:, 1:].std() / 1.455 - 1) < 0.02
    assert abs(condition[:, 1:]).max() < 4


def test_blocks_are_apart_and_fewer_events_are_the_first_of_more():
    condition = draw("ecal", 2 * setups.BLOCK_EVENTS + 5)
    np.testing.assert_array_equal(draw("ecal", 10), condition[:10])
    assert len(np.unique(condition[:, 0])) == len(condition)
    assert not np.intersect1d(condition[:, 0], draw("ecal", 205, seed=4)[:, 0]).size


def test_a_beam_is_what_was_asked_for():
    condition = draw("hgcal", 500, energy_gev=(3.0, 3.0), impact_half_cm=0.2)
    assert (condition[:, 0] == 3).all()
    assert 0.19 < abs(condition[:, 1:]).max() <= 0.2
    setup = setups.get("ecal")
    photons = draw("ecal", 100, particle="gamma", energy_gev=(2.0, 2.0))
    shot = primaries.of_conditions(
        photons.astype(np.float32), setup.condition_names, "gamma"
    )
    np.testing.assert_allclose(shot.kinetic_gev, 2.0, rtol=1e-6)
    electron = draw("ecal", 100, energy_gev=(0.1, 0.1)).astype(np.float32)
    shot = primaries.of_conditions(electron, setup.condition_names, "e-")
    np.testing.assert_allclose(shot.kinetic_gev, 0.1, rtol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(shot.direction, axis=1), 1.0)


@pytest.mark.parametrize(
    ("name", "beam", "message"),
    [
        ("ecal", {"particle": "mu-"}, "particle=mu-: electromagnetic physics follows"),
        ("ecal", {"energy_gev": (2.0, 1.0)}, "energy_gev=2,1: give the lowest"),
        ("ecal", {"energy_gev": (0.0, 1.0)}, "between 0.1 and 1000 GeV"),
        ("ecal", {"energy_gev": (1.0, np.nan)}, "energy_gev=1,nan"),
        ("cylinder", {"energy_gev": (1.0, 2e3)}, "energy_gev=1,2000"),
        ("cylinder", {"impact_half_cm": 1.0}, "hits the centre of 'cylinder'"),
        ("calogan", {"impact_half_cm": 1.0}, "hits the centre of 'calogan'"),
        ("ecal", {"impact_half_cm": 31.0}, "'ecal' reach 30 cm"),
        ("hgcal", {"impact_half_cm": -1.0}, "give a length from 0"),
    ],
)
def test_impossible_beams_are_refused(name, beam, message):
    with pytest.raises(ValueError, match=message):
        setups.get(name).beam(**beam)


@pytest.mark.parametrize(("num", "seed", "block"), [(0, 0, 0), (101, 0, 0), (1, -1, 0)])
def test_impossible_blocks_are_refused(num, seed, block):
    setup = setups.get("ecal")
    with pytest.raises(ValueError, match=f"received {num}, {block} and {seed}"):
        setups.conditions(setup, setup.beam(), num, seed, block)


def test_pairs_of_layers_are_scaled_and_what_is_small_is_not_read_out():
    cells = np.zeros((1, 16, 9, 90), np.float32)
    cut_mev = cylinder.READOUT_CUT_MEV * cylinder.SAMPLING_FRACTION
    cells[0, 3, 2, [10, 11]] = 0.6 * cut_mev
    cells[0, 3, 2, [13, 14]] = 0.6 * cut_mev
    cells[0, 5, 8, 89] = 0.033
    outside = np.full((1, 90, 1, 1), 0.033 / 90, np.float32)
    read_out = setups.get("cylinder").read_out
    found = read_out({"cells": cells, "outside": outside})
    response = found["response"]
    assert response.shape[1:] == cylinder.spec().shape
    np.testing.assert_array_equal(
        np.argwhere(response), [[0, 11, 2, 5], [0, 13, 8, 44]]
    )
    np.testing.assert_allclose(response[0, 13, 8, 44], 1.0, rtol=1e-6)
    np.testing.assert_allclose(response[0, 11, 2, 5], 0.01818, rtol=1e-3)
    # The middle of Geant4's sector from 3 to 4 sixteenths of a turn.
    x_cm, y_cm, _ = cylinder.spec().positions_cm[11, 2, 5]
    assert np.arctan2(y_cm, x_cm) == pytest.approx(3.5 * np.pi / 8)
    np.testing.assert_allclose(found["outside_mev"], 1.0, rtol=1e-5)


def test_the_prototype_counts_in_mip():
    cells = np.zeros((2, 180, 7, 1), np.float32)
    cells[1, 15 * 4 + 6, 3] = 0.085
    response = setups.get("hgcal").read_out({"cells": cells})["response"]
    np.testing.assert_array_equal(np.argwhere(response), [[1, 4, 6, 3]])
    np.testing.assert_allclose(response[1, 4, 6, 3], 1.0)


def test_calogan_records_absorber_and_gap_together():
    random = np.random.default_rng(1)
    scored = {f"outside_{layer}": np.full((2, 1, 1, 1), layer) for layer in range(3)}
    for layer, cells in enumerate(calogan_showers.CELLS):
        for what in ("lead", "argon"):
            scored[f"{what}_{layer}"] = random.random((2, *cells, 1), np.float32)
    found = setups.get("calogan").read_out(scored)
    for layer, cells in enumerate(calogan_showers.CELLS):
        lead, argon = scored[f"lead_{layer}"], scored[f"argon_{layer}"]
        assert found[f"layer_{layer}"].shape == (2, *cells)
        np.testing.assert_array_equal(found[f"layer_{layer}"], (lead + argon)[..., 0])
        np.testing.assert_array_equal(found[f"active_{layer}"], argon[..., 0])
    np.testing.assert_array_equal(found["overflow"], [[0, 1, 2]] * 2)


def test_the_file_of_a_cylinder_is_of_its_beam_and_of_its_rings():
    setup = setups.get("cylinder")
    spec = setup.spec(setup.beam(energy_gev=(2.0, 4.0)))
    assert (spec.domain[0].low, spec.domain[0].high) == (2.0, 4.0)
    assert spec.periodic_axes == (0,)
    radius = np.linalg.norm(spec.positions_cm[..., :2], axis=-1)
    assert radius.max() == pytest.approx(8.5 * 0.465)


def test_a_file_of_cylinders_describes_itself(tmp_path):
    spec = cylinder.spec((2.0, 4.0))
    response = np.ones((3, *spec.shape), np.float32)
    sample = Sample(response, np.full((3, 1), 3.0, np.float32))
    writers.write(tmp_path / "c.h5", spec, sample, split="test")
    found = readers.detect(tmp_path / "c.h5")
    assert (found.name, found.shape, found.unit) == ("cylinder", (16, 9, 45), "MeV")
    assert found.periodic_axes == (0,)
    assert (found.domain[0].low, found.domain[0].high) == (2.0, 4.0)
    np.testing.assert_array_equal(found.positions_cm, spec.positions_cm)
    assert found.ring_edges_cm == spec.ring_edges_cm
    # 36 radiation lengths, in equal steps.
    steps = np.diff(found.layer_depths_x0)
    np.testing.assert_allclose(steps, steps[0])
    assert len(steps) == 44
    assert steps[0] * 45 == pytest.approx(36.2, abs=0.1)
