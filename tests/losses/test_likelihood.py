"""The likelihood of mixtures against closed forms and its integral."""

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from losses import likelihood

LOGITS = np.array([0.3, -1.0, 2.0])
MEAN = np.array([-1.0, 0.5, 2.0])
LOG_WIDTH = np.array([-0.5, 0.2, -2.0])


def _density(values):
    values = tf.constant(values, tf.float64)
    return np.exp(likelihood.gaussian_mixture(values, LOGITS, MEAN, LOG_WIDTH))


def test_one_component_is_a_normal_density():
    values = np.linspace(-3.0, 3.0, 7)
    found = likelihood.gaussian_mixture(
        values, np.zeros(1), np.array([0.4]), np.log([0.7])
    )
    np.testing.assert_allclose(found, scipy.stats.norm.logpdf(values, 0.4, 0.7))


def test_components_add_up():
    values = np.linspace(-3.0, 3.0, 7)
    weights = np.exp(LOGITS) / np.exp(LOGITS).sum()
    parts = scipy.stats.norm.pdf(values[:, None], MEAN, np.exp(LOG_WIDTH))
    np.testing.assert_allclose(_density(values), parts @ weights, rtol=1e-12)


def test_the_density_integrates_to_one():
    values = np.linspace(-12.0, 12.0, 20_001)
    assert np.trapezoid(_density(values), values) == pytest.approx(1.0, abs=1e-9)


def test_far_off_it_stays_finite_and_has_a_slope():
    value = tf.constant([1e4], tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(value)
        logarithm = likelihood.gaussian_mixture(
            value, *(np.float32(part) for part in (LOGITS, MEAN, LOG_WIDTH))
        )
    assert np.isfinite(logarithm).all()
    assert np.isfinite(tape.gradient(logarithm, value)).all()
