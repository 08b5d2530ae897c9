"""Measures the input pipeline: peak memory against the size of the data, and speed.

python -m benchmarks.input_pipeline [--sizes_gb=0.2,4] [--files=200] [--json=PATH]

For every size the sample in the repository is repeated into many uncompressed HDF5
files in a temporary folder, and a child process reads one epoch of them as a training
does: shuffled, rotated, masked and encoded, batch by batch. In turn with that it reads
the same responses with h5py alone, chunk after chunk; `of h5py` is the ratio of the
rates, events a second and events a second of a processor. It compares the order of the
events with a perfect shuffle. The last line is the sample itself, held in memory. At
the end the pipeline is compared with what the training steps of some models need.
"""

import dataclasses
import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.shared import setup  # First: it silences the start of TensorFlow.

# isort: split

import h5py
import numpy as np
import tensorflow as tf
from absl import flags
from numpy.typing import NDArray

from benchmarks.shared import shuffle_quality, timing
from benchmarks.shared.memory import peak_rss_mb
from common.command_line import prepare_training
from data.batches import pipeline
from data.detectors import symmetry
from data.files import readers, writers
from models.training import training_inputs

SAMPLE = Path(__file__).parents[1] / "data" / "samples" / "hgcal_geant4.h5"
MOST_GROWTH_MB, LEAST_TIMES = 200, 20

_CHUNK, _TURN = writers.CHUNK_EVENTS, 50
_AHEAD = pipeline.PREFETCHED_ELEMENTS + 1
_HEADER = [
    "", "data [GB]", "files", "peak RSS [MB]", "events/s", "ms/element",
    "CPU ms/element", "of h5py", "CPU of h5py", "rank correlation", "files a batch",
    "spread",
]  # fmt: skip

_SIZES_GB = flags.DEFINE_list("sizes_gb", ["0.2", "4"], "Sizes of the data [GB].")
_FILES = flags.DEFINE_integer("files", 200, "Number of files.", lower_bound=1)
_ROWS = flags.DEFINE_integer("rows", 640, "Events per element.", lower_bound=1)
_FOLDER = flags.DEFINE_string("folder", None, "Where to put the temporary files.")
_JSON = flags.DEFINE_string("json", None, "File to write the result to.")
_MODELS = flags.DEFINE_list(
    "models", ["wgan_constrained", "cascade"], "Whose step is compared with, on HGCAL."
)
_MEASURE = flags.DEFINE_list("measure", [], "Files that a child process reads.")


class _Logarithm:
    """Stands for a transform; costs about as much."""

    def encode(self, response: Any, condition: Any) -> Any:
        """Returns log(1 + response)."""
        del condition
        return tf.math.log1p(response)


def write_files(folder: Path, size_gb: float, files: int) -> list[str]:
    """Repeats the sample into files; the energy of every event is its number.

    Args:
        folder: Where to put them.
        size_gb: Size of all responses together [GB], float32.
        files: Number of files.

    Returns:
        Their paths.
    """
    spec = readers.detect(SAMPLE)
    sample = readers.read(SAMPLE, spec, limit=5120)
    event_bytes = sample.response[0].nbytes
    events = max(_CHUNK, round(size_gb * 1e9 / (event_bytes * files * _CHUNK)) * _CHUNK)
    paths = [str(folder / f"part_{number:04}.h5") for number in range(files)]
    for file, path in enumerate(paths):
        with writers.Writer(path, spec, compression=None) as writer:
            for start in range(0, events, len(sample)):
                count = min(len(sample), events - start)
                condition = sample.condition[:count].copy()
                condition[:, 0] = file * events + start + np.arange(count)
                writer.append(readers.Sample(sample.response[:count], condition))
    return paths


def measure(paths: list[str], rows: int) -> dict[str, Any]:
    """Reads one epoch, shuffled, and in turn as many events in their order.

    Args:
        paths: The files; the sample itself is read into memory instead.
        rows: Events per element.

    Returns:
        Peak memory, speed and quality of the shuffle.
    """
    spec = readers.detect(paths)
    source: readers.Source | readers.Sample
    if paths == [str(SAMPLE)]:
        source = readers.read(paths, spec, split="train")
    else:
        source = readers.open_source(paths, spec)
        source.check()
    epochs = max(1, 200 // pipeline.steps_per_epoch(source, rows))
    batches = pipeline.batches(
        source,
        rows=rows,
        seed=1,
        epochs=epochs,
        transform=_Logarithm(),
        augment=symmetry.symmetries(spec),
        acceptance=spec.acceptance("mask"),
    )
    left = epochs * pipeline.steps_per_epoch(source, rows)
    streamed = isinstance(source, readers.Source)
    iterator, plain = iter(batches), _plainly(paths)
    numbers: list[NDArray[np.float32]] = []
    elements, events = 0, 0
    wall_s = cpu_s = plain_s = plain_cpu_s = 0.0
    # Both in turn: a noisy machine disturbs them alike.
    while left:
        count = min(_TURN, left)
        # What has been prefetched meanwhile does not count.
        for number in range(count):
            start, start_cpu = time.perf_counter(), time.process_time()
            numbers.append(next(iterator)[1].numpy()[:, 0])
            if number >= _AHEAD:
                elements += 1
                wall_s += time.perf_counter() - start
                cpu_s += time.process_time() - start_cpu
        left -= count
        if not streamed:
            continue
        # Meanwhile the next elements become ready.
        _read_events(plain, 5 * _AHEAD * rows)
        start, start_cpu = time.perf_counter(), time.process_time()
        events += _read_events(plain, count * rows)
        plain_s += time.perf_counter() - start
        plain_cpu_s += time.process_time() - start_cpu
    found = {
        "events": len(source),
        "size_gb": len(source) * 4 * spec.cells.size / 1e9,
        "files": len(paths),
        "in_memory": not streamed,
        "peak_rss_mb": peak_rss_mb(),
        "events_per_s": elements * rows / wall_s,
        "element_ms": 1e3 * wall_s / elements,
        "element_cpu_ms": 1e3 * cpu_s / elements,
    }
    if streamed:
        epoch = np.concatenate(numbers)[: len(source) // rows * rows].astype(np.int64)
        sizes = np.full(len(paths), len(source) // len(paths))
        quality = shuffle_quality.of_order(epoch, sizes, rows)
        found |= dataclasses.asdict(quality)
        plain_share = elements * rows / events
        found["of_h5py"] = plain_share * plain_s / wall_s
        found["of_h5py_cpu"] = plain_share * plain_cpu_s / cpu_s
    return found


def _read_events(plain: Iterator[int], wanted: int) -> int:
    """Goes on reading until there are so many events; returns how many there were."""
    events = 0
    while events < wanted:
        events += next(plain)
    return events


def _plainly(paths: list[str]) -> Iterator[int]:
    """Reads responses with h5py alone, in their order; gives numbers of events."""
    for path in itertools.cycle(paths):
        with h5py.File(path) as file:
            response = file["response"]
            for first in range(0, len(response), _CHUNK):
                yield len(response[first : first + _CHUNK])


def _need(model: str, paths: list[str]) -> dict[str, Any]:
    """Compares the pipeline alone with the training step of a model, in turn."""
    subject = setup.subject(model, SAMPLE)
    settings, spec = subject.settings, subject.spec
    rows = settings.step_events
    with readers.open_source(paths, spec) as source:
        elements = iter(
            pipeline.batches(
                source,
                rows=rows,
                seed=1,
                transform=subject.model.transform,
                augment=training_inputs.augmentation(settings, spec),
                acceptance=spec.acceptance(settings.mask),
            )
        )
        one = tf.data.Dataset.from_tensors(_first(subject.source, rows, subject.model))
        cached = iter(one.repeat())
        subject.model.make_train_function()
        actions = {
            "step": timing.stopwatch(lambda: subject.model.train_function(cached)),
            "pipeline": timing.settled(_AHEAD, lambda: next(elements)),
        }
        found = timing.interleaved(actions, repeats=10)
    step_ms, element_ms = (1e3 * found[name].median_s for name in actions)
    return {
        "model": model,
        "rows": rows,
        "step_ms": step_ms,
        "element_ms": element_ms,
        "times": step_ms / element_ms,
    }


def _first(source: readers.Source, rows: int, model: Any) -> Any:
    """Returns an element of real events."""
    batches = pipeline.batches(source, rows=rows, seed=1, transform=model.transform)
    return next(iter(batches))


def _in_child(paths: list[str]) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.input_pipeline"]
    command += [f"--measure={','.join(paths)}", f"--rows={_ROWS.value}"]
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, cwd=Path(__file__).parents[1]
    )
    return json.loads(done.stdout.splitlines()[-1])


def _results() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Returns what was measured of every size, and of every model with the last one."""
    results: list[dict[str, Any]] = []
    needs: list[dict[str, Any]] = []
    for size_gb in map(float, _SIZES_GB.value):
        with tempfile.TemporaryDirectory(dir=_FOLDER.value) as folder:
            paths = write_files(Path(folder), size_gb, _FILES.value)
            results.append(_in_child(paths))
            if len(results) == len(_SIZES_GB.value):
                needs = [_need(model, paths) for model in _MODELS.value]
    results.append(_in_child([str(SAMPLE)]))
    return results, needs


def _line(result: dict[str, Any]) -> list[str]:
    cells = [
        "memory" if result["in_memory"] else "stream",
        f"{result['size_gb']:.2f}",
        str(result["files"]),
        f"{result['peak_rss_mb']:.0f}",
        f"{result['events_per_s']:.0f}",
        f"{result['element_ms']:.2f}",
        f"{result['element_cpu_ms']:.2f}",
    ]
    if result["in_memory"]:
        return [*cells, "", "", "", "", ""]
    return [
        *cells,
        f"{result['of_h5py']:.2f}",
        f"{result['of_h5py_cpu']:.2f}",
        f"{result['rank_correlation']:.4f} ({result['rank_error']:.4f})",
        f"{result['files_in_batch']:.0f} ({result['ideal_files']:.0f})",
        f"{result['spread']:.1f}",
    ]


def _run() -> None:
    if _MEASURE.value:
        print(json.dumps(measure(_MEASURE.value, _ROWS.value)))
        return
    prepare_training()
    results, needs = _results()
    print(timing.table(_HEADER, [_line(result) for result in results]))
    streamed = [one for one in results if not one["in_memory"]]
    growth_mb = streamed[-1]["peak_rss_mb"] - streamed[0]["peak_rss_mb"]
    print(f"growth of the peak: {growth_mb:.0f} MB (goal: below {MOST_GROWTH_MB} MB)")
    for need in needs:
        print(
            f"{need['model']}: a step of {need['rows']} events takes "
            f"{need['step_ms']:.0f} ms, the pipeline alone {need['element_ms']:.1f} "
            f"ms: {need['times']:.0f} times as fast (goal: {LEAST_TIMES})"
        )
    summary = {"rows": _ROWS.value, "growth_mb": growth_mb, "runs": results}
    setup.write_json(_JSON.value, summary | {"steps": needs})


if __name__ == "__main__":
    setup.run(_run)
