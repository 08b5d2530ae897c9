"""The classifier two-sample tests."""

import numpy as np
import pytest
import sklearn.metrics

from metrics.showers.classifiers import classifier_tests, small_networks
from metrics.showers.shower_pairs import Comparison
from metrics.statistics import roc
from metrics.statistics.energy_bins import strata
from metrics.statistics.resampling import Resampling
from tests.metrics import small

EVENTS = 400
RESAMPLING = Resampling(np.zeros(EVENTS, int), seed=1, splits=6, replicates=20)
TESTS = [classifier_tests.trees_test, classifier_tests.network_test]


@pytest.fixture(autouse=True)
def few_steps(monkeypatch):
    monkeypatch.setattr(small_networks, "FEWEST_STEPS", 80)
    monkeypatch.setattr(small_networks, "EPOCHS", 1)


def _features(seed, shift=0.0):
    return np.random.default_rng(seed).normal(shift, 1.0, (EVENTS, 3))


def test_area_is_that_of_scikit_learn():
    random = np.random.default_rng(3)
    scores = np.round(random.random(200), 1)
    generated = random.random(200) < 0.4
    np.testing.assert_allclose(
        roc.roc_auc(scores, generated),
        sklearn.metrics.roc_auc_score(generated, scores),
    )


def test_the_thinned_curve_keeps_its_ends_and_its_area():
    random = np.random.default_rng(3)
    generated = random.random(5000) < 0.5
    for shift in (0.0, 1.0, 5.0):
        scores = random.normal(shift * generated)
        x, y = roc.roc_points(scores, generated)
        assert len(x) == len(y) <= roc.CURVE_POINTS
        assert (x[0], y[0], x[-1], y[-1]) == (0.0, 0.0, 1.0, 1.0)
        assert (np.diff(x) >= 0.0).all()
        assert (np.diff(y) >= 0.0).all()
        auc = roc.roc_auc(scores, generated)
        assert sklearn.metrics.auc(x, y) == pytest.approx(auc, abs=2e-3)


@pytest.mark.parametrize("test", TESTS)
def test_equal_samples_cannot_be_told_apart(test):
    metric = test(_features(1), _features(2), RESAMPLING, seed=7).metric
    assert metric.value == pytest.approx(0.5, abs=0.1)
    assert metric.floor == pytest.approx(0.5, abs=0.1)
    assert abs(metric.z) < 3.5
    assert 0.015 < metric.uncertainty < 0.06


def test_a_pair_of_equal_condition_shares_a_fold():
    # Identical pairs: a classifier that has seen one partner would know the other.
    features = _features(1)
    scores = classifier_tests.out_of_fold_scores(features, features, seed=7)
    np.testing.assert_array_equal(scores[:EVENTS], scores[EVENTS:])
    # Equal scores on both sides are a diagonal.
    curve = classifier_tests.network_test(features, features, RESAMPLING, seed=7).curve
    np.testing.assert_allclose(curve.y, curve.x, atol=0.02)


@pytest.mark.parametrize("test", TESTS)
def test_separated_samples_are_told_apart(test):
    result = test(_features(1, shift=5.0), _features(2), RESAMPLING, seed=7)
    assert result.metric.value > 0.99
    assert result.metric.z > 5.0
    assert np.interp(0.05, result.curve.x, result.curve.y) > 0.9
    assert np.interp(0.5, result.curve.floor_x, result.curve.floor_y) < 0.7


@pytest.mark.parametrize("test", TESTS)
def test_the_shift_of_one_gaussian_has_a_known_area(test):
    # Two normal distributions d apart: auc = Phi(d / sqrt 2) = 0.760 at d = 1.
    generated, reference = _features(1), _features(2)
    generated[:, 0] += 1.0
    assert 0.66 < test(generated, reference, RESAMPLING, seed=7).metric.value < 0.80


def test_a_seed_is_a_result():
    results = [
        classifier_tests.network_test(_features(1), _features(2), RESAMPLING, seed=seed)
        for seed in (7, 7, 8)
    ]
    assert results[0].metric == results[1].metric != results[2].metric
    np.testing.assert_array_equal(results[0].curve.y, results[1].curve.y)


def test_the_expected_spread_is_that_of_repetitions():
    # A classifier that takes the difference of the means of the other folds.
    random = np.random.default_rng(5)
    is_generated = np.repeat([True, False], 60)
    aucs = []
    for seed in range(400):
        features = random.normal(size=(120, 4))
        fold = np.tile(small_networks.folds(60, seed), 2)
        scores = np.empty(120)
        for number in range(small_networks.FOLDS):
            others, held_out = fold != number, fold == number
            learnt = features[others & is_generated].mean(axis=0)
            learnt = learnt - features[others & ~is_generated].mean(axis=0)
            scores[held_out] = features[held_out] @ (learnt / np.linalg.norm(learnt))
        aucs.append(roc.roc_auc(scores, is_generated))
    resampling = Resampling(np.zeros(60, int), seed=1, splits=2, replicates=0)
    found = classifier_tests.network_test(
        random.normal(size=(60, 3)), random.normal(size=(60, 3)), resampling, seed=1
    )
    # Of halves over sqrt(2), which differs from the whole by the 1 in 2 n + 1.
    assert found.metric.floor_uncertainty == pytest.approx(np.std(aucs), rel=0.15)


@pytest.mark.parametrize("distance", [0.0, 1.0, 2.5])
def test_the_expected_spread_at_any_area_is_that_of_exponential_scores(distance):
    # The formula is exact for exponential distributions: auc = r / (1 + r).
    random = np.random.default_rng(6)
    ratio = np.exp(distance)
    is_generated = np.repeat([True, False], 50)
    widths = np.where(is_generated, ratio, 1.0)
    aucs = [roc.roc_auc(random.exponential(widths), is_generated) for _ in range(1500)]
    expected = classifier_tests.expected_spread(50, ratio / (1.0 + ratio))
    # Twice the variance, for what the folds of a cross-validation share.
    assert expected / np.sqrt(2.0) == pytest.approx(np.std(aucs), rel=0.08)


def _comparison(change, *layers):
    spec = small.detector(*layers)
    condition = small.conditions(EVENTS)
    pair = (small.showers(spec, condition, seed) for seed in (2, 3))
    generated, reference = change(*pair)
    return Comparison(spec, "mask", condition, reference, generated)


def _more_energy(generated, reference):
    return 1.3 * generated, reference


def _without_one_cell(generated, reference):
    generated = generated.copy()
    generated[:, 2, 3] = 0.0
    return generated, reference


@pytest.mark.parametrize("change", [_more_energy, _without_one_cell])
@pytest.mark.parametrize("layers", [(), (2,)])
def test_an_obvious_difference_of_cells_is_seen(layers, change):
    comparison = _comparison(change, *layers)
    resampling = Resampling(strata(comparison.energy), 1, splits=1, replicates=5)
    result = classifier_tests.cells_test(comparison, resampling, seed=3)
    assert result.metric.value > 0.97
    assert abs(result.metric.floor - 0.5) < 0.2


def test_both_tests_of_observables_agree_on_equal_samples():
    comparison = _comparison(lambda *pair: pair)
    resampling = Resampling(strata(comparison.energy), 1, splits=2, replicates=5)
    results = classifier_tests.classifier_tests(comparison, resampling, seed=3)
    assert list(results) == ["classifier_auc", "classifier_auc_network"]
    for result in results.values():
        assert abs(result.metric.value - 0.5) < 0.12


def test_too_few_pairs_are_named():
    resampling = Resampling(np.zeros(6, int), seed=1, splits=2)
    for test in TESTS:
        with pytest.raises(ValueError, match="at least 8 pairs"):
            test(_features(1)[:6], _features(2)[:6], resampling, seed=1)
