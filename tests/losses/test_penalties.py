"""Penalties against closed forms: a linear critic has a known gradient."""

import numpy as np
import pytest
import tensorflow as tf

from losses import penalties

SHAPE = (3, 2, 2)
EVENTS = 4


def _showers(seed):
    random = np.random.default_rng(seed)
    return tf.constant(random.normal(size=(EVENTS, *SHAPE)), tf.float32)


def _slopes():
    """One direction per event, with norms 0.5, 1, 2 and 3."""
    random = np.random.default_rng(3)
    slopes = random.normal(size=(EVENTS, *SHAPE))
    norms = np.sqrt(np.sum(slopes**2, axis=(1, 2, 3), keepdims=True))
    wanted = np.array([0.5, 1.0, 2.0, 3.0])
    return slopes / norms * wanted.reshape(-1, 1, 1, 1), wanted


def _linear(slopes):
    slopes = tf.constant(slopes, tf.float32)
    return lambda points: tf.einsum("brcl,brcl->b", points, slopes)


def _half_squared_norm(points):
    """A critic whose gradient is the point itself."""
    return 0.5 * tf.reduce_sum(points**2, axis=(1, 2, 3))


@pytest.mark.parametrize("centre", [1.0, 0.0, 2.5])
def test_a_linear_critic_has_one_norm_per_shower(centre):
    slopes, norms = _slopes()
    mixing = tf.constant([0.1, 0.4, 0.6, 0.9])
    penalty = penalties.gradient_penalty(
        _linear(slopes), _showers(1), _showers(2), mixing, centre
    )
    np.testing.assert_allclose(penalty, (norms - centre) ** 2, rtol=1e-5, atol=1e-6)


def test_a_norm_of_one_costs_nothing_by_default():
    slopes, norms = _slopes()
    unit = slopes / norms.reshape(-1, 1, 1, 1)
    penalty = penalties.gradient_penalty(
        _linear(unit), _showers(1), _showers(2), tf.fill([EVENTS], 0.5)
    )
    np.testing.assert_allclose(penalty, np.zeros(EVENTS), atol=1e-9)


@pytest.mark.parametrize("centre", [1.0, 0.0])
def test_the_penalty_is_taken_between_real_and_generated(centre):
    real, fake = _showers(1), _showers(2)
    mixing = np.array([0.0, 0.25, 0.75, 1.0], np.float32)
    penalty = penalties.gradient_penalty(
        _half_squared_norm, real, fake, tf.constant(mixing), centre
    )
    part = mixing.reshape(-1, 1, 1, 1)
    points = (1.0 - part) * real.numpy() + part * fake.numpy()
    norms = np.sqrt(np.sum(points**2, axis=(1, 2, 3)))
    np.testing.assert_allclose(penalty, (norms - centre) ** 2, rtol=1e-5)


@pytest.mark.parametrize("shape", [(5,), (3, 2), (2, 3, 2, 2)])
def test_responses_may_have_any_rank(shape):
    random = np.random.default_rng(1)
    slopes = tf.constant(random.normal(size=(EVENTS, *shape)), tf.float32)
    axes = list(range(1, len(shape) + 1))
    penalty = penalties.gradient_penalty(
        lambda points: tf.reduce_sum(slopes * points, axis=axes),
        tf.zeros((EVENTS, *shape)),
        tf.ones((EVENTS, *shape)),
        tf.fill([EVENTS], 0.5),
        centre=0.0,
    )
    np.testing.assert_allclose(penalty, tf.reduce_sum(slopes**2, axes), rtol=1e-5)


@pytest.mark.parametrize("centre", [1.0, 0.0])
def test_a_flat_critic_has_a_finite_slope(centre):
    slope = tf.Variable(0.0)
    with tf.GradientTape() as tape:
        penalty = penalties.gradient_penalty(
            lambda points: slope * tf.reduce_sum(points, axis=(1, 2, 3)),
            _showers(1),
            _showers(2),
            tf.fill([EVENTS], 0.5),
            centre,
        )
    np.testing.assert_allclose(penalty, np.full(EVENTS, centre), atol=1e-5)
    assert np.isfinite(tape.gradient(penalty, slope))


def test_the_penalty_trains_the_critic():
    scale = tf.Variable(3.0)
    slopes, norms = _slopes()
    linear = _linear(slopes)
    with tf.GradientTape() as tape:
        penalty = penalties.gradient_penalty(
            lambda points: scale * linear(points),
            _showers(1),
            _showers(2),
            tf.fill([EVENTS], 0.5),
        )
        total = tf.reduce_sum(penalty)
    expected = np.sum(2.0 * (3.0 * norms - 1.0) * norms)
    np.testing.assert_allclose(tape.gradient(total, scale), expected, rtol=1e-5)
