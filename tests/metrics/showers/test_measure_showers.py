"""What is measured, with samples whose differences are known."""

import numpy as np
import pytest

from common import rounding
from data import detectors
from metrics.report import metric_descriptions, shower_report
from metrics.showers import measure_showers, response_by_energy
from metrics.showers.classifiers import cell_network
from metrics.showers.shower_pairs import Comparison, profiles, within_energy_bins
from metrics.statistics.energy_bins import strata
from metrics.statistics.resampling import Resampling
from tests import synthetic
from tests.metrics import made_up

HGCAL = detectors.get("hgcal")
EVENTS = 240
OPTIONS = measure_showers.MeasurementOptions(seed=1, clusters=20, quick=True)
FACTS = {"model": "made_up/test", "reference_name": "Geant4"}


def _comparison(factor=1.0, mask="mask", trained=None):
    sample = synthetic.sample(HGCAL, EVENTS)
    # Other showers at the same conditions: those of the next event of equal energy.
    other = sample.response.copy()
    for energy in synthetic.BEAMS_GEV:
        events = np.flatnonzero(sample.condition[:, 0] == energy)
        other[events] = sample.response[np.roll(events, 1)]
    return Comparison(
        HGCAL, mask, sample.condition, sample.response, factor * other, trained
    )


@pytest.fixture(scope="module")
def found():
    untrained = _comparison(3.0)
    trained = _comparison(1.2, trained=[20.0, 90.0])
    training = synthetic.sample(HGCAL, 50, seed=2).response
    return measure_showers.everything(trained, FACTS, OPTIONS, untrained, training)


def test_every_observable_has_its_metrics(found):
    for one in found.comparison.observables:
        for what in ("wasserstein", "separation", "width_ratio"):
            assert f"{what}_{one.name}" in found.metrics
        assert (f"mean_ratio_{one.name}" in found.metrics) == (not one.signed)
    for name in ("layer_occupancy", "longitudinal", "radial", "cell_occupancy"):
        assert f"profile_{name}" in found.metrics
    for name in ("observables", "layers", "depth_energy"):
        assert f"correlation_{name}" in found.metrics
    assert {"prd_auc", "prd_auc_raw", "prd_auc_physics", "kpd"} <= found.metrics.keys()
    assert found.prd.keys() == {"raw", "physics"}
    assert found.roc.keys() == {n for n in found.metrics if n.startswith("classifier")}
    assert len(found.roc) == 5
    assert {"separation_cell_energy", "ties"} <= found.metrics.keys()
    for one in found.cell_correlations.axes:
        assert f"correlation_cells_{one.name}" in found.metrics
    assert {"density_physics", "coverage_physics"} <= found.metrics.keys()
    assert "classifier_auc_cells_quick" in found.roc
    assert "classifier_auc_cells" not in found.metrics
    assert {one.name for one in found.series}
    assert found.metrics["near_training"] == found.neighbours.metric


def test_the_prd_is_the_worse_of_cells_and_physics(found):
    both = [found.metrics[f"prd_auc_{name}"] for name in found.prd]
    assert found.metrics["prd_auc"] == min(both, key=lambda metric: metric.value)


def test_what_cannot_be_measured_leaves_a_note_and_the_rest():
    few = _comparison()
    result = measure_showers.everything(
        few, FACTS, measure_showers.MeasurementOptions(seed=1, quick=True)
    )
    # 240 showers: 120 a side for 400 clusters.
    assert any("400 clusters" in note for note in result.notes)
    assert any("training showers are not available" in note for note in result.notes)
    assert "prd_auc" not in result.metrics
    assert {"classifier_auc", "wasserstein_depth"} <= result.metrics.keys()
    assert "Not measured: PRD" in " ".join(shower_report.as_json(result)["notes"])


def test_what_the_network_on_cells_has_learnt_from_is_a_fact(monkeypatch):
    parts = ("energy bins", "observables", "classifier on cells")
    some = {name: measure_showers.PARTS[name] for name in parts}
    monkeypatch.setattr(measure_showers, "PARTS", some)
    network = cell_network.CellNetwork
    monkeypatch.setattr(network, "fit", lambda *_: None)
    monkeypatch.setattr(network, "predict", lambda _, events: -events.astype(float))
    options = measure_showers.MeasurementOptions(seed=1)
    asked, further = _comparison(), _comparison(1.1)
    result = measure_showers.everything(asked, FACTS, options, None, None, further)
    # Generated showers have the smaller numbers.
    assert result.metrics["classifier_auc_cells"].value == 1.0
    assert result.roc.keys() == {"classifier_auc_cells"}
    content = shower_report.as_json(result)
    assert content["classifier_showers_per_class"] == 360 - 36
    assert content["classifier_two_trainings"] == [1.0, 1.0]
    assert any(
        "from 324 showers a class" in line for line in shower_report.summary(result)
    )
    assert FACTS.keys().isdisjoint({"classifier_folds"})


def test_few_events_a_cluster_are_noted(found):
    assert any("events a side" in note for note in found.notes)


def test_the_resolution_is_not_the_spread_of_the_energies():
    # Responses in exact proportion to energies that are all different.
    spec = detectors.get("ecal")
    condition = made_up.ecal_conditions(60)
    energy = np.linalg.norm(condition[:, :3], axis=1)
    response = np.ones((60, 30, 30), np.float32) * energy[:, None, None]
    comparison = Comparison(spec, "mask", condition, response, response)
    resampling = Resampling(strata(comparison.energy), seed=1)
    for one in response_by_energy.every_energy(comparison, resampling):
        assert one.reference_resolution == pytest.approx(0.0, abs=1e-6)


def test_twenty_percent_more_energy_is_found(found):
    ratio = found.metrics["mean_ratio_visible_energy"]
    assert ratio.value == pytest.approx(1.2)
    assert found.metrics["wasserstein_visible_energy"].z > 3.0
    assert found.metrics["mean_ratio_number_of_hits"].value == pytest.approx(1.0)
    assert abs(found.metrics["wasserstein_number_of_hits"].z) < 3.0
    assert found.metrics["classifier_auc"].value > 0.9
    for one in found.energy_bins:
        assert one.response.value == pytest.approx(1.2)
        assert one.resolution.value == pytest.approx(1.0)
        assert one.generated_mean == pytest.approx(1.2 * one.reference_mean)
        assert one.energy_bin.trained is (one.energy_bin.energy_gev != 50.0)


def test_the_untrained_network_is_measured_in_the_same_way(found):
    same = measure_showers.wasserstein(found.comparison, seed=1)
    for name, value in same.items():
        assert value == pytest.approx(found.metrics[f"wasserstein_{name}"].value)
    assert found.factors["visible_energy"] > 2.0
    assert found.factors["depth"] == pytest.approx(1.0)


def test_summary_and_table_say_the_same(found):
    lines = shower_report.summary(found)
    assert "20.0%" in lines[0]
    assert "0.0%" in lines[1]
    assert lines[-1].startswith("Beats the untrained network on")
    assert any("small network that sees the cells (--quick)" in line for line in lines)
    assert not any("has learnt from" in line for line in lines)
    table = shower_report.table(found)
    assert len({len(line) for line in table if "wasserstein" in line}) == 1
    assert any(line.startswith("classifier_auc") for line in table)
    assert any(line.startswith("response_ratio_50gev") for line in table)


def test_metrics_json_holds_all_numbers(found):
    content = shower_report.as_json(found)
    assert content["model"] == "made_up/test"
    for metric in content["metrics"].values():
        assert {"value", "uncertainty", "floor", "floor_uncertainty", "z"} == set(
            metric
        )
        assert np.isfinite(list(metric.values())).all()
    assert content["metrics"]["response_ratio_50gev"]["value"] == pytest.approx(1.2)
    assert [one["trained"] for one in content["beam_energies"]] == [True, False, True]
    assert content["untrained"]["wasserstein_depth"]["factor"] == pytest.approx(1.0)


def test_both_sides_have_one_acceptance():
    comparison = _comparison()
    dead = HGCAL.cells & ~HGCAL.acceptance("mask")
    assert HGCAL.dead_cells.any()
    for response in comparison.both(lambda response: response):
        assert response[:, ~HGCAL.acceptance("mask")].max() == 0.0
    full = _comparison(mask="mask_full")
    assert full.reference[:, dead].max() > 0.0


def test_generated_showers_are_rounded_as_a_rounded_reference():
    sample = synthetic.sample(HGCAL, 6)
    showers = [sample.condition, sample.response, 1.1 * sample.response]
    full = Comparison(HGCAL, "mask", *showers)
    assert full.bits == 23
    np.testing.assert_array_equal(full.generated, full.unrounded)
    showers[1] = rounding.rounded(sample.response, 11)
    short = Comparison(HGCAL, "mask", *showers)
    assert short.bits == 11
    np.testing.assert_array_equal(short.unrounded, full.unrounded)
    np.testing.assert_array_equal(short.generated, rounding.rounded(full.unrounded, 11))
    assert (short.generated != short.unrounded).any()


def test_profiles_are_fractions():
    for generated, reference in profiles(_comparison()).values():
        assert generated.shape == reference.shape
        assert reference.min() >= 0.0
        assert reference.max() <= 1.0
    longitudinal = profiles(_comparison())["longitudinal"][1]
    np.testing.assert_allclose(longitudinal.sum(axis=1), 1.0)


def test_standard_at_every_energy():
    comparison = _comparison()
    features = comparison.energy[:, None] * np.random.default_rng(1).normal(
        3.0, 1.0, (EVENTS, 2)
    )
    standard = within_energy_bins(comparison, features)
    for energy_bin in comparison.energy_bins:
        np.testing.assert_allclose(
            standard[energy_bin.events].mean(axis=0), 0, atol=1e-12
        )
        np.testing.assert_allclose(standard[energy_bin.events].std(axis=0), 1)


def test_different_shapes_are_refused():
    sample = synthetic.sample(HGCAL, 6)
    with pytest.raises(ValueError, match="need one shape"):
        Comparison(
            HGCAL, "mask", sample.condition, sample.response, sample.response[:5]
        )


@pytest.mark.parametrize(
    ("value", "uncertainty", "text"),
    [
        (0.04171, 0.00362, "0.0417 ± 0.0036"),
        (1.2345, 0.1, "1.23 ± 0.10"),
        (123.4, 12.0, "123 ± 12"),
        (0.5, 0.0, "0.5000 ± 0.0000"),
    ],
)
def test_digits_follow_the_uncertainty(value, uncertainty, text):
    assert metric_descriptions.uncertain(value, uncertainty) == text


def test_a_folder_with_other_files_is_not_replaced(tmp_path):
    shower_report.check_folder(tmp_path / "new")
    shower_report.check_folder(tmp_path)
    (tmp_path / "metrics.json").touch()
    (tmp_path / "index.html").touch()
    shower_report.check_folder(tmp_path)
    (tmp_path / "precious.h5").touch()
    with pytest.raises(ValueError, match="something else than a report"):
        shower_report.check_folder(tmp_path)
