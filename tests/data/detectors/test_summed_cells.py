"""Cells summed n x n: sums to the bit, and the detector that the sums are of."""

import dataclasses

import h5py
import numpy as np
import pytest

from data import detectors
from data.detectors.summed_cells import cells_a_side, sum_cells, summed
from data.detectors.symmetry import symmetries
from data.events import DataError, Sample
from data.files import writers
from data.files.readers import Dataset
from tests.metrics import small

ECAL = detectors.get("ecal")


def _same(one, other):
    """Compares specifications; functions of the domain by what they are."""
    for field in dataclasses.fields(one):
        first, second = getattr(one, field.name), getattr(other, field.name)
        np.testing.assert_equal(first, second, err_msg=field.name)


@pytest.mark.parametrize(("side", "number"), [(4, 2), (6, 3), (12, 6)])
def test_the_cells_of_lhcb_lie_where_their_parts_did(side, number):
    spec = summed(ECAL, side)
    assert (spec.name, spec.shape) == (f"ecal_{side}cm", (30 // number,) * 2)
    assert cells_a_side(ECAL, side) == number
    border = 30.0 - side / 2
    centres = np.arange(-border, border + 1.0, side, dtype=np.float32)
    np.testing.assert_array_equal(spec.positions_cm[..., 0].T, [centres] * len(centres))
    np.testing.assert_array_equal(spec.positions_cm[..., 1], [centres] * len(centres))
    assert (spec.positions_cm[..., 2] == ECAL.positions_cm[0, 0, 2]).all()
    assert len(symmetries(spec).cells) == 8
    assert (spec.domain, spec.shower_depth_cm) == (ECAL.domain, ECAL.shower_depth_cm)


def test_sums_of_sums_are_those_of_the_finest_cells():
    _same(summed(summed(ECAL, 4), 12), summed(ECAL, 12))
    assert summed(ECAL, 2) is ECAL


def test_sums_are_rounded_once():
    """In float32 the two would be lost: 2^24 + 1 is none of its numbers."""
    response = np.zeros((1, 4, 4, 2), np.float32)
    response[0, :2, 2:, 1] = [[2.0**24, 1.0], [1.0, 0.0]]
    response[0, 3, 0, 0] = 0.1
    expected = np.zeros((1, 2, 2, 2), np.float32)
    expected[0, 0, 1, 1], expected[0, 1, 0, 0] = 2.0**24 + 2.0, 0.1
    found = sum_cells(response, 2)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, expected)


def test_nothing_is_lost():
    response = np.random.default_rng(1).integers(0, 1000, (5, 12, 18)).astype("f4")
    for number in (1, 2, 3, 6):
        found = sum_cells(response, number)
        assert found.shape == (5, 12 // number, 18 // number)
        assert (found.sum(axis=(1, 2)) == response.sum(axis=(1, 2))).all()
    with pytest.raises(ValueError, match="12 x 18 cells cannot be summed 4 x 4"):
        sum_cells(response, 4)


def test_a_sum_exists_if_any_cell_does_and_is_dead_if_all_are():
    cells = np.ones((6, 6, 2), bool)
    cells[:2, :2, 0] = cells[2, 2, 0] = False
    dead = np.zeros_like(cells)
    dead[2:4, 2:4, 0] = dead[4, 4, 0] = dead[:2, :2, 1] = True
    fine = dataclasses.replace(small.detector(2), cells=cells, dead_cells=dead & cells)
    spec = summed(fine, 2.0)
    assert np.argwhere(~spec.cells).tolist() == [[0, 0, 0]]
    # Of the cell in the middle three parts exist, and all of them are dead.
    assert np.argwhere(spec.dead_cells).tolist() == [[0, 0, 1], [1, 1, 0]]
    assert np.isfinite(spec.positions_cm).all()


def _rectangular():
    long = ECAL.positions_cm * np.float32([1.0, 1.5, 1.0])
    return dataclasses.replace(ECAL, positions_cm=long)


def _skew():
    x, y, z = np.moveaxis(ECAL.positions_cm, -1, 0)
    positions = np.stack([x + 0.6 * y, 0.8 * y, z], axis=-1)
    return dataclasses.replace(ECAL, positions_cm=positions)


def _piled():
    return dataclasses.replace(ECAL, positions_cm=np.zeros_like(ECAL.positions_cm))


def _row():
    one = ECAL.positions_cm[:1]
    return dataclasses.replace(ECAL, shape=(1, 30), positions_cm=one)


@pytest.mark.parametrize("side", [0.0, -6.0, 5.0, 8.0, 1.0, 60.0, 6.01, np.nan, np.inf])
def test_other_sides_are_refused(side):
    expected = (
        rf"cell_cm={side:g}: the 30 x 30 cells of 2 cm .* 2, 4, 6, 10, 12, 20, 30"
    )
    with pytest.raises(ValueError, match=expected):
        summed(ECAL, side)


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        (detectors.get("hgcal"), "rows or columns are staggered"),
        (detectors.get("rich"), "responses are not images"),
        (_rectangular(), "not as long as they are wide"),
        (_skew(), "not as long as they are wide, or skew"),
        (_piled(), "all cells lie at one place"),
        (_row(), "a single row or column"),
    ],
)
def test_only_square_cells_are_summed(spec, why):
    with pytest.raises(ValueError, match=rf"cell_cm=4: only square cells .*{why}"):
        summed(spec, 4.0)


def test_a_file_of_sums_is_read_again(tmp_path):
    spec = summed(ECAL, 6.0)
    condition = np.zeros((3, 5), np.float32)
    condition[:, 2] = [0.5, 50.0, 200.0]
    writers.write(
        tmp_path / "sums.h5", spec, Sample(np.ones((3, 10, 10), "f4"), condition)
    )
    with Dataset(tmp_path / "sums.h5") as dataset:
        assert dataset.read().response.shape == (3, 10, 10)
        assert (dataset.attributes["summed_from"], dataset.attributes["cell_cm"]) == (
            "ecal",
            6.0,
        )
        found = dataset.spec
    for name in ("cells", "dead_cells", "positions_cm"):
        np.testing.assert_array_equal(getattr(found, name), getattr(spec, name))
    assert (found.name, found.summed) == ("ecal_6cm", ("ecal", 6.0))
    # The range of energies is one of the momentum's norm, which no other file can hold.
    assert np.asarray(found.in_domain(condition)).tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("attribute", "value", "message"),
    [
        ("summed_from", "atlas", "summed_from is 'atlas', known are calogan, ecal"),
        ("cell_cm", 5.0, "the attributes are damaged: cell_cm=5: the 30 x 30 cells"),
        ("cell_cm", "six", "the attributes are damaged: could not convert"),
        ("cell_cm", 4.0, "holds detector 'ecal_6cm', not 'ecal_4cm'"),
    ],
)
def test_damaged_files_of_sums_are_refused(tmp_path, attribute, value, message):
    path = tmp_path / "sums.h5"
    sample = Sample(np.ones((2, 10, 10), "f4"), np.ones((2, 5), "f4"))
    writers.write(path, summed(ECAL, 6.0), sample)
    with h5py.File(path, "a") as file:
        file.attrs[attribute] = value
    with pytest.raises(DataError, match=message), Dataset(path) as dataset:
        dataset.read()


def test_sums_of_a_detector_of_ones_own_describe_themselves(tmp_path):
    fine = small.detector(2)
    spec = summed(dataclasses.replace(fine, domain=fine.domain[:3]), 3.0)
    sample = Sample(np.ones((4, 2, 2, 2), np.float32), small.conditions(4))
    writers.write(tmp_path / "own.h5", spec, sample)
    with Dataset(tmp_path / "own.h5") as dataset:
        found = dataset.spec
    assert (found.name, found.shape) == ("small_3cm", (2, 2, 2))
    np.testing.assert_array_equal(found.positions_cm, spec.positions_cm)
    assert np.unique(found.positions_cm[..., 0]).tolist() == [-1.5, 1.5]
