"""Compares a saved model with reference showers: python evaluate.py --workdir=DIR.

Choose between models with `--split=validation`; read the test split once, at the end.
"""

import os
import pathlib

# Many small matrices: threads that wait for each other cost more than they save.
# TensorFlow has threads of its own.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from models.core import command  # First: it silences the start of TensorFlow.

# isort: split

import h5py
import numpy as np
from absl import flags, logging

from data import readers
from data.spec import DetectorSpec
from metrics import measure, report
from metrics.comparison import Comparison
from metrics.groups import choose, strata
from metrics.observables import incident_energy
from metrics.simulator import SavedSimulator
from models.core.files import replacing

_ROOT = pathlib.Path(__file__).resolve().parent
_SAMPLE = _ROOT / "data/samples/hgcal_geant4.h5"

FLAGS = flags.FLAGS
flags.DEFINE_string("workdir", None, "Folder of a run; evaluates DIR/saved_model.")
flags.DEFINE_string("saved_model", None, "Folder of a SavedModel.")
flags.DEFINE_list("reference", str(_SAMPLE), "Files of reference showers.")
flags.DEFINE_string(
    "report", None, "Folder of the report; beside the model by default."
)
flags.DEFINE_integer("num", None, "Number of showers; all of the split by default.")
flags.DEFINE_enum("split", "test", [*readers.SPLITS, "all"], "Events compared with.")
flags.DEFINE_integer("seed", 0, "Seed of generation, resampling and classifiers.")


def _reference(spec: DetectorSpec) -> tuple[readers.Sample, str]:
    """Reads the reference, its split and `--num` showers of it, energies equally."""
    split = FLAGS.split if readers.splits(FLAGS.reference) else "all"
    sample = readers.read(
        FLAGS.reference, spec, split=None if split == "all" else split
    )
    number = len(sample) if FLAGS.num is None else FLAGS.num
    if not 2 <= number <= len(sample):
        raise ValueError(
            f"--num={number}: the reference has {len(sample)} showers in split "
            f"{split!r}; give 2 to {len(sample)} or a larger --reference"
        )
    if sample.weight is not None:
        raise ValueError(
            f"{FLAGS.reference[0]}: weighted showers cannot be compared yet"
        )
    groups = strata(incident_energy(spec, sample.condition))
    chosen = choose(groups, number, FLAGS.seed)
    return readers.Sample(sample.response[chosen], sample.condition[chosen]), split


def _generator() -> str:
    """Returns the program that made the reference, as its file says."""
    path = FLAGS.reference[0]
    if not h5py.is_hdf5(path):
        return "reference"
    with h5py.File(path) as file:
        return str(file.attrs.get("generator", "reference"))


def _shown(path: str | pathlib.Path) -> str:
    """Writes a path inside the repository without the folder where that is."""
    full = pathlib.Path(path).resolve()
    return str(full.relative_to(_ROOT) if full.is_relative_to(_ROOT) else path)


def _evaluate() -> None:
    if (FLAGS.workdir is None) == (FLAGS.saved_model is None):
        raise ValueError("give either --workdir=DIR or --saved_model=DIR")
    model = pathlib.Path(FLAGS.saved_model or f"{FLAGS.workdir}/saved_model")
    folder = pathlib.Path(FLAGS.report or model.parent / "report")
    report.check_folder(folder)
    spec = readers.detect(FLAGS.reference)
    simulator = SavedSimulator(model, spec)
    sample, split = _reference(spec)

    def compare(with_model: SavedSimulator) -> Comparison:
        generated = with_model(sample.condition, FLAGS.seed)
        trained = with_model.trained_energies_gev
        return Comparison(
            spec, simulator.mask, sample.condition, sample.response, generated, trained
        )

    comparison = compare(simulator)
    untrained = None
    before = model.parent / "saved_model_untrained"
    if before.is_dir():
        untrained = compare(SavedSimulator(before, spec))
    facts = {
        "model": simulator.name,
        "saved_model": _shown(model),
        "detector": spec.name,
        "reference_name": _generator(),
        "reference": ", ".join(map(_shown, FLAGS.reference)),
        "split": split,
        "events": len(sample),
        "mask": simulator.mask,
        "accepted_cells": int(comparison.accepted.sum()),
        "outside_domain": int(np.sum(~np.asarray(spec.in_domain(sample.condition)))),
        "seed": FLAGS.seed,
    }
    result = measure.everything(comparison, facts, FLAGS.seed, untrained)
    print(*report.table(result), *report.summary(result), sep="\n")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with replacing(folder) as temporary:
        report.write(result, temporary)
    print(f"report: {folder / 'index.html'}")


def main(_: list[str]) -> None:
    """Runs the evaluation; a user's mistake ends in one line and status 2."""
    logging.set_verbosity(logging.WARNING)
    try:
        _evaluate()
    except (ValueError, OSError) as error:
        command.refuse(error)


if __name__ == "__main__":
    command.run(main)
