"""Uncertainty and floor."""

import numpy as np
import pytest

from metrics.statistics import distances
from metrics.statistics.resampling import Resampling

EVENTS = 600
GROUPS = np.arange(EVENTS) % 3


def _sample(seed, shift=0.0):
    return np.random.default_rng(seed).normal(shift, 1.0, EVENTS) + 10.0 * GROUPS


def _measure(first, second, seed=1):
    resampling = Resampling(GROUPS, seed)
    return resampling.against_floor(first, second, distances.weighted_wasserstein)


def test_halves_are_disjoint_and_share_every_group_equally():
    resampling = Resampling(GROUPS, seed=1, replicates=3)
    for one, other in resampling.splits:
        together = np.concatenate([one.events, other.events])
        np.testing.assert_array_equal(np.sort(together), np.arange(EVENTS))
        for half in (one, other):
            fraction = [
                half.reference[:, GROUPS[half.events] == g].sum(1) for g in range(3)
            ]
            np.testing.assert_allclose(fraction, 1.0 / 3.0)


def test_row_zero_is_the_sample_itself():
    resampling = Resampling(GROUPS, seed=1, replicates=3)
    np.testing.assert_array_equal(resampling.generated[0], 1.0)
    np.testing.assert_array_equal(resampling.generated.sum(axis=1), EVENTS)
    assert np.any(resampling.generated[1:] != resampling.reference[1:])


def test_splits_do_not_depend_on_the_number_of_replicates():
    few, many = (Resampling(GROUPS, seed=4, replicates=n) for n in (0, 7))
    for one, other in zip(few.splits, many.splits, strict=True):
        np.testing.assert_array_equal(one[0].events, other[0].events)
    assert few.against_floor(
        _sample(1), _sample(2), distances.weighted_wasserstein
    ).value == pytest.approx(
        many.against_floor(_sample(1), _sample(2), distances.weighted_wasserstein).value
    )


def test_two_samples_of_one_distribution_are_at_the_floor():
    z = [_measure(_sample(seed), _sample(seed + 100), seed).z for seed in range(20)]
    # For independent samples z has about mean 0 and at most unit width.
    assert abs(np.mean(z)) < 0.5
    assert 0.2 < np.std(z) < 1.5


def test_the_floor_shrinks_like_the_root_of_the_number_of_events():
    random = np.random.default_rng(2)
    floors = []
    for events in (400, 6400):
        values = random.normal(size=(2, events))
        resampling = Resampling(np.zeros(events, int), 1, replicates=5)
        metric = resampling.against_floor(*values, distances.weighted_wasserstein)
        floors.append(metric.floor)
    assert 2.5 < floors[0] / floors[1] < 6.5


def test_a_shift_is_measured_and_significant():
    metric = _measure(_sample(1, shift=0.5), _sample(2))
    assert metric.value == pytest.approx(0.5, abs=0.15)
    assert metric.z > 4.0
    assert 0.01 < metric.uncertainty < 0.1


def test_the_same_seed_gives_the_same_numbers():
    assert _measure(_sample(1), _sample(2)) == _measure(_sample(1), _sample(2))
    assert _measure(_sample(1), _sample(2)) != _measure(_sample(1), _sample(2), seed=2)


def test_ratio_of_means():
    reference = 100.0 + _sample(3)
    resampling = Resampling(GROUPS, seed=1)
    events = np.flatnonzero(GROUPS == 1)
    metric = resampling.ratio(
        1.1 * reference, reference, distances.weighted_mean, events
    )
    assert metric.value == pytest.approx(1.1)
    assert metric.floor == 1.0
    # Two independent bootstraps of 200 events of width 1 around 110.
    expected = np.sqrt(2.0 / 200.0) / 110.0
    assert metric.floor_uncertainty == pytest.approx(expected, rel=0.3)
    assert metric.z == pytest.approx(0.1 / metric.uncertainty)


def test_a_constant_has_no_significance():
    constant = np.ones(EVENTS)
    metric = _measure(constant, constant)
    assert (metric.value, metric.floor, metric.z) == (0.0, 0.0, 0.0)
    resampling = Resampling(GROUPS, seed=1)
    metric = resampling.ratio(constant, 0.0 * constant, distances.weighted_mean)
    assert np.isfinite([metric.value, metric.uncertainty, metric.z]).all()


def test_odd_and_tiny_groups():
    groups = np.repeat([0, 1, 2], [2, 3, 7])
    values = np.arange(12.0)
    metric = Resampling(groups, seed=1).against_floor(
        values, values, distances.weighted_wasserstein
    )
    assert np.isfinite([metric.value, metric.floor, metric.z]).all()


@pytest.mark.parametrize("groups", [[], [0], [0, 0, 1]])
def test_too_few_events_are_refused(groups):
    with pytest.raises(ValueError, match="at least two events"):
        Resampling(np.array(groups, int), seed=1)
