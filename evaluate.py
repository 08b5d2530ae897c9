"""Compares generators with reference showers: python evaluate.py --workdir=DIR.

Several folders, --workdir=A,B, give a page that shows them side by side. Choose between
models with `--split=validation`; read the test split once, at the end.
"""

import dataclasses
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
from numpy.typing import NDArray

from data import readers
from data.spec import DetectorSpec
from metrics import features, measure, report, side_by_side
from metrics.comparison import Comparison
from metrics.groups import choose, strata
from metrics.observables import incident_energy
from metrics.results import Report
from metrics.simulator import SavedSimulator, detector_of
from metrics.stored import StoredResponses
from models.core.files import replacing

_ROOT = pathlib.Path(__file__).resolve().parent
_SAMPLES = _ROOT / "data/samples"

FLAGS = flags.FLAGS
flags.DEFINE_list(
    "workdir", None, "Folders of runs; evaluates DIR/saved_model of each."
)
flags.DEFINE_string("saved_model", None, "Folder of a SavedModel.")
flags.DEFINE_list("generated", None, "Files of responses, one per reference shower.")
flags.DEFINE_list(
    "reference", None, "Files of reference showers; or the detector's sample."
)
flags.DEFINE_string(
    "report", None, "Folder of the report; beside the model by default."
)
flags.DEFINE_integer("num", None, "Number of showers; all of the split by default.")
flags.DEFINE_enum("split", "test", [*readers.SPLITS, "all"], "Events compared with.")
flags.DEFINE_integer("seed", 0, "Seed of generation, resampling and classifiers.")
flags.DEFINE_integer("clusters", 400, "Clusters of the PRD.", lower_bound=2)
flags.DEFINE_enum("prd_mode", "standard", features.PRD_MODES, "Features of the PRD.")


@dataclasses.dataclass(frozen=True, eq=False)
class _Reference:
    """The reference showers, and those of them that are compared."""

    paths: list[str]
    spec: DetectorSpec
    whole: readers.Sample
    chosen: NDArray[np.intp]
    split: str
    training: readers.Sample | None

    @property
    def condition(self) -> NDArray[np.float32]:
        return self.whole.condition[self.chosen]


def _sample_of(detector: str) -> list[str]:
    """Returns the sample in the repository that holds a detector."""
    path = _SAMPLES / f"{detector}_geant4.h5"
    if not path.exists():
        known = ", ".join(sorted(file.name for file in _SAMPLES.glob("*.h5")))
        raise ValueError(
            f"no sample of detector {detector!r} comes with the repository ({known}); "
            "give --reference=FILE"
        )
    return [str(path)]


def _reference(where: pathlib.Path) -> _Reference:
    """Reads the reference, its split and `--num` showers of it, energies equally.

    Args:
        where: The model, or the file of responses, that is compared with it.
    """
    paths = FLAGS.reference
    if paths is None:
        stored = FLAGS.generated
        detector = readers.detect(stored).name if stored else detector_of(where)
        paths = _sample_of(detector)
    spec = readers.detect(paths)
    splits = readers.splits(paths)
    split = FLAGS.split if splits else "all"
    sample = readers.read(paths, spec, split=None if split == "all" else split)
    number = len(sample) if FLAGS.num is None else FLAGS.num
    if not 2 <= number <= len(sample):
        raise ValueError(
            f"--num={number}: the reference has {len(sample)} showers in split "
            f"{split!r}; give 2 to {len(sample)} or a larger --reference"
        )
    if sample.weight is not None:
        raise ValueError(f"{paths[0]}: weighted showers cannot be compared yet")
    groups = strata(incident_energy(spec, sample.condition))
    chosen = choose(groups, number, FLAGS.seed)
    training = None
    if "train" in splits and split not in ("train", "all"):
        training = readers.read(paths, spec, split="train")
    return _Reference(paths, spec, sample, chosen, split, training)


def _generator(path: str) -> str:
    """Returns the program that made the reference, as its file says."""
    if not h5py.is_hdf5(path):
        return "reference"
    with h5py.File(path) as file:
        return str(file.attrs.get("generator", "reference"))


def _shown(path: str | pathlib.Path) -> str:
    """Writes a path inside the repository without the folder where that is."""
    full = pathlib.Path(path).resolve()
    return str(full.relative_to(_ROOT) if full.is_relative_to(_ROOT) else path)


def _comparison(
    generator: SavedSimulator | StoredResponses, reference: _Reference
) -> Comparison:
    if isinstance(generator, SavedSimulator):
        generated = generator(reference.condition, FLAGS.seed)
    else:
        generated = generator.responses(reference.whole.condition, reference.chosen)
    return Comparison(
        reference.spec,
        generator.mask,
        reference.condition,
        reference.whole.response[reference.chosen],
        generated,
        generator.trained_energies_gev,
    )


def _evaluate(
    generator: SavedSimulator | StoredResponses,
    where: pathlib.Path,
    folder: pathlib.Path,
    reference: _Reference,
) -> Report:
    """Compares one generator with the reference and writes its report."""
    spec = reference.spec
    comparison = _comparison(generator, reference)
    untrained = None
    before = where.parent / "saved_model_untrained"
    if before.is_dir() and isinstance(generator, SavedSimulator):
        untrained = _comparison(SavedSimulator(before, spec), reference)
    in_domain = np.asarray(spec.in_domain(reference.condition))
    facts = {
        "model": generator.name,
        "saved_model": _shown(where),
        "detector": spec.name,
        "reference_name": _generator(reference.paths[0]),
        "reference": ", ".join(map(_shown, reference.paths)),
        "split": reference.split,
        "events": len(reference.chosen),
        "mask": generator.mask,
        "accepted_cells": int(comparison.accepted.sum()),
        "outside_domain": int(np.sum(~in_domain)),
        "seed": FLAGS.seed,
        "clusters": FLAGS.clusters,
        "prd_mode": FLAGS.prd_mode,
    }
    options = measure.Options(
        seed=FLAGS.seed,
        clusters=FLAGS.clusters,
        prd_mode=FLAGS.prd_mode,
    )
    training = None if reference.training is None else reference.training.response
    result = measure.everything(comparison, facts, options, untrained, training)
    print(*report.table(result), *report.summary(result), *result.notes, sep="\n")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with replacing(folder) as temporary:
        report.write(result, temporary)
    print(f"report: {folder / 'index.html'}")
    return result


def _run() -> None:
    given = [FLAGS.workdir, FLAGS.saved_model, FLAGS.generated]
    if sum(value is not None for value in given) != 1:
        raise ValueError(
            "give one of --workdir=DIR, --saved_model=DIR and --generated=FILE"
        )
    workdirs = [pathlib.Path(path) for path in FLAGS.workdir or ()]
    if len(set(workdirs)) < len(workdirs):
        raise ValueError(f"--workdir={','.join(FLAGS.workdir)}: a folder occurs twice")
    if len(workdirs) > 1:
        _run_side_by_side(workdirs)
        return
    if FLAGS.generated:
        where = pathlib.Path(FLAGS.generated[0])
    else:
        where = pathlib.Path(FLAGS.saved_model or workdirs[0] / "saved_model")
    folder = pathlib.Path(FLAGS.report or where.parent / "report")
    report.check_folder(folder)
    reference = _reference(where)
    if FLAGS.generated:
        _evaluate(
            StoredResponses(FLAGS.generated, reference.spec), where, folder, reference
        )
    else:
        _evaluate(SavedSimulator(where, reference.spec), where, folder, reference)


def _run_side_by_side(workdirs: list[pathlib.Path]) -> None:
    """Evaluates every run, then compares them."""
    together = pathlib.Path(FLAGS.report or "runs/comparison")
    for folder in (together, *(path / "report" for path in workdirs)):
        report.check_folder(folder)
    models = [path / "saved_model" for path in workdirs]
    reference = _reference(models[0])
    generators = [SavedSimulator(where, reference.spec) for where in models]
    runs = []
    for workdir, where, generator in zip(workdirs, models, generators, strict=True):
        result = _evaluate(generator, where, workdir / "report", reference)
        runs.append((str(workdir), report.as_json(result)))
    print(*side_by_side.table(runs), sep="\n")
    together.parent.mkdir(parents=True, exist_ok=True)
    with replacing(together) as temporary:
        side_by_side.write(runs, temporary)
    print(f"comparison: {together / 'index.html'}")


def main(_: list[str]) -> None:
    """Runs the evaluation; a user's mistake ends in one line and status 2."""
    logging.set_verbosity(logging.WARNING)
    try:
        _run()
    except (ValueError, OSError) as error:
        command.refuse(error)


if __name__ == "__main__":
    command.run(main)
