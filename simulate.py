"""Simulates reference responses: python simulate.py --detector=rich --num=N --output=F.

"rich" is a toy of two ring-imaging detectors, with background and sWeights; "ecal" is
Geant4, from requirements-geant4.txt, whose cells of 2 cm --cell_cm=6 sums to cells of
6 cm. The same options give the same numbers, however many jobs share the work.
"""

import dataclasses
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from common import command_line  # First: it silences the start of TensorFlow.

# isort: split

import keras
import numpy as np
from absl import flags
from numpy.typing import NDArray

from data import detectors
from data.detectors import particles
from data.detectors.summed_cells import cells_a_side, sum_cells, summed
from data.files import event_files, readers
from data.files.writers import Writer
from data.simulation.geant4 import ecal_showers, electrons
from data.simulation.rich import calibration_sample, toy

_SHOWERS_PER_PROCESS = 250
_LICENCE = "CC-BY-4.0"

FLAGS = flags.FLAGS
flags.DEFINE_enum("detector", None, ["ecal", "rich"], "What is simulated.")
flags.DEFINE_integer("num", None, "Number of events.", lower_bound=1)
flags.DEFINE_string("output", None, "File to write, canonical HDF5.")
flags.mark_flags_as_required(["detector", "num", "output"])
flags.DEFINE_integer("seed", 1, "Of all random numbers.", lower_bound=0)
flags.DEFINE_integer("jobs", 1, "Threads, or processes of Geant4.", lower_bound=1)
flags.DEFINE_list(
    "splits", ["0.6", "0.1", "0.3"], "Fractions of train, validation, test, one by one."
)
flags.DEFINE_list("species", list(particles.NAMES), "Of the tracks; only rich.")
flags.DEFINE_float(
    "background", 0.3, "Fraction of background, 0: no weights; only rich."
)
flags.DEFINE_float(
    "cell_cm", None, "Sums cells to larger ones of this side; only ecal."
)

Piece = tuple[readers.Sample, NDArray[np.float64] | None]


def _ends() -> NDArray[np.int64]:
    """Returns the number of the event after the last one of every split."""
    try:
        fractions = np.array([float(fraction) for fraction in FLAGS.splits])
    except ValueError:
        fractions = np.array([])
    names = readers.SPLITS
    if (
        len(fractions) != len(names)
        or (fractions < 0).any()
        or abs(fractions.sum() - 1) > 1e-9
    ):
        raise ValueError(
            f"--splits={','.join(FLAGS.splits)}: give the fractions of "
            f"{', '.join(names)}, which add up to 1, such as 0.6,0.1,0.3"
        )
    return np.round(np.cumsum(fractions) * FLAGS.num).astype(np.int64)


def _rich() -> tuple[dict[str, object], Iterator[Piece]]:
    candidates = calibration_sample.draw(
        FLAGS.num, FLAGS.seed, species=FLAGS.species, background=FLAGS.background
    )
    pieces = calibration_sample.pieces(candidates, FLAGS.seed, jobs=FLAGS.jobs)
    attributes = {
        "generator": "ring-imaging toy",
        "generator_version": toy.VERSION,
        "species": ", ".join(FLAGS.species),
        "background": FLAGS.background,
        "rounding": calibration_sample.ROUNDING,
    }
    return attributes, ((piece, None) for piece in pieces)


def _ecal() -> tuple[dict[str, object], Iterator[Piece]]:
    for name in ("species", "background"):
        if FLAGS[name].present:
            raise ValueError(f"--{name} belongs to --detector=rich; leave it out")
    condition = electrons.conditions(FLAGS.num, FLAGS.seed)
    starts = range(0, FLAGS.num, _SHOWERS_PER_PROCESS)
    words = np.random.SeedSequence(FLAGS.seed).generate_state(len(starts))

    def run(number: int) -> Piece:
        start = starts[number]
        chosen = condition[start : start + _SHOWERS_PER_PROCESS]
        try:
            response, cpu_s = ecal_showers.simulate(
                chosen, int(words[number] >> np.uint32(1))
            )
        except ChildProcessError as error:
            # An OSError, which the writer would take for one of its own.
            raise ValueError(str(error)) from error
        return readers.Sample(response, chosen), cpu_s

    def pieces() -> Iterator[Piece]:
        with ThreadPoolExecutor(FLAGS.jobs) as pool:
            yield from pool.map(run, range(len(starts)))

    attributes = {
        "generator": "Geant4",
        "generator_version": "11.4.1",
        "physics_list": "G4EmStandardPhysics",
        "production_cut_mm": 0.1,
    }
    return attributes, pieces()


def _run() -> None:
    if event_files.is_archive(FLAGS.output):
        raise ValueError(
            f"--output={FLAGS.output}: the file is HDF5, not a NumPy archive; let its "
            "name end in .h5"
        )
    ends = _ends()
    detector, number = detectors.get(FLAGS.detector), 1
    if FLAGS.cell_cm is not None:
        number = cells_a_side(detector, FLAGS.cell_cm)
        detector = summed(detector, FLAGS.cell_cm)
    attributes, pieces = {"ecal": _ecal, "rich": _rich}[FLAGS.detector]()
    attributes |= {"seed": FLAGS.seed, "licence": _LICENCE}
    names = np.repeat(readers.SPLITS, np.diff(ends, prepend=0))
    interval = 0.5 if sys.stdout.isatty() else 60.0
    bar = keras.utils.Progbar(FLAGS.num, unit_name="event", interval=interval)
    done = 0
    with Writer(FLAGS.output, detector, attributes=attributes, compression=9) as writer:
        for sample, cpu_s in pieces:
            stop = done + len(sample)
            if number > 1:
                response = sum_cells(sample.response, number)
                sample = dataclasses.replace(sample, response=response)
            writer.append(sample, split=names[done:stop], cpu_s=cpu_s)
            done = stop
            bar.update(done, finalize=done == FLAGS.num)
    counts = ", ".join(f"{n:,} {s}" for s, n in readers.splits(FLAGS.output).items())
    print(f"{FLAGS.output}: {counts}")


main = command_line.main(_run)


if __name__ == "__main__":
    command_line.run(main)
