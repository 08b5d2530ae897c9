"""Measures the best rate of matrix multiplication: the bound of every network.

python -m benchmarks.gemm [--threads=2] [--repeats=20] [--json=PATH]
"""

from collections.abc import Sequence

from benchmarks import command  # First: it silences the start of TensorFlow.

# isort: split

import tensorflow as tf
from absl import flags

from benchmarks import timing

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


def _run() -> None:
    command.use_threads(flags.FLAGS.threads)
    found = rates(SIZES, flags.FLAGS.repeats)
    rows = [[f"{size} x {size}", f"{rate / 1e9:.1f}"] for size, rate in found.items()]
    print(timing.table(["float32", "GFLOP/s"], rows))
    result = {"threads": flags.FLAGS.threads, "flop_per_s": found}
    command.write_json(flags.FLAGS.json, result)


if __name__ == "__main__":
    command.define_common_flags()
    command.run(_run)
