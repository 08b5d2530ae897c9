"""Centroid, widths and core against NumPy, and what blocks lack of them."""

import numpy as np
import pytest
import tensorflow as tf

from models.likelihood import shower_moments
from models.likelihood.shower_axis import Axis

EVENTS, ROWS, COLUMNS, LAYERS = 40, 8, 7, 3
PITCH_CM = 2.0
REACH_CM = 2.5
PLACES = (
    PITCH_CM * (np.stack(np.mgrid[:ROWS, :COLUMNS], axis=-1) - [3.5, 3.0])
).astype(np.float32)


def _axis(direction):
    direction = tf.constant(direction, tf.float32)
    return Axis(direction, direction[:, 0], direction, direction)


def _directions(seed=1):
    return np.random.default_rng(seed).normal(0.0, 0.3, (EVENTS, 2))


def _showers(seed=2):
    """Makes showers whose layers have energies, centres and holes of their own."""
    random = np.random.default_rng(seed)
    centre = random.normal(0.0, 0.7, (EVENTS, 1, 1, LAYERS, 2))
    squared = np.sum((PLACES[:, :, None] - centre) ** 2, axis=-1)
    response = np.exp(-np.sqrt(squared) / 1.3) * random.exponential(1.0, squared.shape)
    response *= (random.random(squared.shape) < 0.7) * [1.0, 20.0, 7.0]
    return response.astype(np.float32)


def _centroid(image):
    return np.einsum("brc,rcv->bv", image.astype(float), PLACES) / image.sum(
        axis=(1, 2)
    ).reshape(-1, 1)


def test_the_centroid_is_the_mean_place_of_the_energy():
    image = _showers().sum(axis=-1)
    found = shower_moments.centroid(tf.constant(image), PLACES)
    np.testing.assert_allclose(found, _centroid(image), rtol=1e-4, atol=1e-5)


def test_an_empty_shower_has_its_centroid_at_the_origin():
    image = tf.zeros((1, ROWS, COLUMNS))
    centre = shower_moments.centroid(image, PLACES)
    np.testing.assert_array_equal(centre, [[0.0, 0.0]])
    squared = shower_moments.widths(image, PLACES, centre, _axis([[0.1, 0.2]]))
    np.testing.assert_array_equal(squared, [[0.0, 0.0]])


def test_the_widths_are_the_mean_squares_along_and_across():
    image, direction = _showers().sum(axis=-1), _directions()
    centre = np.random.default_rng(4).normal(size=(EVENTS, 2)).astype(np.float32)
    seen = PLACES.astype(float) - centre[:, None, None]
    unit = direction / np.linalg.norm(direction, axis=1, keepdims=True)
    normal = unit[:, ::-1] * [-1.0, 1.0]
    weight = image / image.sum(axis=(1, 2), keepdims=True)
    expected = [
        np.sum(weight * np.einsum("brcv,bv->brc", seen, vector) ** 2, axis=(1, 2))
        for vector in (unit, normal)
    ]
    found = shower_moments.widths(
        tf.constant(image), PLACES, tf.constant(centre), _axis(direction)
    )
    np.testing.assert_allclose(found, np.transpose(expected), rtol=1e-4)


def test_of_an_upright_shower_along_is_x():
    image = np.zeros((1, ROWS, COLUMNS), np.float32)
    image[0, 2:5, 3] = 1.0
    centre = tf.constant(_centroid(image), tf.float32)
    found = shower_moments.widths(image, PLACES, centre, _axis([[0.0, 0.0]]))
    expected = [[2.0 / 3.0 * PITCH_CM**2, 0.0]]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("angle", [0.5 * np.pi, 0.3, 2.5])
def test_moments_turn_with_detector_and_shower(angle):
    image, direction = tf.constant(_showers().sum(axis=-1)), _directions()
    turn = [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]

    def moments(places, direction):
        axis = _axis(direction)
        centre = shower_moments.centroid(image, places)
        squared = shower_moments.widths(image, places, centre, axis)
        return np.concatenate([axis.turned(centre), squared], axis=1)

    before = moments(PLACES, direction)
    after = moments((PLACES @ turn).astype(np.float32), direction @ turn)
    np.testing.assert_allclose(after, before, rtol=1e-4, atol=1e-4)
    # It is the axis that makes it so.
    other = moments((PLACES @ turn).astype(np.float32), direction)
    assert np.abs(other - before).max() > 0.1


def test_the_core_has_the_energy_near_a_place():
    image = _showers().sum(axis=-1)
    place = np.random.default_rng(4).normal(size=(EVENTS, 2)).astype(np.float32)
    away = np.linalg.norm(PLACES.astype(float) - place[:, None, None], axis=-1)
    expected = np.average(
        np.exp(-((away / REACH_CM) ** 2)).reshape(EVENTS, -1),
        weights=image.reshape(EVENTS, -1), axis=1,
    )  # fmt: skip
    found = shower_moments.core_fraction(tf.constant(image), PLACES, place, REACH_CM)
    np.testing.assert_allclose(found, expected[:, None], rtol=1e-4)
    nothing = shower_moments.core_fraction(
        tf.zeros((1, ROWS, COLUMNS)), PLACES, place[:1], REACH_CM
    )
    np.testing.assert_array_equal(nothing, [[0.0]])


def _wanted(shift, excess, lack=0.0, direction=(0.3, 0.0)):
    """Moments that lack these, and the image that lacks them."""
    image = _showers()[:2].sum(axis=-1)
    axis = _axis(np.repeat([direction], 2, axis=0))
    centre = _centroid(image) - shift
    squared = shower_moments.widths(
        tf.constant(image), PLACES, tf.constant(centre, tf.float32), axis
    )
    centre = tf.constant(_centroid(image), tf.float32) - shift
    core = shower_moments.core_fraction(tf.constant(image), PLACES, centre, REACH_CM)
    wanted = shower_moments.Moments(
        centre, squared - excess, core + lack, axis, REACH_CM
    )
    return wanted, tf.constant(image)


def test_what_is_missing_counts_in_quarters_of_a_step():
    wanted, image = _wanted([0.5, -0.25], [0.4, -0.8], 0.1)
    step = np.float32([4.0, 2.0])
    found = np.asarray(wanted.missing(image, PLACES, step))
    # The squares count in those of the smaller step.
    expected = 4.0 * np.array([-0.5 / 4.0, 0.25 / 2.0, 0.4 / 4.0, -0.8 / 4.0, 0.1])
    np.testing.assert_allclose(found, np.tile(expected, (2, 1)), atol=1e-4)


def test_what_is_missing_has_an_end_and_is_nothing_without_a_choice():
    wanted, image = _wanted([90.0, 0.5], [1e3, -1e3], -2.0)
    found = np.asarray(wanted.missing(image, PLACES, np.float32([2.0, 0.0])))
    np.testing.assert_allclose(found, [[-4.0, 0.0, 4.0, -4.0, -4.0]] * 2)


@pytest.mark.parametrize("angle", [0.0, 0.5 * np.pi])
def test_cells_see_a_narrow_shower_at_their_centres(angle):
    """The squares of a centroid's shift and of the width say how far a core is off."""
    along = np.array([np.cos(angle), np.sin(angle)])
    places = PLACES[3, 2] + PITCH_CM * np.outer([0.0, 0.2, -0.2, 0.5], along)
    direction = tf.constant(np.tile(0.3 * along, (4, 1)), tf.float32)
    axis = Axis(direction, direction[:, 0], tf.constant(places, tf.float32), direction)
    found = np.asarray(shower_moments.seen_by_cells(axis, PLACES, PITCH_CM, 0.0))
    assert found.shape == (4, 8)
    for first, width in ((0, 0.2), (4, 0.3)):
        shift, across, square, square_across = found[:, first : first + 4].T
        np.testing.assert_allclose(across, 0.0, atol=1e-4)
        np.testing.assert_allclose(shift[[0, 3]], 0.0, atol=1e-4)
        # On the edge of two cells half is seen in each, half a pitch off.
        leaked = 2.0 * np.exp(-0.5 * (1.5**2 - 0.5**2) / width**2) * (1.5**2 - 0.5**2)
        assert square[3] == pytest.approx(4.0 * (0.25 + 0.5 * leaked) - 0.5, abs=0.02)
        assert square[0] < square[1] < square[3]
        assert shift[1] == pytest.approx(-shift[2], abs=1e-4)
        assert shift[1] < -0.1
        np.testing.assert_allclose(square_across, square_across[0], atol=1e-4)


@pytest.mark.parametrize("angle", [0.0, 0.5 * np.pi])
def test_cells_see_an_inclined_shower_at_five_depths(angle):
    """Each place across is that of an upright shower; the last is that of their sum."""
    along = np.array([np.cos(angle), np.sin(angle)])
    direction = tf.constant([0.3 * along, 0.3 * along], tf.float32)
    # Beside the line between cells, and beside it and along by half a pitch.
    side = along[::-1] * [-1.0, 1.0]
    core = PLACES[3, 2] + PITCH_CM * (0.2 * side + np.outer([0.0, 0.5], along))

    def seen(place, length):
        place = tf.constant(place, tf.float32)
        axis = Axis(place, place[:, 0], place, direction)
        return np.asarray(shower_moments.seen_by_cells(axis, PLACES, PITCH_CM, length))

    found = seen(core, 0.5 * PITCH_CM / (0.3 * 2.0))
    assert found.shape == (2, 9)
    # Steps of half a pitch along, none across: everything across stays the same.
    np.testing.assert_allclose(found[:, :5], np.tile(found[:1, :1], (2, 5)), atol=1e-3)
    np.testing.assert_allclose(found[:, 6], found[:, 0], atol=1e-3)
    # Gaussians of 0.2 and 0.3 pitches move a centroid more and less than that of 0.25.
    narrow, wide = np.sort(np.abs(seen(core, 0.0)[0, [1, 5]]))
    assert narrow < np.abs(found[0, 0]) < wide
    # The squares along hold the depths: twice half a pitch before and behind.
    depths = np.array([-2.0, -1.0, 0.0, 1.0, 2.0]) * 0.5
    spread = 4.0 * np.average(depths**2, weights=[0.5, 1.0, 1.0, 1.0, 0.5])
    assert found[0, 7] + 0.5 == pytest.approx(spread, rel=0.4)
    assert found[0, 8] + 0.5 < 0.5 * spread


@pytest.mark.parametrize("length", [0.0, 1.5])
def test_cells_see_something_of_a_shower_far_outside(length):
    far = tf.constant([[1e3, 0.0]])
    axis = Axis(far, far[:, 0], far, far)
    found = np.asarray(shower_moments.seen_by_cells(axis, PLACES, PITCH_CM, length))
    assert np.isfinite(found).all()
