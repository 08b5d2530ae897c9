"""Trains a model of the zoo: python train.py --model=wgan_constrained.

The same command again continues a run that was stopped, bit for bit.
"""

import pathlib
import sys
from collections.abc import Sequence

from common import command_line  # First: it silences the start of TensorFlow.

# isort: split

import keras
import numpy as np
import tensorflow as tf
from absl import flags

import models
from common import process_lock
from data.files import readers
from data.samples.bundled import sample_of
from metrics.evaluation.pretrained_models import pretrained_path
from models.training import config, progress, run_folder, training_inputs, warm_start
from models.training.contract import Entry, Simulator, phases_of
from models.training.exports import onnx_model
from models.training.exports.simulator_export import export_simulator
from models.training.phases import Phase
from models.training.trainer import Training

_MODEL = flags.DEFINE_string(
    "model", None, "ENTRY or ENTRY/PRESET of the zoo.", required=True
)
_DATA = flags.DEFINE_list("data", None, "Files to train on; or the model's sample.")
_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the run; or runs/ENTRY.")
_EPOCHS = flags.DEFINE_integer("epochs", None, "Epochs, instead of --steps.")
_STEPS = flags.DEFINE_integer("steps", None, "Generator steps, up to a whole epoch.")
_BATCH_SIZE = flags.DEFINE_integer("batch_size", None, "Responses per step.")
_SEED = flags.DEFINE_integer("seed", None, "Seed of weights, noise and order.")
_SET = flags.DEFINE_multi_string("set", [], "name=value: changes a Config field.")
_STRATEGY = flags.DEFINE_enum("strategy", "none", ["none", "mirrored"], "Over GPUs.")
_PRETRAINED = flags.DEFINE_string(
    "pretrained", None, "Starts with settings and weights of a model in pretrained/."
)
_ONNX = flags.DEFINE_bool("onnx", False, "Export to ONNX too, into WORKDIR/onnx.")


def _configuration() -> tuple[str, Entry, config.TrainingConfig]:
    entry, slash, preset = _MODEL.value.partition("/")
    module = models.load(entry)
    saved = None
    if _PRETRAINED.value is not None:
        folder = pretrained_path(_PRETRAINED.value).parent
        saved = warm_start.saved_settings(folder, entry)
        if slash:
            raise ValueError(
                f"--pretrained={folder.name} brings its settings; give --model={entry}"
            )
    assignments = list(_SET.value)
    for flag in (_BATCH_SIZE, _SEED, _STEPS):
        if flag.value is not None:
            assignments.append(f"{flag.name}={flag.value}")
    chosen = config.resolve(module, preset or "cpu", assignments, saved)
    if _EPOCHS.value is not None:
        if _STEPS.value is not None:
            raise ValueError("--epochs and --steps exclude each other; give one")
        assignments.append(f"steps={_EPOCHS.value * chosen.epoch_steps}")
        chosen = config.resolve(module, preset or "cpu", assignments, saved)
    return entry, module, chosen


def _train() -> None:
    if _ONNX.value:
        onnx_model.check_packages()
    entry, module, settings = _configuration()
    workdir = pathlib.Path(_WORKDIR.value or f"runs/{entry}")
    command_line.prepare_training()
    keras.utils.set_random_seed(settings.seed)
    paths = [sample_of(module.DETECTOR)] if _DATA.value is None else _DATA.value
    found = training_inputs.load(module, settings, paths)
    spec, fitted = found.spec, found.transform
    found.source.check()
    validation = readers.read(paths, spec, split="validation", where=found.select)
    with run_folder.strategy(_STRATEGY.value).scope():
        model = module.build(settings, spec, fitted)
        module.compile_model(model, settings)
        if _PRETRAINED.value is not None:
            warm_start.begin_with(model, pretrained_path(_PRETRAINED.value))
        phases = phases_of(module, model, settings)
    # Only now: settings that could not be built leave no folder behind.
    workdir.mkdir(parents=True, exist_ok=True)
    with process_lock.alone(workdir / process_lock.LOCK, "choose another --workdir"):
        _complete(model, phases, settings, found, validation, paths, workdir)


def _complete(
    model: Simulator,
    phases: Sequence[Phase],
    settings: config.TrainingConfig,
    found: training_inputs.Inputs,
    validation: readers.Sample,
    paths: Sequence[str],
    workdir: pathlib.Path,
) -> None:
    """Trains what is left of a run and exports the model."""
    spec, fitted = found.spec, found.transform
    run_folder.claim(workdir, _MODEL.value, settings, spec, paths, _PRETRAINED.value)
    energies = np.unique(spec.incident_energy(found.head.condition))
    description = run_folder.description(_MODEL.value, energies)
    untrained = workdir / "saved_model_untrained"
    if not untrained.exists():
        export_simulator(model, spec, settings.mask, untrained, description)
    training = Training(
        settings, found.source, validation, spec, fitted, workdir, say=print
    )
    try:
        training.run(model, phases)
    except progress.NonFiniteError as error:
        sys.exit(f"train.py: {error}")
    except tf.errors.OpError as error:
        raise progress.explained(error, workdir) from None
    run_folder.save(model, workdir)
    export_simulator(model, spec, settings.mask, workdir / "saved_model", description)
    if _ONNX.value:
        agreement = onnx_model.export_onnx(
            workdir / "saved_model", workdir / "onnx", validation.condition
        )
        print(f"{workdir}/onnx/{onnx_model.FILE}: {agreement}")
    print(f"{workdir}/saved_model answers in {spec.unit}; look at it with\n"
          f"  python evaluate.py --workdir={workdir}")  # fmt: skip


main = command_line.main(_train)


if __name__ == "__main__":
    command_line.run(main)
