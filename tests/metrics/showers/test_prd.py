"""Precision and recall of distributions: the published definition, auc, floor."""

import dataclasses
import math

import numpy as np
import pytest
import sklearn.metrics

from metrics.showers import prd
from metrics.statistics.resampling import Resampling

EVENTS = 240
CLUSTERS = 12
RESAMPLING = Resampling(np.arange(EVENTS) % 2, seed=1, splits=2, replicates=12)


def _histograms(seed, shape=(7,)):
    random = np.random.default_rng(seed)
    # Some clusters are empty on one side or on both.
    found = random.integers(0, 4, (2, *shape)).astype(np.float64) + 1e-3
    found[0, ..., 0] = found[1, ..., 1] = 0.0
    found[:, ..., 2] = 0.0
    return found / found.sum(axis=-1, keepdims=True)


def _sample(seed, shift=0.0, events=EVENTS):
    return np.random.default_rng(seed).normal(shift, 1.0, (events, 3))


def _measure(generated, reference, seed=3, runs=2):
    return prd.prd_auc(generated, reference, RESAMPLING, seed, CLUSTERS, runs)


def _definition(generated, reference):
    precision, recall = [], []
    for number in range(1001):
        slope = math.tan(1e-10 + number / 1000 * (math.pi / 2 - 2e-10))
        fractions = [
            min(slope * r, g) for g, r in zip(generated, reference, strict=True)
        ]
        precision.append(min(math.fsum(fractions), 1.0))
        recall.append(min(math.fsum(fractions) / slope, 1.0))
    return precision, recall


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_curve_is_the_published_definition(seed):
    generated, reference = _histograms(seed)
    expected = _definition(generated, reference)
    # At the last slope, 1e10, the tangent itself is known to 1e-6 only.
    found = prd.precision_recall(generated, reference)
    np.testing.assert_allclose(
        np.array(found)[:, :-1], np.array(expected)[:, :-1], rtol=1e-9, atol=1e-12
    )
    np.testing.assert_allclose(
        np.array(found)[:, -1], np.array(expected)[:, -1], rtol=1e-5
    )
    np.testing.assert_allclose(
        prd.auc(*found), sklearn.metrics.auc(*expected), rtol=1e-9
    )


def test_rows_are_computed_one_by_one():
    generated, reference = _histograms(4, (2, 3, 7))
    found = prd.precision_recall(generated, reference)
    aucs = prd.auc(*found)
    assert found[0].shape == (2, 3, 1001)
    for row in np.ndindex(2, 3):
        one = prd.precision_recall(generated[row], reference[row])
        np.testing.assert_array_equal(one[0], found[0][row])
        np.testing.assert_array_equal(one[1], found[1][row])
        assert prd.auc(*one) == aucs[row]


def test_area_of_equal_disjoint_and_partly_covered_distributions():
    equal = np.full(5, 0.2)
    assert prd.auc(*prd.precision_recall(equal, equal)) == pytest.approx(1.0)
    first, second = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    assert prd.auc(*prd.precision_recall(first, second)) == 0.0
    # A generator of one of two equal modes: perfect precision at recall 1/2, and
    # precision min(s / 2, 1) at recall min(1/2, 1 / s): a rectangle of area 1/2.
    one_mode = prd.precision_recall(first, np.array([0.5, 0.5]))
    assert prd.auc(*one_mode) == pytest.approx(0.5, abs=1e-5)
    assert one_mode[0].max() == 1.0
    assert one_mode[1].max() == pytest.approx(0.5)


def test_exchange_of_the_samples_exchanges_precision_and_recall():
    generated, reference = _histograms(5)
    precision, recall = prd.precision_recall(generated, reference)
    exchanged = prd.precision_recall(reference, generated)
    np.testing.assert_allclose(exchanged[0][1:-1], recall[::-1][1:-1], rtol=1e-9)
    np.testing.assert_allclose(exchanged[1][1:-1], precision[::-1][1:-1], rtol=1e-9)
    # The tangent of the last angle is known to 1e-6 only.
    assert prd.auc(*exchanged) == pytest.approx(prd.auc(precision, recall), rel=1e-6)


def test_histograms_that_are_not_normalised_are_refused():
    with pytest.raises(ValueError, match=r"found 1\.01"):
        prd.precision_recall(np.array([0.51, 0.5]), np.array([0.51, 0.5]))
    precision, _ = prd.precision_recall(np.array([0.5, 0.5005]), np.array([0.5, 0.5]))
    assert precision.max() == 1.0


def test_clusters_are_those_of_the_union():
    centres = 100.0 * np.arange(4)[:, np.newaxis]
    generated, reference = (
        np.repeat(centres, 10, axis=0) + _sample(seed, events=40) for seed in (1, 2)
    )
    found = prd.cluster(generated, reference, 4, seed=1)
    for labels in found:
        blocks = labels.reshape(4, 10)
        np.testing.assert_array_equal(blocks, np.repeat(blocks[:, :1], 10, axis=1))
        assert len(set(blocks[:, 0])) == 4
    np.testing.assert_array_equal(found[0], found[1])


@pytest.mark.parametrize("clustered", [_sample(1), np.zeros((EVENTS, 3))])
def test_more_clusters_than_distinct_events_do_no_harm(clustered):
    result = _measure(clustered, clustered.copy())
    assert np.isfinite(dataclasses.astuple(result.metric)).all()


def test_sizes_and_clusters_are_checked():
    with pytest.raises(ValueError, match="as many generated as reference"):
        prd.cluster(_sample(1, events=20), _sample(2, events=21), 5, seed=1)
    with pytest.raises(ValueError, match=r"received 20.*--num.*fewer clusters"):
        prd.cluster(_sample(1, events=20), _sample(2, events=20), 21, seed=1)
    with pytest.raises(ValueError, match="shapes"):
        _measure(_sample(1), _sample(2)[1:])


def test_two_samples_of_one_distribution_are_at_the_floor():
    results = [_measure(_sample(seed), _sample(seed + 50)) for seed in range(6)]
    z = [result.metric.z for result in results]
    assert abs(np.mean(z)) < 1.0
    assert max(np.abs(z)) < 3.0
    for result in results:
        assert 0.7 < result.metric.floor < 1.0
        assert 0.0 < result.metric.uncertainty < 0.1


def test_worse_than_the_floor_is_positive():
    result = _measure(_sample(1, shift=1.5), _sample(2))
    assert result.metric.value < 0.5 * result.metric.floor
    assert result.metric.z > 3.0


def test_the_metric_is_the_area_under_the_curve():
    result = _measure(_sample(1, shift=0.5), _sample(2))
    curve, metric = result.curve, result.metric
    assert sklearn.metrics.auc(curve.y, curve.x) == pytest.approx(metric.value)
    assert sklearn.metrics.auc(curve.floor_y, curve.floor_x) == pytest.approx(
        metric.floor
    )
    assert curve.x[0] > curve.x[-1]
    assert curve.y[0] < curve.y[-1]
    assert (result.events, result.clusters) == (EVENTS // 2, CLUSTERS)


def test_value_and_floor_are_those_of_the_halves():
    generated, reference = _sample(1, shift=0.5), _sample(2)
    result = _measure(generated, reference, seed=7, runs=1)
    one, other = (half.events for half in RESAMPLING.splits[0])
    for sample, expected in (
        (generated, result.metric.value),
        (reference, result.metric.floor),
    ):
        labels = prd.cluster(sample[one], reference[other], CLUSTERS, seed=7)
        fractions = [
            np.bincount(found, minlength=CLUSTERS) / len(one) for found in labels
        ]
        found = prd.auc(*prd.precision_recall(*fractions))
        # Other rounding of the rotated features may move a start of k-means.
        assert found == pytest.approx(expected, abs=0.05)


def test_the_curves_are_averaged_before_the_area():
    generated, reference = _sample(1, shift=0.8), _sample(2)
    both = _measure(generated, reference, seed=3, runs=2)
    first = _measure(generated, reference, seed=3, runs=1)
    again = Resampling(np.arange(EVENTS) % 2, seed=1, splits=2, replicates=0)
    again.splits = again.splits[1:]
    second = prd.prd_auc(generated, reference, again, 4, CLUSTERS, runs=1)
    np.testing.assert_allclose(both.curve.y, (first.curve.y + second.curve.y) / 2.0)
    np.testing.assert_allclose(both.curve.x, (first.curve.x + second.curve.x) / 2.0)


def test_the_same_seed_gives_the_same_numbers():
    found = [_measure(_sample(1), _sample(2), seed).metric for seed in (3, 3, 9)]
    assert found[0] == found[1]
    assert found[0] != found[2]


def test_images_are_taken_as_they_are():
    images = [_sample(seed).reshape(EVENTS, 3, 1) for seed in (1, 2)]
    assert _measure(*images).metric == _measure(_sample(1), _sample(2)).metric


def test_directions_without_variance_are_left_out():
    random = np.random.default_rng(1)
    wide = np.column_stack([1e4 * _sample(1), _sample(1)])
    narrow = np.column_stack([1e-3 * _sample(2), 0.01 * _sample(3), np.ones(EVENTS)])
    rotation, _ = np.linalg.qr(random.normal(size=(7, 7)))
    # A sample a million times as wide hides none of the three directions of the other.
    wide = np.column_stack([wide, np.ones(EVENTS)]) @ rotation
    made, real = prd._compressed(wide, narrow @ rotation)
    assert made.shape[1] == real.shape[1] <= 6
    for before, after in ((wide, made), (narrow @ rotation, real)):
        total = (np.linalg.norm(before - (narrow @ rotation).mean(axis=0)) ** 2).sum()
        assert np.linalg.norm(after) ** 2 == pytest.approx(total, rel=2e-4)


def test_numbers_whose_squares_overflow_are_still_rotated():
    """A power of two rounds nothing, so that the scale does not matter at all."""
    scale = np.float32(2.0**100)
    large = prd._compressed(scale * _sample(1), scale * _sample(2))
    plain = prd._compressed(_sample(1), _sample(2))
    for one, other in zip(large, plain, strict=True):
        np.testing.assert_array_equal(one, scale * other)


def test_halves_of_unequal_size_lose_the_surplus():
    events = EVENTS - 1
    resampling = Resampling(np.zeros(events, int), seed=1, splits=2, replicates=3)
    result = prd.prd_auc(
        _sample(1)[:events], _sample(2)[:events], resampling, 1, CLUSTERS
    )
    assert result.events == events // 2
    assert 0.5 < result.metric.value < 1.0


def test_few_events_in_a_cluster_are_warned_of():
    result = _measure(_sample(1), _sample(2))
    assert result.warning is None
    few = prd.prd_auc(_sample(1), _sample(2), RESAMPLING, 1, clusters=24, runs=1)
    assert few.warning is not None
    assert "120 events a side are 5.0 for each of 24 clusters" in few.warning
    assert "\n" not in few.warning
    assert few.metric.floor < result.metric.floor


def test_standardised_features_do_not_depend_on_units():
    generated, reference = _sample(1, shift=1.0), _sample(2)
    constant = np.full((EVENTS, 1), 0.1)
    units = np.array([1e3, 1e-3, 7.0, 1.0])
    found = prd.standardised(
        np.hstack([generated, constant + 1.0]), np.hstack([reference, constant])
    )
    again = prd.standardised(
        np.hstack([generated, constant + 1.0]) * units + 5.0,
        np.hstack([reference, constant]) * units + 5.0,
    )
    for one, other in zip(found, again, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-9)
        assert one.shape == (EVENTS, 3)
    np.testing.assert_allclose(found[1].mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(found[1].std(axis=0), 1.0)
    with pytest.raises(ValueError, match="none of the 1 features"):
        prd.standardised(constant, constant)


def test_minimum_is_the_worse_result():
    good, bad = _measure(_sample(1), _sample(2)), _measure(_sample(1, 1.0), _sample(2))
    assert prd.minimum(good, bad) is prd.minimum(bad, good) is bad


def test_scatter_between_runs_adds_to_the_uncertainty():
    replicates = np.array([0.9, 0.89, 0.91])
    calm = prd._metric(replicates, replicates, np.full(3, 0.9), np.full(3, 0.9))
    runs = np.array([0.87, 0.9, 0.93])
    restless = prd._metric(replicates, replicates, runs, np.full(3, 0.9))
    added = restless.uncertainty**2 - calm.uncertainty**2
    assert added == pytest.approx(0.03**2 / 3)
    assert restless.floor_uncertainty == calm.floor_uncertainty


def test_distances_survive_the_projection_of_many_cells():
    random = np.random.default_rng(1)
    samples = [random.exponential(size=(12, 5000)) * (random.random(5000) < 0.1)
               for _ in range(2)]  # fmt: skip
    found = prd._compressed(*samples)
    assert found[0].shape[1] <= 24

    def squares(pair):
        return np.square(pair[0][:, None] - pair[1][None]).sum(axis=-1)

    np.testing.assert_allclose(squares(found) / squares(samples), 1.0, atol=0.25)
