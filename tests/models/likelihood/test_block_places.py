"""What blocks are told of their places, against NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from models.likelihood import split_tree
from models.likelihood.block_places import BlockPlaces
from models.likelihood.shower_axis import Axis
from models.likelihood.shower_moments import Moments
from tests.models.likelihood.small_cascade import PITCH_CM, positions_cm

ROWS, COLUMNS = 6, 5
CELLS = np.ones((ROWS, COLUMNS, 2), bool)
CELLS[0, 0] = False
CELLS[1, 1, 0] = False
CENTRE = np.array([[0.3, -1.1], [4.0, 2.0]], np.float32)
SQUARED = np.array([[2.0, 5.0], [0.5, 0.7]], np.float32)
DIRECTION = np.array([[0.3, 0.1], [0.0, 0.0]], np.float32)
DISPLACEMENTS = 10


def _found(centre=CENTRE, squared=SQUARED, direction=DIRECTION):
    places = positions_cm(ROWS, COLUMNS)
    plan = split_tree.splits(CELLS, places)
    direction = tf.constant(direction)
    axis = Axis(direction, direction[:, 0], direction, direction)
    wanted = Moments(
        tf.constant(centre), tf.constant(squared), tf.ones((2, 1)), axis, PITCH_CM
    )
    maps = BlockPlaces(CELLS, places, plan, PITCH_CM)(wanted)
    return plan, [
        np.moveaxis(np.asarray(one), 1, 2).reshape(2, *level.blocks, -1)
        for one, level in zip(maps, plan, strict=True)
    ]


def _density(event):
    """Returns the wide density at the centres of the cells, [row, column]."""
    away = positions_cm(ROWS, COLUMNS).astype(float) - CENTRE[event]
    size = np.linalg.norm(DIRECTION[event])
    unit = DIRECTION[event] / size if size else np.array([1.0, 0.0])
    along, across = away @ unit, away @ [-unit[1], unit[0]]
    squared = SQUARED[event] + 0.02 * PITCH_CM**2
    distance = along**2 / squared[0] + across**2 / squared[1]
    return np.exp(-np.sqrt(2.0 * distance + 0.1)) * CELLS.any(axis=2)


def _ratio(first, second):
    return 0.25 * np.clip(np.log(first + 1e-7) - np.log(second + 1e-7), -8.0, 8.0)


@pytest.mark.parametrize("event", [0, 1])
@pytest.mark.parametrize("shape", [0, 1])
def test_a_block_is_told_how_a_smooth_shower_would_be_divided(event, shape):
    plan, maps = _found()
    density = _density(event) ** (1 + shape)
    expected = maps[-1][event, ..., DISPLACEMENTS:]
    assert plan[-1].blocks == (3, 3)
    top, bottom = density[2:4, 2:4]
    found = expected[1, 1, shape::2]
    np.testing.assert_allclose(
        found,
        [_ratio(top.sum(), bottom.sum()), _ratio(*top), _ratio(*bottom)],
        atol=1e-5,
    )
    whole = maps[0][event, 0, 0, DISPLACEMENTS:][shape]
    np.testing.assert_allclose(
        whole, _ratio(density[:4].sum(), density[4:].sum()), atol=1e-5
    )


def test_where_no_cell_is_nothing_is_expected():
    _, maps = _found()
    corner = maps[-1][0, 0, 0, DISPLACEMENTS:]
    # The columns of the first row: the first cell does not exist.
    np.testing.assert_allclose(corner[2], -2.0)


def test_the_maps_are_finite_and_small_for_extreme_moments():
    _, maps = _found(
        centre=np.array([[1e4, -1e4], [0.0, 0.0]], np.float32),
        squared=np.array([[0.0, 1e6], [0.0, 0.0]], np.float32),
    )
    for one in maps:
        assert np.isfinite(one).all()
        assert np.abs(one[..., DISPLACEMENTS:]).max() <= 2.0
