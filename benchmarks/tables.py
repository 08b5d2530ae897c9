"""Trains every preset of the published tables for the same time and prints the tables.

    python -m benchmarks.tables --minutes=10 --folder=runs/tables

First, on a machine that should do nothing else, it measures how long a step of every
preset takes, and so how many steps are `--minutes` of training; the numbers are kept in
`steps.json`. Then `train.py` trains every preset of every seed for that many steps,
whatever else the machine does meanwhile, with the same data and batch size, and every
model is measured on the same test showers by the same code. All of that is resumable:
the same command goes on where it was stopped. `--only_steps` ends after the first part.

The first and the last row of a published table are trained with three seeds; their
spread says which differences mean something. So are both losses of `wgan_regressor`.

    python -m benchmarks.tables --minutes=30 --rows=sagan/wgan,sagan/sn_both --seeds=1

trains some of the rows, each with one seed. `--set=NAME=VALUE` changes a setting of all
of them, to see what it is worth; what it costs counts.
"""

import dataclasses
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.shared import setup  # First: it silences the start of TensorFlow.

# isort: split

import keras
import numpy as np
from absl import flags
from threadpoolctl import threadpool_limits

import models
from benchmarks.shared import timing, trained
from common.atomic_files import replacing
from common.command_line import prepare_training
from data.batches import pipeline
from metrics.showers import measure_showers
from metrics.showers.classifiers.classifier_tests import trees_test
from metrics.statistics.energy_bins import strata
from metrics.statistics.resampling import Metric, Resampling
from models.training.contract import phases_of
from models.training.training_inputs import augmentation

_BATCH_SIZE = 128
_REPEATED_SEEDS = 3
_STEPS_TIMED, _REPEATS = 5, 5
# From the longest: of equal ones the first is taken, and epochs cost an evaluation.
_EPOCH_STEPS = range(500, 199, -1)
_METRICS = ("prd_auc_raw", "prd_auc_physics", "prd_auc", "classifier_auc")


@dataclasses.dataclass(frozen=True)
class PresetRow:
    """A row of a table.

    Attributes:
        model: ENTRY/PRESET.
        label: What the publication calls it.
        raw: Published raw PRD-AUC; None if there is none.
        physics: Published physics PRD-AUC.
        phase: Setting that holds the steps of a phase before the adversarial one.
        phase_fraction: Fraction of the time for that phase.
        repeated: Whether it is trained with several seeds, wherever it stands.
    """

    model: str
    label: str
    raw: float | None = None
    physics: float | None = None
    phase: str | None = None
    phase_fraction: float = 0.0
    repeated: bool = False


TABLES: dict[str, tuple[PresetRow, ...]] = {
    "arXiv:2207.06329, table 1": (
        PresetRow("aux_regressor/cnn", "CNN baseline", 0.669, 0.877),
        PresetRow("aux_regressor/cnn_regressor", "CNN + Regressor", 0.822, 0.950),
        PresetRow(
            "aux_regressor/cnn_regressor_sn", "CNN + Regressor + SN", 0.908, 0.957
        ),
        PresetRow("aux_regressor/cnn_sa", "CNN + SA", 0.989, 0.983),
        PresetRow(
            "aux_regressor/cnn_regressor_sa_sn",
            "CNN + Regressor + SA + SN",
            0.994,
            0.992,
        ),
    ),
    "EPJ Web Conf. 251 (2021) 03043": (
        PresetRow("sagan/wgan", "WGAN", 0.971, 0.936),
        PresetRow("sagan/sn_critic", "SAGAN + SN D", 0.901, 0.895),
        PresetRow("sagan/sn_both", "SAGAN + SN G and D", 0.975, 0.948),
    ),
    "Without published numbers": (
        *(
            PresetRow(
                f"wgan_regressor/{preset}",
                f"WGAN-GP with embedded regressor, arXiv:1812.01319, {loss}",
                phase="regressor_steps",
                phase_fraction=0.1,
                repeated=True,
            )
            for preset, loss in (
                ("cpu", "perceptual loss"),
                ("mse", "squared errors"),
            )
        ),
        PresetRow(
            "vae_gan/vae",
            "VAE, J. Phys.: Conf. Ser. 1740 (2021) 012028",
            phase="vae_steps",
            phase_fraction=1.0,
        ),
        PresetRow(
            "vae_gan/vae_gan", "VAE + GAN", phase="vae_steps", phase_fraction=0.3
        ),
    ),
}
"""The rows of the published tables, in their order, and what has no table."""


def chosen(names: Sequence[str]) -> dict[str, tuple[PresetRow, ...]]:
    """Returns the tables with some of their rows.

    Args:
        names: Models of the rows, ENTRY/PRESET; all rows if there are none.

    Raises:
        ValueError: If there is no row of such a name.
    """
    known = [row.model for table in TABLES.values() for row in table]
    for name in names:
        if name not in known:
            raise ValueError(f"unknown row {name!r}; known: {', '.join(known)}")
    found = {
        title: tuple(row for row in table if not names or row.model in names)
        for title, table in TABLES.items()
    }
    return {title: table for title, table in found.items() if table}


def seeds(row: PresetRow, repeated: int = _REPEATED_SEEDS) -> range:
    """Returns the seeds with which a row is trained.

    Args:
        row: The row.
        repeated: How many the first and the last row of a published table have, and
            the rows that are compared with each other.
    """
    ends = any(row in (table[0], table[-1]) for table in TABLES.values())
    several = row.repeated or (ends and row.raw is not None)
    return range(1, 1 + (repeated if several else 1))


def _ms_per_step(subject: setup.Subject, model: Any, critic_steps: int) -> float:
    """Times training steps on the pipeline."""
    settings, spec = subject.settings, subject.spec
    elements = iter(
        pipeline.batches(
            subject.source,
            rows=_BATCH_SIZE * critic_steps,
            seed=1,
            transform=subject.model.transform,
            acceptance=spec.acceptance(settings.mask),
            augment=augmentation(settings, spec),
        )
    )
    model.make_train_function()
    timed = timing.stopwatch(lambda: model.train_function(elements))
    timed(_STEPS_TIMED)
    samples = [timed(_STEPS_TIMED) / _STEPS_TIMED for _ in range(_REPEATS)]
    return 1e3 * float(np.median(samples))


def _measured_steps(row: PresetRow, minutes: float) -> dict[str, Any]:
    """Returns how many steps of each phase are the wanted minutes."""
    subject = setup.subject(row.model, assignments=flags.FLAGS.set)
    module, settings = models.load(row.model.partition("/")[0]), subject.settings
    found: dict[str, Any] = {"steps": 0}
    parts = [("steps", subject.model, 1.0 - row.phase_fraction, settings.critic_steps)]
    if row.phase is not None:
        (phase,) = phases_of(module, subject.model, settings)
        parts.append((row.phase, phase.model, row.phase_fraction, 1))
    for name, model, fraction, critic_steps in parts:
        if fraction > 0.0:
            ms = _ms_per_step(subject, model, critic_steps)
            found[name] = round(fraction * minutes * 60e3 / ms)
            found[f"{name}_ms"] = round(ms, 2)
    keras.backend.clear_session()
    return found


def _steps(
    folder: pathlib.Path, minutes: float, rows: Sequence[PresetRow]
) -> dict[str, Any]:
    """Reads the steps of the rows, or measures what is missing."""
    path = folder / "steps.json"
    known: dict[str, Any] = {"minutes": minutes, "set": flags.FLAGS.set, "rows": {}}
    if path.exists():
        found = {"set": [], **json.loads(path.read_text())}
        for name in ("minutes", "set"):
            if found[name] != known[name]:
                raise ValueError(
                    f"{folder} holds tables of --{name}={found[name]}, received "
                    f"{known[name]}; choose another --folder"
                )
        known = found
    for row in rows:
        if row.model not in known["rows"]:
            known["rows"][row.model] = _measured_steps(row, minutes)
            print(f"{row.model}: {known['rows'][row.model]}", flush=True)
            folder.mkdir(parents=True, exist_ok=True)
            with replacing(path) as temporary:
                temporary.write_text(json.dumps(known, indent=1) + "\n")
    return dict(known["rows"])


def epoch_steps(counts: Sequence[int]) -> int:
    """Chooses steps per epoch so that whole epochs are nearly the steps wanted.

    Args:
        counts: Wanted steps of every phase; `train.py` rounds each up to whole epochs.

    Returns:
        The length of an epoch that adds the fewest steps, a fraction of the steps.
    """
    return min(
        _EPOCH_STEPS,
        key=lambda size: sum(-count % size / max(1, count) for count in counts),
    )


def _measured(workdir: pathlib.Path, num: int) -> dict[str, Any]:
    """Measures a trained model on the test showers, or reads what was measured."""
    path = workdir / "table.json"
    if path.exists():
        return dict(json.loads(path.read_text()))
    comparison = trained.comparison(workdir, "test", num)
    resampling = Resampling(strata(comparison.energy), 0)
    options = measure_showers.MeasurementOptions()
    task = measure_showers.Task(comparison, resampling, options)
    with threadpool_limits(1):
        found: dict[str, Metric] = dict(measure_showers.PARTS["PRD"](task)["metrics"])
        generated, reference = (
            np.column_stack([*values.values(), comparison.energy])
            for values in comparison.values
        )
        auc = trees_test(generated, reference, resampling, 0)
        found["classifier_auc"] = auc.metric
    document = {
        "events": len(comparison),
        "metrics": {name: dataclasses.asdict(found[name]) for name in _METRICS},
    }
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(document, indent=1) + "\n")
    return document


def _entry(measured: Sequence[dict[str, Any]], metric: str) -> str:
    """Writes a number, or the mean of seeds and their standard deviation."""
    values = [one["metrics"][metric]["value"] for one in measured]
    if len(values) == 1:
        return f"{values[0]:.3f} ± {measured[0]['metrics'][metric]['uncertainty']:.3f}"
    return f"{np.mean(values):.3f} ± {np.std(values, ddof=1):.3f} ({len(values)})"


def table_lines(
    table: Sequence[PresetRow],
    steps: dict[str, Any],
    measured: Mapping[str, Sequence[dict[str, Any]]],
) -> list[str]:
    """Writes a table.

    Args:
        table: Its rows.
        steps: Steps of every row, by model.
        measured: What was measured with every seed, by model; rows that are missing are
            left out.

    Returns:
        Lines of Markdown.
    """
    lines = [
        "| row | steps | raw PRD-AUC, ours | published | physics PRD-AUC, ours "
        "| published | classifier AUC, ours |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in table:
        if row.model not in measured:
            continue
        found = measured[row.model]
        before = f"{steps[row.model][row.phase]} + " if row.phase else ""
        raw, physics = (
            "-" if value is None else f"{value:.3f}" for value in (row.raw, row.physics)
        )
        lines.append(
            f"| {row.label} (`{row.model}`) | {before}{steps[row.model]['steps']} "
            f"| {_entry(found, 'prd_auc_raw')} | {raw} "
            f"| {_entry(found, 'prd_auc_physics')} | {physics} "
            f"| {_entry(found, 'classifier_auc')} |"
        )
    floors = next(iter(measured.values()))[0]["metrics"]
    raw, physics, auc = (
        f"{floors[name]['floor']:.3f} ± {floors[name]['floor_uncertainty']:.3f}"
        for name in ("prd_auc_raw", "prd_auc_physics", "classifier_auc")
    )
    lines.append(f"| the floor | | {raw} | - | {physics} | - | {auc} |")
    return lines


def _run() -> None:
    setup.use_threads(2)
    prepare_training()
    folder = pathlib.Path(flags.FLAGS.folder).resolve()
    found_tables = chosen(flags.FLAGS.rows)
    rows = [row for table in found_tables.values() for row in table]
    steps = _steps(folder, flags.FLAGS.minutes, rows)
    if flags.FLAGS.only_steps:
        return
    measured: dict[str, list[dict[str, Any]]] = {}
    # One seed of all rows first: tables can be looked at early.
    for seed in range(1, 1 + flags.FLAGS.seeds):
        for row in (row for row in rows if seed in seeds(row, flags.FLAGS.seeds)):
            name = f"{row.model.replace('/', '_')}_{seed}"
            names = ["steps", *([row.phase] if row.phase else [])]
            settings = {one: steps[row.model][one] for one in names}
            settings["epoch_steps"] = epoch_steps(list(settings.values()))
            settings["batch_size"] = _BATCH_SIZE
            settings |= dict(one.split("=", 1) for one in flags.FLAGS.set)
            trained.train(row.model, folder / name, seed, settings)
            found = _measured(folder / name, flags.FLAGS.num)
            measured.setdefault(row.model, []).append(found)
    for title, table in found_tables.items():
        print("", title, "", *table_lines(table, steps, measured), sep="\n")
    setup.write_json(flags.FLAGS.json, {"steps": steps, "measured": measured})


if __name__ == "__main__":
    flags.DEFINE_float("minutes", 10.0, "Time to train a preset.", lower_bound=0.01)
    flags.DEFINE_string("folder", "runs/tables", "Folder of all runs.")
    flags.DEFINE_list("rows", [], "Train only these (ENTRY/PRESET,...); default: all.")
    flags.DEFINE_integer(
        "seeds",
        _REPEATED_SEEDS,
        "Trainings of the first and the last row of a published table.",
        lower_bound=1,
    )
    flags.DEFINE_integer("num", 10_000, "Test showers compared.", lower_bound=1000)
    flags.DEFINE_bool("only_steps", False, "Measure the steps and end.")
    flags.DEFINE_multi_string("set", [], "NAME=VALUE: a setting of all rows.")
    flags.DEFINE_string("json", None, "File to write the result to.")
    setup.run(_run)
