"""The search for memorised showers, with copies and with independent showers."""

import numpy as np
import pytest

from metrics.showers import nearest_neighbours
from metrics.showers.nearest_neighbours import (
    nearest_training_showers,
    shapes,
    weighted_near_fraction,
)
from metrics.showers.shower_pairs import Comparison
from tests.metrics import small

SPEC = small.detector()
EVENTS = 400


def _noisy(condition, seed):
    noise = np.random.default_rng(seed).gamma(2.0, 0.5, (len(condition), *SPEC.shape))
    return (small.showers(SPEC, condition, seed) * noise).astype(np.float32)


TRAINING = _noisy(small.conditions(EVENTS, seed=3), seed=3)


def _comparison(copies=0, factor=1.0):
    condition = small.conditions(EVENTS)
    generated = _noisy(condition, seed=5)
    generated[:copies] = factor * TRAINING[:copies]
    return Comparison(SPEC, "mask", condition, _noisy(condition, seed=4), generated)


def _distance(first, second):
    points = shapes(np.array([first, second], np.float32))
    return np.linalg.norm(points[0] - points[1])


def test_distance_of_hellinger():
    assert _distance([2.0, 0.0], [0.0, 7.0]) == pytest.approx(1.0)
    assert _distance([2.0, 6.0], [1.0, 3.0]) == pytest.approx(0.0)
    # 1 - sum of sqrt(p q): one common cell, which holds all and half of the energy.
    assert _distance([5.0, 0.0], [3.0, 3.0]) == pytest.approx(np.sqrt(1 - 0.5**0.5))


def test_an_empty_shower_is_finite():
    assert _distance([0.0, 0.0], [0.0, 0.0]) == 0.0
    assert _distance([0.0, 0.0], [1.0, 3.0]) == pytest.approx(np.sqrt(0.5))


def test_every_distance_is_the_smallest():
    result = nearest_training_showers(_comparison(), TRAINING, seed=1)
    for name in ("generated", "reference"):
        p = getattr(_comparison(), name).reshape(EVENTS, 1, -1).astype(np.float64)
        q = TRAINING.reshape(1, EVENTS, -1)
        p, q = (x / x.sum(axis=-1, keepdims=True) for x in (p, q))
        smallest = np.sqrt(np.maximum(1.0 - np.sqrt(p * q).sum(axis=-1), 0.0)).min(
            axis=1
        )
        np.testing.assert_allclose(getattr(result, name), smallest, atol=1e-5)


def test_other_showers_are_as_far_as_the_reference():
    result = nearest_training_showers(_comparison(), TRAINING, seed=1)
    assert result.training == EVENTS
    assert abs(result.metric.z) < 3.0
    assert result.metric.value < 0.05
    assert result.metric.floor < 0.05


@pytest.mark.parametrize("factor", [1.0, 3.0])
def test_copies_are_found_at_any_energy(factor):
    copies = EVENTS // 10
    result = nearest_training_showers(_comparison(copies, factor), TRAINING, seed=1)
    assert result.metric.value == pytest.approx(0.1, abs=0.03)
    assert result.metric.z > 3.0
    np.testing.assert_allclose(result.closest, 0.0, atol=1e-4)
    np.testing.assert_allclose(
        result.closest_generated, factor * result.closest_training, rtol=1e-5
    )


def test_the_choice_is_limited_and_repeats(monkeypatch):
    monkeypatch.setattr(nearest_neighbours, "QUERIES", 250)
    monkeypatch.setattr(nearest_neighbours, "TRAINING_SHOWERS", 100)
    first, again, other = (
        nearest_training_showers(_comparison(), TRAINING, seed) for seed in (1, 1, 2)
    )
    assert first.generated.shape == first.reference.shape == (250,)
    assert first.training == 100
    np.testing.assert_array_equal(first.generated, again.generated)
    assert not np.array_equal(first.generated, other.generated)


def test_fraction_below_the_quantile_with_weights():
    random = np.random.default_rng(1)
    first, second = random.random(300), random.random(500)
    counts = random.integers(0, 4, 300), random.integers(0, 4, 500)
    weights = [(count / count.sum())[None] for count in counts]
    fraction = weighted_near_fraction(first, second)(*weights)
    repeated = [np.repeat(x, n) for x, n in zip((first, second), counts, strict=True)]
    threshold = np.quantile(
        repeated[1], nearest_neighbours.QUANTILE, method="inverted_cdf"
    )
    assert fraction == pytest.approx([np.mean(repeated[0] < threshold)])


@pytest.mark.parametrize(
    ("events", "training", "message"),
    [
        (150, TRAINING, "at least 200 showers, received 150"),
        (EVENTS, TRAINING[:0], "received"),
        (EVENTS, TRAINING[:, :5], "training showers need the shape"),
    ],
)
def test_what_cannot_be_searched_is_refused(events, training, message):
    condition = small.conditions(events)
    showers = small.showers(SPEC, condition, seed=1)
    comparison = Comparison(SPEC, "mask", condition, showers, showers)
    with pytest.raises(ValueError, match=message):
        nearest_training_showers(comparison, training, seed=1)
