"""Losses of the constrainers against closed forms."""

import numpy as np
import pytest
import tensorflow as tf

from losses import constraints


def test_the_squared_error_sums_over_labels_and_keeps_events_apart():
    predicted = tf.constant([[1.0, 2.0], [0.0, -3.0]])
    label = tf.constant([[0.0, 4.0], [0.0, 1.0]])
    np.testing.assert_allclose(
        constraints.squared_error(predicted, label), [1.0 + 4.0, 16.0]
    )


def test_the_absolute_error_keeps_events_apart():
    error = constraints.absolute_error(tf.constant([5.0, 1.0]), tf.constant([2.0, 3.0]))
    np.testing.assert_array_equal(error, [3.0, 2.0])


@pytest.mark.parametrize(("real", "fake"), [(3.0, 1.0), (1.0, 3.0)])
def test_the_error_difference_has_no_sign(real, fake):
    difference = constraints.error_difference(tf.constant(real), tf.constant(fake))
    assert float(difference) == 2.0


@pytest.mark.parametrize(("fake", "slope"), [(1.0, -1.0), (5.0, 1.0)])
def test_a_generated_error_is_drawn_to_the_real_one(fake, slope):
    error = tf.Variable(fake)
    with tf.GradientTape() as tape:
        difference = constraints.error_difference(tf.constant(3.0), error)
    assert float(tape.gradient(difference, error)) == slope


def _features(seed):
    random = np.random.default_rng(seed)
    return tf.constant(random.normal(size=(4, 3, 2)), tf.float32)


def test_equal_features_have_no_distance():
    assert float(constraints.feature_distance(_features(1), _features(1))) == 0.0


def test_the_feature_distance_is_relative_to_the_real_features():
    real, fake = (_features(seed) for seed in (1, 2))
    distance = float(constraints.feature_distance(real, fake))
    squared = np.square(np.asarray(fake) - np.asarray(real)).mean()
    assert distance == pytest.approx(squared / np.square(real).mean(), rel=1e-4)
    scaled = constraints.feature_distance(30.0 * real, 30.0 * fake)
    assert float(scaled) == pytest.approx(distance, rel=1e-4)
    nothing = constraints.feature_distance(real, 0.0 * real)
    assert float(nothing) == pytest.approx(1.0, rel=1e-4)
    swapped = constraints.feature_distance(fake, real)
    assert float(swapped) != pytest.approx(distance, rel=1e-2)


def test_features_that_are_all_zero_have_a_finite_distance():
    real, fake = tf.zeros((2, 3)), tf.fill((2, 3), 1e-3)
    assert float(constraints.feature_distance(real, fake)) == pytest.approx(1.0)


def test_only_generated_features_are_drawn():
    real, fake = (_features(seed) for seed in (1, 2))
    with tf.GradientTape() as tape:
        tape.watch([real, fake])
        distance = constraints.feature_distance(real, fake)
    slopes = tape.gradient(distance, [real, fake], unconnected_gradients="zero")
    assert not np.any(slopes[0])
    scale = np.square(real).mean() * np.size(real)
    expected = 2.0 * (np.asarray(fake) - np.asarray(real)) / scale
    np.testing.assert_allclose(slopes[1], expected, rtol=1e-4)
