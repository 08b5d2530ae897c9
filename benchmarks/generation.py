"""Measures what `generate.py` costs beside the network, its memory, and drifts.

    python -m benchmarks.generation [--pretrained=aux_regressor] [--num=100000]
        [--ready=1000000] [--formats=sparse_hdf5,hdf5] [--compression=0] [--folder=DIR]
        [--threads=2] [--json=PATH]

First a stand-in for the network hands out `--ready` showers, so that all the time is
what is spent beside it: conditions, hits, parts, file and checksum. Then the network
generates `--num` showers. Rate, memory and the mean response of the first tenth are
compared with those of the last one.
"""

import dataclasses
import pathlib
import tempfile
import time
from typing import Any

from benchmarks.shared import setup  # First: it silences the start of TensorFlow.

# isort: split

import numpy as np
from absl import flags
from numpy.typing import NDArray

from benchmarks.shared.memory import peak_rss_mb
from benchmarks.shared.timing import table
from data.detectors.spec import DetectorSpec
from data.files import readers
from data.production.drawn_conditions import DrawnConditions
from data.production.output_kinds import KINDS
from data.production.produce import Product, Simulate, produce
from data.production.shares import BLOCK_EVENTS, Share
from data.samples.bundled import sample_of
from metrics.evaluation.pretrained_models import open_model, pretrained_path
from metrics.evaluation.saved_model import signature_of

_MOST_BESIDE_US = 10.0
_NETWORK_BLOCKS = 20


@dataclasses.dataclass
class _Watch:
    """What is seen after every block of a run."""

    started: float = dataclasses.field(default_factory=time.perf_counter)
    cpu_started: float = dataclasses.field(default_factory=time.process_time)
    seconds: list[float] = dataclasses.field(default_factory=list)
    peak_mb: list[float] = dataclasses.field(default_factory=list)

    def __call__(self, done: int, total: int) -> None:
        self.seconds.append(time.perf_counter() - self.started)
        self.peak_mb.append(peak_rss_mb())


def _produced(
    folder: pathlib.Path, spec: DetectorSpec, kind: str, num: int, simulate: Simulate
) -> dict[str, Any]:
    """Makes one file and removes it.

    Returns:
        Wall and processor time [us a shower], size [B a shower], peak memory after a
        tenth and at the end [MB], rates of the first and last tenth [us a shower].
    """
    path = folder / f"generation{KINDS[kind].ends[0]}"
    settings = {
        "model": "benchmark",
        "model_version": "",
        "model_sha256": "",
        "num": num,
        "seed": 1,
    }
    level = flags.FLAGS.compression or None
    product = Product(path, kind, level, spec, settings, Share(num))
    domain = [dataclasses.asdict(limits) for limits in spec.domain]
    watch = _Watch()
    produce(product, DrawnConditions(spec, domain, 1), simulate, watch)
    wall_s = time.perf_counter() - watch.started
    cpu_s = time.process_time() - watch.cpu_started
    size = path.stat().st_size
    for left in (path, path.with_name(f"{path.name}.manifest.json")):
        left.unlink()
    tenth = max(len(watch.seconds) // 10, 1)
    last_s = watch.seconds[-1] - watch.seconds[-1 - tenth]
    return {
        "wall_us": 1e6 * wall_s / num,
        "cpu_us": 1e6 * cpu_s / num,
        "bytes": size / num,
        "first_us": 1e6 * watch.seconds[tenth] / (tenth * BLOCK_EVENTS),
        "last_us": 1e6 * last_s / (tenth * BLOCK_EVENTS),
        "first_mb": watch.peak_mb[tenth],
        "last_mb": watch.peak_mb[-1],
    }


def _ready(spec: DetectorSpec) -> Simulate:
    response = readers.read(sample_of(spec.name), spec, limit=BLOCK_EVENTS).response
    return lambda condition, number: response


def _drift(means: NDArray[np.float64]) -> float:
    """Returns last tenth minus first tenth of the means of blocks, in its error."""
    tenth = max(len(means) // 10, 2)
    first, last = means[:tenth], means[-tenth:]
    error = np.sqrt((first.var(ddof=1) + last.var(ddof=1)) / tenth)
    return float((last.mean() - first.mean()) / error)


def _run() -> None:
    setup.use_threads(flags.FLAGS.threads)
    where = pretrained_path(flags.FLAGS.pretrained)
    model = open_model(where)
    spec, means = model.spec, []
    found: dict[str, Any] = {"model": str(signature_of(where)["model"])}

    def network(condition: NDArray[np.float32], number: int) -> NDArray[np.float32]:
        response = model.chunk(condition, 1, number)
        means.append(float(response.sum(dtype=np.float64)) / len(response))
        return response

    share = Share(_NETWORK_BLOCKS * BLOCK_EVENTS)
    drawn = DrawnConditions(
        spec, [dataclasses.asdict(limits) for limits in spec.domain], 1
    )
    with tempfile.TemporaryDirectory(dir=flags.FLAGS.folder) as name:
        folder = pathlib.Path(name)
        blocks = [drawn.block(share, number) for number in share.blocks]
        network(blocks[0], 0)
        start, cpu = time.perf_counter(), time.process_time()
        for number, condition in enumerate(blocks):
            model.chunk(condition, 1, number)
        alone_us = 1e6 * (time.perf_counter() - start) / share.num
        alone_cpu_us = 1e6 * (time.process_time() - cpu) / share.num
        found["network_alone"] = {"wall_us": alone_us, "cpu_us": alone_cpu_us}
        beside = {
            kind: _produced(folder, spec, kind, flags.FLAGS.ready, _ready(spec))
            for kind in flags.FLAGS.formats
        }
        means.clear()
        whole = _produced(
            folder, spec, flags.FLAGS.formats[0], flags.FLAGS.num, network
        )
    found |= {"beside": beside, "whole": whole, "drift": _drift(np.array(means))}
    print(f"{flags.FLAGS.ready:,} showers; beside the network, us a shower:")
    rows = [
        [
            kind,
            f"{one['wall_us']:.1f}",
            f"{one['cpu_us']:.1f}",
            f"{one['cpu_us'] / alone_cpu_us:.3f}",
            f"{one['bytes']:.0f}",
            f"{one['first_mb']:.0f}",
            f"{one['last_mb']:.0f}",
        ]
        for kind, one in beside.items()
    ]
    header = ["format", "wall", "processor", "of network", "B", "MB, 1/10", "MB, end"]
    print(table(header, rows))
    print(f"goal: at most {_MOST_BESIDE_US:.0f} us")
    print(
        f"{flags.FLAGS.num:,} of {found['model']}; alone: {alone_us:.1f} us "
        f"(processor {alone_cpu_us:.1f}); as "
        f"a whole: {whole['wall_us']:.1f} us (processor {whole['cpu_us']:.1f})"
    )
    print(
        f"first and last tenth: {whole['first_us']:.1f} and {whole['last_us']:.1f} us, "
        f"{whole['first_mb']:.0f} and {whole['last_mb']:.0f} MB; mean response differs "
        f"by {found['drift']:.1f} standard errors"
    )
    setup.write_json(flags.FLAGS.json, found)


if __name__ == "__main__":
    setup.define_common_flags()
    flags.DEFINE_string("pretrained", "aux_regressor", "Name in pretrained/.")
    least = 20 * BLOCK_EVENTS
    flags.DEFINE_integer("num", 100_000, "Showers of the network.", lower_bound=least)
    flags.DEFINE_integer("ready", 1_000_000, "Ready showers.", lower_bound=least)
    flags.DEFINE_list("formats", ["sparse_hdf5", "hdf5"], "Formats; the first is used.")
    flags.DEFINE_integer("compression", 0, "Level of zlib, 0 for none.")
    flags.DEFINE_string("folder", None, "Where files are written; else the system's.")
    setup.run(_run)
