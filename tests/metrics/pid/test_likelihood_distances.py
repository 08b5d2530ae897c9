"""Distances and correlations with signed weights."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ks_2samp, wasserstein_distance

from metrics.pid import likelihood_distances
from metrics.pid.likelihood_distances import (
    correlations,
    shape_distances,
    weighted_distances,
)
from metrics.pid.track_pairs import Tracks
from metrics.pid.track_resampling import PairResampling
from metrics.statistics.weighted import weighted_scale
from tests.metrics import made_tracks

EVENTS = st.lists(
    st.tuples(st.integers(-4, 4), st.floats(-1.0, 2.0)), min_size=0, max_size=10
)


def test_with_equal_weights_they_are_the_usual_ones():
    random = np.random.default_rng(1)
    first, second = random.normal(0.0, 1.0, 200), random.normal(0.3, 1.2, 300)
    ks, w1 = weighted_distances(first, second, np.ones(200), np.ones(300))
    assert ks == pytest.approx(ks_2samp(first, second).statistic, rel=1e-12)
    assert w1 == pytest.approx(wasserstein_distance(first, second), rel=1e-12)


def test_a_shift_is_its_wasserstein_distance():
    values = np.random.default_rng(2).normal(size=500)
    weight = np.random.default_rng(3).uniform(0.1, 2.0, 500)
    _, w1 = weighted_distances(values, values + 0.7, weight, weight)
    assert w1 == pytest.approx(0.7, rel=1e-12)


@given(EVENTS, EVENTS)
def test_they_follow_their_definition_with_signed_weights(first, second):
    x, w = np.array([(0, 15.0), *first], float).T
    y, v = np.array([(2, 15.0), *second], float).T
    grid = np.arange(-4.0, 5.0)
    difference = [
        w[x <= point].sum() / w.sum() - v[y <= point].sum() / v.sum() for point in grid
    ]
    ks, w1 = weighted_distances(x, y, w, v)
    assert ks == pytest.approx(np.abs(difference).max(), abs=1e-12)
    assert w1 == pytest.approx(np.abs(difference).sum(), abs=1e-12)


def test_splitting_a_track_changes_nothing():
    random = np.random.default_rng(4)
    x, y = random.normal(size=(2, 60))
    w, v, part = random.normal(0.6, 1.0, (3, 60))
    twice = np.concatenate([x, x]), np.concatenate([part, w - part])
    np.testing.assert_allclose(
        weighted_distances(twice[0], y, twice[1], v),
        weighted_distances(x, y, w, v),
        rtol=1e-10,
    )


def test_negative_weights_remove_the_background():
    events = 200_000
    random = np.random.default_rng(5)
    background = random.random(events) < 0.4
    mixture = random.normal(np.where(background, 5.0, 0.0))
    signal = random.normal(size=events)
    weight = made_tracks.sweights(background, 6)
    ones = np.ones(events)
    ks, w1 = weighted_distances(mixture, signal, weight, ones)
    assert (ks, w1) == pytest.approx((0.0, 0.0), abs=0.02)
    ks, w1 = weighted_distances(mixture, signal, ones, ones)
    assert w1 == pytest.approx(2.0, abs=0.02)
    assert ks > 0.35


def _resampling(tracks, replicates=3, splits=2):
    return PairResampling(tracks.weight, tracks.group, 1, splits, replicates)


def test_value_and_floor_compare_halves():
    tracks = made_tracks.compared(1_200, species=["kaon", "pion"])
    resampling = _resampling(tracks, replicates=0)
    found = shape_distances(tracks, resampling)
    assert len(found) == 2 * 5 * 2
    members = tracks.members["kaon"]
    scale = weighted_scale(tracks.reference[members, 3], tracks.weight[members])
    generated, reference = (one / scale for one in tracks.pair("dll_p"))
    expected = np.zeros((2, 2))
    for half in resampling.halves:
        one, other = members[half[members]], members[~half[members]]
        assert abs(len(one) - len(other)) <= 1

        def between(first, second, of_first, of_second):
            weights = tracks.weight[of_first], tracks.weight[of_second]
            pair = first[of_first], second[of_second]
            return np.array(weighted_distances(*pair, *weights))

        expected[0] += 0.25 * between(generated, reference, one, other)
        expected[0] += 0.25 * between(generated, reference, other, one)
        expected[1] += 0.5 * between(reference, reference, one, other)
    for number, kind in enumerate(("kolmogorov", "wasserstein")):
        metric = found[f"{kind}_kaon_dll_p"]
        assert metric.value == pytest.approx(expected[0, number], rel=1e-10)
        assert metric.floor == pytest.approx(expected[1, number], rel=1e-10)
        assert metric.uncertainty == 0.0


def test_the_grid_of_the_replicates_is_fine_enough(monkeypatch):
    tracks = made_tracks.compared(3_000, species=["kaon"])
    resampling = _resampling(tracks, replicates=20)
    coarse = shape_distances(tracks, resampling)
    monkeypatch.setattr(likelihood_distances, "GRID_POINTS", 10_000)
    exact = shape_distances(tracks, resampling)
    for name, metric in exact.items():
        assert coarse[name].value == metric.value
        assert coarse[name].floor == metric.floor
        assert coarse[name].uncertainty == pytest.approx(metric.uncertainty, rel=0.1)
        assert coarse[name].z == pytest.approx(metric.z, rel=0.1, abs=0.05)


def test_a_likelihood_that_never_varies():
    sample = made_tracks.contaminated(600, species=["pion"])
    sample.response[:, 1] = 0.0
    tracks = Tracks(
        made_tracks.RICH, sample.condition, sample.response, sample.response + 1.0,
        sample.weight,
    )  # fmt: skip
    found = shape_distances(tracks, _resampling(tracks))
    assert found["wasserstein_pion_dll_mu"].value == pytest.approx(1.0)
    assert found["wasserstein_pion_dll_mu"].floor == 0.0
    assert found["kolmogorov_pion_dll_mu"].value == pytest.approx(1.0)
    assert np.isfinite(correlations(tracks, _resampling(tracks))["correlation_pion"].z)


def test_correlations_without_the_background():
    events = 200_000
    random = np.random.default_rng(7)
    background = random.random(events) < 0.4
    common = random.normal(size=events)
    response = np.stack([common, 0.6 * common + 0.8 * random.normal(size=events)], 1)
    response[background] *= [1.0, -1.0]
    response += 500.0
    weight = made_tracks.sweights(background, 8)
    found = likelihood_distances.correlation_matrix(response, weight)
    np.testing.assert_allclose(found, [[1.0, 0.6], [0.6, 1.0]], atol=0.03)
    plain = likelihood_distances.correlation_matrix(response, np.ones(events))
    np.testing.assert_allclose(plain, np.corrcoef(response.T), atol=1e-9)


def test_the_largest_difference_of_correlations():
    tracks = made_tracks.compared(1_500, weighted=False, species=["kaon"])
    tracks.generated[:, 4] = -tracks.generated[:, 0]
    resampling = _resampling(tracks, replicates=5)
    metric = correlations(tracks, resampling)["correlation_kaon"]
    expected_value, expected_floor = 0.0, 0.0
    ones = np.ones(len(tracks))
    for half in resampling.halves:
        made, real = (
            [
                likelihood_distances.correlation_matrix(part[some], ones[some])
                for some in (half, ~half)
            ]
            for part in (tracks.generated, tracks.reference)
        )
        expected_value += 0.25 * np.abs(made[0] - real[1]).max()
        expected_value += 0.25 * np.abs(made[1] - real[0]).max()
        expected_floor += 0.5 * np.abs(real[0] - real[1]).max()
    assert metric.value == pytest.approx(expected_value, rel=1e-9)
    assert metric.floor == pytest.approx(expected_floor, rel=1e-9)
    assert metric.z > 10.0
