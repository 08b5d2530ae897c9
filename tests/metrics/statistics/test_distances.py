"""Closed forms of the distances."""

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies

from metrics.statistics import distances

RANDOM = np.random.default_rng(5)


def _rows(values, rows=3):
    weights = RANDOM.integers(1, 5, (rows, len(values))).astype(np.float64)
    return weights, weights / weights.sum(axis=1, keepdims=True)


@hypothesis.given(strategies.floats(-100.0, 100.0), strategies.integers(0, 1000))
def test_wasserstein_of_a_shifted_sample_is_the_shift(shift, seed):
    values = np.random.default_rng(seed).normal(size=50)
    np.testing.assert_allclose(
        distances.wasserstein(values + shift, values), abs(shift), atol=1e-9
    )


def test_normalised_wasserstein_is_in_standard_deviations():
    values = RANDOM.normal(3.0, 2.0, 400)
    shifted = values + 0.5 * values.std()
    np.testing.assert_allclose(
        distances.normalised_wasserstein(shifted, values), 0.5, rtol=1e-9
    )
    assert distances.normalised_wasserstein(np.ones(5), np.zeros(5)) == 1.0


def test_separation_power_of_equal_and_disjoint_samples():
    values = RANDOM.normal(size=300)
    edges = distances.bin_edges(values)
    assert len(edges) == distances.BINS - 1
    assert distances.separation_power(values, values, edges) == 0.0
    np.testing.assert_allclose(
        distances.separation_power(values + 1000.0, values, edges), 1.0, atol=1e-2
    )
    two = np.array([0.0, 0.0, 1.0, 1.0])
    edge = np.array([0.5])
    assert distances.separation_power(np.zeros(3), np.ones(4), edge) == 1.0
    # h1 = (1/2, 1/2), h2 = (1, 0): 1/2 (1/6 + 1/2) = 1/3.
    np.testing.assert_allclose(
        distances.separation_power(two, np.zeros(4), edge), 1.0 / 3.0
    )


def test_bins_of_a_constant_sample():
    edges = distances.bin_edges(np.full(10, 4.0))
    assert np.all(np.diff(edges) > 0.0)
    constant = np.full(10, 4.0)
    assert distances.separation_power(constant, constant, edges) == 0.0


@pytest.mark.parametrize("name", ["wasserstein", "separation"])
def test_weights_act_like_repeated_events(name):
    first, second = RANDOM.normal(size=30), RANDOM.normal(0.3, 1.2, 40)
    edges = np.linspace(-2.0, 2.0, 9)
    prepared = {
        "wasserstein": distances.weighted_wasserstein(first, second),
        "separation": distances.weighted_separation(first, second, edges),
    }[name]
    plain = {
        "wasserstein": distances.wasserstein,
        "separation": lambda a, b: distances.separation_power(a, b, edges),
    }[name]
    counts_first, weights_first = _rows(first)
    counts_second, weights_second = _rows(second)
    values = prepared(weights_first, weights_second)
    for row, value in enumerate(values):
        repeated = (
            np.repeat(first, counts_first[row].astype(int)),
            np.repeat(second, counts_second[row].astype(int)),
        )
        np.testing.assert_allclose(value, plain(*repeated), rtol=1e-9)


def test_moments_with_weights_act_like_repeated_events():
    values = RANDOM.normal(10.0, 2.0, 30)
    counts, _ = _rows(values)
    repeated = [np.repeat(values, row.astype(int)) for row in counts]
    np.testing.assert_allclose(
        distances.weighted_mean(values, counts), [one.mean() for one in repeated]
    )
    np.testing.assert_allclose(
        distances.weighted_width(values, counts), [one.std() for one in repeated]
    )
    np.testing.assert_allclose(
        distances.weighted_resolution(values, counts),
        [one.std() / one.mean() for one in repeated],
    )


def test_profile_distance():
    first = np.array([[2.0, 0.0], [0.0, 2.0]])
    second = np.array([[3.0, 1.0]])
    weights = np.full((1, 2), 0.5), np.ones((1, 1))
    # Means (1, 1) and (3, 1): 2 |1 - 3| / (2 + 4).
    value = distances.weighted_profile_distance(first, second)(*weights)
    np.testing.assert_allclose(value, [2.0 / 3.0])


def test_correlation_distance():
    x = RANDOM.normal(size=200)
    y = RANDOM.normal(size=200)
    together, opposed = np.column_stack([x, x]), np.column_stack([x, -x])
    weights = np.full((1, 200), 1.0 / 200)
    statistic = distances.weighted_correlation_distance(together, opposed)
    np.testing.assert_allclose(statistic(weights, weights), [2.0])
    features = np.column_stack([x, 0.5 * x + y])
    statistic = distances.weighted_correlation_distance(features, together)
    expected = 1.0 - np.corrcoef(features.T)[0, 1]
    np.testing.assert_allclose(statistic(weights, weights), [expected])


def test_constant_features_have_no_correlation():
    constant = np.ones((10, 2))
    weights = np.full((1, 10), 0.1)
    statistic = distances.weighted_correlation_distance(constant, constant)
    np.testing.assert_array_equal(statistic(weights, weights), [0.0])
