"""The validation of Geant4: its numbers where they are known, tables and figure."""

import importlib

import numpy as np
import pytest
from absl import flags

from benchmarks.geant4_validation import beams, measures
from benchmarks.geant4_validation.beams import LEAD, FixedBeam
from benchmarks.geant4_validation.measures import Estimate
from data.simulation.geant4.calogan_showers import CELLS


def lead(events, maximum, b=0.5, noise=0.0):
    """Showers with the profile of the Particle Data Group, narrow in the radius."""
    random = np.random.default_rng(1)
    depth = (np.arange(80) + 0.5) * 0.5
    rings = -np.diff(np.exp(-np.arange(101) * 0.2))
    mean = measures.pdg_profile(depth, maximum, b)[:, None] * rings
    spread = 1.0 + noise * random.standard_normal((events, 80, 1))
    return (1e3 * mean * spread)[..., None].astype(np.float32)


def test_the_profile_is_one_shower_whose_maximum_is_found():
    depth = np.linspace(0.0, 60.0, 6001)
    profile = measures.pdg_profile(depth, 6.4)
    assert np.trapezoid(profile, depth) == pytest.approx(1.0, abs=1e-4)
    assert depth[profile.argmax()] == pytest.approx(6.4, abs=0.01)
    maximum, b = measures.lead_maximum(lead(40, 6.4, 0.55, noise=0.02))
    assert maximum.value == pytest.approx(6.4, abs=max(5 * maximum.error, 0.02))
    assert b.value == pytest.approx(0.55, abs=0.02)
    assert 0.0 < maximum.error < 0.05


def test_the_maximum_deepens_by_a_radiation_length_when_the_energy_grows_by_e():
    first = measures.pdg_maximum("e-", 5.0)
    assert measures.pdg_maximum("e-", 5.0 * np.e) - first == pytest.approx(1.0)
    assert measures.pdg_maximum("gamma", 5.0) - first == pytest.approx(1.0)
    assert measures.pdg_maximum("e-", 0.00743) == pytest.approx(-0.5)


def test_radii_hold_their_shares():
    """Exponential in the radius with a length of 1 cm."""
    for share in (0.5, 0.9):
        radius = measures.radius_of(share, lead(2, 6.0))
        assert radius == pytest.approx(-np.log(1.0 - share), abs=0.02)


def test_a_resolution_is_divided_into_its_terms():
    energy = np.array([1.0, 4.0, 16.0, 100.0])
    found = [Estimate(np.hypot(0.1 / e**0.5, 0.02), 0.001) for e in energy]
    np.testing.assert_allclose(measures.fit_resolution(energy, found), (0.1, 0.02))


def test_errors_of_means_and_widths():
    values = 10.0 + np.random.default_rng(2).standard_normal(40_000)
    assert measures.mean(values).error == pytest.approx(1 / 200, rel=0.03)
    width = measures.resolution(values)
    assert width.value == pytest.approx(0.1, abs=5 * width.error)
    assert width.error == pytest.approx(0.1 / np.sqrt(2 * 40_000), rel=0.03)


@pytest.mark.parametrize(
    ("estimate", "text"),
    [
        (Estimate(0.17591, 0.00032), "0.17591 +- 0.00032"),
        (Estimate(41.93, 0.26), "41.93 +- 0.26"),
        (Estimate(176.2, 12.0), "176 +- 12"),
        (Estimate(1.0, 0.0), "1.000 +- 0.000"),
    ],
)
def test_two_digits_of_an_error_are_shown(estimate, text):
    assert str(estimate) == text


@pytest.fixture
def stand_in(monkeypatch):
    """Showers without Geant4, of two events a beam; counts how many are simulated."""
    names = []

    def simulate(beam, stream, scratch):
        names.append(beam.name)
        random = np.random.default_rng(stream)
        cpu_s = np.full(beam.events, 0.01)
        if beam.detector == LEAD:
            cells = lead(beam.events, 5.0, noise=0.02)
            return {"cells": cells, "cpu_s": cpu_s}
        arrays = {"cpu_s": cpu_s}
        shapes = {"ecal": (30, 30), "hgcal": (12, 15, 7), "cylinder": (16, 9, 45)}
        if beam.detector in shapes:
            shape = (beam.events, *shapes[beam.detector])
            arrays["response"] = random.random(shape, np.float32)
            arrays["outside_mev"] = random.random(beam.events, np.float32)
            return arrays
        for layer, cells in enumerate(CELLS):
            values = random.random((beam.events, *cells), np.float32)
            arrays |= {f"layer_{layer}": values, f"active_{layer}": 0.2 * values}
        return {**arrays, "overflow": random.random((beam.events, 3), np.float32)}

    monkeypatch.setattr(beams, "simulate", simulate)
    return names


def test_what_is_finished_is_not_simulated_again(stand_in, tmp_path):
    folder = tmp_path / "runs" / "geant4"
    first = beams.load(folder, 2, 0.0)
    assert sorted(stand_in) == sorted(beam.name for beam in first)
    assert len(set(stand_in)) == len(beams.BEAMS)
    assert {beam.events for beam in first} == {2}
    (folder / f"{stand_in[3]}.npz").unlink()
    again = beams.load(folder, 1, 0.0)
    assert stand_in[len(first) :] == [stand_in[3]]
    for beam, arrays in again.items():
        for name, values in arrays.items():
            np.testing.assert_array_equal(values, first[beam][name])


def test_tables_and_figure_are_made(stand_in, tmp_path, monkeypatch, capsys):
    command = importlib.import_module("benchmarks.geant4_validation.__main__")
    settings = type("Flags", (), {"workdir": str(tmp_path), "jobs": 1, "scale": 0.01})
    monkeypatch.setattr(flags, "FLAGS", settings)
    command._run()
    output = capsys.readouterr().out
    for beam in beams.BEAMS:
        assert f"{beam.particle}, {beam.energy_gev:g} GeV" in output
    assert output.count("sigma / E = ") == 4
    assert output.count("mask_full") == 3
    assert (tmp_path / "geant4.png").read_bytes().startswith(b"\x89PNG")


def test_beams_have_names_of_their_own():
    names = {beam.name for beam in beams.BEAMS}
    assert len(names) == len(beams.BEAMS)
    assert FixedBeam("ecal", "gamma", 0.5, 3).name == "ecal_gamma_0.5gev_3"
    assert not any(set(name) & set("+/ ") for name in names)
