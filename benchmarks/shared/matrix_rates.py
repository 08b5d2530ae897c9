"""Rates of matrix multiplication."""

from collections.abc import Sequence

import tensorflow as tf

from benchmarks.shared import timing

SIZES = (128, 256, 384, 512, 768, 1024, 1536, 2048)


def multiplication(size: int) -> timing.Action:
    """Returns the action that multiplies two square float32 matrices.

    Args:
        size: Rows and columns.
    """
    # Numbers are not a matter of indifference: zeros and denormals have other speeds.
    left, right = tf.unstack(
        tf.random.stateless_normal([2, size, size], [size, 1], alg="philox")
    )
    product = tf.function(lambda a, b: tf.matmul(a, b))
    product = product.get_concrete_function(left, right)
    return timing.stopwatch(lambda: product(left, right))


def flops(size: int) -> float:
    """Counts the floating-point operations of `multiplication`."""
    return 2.0 * size**3


def rates(sizes: Sequence[int], repeats: int) -> dict[int, float]:
    """Measures the rate of every size.

    Args:
        sizes: Rows and columns.
        repeats: Samples of each.

    Returns:
        Median rate by size [1/s].
    """
    actions = {str(size): multiplication(size) for size in sizes}
    timings = timing.interleaved(actions, repeats)
    return {size: flops(size) / timings[str(size)].median_s for size in sizes}


def best_size(repeats: int) -> int:
    """Returns the size of `SIZES` whose rate is the highest."""
    measured = rates(SIZES, repeats)
    return max(measured, key=measured.__getitem__)
