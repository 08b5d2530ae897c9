"""What a generator learns whose dead cells are not masked.

    python -m benchmarks.dead_cells --folder=runs/dead_cells

Trains `wgan_constrained` twice with the same seed, data and number of steps. Geant4's
showers have their dead cells emptied in both. In the first network the generator's dead
cells are set to zero, in the second they are not, so that it has to learn that they are
empty. Both are compared with Geant4's showers of the test split, all cells counted.

Figures in `FOLDER`: the costs of both trainings, the cells hit at 90 GeV, mean
observables against the beam energy, means and widths of all observables, and
correlations of the layer energies. The same command goes on where it was stopped.

It repeats the slides "Do dead areas need to be masked?" of T. Quast, 19 February 2019.
"""

import dataclasses
import pathlib
from collections.abc import Mapping

from benchmarks.shared import setup  # First: it silences the start of TensorFlow.

# isort: split

import matplotlib
import numpy as np
from absl import flags

from benchmarks.shared import dead_cell_figures, trained
from benchmarks.shared.dead_cell_figures import Trained
from common.atomic_files import replacing
from metrics.evaluation.saved_model import history_of
from metrics.observables import calorimeter, layered
from metrics.report.figures import canvas
from metrics.showers.shower_pairs import Comparison, within_energy_bins
from metrics.statistics.resampling import Metric

_MODEL = "wgan_constrained"
_VARIANTS = {"masked": "true", "not masked": "false"}


@dataclasses.dataclass(frozen=True)
class MaskMeasured:
    """What is printed of a training.

    Attributes:
        dead_energy: Part of the energy in dead cells.
        dead_hits: Hits in dead cells, of a shower.
        correlation: Largest difference of a correlation of layer energies.
        distances: W1 of the observables in standard deviations.
    """

    dead_energy: float
    dead_hits: float
    correlation: float
    distances: Mapping[str, Metric]


def compared(
    workdir: pathlib.Path, split: str, num: int
) -> tuple[Comparison, Mapping[str, np.ndarray]]:
    """Compares a trained model with Geant4's showers with empty dead cells.

    Args:
        workdir: Folder of the run.
        split: Split of the sample in the repository.
        num: Largest number of showers.

    Returns:
        The comparison, in which all cells count, and the history of the training.
    """
    spec, mask, condition, reference, generated = trained.simulated(
        workdir, split, num, "hgcal"
    )
    reference = np.where(spec.acceptance(mask), reference, np.float32(0.0))
    pair = Comparison(spec, "mask_full", condition, reference, generated)
    return pair, history_of(workdir / "history.csv")


def measured(comparison: Comparison) -> MaskMeasured:
    """Measures dead cells, correlations and observables.

    Args:
        comparison: From `compared`.
    """
    dead = comparison.spec.dead_cells
    cells = comparison.generated[:, dead]
    matrices = [
        calorimeter.correlation_matrix(within_energy_bins(comparison, energies))
        for energies in comparison.both(layered.layer_energies)
    ]
    return MaskMeasured(
        float(cells.sum(dtype=np.float64) / comparison.generated.sum(dtype=np.float64)),
        float((cells > 0.0).sum(axis=1).mean()),
        float(np.abs(matrices[0] - matrices[1]).max()),
        {
            one.name: trained.distance(comparison, one.name)
            for one in comparison.observables
        },
    )


def lines(found: Mapping[str, MaskMeasured]) -> list[str]:
    """Writes the table.

    Args:
        found: Of every training.
    """
    first = next(iter(found.values()))
    rows = [
        ["", *found, "floor"],
        ["---"] * (len(found) + 2),
        ["energy in dead cells", *(f"{m.dead_energy:.2%}" for m in found.values()), ""],
        ["hits in dead cells", *(f"{m.dead_hits:.2f}" for m in found.values()), ""],
        ["largest difference of correlations of layers",
         *(f"{m.correlation:.3f}" for m in found.values()), ""],
    ]  # fmt: skip
    for name, floor in first.distances.items():
        of_name = [m.distances[name] for m in found.values()]
        rows.append(
            [
                f"W1 of `{name}`",
                *(f"{one.value:.3f} ± {one.uncertainty:.3f}" for one in of_name),
                f"{floor.floor:.3f} ± {floor.floor_uncertainty:.3f}",
            ]
        )
    return [f"| {' | '.join(row)} |" for row in rows]


def _run() -> None:
    setup.use_threads(2)
    folder = pathlib.Path(flags.FLAGS.folder)
    settings = {"steps": flags.FLAGS.steps} if flags.FLAGS.steps else {}
    found: dict[str, Trained] = {}
    for name, switch in _VARIANTS.items():
        workdir = folder / name.replace(" ", "_")
        trained.train(
            f"{_MODEL}/{flags.FLAGS.preset}", workdir, flags.FLAGS.seed,
            {**settings, "mask_generator": switch}, "hgcal",
        )  # fmt: skip
        pair, history = compared(workdir, flags.FLAGS.split, flags.FLAGS.num)
        found[name] = Trained(pair, history)
    numbers = {name: measured(one.comparison) for name, one in found.items()}
    size = len(next(iter(found.values())).comparison)
    print(f"{size:,} {flags.FLAGS.split} showers, all cells counted")
    print("\n".join(lines(numbers)))
    matplotlib.use("Agg")
    with canvas.style():
        for name, draw in dead_cell_figures.FIGURES.items():
            path = folder / f"{name}.png"
            with replacing(path) as temporary:
                draw(found).savefig(temporary, format="png", dpi=90)
            print(f"figure: {path}")
    setup.write_json(
        flags.FLAGS.json,
        {
            name: {
                **dataclasses.asdict(one),
                "distances": {key: m.value for key, m in one.distances.items()},
            }
            for name, one in numbers.items()
        },
    )


if __name__ == "__main__":
    flags.DEFINE_string("preset", "cpu", "Preset of wgan_constrained.")
    flags.DEFINE_integer("steps", None, "Generator steps, else the preset's.", 1)
    flags.DEFINE_integer("seed", 1, "Of both trainings.", lower_bound=0)
    flags.DEFINE_enum(
        "split", "test", ["test", "validation"], "Split that is compared."
    )
    flags.DEFINE_integer("num", 5000, "Largest number of showers.", lower_bound=100)
    flags.DEFINE_string("folder", "runs/dead_cells", "Folder of both runs.")
    flags.DEFINE_string("json", None, "File to write the result to.")
    setup.run(_run)
