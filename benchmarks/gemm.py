"""Measures the best rate of matrix multiplication: the bound of every network.

python -m benchmarks.gemm [--threads=2] [--repeats=20] [--json=PATH]
"""

from benchmarks.shared import setup  # First: it silences the start of TensorFlow.

# isort: split

from absl import flags

from benchmarks.shared import matrix_rates, timing


def _run() -> None:
    setup.use_threads(flags.FLAGS.threads)
    found = matrix_rates.rates(matrix_rates.SIZES, flags.FLAGS.repeats)
    rows = [[f"{size} x {size}", f"{rate / 1e9:.1f}"] for size, rate in found.items()]
    print(timing.table(["float32", "GFLOP/s"], rows))
    result = {"threads": flags.FLAGS.threads, "flop_per_s": found}
    setup.write_json(flags.FLAGS.json, result)


if __name__ == "__main__":
    setup.define_common_flags()
    setup.run(_run)
