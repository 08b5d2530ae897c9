"""One level of the cascade: what it conserves, what it sees, and that it is one law."""

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from data import detectors
from losses import likelihood
from models.likelihood import energy_split, split_tree
from models.likelihood.split_level import SplitLevel

COMPONENTS = 2
SMALLEST = tf.constant(0.1)
HGCAL = detectors.get("hgcal").cells


def _plans(cells):
    places = np.stack(np.mgrid[: cells.shape[0], : cells.shape[1]], axis=-1)
    return split_tree.splits(cells, places.astype(np.float32))


def _holes(*shape):
    cells = np.random.default_rng(4).random(shape) < 0.6
    cells[0, 0] = True
    return cells


def _level(plan, groups=1, turns=1, seed=1, scale=0.5):
    """Makes a level of random weights, in which everything depends on everything."""
    level = SplitLevel(plan, 4, COMPONENTS, groups, turns)
    _draw(level, *_inputs(plan, 1))
    random = np.random.default_rng(seed)
    for weight in level.trainable_variables:
        weight.assign(random.normal(0.0, scale, weight.shape))
    return level


def _without_atoms(level):
    """Makes it all but certain that both parts of a division have energy."""
    for layer in (one for division in level.outputs for one in division):
        bias = np.array(layer.bias).reshape(
            -1, energy_split.parameter_count(COMPONENTS)
        )
        bias[:, : likelihood.ATOMS] = -50.0
        layer.bias.assign(bias.ravel())
    return level


class _Lacking:
    """Moments that lack given numbers whatever the energies of the blocks are."""

    def __init__(self, missing):
        self._missing = missing

    def missing(self, *_):
        return self._missing


def _inputs(plan, events, seed=2, alike=False):
    """Draws energies of blocks, and what else is known of events."""
    random = np.random.default_rng(seed)
    count = 1 if alike else events
    energy = random.exponential(5.0, (count, *plan.exists.shape)) * plan.exists
    maps = random.normal(size=(count, 2, np.prod(plan.blocks)))
    missing, event = random.normal(size=(count, 5)), random.normal(size=(count, 3))
    energy, maps, missing, event = (
        tf.constant(np.repeat(x, events // count, axis=0), tf.float32)
        for x in (energy, maps, missing, event)
    )
    return [energy, maps, _Lacking(missing), event]


def _noise(level, events, seed=3):
    random = np.random.default_rng(seed)
    return random.normal(size=(events, *level.noise_shape)).astype(np.float32)


def _draw(level, energy, maps, wanted, event, noise=None):
    noise = _noise(level, len(energy)) if noise is None else noise
    return level.draw(energy, maps, wanted, event, SMALLEST, tf.constant(noise))


def _log_likelihood(level, children, energy, maps, wanted, event):
    arguments = energy, tf.constant(children), maps, wanted, event, SMALLEST
    return np.asarray(level.log_likelihood(*arguments))


LEVELS = [
    pytest.param(plan, groups, id=f"{name}-{number}-{groups}")
    for name, cells in {"3x5": np.ones((3, 5, 1), bool), "9x4": _holes(9, 4, 3),
                        "hgcal": HGCAL}.items()
    for number, plan in enumerate(_plans(cells))
    for groups in {1, min(2, cells.shape[2]), min(5, cells.shape[2])}
]  # fmt: skip
every_level = pytest.mark.parametrize(("plan", "groups"), LEVELS)


@pytest.mark.parametrize("turns", [1, 4])
@every_level
def test_children_have_the_energy_of_their_block_layer_by_layer(plan, groups, turns):
    level = _level(plan, groups, turns)
    inputs = _inputs(plan, 5)
    children = np.asarray(_draw(level, *inputs))
    assert children.shape == (5, *plan.children, plan.exists.shape[2])
    assert children.min() >= 0.0
    np.testing.assert_array_equal(children[:, ~plan.children_exist], 0.0)
    np.testing.assert_allclose(level.sums(children), inputs[0], rtol=1e-5)
    # Of a block with several children, not always the same one has everything.
    assert np.unique(children > 0.0, axis=0).shape[0] > 1


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        (1, [[0, 1, 2, 3, 4, 5, 6]]),
        (2, [[0, 2, 4, 6], [1, 3, 5]]),
        (9, [[0], [1], [2], [3], [4], [5], [6]]),
    ],
)
def test_groups_of_layers_are_interleaved(groups, expected):
    assert SplitLevel(_plans(HGCAL)[1], 4, COMPONENTS, groups).groups == expected


def test_a_group_of_layers_sees_those_before_and_none_after():
    plan = _plans(np.ones((1, 8, 4), bool))[1]
    level = _level(plan, groups=2)
    inputs, noise = _inputs(plan, 6), _noise(level, 6)
    before = np.asarray(_draw(level, *inputs, noise))
    for changed, kept in (([1, 3], [0, 2]), ([0, 2], [])):
        other = noise.copy()
        other[..., changed, :] = noise[::-1][..., changed, :]
        moved = np.asarray(_draw(level, *inputs, other)) != before
        assert [n for n in range(4) if not moved[..., n].any()] == kept


def test_a_turn_sees_those_before_and_none_after():
    plan = _plans(np.ones((8, 8, 1), bool))[1]
    assert plan.blocks == (2, 2)
    level = _without_atoms(_level(plan, turns=4))
    inputs, noise = _inputs(plan, 6), _noise(level, 6)
    before = np.asarray(_draw(level, *inputs, noise))
    order = [(0, 0), (1, 1), (0, 1), (1, 0)]
    for turn, (row, column) in enumerate(order):
        other = noise.copy()
        other[:, row, column] = noise[::-1, row, column]
        change = np.abs(np.asarray(_draw(level, *inputs, other)) - before)
        of_blocks = np.asarray(level.sums(change))
        moved = [bool((of_blocks[:, r, c] > 1e-3).any()) for r, c in order]
        assert moved == [n >= turn for n in range(4)]


def test_a_division_sees_those_before_and_none_after():
    [plan] = _plans(np.ones((2, 2, 1), bool))
    level = _without_atoms(_level(plan))
    inputs, noise = _inputs(plan, 6), _noise(level, 6)

    def fractions(noise):
        children = np.asarray(_draw(level, *inputs, noise))[..., 0].astype(float)
        rows = children.sum(axis=2)
        return rows[:, 0] / rows.sum(axis=1), *(children[:, :, 0] / rows).T

    before = fractions(noise)
    for division in range(3):
        other = noise.copy()
        other[:, :, :, division] = noise[::-1, :, :, division]
        after = fractions(other)
        moved = [
            not np.allclose(one, two, rtol=1e-4)
            for one, two in zip(before, after, strict=True)
        ]
        assert moved == [n >= division for n in range(3)]


def _rows_of_blocks():
    """A row of 12 blocks with integer energies, whose sum and centroid are exact."""
    plan = _plans(np.ones((1, 24, 1), bool))[-1]
    assert plan.blocks == (1, 12)
    level = _without_atoms(_level(plan, seed=3, scale=0.8))
    inputs = _inputs(plan, 1)
    inputs[0] = tf.constant(np.full((1, 1, 12, 1), 8.0, np.float32))
    return level, inputs


def _moved(energy, block):
    """Moves energy from a block to both sides; sum and centroid stay."""
    change = np.zeros(12, np.float32)
    change[block - 1 : block + 2] = 2.0, -4.0, 2.0
    return energy + change.reshape(1, 1, 12, 1)


def test_a_division_depends_on_the_blocks_in_reach_alone():
    """Two 3x3 convolutions reach two blocks far."""
    level, (energy, *others) = _rows_of_blocks()
    noise = _noise(level, 1)

    def of_block_2(energy):
        children = np.asarray(_draw(level, energy, *others, noise))[0, 0, 4:6, 0]
        return children / children.sum()

    before = of_block_2(energy)
    assert before.min() > 0.0
    for block in range(6, 11):
        after = of_block_2(_moved(energy, block))
        np.testing.assert_allclose(after, before, rtol=1e-5)
    assert np.abs(of_block_2(_moved(energy, 5)) - before).max() > 3e-4


def test_the_likelihood_of_a_division_depends_on_the_blocks_in_reach_alone():
    level, (energy, *others) = _rows_of_blocks()

    def gain(energy):
        """How much likelier one division of block 2 is than another."""
        values = []
        for fraction in (0.5, 0.125):
            parts = np.repeat(np.asarray(energy), 2, axis=2) * 0.5
            parts[0, 0, 4:6, 0] = np.array([fraction, 1.0 - fraction]) * 8.0
            values.append(_log_likelihood(level, parts, energy, *others)[0])
        return values[0] - values[1]

    before = gain(energy)
    for block in range(6, 11):
        assert gain(_moved(energy, block)) == pytest.approx(before, abs=1e-4)
    assert abs(gain(_moved(energy, 5)) - before) > 1e-2


@pytest.mark.parametrize(("turns", "step"), [(1, 1), (4, 2)])
@pytest.mark.parametrize("closed", [True, False])
def test_a_circle_of_blocks_has_no_first_one(turns, step, closed):
    """What is known and drawn turns with the blocks; with turns by two of them."""
    cells, places = np.ones((4, 16, 2), bool), np.stack(np.mgrid[:4, :16], axis=-1)
    plan = split_tree.splits(
        cells, places.astype(np.float32), periodic=(False, closed)
    )[-1]
    assert plan.blocks == (2, 8)
    level = _without_atoms(_level(plan, turns=turns))
    energy, maps, wanted, event = _inputs(plan, 3)
    noise = _noise(level, 3)
    before = np.asarray(_draw(level, energy, maps, wanted, event, noise))
    rows = tf.reshape(maps, (3, 2, *plan.blocks))
    turned = [tf.roll(energy, step, 2), tf.reshape(tf.roll(rows, step, 3), maps.shape)]
    after = _draw(level, *turned, wanted, event, np.roll(noise, step, axis=2))
    same = np.allclose(after, np.roll(before, 2 * step, axis=2), rtol=1e-4)
    assert same == closed


def _without_weights(plan):
    """A level in which all outcomes that are possible have equal logits."""
    level = _level(plan, scale=0.0)
    assert not any(np.any(weight) for weight in level.trainable_variables)
    return level


def test_the_likelihood_of_a_network_of_zeros():
    [plan] = _plans(np.ones((2, 2, 1), bool))
    children = np.float32([[[1, 2], [3, 4]], [[0, 5], [6, 0]], [[0, 0], [0, 7]]])
    children = children[..., None]
    level = _without_weights(plan)
    inputs = _inputs(plan, 3)
    inputs[0] = level.sums(children)

    def density(ratio):
        return np.log(0.5) + scipy.stats.norm.logpdf(np.log(ratio))

    atom = np.log(0.25)
    expected = [
        density(3 / 7) + density(1 / 2) + density(3 / 4),
        density(5 / 6) + atom + atom,
        # The row above has no energy to divide.
        atom + atom,
    ]
    found = _log_likelihood(level, children, *inputs)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_what_cannot_be_otherwise_is_certain():
    """Blocks with one cell, and blocks without energy."""
    cells = np.zeros((2, 4, 1), bool)
    cells[0, 1] = cells[1, 2] = True
    plan = _plans(cells)[1]
    assert plan.blocks == (1, 2)
    level = _level(plan)
    children = np.zeros((2, 2, 4, 1), np.float32)
    children[0, 0, 1], children[0, 1, 2] = 3.0, 5.0
    inputs = _inputs(plan, 2)
    inputs[0] = level.sums(children)
    np.testing.assert_array_equal(_log_likelihood(level, children, *inputs), 0.0)
    np.testing.assert_array_equal(_draw(level, *inputs), children)


@pytest.mark.parametrize("groups", [1, 2])
def test_draws_follow_the_likelihood(groups):
    """By importance: the mean of q / p over draws of p is 1 for any density q."""
    [plan] = _plans(np.ones((2, 2, 2), bool))
    inputs = _inputs(plan, 20_000, alike=True)
    level = _level(plan, groups, scale=0.35)
    children = np.asarray(_draw(level, *inputs))
    other = _level(plan, groups, scale=0.35)
    # As if nothing were known of other divisions and layers.
    for row in other.of_results:
        for layer in row:
            if layer is not None:
                layer.kernel.assign(0.0 * layer.kernel)
    own, others = (_log_likelihood(one, children, *inputs) for one in (level, other))
    ratio = np.exp(others - own)
    error = ratio.std() / np.sqrt(len(ratio))
    assert 1e-4 < error < 0.02
    assert ratio.mean() == pytest.approx(1.0, abs=5.0 * error)


def test_the_slopes_are_finite_for_blocks_without_energy():
    plan = _plans(HGCAL)[2]
    level = _level(plan, groups=2)
    inputs = _inputs(plan, 2)
    keep = np.random.default_rng(6).random(plan.exists.shape) < 0.3
    inputs[0] = inputs[0] * keep * [[[[1.0]]], [[[0.0]]]]
    children = _draw(level, *inputs)
    with tf.GradientTape() as tape:
        value = level.log_likelihood(
            inputs[0], children, *inputs[1:], SMALLEST
        )  # fmt: skip
    assert float(value[1]) == 0.0
    assert float(value[0]) != 0.0
    for slope in tape.gradient(value, level.trainable_variables):
        assert np.isfinite(slope).all()
        assert np.any(slope)
