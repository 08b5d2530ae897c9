"""Networks with and without a mask of the dead cells: numbers and figures."""

import numpy as np
import pytest

from benchmarks import dead_cells
from benchmarks.shared import dead_cell_figures
from benchmarks.shared.dead_cell_figures import Trained
from data import detectors
from metrics.showers.shower_pairs import Comparison
from tests import synthetic

SPEC = detectors.get("hgcal")
DEAD = SPEC.dead_cells
ENERGIES = (20.0, 90.0)


@pytest.fixture(scope="module")
def found():
    """Two trainings: dead cells empty, and as full as the cells beside them."""
    sample = synthetic.sample(SPEC, 80)
    condition = sample.condition.copy()
    condition[:, 0] = np.resize(ENERGIES, len(condition))
    reference = sample.response * ~DEAD
    generated = np.roll(reference, 2, axis=0)
    leaking = generated + DEAD * np.float32(0.5)
    epochs = np.arange(3.0)
    history = {"critic_loss": -epochs, "generator_loss": epochs}
    return {
        name: Trained(
            Comparison(SPEC, "mask_full", condition, reference, showers), history
        )
        for name, showers in (("masked", generated), ("not masked", leaking))
    }


def test_energy_and_hits_of_dead_cells_are_counted(found):
    masked, leaking = (dead_cells.measured(one.comparison) for one in found.values())
    assert masked.dead_energy == 0.0 == masked.dead_hits
    assert leaking.dead_hits == DEAD.sum()
    total = found["not masked"].comparison.generated.sum(axis=(1, 2, 3))
    assert leaking.dead_energy == pytest.approx(0.5 * DEAD.sum() / total.mean(), 1e-4)
    name = "number_of_hits"
    assert leaking.distances[name].value > masked.distances[name].value


def test_the_table_has_both_trainings_and_the_floor(found):
    numbers = {n: dead_cells.measured(one.comparison) for n, one in found.items()}
    lines = dead_cells.lines(numbers)
    assert lines[0] == "|  | masked | not masked | floor |"
    assert len({line.count("|") for line in lines}) == 1
    assert "0.00%" in lines[2]


def test_the_map_at_90_gev_shows_hits_in_dead_cells(found):
    drawing = dead_cell_figures.occupancy(found)
    titles = [axes.get_ylabel().partition("\n")[0] for axes in drawing.axes]
    assert [title for title in titles if title in ("Geant4", *found)] == [
        "Geant4", "masked", "not masked",
    ]  # fmt: skip


@pytest.mark.parametrize("name", sorted(dead_cell_figures.FIGURES))
def test_every_figure_can_be_drawn(found, name, tmp_path):
    dead_cell_figures.FIGURES[name](found).savefig(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 5000


def test_a_shift_and_a_width_are_those_at_equal_energy():
    condition = np.zeros((8, 3), np.float32)
    condition[:, 0] = np.repeat(ENERGIES, 4)
    reference = np.zeros((8, *SPEC.shape), np.float32)
    place = tuple(np.argwhere(SPEC.cells)[0])
    reference[(slice(None), *place)] = [1.0, 3.0, 1.0, 3.0, 10.0, 30.0, 10.0, 30.0]
    compared = Comparison(SPEC, "mask_full", condition, reference, 2.0 * reference)
    shift, ratio = dead_cell_figures._shift_and_width(compared, "visible_energy")
    assert shift == pytest.approx(2.0)
    assert ratio == pytest.approx(2.0)
