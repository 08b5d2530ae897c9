"""The speed table: which condition, which time of Geant4, which ratio."""

import json
import pathlib

import h5py
import numpy as np
import pytest

from benchmarks import speed_by_energy
from benchmarks.shared import reference_time
from benchmarks.speed_by_energy import PUBLISHED_MS, Row
from data import detectors
from data.samples.bundled import sample_of

ROOT = pathlib.Path(__file__).parents[1]


@pytest.mark.parametrize("name", ["wgan_constrained", "cascade_ecal"])
def test_a_condition_has_the_energy_and_lies_in_the_domain(name):
    path = ROOT / "pretrained" / name / "saved_model" / "signature.json"
    document = json.loads(path.read_text())
    condition = np.array([speed_by_energy.condition_of(document, 20.0)], np.float32)
    spec = detectors.get(document["detector"])
    assert spec.incident_energy(condition)[0] == pytest.approx(20.0)
    assert condition[0, list(spec.energy_conditions)[-1]] == 20.0


def test_tracks_have_no_time_by_energy():
    document = {"detector": "rich", "conditions": [], "domain": []}
    with pytest.raises(ValueError, match="'rich' are no showers"):
        speed_by_energy.condition_of(document, 20.0)
    with pytest.raises(ValueError, match="never timed for detector 'rich'"):
        speed_by_energy.geant4_ms("rich", 20.0)


def test_the_time_of_geant4_is_that_of_the_sample_where_it_has_the_energy():
    with h5py.File(sample_of("hgcal")) as file:
        alike = file["condition"][:, 0] == 90.0
        expected = 1e3 * np.mean(file["cpu_s"][:][alike], dtype=float)
    found = speed_by_energy.geant4_ms("hgcal", 90.0)
    assert found == pytest.approx(expected, rel=1e-5)
    # Between the energies of the sample, by the time per GeV.
    per_gev = reference_time.recorded("hgcal").ms_per_gev
    assert speed_by_energy.geant4_ms("hgcal", 40.0) == pytest.approx(40.0 * per_gev)


def test_ratios_are_to_geant4_and_of_published_rows_to_the_published_one():
    geant4 = Row("Geant4, one core", {20.0: 80.0, 90.0: 400.0})
    rows = [
        Row("ours, batch 1", {20.0: 4.0, 90.0: 5.0}, 0.03),
        *[Row(label, ms) for label, ms in PUBLISHED_MS.items()],
    ]
    text = speed_by_energy.layout(rows, geant4)
    by_label = {line[:30].strip(): line[30:].split() for line in text.splitlines()}
    assert by_label["Geant4, one core"] == ["80", "1", "400", "1"]
    assert by_label["ours, batch 1"] == ["4", "+-3%", "20", "5", "+-3%", "80"]
    assert by_label["published: Geant4"] == ["500", "1", "2e+03", "1"]
    assert by_label["published: WGAN, GTX 1080"][-1] == "6667"


def test_an_energy_that_was_not_published_has_no_number():
    geant4 = Row("Geant4, one core", {50.0: 80.0})
    rows = [Row("published: Geant4", {20.0: 500.0})]
    text = speed_by_energy.layout(rows, geant4)
    assert text.splitlines()[-1].split() == ["published:", "Geant4", "-", "-"]
