"""The last touch: showers get the moments that they shall have, and keep the rest."""

import numpy as np
import pytest
import tensorflow as tf

from models.likelihood.adjusted_moments import _solved, adjusted
from models.likelihood.shower_axis import Axis
from models.likelihood.shower_moments import Moments

EVENTS, ROWS, COLUMNS, LAYERS = 40, 12, 11, 3
PITCH_CM = 2.0
REACH_CM = 2.5
PLACES = (
    PITCH_CM * (np.stack(np.mgrid[:ROWS, :COLUMNS], axis=-1) - [5.5, 5.0])
).astype(np.float32)
ANGLE = 0.4
UNIT = np.array([np.cos(ANGLE), np.sin(ANGLE)])


def _showers():
    """Makes showers whose layers have energies, centres and holes of their own."""
    random = np.random.default_rng(2)
    centre = random.normal(0.0, 0.7, (EVENTS, 1, 1, LAYERS, 2))
    squared = np.sum((PLACES[:, :, None] - centre) ** 2, axis=-1)
    response = np.exp(-np.sqrt(squared) / 1.5) * random.exponential(1.0, squared.shape)
    response *= (random.random(squared.shape) < 0.8) * [1.0, 20.0, 7.0]
    return response.astype(np.float32)


def _moments(response):
    """Returns centroids, mean squares along and across around them, and cores."""
    weight = response.astype(float).sum(axis=-1)
    weight /= np.maximum(weight.sum(axis=(1, 2), keepdims=True), 1e-9)
    centre = np.einsum("brc,rcv->bv", weight, PLACES)
    away = PLACES - centre[:, None, None]
    turned = away @ np.column_stack([UNIT, [-UNIT[1], UNIT[0]]])
    near = np.exp(-np.sum(away**2, axis=-1) / REACH_CM**2)
    squared = np.einsum("brc,brcv->bv", weight, turned**2)
    return centre, squared, np.einsum("brc,brc->b", weight, near)[:, None]


def _adjusted(response, centre, squared, core):
    direction = tf.constant(np.repeat([0.3 * UNIT], len(response), axis=0), tf.float32)
    axis = Axis(direction, direction[:, 0], direction, direction)
    numbers = (tf.constant(one, tf.float32) for one in (centre, squared, core))
    wanted = Moments(*numbers, axis, REACH_CM)
    return np.asarray(adjusted(tf.constant(response), PLACES, wanted, PITCH_CM))


@pytest.fixture(scope="module")
def moved():
    """Showers, the moments that they shall have, and the same showers adjusted."""
    response = _showers()
    centre, squared, core = _moments(response)
    random = np.random.default_rng(3)
    angle = random.uniform(0.0, 2.0 * np.pi, EVENTS)
    centre = centre + 0.15 * np.column_stack([np.cos(angle), np.sin(angle)])
    squared = squared * np.exp(random.uniform(-0.15, 0.15, squared.shape))
    core = core + random.uniform(-0.02, 0.02, core.shape)
    wanted = centre, squared, core
    return response, wanted, _adjusted(response, *wanted)


def test_showers_get_the_moments_that_they_shall_have(moved):
    response, wanted, after = moved
    before, found = _moments(response), _moments(after)
    distance = [np.linalg.norm(one[0] - wanted[0], axis=1) for one in (before, found)]
    np.testing.assert_allclose(distance[0], 0.15, rtol=1e-3)
    # A shower whose core would have to change by more than e is changed as far as that.
    assert np.quantile(distance[1], 0.9) < 0.02
    excess = [np.abs(np.log(one[1] / wanted[1])) for one in (before, found)]
    assert np.mean(excess[0]) > 0.05
    assert np.quantile(excess[1], 0.8) < 0.01
    lack = [np.abs(one[2] - wanted[2]) for one in (before, found)]
    assert np.mean(lack[0]) > 0.008
    assert np.mean(lack[1]) < 0.004


def test_empty_cells_and_the_energy_of_every_layer_stay(moved):
    response, _, after = moved
    np.testing.assert_array_equal(after > 0.0, response > 0.0)
    np.testing.assert_allclose(
        after.sum(axis=(1, 2)), response.sum(axis=(1, 2)), rtol=1e-5
    )
    ratio = after[response > 0.0] / response[response > 0.0]
    assert ratio.min() < 0.95
    assert ratio.max() > 1.05


def test_a_shower_that_has_its_moments_stays_as_it_is():
    response = _showers()
    after = _adjusted(response, *_moments(response))
    np.testing.assert_allclose(after, response, rtol=1e-4)


def test_a_shower_of_a_single_cell_and_an_empty_one_stay_as_they_are():
    response = np.zeros((2, ROWS, COLUMNS, LAYERS), np.float32)
    response[0, 3, 2, 1] = 5.0
    after = _adjusted(
        response, [[0.4, -0.3], [1.0, 0.0]], [[1.0, 2.0]] * 2, [[0.5]] * 2
    )
    np.testing.assert_array_equal(after, response)


def test_showers_without_any_energy_stay_so():
    nothing = np.zeros((3, ROWS, COLUMNS, LAYERS), np.float32)
    after = _adjusted(nothing, np.zeros((3, 2)), np.ones((3, 2)), np.full((3, 1), 0.5))
    np.testing.assert_array_equal(after, nothing)


def test_what_becomes_of_a_shower_does_not_depend_on_the_others(moved):
    response, wanted, after = moved
    some = [*range(5, 12), 0]
    # Others have cells with energy where these have none.
    alone = _adjusted(response[some], *(one[some] for one in wanted))
    np.testing.assert_allclose(alone, after[some], rtol=1e-4, atol=1e-5)


def test_cells_on_a_line_move_along_it():
    response = np.zeros((1, ROWS, COLUMNS, LAYERS), np.float32)
    response[0, 5, 5], response[0, 6, 6] = 3.0, 5.0
    start, _, _ = _moments(response)
    # As far across the diagonal as along it, with the widths that they then have.
    after = start + np.array([0.1, 0.1])
    fraction = (after - PLACES[5, 5]) / (PLACES[6, 6] - PLACES[5, 5])
    both = np.zeros_like(response)
    both[0, 5, 5], both[0, 6, 6] = 1.0 - fraction[0, 0], fraction[0, 0]
    found = _adjusted(response, start + np.array([0.2, 0.0]), *_moments(both)[1:])
    np.testing.assert_allclose(_moments(found)[0] - start, [[0.1, 0.1]], atol=0.02)


@pytest.mark.parametrize("cells", [2, 3])
def test_rounding_errors_do_not_decide_what_becomes_of_a_few_cells(cells):
    """Two cells are always on a line, three of them sometimes."""
    random = np.random.default_rng(6)
    response = np.zeros((300, ROWS, COLUMNS, 1), np.float32)
    for shower in response:
        places = random.integers(0, [ROWS, COLUMNS, 1], (cells, 3))
        shower[tuple(places.T)] = random.exponential(10.0, cells)
    centre, squared, core = _moments(response)
    wanted = centre + random.normal(size=(300, 2)), squared * 1.2 + 0.1, 0.9 * core
    before = _adjusted(response, *wanted)
    rounded = response * (1.0 + random.choice([-1e-7, 0.0, 1e-7], response.shape))
    after = _adjusted(rounded.astype(np.float32), *wanted)
    largest = before.max(axis=(1, 2, 3), keepdims=True)
    np.testing.assert_allclose(after / largest, before / largest, atol=1e-3)


def test_equations_are_solved_as_exactly_as_by_pivoting():
    """As those of the least squares are: of slopes of all sizes, damped."""
    random = np.random.default_rng(7)
    slope = random.normal(size=(200, 5, 5)) * np.exp(random.normal(size=(200, 5, 1)))
    square = np.einsum("bij,bik->bjk", slope, slope)
    ridge = 1e-3 * np.sum(slope**2, axis=(1, 2)) + 1e-6
    square = (square + ridge[:, None, None] * np.eye(5)).astype(np.float32)
    lack = random.normal(size=(200, 5, 1)).astype(np.float32)
    exact = np.linalg.solve(square.astype(float), lack.astype(float))[..., 0]
    largest = np.abs(exact).max(axis=1, keepdims=True)
    pivoting = tf.linalg.solve(square, lack).numpy()[..., 0]
    found, other = (
        np.abs(one - exact) / largest
        for one in (np.asarray(_solved(tf.constant(square), lack)), pivoting)
    )
    assert found.max() < 1e-4
    assert found.mean() < 2.0 * other.mean()


@pytest.mark.parametrize(("asked", "limit"), [(9.0, 1.0), (1e-3, -1.0)])
def test_widths_that_are_too_far_away_stop_at_a_limit(asked, limit):
    response = np.ones((1, ROWS, COLUMNS, 1), np.float32)
    centre, squared, core = _moments(response)
    after = _adjusted(response, centre, squared * asked, core)
    away = PLACES - centre[0]
    turned = away @ np.column_stack([UNIT, [-UNIT[1], UNIT[0]]])
    far = np.sum(turned**2 / (turned**2 + (4.0 * PITCH_CM) ** 2), axis=-1).ravel()
    near = np.exp(-np.sum(away**2, axis=-1) / REACH_CM**2).ravel()
    maps = np.column_stack([far, near, np.ones_like(near)])
    exponent = np.log(after[0, :, :, 0]).ravel()
    found, *_ = np.linalg.lstsq(maps, exponent, rcond=None)
    assert found[0] == pytest.approx(limit, abs=1e-3)
    # What that takes from the core or gives to it, the core gets back or loses.
    assert abs(found[1]) <= 1.001
    np.testing.assert_allclose(maps @ found, exponent, atol=1e-3)


def test_factors_of_cells_have_a_limit():
    response = np.ones((1, ROWS, COLUMNS, 1), np.float32)
    after = _adjusted(response, [[9.0, -8.0]], [[1.0, 1.0]], [[0.9]])
    # At most exp(0.5 tanh) up or down along x and y, exp(q) along and across, exp(n).
    assert 1.5 < after.max() / after.min() < np.exp(2.0 + 2.0 + 1.0)
