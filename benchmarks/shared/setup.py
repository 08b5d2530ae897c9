"""The common parts of the commands: flags, threads, data and error messages."""

import dataclasses
import json
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

from common import command_line as script  # First: it silences TensorFlow's start.

# isort: split

import keras
import tensorflow as tf
from absl import flags

import models
from common.atomic_files import replacing
from data.detectors.spec import DetectorSpec
from data.files import readers
from data.samples.bundled import sample_of
from models.training import config, training_inputs
from models.training.seeded_model import SimulatingModel

SIMULATE = "SavedModel simulate"
"""The row of `benchmarks.inference` that its JSON and the zoo table call by name."""


@dataclasses.dataclass(frozen=True, eq=False)
class Subject:
    """A freshly built model of the zoo, with its configuration and data.

    Attributes:
        model: Compiled, with random weights: speed does not depend on them.
        settings: The entry's Config.
        spec: The detector.
        source: Its training events.
        data: The file that they are in.
    """

    model: SimulatingModel
    settings: Any
    spec: DetectorSpec
    source: readers.Source
    data: str


def define_common_flags() -> None:
    """Defines --threads, --repeats and --json; not at import, where names collide."""
    flags.DEFINE_integer("threads", 2, "Threads of a single operation.", lower_bound=1)
    flags.DEFINE_integer("repeats", 20, "Samples of each measurement.", lower_bound=1)
    flags.DEFINE_string("json", None, "File to write the result to.")


def use_threads(threads: int, workers: int = 1) -> None:
    """Sets the number of TensorFlow's threads; before its first operation.

    Args:
        threads: How many there are.
        workers: How many operations run beside each other, each with its part of them.
    """
    tf.config.threading.set_intra_op_parallelism_threads(threads // workers)
    tf.config.threading.set_inter_op_parallelism_threads(threads)


def subject(
    name: str,
    data: str | pathlib.Path | None = None,
    assignments: Sequence[str] = (),
) -> Subject:
    """Builds a model as `train.py` does.

    Args:
        name: ENTRY or ENTRY/PRESET.
        data: Events to train on; the sample of the entry's detector by default.
        assignments: "name=value" texts, each changing one field of the Config.

    Raises:
        ValueError: If there is no such model or file.
    """
    entry, _, preset = name.partition("/")
    module = models.load(entry)
    settings = config.resolve(module, preset or "cpu", assignments)
    path = str(data or sample_of(module.DETECTOR))
    found = training_inputs.load(module, settings, [path])
    keras.utils.set_random_seed(settings.seed)
    model = module.build(settings, found.spec, found.transform)
    module.compile_model(model, settings)
    return Subject(model, settings, found.spec, found.source, path)


def keras_model(path: pathlib.Path) -> SimulatingModel:
    """Loads a model that `train.py` has written, in safe mode.

    Args:
        path: Its `model.keras`.

    Raises:
        ValueError: If it is not there or not of this version of the zoo.
    """
    for name in models.names():
        models.load(name)
    try:
        return keras.models.load_model(path)
    except (KeyError, OSError, TypeError, ValueError):
        # Keras explains over many pages that a class has other arguments by now.
        found = "is not of this version of the zoo" if path.exists() else "is missing"
        raise ValueError(f"{path} {found}") from None


def write_json(path: str | None, document: dict[str, Any]) -> None:
    """Writes a result, if the user wants it."""
    if path is None:
        return
    with replacing(pathlib.Path(path)) as temporary:
        temporary.write_text(json.dumps(document, indent=1) + "\n")


def run(work: Callable[[], None]) -> None:
    """Parses the flags and does the work: a user's mistake ends in one line, status 2.

    Args:
        work: What the benchmark does.
    """
    script.run(script.main(work))
