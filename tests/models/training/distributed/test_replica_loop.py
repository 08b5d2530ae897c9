"""How the elements of a training are divided among replicas."""

import numpy as np
import pytest
import tensorflow as tf

from models.training.distributed import replica_loop


@pytest.mark.parametrize(
    ("parts", "count", "own", "expected"),
    [
        (1, 2, slice(0, 2), [[0, 1, 2, 3], [4, 5, 6, 7]]),
        (1, 2, slice(1, 2), [[4, 5, 6, 7]]),
        (2, 2, slice(0, 2), [[0, 1, 4, 5], [2, 3, 6, 7]]),
        (2, 4, slice(2, 4), [[2, 6], [3, 7]]),
        (4, 1, slice(0, 1), [[0, 1, 2, 3, 4, 5, 6, 7]]),
    ],
)
def test_every_replica_has_its_share_of_each_part(parts, count, own, expected):
    numbers = np.arange(8, dtype=np.float32)
    elements = tf.data.Dataset.from_tensors((numbers, np.stack([numbers] * 3, 1)))
    shares = list(replica_loop._shares(elements, parts, count, own))
    np.testing.assert_array_equal([one for one, _ in shares], expected)
    for one, wide in shares:
        np.testing.assert_array_equal(wide, np.stack([one] * 3, 1))


def test_one_device_needs_no_loop():
    assert not replica_loop.is_needed(tf.distribute.get_strategy())
    replica_loop.wait_for_all(tf.distribute.get_strategy())
