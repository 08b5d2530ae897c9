"""Closed forms of the observables of images and their tracks."""

import hypothesis
import numpy as np
import pytest
import scipy.stats
from hypothesis import strategies
from hypothesis.extra import numpy as arrays

from data import detectors
from metrics.observables import images

ECAL = detectors.get("ecal")
POSITIONS = ECAL.positions_cm
PITCH_CM = 2.0
CENTRES_CM = POSITIONS[:, 0, 0].astype(np.float64)
ORIGIN = np.zeros((1, 2))

IMAGES = arrays.arrays(
    np.float32,
    (2, 30, 30),
    elements=strategies.floats(0.0, 100.0, width=32),
    fill=strategies.just(np.float32(0.0)),
)


def _momentum(*rows):
    return np.array(rows, np.float32)


def _unit(degrees):
    angle = np.radians(np.atleast_1d(degrees))
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _one_cell(row, column, energy=5.0):
    response = np.zeros((1, 30, 30), np.float32)
    response[0, row, column] = energy
    return response


def _gaussian(centre_cm, sigma_cm):
    """Integrates a product of two normal distributions over every cell."""
    edges = np.append(CENTRES_CM - 0.5 * PITCH_CM, CENTRES_CM[-1] + 0.5 * PITCH_CM)
    fractions = [
        np.diff(scipy.stats.norm.cdf(edges, mean, sigma))
        for mean, sigma in zip(centre_cm, sigma_cm, strict=True)
    ]
    return 1000.0 * np.outer(*fractions)[None]


def _random(events=3, seed=0):
    random = np.random.default_rng(seed)
    response = random.exponential(size=(events, 30, 30)) ** 4
    momentum = random.normal(size=(events, 3)) + np.array([0.0, 0.0, 50.0])
    point = random.uniform(-3.0, 3.0, (events, 2))
    return response, momentum, point


def _everything(response, momentum, point):
    """All the observables of this file."""
    found = {"core": images.central_energy_fraction(response)}
    for name, find in (("along", images.along), ("across", images.across)):
        direction = find(momentum)
        found |= {
            f"width_{name}": images.width(response, direction, POSITIONS),
            f"asymmetry_{name}": images.asymmetry(
                response, direction, point, POSITIONS
            ),
            f"centre_{name}": images.centre_minus_point(
                response, direction, point, POSITIONS
            ),
        }
    return found


def test_directions():
    momentum = _momentum([3, 4, 9], [0, -2, 9], [-1e-30, 0, 9], [0, 0, 9])
    np.testing.assert_allclose(
        images.along(momentum), [[0.6, 0.8], [0, -1], [-1, 0], [1, 0]]
    )
    np.testing.assert_allclose(
        images.across(momentum), [[-0.8, 0.6], [1, 0], [0, -1], [0, 1]]
    )


def test_track_projection_goes_along_the_momentum():
    momentum = _momentum([3, 4, 12], [0, 0, 5], [0, 0, 0])
    impact = np.array([[1.0, 2.0]] * 3)
    found = images.track_projection(impact, momentum, np.array([26.0, 10.0, 10.0]))
    np.testing.assert_allclose(found, [[7, 10], [1, 2], [1, 2]])


def test_shower_depth():
    depth = images.shower_depth(np.array([1.0, np.e, 100.0, 0.0, 1e-9]), (9.0, 2.0))
    np.testing.assert_allclose(depth, [9.0, 11.0, 9.0 + 4.0 * np.log(10.0), 0.0, 0.0])


@pytest.mark.parametrize("degrees", [0.0, 30.0, 90.0, 200.0])
def test_single_cell(degrees):
    response, direction = _one_cell(20, 10), _unit(degrees)
    np.testing.assert_allclose(
        images.width(response, direction, POSITIONS), 0.0, atol=1e-6
    )
    projection = direction[0] @ [11.0, -9.0]
    point = np.array([[0.5, -0.5]])
    offset = projection - direction[0] @ point[0]
    np.testing.assert_allclose(
        images.centre_minus_point(response, direction, point, POSITIONS), offset
    )
    np.testing.assert_allclose(
        images.asymmetry(response, direction, point, POSITIONS), np.sign(offset)
    )
    assert images.central_energy_fraction(response) == 1.0


@pytest.mark.parametrize("degrees", [0.0, 17.0, 45.0, 90.0])
def test_uniform_image(degrees):
    """A uniform square has one width in all directions: pitch sqrt((n^2 - 1) / 12)."""
    response, direction = np.full((1, 30, 30), 2.0, np.float32), _unit(degrees)
    expected = PITCH_CM * np.sqrt((30**2 - 1) / 12)
    np.testing.assert_allclose(
        images.width(response, direction, POSITIONS), expected, rtol=1e-12
    )
    np.testing.assert_allclose(
        images.asymmetry(response, direction, ORIGIN, POSITIONS), 0.0
    )
    np.testing.assert_allclose(
        images.centre_minus_point(response, direction, ORIGIN, POSITIONS),
        0.0,
        atol=1e-12,
    )


def test_asymmetry_of_a_uniform_image_counts_cells():
    """Beyond x = 4 lie 13 of 30 columns; at x = 5 one column counts for neither."""
    response = np.ones((2, 30, 30))
    point = np.array([[4.0, 7.0], [5.0, 7.0]])
    direction = np.repeat(_unit(0.0), 2, axis=0)
    found = images.asymmetry(response, direction, point, POSITIONS)
    np.testing.assert_allclose(found, [(13 - 17) / 30, (12 - 17) / 30])


@pytest.mark.parametrize("degrees", [0.0, 30.0, 45.0, 120.0])
def test_shifted_gaussian(degrees):
    """Cells add pitch^2 / 12 to a variance and leave the mean of a wide Gaussian."""
    centre, sigma = np.array([3.3, -1.7]), np.array([4.0, 2.5])
    response, direction = _gaussian(centre, sigma), _unit(degrees)
    variance = sigma**2 + PITCH_CM**2 / 12.0
    np.testing.assert_allclose(
        images.width(response, direction, POSITIONS),
        np.sqrt(direction[0] ** 2 @ variance),
        rtol=2e-3,
    )
    point = np.array([[1.0, 1.0]])
    np.testing.assert_allclose(
        images.centre_minus_point(response, direction, point, POSITIONS),
        direction[0] @ (centre - point[0]),
        atol=5e-3,
    )


def test_asymmetry_of_a_gaussian_is_an_error_function():
    centre, sigma = (3.0, 0.0), (3.0, 3.0)
    point = np.array([[0.0, 0.0]])
    found = images.asymmetry(
        _gaussian(centre, sigma), _unit(0.0), point, POSITIONS
    )  # fmt: skip
    expected = 1.0 - 2.0 * scipy.stats.norm.cdf(-1.0)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_definitions_written_as_loops():
    response, momentum, point = _random()
    found = _everything(response, momentum, point)
    for event in range(len(response)):
        energy = response[event] / response[event].sum()
        u = momentum[event, :2] / np.linalg.norm(momentum[event, :2])
        for name, axis in (("along", u), ("across", np.array([-u[1], u[0]]))):
            t = POSITIONS[..., :2] @ axis
            mean = np.average(t, weights=energy)
            spread = np.sqrt(np.average((t - mean) ** 2, weights=energy))
            border = point[event] @ axis
            sides = energy[t > border].sum() - energy[t < border].sum()
            np.testing.assert_allclose(found[f"width_{name}"][event], spread)
            np.testing.assert_allclose(found[f"centre_{name}"][event], mean - border)
            np.testing.assert_allclose(found[f"asymmetry_{name}"][event], sides)


def test_a_turn_by_90_degrees_changes_nothing():
    response, momentum, point = _random()
    turned = np.flip(response, axis=2).transpose(0, 2, 1)
    turn = np.array([[0.0, -1.0], [1.0, 0.0]])
    carried = momentum.copy()
    carried[:, :2] = momentum[:, :2] @ turn.T
    before = _everything(response, momentum, point)
    after = _everything(turned, carried, point @ turn.T)
    for name, values in before.items():
        np.testing.assert_allclose(after[name], values, atol=1e-9, err_msg=name)


def test_a_mirror_image_swaps_left_and_right():
    response, momentum, point = _random()
    mirror = np.array([1.0, -1.0])
    carried = momentum * [1.0, -1.0, 1.0]
    before = _everything(response, momentum, point)
    after = _everything(np.flip(response, axis=2), carried, point * mirror)
    for name, values in before.items():
        signed = name in ("asymmetry_across", "centre_across")
        expected = -values if signed else values
        np.testing.assert_allclose(after[name], expected, atol=1e-9, err_msg=name)
        assert np.abs(values).min() > 0.0


def test_a_reversed_momentum_swaps_ahead_and_behind():
    response, momentum, point = _random()
    before = _everything(response, momentum, point)
    after = _everything(response, momentum * [-1.0, -1.0, 1.0], point)
    for name, values in before.items():
        signed = name.startswith(("asymmetry", "centre"))
        expected = -values if signed else values
        np.testing.assert_allclose(after[name], expected, atol=1e-9, err_msg=name)


def test_without_inclination_along_is_x():
    response, momentum, point = _random()
    momentum[:, :2] = 0.0
    found = _everything(response, momentum, point)
    momentum[:, 0] = 1.0
    for name, values in _everything(response, momentum, point).items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)


@pytest.mark.filterwarnings("error")
def test_empty_showers():
    momentum = _momentum([1, 2, 9], [0, 0, 9], [0, 0, 0])
    found = _everything(np.zeros((3, 30, 30), np.float32), momentum, np.ones((3, 2)))
    for values in found.values():
        np.testing.assert_array_equal(values, 0.0)


def test_no_events():
    nothing = np.zeros((0, 30, 30), np.float32)
    found = _everything(nothing, np.zeros((0, 3)), np.zeros((0, 2)))
    assert all(values.shape == (0,) for values in found.values())


def test_many_events_are_taken_in_pieces():
    response, momentum, point = _random(5)
    copies = 1 + 2100 // len(response)
    few = _everything(response, momentum, point)
    many = _everything(*(np.tile(a, (copies, *[1] * (a.ndim - 1)))
                         for a in (response, momentum, point)))  # fmt: skip
    for name, values in few.items():
        np.testing.assert_allclose(many[name], np.tile(values, copies), atol=1e-9)


@hypothesis.settings(max_examples=25)
@hypothesis.given(IMAGES, strategies.floats(0.1, 10.0))
def test_finite_bounded_and_independent_of_scale(response, factor):
    momentum, point = _momentum([1, 3, 9], [0, 0, 9]), np.array([[1.0, 2.0], [0, 0]])
    found = _everything(response, momentum, point)
    scaled = _everything(response.astype(np.float64) * factor, momentum, point)
    for name, values in found.items():
        assert np.isfinite(values).all()
        np.testing.assert_allclose(scaled[name], values, rtol=1e-5, atol=1e-5)
    assert np.abs(found["asymmetry_along"]).max() <= 1.0 + 1e-12
    assert found["core"].max() <= 1.0 + 1e-6


@pytest.mark.parametrize(
    ("cell", "cells"), [((10, 12), 9), ((0, 12), 6), ((29, 29), 4), ((7, 0), 6)]
)
def test_central_energy_ends_at_the_border(cell, cells):
    response = np.ones((1, 30, 30), np.float32)
    response[(0, *cell)] = 11.0
    expected = (cells + 10.0) / (900.0 + 10.0)
    np.testing.assert_allclose(images.central_energy_fraction(response), expected)


def test_central_energy_needs_an_image():
    with pytest.raises(ValueError, match=r"rank 3 .*received shape \(2, 3, 3, 2\)"):
        images.central_energy_fraction(np.zeros((2, 3, 3, 2)))


def test_the_fit_finds_the_depth_of_made_up_showers():
    """Gaussian showers around the track; depth and place fluctuate as in a real one."""
    random = np.random.default_rng(4)
    events, truth = 1500, (9.0, 1.7)
    energy = np.exp(random.uniform(0.0, np.log(100.0), events))
    theta, phi = random.uniform(0.0, 0.9, events), random.uniform(0.0, 6.3, events)
    heading = np.stack([np.cos(phi), np.sin(phi)], axis=1)
    impact = random.uniform(-0.5, 0.5, (events, 2))
    depth = truth[0] + truth[1] * np.log(energy) + random.normal(0.0, 1.5, events)
    place = impact + (depth * np.sin(theta))[:, None] * heading
    place += random.normal(0.0, 0.35, (events, 2)) / np.sqrt(energy)[:, None]
    response = np.concatenate([_gaussian(p, (2.5, 2.5)) for p in place])
    momentum = energy[:, None] * np.column_stack(
        [np.sin(theta)[:, None] * heading, np.cos(theta)]
    )
    found = images.fit_shower_depth(response, momentum, impact, POSITIONS)
    logarithm = np.log([1.0, 10.0, 100.0])
    # Three standard errors at 1 GeV: about 0.13 cm of 1,500 events that scatter by 1.5.
    np.testing.assert_allclose(
        found[0] + found[1] * logarithm, truth[0] + truth[1] * logarithm, atol=0.4
    )


def test_the_fit_is_exact_without_fluctuations():
    energy = np.array([2.0, 5.0, 20.0, 80.0])
    sine = np.array([0.3, 0.6, 0.1, 0.5])
    offset = (8.0 + 1.5 * np.log(energy)) * sine
    response = np.concatenate([_gaussian((d, 0.0), (3.0, 3.0)) for d in offset])
    momentum = energy[:, None] * np.stack(
        [sine, np.zeros(4), np.sqrt(1.0 - sine**2)], axis=1
    )
    found = images.fit_shower_depth(response, momentum, np.zeros((4, 2)), POSITIONS)
    np.testing.assert_allclose(found, (8.0, 1.5), atol=0.05)
