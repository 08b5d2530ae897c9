"""Simulates reference responses: python simulate.py --detector=rich --num=N --output=F.

"rich" is a toy of two ring-imaging detectors, with background and sWeights. "ecal",
"hgcal", "calogan" and "cylinder" are Geant4, from requirements-geant4.txt; --cell_cm=6
sums the ecal's cells of 2 cm to cells of 6 cm. The same options give the same numbers,
however many jobs share the work. Geant4's showers are kept in pieces in the folder
OUTPUT.pieces until the file is complete, so that the same command goes on after a kill.
"""

import dataclasses
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from common import command_line  # First: it silences the start of TensorFlow.

# isort: split

import keras
import numpy as np
from absl import flags
from numpy.typing import NDArray

from data import detectors
from data.detectors import particles
from data.detectors.spec import DetectorSpec
from data.detectors.summed_cells import cells_a_side, sum_cells, summed
from data.files import event_files, readers
from data.files.shower_formats.layout_writer import LayoutWriter
from data.files.writers import Writer
from data.simulation.geant4 import calogan_showers, child_task, setups
from data.simulation.geant4.pieces import Simulation
from data.simulation.rich import calibration_sample, toy

_LICENCE = "CC-BY-4.0"

FLAGS = flags.FLAGS
flags.DEFINE_enum("detector", None, [*setups.names(), "rich"], "What is simulated.")
flags.DEFINE_integer("num", None, "Number of events.", lower_bound=1)
flags.DEFINE_string(
    "output", None, "File to write, canonical HDF5; of calogan in CaloGAN's layout."
)
flags.mark_flags_as_required(["detector", "num", "output"])
flags.DEFINE_integer(
    "seed",
    1,
    "Of all random numbers.",
    lower_bound=0,
    upper_bound=child_task.LARGEST_SEED,
)
flags.DEFINE_integer("jobs", 1, "Threads, or processes of Geant4.", lower_bound=1)
flags.DEFINE_list(
    "splits", ["0.6", "0.1", "0.3"], "Fractions of train, validation, test, one by one."
)
flags.DEFINE_list(
    "energy_gev",
    None,
    "Lowest and highest kinetic energy [GeV], by default the detector's; not rich.",
)
flags.DEFINE_float(
    "impact_half_cm",
    None,
    "Half the side of the square that particles hit [cm]; only ecal and hgcal.",
    lower_bound=0.0,
)
flags.DEFINE_enum(
    "particle",
    None,
    list(child_task.PARTICLES),
    "What is shot, by default e+ in calogan and else e-; not rich.",
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


def _beam(setup: setups.Setup) -> setups.Beam:
    energy_gev = None
    if FLAGS.energy_gev is not None:
        try:
            low, high = (float(energy) for energy in FLAGS.energy_gev)
        except ValueError:
            raise ValueError(
                f"--energy_gev={','.join(FLAGS.energy_gev)}: give the lowest and the "
                "highest energy [GeV], such as 1,100"
            ) from None
        energy_gev = (low, high)
    return setup.beam(FLAGS.particle, energy_gev, FLAGS.impact_half_cm)


def _geant4() -> tuple[dict[str, object], Simulation]:
    setup = setups.get(FLAGS.detector)
    beam = _beam(setup)
    folder = Path(f"{FLAGS.output}.pieces")
    simulation = Simulation(setup, beam, FLAGS.num, FLAGS.seed, folder)
    attributes: dict[str, object] = {
        "generator": "Geant4",
        "generator_version": "11.4.1",
        "physics_list": "G4EmStandardPhysics",
        "production_cut_mm": setup.production_cut_mm,
        "particle": beam.particle,
        "energy_gev": beam.energy_gev,
    }
    if beam.impact_half_cm is not None:
        attributes["impact_half_cm"] = beam.impact_half_cm
    return attributes, simulation


def _refuse_foreign_flags() -> None:
    """Refuses flags that say nothing about this detector."""
    foreign = dict.fromkeys(("species", "background"), "--detector=rich")
    if FLAGS.detector == "rich":
        geant4 = f"--detector={', '.join(setups.names())}"
        foreign = dict.fromkeys(("energy_gev", "impact_half_cm", "particle"), geant4)
    elif FLAGS.detector == "calogan":
        layout = "canonical files, and CaloGAN's layout is none"
        foreign |= dict.fromkeys(("splits", "cell_cm"), layout)
    for name, owner in foreign.items():
        if FLAGS[name].present:
            raise ValueError(f"--{name} belongs to {owner}; leave it out")


def _bar() -> Callable[[int], None]:
    """Shows how many events are done, each time that it is told."""
    interval = 0.5 if sys.stdout.isatty() else 60.0
    bar = keras.utils.Progbar(FLAGS.num, unit_name="event", interval=interval)
    return lambda done: bar.update(done, finalize=done == FLAGS.num)


def _granularity(detector: DetectorSpec) -> tuple[DetectorSpec, int]:
    """Returns the detector that is written, and how many cells a side it sums."""
    if FLAGS.cell_cm is None:
        return detector, 1
    return summed(detector, FLAGS.cell_cm), cells_a_side(detector, FLAGS.cell_cm)


def _write(
    detector: DetectorSpec,
    attributes: dict[str, object],
    pieces: Iterator[Piece],
    show: Callable[[int], None],
) -> None:
    """Writes a canonical file."""
    names = np.repeat(readers.SPLITS, np.diff(_ends(), prepend=0))
    detector, number = _granularity(detector)
    done = 0
    with Writer(FLAGS.output, detector, attributes=attributes, compression=9) as writer:
        for sample, cpu_s in pieces:
            stop = done + len(sample)
            if number > 1:
                response = sum_cells(sample.response, number)
                sample = dataclasses.replace(sample, response=response)
            writer.append(sample, split=names[done:stop], cpu_s=cpu_s)
            done = stop
            show(done)
    counts = ", ".join(f"{n:,} {s}" for s, n in readers.splits(FLAGS.output).items())
    print(f"{FLAGS.output}: {counts}")


def _write_geant4(common: dict[str, object]) -> None:
    """Simulates first, so that a kill leaves nothing but pieces, and writes then."""
    attributes, simulation = _geant4()
    attributes |= common
    detector = None
    if FLAGS.detector != "calogan":
        detector = simulation.setup.spec(simulation.beam)
        # What they refuse is refused before the simulation.
        _granularity(detector)
        _ends()
    with simulation.alone():
        simulation.run(FLAGS.jobs, _bar())
        _write_pieces(attributes, simulation, detector)
        simulation.remove()


def _write_pieces(
    attributes: dict[str, object],
    simulation: Simulation,
    detector: DetectorSpec | None,
) -> None:
    """Writes the events of all pieces, without a detector in CaloGAN's layout."""
    pieces = simulation.pieces()
    if detector is None:
        detector = detectors.get("calogan")
        with LayoutWriter(
            FLAGS.output, "calogan", detector, attributes=attributes
        ) as writer:
            for one in pieces:
                sample = calogan_showers.sample_of_arrays(one)
                writer.append(sample, one["overflow"], one["cpu_s"])
        print(f"{FLAGS.output}: {FLAGS.num:,} events")
        return
    samples = (
        (readers.Sample(one["response"], one["condition"]), one["cpu_s"])
        for one in pieces
    )
    _write(detector, attributes, samples, lambda _: None)


def _run() -> None:
    if event_files.is_archive(FLAGS.output):
        raise ValueError(
            f"--output={FLAGS.output}: the file is HDF5, not a NumPy archive; let its "
            "name end in .h5"
        )
    _refuse_foreign_flags()
    common: dict[str, object] = {"seed": FLAGS.seed, "licence": _LICENCE}
    if FLAGS.detector != "rich":
        _write_geant4(common)
        return
    attributes, pieces = _rich()
    _write(detectors.get("rich"), attributes | common, pieces, _bar())


main = command_line.main(_run)


if __name__ == "__main__":
    command_line.run(main)
