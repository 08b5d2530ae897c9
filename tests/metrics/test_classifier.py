"""The classifier two-sample test."""

import numpy as np
import pytest
import sklearn.metrics

from metrics import classifier
from metrics.resampling import Resampling

EVENTS = 400
RESAMPLING = Resampling(np.zeros(EVENTS, int), seed=1, splits=6, replicates=20)


def _features(seed, shift=0.0):
    return np.random.default_rng(seed).normal(shift, 1.0, (EVENTS, 3))


def test_area_is_that_of_scikit_learn():
    random = np.random.default_rng(3)
    scores = np.round(random.random(200), 1)
    generated = random.random(200) < 0.4
    np.testing.assert_allclose(
        classifier.area_under_curve(scores, generated),
        sklearn.metrics.roc_auc_score(generated, scores),
    )


def test_equal_samples_cannot_be_told_apart():
    metric = classifier.classifier_auc(_features(1), _features(2), RESAMPLING, seed=7)
    assert metric.value == pytest.approx(0.5, abs=0.08)
    assert metric.floor == pytest.approx(0.5, abs=0.08)
    assert abs(metric.z) < 3.5
    assert 0.015 < metric.uncertainty < 0.06


def test_a_pair_of_equal_condition_shares_a_fold():
    # Identical pairs: a classifier that has seen one partner would know the other.
    features = _features(1)
    scores = classifier.out_of_fold_scores(features, features, seed=7)
    np.testing.assert_array_equal(scores[:EVENTS], scores[EVENTS:])


def test_separated_samples_are_told_apart():
    metric = classifier.classifier_auc(
        _features(1, shift=5.0), _features(2), RESAMPLING, seed=7
    )
    assert metric.value > 0.99
    assert metric.z > 5.0


def test_the_shift_of_one_gaussian_has_a_known_area():
    # Two normal distributions d apart: area = Phi(d / sqrt 2) = 0.760 at d = 1.
    generated, reference = _features(1), _features(2)
    generated[:, 0] += 1.0
    scores = classifier.out_of_fold_scores(generated, reference, seed=7)
    area = classifier.area_under_curve(scores, np.arange(2 * EVENTS) < EVENTS)
    assert 0.66 < area < 0.80
