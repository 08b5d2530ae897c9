"""The monitor of a training."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing import event_accumulator

from data import detectors
from metrics.showers import measure_showers
from metrics.showers.shower_pairs import Comparison
from models.training.physics_monitor import PhysicsMonitor
from tests import synthetic

HGCAL = detectors.get("hgcal")
SAMPLE = synthetic.sample(HGCAL, 90)


def _replay(factor):
    """A simulator that repeats the sample's showers of equal condition."""

    def simulate(condition, seed):
        assert condition.dtype == np.float32
        assert seed.dtype == np.int32
        assert seed.shape == (2,)
        rows = [np.flatnonzero((SAMPLE.condition == c).all(1))[0] for c in condition]
        return factor * SAMPLE.response[rows]

    return simulate


def _monitor(tmp_path, simulate, **options):
    return PhysicsMonitor(SAMPLE, simulate, HGCAL, "mask", tmp_path, **options)


def _logs(monitor, epoch=0):
    logs = {"loss": 1.0}
    monitor.on_epoch_end(epoch, logs)
    return logs


def test_a_perfect_simulator(tmp_path):
    logs = _logs(_monitor(tmp_path, _replay(1.0)))
    assert logs.pop("loss") == 1.0
    assert all(isinstance(value, float) for value in logs.values())
    assert all(name.startswith("val_") for name in logs)
    for energy in ("20", "50", "90"):
        assert logs[f"val_response_{energy}gev"] == pytest.approx(1.0)
    distances = [v for name, v in logs.items() if name.startswith("val_wasserstein")]
    np.testing.assert_allclose(distances, 0.0, atol=1e-12)
    accepted = HGCAL.acceptance("mask")
    hits = ((SAMPLE.response > 0.0) & accepted).sum(axis=(1, 2, 3)).mean()
    assert logs["val_mean_number_of_hits"] == pytest.approx(hits)


def test_a_simulator_that_is_ten_percent_high(tmp_path):
    logs = _logs(_monitor(tmp_path, _replay(1.1)))
    assert logs["val_response_50gev"] == pytest.approx(1.1)
    assert logs["val_wasserstein_depth"] == pytest.approx(0.0, abs=1e-6)
    assert logs["val_wasserstein_visible_energy"] > 0.01
    assert 0.0 < logs["val_wasserstein"] < 1.0


def test_the_metrics_of_the_report(tmp_path):
    """The same functions measure at an epoch's end and in an evaluation."""
    monitor = _monitor(tmp_path, _replay(1.1))
    logs = _logs(monitor)
    generated = _replay(1.1)(monitor.followed.condition, np.zeros(2, np.int32))
    condition, real = monitor.followed.condition, monitor.followed.real
    comparison = Comparison(HGCAL, "mask", condition, real, generated)
    expected = measure_showers.per_epoch(comparison, 0)
    assert {"prd_auc", "correlation_layers", "profile_radial"} <= set(expected)
    assert {"resolution_ratio_20gev", "width_ratio_depth"} <= set(expected)
    for name, metric in expected.items():
        if not name.startswith(("wasserstein_", "response_ratio_")):
            assert logs[f"val_{name}"] == metric.value
    assert logs["val_resolution_ratio_50gev"] == pytest.approx(1.0, abs=1e-5)
    assert logs["val_width_ratio_visible_energy"] == pytest.approx(1.1, abs=1e-5)


def test_a_sample_with_one_shower_of_an_energy_is_still_followed(tmp_path):
    """Nothing can be split into halves: what needs them is left out."""
    condition = SAMPLE.condition[:6].copy()
    condition[5, 0] = 77.0
    few = dataclasses.replace(SAMPLE, condition=condition, response=SAMPLE.response[:6])
    monitor = PhysicsMonitor(few, _replay(1.0), HGCAL, "mask", tmp_path)
    monitor.simulate = lambda condition, seed: monitor.followed.real
    logs = _logs(monitor)
    assert logs["val_response_77gev"] == pytest.approx(1.0)
    assert "val_prd_auc" not in logs


def test_curves_and_pictures_for_tensorboard(tmp_path):
    monitor = _monitor(tmp_path, _replay(1.1))
    for epoch in range(2):
        _logs(monitor, epoch)
    monitor.on_train_end()
    response = {}
    for run in ("generated", "reference"):
        events = event_accumulator.EventAccumulator(
            str(tmp_path / run), size_guidance={"tensors": 0}
        )
        events.Reload()
        tags = events.Tags()["tensors"]
        expected = {"physics/response_20gev", "physics/depth", "physics/number_of_hits"}
        expected |= {"metrics/prd_auc", "metrics/resolution_ratio_20gev"}
        assert expected <= set(tags)
        assert ("real_above_generated/20gev" in tags) == (run == "generated")
        points = events.Tensors("physics/response_20gev")
        assert [point.step for point in points] == [0, 1]
        response[run] = float(tf.make_ndarray(points[0].tensor_proto))
    assert response["generated"] == pytest.approx(1.1 * response["reference"], rel=1e-5)


def test_the_same_seeds_and_events_at_every_epoch(tmp_path):
    calls = []

    def simulate(condition, seed):
        calls.append((condition.copy(), tuple(seed)))
        return np.zeros((len(condition), *HGCAL.shape), np.float32)

    monitor = _monitor(tmp_path, simulate, seed=7, events=30)
    _logs(monitor, 0)
    _logs(monitor, 5)
    (first, seed), (second, again) = calls
    assert seed == again == (7, 0)
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(np.unique(first[:, 0], return_counts=True)[1], 10)


def test_every_other_epoch(tmp_path):
    calls = []

    def simulate(condition, seed):
        calls.append(seed)
        return _replay(1.0 + 0.1 * len(calls))(condition, seed)

    monitor = _monitor(tmp_path, simulate, every=2)
    values = [_logs(monitor, epoch)["val_response_20gev"] for epoch in range(3)]
    assert values == pytest.approx([1.1, 1.1, 1.2])


def test_numbers_too_large_for_tensorboard_are_drawn_at_its_limit(tmp_path):
    """The squares of a model that runs away; its training goes on nevertheless."""
    monitor = _monitor(tmp_path, _replay(1.0))
    found = monitor.followed.measure(monitor.followed.real)
    curves = {"metrics/fpd": (1e60, -np.inf)}
    monitor._write(0, dataclasses.replace(found, curves=curves))
    monitor.on_train_end()
    limit = np.finfo(np.float32).max
    for run, expected in (("generated", limit), ("reference", -limit)):
        drawn = event_accumulator.EventAccumulator(str(tmp_path / run))
        drawn.Reload()
        (event,) = drawn.Tensors("metrics/fpd")
        assert tf.make_ndarray(event.tensor_proto) == expected


def test_a_response_that_is_not_finite_makes_all_values_nan(tmp_path):
    def simulate(condition, seed):
        response = _replay(1.0)(condition, seed)
        response[3, 5, 7, 2] = np.nan
        return response

    healthy = _logs(_monitor(tmp_path, _replay(1.0)))
    logs = _logs(_monitor(tmp_path, simulate))
    assert logs.keys() == healthy.keys()
    assert logs.pop("loss") == 1.0
    assert np.isnan(list(logs.values())).all()


@pytest.mark.parametrize("options", [{"every": 0}, {"events": 0}])
def test_settings_without_sense_are_refused(tmp_path, options):
    with pytest.raises(ValueError, match="at least 1"):
        _monitor(tmp_path, _replay(1.0), **options)
