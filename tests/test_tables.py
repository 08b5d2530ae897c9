"""The published tables, the study of the regressor's weight, reference times."""

import importlib.util

import numpy as np
import pytest

import models
from benchmarks import regressor_weight, tables
from benchmarks.shared import reference_time, trained
from data import detectors
from metrics.statistics.resampling import Metric
from models.training import config
from tests.metrics import made_up

ROWS = [row for table in tables.TABLES.values() for row in table]


def _measured(value, uncertainty=0.01):
    metric = {
        "value": value,
        "uncertainty": uncertainty,
        "floor": 0.95,
        "floor_uncertainty": 0.002,
        "z": 1.0,
    }
    return {"events": 100, "metrics": dict.fromkeys(tables._METRICS, metric)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.model)
def test_every_row_is_a_preset_of_the_zoo(row):
    entry, _, preset = row.model.partition("/")
    settings = config.resolve(models.load(entry), preset)
    assert (row.raw is None) == (row.physics is None)
    assert (row.phase is None) == (row.phase_fraction == 0.0)
    if row.phase is not None:
        assert getattr(settings, row.phase) > 0
    assert (settings.steps == 0) == (row.phase_fraction == 1.0)


def test_every_published_preset_has_a_row():
    rows = {row.model for row in ROWS}
    for entry in ("aux_regressor", "sagan", "vae_gan"):
        presets = set(models.load(entry).PRESETS) - {"cpu", "paper"}
        assert {f"{entry}/{preset}" for preset in presets} <= rows


def test_first_and_last_row_of_a_published_table_have_three_seeds():
    for table in tables.TABLES.values():
        counts = [len(tables.seeds(row)) for row in table]
        published = table[0].raw is not None
        middle = [1] * (len(table) - 2)
        others = [3 if row.repeated else 1 for row in table]
        assert counts == ([3, *middle, 3] if published else others)
        assert all(tables.seeds(row)[0] == 1 for row in table)
        assert all(list(tables.seeds(row, 1)) == [1] for row in table)


def test_both_losses_of_wgan_regressor_have_several_seeds():
    repeated = [row.model for row in ROWS if row.repeated]
    assert repeated == ["wgan_regressor/cpu", "wgan_regressor/mse"]


def test_some_rows_keep_their_order_and_their_seeds():
    assert tables.chosen([]) == tables.TABLES
    found = tables.chosen(["sagan/sn_both", "sagan/sn_critic"])
    (title,) = found
    assert found[title] == tables.TABLES[title][1:]
    assert [len(tables.seeds(row)) for row in found[title]] == [1, 3]
    with pytest.raises(ValueError, match="unknown row 'sagan/beauty'; known: aux_"):
        tables.chosen(["sagan/beauty"])


@pytest.mark.parametrize(
    "counts", [[2467], [1115], [3], [0, 4753], [1852, 1450], [5214, 6264]]
)
def test_whole_epochs_hardly_lengthen_any_phase_of_a_training(counts):
    size = tables.epoch_steps(counts)
    assert 200 <= size <= 500
    for count in counts:
        if count > size:
            assert 0 <= -(-count // size) * size - count <= 0.012 * count


def test_a_table_shows_one_seed_with_its_error_and_three_with_their_spread():
    table = tables.TABLES["arXiv:2207.06329, table 1"]
    steps = {row.model: {"steps": 700} for row in table}
    measured = {
        table[0].model: [_measured(0.80), _measured(0.82), _measured(0.84)],
        table[1].model: [_measured(0.9, 0.03)],
    }
    lines = tables.table_lines(table, steps, measured)
    assert len(lines) == 2 + 2 + 1
    assert lines[2].startswith("| CNN baseline (`aux_regressor/cnn`) | 700 | ")
    assert "0.820 ± 0.020 (3) | 0.669 |" in lines[2]
    assert "0.900 ± 0.030 | 0.822 |" in lines[3]
    assert lines[4].count("0.950 ± 0.002") == 3
    assert len({line.count("|") for line in lines}) == 1


def test_a_row_with_a_phase_shows_the_steps_of_both():
    table = tables.TABLES["Without published numbers"]
    row = table[3]
    steps = {row.model: {"vae_steps": 40, "steps": 60}}
    lines = tables.table_lines(table, steps, {row.model: [_measured(0.9)]})
    assert "| 40 + 60 |" in lines[2]
    assert "| - |" in lines[2]


def test_the_study_of_the_weight_draws_a_panel_per_weight():
    comparison = made_up.comparison(
        detectors.get("ecal"), condition=made_up.ecal_conditions(80)
    )
    name = "asymmetry_along"
    drawing = regressor_weight.figure({0.0: [comparison], 2.0: [comparison] * 2}, name)
    titles = [axes.get_title() for axes in drawing.axes]
    assert [title for title in titles if title] == ["w = 0", "w = 2"]
    metric = trained.distance(comparison, name)
    generated, reference = (values[name] for values in comparison.values)
    assert 0.0 < metric.value < np.ptp(reference) / reference.std()
    assert np.ptp(generated) > 0.0


def _distances(*values):
    return [Metric(value, 0.01, 0.03, 0.005, 0.0) for value in values]


def test_a_weight_differs_if_it_is_further_away_than_seeds_are():
    found = {0.0: _distances(1.0, 1.2), 1.0: _distances(0.3, 0.5),
             10.0: _distances(0.9, 1.1)}  # fmt: skip
    lines = regressor_weight.lines(found)
    assert lines[0] == "| weight | seed 1 | seed 2 | mean | floor |"
    assert "| 1 | 0.300 ± 0.010 | 0.500 ± 0.010 | 0.400 | 0.030 ± 0.005 |" in lines
    # Each weight has a variance of 0.02, so the means of two one of 0.01.
    assert lines[-3] == "Standard deviation of trainings of one weight: 0.141"
    assert lines[-2] == "w = 1 against 0: -0.700 ± 0.141, differs"
    assert lines[-1] == "w = 10 against 0: -0.100 ± 0.141, inconclusive"


@pytest.mark.parametrize("found", [{0.0: (1.0,), 1.0: (0.1,)}, {1.0: (0.1, 0.2)}])
def test_without_another_seed_or_without_zero_nothing_is_concluded(found):
    lines = regressor_weight.lines({w: _distances(*v) for w, v in found.items()})
    assert lines[-1].startswith("Inconclusive: needs weight 0 and more than one seed")


@pytest.fixture
def no_geant4(monkeypatch):
    """Geant4 is not installed."""
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name: None if name == "geant4_pybind" else find(name),
    )


@pytest.mark.parametrize(("detector", "gev"), [("ecal", 21.6), ("hgcal", 62.2)])
def test_the_time_of_geant4_goes_with_the_energy(no_geant4, detector, gev):
    found = reference_time.geant4_time(detector)
    assert found.mean_energy_gev == pytest.approx(gev, abs=0.1)
    per_gev = {"ecal": 6.3, "hgcal": 4.0}[detector]
    assert found.ms_per_shower == pytest.approx(per_gev * found.mean_energy_gev)
    assert reference_time.geant4_time("somebody's own") is None


def test_geant4_has_as_many_cores_as_the_model(no_geant4):
    text = "\n".join(reference_time.lines("ecal", 2, {"1": 1.0, "512": 0.05}))
    wall_ms = 0.5 * reference_time.geant4_time("ecal").ms_per_shower
    for ratio in (wall_ms, wall_ms / 0.05, 4.9 / 0.05):
        assert f"{ratio:.0f}" in text
    assert reference_time.lines("somebody's own", 2, {"1": 1.0}) == []


def test_a_geant4_that_does_not_run_is_said(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())

    def dies(detector, condition, seed):
        raise ChildProcessError("no data")

    monkeypatch.setattr(reference_time.geant4_showers, "simulate", dies)
    found = reference_time.geant4_time("ecal")
    assert found.ms_per_gev == 6.3
    assert "does not run here: no data" in found.source


def test_a_geant4_that_runs_is_measured(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())

    def simulate(detector, condition, seed):
        energy = np.linalg.norm(condition[:, :3], axis=1)
        return {"cpu_s": 0.005 * energy}

    monkeypatch.setattr(reference_time.geant4_showers, "simulate", simulate)
    found = reference_time.geant4_time("ecal")
    assert found.ms_per_gev == pytest.approx(5.0)
    assert "measured now" in found.source
