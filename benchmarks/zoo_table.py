"""Writes the table and the figures of README.md from what lies in pretrained/.

    python -m benchmarks.zoo_table              # prints the table
    python -m benchmarks.zoo_table --write      # into README.md, and draws both figures

Quality is read from pretrained/NAME/metrics.json, which `evaluate.py` wrote, speed from
pretrained/NAME/speed.json, which `benchmarks.inference --json` wrote. One figure shows
the first test shower of three energies and a generated one of equal condition
(pretrained/showers.png), the other one quality against time
(pretrained/quality_against_time.png).
"""

import pathlib
from typing import Any

from benchmarks.shared import setup  # First: it silences the start of TensorFlow.

# isort: split

from absl import flags
from matplotlib.figure import Figure

from benchmarks.shared import quality_against_time, zoo_rows
from benchmarks.shared.zoo_rows import DETECTORS
from common.atomic_files import replacing
from data.files.readers import Dataset
from data.samples.bundled import sample_of
from metrics.evaluation.saved_model import SavedSimulator, detector_of
from metrics.report.figures import canvas, event_displays
from metrics.showers.shower_pairs import Comparison

ROOT = pathlib.Path(__file__).resolve().parents[1]
SHOWERS = ROOT / "pretrained" / "showers.png"
QUALITY = ROOT / "pretrained" / "quality_against_time.png"
BEGIN, END = "<!-- zoo table -->", "<!-- end of the zoo table -->"

_HEADER = (
    "model", "detector", "AUC on observables", "AUC on cells", "PRD-AUC, cells",
    "ms an event",
)  # fmt: skip


def _value(metrics: dict[str, Any], name: str) -> str:
    """Writes a metric with its uncertainty, and its floor in parentheses."""
    if name not in metrics:
        return ""
    one = metrics[name]
    return f"{one['value']:.3f} ± {one['uncertainty']:.3f} ({one['floor']:.3f})"


def table(folder: pathlib.Path) -> str:
    """Returns the zoo table as Markdown.

    Args:
        folder: Holds NAME/metrics.json and NAME/speed.json of pretrained entries.
    """
    lines = [_HEADER, ("---",) * len(_HEADER)]
    last = ""
    for row in zoo_rows.ROWS:
        metrics = row.stored(folder, "metrics.json").get("metrics", {})
        batches = row.stored(folder, "speed.json").get("batches", {})
        speed = ""
        if batches:
            largest = max(batches, key=int)
            taken = batches[largest]["ms_per_shower"][setup.SIMULATE]["median"]
            speed = f"{taken:.2g} (batch {largest})"
        lines.append(
            (
                f"[`{row.name}`](models/{row.name}.py): {row.method}",
                "the same" if row.detector == last else DETECTORS[row.detector],
                _value(metrics, "classifier_auc"),
                _value(metrics, "classifier_auc_cells"),
                _value(metrics, "prd_auc_raw"),
                speed,
            )
        )
        last = row.detector
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def replaced(readme: str, found: str) -> str:
    """Returns README.md with this table between its two marks.

    Raises:
        ValueError: If the marks are missing.
    """
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"README.md has no {BEGIN} ... {END}; write both marks")
    return f"{before}{BEGIN}\n{found}\n{END}{after}"


def _gallery() -> Figure:
    model = ROOT / "pretrained" / "cascade_ecal" / "saved_model"
    with Dataset(sample_of(detector_of(model))) as dataset:
        spec, sample = dataset.spec, dataset.read("test")
    simulator = SavedSimulator(model, spec)
    generated = simulator(sample.condition, 0)
    comparison = Comparison(
        spec, simulator.mask, sample.condition, sample.response, generated
    )
    return event_displays.gallery(comparison, (simulator.name, "Geant4"))


def draw(path: pathlib.Path, folder: pathlib.Path) -> None:
    """Draws quality against time, with its numbers as texts in the file.

    Args:
        path: PNG to write.
        folder: Holds NAME/metrics.json and NAME/speed.json of pretrained entries.
    """
    points = quality_against_time.points(folder)
    with canvas.style():
        figure = quality_against_time.quality_against_time(points)
        _save(figure, path, quality_against_time.texts(points))


def _save(figure: Figure, path: pathlib.Path, texts: dict[str, str]) -> None:
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=80, metadata=texts)


def _run() -> None:
    found = table(ROOT / "pretrained")
    print(found)
    if flags.FLAGS.write:
        readme = ROOT / "README.md"
        text = replaced(readme.read_text(), found)
        with canvas.style():
            _save(_gallery(), SHOWERS, {})
        draw(QUALITY, ROOT / "pretrained")
        with replacing(readme) as temporary:
            temporary.write_text(text)


if __name__ == "__main__":
    flags.DEFINE_bool("write", False, "Writes README.md, draws both figures.")
    setup.run(_run)
