"""Correlations between cells, against plain loops and with made-up correlations."""

import itertools

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from data import detectors
from metrics.report import metric_descriptions
from metrics.showers.cell_correlations import Residuals, measure_cell_correlations
from metrics.showers.shower_pairs import Comparison
from metrics.statistics.energy_bins import strata
from metrics.statistics.resampling import Resampling
from tests.metrics import made_up, small

FLAT = small.detector()
CELLS = FLAT.positions_cm[..., :2].reshape(-1, 2).astype(float)


def _noise(events, seed, tied=0.0):
    """Draws cells around 10, of which those three apart in x are correlated."""
    random = np.random.default_rng(seed)
    noise = random.normal(size=(events, 6, 6))
    noise[:, 3:] = tied * noise[:, :3] + np.sqrt(1.0 - tied**2) * noise[:, 3:]
    return (10.0 + noise).astype(np.float32)


def _comparison(events, tied=0.0, spec=FLAT, condition=None):
    condition = small.conditions(events) if condition is None else condition
    pair = _noise(events, 2), _noise(events, 3, tied)
    return Comparison(spec, "mask", condition, *pair)


def _measured(comparison, replicates=20):
    resampling = Resampling(strata(comparison.energy), 1, replicates=replicates)
    with threadpool_limits(1):
        return measure_cell_correlations(comparison, resampling, 1)


def test_the_correlation_of_a_double_loop():
    comparison = _comparison(100)
    residuals = Residuals(comparison, seed=1)
    found = _measured(comparison)
    for response, name in ((comparison.generated, "generated"),
                           (comparison.reference, "reference")):  # fmt: skip
        values = residuals.of(response, slice(None))
        sums, pairs = np.zeros((2, 3, 9)), np.zeros((2, 3, 9))
        for place, energy_range in enumerate(residuals.ranges):
            for event in energy_range.events:
                known = np.flatnonzero(values[event])
                for i, j in itertools.combinations_with_replacement(known, 2):
                    away = np.abs(CELLS[i] - CELLS[j])
                    for axis in (0, 1):
                        if away[1 - axis] == 0.0:
                            distance = round(away[axis])
                            sums[axis, place, distance] += values[event, [i, j]].prod()
                            pairs[axis, place, distance] += 1
        assert (pairs[:, :, 1:4] > 10).all()
        mean = np.divide(sums, pairs, out=np.zeros_like(sums), where=pairs > 0)
        for axis, one in enumerate(found.axes):
            np.testing.assert_array_equal(one.pairs, pairs[axis])
            expected = mean[axis] / mean[axis, :, :1]
            np.testing.assert_allclose(getattr(one, name), expected, atol=1e-5)


def test_the_expectation_comes_from_other_showers_of_the_reference():
    comparison = _comparison(300)
    residuals = Residuals(comparison, seed=1)
    fold = np.random.default_rng(1).permutation(300) % 5
    fractions = comparison.reference.reshape(300, 36).astype(float)
    fractions /= fractions.sum(axis=1, keepdims=True)
    energies = [0 if one in (10.0, 20.0) else one for one in comparison.energy]
    classes = {}
    for event, cell in np.ndindex(300, 36):
        away = CELLS[cell] - comparison.condition[event, 1:3]
        key = energies[event], round(2.0 * away[0]), round(2.0 * abs(away[1]))
        classes.setdefault(key, []).append((event, cell))
    # Two of the four energies share a range, and the first takes more.
    assert [len(one.events) for one in residuals.ranges] == [
        energies.count(one) for one in (0, 40.0, 80.0)
    ]
    found = residuals.of(comparison.reference, slice(None))
    for members in classes.values():
        for event, cell in members[::37]:
            others = [fractions[one] for one in members if fold[one[0]] != fold[event]]
            expected = 0.0
            if len(others) >= 10:
                away = fractions[event, cell] - np.mean(others)
                expected = np.clip(away / np.std(others), -5.0, 5.0)
            assert found[event, cell] == pytest.approx(expected, abs=1e-6)


def test_made_up_correlations_are_found_where_they_are():
    found = _measured(_comparison(2000, tied=0.3))
    assert set(found.metrics) == {"correlation_cells_x", "correlation_cells_y"}
    first, second = found.axes
    np.testing.assert_allclose(first.generated[:, 3], 0.3, atol=0.06)
    np.testing.assert_allclose(first.reference[:, 3], 0.0, atol=0.06)
    np.testing.assert_allclose(first.generated[:, 0], 1.0)
    # The fractions of 36 cells add up to one.
    np.testing.assert_allclose(second.generated[:, 1:6], -1 / 35, atol=0.06)
    assert not first.pairs[:, 6:].any()
    assert (first.generated_error[:, 1:6] > 0.0).all()
    assert found.metrics["correlation_cells_x"].z > 5.0
    # 0.3 in the pairs three apart, a quarter of those that count: 18 of 60.
    value = found.metrics["correlation_cells_x"].value
    assert value == pytest.approx(0.3 * np.sqrt(18 / 60), rel=0.1)
    assert abs(found.metrics["correlation_cells_y"].z) < 3.0


def test_a_perfect_model_has_the_floor():
    for metric in _measured(_comparison(800)).metrics.values():
        assert abs(metric.z) < 3.0
        assert metric.value == pytest.approx(metric.floor, abs=0.02)


def test_too_narrow_cells_have_the_same_correlations():
    comparison = _comparison(800)
    comparison.generated[:] = 10.0 + 0.5 * (comparison.generated - 10.0)
    for metric in _measured(comparison).metrics.values():
        assert abs(metric.z) < 3.0


def test_an_inclined_track_has_its_own_axes():
    """Two cells share a fluctuation along the track, whatever its direction."""
    spec = detectors.get("ecal")
    condition = made_up.ecal_conditions(600)
    condition[:300, :2], condition[300:, :2] = (0.3, 0.0), (0.0, 0.3)
    condition[:, 2] = 1.0
    random = np.random.default_rng(4)
    pair = 10.0 + random.normal(size=(2, 600, 30, 30)).astype(np.float32)
    # The lines of the second sample have something in common: x, then y.
    pair[1, :300] += random.normal(size=(300, 1, 30)).astype(np.float32)
    pair[1, 300:] += random.normal(size=(300, 30, 1)).astype(np.float32)
    found = _measured(Comparison(spec, "mask", condition, *pair), replicates=2)
    along, across = found.axes
    assert (along.name, across.name) == ("along", "across")
    np.testing.assert_allclose(along.generated[:, 1:], 0.5, atol=0.05)
    np.testing.assert_allclose(across.generated[:, 1:], 0.0, atol=0.05)
    np.testing.assert_allclose(along.reference[:, 1:], 0.0, atol=0.05)


def test_layers_are_summed_and_incomplete_cells_left_out():
    flat = _comparison(200, tied=0.5)
    deep = small.detector(2)
    halves = [np.stack([0.25 * one, 0.75 * one], axis=-1)
              for one in (flat.reference, flat.generated)]  # fmt: skip
    same = _measured(Comparison(deep, "mask", flat.condition, *halves), 2)
    for one, other in zip(same.axes, _measured(flat, 2).axes, strict=True):
        np.testing.assert_allclose(one.generated, other.generated, atol=1e-4)
    deep.dead_cells[0, 0, 1] = True
    fewer = _measured(Comparison(deep, "mask", flat.condition, *halves), 2)
    assert (fewer.axes[0].pairs[:, 5] < same.axes[0].pairs[:, 5]).all()


def test_what_is_not_measured_says_why():
    empty = np.zeros((40, 6, 6), np.float32)
    comparison = Comparison(FLAT, "mask", small.conditions(40), empty, empty)
    with pytest.raises(ValueError, match="hit in at least 10%"):
        _measured(comparison)


def test_they_stand_with_the_cells_in_words():
    name = "correlation_cells_along"
    assert metric_descriptions.group(name) == "cells"
    assert metric_descriptions.label(name, {}) == (
        "correlations between distant cells, difference: along"
    )
