"""Measures how long an evaluation takes, part by part, and its memory.

    python -m benchmarks.evaluation [--events=5000] [--threads=2] [--quick]
        [--json=PATH]

Both samples are drawn from one toy calorimeter of 30 x 30 cells, so that no other file
is needed; no part depends on what the showers look like, except the clustering of the
PRD a little. The same clustering by plain scikit-learn, one call of `MiniBatchKMeans`
on the cells of both samples, runs in the same minute: its time is the unit of the
column `k-means`. The classifier on cells, which learns from 15,000 further pairs too,
has a goal of its own; `--quick` takes the small one instead.
"""

import functools
import time
from collections.abc import Callable
from typing import Any

from benchmarks.shared import setup  # First: it silences the start of TensorFlow.

# isort: split

import numpy as np
from absl import flags
from numpy.typing import NDArray
from sklearn.cluster import MiniBatchKMeans
from threadpoolctl import threadpool_limits

from benchmarks.shared import toy_showers
from benchmarks.shared.memory import peak_rss_mb
from data import detectors
from data.detectors.spec import DetectorSpec
from metrics.showers import measure_showers
from metrics.showers.shower_pairs import Comparison
from metrics.statistics.energy_bins import strata
from metrics.statistics.resampling import Resampling

_TRAINING_SHOWERS = 10_000
_FURTHER_PAIRS = 15_000
_CELLS = "classifier on cells"
_MOST_S, _MOST_PRD_S, _MOST_CELLS_S, _MOST_MB = 180.0, 30.0, 480.0, 8000.0


def _clustering(comparison: Comparison) -> None:
    cells = np.concatenate([comparison.generated, comparison.reference])
    with threadpool_limits(1):
        MiniBatchKMeans(400, n_init=10, random_state=0).fit(
            cells.reshape(len(cells), -1)
        )


def _pair(
    spec: DetectorSpec, condition: NDArray[np.float32], random: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    reference, generated = (
        toy_showers.showers(spec, condition, random) for _ in range(2)
    )
    return reference, generated


def _further(spec: DetectorSpec, random: np.random.Generator) -> Comparison:
    condition = toy_showers.conditions(_FURTHER_PAIRS, random)
    reference, generated = (
        toy_showers.showers(spec, condition, random) for _ in range(2)
    )
    return Comparison(spec, "mask", condition, reference, generated)


def _timed(action: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def _run() -> None:
    setup.use_threads(flags.FLAGS.threads)
    random = np.random.default_rng(1)
    spec = detectors.get("ecal")
    condition = toy_showers.conditions(flags.FLAGS.events, random)
    reference, generated = (
        toy_showers.showers(spec, condition, random) for _ in range(2)
    )
    training = toy_showers.showers(
        spec, toy_showers.conditions(_TRAINING_SHOWERS, random), random
    )
    seconds: dict[str, float] = {}
    prepared: list[Comparison] = []

    def prepare() -> None:
        prepared.append(Comparison(spec, "mask", condition, reference, generated))

    seconds["observables of all showers"] = _timed(prepare)
    comparison = prepared[0]
    task = measure_showers.Task(
        comparison,
        Resampling(strata(comparison.energy), 0),
        measure_showers.MeasurementOptions(quick=flags.FLAGS.quick),
        training,
        None if flags.FLAGS.quick else _further(spec, random),
    )
    with threadpool_limits(1):
        for name, part in measure_showers.PARTS.items():
            seconds[name] = _timed(functools.partial(part, task))
    unit = _timed(lambda: _clustering(comparison))
    total = sum(seconds.values())
    others = total - seconds[_CELLS]
    peak_mb = peak_rss_mb()
    print(f"{flags.FLAGS.events} against {flags.FLAGS.events} showers of 30 x 30")
    print(f"{'part':28}{'s':>8}{'k-means':>9}")
    for name, value in seconds.items():
        print(f"{name:28}{value:8.1f}{value / unit:9.2f}")
    print(f"{'all':28}{total:8.1f}{total / unit:9.2f}")
    print(f"all but cells: {others:.1f} s  goal: below {_MOST_S:.0f} s")
    print(f"{_CELLS}: {seconds[_CELLS]:.1f} s  goal: below {_MOST_CELLS_S:.0f} s")
    print(f"PRD alone: {seconds['PRD']:.1f} s  goal: below {_MOST_PRD_S:.0f} s")
    print(f"peak memory: {peak_mb:.0f} MB  goal: below {_MOST_MB:.0f} MB")
    setup.write_json(
        flags.FLAGS.json,
        {"seconds": seconds, "k_means_s": unit, "total_s": total, "peak_mb": peak_mb},
    )


if __name__ == "__main__":
    setup.define_common_flags()
    flags.DEFINE_integer("events", 5_000, "Showers on each side.", lower_bound=2)
    flags.DEFINE_bool("quick", False, "The small network on cells.")
    setup.run(_run)
