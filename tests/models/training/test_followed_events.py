"""Tracks that the monitor of a training follows."""

import numpy as np
import pytest

from data.events import Sample
from metrics.pid import measure_tracks
from metrics.pid.track_pairs import Tracks
from models.training.physics_monitor import PhysicsMonitor
from tests.metrics import made_tracks

RICH = made_tracks.RICH


@pytest.fixture(scope="module")
def sample():
    return made_tracks.contaminated(4_000)


def _simulate(shift):
    return lambda condition, seed: made_tracks.responses(condition, seed[1], shift)


def _logs(sample, tmp_path, simulate, **options):
    monitor = PhysicsMonitor(sample, simulate, RICH, "mask", tmp_path, **options)
    logs = {}
    monitor.on_epoch_end(0, logs)
    monitor.on_train_end()
    return logs, monitor.followed


def test_the_metrics_of_the_report_with_signed_weights(sample, tmp_path):
    logs, followed = _logs(sample, tmp_path, _simulate(1.0))
    assert len(followed.condition) == 4_000
    chunks = range(0, 4_000, 512)
    generated = np.concatenate(
        [
            made_tracks.responses(followed.condition[start : start + 512], number, 1.0)
            for number, start in enumerate(chunks)
        ]
    )
    tracks = Tracks(RICH, followed.condition, followed.real, generated, followed.weight)
    expected = measure_tracks.per_epoch(tracks, 0)
    assert logs.pop("val_wasserstein") == pytest.approx(
        np.mean([m.value for n, m in expected.items() if n.startswith("wasserstein_")])
    )
    assert logs == {f"val_{name}": metric.value for name, metric in expected.items()}
    assert {"val_delta_auc_kaon_pion", "val_correlation_kaon"} <= set(logs)
    assert (followed.weight < 0.0).any()


def test_a_better_generator_has_better_numbers(sample, tmp_path):
    good, _ = _logs(sample, tmp_path / "good", _simulate(0.0))
    bad, _ = _logs(sample, tmp_path / "bad", _simulate(1.0))
    assert 2.0 * good["val_wasserstein"] < bad["val_wasserstein"]


def test_all_species_equally(sample, tmp_path):
    _, followed = _logs(sample, tmp_path, _simulate(0.0), events=1_000)
    _, numbers = np.unique(followed.condition[:, 3], return_counts=True)
    np.testing.assert_array_equal(numbers, 200)


def test_a_response_that_is_not_finite_makes_all_values_nan(sample, tmp_path):
    healthy, _ = _logs(sample, tmp_path / "healthy", _simulate(0.0))

    def simulate(condition, seed):
        response = _simulate(0.0)(condition, seed)
        response[3, 2] = np.inf
        return response

    logs, _ = _logs(sample, tmp_path / "sick", simulate)
    assert logs.keys() == healthy.keys()
    assert np.isnan(list(logs.values())).all()


def test_too_few_tracks_are_left_out(sample, tmp_path):
    few = Sample(sample.response[:60], sample.condition[:60], sample.weight[:60])
    assert _logs(few, tmp_path, _simulate(0.0))[0] == {}
