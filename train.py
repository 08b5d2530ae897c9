"""Trains a model of the zoo: python train.py --model=wgan_constrained.

The same command again continues a run that was stopped, bit for bit.
"""

import contextlib
import pathlib
import shlex
import sys
from collections.abc import Iterator
from typing import Any

from common import command_line  # First: it silences the start of TensorFlow.

# isort: split

import keras
import numpy as np
import tensorflow as tf
from absl import flags
from numpy.typing import NDArray

import models
from common import process_lock
from data.detectors.spec import DetectorSpec
from data.files import readers
from data.samples.bundled import sample_of
from metrics.evaluation.pretrained_models import pretrained_path
from models.training import config, progress, run_folder, training_inputs, warm_start
from models.training.contract import Entry, Simulator, phases_of
from models.training.distributed import cluster, replica_loop
from models.training.exports import onnx_model
from models.training.exports.simulator_export import export_simulator
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
_PRECISION = flags.DEFINE_enum(
    "precision", None, config.PRECISIONS, "Of matrix products; or as configured."
)
_STRATEGY = flags.DEFINE_enum(
    "strategy", "none", ["none", "mirrored", "multiworker"],
    "Trains on one device, on all GPUs of this machine, or on the workers of TF_CONFIG "
    "(docs/cluster.md); --batch_size is that of all of them together.",
)  # fmt: skip
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
    for flag in (_BATCH_SIZE, _SEED, _STEPS, _PRECISION):
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
    command_line.prepare_training()
    keras.utils.set_random_seed(settings.seed)
    try:
        with cluster.noticing_losses(_STRATEGY.value):
            strategy = cluster.strategy(_STRATEGY.value)
            _train_on(strategy, entry, module, settings)
    except cluster.WorkerLostError as error:
        sys.exit(f"train.py: {error}")


def _train_on(
    strategy: tf.distribute.Strategy,
    entry: str,
    module: Entry,
    settings: config.TrainingConfig,
) -> None:
    # Only now: the workers must meet before the first operation.
    command_line.multiply_in(settings.precision)
    cluster.check_batch(settings.batch_size, strategy)
    chief = cluster.is_chief(strategy)
    workdir = pathlib.Path(_WORKDIR.value or f"runs/{entry}")
    paths = [sample_of(module.DETECTOR)] if _DATA.value is None else _DATA.value
    found = training_inputs.load(module, settings, paths)
    spec, fitted = found.spec, found.transform
    if chief:
        found.source.check()
    validation = readers.read(paths, spec, split="validation", where=found.select)
    with strategy.scope():
        model = module.build(settings, spec, fitted)
        module.compile_model(model, settings)
        if _PRETRAINED.value is not None:
            warm_start.begin_with(model, pretrained_path(_PRETRAINED.value))
        phases = phases_of(module, model, settings)
    # Only now: settings that could not be built leave no folder behind.
    with _alone_in(workdir) if chief else contextlib.nullcontext():
        energies = np.unique(spec.incident_energy(found.head.condition))
        description = run_folder.description(_MODEL.value, energies)
        if chief:
            given = paths, _PRETRAINED.value
            run_folder.claim(workdir, _MODEL.value, settings, spec, *given)
            if replica_loop.is_needed(strategy) and run_folder.has_old_noise(workdir):
                print(
                    f"{workdir} was begun before replicas shared one noise: if it ran "
                    "on several devices, it goes on with other random numbers"
                )
            untrained = workdir / "saved_model_untrained"
            if not untrained.exists():
                export_simulator(model, spec, settings.mask, untrained, description)
        training = Training(
            settings, found.source, validation, spec, fitted, workdir,
            say=print if chief else _silent,
        )  # fmt: skip
        try:
            training.run(model, phases)
        except progress.NonFiniteError as error:
            sys.exit(f"train.py: {error}")
        except tf.errors.OpError as error:
            raise progress.explained(error, workdir) from None
        if chief:
            _leave(model, spec, settings, workdir, description, validation.condition)
    # A worker that ended now would look lost to the chief, which still writes.
    replica_loop.wait_for_all(strategy)


@contextlib.contextmanager
def _alone_in(workdir: pathlib.Path) -> Iterator[None]:
    """Makes the folder of a run, and refuses a second process in it."""
    workdir.mkdir(parents=True, exist_ok=True)
    with process_lock.alone(workdir / process_lock.LOCK, "choose another --workdir"):
        yield


def _silent(_: str) -> None:
    """Says nothing: of several workers only the chief tells what begins."""


def _leave(
    model: Simulator,
    spec: DetectorSpec,
    settings: config.TrainingConfig,
    workdir: pathlib.Path,
    description: dict[str, Any],
    condition: NDArray[np.float32],
) -> None:
    """Writes what a finished run leaves behind, and says where."""
    run_folder.save(model, workdir)
    export_simulator(model, spec, settings.mask, workdir / "saved_model", description)
    if _ONNX.value:
        agreement = onnx_model.export_onnx(
            workdir / "saved_model", workdir / "onnx", condition
        )
        print(f"{workdir}/onnx/{onnx_model.FILE}: {agreement}")
    print(f"{workdir}/saved_model answers in {spec.unit}; look at it with\n"
          f"  python evaluate.py --workdir={shlex.quote(str(workdir))}")  # fmt: skip


main = command_line.main(_train)


if __name__ == "__main__":
    with cluster.leaving_at_once():
        command_line.run(main)
