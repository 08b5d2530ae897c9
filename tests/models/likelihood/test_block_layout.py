"""The layout of a level: children, halves and turns come back as they were."""

import numpy as np
import pytest
import tensorflow as tf

from data import detectors
from models.likelihood import split_tree
from models.likelihood.block_layout import BlockLayout, children_of

HGCAL = detectors.get("hgcal").cells


def _plans(cells):
    places = np.stack(np.mgrid[: cells.shape[0], : cells.shape[1]], axis=-1)
    return split_tree.splits(cells, places.astype(np.float32))


PLANS = [
    pytest.param(plan, id=f"{name}-{number}")
    for name, cells in {"3x5": np.ones((3, 5, 1), bool), "hgcal": HGCAL}.items()
    for number, plan in enumerate(_plans(cells))
]


@pytest.mark.parametrize("plan", PLANS)
def test_an_image_comes_back_from_the_halves_of_its_blocks(plan):
    layout = BlockLayout(plan, 1)
    layers = plan.exists.shape[2]
    children = np.random.default_rng(5).integers(1, 9, (3, *plan.children, layers))
    for image in (children, tf.constant(children)):
        halves = layout.halves(image)
        assert len(halves) == layout.divisions
        parts = [np.asarray(part) for part in children_of(halves)]
        flat = np.concatenate([x.reshape(-1, layers) for x in parts], axis=1)
        np.testing.assert_array_equal(layout.image(tf.constant(flat)), children)
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
    layout = BlockLayout(plan, 4)
    # Without the first block of the second event.
    blocks = tf.constant([*range(9), *range(10, 18)])
    turns = [np.asarray(x).tolist() for x in layout.rows_of_turns(blocks)]
    assert turns == [
        [0, 2, 6, 8, 11, 15, 17], [4, 13], [1, 7, 10, 16], [3, 5, 12, 14]
    ]  # fmt: skip
    assert layout.lattice == (2, 2)
    inside = [np.asarray(layout.number_in_turn(x)).tolist() for x in turns]
    assert inside == [[0, 1, 2, 3, 5, 6, 7], [0, 4], [0, 2, 4, 6], [0, 1, 4, 5]]
    np.testing.assert_array_equal(layout.number_in_event(blocks), np.array(blocks) % 9)


def test_a_single_row_has_no_other_one_to_wait_for():
    [row] = _plans(np.ones((1, 8, 1), bool))[-1:]
    layout = BlockLayout(row, 4)
    assert (layout.turns, layout.lattice) == (2, (1, 2))
    turns = [np.asarray(x).tolist() for x in layout.rows_of_turns(tf.range(4))]
    assert turns == [[0, 2], [1, 3]]
    [whole] = BlockLayout(row, 1).rows_of_turns(tf.range(4))
    np.testing.assert_array_equal(whole, range(4))
