"""What a training step has to know of its replicas, each with a part of the batch.

A replica is a copy of the model on one device. Outside a step, and on one device, every
function here does what its plain counterpart does.
"""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

Tensor = Any

_PHILOX = 1
_NUMBERS_A_COUNT = 4
"""How many numbers the generator Philox makes of one value of its counter."""


def count() -> int:
    """Returns the number of replicas in the step that is being taken, else 1."""
    context = tf.distribute.get_replica_context()
    return 1 if context is None else int(context.num_replicas_in_sync)


def uniform(rows: Tensor, size: int, seed: Tensor, parts: int = 1) -> Tensor:
    """Draws uniform random numbers, of every replica its rows of one large draw.

    All replicas together draw what one device would draw for the whole batch, so that
    the result of a step does not depend on the number of replicas.

    Args:
        rows: Number of rows on this replica; fewer rows are a prefix of more.
        size: Number of columns.
        seed: int32 [2], the same on all replicas.
        parts: The rows are so many equal parts, one after the other, of each of which
            every replica has its share.

    Returns:
        Numbers from 0 to below 1, float32 [rows, size].
    """
    replicas = count()
    if replicas == 1:
        return tf.random.stateless_uniform([rows, size], seed, alg="philox")
    rank = tf.distribute.get_replica_context().replica_id_in_sync_group
    share = rows // parts
    return tf.concat(
        [
            _rows_from((part * replicas + rank) * share, share, size, seed)
            for part in range(parts)
        ],
        axis=0,
    )


def _rows_from(first: Tensor, rows: Tensor, size: int, seed: Tensor) -> Tensor:
    """Returns some rows of a draw without drawing those before them."""
    key, counter = tf.raw_ops.StatelessRandomGetKeyCounter(seed=seed)
    skipped = tf.cast(first, tf.int64) * size
    steps = tf.cast(skipped // _NUMBERS_A_COUNT, counter.dtype)
    rest = tf.cast(skipped % _NUMBERS_A_COUNT, tf.int32)
    numbers = tf.raw_ops.StatelessRandomUniformV2(
        shape=[rest + rows * size],
        key=key,
        counter=counter + tf.stack([steps, tf.zeros_like(steps)]),
        alg=tf.constant(_PHILOX),
    )
    return tf.reshape(numbers[rest:], [rows, size])


def means(values: Sequence[Tensor]) -> list[Tensor]:
    """Averages over the replicas; gradients pass.

    Args:
        values: Means over the events of a replica.

    Returns:
        Means over the events of the whole batch, of the same shapes.
    """
    if count() == 1:
        return list(values)
    context = tf.distribute.get_replica_context()
    return list(context.all_reduce(tf.distribute.ReduceOp.MEAN, list(values)))


def moments(values: Tensor) -> tuple[Tensor, Tensor]:
    """Computes mean and variance of the events of the whole batch.

    Args:
        values: Numbers of the events of this replica, [batch, ...].

    Returns:
        Both of the shape of one event's numbers.
    """
    mean, variance = tf.nn.moments(values, axes=[0])
    if count() == 1:
        return mean, variance
    [whole] = means([mean])
    [spread] = means([variance + (mean - whole) ** 2])
    return whole, spread
