"""Compares generators with reference events: python evaluate.py --workdir=DIR.

Several folders, --workdir=A,B, give a page that shows them side by side. Choose between
models with `--split=validation`; read the test split once, at the end.
"""

import pathlib
from typing import Any

from common import command_line  # First: it silences the start of TensorFlow.

# isort: split

import numpy as np
from absl import flags

from common import process_lock
from common.atomic_files import replacing
from data.detectors.spec import DetectorSpec
from data.detectors.summed_cells import summed
from data.files import readers
from data.files.shower_formats.binning_xml import Binning, read_binning
from data.samples.bundled import sample_of
from metrics.evaluation import event_kinds
from metrics.evaluation.generator import Generator
from metrics.evaluation.pretrained_models import pretrained_path
from metrics.evaluation.reference import Reference
from metrics.evaluation.saved_model import SavedSimulator, detector_of, species_of
from metrics.evaluation.stored_file import ENERGIES_APART, StoredResponses
from metrics.report import model_comparison, shower_report
from metrics.showers import measure_showers, physics_features
from metrics.showers.classifiers.calochallenge import Judge, announcement

_ROOT = pathlib.Path(__file__).resolve().parent

FLAGS = flags.FLAGS
flags.DEFINE_list(
    "workdir", None, "Folders of runs; evaluates DIR/saved_model of each."
)
flags.DEFINE_string("saved_model", None, "Folder of a SavedModel.")
flags.DEFINE_string(
    "pretrained", None, "Name of a model in pretrained/; report in runs/NAME."
)
flags.DEFINE_list("generated", None, "Files of responses, one per reference event.")
flags.DEFINE_list(
    "reference", None, "Files of reference events; or the detector's sample."
)
flags.DEFINE_string(
    "report", None, "Folder of the report; beside the model by default."
)
flags.DEFINE_integer("num", None, "Number of events; all of the split by default.")
flags.DEFINE_enum("split", "test", [*readers.SPLITS, "all"], "Events compared with.")
flags.DEFINE_integer("seed", 0, "Seed of generation, resampling and classifiers.")
flags.DEFINE_integer("clusters", 400, "Clusters of the PRD.", lower_bound=2)
flags.DEFINE_bool("calochallenge", False, "Runs the CaloChallenge's tests; takes long.")
flags.DEFINE_integer("calochallenge_runs", 3, "Runs of each of them.", lower_bound=3)
flags.DEFINE_enum(
    "prd_mode", "standard", physics_features.PRD_MODES, "Features of the PRD."
)
flags.DEFINE_float(
    "threshold", 0.0, "Readout threshold of the cells, both sides.", lower_bound=0.0
)
flags.DEFINE_float(
    "cell_cm", None, "Sums cells to larger ones of this side, both sides; 6 for 6 cm."
)
flags.DEFINE_string(
    "binning", None, "XML of the voxels of files of the CaloChallenge or of Par04."
)
flags.DEFINE_string("particle", None, "Particle of the binning, if it has several.")
flags.DEFINE_bool(
    "quick", False, "Ask a small network about the cells: seconds, not minutes."
)


def _reference(where: pathlib.Path) -> Reference:
    """Reads the reference, its split and `--num` events of it.

    Args:
        where: The model, or the file of responses, that is compared with it.
    """
    paths, stored, binning = FLAGS.reference, FLAGS.generated, _binning()
    if paths is None:
        found = readers.detect(stored, binning).name if stored else detector_of(where)
        paths = [sample_of(found)]
    with readers.Dataset(paths, binning) as dataset:
        kind = event_kinds.of(dataset.spec)
        kind.check(dataset.spec, [name for name in FLAGS if FLAGS[name].present])
        _compared(dataset.spec)  # Refused before anything is generated.
        species = None if stored else species_of(where)
        wanted = event_kinds.Selection(FLAGS.split, FLAGS.num, FLAGS.seed, species)
        return kind.read(dataset, wanted)


def _binning() -> Binning | None:
    """Reads the voxels of the CaloChallenge; None if they are not given."""
    if FLAGS.binning is None:
        if FLAGS.particle is not None:
            raise ValueError(
                f"--particle={FLAGS.particle}: a part of a binning; give --binning too"
            )
        return None
    return read_binning(FLAGS.binning, FLAGS.particle)


def _compared(spec: DetectorSpec) -> DetectorSpec:
    """Returns the detector whose cells are compared."""
    return spec if FLAGS.cell_cm is None else summed(spec, FLAGS.cell_cm)


def _shown(path: str | pathlib.Path) -> str:
    """Writes a path inside the repository without the folder where that is."""
    full = pathlib.Path(path).resolve()
    return str(full.relative_to(_ROOT) if full.is_relative_to(_ROOT) else path)


def _evaluate(
    generator: Generator,
    where: pathlib.Path,
    folder: pathlib.Path,
    events: Reference,
) -> dict[str, Any]:
    """Compares one generator with the reference and writes its report.

    Returns:
        The content of metrics.json.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = folder.with_name(f".{folder.name}{process_lock.LOCK}")
    with process_lock.alone(lock, "give another --report"):
        return _compare(generator, where, folder, events)


def _compare(
    generator: Generator,
    where: pathlib.Path,
    folder: pathlib.Path,
    events: Reference,
) -> dict[str, Any]:
    spec = events.spec
    before = where.parent / "saved_model_untrained"
    untrained = None
    if before.is_dir() and not FLAGS.generated:
        untrained = SavedSimulator(before, spec)
    in_domain = np.asarray(spec.in_domain(events.condition))
    facts = {
        "model": generator.name,
        "saved_model": _shown(where),
        "detector": spec.name,
        "reference_name": events.generator,
        "reference": ", ".join(map(_shown, events.paths)),
        "split": events.split,
        "events": len(events.chosen),
        "outside_domain": int(np.sum(~in_domain)),
        "seed": FLAGS.seed,
    }
    judge = Judge(FLAGS.calochallenge_runs) if FLAGS.calochallenge else None
    if judge is not None:
        cells = int(_compared(spec).cells.sum())
        print(announcement(len(events.chosen), cells, judge), flush=True)
    options = measure_showers.MeasurementOptions(
        seed=FLAGS.seed,
        clusters=FLAGS.clusters,
        prd_mode=FLAGS.prd_mode,
        judge=judge,
        quick=FLAGS.quick,
        threshold=FLAGS.threshold,
        cell_cm=FLAGS.cell_cm,
    )
    found = event_kinds.of(spec).compare(events, generator, untrained, facts, options)
    print(*found.lines, sep="\n")
    with replacing(folder) as temporary:
        found.write(temporary)
    print(f"report: {folder / 'index.html'}")
    return found.content


def _run() -> None:
    given = [FLAGS.workdir, FLAGS.saved_model, FLAGS.pretrained, FLAGS.generated]
    if sum(value is not None for value in given) != 1:
        raise ValueError(
            "give one of --workdir=DIR, --saved_model=DIR, --pretrained=NAME and "
            "--generated=FILE"
        )
    workdirs = [pathlib.Path(path) for path in FLAGS.workdir or ()]
    if len(set(workdirs)) < len(workdirs):
        raise ValueError(f"--workdir={','.join(FLAGS.workdir)}: a folder occurs twice")
    if len(workdirs) > 1:
        _run_side_by_side(workdirs)
        return
    if FLAGS.generated:
        where = pathlib.Path(FLAGS.generated[0])
    elif FLAGS.pretrained:
        where = pretrained_path(FLAGS.pretrained)
    else:
        where = pathlib.Path(FLAGS.saved_model or workdirs[0] / "saved_model")
    # Nothing is written into pretrained/ unasked: it belongs to the repository.
    beside = (
        pathlib.Path("runs", FLAGS.pretrained) if FLAGS.pretrained else where.parent
    )
    folder = pathlib.Path(FLAGS.report or beside / "report")
    shower_report.check_folder(folder)
    events = _reference(where)
    if FLAGS.generated:
        stored = StoredResponses(FLAGS.generated, events.spec, _binning())
        paired = stored.paired(events)
        if paired is not events:
            print(
                f"{stored.name}: has an order or energies of its own; "
                f"{len(paired.chosen):,} of {len(events.chosen):,} reference showers "
                f"have a shower within {ENERGIES_APART:.1%} of their incident energy, "
                "and are compared",
                flush=True,
            )
        _evaluate(stored, where, folder, paired)
    else:
        _evaluate(SavedSimulator(where, events.spec), where, folder, events)


def _run_side_by_side(workdirs: list[pathlib.Path]) -> None:
    """Evaluates every run, then compares them."""
    together = pathlib.Path(FLAGS.report or "runs/comparison")
    for folder in (together, *(path / "report" for path in workdirs)):
        shower_report.check_folder(folder)
    models = [path / "saved_model" for path in workdirs]
    events = _reference(models[0])
    _refuse_other_species(models)
    generators = [SavedSimulator(where, events.spec) for where in models]
    runs = []
    for workdir, where, generator in zip(workdirs, models, generators, strict=True):
        content = _evaluate(generator, where, workdir / "report", events)
        runs.append((str(workdir), content))
    print(*model_comparison.table(runs), sep="\n")
    together.parent.mkdir(parents=True, exist_ok=True)
    with replacing(together) as temporary:
        model_comparison.write(runs, temporary)
    print(f"comparison: {together / 'index.html'}")


def _refuse_other_species(models: list[pathlib.Path]) -> None:
    """Refuses models of which one was trained on other species than the first."""
    expected = species_of(models[0])
    for where in models[1:]:
        if species_of(where) != expected:
            raise ValueError(
                f"{models[0]} simulates {', '.join(expected)}, {where} "
                f"{', '.join(species_of(where))}: evaluate them one by one"
            )


main = command_line.main(_run)


if __name__ == "__main__":
    command_line.run(main)
