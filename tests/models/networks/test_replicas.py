"""What one replica draws and computes is its part of what one device would."""

import numpy as np
import pytest
import tensorflow as tf

from models.networks import replicas

SEED = (3, 4)
ROWS = 61


@pytest.mark.parametrize("size", [1, 3, 64, 645])
@pytest.mark.parametrize(("first", "rows"), [(0, 61), (1, 5), (13, 40), (60, 1)])
def test_some_rows_are_those_of_the_whole_draw(size, first, rows):
    whole = np.asarray(replicas.uniform(ROWS, size, SEED))
    some = replicas._rows_from(tf.constant(first), rows, size, SEED)
    np.testing.assert_array_equal(some, whole[first : first + rows])


def test_outside_a_step_there_is_one_replica():
    values = tf.constant([[1.0, 2.0], [3.0, 6.0]])
    assert replicas.count() == 1
    assert replicas.means([values])[0] is values
    mean, variance = replicas.moments(values)
    np.testing.assert_array_equal(mean, [2.0, 4.0])
    np.testing.assert_array_equal(variance, [1.0, 4.0])
