"""The CaloChallenge's classifier tests: features, division, network and verdict."""

import dataclasses
import itertools

import numpy as np
import pytest

from metrics.showers import measure_showers
from metrics.showers.classifiers import calochallenge
from metrics.showers.classifiers.calochallenge import (
    Judge,
    calochallenge_tests,
    hanley_mcneil,
)
from metrics.showers.classifiers.calochallenge_features import high_level, low_level
from metrics.showers.shower_pairs import Comparison
from metrics.statistics.energy_bins import strata
from metrics.statistics.resampling import Resampling
from tests.metrics import small

TINY = Judge(runs=2, width=16, hidden=1, epochs=12, batch=50, rate=3e-3)
LAYERS = 2
FLAT, LAYERED = small.detector(), small.detector(LAYERS)


def _comparison(spec=LAYERED, events=300, **changes):
    condition = small.conditions(events)
    pair = (
        small.showers(spec, condition, 2, **changes),
        small.showers(spec, condition, 3),
    )
    return Comparison(spec, "mask", condition, pair[1], pair[0])


def _by_hand(comparison):
    """Returns one reference shower with energy in three cells, and its features."""
    spec, point = comparison.spec, comparison.condition[0, 1:3].astype(float)
    mev = comparison.energy.sum() * 1e3 / comparison.reference.sum(dtype=float)
    columns = {
        name: [] for name in ("energy", "x", "y", "wx", "wy", "empty", "r", "wr")
    }
    shower = comparison.reference[0]
    for layer in range(spec.shape[2]):
        energy = shower[..., layer].astype(float) * mev
        place = spec.positions_cm[..., layer, :2].astype(float) - point
        place = np.dstack([place, np.linalg.norm(place, axis=-1)])
        mean, width = np.zeros(3), np.zeros(3)
        if energy.sum() > 0.0:
            for axis in range(3):
                mean[axis] = np.average(place[..., axis], weights=energy)
                spread = (place[..., axis] - mean[axis]) ** 2
                width[axis] = np.sqrt(np.average(spread, weights=energy))
        # Centimetres in units of 100 mm.
        values = [np.log10(energy.sum() + 1e-8), *mean[:2] / 10, *width[:2] / 10]
        values += [np.mean(energy == 0.0), mean[2] / 10, width[2] / 10]
        for column, value in zip(columns.values(), values, strict=True):
            column.append(value)
    *first, empty, r, wr = columns.values()
    total = np.log10(shower.sum(dtype=float) * mev + 1e-8)
    incident = np.log10(comparison.energy[0] * 1e3)
    return np.concatenate([[incident], *first, [total], empty, r, wr])


def test_high_level_features_are_those_of_their_definition():
    comparison = _comparison()
    comparison.reference[0] = 0.0
    comparison.reference[0, [1, 2, 4], [3, 3, 0], 0] = [1.0, 5.0, 2.0]
    generated, reference = high_level(comparison)
    assert generated.shape == reference.shape == (300, 2 + 8 * LAYERS)
    np.testing.assert_allclose(reference[0], _by_hand(comparison), atol=1e-6)
    # The second layer is empty.
    assert reference[0, 2] == pytest.approx(-8.0)


def test_low_level_features_are_fractions_of_the_incident_energy():
    comparison = _comparison(FLAT)
    generated, reference = low_level(comparison)
    assert generated.shape == reference.shape == (300, 1 + 36)
    np.testing.assert_allclose(reference[:, 0], np.log10(comparison.energy * 1e3))
    weights = comparison.energy
    mean = np.average(reference[:, 1:].sum(axis=1), weights=weights)
    assert mean == pytest.approx(1.0, rel=1e-5)
    # One calibration for both samples: a generator that is too loud stays so.
    louder = Comparison(
        FLAT, "mask", comparison.condition, comparison.reference,
        1.1 * comparison.reference,
    )  # fmt: skip
    loud, quiet = low_level(louder)
    np.testing.assert_allclose(loud[:, 1:], 1.1 * quiet[:, 1:], rtol=1e-5)


def test_a_flat_detector_has_one_layer():
    assert high_level(_comparison(FLAT))[0].shape == (300, 2 + 8)


def test_an_empty_reference_is_refused():
    comparison = _comparison(FLAT)
    comparison.reference[:] = 0.0
    with pytest.raises(ValueError, match="reference showers are empty"):
        low_level(comparison)


def test_a_division_has_all_pairs_once_and_the_published_parts():
    parts = calochallenge._divided(1000, 5)
    assert [len(part) for part in parts] == [600, 200, 200]
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(1000))
    assert not np.array_equal(parts[2], calochallenge._divided(1000, 6)[2])


def test_the_network_has_the_published_number_of_weights():
    network = calochallenge._Network(369, dataclasses.replace(Judge(), width=64))
    sizes = [369, 64, 64, 64, 1]
    expected = sum((a + 1) * b for a, b in itertools.pairwise(sizes))
    assert network._model.count_params() == expected
    assert Judge() == Judge(3, 2048, 2, 50, 1000, 2e-4)


def test_weights_start_as_those_of_pytorch_and_a_run_repeats_itself():
    network = calochallenge._Network(50, TINY)
    network._restart(np.random.default_rng(1))
    for kernel, bias in zip(*[iter(network._model.get_weights())] * 2, strict=True):
        limit = 1.0 / np.sqrt(len(kernel))
        assert 0.9 * limit < np.abs(kernel).max() <= limit or kernel.size < 50
        assert np.abs(bias).max() <= limit
    features = np.random.default_rng(2).normal(size=(2, 100, 50)).astype(np.float32)
    first = network.auc(*features, 3)
    assert network.auc(*features, 4) != first
    assert network.auc(*features, 3) == first


def test_the_judged_showers_are_not_learnt_from():
    """Labels that mean nothing are learnt by heart, and still nobody can tell."""
    features = np.random.default_rng(1).normal(size=(2, 400, 30)).astype(np.float32)
    judge = dataclasses.replace(TINY, width=64, epochs=20)
    network = calochallenge._Network(30, judge)
    aucs = [network.auc(*features, seed) for seed in range(3)]
    assert np.mean(aucs) == pytest.approx(0.5, abs=0.08)


@pytest.mark.parametrize("auc", [0.5, 0.8])
def test_hanley_and_mcneil_for_exponential_scores(auc):
    """Their formula is exact for scores of two exponential distributions."""
    first, second = np.random.default_rng(1).exponential(size=(2, 5_000, 40))
    first *= auc / (1.0 - auc)
    found = np.mean(first[:, :, None] > second[:, None], axis=(1, 2))
    assert found.mean() == pytest.approx(auc, abs=0.005)
    assert found.std() == pytest.approx(hanley_mcneil(auc, 40, 40), rel=0.04)


def _measured(comparison):
    groups = np.zeros(len(comparison), int)
    resampling = Resampling(groups, 1, splits=2, replicates=0)
    return calochallenge_tests(comparison, resampling, 1, TINY)


def test_equal_showers_cannot_be_told_apart():
    result = _measured(_comparison())
    assert set(result.metrics) == {"calochallenge_low", "calochallenge_high"}
    for name, metric in result.metrics.items():
        assert abs(metric.z) < 3.5, name
        assert 0.02 < metric.uncertainty < 0.2
        assert metric.uncertainty < 2.0 * metric.floor_uncertainty
    assert "mean of 2 runs (there 10), each from 180 showers a class" in result.note
    assert "judged by 60" in result.note


def test_a_generator_that_is_too_loud_is_told_apart():
    equal = _comparison()
    loud = Comparison(
        LAYERED, "mask", equal.condition, equal.reference, 10.0 * equal.generated
    )
    metric = _measured(loud).metrics["calochallenge_high"]
    assert metric.value > 0.95
    assert metric.z > 2.0


def test_too_few_showers_are_refused():
    with pytest.raises(
        ValueError, match="at least 20 showers of each kind, received 8"
    ):
        _measured(_comparison(events=8))


def test_they_are_part_of_a_measurement_only_if_asked_for():
    comparison = _comparison(events=40)
    resampling = Resampling(strata(comparison.energy), 1, splits=1, replicates=0)
    judge = Judge(runs=1, width=4, hidden=0, epochs=1, batch=50)
    for asked, expected in ((None, set()), (judge, {"low", "high"})):
        options = measure_showers.MeasurementOptions(seed=1, judge=asked)
        task = measure_showers.Task(comparison, resampling, options)
        found = measure_showers.PARTS["CaloChallenge"](task).get("metrics", {})
        assert set(found) == {f"calochallenge_{name}" for name in expected}


def test_the_time_grows_with_the_showers():
    short = calochallenge.announcement(1_000, 900, Judge())
    assert short.startswith("CaloChallenge's tests: 12 trainings of 50 epochs, about ")
    minutes = [
        int(calochallenge.announcement(number, 900, Judge()).split()[-6])
        for number in (10_000, 20_000)
    ]
    assert minutes[1] == pytest.approx(2 * minutes[0], abs=1)
