"""The layout of a level: children, halves and turns come back as they were."""

import numpy as np
import pytest
import tensorflow as tf

from data import detectors
from models.likelihood import split_tree
from models.likelihood.block_layout import BlockLayout

HGCAL = detectors.get("hgcal").cells


def _plans(cells):
    places = np.stack(np.mgrid[: cells.shape[0], : cells.shape[1]], axis=-1)
    return split_tree.splits(cells, places.astype(np.float32))


PLANS = [
    pytest.param(plan, id=f"{name}-{number}")
    for name, cells in {"3x5": np.ones((3, 5, 1), bool), "hgcal": HGCAL}.items()
    for number, plan in enumerate(_plans(cells))
]


@pytest.mark.parametrize("turns", [1, 4])
@pytest.mark.parametrize("plan", PLANS)
def test_an_image_comes_back_from_the_halves_of_its_turns(plan, turns):
    layout = BlockLayout(plan, turns)
    random = np.random.default_rng(5)
    children = random.integers(1, 9, (3, *plan.children, plan.exists.shape[2]))
    for image in (children, tf.constant(children)):
        halves = layout.halves(image)
        assert len(halves) == layout.divisions
        found = [
            [
                tuple(map(tf.constant, pair))
                for pair in layout.halves_of_turn(halves, place)
            ]
            for place in layout.places
        ]
        np.testing.assert_array_equal(layout.image(found), children)
        # The first division has all of a block.
        total = np.asarray(halves[0][0] + halves[0][1])
        np.testing.assert_array_equal(total, layout.sums(children))
        np.testing.assert_array_equal(total.sum(axis=(1, 2)), children.sum(axis=(1, 2)))


def test_a_block_is_divided_into_rows_and_these_into_columns():
    [plan] = _plans(np.ones((2, 2, 1), bool))
    halves = BlockLayout(plan, 1).halves(np.array([1, 2, 3, 4]).reshape(1, 2, 2, 1))
    parts = [tuple(int(part[0, 0, 0, 0]) for part in pair) for pair in halves]
    assert parts == [(3, 7), (1, 2), (3, 4)]


def test_blocks_take_turns_by_even_and_odd_rows_and_columns():
    plan = _plans(np.ones((5, 6, 1), bool))[-1]
    assert plan.blocks == (3, 3)
    numbers = np.arange(1, 10).reshape(1, 3, 3, 1)
    layout = BlockLayout(plan, 4)
    turns = [layout.of_turn(numbers, place)[0, ..., 0] for place in layout.places]
    expected = [[[1, 3], [7, 9]], [[5, 0], [0, 0]], [[2, 0], [8, 0]], [[4, 6], [0, 0]]]
    np.testing.assert_array_equal(turns, expected)
    # A single row has no other one to wait for.
    [row] = _plans(np.ones((1, 8, 1), bool))[-1:]
    assert BlockLayout(row, 4).places == [(0, 0), (0, 1)]
