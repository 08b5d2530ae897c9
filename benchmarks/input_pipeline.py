"""Measures the input pipeline: peak memory against the size of the data, and speed.

python -m benchmarks.input_pipeline [--sizes_gb=0.2,4] [--json=PATH]

For every size the sample in the repository is repeated into several uncompressed HDF5
files in a temporary folder, and a child process reads one epoch of them as a training
does: shuffled, rotated, masked and encoded, batch by batch. The last line is the sample
itself, held in memory.
"""

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

from absl import flags

from benchmarks.shared.memory import peak_rss_mb
from data.batches import pipeline
from data.detectors import symmetry
from data.files import readers, writers

SAMPLE = Path(__file__).parents[1] / "data" / "samples" / "hgcal_geant4.h5"
MOST_GROWTH_MB = 200

_SIZES_GB = flags.DEFINE_list("sizes_gb", ["0.2", "4"], "Sizes of the data [GB].")
_FILES = flags.DEFINE_integer("files", 4, "Number of files.", lower_bound=1)
_ROWS = flags.DEFINE_integer("rows", 640, "Events per element.", lower_bound=1)
_FOLDER = flags.DEFINE_string("folder", None, "Where to put the temporary files.")
_JSON = flags.DEFINE_string("json", None, "File to write the result to.")
_MEASURE = flags.DEFINE_list("measure", [], "Files that a child process reads.")


class _Logarithm:
    """Stands for a transform; costs about as much."""

    def encode(self, response: Any, condition: Any) -> Any:
        """Returns log(1 + response)."""
        del condition
        import tensorflow as tf

        return tf.math.log1p(response)


def write_files(folder: Path, size_gb: float, files: int) -> list[str]:
    """Repeats the sample into files.

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
    pieces = max(1, round(size_gb * 1e9 / (event_bytes * len(sample) * files)))
    paths = [str(folder / f"part_{number}.h5") for number in range(files)]
    for path in paths:
        with writers.Writer(path, spec, compression=None) as writer:
            for _ in range(pieces):
                writer.append(sample)
    return paths


def measure(paths: list[str], rows: int) -> dict[str, Any]:
    """Reads one epoch.

    Args:
        paths: The files; the sample itself is read into memory instead.
        rows: Events per element.

    Returns:
        Peak memory and speed.
    """
    spec = readers.detect(paths)
    source: readers.Source | readers.Sample
    if paths == [str(SAMPLE)]:
        source = readers.read(paths, spec, split="train")
    else:
        source = readers.open_source(paths, spec)
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
    iterator = iter(batches)
    next(iterator)
    elements = epochs * pipeline.steps_per_epoch(source, rows) - 1
    start, start_cpu = time.perf_counter(), time.process_time()
    for _ in range(elements):
        next(iterator)
    wall_s = time.perf_counter() - start
    return {
        "events": len(source),
        "size_gb": len(source) * 4 * spec.cells.size / 1e9,
        "files": len(paths),
        "in_memory": isinstance(source, readers.Sample),
        "peak_rss_mb": peak_rss_mb(),
        "events_per_s": elements * rows / wall_s,
        "element_ms": 1e3 * wall_s / elements,
        "element_cpu_ms": 1e3 * (time.process_time() - start_cpu) / elements,
    }


def _in_child(paths: list[str]) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.input_pipeline"]
    command += [f"--measure={','.join(paths)}", f"--rows={_ROWS.value}"]
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, cwd=Path(__file__).parents[1]
    )
    return json.loads(done.stdout.splitlines()[-1])


def _results() -> Iterator[dict[str, Any]]:
    for size_gb in map(float, _SIZES_GB.value):
        with tempfile.TemporaryDirectory(dir=_FOLDER.value) as folder:
            yield _in_child(write_files(Path(folder), size_gb, _FILES.value))
    yield _in_child([str(SAMPLE)])


def _run() -> None:
    if _MEASURE.value:
        print(json.dumps(measure(_MEASURE.value, _ROWS.value)))
        return
    print(
        "      data [GB]  files  peak RSS [MB]   events/s  ms/element  CPU ms/element"
    )
    results = []
    for result in _results():
        results.append(result)
        print(
            f"{'memory' if result['in_memory'] else 'stream':6}"
            f"{result['size_gb']:9.2f}{result['files']:7}"
            f"{result['peak_rss_mb']:15.0f}{result['events_per_s']:11.0f}"
            f"{result['element_ms']:12.2f}{result['element_cpu_ms']:16.2f}",
            flush=True,
        )
    streamed = [r["peak_rss_mb"] for r in results if not r["in_memory"]]
    growth_mb = streamed[-1] - streamed[0]
    print(f"growth of the peak: {growth_mb:.0f} MB (goal: below {MOST_GROWTH_MB} MB)")
    summary = {"rows": _ROWS.value, "growth_mb": growth_mb, "runs": results}
    setup.write_json(_JSON.value, summary)


if __name__ == "__main__":
    setup.run(_run)
