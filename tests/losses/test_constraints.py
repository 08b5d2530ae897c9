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
