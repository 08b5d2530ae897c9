"""The tree of halves: every cell is reached once, whatever the detector's shape."""

import doctest
import itertools

import numpy as np
import pytest

from data import detectors
from models.likelihood import split_tree

PITCH_CM = 2.0


def _cells(*shape):
    return np.ones(shape, bool)


def _with_holes():
    return np.random.default_rng(4).random((7, 4, 2)) < 0.5


DETECTORS = {
    "3x5": _cells(3, 5, 1),
    "hgcal": detectors.get("hgcal").cells,
    "1x8": _cells(1, 8, 1),
    "9x1": _cells(9, 1, 2),
    "holes": _with_holes(),
}
OFFSETS = [(0, 0), (1, 0), (3, 2)]


def _positions(rows, columns):
    """Centres of a regular grid [cm]."""
    grid = np.stack(np.mgrid[:rows, :columns], axis=-1)
    return (PITCH_CM * grid).astype(np.float32)


def _plan(cells, offset=(0, 0)):
    return split_tree.splits(cells, _positions(*cells.shape[:2]), offset)


def _block_sizes(plan):
    """Returns how many cells a side the blocks before and after each level have."""
    sizes = [np.array([1, 1])]
    for level in reversed(plan):
        sizes.append(sizes[-1] * np.where(level.halved, 2, 1))
    return [*zip(sizes[:0:-1], sizes[-2::-1], strict=True)]


both = pytest.mark.parametrize(
    ("cells", "offset"),
    [(cells, offset) for cells in DETECTORS.values() for offset in OFFSETS],
    ids=[f"{name}-{offset}" for name in DETECTORS for offset in OFFSETS],
)


@both
def test_the_levels_lead_from_one_block_to_the_cells(cells, offset):
    plan = _plan(cells, offset)
    assert plan[0].blocks == (1, 1)
    assert plan[-1].children == cells.shape[:2]
    np.testing.assert_array_equal(plan[-1].children_exist, cells)
    positions = _positions(*cells.shape[:2])
    np.testing.assert_array_equal(plan[-1].child_centres_cm, positions)
    for before, after in itertools.pairwise(plan):
        assert before.children == after.blocks
        np.testing.assert_array_equal(before.children_exist, after.exists)
        np.testing.assert_array_equal(before.child_centres_cm, after.centres_cm)
    assert all(any(level.halved) for level in plan)


@both
def test_every_cell_belongs_to_one_block_and_every_block_has_cells(cells, offset):
    """Indices are counted by hand, from the sizes of the blocks alone."""
    plan = _plan(cells, offset)
    for level, (size, _) in zip(plan, _block_sizes(plan), strict=True):
        exists = np.zeros(level.exists.shape, bool)
        reached = np.zeros(level.blocks, int)
        for row, column in np.ndindex(*cells.shape[:2]):
            block = tuple(
                (cell + begin) // one - begin // one
                for cell, begin, one in zip((row, column), offset, size, strict=True)
            )
            exists[block] |= cells[row, column]
            reached[block] += 1
        np.testing.assert_array_equal(level.exists, exists)
        assert reached.min() > 0
        assert reached.max() <= np.prod(size)


@both
def test_a_child_lies_in_its_block(cells, offset):
    """The children at `first` and beyond are those of the blocks, two a side."""
    plan = _plan(cells, offset)
    for level, (size, child) in zip(plan, _block_sizes(plan), strict=True):
        for axis in (0, 1):
            factor = 2 if level.halved[axis] else 1
            assert size[axis] == factor * child[axis]
            assert 0 <= level.first[axis] < factor
            number = np.arange(level.children[axis]) + level.first[axis]
            parents = np.unique(number // factor)
            np.testing.assert_array_equal(parents, np.arange(level.blocks[axis]))
            begin = offset[axis] // size[axis] * size[axis]
            edges = begin + number * child[axis]
            last = offset[axis] + cells.shape[axis]
            assert edges[0] + child[axis] > offset[axis] >= edges[0]
            assert edges[-1] < last <= edges[-1] + child[axis]


@both
def test_a_pyramid_of_sums_conserves_the_energy(cells, offset):
    random = np.random.default_rng(5)
    energy = random.integers(1, 100, cells.shape) * cells
    total = energy.sum(axis=(0, 1))
    for level in reversed(_plan(cells, offset)):
        assert not energy[~level.children_exist].any()
        parents = np.zeros(level.exists.shape, int)
        rows, columns = (
            (np.arange(count) + first) // (2 if halved else 1)
            for count, first, halved in zip(
                level.children, level.first, level.halved, strict=True
            )
        )
        np.add.at(parents, (rows[:, None], columns), energy)
        energy = parents
    np.testing.assert_array_equal(energy, total[None, None])


@both
def test_a_block_at_the_edge_has_the_centre_of_a_whole_one(cells, offset):
    plan = _plan(cells, offset)
    # Beyond an axis of a single cell, the pitch of the grid is not known.
    known = [axis for axis in (0, 1) if cells.shape[axis] > 1]
    for level, (size, _) in zip(plan, _block_sizes(plan), strict=True):
        first = np.array(offset) // size
        for axis in known:
            number = first[axis] + np.arange(level.blocks[axis])
            middle = (number + 0.5) * size[axis] - 0.5 - offset[axis]
            found = np.moveaxis(level.centres_cm[..., axis], axis, 0)
            np.testing.assert_allclose(found.T, PITCH_CM * middle[None] + 0 * found.T)


def test_an_offset_moves_the_edges_of_the_blocks():
    cells = np.array([[[True], [False], [False], [True]]])
    plain, moved = _plan(cells), _plan(cells, (0, 1))
    # 01|23, but with an offset .0|12|3. in .012|3...
    assert [level.children for level in plain] == [(1, 2), (1, 4)]
    assert [level.children for level in moved] == [(1, 2), (1, 3), (1, 4)]
    assert [level.first for level in moved] == [(0, 0), (0, 0), (0, 1)]
    assert plain[1].exists.ravel().tolist() == [True, True]
    assert moved[2].exists.ravel().tolist() == [True, False, True]


def test_a_single_cell_is_not_divided():
    assert _plan(_cells(1, 1, 3)) == []


def test_the_example_shows_what_it_says():
    failed, attempted = doctest.testmod(split_tree)
    assert attempted > 0
    assert failed == 0


@both
def test_the_step_is_the_distance_of_the_children_of_a_block(cells, offset):
    for level in _plan(cells, offset):
        for axis in (0, 1):
            centres = level.child_centres_cm.take(0, axis=1 - axis)[:, axis]
            some = level.halved[axis] and len(centres) > 1
            expected = np.diff(centres) if some else 0.0
            np.testing.assert_allclose(level.step_cm[axis], expected)


def test_blocks_of_a_circle_have_centres_inside_it():
    """Six angles need eight: the last block has two cells of its four."""
    angle = 2.0 * np.pi * np.arange(6) / 6
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    places = (np.array([1.0, 2.0])[:, None, None] * ring).astype(np.float32)
    plan = split_tree.splits(np.ones((2, 6, 1), bool), places, periodic=(False, True))
    assert [level.periodic for level in plan] == [(False, True)] * len(plan)
    assert [level.blocks for level in plan] == [(1, 1), (1, 2), (1, 3)]
    # Cells outside are where the last one is.
    expected = places[:, [4, 5, 5, 5]].mean(axis=(0, 1))
    np.testing.assert_allclose(plan[1].centres_cm[0, 1], expected, atol=1e-6)
    # Steps around a circle do not cancel.
    assert all(level.step_cm.max() > 0.3 for level in plan)
