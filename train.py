"""Trains a model of the zoo: python train.py --model=wgan_constrained.

The same command again continues a run that was stopped, bit for bit.
"""

import math
import os
import pathlib
import sys
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf
from absl import app, flags, logging

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

FLAGS = flags.FLAGS
flags.DEFINE_string("model", None, "ENTRY or ENTRY/PRESET of the zoo.")
flags.DEFINE_list("data", str(_SAMPLE), "Files to train on.")
flags.DEFINE_string("workdir", None, "Folder of the run; runs/ENTRY by default.")
flags.DEFINE_integer("epochs", None, "Epochs, instead of the preset's steps.")
flags.DEFINE_integer("steps", None, "Generator steps, rounded up to whole epochs.")
flags.DEFINE_integer("batch_size", None, "Showers per critic or generator step.")
flags.DEFINE_integer("seed", None, "Seed of weights, noise and order of events.")
flags.DEFINE_multi_string("set", [], "name=value: changes one field of the Config.")
flags.DEFINE_enum("strategy", "none", ["none", "mirrored"], "Distribution over GPUs.")
flags.mark_flag_as_required("model")


def _configuration() -> tuple[str, Any, Any]:
    entry, _, preset = FLAGS.model.partition("/")
    module = models.load(entry)
    assignments = list(FLAGS["set"].value)
    for name in ("batch_size", "seed", "steps"):
        if FLAGS[name].value is not None:
            assignments.append(f"{name}={FLAGS[name].value}")
    chosen = config.resolve(module, preset or "cpu", assignments)
    if FLAGS.epochs is not None:
        steps = f"steps={FLAGS.epochs * chosen.epoch_steps}"
        chosen = config.resolve(module, preset or "cpu", [*assignments, steps])
    return entry, module, chosen


def _fit(
    model: ConditionalGAN,
    settings: Any,
    source: readers.Source,
    spec: DetectorSpec,
    workdir: pathlib.Path,
) -> None:
    accepted = spec.acceptance(settings.mask)
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
        source,
        rows=rows,
        seed=settings.seed,
        first_epoch=first_pass,
        transform=model.transform,
        augment=symmetry.symmetries(spec) if settings.augment else None,
        acceptance=accepted,
    ).skip(offset)
    validation = readers.read(FLAGS.data, spec, split="validation")
    logs = workdir / "logs"
    model.fit(
        dataset,
        epochs=epochs,
        initial_epoch=done,
        steps_per_epoch=epoch_steps,
        shuffle=False,  # The pipeline does.
        verbose=0,
        callbacks=[
            callbacks.NonFiniteGuard(),
            PhysicsMonitor(
                validation,
                model.simulate,
                spec,
                settings.mask,
                logs,
                events=_EVENTS_FOR_MONITOR,
                seed=settings.seed,
            ),
            keras.callbacks.TensorBoard(logs, write_graph=False),
            checkpoints,
            callbacks.Progress((epochs - done) * epoch_steps),
        ],
    )


def _train() -> None:
    entry, module, settings = _configuration()
    workdir = pathlib.Path(FLAGS.workdir or f"runs/{entry}")
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(settings.seed)
    spec = readers.detect(FLAGS.data)
    source = readers.open_source(FLAGS.data, spec, split="train")
    run.claim(workdir, FLAGS.model, settings, spec, FLAGS.data)
    head = source.read(0, _EVENTS_FOR_FIT)
    fitted = transform.fit(settings.transform, head.response, head.condition, spec)
    strategy = tf.distribute.get_strategy()
    if FLAGS.strategy == "mirrored":
        strategy = tf.distribute.MirroredStrategy()
    with strategy.scope():
        model = module.build(settings, spec, fitted)
        module.compile_model(model, settings)
    energies = np.unique(head.condition[:, spec.energy_conditions[0]])
    description = run.description(FLAGS.model, energies)
    untrained = workdir / "saved_model_untrained"
    if not untrained.exists():
        export_simulator(model, spec, settings.mask, untrained, description)
    _fit(model, settings, source, spec, workdir)
    run.save(model, workdir)
    export_simulator(model, spec, settings.mask, workdir / "saved_model", description)
    print(f"{workdir}/saved_model answers in {spec.unit}; look at it with\n"
          f"  python evaluate.py --workdir={workdir}")  # fmt: skip


def main(argv: list[str]) -> None:
    """Runs the training; a user's mistake ends in one line and status 2."""
    logging.set_verbosity(logging.WARNING)
    try:
        if len(argv) > 1:
            raise ValueError(f"unexpected argument {argv[1]!r}; options start with --")
        _train()
    except callbacks.NonFiniteError as error:
        sys.exit(f"train.py: {error}")
    except (ValueError, OSError) as error:
        print(f"train.py: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    app.run(main)
