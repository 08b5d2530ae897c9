"""What single choices of `cascade` are worth: short trainings, one change each.

    python -m benchmarks.cascade_choices --folder=runs/cascade_choices

Trains `cascade/quick` for every row and seed, half as long and with one setting
changed, and prints by how many nat a shower the bound on the negative log-likelihood of
validation showers exceeds that of the unchanged preset, in total and by factor. Less
than 0 is better. The factors share no parameter, so a change shows where it acts. The
same command goes on where it was stopped.
"""

import dataclasses
import math
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.shared import setup  # First: it silences the start of TensorFlow.

# isort: split

import numpy as np
from absl import flags

from benchmarks.shared import trained
from data.events import Sample
from data.files import readers
from data.files.writers import Writer
from data.samples.bundled import sample_of
from metrics.evaluation.saved_model import history_of
from models.cascade import Config

_MODEL = "cascade/quick"
_BASE = "unchanged"
_LEVEL = "level_"


@dataclasses.dataclass(frozen=True, eq=False)
class Choice:
    """A row of the table.

    Attributes:
        detector: Whose sample it learns from.
        name: What is changed.
        settings: The changes to the preset.
        showers: How many training showers it learns from; None for all.
    """

    detector: str
    name: str
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    showers: int | None = None

    @property
    def folder(self) -> str:
        """The name of its folder."""
        return f"{self.detector}_{self.name}".replace(" ", "_")


def _steps(count: int) -> dict[str, Any]:
    """Returns the settings of a training of one epoch: validation takes time."""
    return {"steps": count, "epoch_steps": count}


_OF_DETECTORS: Mapping[str, Mapping[str, Any]] = {
    "ecal": _steps(750),
    "hgcal": {**_steps(750), "turns": "[1]", "widths": "[128,128,64,64]"},
}
_CHANGES: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "ecal": {
        "no turns": {"turns": "[1]"},
        "1 Gaussian": {"components": "[1]"},
        "3 Gaussians": {"components": "[3]"},
        "half the channels": {"widths": "[64,64,48,32,24]"},
        "dither 0.005 cm": {"dither_cm": 0.005},
        "dither 0.1 cm": {"dither_cm": 0.1},
        "no weight decay": {"weight_decay": 0.0},
        "no EMA": {"ema_decay": 0.0},
        "no augmentation": {"augment": "false"},
        "mirror images only": {"rotations": "false"},
        "250 steps": _steps(250),
        "2250 steps": _steps(2250),
    },
    "hgcal": {
        "1 group of layers": {"layer_groups": "[1]"},
        "7 groups at all levels": {"layer_groups": "[8]"},
        "turns at two levels": {"turns": "[1,4,4]"},
        "no augmentation": {"augment": "false"},
    },
}
_SHOWERS = {"ecal": (1000, 4000), "hgcal": (1000, 2500)}


def choices() -> list[Choice]:
    """Returns all rows, the unchanged one of a detector first."""
    found = []
    for detector, settings in _OF_DETECTORS.items():
        found.append(Choice(detector, _BASE, settings))
        for name, change in _CHANGES[detector].items():
            found.append(Choice(detector, name, {**settings, **change}))
        for count in _SHOWERS[detector]:
            name = f"{count} training showers"
            found.append(Choice(detector, name, settings, count))
    return found


def bound(history: Mapping[str, Any], dither_cm: float) -> dict[str, float]:
    """Returns the bound on the negative log-likelihood and its factors [nat].

    Args:
        history: Of a training, by column, each [epochs].
        dither_cm: Blur of its centroid, whose entropy belongs to the moments.
    """
    last = {
        name.removeprefix("val_"): float(values[-1])
        for name, values in history.items()
        if name.startswith("val_") and name.removeprefix("val_") in history
    }
    names = ("total", "layers", "moments")
    parts = {n: v for n, v in last.items() if n in names or n.startswith(_LEVEL)}
    parts["moments"] -= 2.0 * math.log(dither_cm)
    return {"all": sum(parts.values()), **parts}


def lines(
    found: Mapping[Choice, Sequence[Mapping[str, float]]], detector: str
) -> list[str]:
    """Writes the table of a detector.

    Args:
        found: The bounds of every seed by row, seeds in the same order.
        detector: Its name.
    """
    rows = {one: values for one, values in found.items() if one.detector == detector}
    base = next((v for one, v in rows.items() if one.name == _BASE), None)
    if base is None:
        return []
    names = [*base[0]]
    head = [f"{detector}: change", "seeds", *(n.replace("_", " ") for n in names)]
    table = [head, ["---"] * len(head)]
    for one, values in rows.items():
        if one.name == _BASE:
            means = [np.mean([v[n] for v in values]) for n in names]
            cells = [f"{mean:.2f}" for mean in means]
        else:
            pairs = [*zip(values, base, strict=False)]
            cells = []
            for name in names:
                change = np.array([v[name] - b[name] for v, b in pairs])
                half = 0.5 * np.ptp(change)
                cells.append(f"{change.mean():+.2f} ± {half:.2f}")
        table.append([one.name, str(len(values)), *cells])
    return [f"| {' | '.join(row)} |" for row in table]


def subset(path: pathlib.Path, detector: str, count: int) -> None:
    """Writes a sample with the first training showers alone.

    Args:
        path: The file.
        detector: Whose sample in the repository is cut.
        count: How many training showers are kept; all of the other splits are.
    """
    source = [sample_of(detector)]
    spec = readers.detect(source)
    with Writer(path, spec) as writer:
        for split in ("train", "validation", "test"):
            sample = readers.read(source, spec, split=split)
            kept = slice(count if split == "train" else None)
            sample = Sample(sample.response[kept], sample.condition[kept])
            writer.append(sample, split=split)


def _trained(one: Choice, seed: int, folder: pathlib.Path) -> dict[str, float]:
    workdir = folder / f"{one.folder}_{seed}"
    data = None
    if one.showers is not None:
        data = folder / f"{one.folder}.h5"
        if not data.exists():
            folder.mkdir(parents=True, exist_ok=True)
            subset(data, one.detector, one.showers)
    trained.train(_MODEL, workdir, seed, one.settings, one.detector, data)
    dither = float(one.settings.get("dither_cm", Config().dither_cm))
    return bound(history_of(workdir / "history.csv"), dither)


def _chosen(names: Sequence[str]) -> list[Choice]:
    known = choices()
    if unknown := sorted(set(names) - {one.folder for one in known}):
        raise ValueError(
            f"--rows={','.join(unknown)}: no such row; there are "
            f"{', '.join(one.folder for one in known)}"
        )
    if not names:
        return known
    detectors = {one.detector for one in known if one.folder in names}
    return [
        one
        for one in known
        if one.folder in names or (one.name == _BASE and one.detector in detectors)
    ]


def _run() -> None:
    setup.use_threads(2)
    folder = pathlib.Path(flags.FLAGS.folder)
    rows = _chosen(flags.FLAGS.rows)
    found: dict[Choice, list[dict[str, float]]] = {one: [] for one in rows}
    for seed in range(1, flags.FLAGS.seeds + 1):
        for one in rows:
            found[one].append(_trained(one, seed, folder))
            print("\n".join(lines({one: v for one, v in found.items() if v},
                                  one.detector)), flush=True)  # fmt: skip
    for detector in _OF_DETECTORS:
        print("\n".join(lines(found, detector)))
    setup.write_json(
        flags.FLAGS.json, {one.folder: values for one, values in found.items()}
    )


if __name__ == "__main__":
    flags.DEFINE_list("rows", [], "Train only these, and what is unchanged.")
    flags.DEFINE_integer("seeds", 2, "Trainings of every row.", lower_bound=1)
    flags.DEFINE_string("folder", "runs/cascade_choices", "Folder of all runs.")
    flags.DEFINE_string("json", None, "File to write the result to.")
    setup.run(_run)
