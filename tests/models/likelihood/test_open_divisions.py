"""What is asked of divisions: centroid, widths and shares, followed step by step."""

import numpy as np
import pytest
import tensorflow as tf

from models.likelihood import shower_moments, split_tree
from models.likelihood.block_layout import BlockLayout
from models.likelihood.open_divisions import OpenDivisions
from models.likelihood.shower_axis import Axis
from models.likelihood.shower_moments import Moments
from tests.models.likelihood.small_cascade import positions_cm

EVENTS, LAYERS = 6, 2
DIRECTION = tf.constant(np.random.default_rng(1).normal(size=(EVENTS, 2)), tf.float32)
AXIS = Axis(DIRECTION, DIRECTION[:, 0], DIRECTION, DIRECTION)


def _plan(rows=8, columns=8):
    cells = np.ones((rows, columns, LAYERS), bool)
    return split_tree.splits(cells, positions_cm(rows, columns))[-1]


def _children(plan, seed=2):
    random = np.random.default_rng(seed)
    shape = (EVENTS, *plan.children, LAYERS)
    return random.exponential(1.0, shape).astype(np.float32) * (
        random.random(shape) < 0.7
    )


def _moments(image, places):
    """Centroid and widths in the frame of the axis, to be wanted."""
    centre = shower_moments.centroid(tf.constant(image), places)
    squared = shower_moments.widths(tf.constant(image), places, centre, AXIS)
    return Moments(centre, squared, AXIS)


def _ratios(plan, seed=3):
    count = 3 if all(plan.halved) else 1
    random = np.random.default_rng(seed)
    return random.normal(size=(EVENTS, *plan.blocks, count)).astype(np.float32)


def _followed(plan, children, wanted, ratios):
    energy = BlockLayout(plan, 1).sums(tf.constant(children))
    return OpenDivisions(plan).follow(energy, wanted, tf.constant(ratios)), energy


@pytest.mark.parametrize("shape", [(8, 8), (7, 6), (2, 8), (8, 2)])
def test_when_all_is_divided_centroid_and_widths_are_those_of_the_children(shape):
    plan = _plan(*shape)
    children = _children(plan)
    image = children.sum(axis=-1)
    wanted = _moments(image, plan.child_centres_cm)
    followed, _ = _followed(plan, children, wanted, _ratios(plan))
    blocks = tf.range(EVENTS * np.prod(plan.blocks))
    followed.turn(blocks)
    halves = BlockLayout(plan, 1).halves(children)
    for division, pair in enumerate(halves):
        parts = [tf.constant(one.reshape(-1, LAYERS)) for one in pair]
        followed.made(division, *parts)
    # Nothing is missing, nothing expected, nothing open.
    np.testing.assert_allclose(followed._state, 0.0, atol=1e-4)


@pytest.mark.parametrize("shape", [(8, 8), (2, 8)])
def test_the_last_division_has_to_do_what_is_asked(shape):
    """Blocks one after the other, the largest one last; it did what is asked."""
    plan = _plan(*shape)
    children = _children(plan) + np.float32(0.5)
    children[:, -2:, -2:] *= 30.0
    wanted = _moments(children.sum(axis=-1), plan.child_centres_cm)
    followed, _ = _followed(plan, children, wanted, _ratios(plan))
    halves = BlockLayout(plan, 1).halves(children)
    pairs = [[one.reshape(EVENTS, -1, LAYERS) for one in pair] for pair in halves]
    count = int(np.prod(plan.blocks))
    last = len(pairs) - 1
    for division in range(len(pairs)):
        for block in range(count):
            numbers = tf.constant(np.arange(EVENTS) * count + block)
            followed.turn(numbers)
            first, second = (one[:, block] for one in pairs[division])
            parts = tf.constant(first), tf.constant(second)
            if division == last and block == count - 1:
                # The layers of the last block, one after the other.
                for layer in range(LAYERS):
                    some = [one[:, layer : layer + 1] for one in parts]
                    asked = np.asarray(followed.asked(division, some[0] + some[1]))
                    followed.made(division, *some)
                expected = 0.25 * np.log(some[0] / some[1])
                assert np.ptp(expected) > 0.1
                np.testing.assert_allclose(asked[:, :1], expected, atol=0.02)
                np.testing.assert_allclose(asked[:, 1], 1.0, atol=0.01)
                np.testing.assert_allclose(asked[:, 2], asked[:, 0], atol=0.01)
            else:
                followed.made(division, *parts)


def test_what_is_asked_of_the_first_division_by_hand():
    plan = _plan(2, 2)
    children = np.zeros((EVENTS, 2, 2, LAYERS), np.float32)
    children[..., 0] = [[1.0, 2.0], [3.0, 2.0]]
    energy = BlockLayout(plan, 1).sums(tf.constant(children))
    # The rows lie at -1 and 1 cm along x; wanted is a centroid of 0.3 cm.
    assert plan.child_centres_cm[0, 0, 0] == -1.0
    squared = tf.ones((EVENTS, 2))
    centre = tf.constant([[0.3, 0.0]] * EVENTS)
    followed = OpenDivisions(plan).follow(
        energy, Moments(centre, squared, AXIS), tf.zeros((EVENTS, 1, 1, 3))
    )
    followed.turn(tf.range(EVENTS))
    asked = np.asarray(followed.asked(0, energy[:, 0, 0, :1]))
    second = 0.65
    np.testing.assert_allclose(
        asked[:, 0], 0.25 * np.log((1.0 - second) / second), rtol=1e-4
    )
    np.testing.assert_allclose(asked[:, 1], 1.0, rtol=1e-4)
    # In quarters of the distance of 2 cm.
    np.testing.assert_allclose(asked[:, 3], 4.0 * 0.3 / 2.0, rtol=1e-4)
    np.testing.assert_allclose(asked[:, 7], np.tanh(4.0 * 0.6), rtol=1e-4)


def test_expected_moves_are_not_missing():
    """The second row is expected to have three quarters, and that is wanted."""
    plan = _plan(2, 2)
    energy = tf.ones((EVENTS, 1, 1, 1))
    ratios = tf.constant(np.log(1.0 / 3.0) * np.ones((EVENTS, 1, 1, 3)), tf.float32)
    centre = tf.constant([[0.5, 0.5]] * EVENTS)
    followed = OpenDivisions(plan).follow(
        energy, Moments(centre, tf.ones((EVENTS, 2)), AXIS), ratios
    )
    followed.turn(tf.range(EVENTS))
    for division in (0, 1):
        asked = np.asarray(followed.asked(division, energy[:, 0, 0]))
        np.testing.assert_allclose(asked[:, 0], 0.25 * np.log(1.0 / 3.0), rtol=1e-3)


def test_a_level_that_divides_nothing_along_an_axis_asks_nothing_of_it():
    plan = _plan(1, 8)
    energy = tf.ones((EVENTS, *plan.blocks, 1))
    centre = tf.constant([[50.0, -50.0]] * EVENTS)
    followed = OpenDivisions(plan).follow(
        energy, Moments(centre, tf.ones((EVENTS, 2)), AXIS),
        tf.zeros((EVENTS, *plan.blocks, 1)),
    )  # fmt: skip
    followed.turn(tf.range(EVENTS * 4))
    asked = np.asarray(followed.asked(0, tf.ones((EVENTS * 4, 1))))
    assert np.isfinite(asked).all()
    np.testing.assert_array_equal(asked[:, 3], 0.0)
    np.testing.assert_array_equal(asked[:, 4], -4.0)


def test_blocks_without_energy_ask_for_finite_numbers_with_finite_slopes():
    plan = _plan(4, 4)
    energy = tf.Variable(tf.zeros((EVENTS, *plan.blocks, LAYERS)))
    wanted = Moments(tf.zeros((EVENTS, 2)), tf.ones((EVENTS, 2)), AXIS)
    with tf.GradientTape() as tape:
        followed = OpenDivisions(plan).follow(
            energy, wanted, tf.zeros((EVENTS, *plan.blocks, 3))
        )
        followed.turn(tf.range(EVENTS * 4))
        asked = followed.asked(0, tf.reshape(energy, (-1, LAYERS)))
    assert np.isfinite(asked).all()
    assert np.isfinite(tape.gradient(asked, energy)).all()
