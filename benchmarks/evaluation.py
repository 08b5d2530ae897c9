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

from benchmarks import command  # First: it silences the start of TensorFlow.

# isort: split

import numpy as np
from absl import flags
from numpy.typing import NDArray
from sklearn.cluster import MiniBatchKMeans
from threadpoolctl import threadpool_limits

from benchmarks.memory import peak_rss_mb
from data import spec as detectors
from data.spec import DetectorSpec
from metrics import measure
from metrics.comparison import Comparison
from metrics.groups import strata
from metrics.images import track_projection
from metrics.observables import impact, incident_energy
from metrics.resampling import Resampling

_TRAINING_SHOWERS = 10_000
_FURTHER_PAIRS = 15_000
_CELLS = "classifier on cells"
_MOST_S, _MOST_PRD_S, _MOST_CELLS_S, _MOST_MB = 180.0, 30.0, 480.0, 8000.0


def conditions(count: int, random: np.random.Generator) -> NDArray[np.float32]:
    """Draws conditions of the ECAL: energies of 1 to 100 GeV, inclined tracks.

    Args:
        count: Number of events.
        random: Source of random numbers.

    Returns:
        Momentum [GeV] and impact point [cm], [count, 5].
    """
    energy = np.exp(random.uniform(0.0, np.log(100.0), count))
    slopes = np.tan(np.radians(random.normal(0.0, (20.0, 10.0), (count, 2))))
    directions = np.column_stack([slopes, np.ones(count)])
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    point = random.uniform(-0.5, 0.5, (count, 2))
    momentum = energy[:, None] * directions
    return np.concatenate([momentum, point], axis=1).astype(np.float32)


def showers(
    spec: DetectorSpec, condition: NDArray[np.float32], random: np.random.Generator
) -> NDArray[np.float32]:
    """Draws toy showers: energies that fall exponentially around the track, with noise.

    Args:
        spec: The ECAL.
        condition: From `conditions`.
        random: Source of random numbers.

    Returns:
        Responses [spec.unit], [events, 30, 30].
    """
    energy = incident_energy(spec, condition)
    momentum = condition[:, list(spec.energy_conditions)]
    depth = np.full(len(condition), 12.0)
    centre = track_projection(impact(spec, condition), momentum, depth)
    plane = spec.positions_cm[..., :2]
    distance = np.linalg.norm(plane - centre[:, None, None], axis=-1)
    mean = 100.0 * energy[:, None, None] * np.exp(-distance / 1.5)
    response = random.gamma(0.001 + mean / 20.0, 20.0)
    return np.where(response > 1.0, response, 0.0).astype(np.float32)


def _clustering(comparison: Comparison) -> None:
    cells = np.concatenate([comparison.generated, comparison.reference])
    with threadpool_limits(1):
        MiniBatchKMeans(400, n_init=10, random_state=0).fit(
            cells.reshape(len(cells), -1)
        )


def _further(spec: DetectorSpec, random: np.random.Generator) -> Comparison:
    condition = conditions(_FURTHER_PAIRS, random)
    reference, generated = (showers(spec, condition, random) for _ in range(2))
    return Comparison(spec, "mask", condition, reference, generated)


def _timed(action: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def _run() -> None:
    command.use_threads(flags.FLAGS.threads)
    random = np.random.default_rng(1)
    spec = detectors.get("ecal")
    condition = conditions(flags.FLAGS.events, random)
    reference, generated = (showers(spec, condition, random) for _ in range(2))
    training = showers(spec, conditions(_TRAINING_SHOWERS, random), random)
    seconds: dict[str, float] = {}
    prepared: list[Comparison] = []

    def prepare() -> None:
        prepared.append(Comparison(spec, "mask", condition, reference, generated))

    seconds["observables of all showers"] = _timed(prepare)
    comparison = prepared[0]
    task = measure.Task(
        comparison,
        Resampling(strata(comparison.energy), 0),
        measure.Options(quick=flags.FLAGS.quick),
        training,
        None if flags.FLAGS.quick else _further(spec, random),
    )
    with threadpool_limits(1):
        for name, part in measure.PARTS.items():
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
    command.write_json(
        flags.FLAGS.json,
        {"seconds": seconds, "k_means_s": unit, "total_s": total, "peak_mb": peak_mb},
    )


if __name__ == "__main__":
    command.define_common_flags()
    flags.DEFINE_integer("events", 5_000, "Showers on each side.", lower_bound=2)
    flags.DEFINE_bool("quick", False, "The small network on cells.")
    command.run(_run)
