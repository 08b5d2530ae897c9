"""Writes the table and the figure of README.md from what lies in pretrained/.

    python -m benchmarks.zoo_table              # prints the table
    python -m benchmarks.zoo_table --write      # into README.md, and draws the figure

Quality is read from pretrained/NAME/metrics.json, which `evaluate.py` wrote, speed from
pretrained/NAME/speed.json, which `benchmarks.inference --json` wrote. The figure shows
the first test shower of three energies and a generated one of equal condition.
"""

import dataclasses
import json
import pathlib
from typing import Any

from benchmarks.shared import setup  # First: it silences the start of TensorFlow.

# isort: split

from absl import flags

from common.atomic_files import replacing
from data.files.readers import Dataset
from data.samples.bundled import sample_of
from metrics.evaluation.saved_model import SavedSimulator, detector_of
from metrics.report.figures import canvas, event_displays
from metrics.showers.shower_pairs import Comparison

ROOT = pathlib.Path(__file__).resolve().parents[1]
FIGURE = ROOT / "pretrained" / "showers.png"
BEGIN, END = "<!-- zoo table -->", "<!-- end of the zoo table -->"

_HEADER = (
    "model", "detector", "AUC on observables", "AUC on cells", "PRD-AUC, cells",
    "ms an event",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class _Entry:
    """A row: the entry, its method and where that is described, and its detector.

    `folder` is that of the pretrained model, where it is not named as the entry is.
    """

    name: str
    paper: str
    detector: str
    folder: str = ""


_ENTRIES = (
    _Entry(
        "wgan_constrained",
        "WGAN with constrainer networks, [arXiv:1807.01954](https://arxiv.org/abs/1807.01954)",
        "HGCAL prototype, 12 x 15 x 7",
    ),
    _Entry(
        "wgan_regressor",
        "WGAN-GP, embedded regressor, [arXiv:1812.01319](https://arxiv.org/abs/1812.01319)",
        "LHCb-like calorimeter, 30 x 30",
    ),
    _Entry(
        "vae_gan",
        "VAE, and GAN from its decoder, J. Phys.: Conf. Ser. 1740 (2021) 012028",
        "the same",
    ),
    _Entry(
        "sagan",
        "self-attention, spectral norm, EPJ Web Conf. 251 (2021) 03043",
        "the same",
    ),
    _Entry(
        "aux_regressor",
        "auxiliary regressor, [arXiv:2207.06329](https://arxiv.org/abs/2207.06329)",
        "the same",
    ),
    _Entry(
        "cramer_rich",
        "Cramer GAN, signed weights, [arXiv:1905.11825](https://arxiv.org/abs/1905.11825)",
        "two RICH detectors, 5 likelihoods",
    ),
    _Entry(
        "cascade",
        "energy divided down to the cells, trained by likelihood, "
        "[docs/cascade.md](docs/cascade.md)",
        "LHCb-like calorimeter, 30 x 30",
        "cascade_ecal",
    ),
    _Entry(
        "cascade",
        "the same",
        "HGCAL prototype, 12 x 15 x 7",
        "cascade_hgcal",
    ),
)


def _value(metrics: dict[str, Any], name: str) -> str:
    """Writes a metric with its uncertainty, and its floor in parentheses."""
    if name not in metrics:
        return ""
    one = metrics[name]
    return f"{one['value']:.3f} ± {one['uncertainty']:.3f} ({one['floor']:.3f})"


def _json(path: pathlib.Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text())) if path.exists() else {}


def table(folder: pathlib.Path) -> str:
    """Returns the zoo table as Markdown.

    Args:
        folder: Holds NAME/metrics.json and NAME/speed.json of pretrained entries.
    """
    rows = [_HEADER, ("---",) * len(_HEADER)]
    for entry in _ENTRIES:
        model = folder / (entry.folder or entry.name)
        metrics = _json(model / "metrics.json").get("metrics", {})
        batches = _json(model / "speed.json").get("batches", {})
        speed = ""
        if batches:
            largest = max(batches, key=int)
            taken = batches[largest]["ms_per_shower"][setup.SIMULATE]["median"]
            speed = f"{taken:.2g} (batch {largest})"
        rows.append(
            (
                f"[`{entry.name}`](models/{entry.name}.py): {entry.paper}",
                entry.detector,
                _value(metrics, "classifier_auc"),
                _value(metrics, "classifier_auc_cells"),
                _value(metrics, "prd_auc_raw"),
                speed,
            )
        )
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


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


def _draw(path: pathlib.Path) -> None:
    model = ROOT / "pretrained" / "cascade_ecal" / "saved_model"
    with Dataset(sample_of(detector_of(model))) as dataset:
        spec, sample = dataset.spec, dataset.read("test")
    simulator = SavedSimulator(model, spec)
    generated = simulator(sample.condition, 0)
    comparison = Comparison(
        spec, simulator.mask, sample.condition, sample.response, generated
    )
    with canvas.style():
        figure = event_displays.gallery(comparison, (simulator.name, "Geant4"))
        with replacing(path) as temporary:
            figure.savefig(temporary, format="png", dpi=80)


def _run() -> None:
    found = table(ROOT / "pretrained")
    print(found)
    if flags.FLAGS.write:
        readme = ROOT / "README.md"
        text = replaced(readme.read_text(), found)
        _draw(FIGURE)
        with replacing(readme) as temporary:
            temporary.write_text(text)


if __name__ == "__main__":
    flags.DEFINE_bool("write", False, "Writes README.md and pretrained/showers.png.")
    setup.run(_run)
