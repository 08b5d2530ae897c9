"""Bias and width in slices of the conditions, with showers whose truth is known."""

import dataclasses

import numpy as np
import pytest

from data import detectors
from metrics.showers.classifiers import small_networks
from metrics.showers.conditioning import measure_conditioning
from metrics.showers.shower_pairs import Comparison
from metrics.showers.slices import slice_names, slices
from metrics.statistics.energy_bins import strata
from metrics.statistics.resampling import Resampling
from tests.metrics import small

EVENTS = 300
SPEC = small.detector()


@pytest.fixture(autouse=True)
def few_steps(monkeypatch):
    monkeypatch.setattr(small_networks, "FEWEST_STEPS", 60)
    monkeypatch.setattr(small_networks, "EPOCHS", 1)


def _conditions():
    return small.conditions(EVENTS)


def _showers(condition, seed, **changes):
    return small.showers(SPEC, condition, seed, **changes)


def _measure(generated, condition=None):
    condition = _conditions() if condition is None else condition
    reference = _showers(condition, seed=2)
    comparison = Comparison(SPEC, "mask", condition, reference, generated)
    groups = strata(comparison.energy)
    resampling = Resampling(groups, seed=1, splits=3, replicates=30)
    return measure_conditioning(comparison, resampling, seed=3)


def _series(found, name, sliced="incident_energy"):
    return next(
        one for one in found.series if (one.name, one.slices.name) == (name, sliced)
    )


@pytest.fixture(scope="module")
def equal():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(small_networks, "FEWEST_STEPS", 60)
        return _measure(_showers(_conditions(), seed=4))


def test_all_quantities_have_their_metrics(equal):
    assert set(equal.metrics) == {
        f"conditioning_{quantity}_{statistic}_{method}"
        for quantity in ("energy", "impact_x", "impact_y")
        for statistic in ("mean", "width")
        for method in ("moments", "regressor")
    }
    kinds = {one.slices.name for one in equal.series}
    assert kinds == {
        "incident_energy",
        "impact_x_cm",
        "impact_y_cm",
        "slant",
        "pressure_hpa",
    }
    assert len(equal.series) == 6 * len(kinds)


def test_equal_samples_agree_with_the_floor(equal):
    for name, metric in equal.metrics.items():
        assert abs(metric.z) < 4.0, name
        assert metric.uncertainty > 0.0


def test_the_regressor_knows_energy_and_impact(equal):
    energy = _series(equal, "energy_regressor")
    np.testing.assert_allclose(energy.reference_mean, 1.0, atol=0.03)
    assert (energy.reference_width < 0.08).all()
    for axis in "xy":
        impact = _series(equal, f"impact_{axis}_regressor", f"impact_{axis}_cm")
        np.testing.assert_allclose(impact.reference_mean, 0.0, atol=0.08)
        assert (impact.reference_width < 0.15).all()


def test_more_energy_shows_in_moments_and_regressor(equal):
    condition = _conditions()
    found = _measure(1.1 * _showers(condition, seed=4))
    for method in ("moments", "regressor"):
        metric = found.metrics[f"conditioning_energy_mean_{method}"]
        assert metric.z > 5.0
        one = _series(found, f"energy_{method}")
        ratio = one.generated_mean / one.reference_mean
        np.testing.assert_allclose(ratio, 1.1, atol=0.04)
        position = found.metrics[f"conditioning_impact_x_mean_{method}"]
        assert position.value < 1.0 < metric.value
    # 10 percent in units of a resolution of 4 percent.
    metric = found.metrics["conditioning_energy_mean_moments"]
    assert metric.value == pytest.approx(2.5, rel=0.2)


def test_a_shift_and_a_blur_of_one_coordinate_show_there(equal):
    condition = _conditions()
    generated = _showers(condition, seed=4, shift_x_cm=0.1, blur_x_cm=0.15)
    found = _measure(generated).metrics
    for method in ("moments", "regressor"):
        shift = found[f"conditioning_impact_x_mean_{method}"]
        blur = found[f"conditioning_impact_x_width_{method}"]
        assert shift.z > 4.0
        assert blur.z > 4.0
        assert abs(found[f"conditioning_impact_y_mean_{method}"].z) < 4.0


def test_series_are_means_and_widths_of_their_slices():
    condition = _conditions()
    generated = _showers(condition, seed=4)
    one = _series(_measure(generated, condition), "energy_moments")
    np.testing.assert_allclose(one.slices.centres, [10.0, 20.0, 40.0, 80.0])
    for place, energy in enumerate(one.slices.centres):
        chosen = condition[:, 0] == energy
        response = generated[chosen].sum(axis=(1, 2), dtype=float) / energy
        assert one.generated_mean[place] == pytest.approx(response.mean())
        assert one.generated_width[place] == pytest.approx(response.std(), rel=1e-4)
        error = response.std() / np.sqrt(chosen.sum())
        assert one.generated_mean_error[place] == pytest.approx(error, rel=0.5)


def test_a_generator_that_always_gives_the_same_is_far_but_finite():
    condition = _conditions()
    found = _measure(np.zeros((EVENTS, *SPEC.shape), np.float32))
    for metric in found.metrics.values():
        assert np.isfinite(dataclasses.astuple(metric)).all()
    same = np.repeat(_showers(condition, seed=2)[:1], EVENTS, axis=0)
    assert _measure(same).metrics["conditioning_energy_width_regressor"].z > 4.0


def _plain(spec, condition):
    empty = np.zeros((len(condition), *spec.shape), np.float32)
    return Comparison(spec, "mask", condition, empty, empty)


def test_slices_hold_every_event_once_and_are_in_order():
    comparison = _plain(SPEC, _conditions())
    names = slice_names(comparison)
    assert names == (
        "incident_energy",
        "impact_x_cm",
        "impact_y_cm",
        "slant",
        "pressure_hpa",
    )
    for name in names:
        found = slices(comparison, name)
        counts = np.bincount(found.number)
        assert len(found.number) == counts.sum() == EVENTS
        assert len(counts) == len(found.centres)
        assert (np.diff(found.centres) > 0.0).all()
        if name in ("impact_x_cm", "impact_y_cm", "slant"):
            assert set(counts) == {EVENTS // 6}
    again = slices(comparison, "energy_gev")
    np.testing.assert_array_equal(again.number, slices(comparison, names[0]).number)


def test_a_momentum_is_sliced_as_energy_and_directions():
    spec = detectors.get("ecal")
    random = np.random.default_rng(1)
    momentum = random.uniform([-3.0, -2.0, 5.0], [3.0, 2.0, 50.0], (EVENTS, 3))
    point = random.uniform(-0.5, 0.5, (EVENTS, 2))
    condition = np.hstack([momentum, point]).astype(np.float32)
    comparison = _plain(spec, condition)
    assert slice_names(comparison) == (
        "incident_energy",
        "angle_xz_deg",
        "angle_yz_deg",
        "impact_x_cm",
        "impact_y_cm",
    )
    angle = np.degrees(np.arctan2(momentum[:, 0], momentum[:, 2]))
    found = slices(comparison, "angle_xz_deg")
    assert (found.label, found.unit) == ("angle xz", "deg")
    for place, centre in enumerate(found.centres):
        chosen = angle[found.number == place]
        assert len(chosen) == EVENTS // 6
        assert centre == pytest.approx(chosen.mean(), rel=1e-4)


def test_values_are_never_divided_and_energy_bins_are_merged():
    condition = _conditions()
    condition[:, 0] = np.arange(EVENTS) % 15 + 1.0
    comparison = _plain(SPEC, condition)
    energy = slices(comparison, "incident_energy")
    assert len(energy.centres) == 10
    for value in np.unique(condition[:, 0]):
        assert len(set(energy.number[condition[:, 0] == value])) == 1
    pressure = slices(comparison, "pressure_hpa")
    np.testing.assert_allclose(pressure.centres, [990.0, 1000.0])
    assert (pressure.label, pressure.unit) == ("pressure", "hPa")


def test_few_events_make_few_slices():
    assert len(slices(_plain(SPEC, _conditions()[:45]), "slant").centres) == 2
    assert len(slices(_plain(SPEC, _conditions()[:9]), "slant").centres) == 1


def test_an_unknown_quantity_is_named():
    with pytest.raises(ValueError, match=r"by 'colour'; choose one of .*slant"):
        slices(_plain(SPEC, _conditions()), "colour")


def test_a_detector_without_impact_has_fewer_quantities():
    spec = dataclasses.replace(
        SPEC,
        condition_names=("energy_gev",),
        condition_units=("GeV",),
        domain=SPEC.domain[:1],
        plane_vectors=(),
    )
    condition = _conditions()
    reference, generated = _showers(condition, 2), _showers(condition, 4)
    comparison = Comparison(spec, "mask", condition[:, :1], reference, generated)
    resampling = Resampling(strata(comparison.energy), seed=1, splits=2, replicates=5)
    found = measure_conditioning(comparison, resampling, seed=3)
    assert len(found.metrics) == 4
    assert all(name.startswith("conditioning_energy") for name in found.metrics)
