"""Trains a model of the zoo: python train.py --model=wgan_constrained.

The same command again continues a run that was stopped, bit for bit.
"""

import math
import pathlib
import sys
from typing import Any

from models.core import command  # First: it silences the start of TensorFlow.

# isort: split

import keras
import numpy as np
import tensorflow as tf
from absl import flags, logging

import models
from data import pipeline, readers, symmetry, transform
from data.spec import DetectorSpec
from metrics.callbacks import PhysicsMonitor
from models.core import callbacks, config, run
from models.core.checkpoint import Checkpoints
from models.core.export import export_simulator
from models.core.gan import ConditionalGAN

_SAMPLE = pathlib.Path(__file__).parent / "data/samples/hgcal_geant4.h5"
_EVENTS_FOR_FIT = 20_000
_EVENTS_FOR_MONITOR = 1_000

_MODEL = flags.DEFINE_string(
    "model", None, "ENTRY or ENTRY/PRESET of the zoo.", required=True
)
_DATA = flags.DEFINE_list("data", str(_SAMPLE), "Files to train on.")
_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the run; or runs/ENTRY.")
_EPOCHS = flags.DEFINE_integer("epochs", None, "Epochs, instead of --steps.")
_STEPS = flags.DEFINE_integer("steps", None, "Generator steps, up to a whole epoch.")
_BATCH_SIZE = flags.DEFINE_integer("batch_size", None, "Responses per step.")
_SEED = flags.DEFINE_integer("seed", None, "Seed of weights, noise and order.")
_SET = flags.DEFINE_multi_string("set", [], "name=value: changes a Config field.")
_STRATEGY = flags.DEFINE_enum("strategy", "none", ["none", "mirrored"], "Over GPUs.")


def _configuration() -> tuple[str, Any, Any]:
    entry, _, preset = _MODEL.value.partition("/")
    module = models.load(entry)
    assignments = list(_SET.value)
    for flag in (_BATCH_SIZE, _SEED, _STEPS):
        if flag.value is not None:
            assignments.append(f"{flag.name}={flag.value}")
    chosen = config.resolve(module, preset or "cpu", assignments)
    if _EPOCHS.value is not None:
        if _STEPS.value is not None:
            raise ValueError("--epochs and --steps exclude each other; give one")
        assignments.append(f"steps={_EPOCHS.value * chosen.epoch_steps}")
        chosen = config.resolve(module, preset or "cpu", assignments)
    return entry, module, chosen


def _fit(
    model: ConditionalGAN,
    settings: Any,
    source: readers.Source,
    validation: readers.Sample,
    spec: DetectorSpec,
    workdir: pathlib.Path,
) -> None:
    epoch_steps = min(settings.epoch_steps, settings.steps)
    epochs = math.ceil(settings.steps / epoch_steps)
    checkpoints = Checkpoints(workdir)
    done = checkpoints.restore(model)
    if done >= epochs:
        print(f"{workdir}: the training of {epochs} epochs is finished")
        return
    rows = settings.batch_size * settings.critic_steps
    passes = pipeline.steps_per_epoch(source, rows)
    first_pass, offset = divmod(done * epoch_steps, passes)
    dataset = pipeline.batches(
        source, rows=rows, seed=settings.seed, first_epoch=first_pass,
        transform=model.transform, acceptance=spec.acceptance(settings.mask),
        augment=symmetry.symmetries(spec) if settings.augment else None,
    ).skip(offset)  # fmt: skip
    logs = workdir / "logs"
    monitor = PhysicsMonitor(
        validation, model.simulate, spec, settings.mask, logs,
        events=_EVENTS_FOR_MONITOR, seed=settings.seed,
    )  # fmt: skip
    model.fit(
        dataset,
        epochs=epochs,
        initial_epoch=done,
        steps_per_epoch=epoch_steps,
        shuffle=False,  # The pipeline does.
        verbose=0,
        callbacks=[
            monitor,
            callbacks.NonFiniteGuard(),
            keras.callbacks.TensorBoard(logs, write_graph=False),
            checkpoints,
            callbacks.Progress((epochs - done) * epoch_steps),
        ],
    )


def _train() -> None:
    entry, module, settings = _configuration()
    workdir = pathlib.Path(_WORKDIR.value or f"runs/{entry}")
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(settings.seed)
    spec = readers.detect(_DATA.value)
    source = readers.open_source(_DATA.value, spec, split="train")
    source.check()
    validation = readers.read(_DATA.value, spec, split="validation")
    head = source.read(0, _EVENTS_FOR_FIT)
    fitted = transform.fit(settings.transform, head.response, head.condition, spec)
    with run.strategy(_STRATEGY.value).scope():
        model = module.build(settings, spec, fitted)
        module.compile_model(model, settings)
    # Only now: settings that could not be built leave no folder behind.
    run.claim(workdir, _MODEL.value, settings, spec, _DATA.value)
    energies = np.unique(head.condition[:, spec.energy_conditions[0]])
    description = run.description(_MODEL.value, energies)
    untrained = workdir / "saved_model_untrained"
    if not untrained.exists():
        export_simulator(model, spec, settings.mask, untrained, description)
    _fit(model, settings, source, validation, spec, workdir)
    run.save(model, workdir)
    export_simulator(model, spec, settings.mask, workdir / "saved_model", description)
    print(f"{workdir}/saved_model answers in {spec.unit}; look at it with\n"
          f"  python evaluate.py --workdir={workdir}")  # fmt: skip


def main(argv: list[str]) -> None:
    """Runs the training; a user's mistake ends in one line and status 2."""
    logging.set_verbosity(logging.WARNING)
    try:
        _train()
    except callbacks.NonFiniteError as error:
        sys.exit(f"train.py: {error}")
    except (ValueError, OSError) as error:
        command.refuse(error)


if __name__ == "__main__":
    command.run(main)
