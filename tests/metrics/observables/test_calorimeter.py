"""Closed forms of the observables of any calorimeter."""

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies
from hypothesis.extra import numpy as arrays

from metrics.observables import calorimeter

# Four cells of 1 cm on a line and four above it.
POSITIONS = np.array(
    [[[x, y, 0.0] for y in (0.0, 1.0)] for x in range(4)], np.float32
)  # fmt: skip
IMPACT = np.array([[1.0, 0.0]])

RESPONSES = arrays.arrays(
    np.float32,
    (3, 4, 2),
    elements=strategies.floats(0.0, 1000.0, width=32),
)


def _one_cell(row, column, energy=5.0):
    response = np.zeros((1, 4, 2), np.float32)
    response[0, row, column] = energy
    return response


def test_single_cell():
    response = _one_cell(3, 1)
    assert calorimeter.visible_energy(response) == [5.0]
    assert calorimeter.energy_response(response, np.array([10.0])) == [0.5]
    assert calorimeter.number_of_hits(response) == [1.0]
    assert calorimeter.number_of_hits(response, 4.9) == [1.0]
    assert calorimeter.number_of_hits(response, 5.0) == [0.0]
    assert calorimeter.maximum_cell_fraction(response) == [1.0]
    np.testing.assert_allclose(
        calorimeter.centre_of_gravity(response, POSITIONS), [[3.0, 1.0]]
    )
    np.testing.assert_allclose(
        calorimeter.centre_minus_impact(response, IMPACT, POSITIONS), [[2.0, 1.0]]
    )
    np.testing.assert_allclose(
        calorimeter.radius(response, IMPACT, POSITIONS), [np.sqrt(5.0)]
    )


def test_uniform_image():
    response = np.full((2, 4, 2), 2.0, np.float32)
    np.testing.assert_allclose(calorimeter.visible_energy(response), 16.0)
    np.testing.assert_allclose(calorimeter.number_of_hits(response), 8.0)
    np.testing.assert_allclose(calorimeter.maximum_cell_fraction(response), 0.125)
    np.testing.assert_allclose(
        calorimeter.centre_of_gravity(response, POSITIONS), [[1.5, 0.5]] * 2
    )
    np.testing.assert_allclose(calorimeter.cell_occupancies(response), 1.0)
    np.testing.assert_allclose(calorimeter.cell_occupancies(response, 2.0), 0.0)


def test_radial_profile_counts_each_ring():
    response = np.ones((1, 4, 2), np.float32)
    edges = np.array([0.0, 0.5, 1.2, 1.5, 2.1])
    # Distances to (1, 0): 0 | 1, 1, 1 | sqrt 2, sqrt 2 | 2 | sqrt 5, beyond.
    profile = calorimeter.radial_profile(response, IMPACT, POSITIONS, edges)
    np.testing.assert_allclose(profile, [[1 / 8, 3 / 8, 2 / 8, 1 / 8]])


def test_an_edge_belongs_to_the_outer_ring():
    profile = calorimeter.radial_profile(
        _one_cell(2, 0), IMPACT, POSITIONS, np.array([0.0, 1.0, 2.0])
    )
    np.testing.assert_allclose(profile, [[0.0, 1.0]])


def test_many_events_are_taken_in_pieces():
    random = np.random.default_rng(0)
    response = random.random((2500, 4, 2)).astype(np.float32)
    impact = random.normal(size=(2500, 2))
    edges = np.linspace(0.0, 20.0, 5)
    chosen = [0, 1023, 1024, 2499]
    for function in (
        lambda r, i: calorimeter.radius(r, i, POSITIONS),
        lambda r, i: calorimeter.radial_profile(r, i, POSITIONS, edges),
    ):
        whole = function(response, impact)[chosen]
        np.testing.assert_allclose(whole, function(response[chosen], impact[chosen]))


@hypothesis.given(RESPONSES, strategies.floats(0.1, 10.0))
def test_finite_and_independent_of_scale(response, factor):
    impact = np.zeros((3, 2))
    edges = np.linspace(0.0, 10.0, 6)
    for function in (
        calorimeter.maximum_cell_fraction,
        lambda r: calorimeter.centre_minus_impact(r, impact, POSITIONS),
        lambda r: calorimeter.radius(r, impact, POSITIONS),
        lambda r: calorimeter.radial_profile(r, impact, POSITIONS, edges).sum(axis=1),
    ):
        values = function(response)
        assert np.isfinite(values).all()
        scaled = function(response.astype(np.float64) * factor)
        np.testing.assert_allclose(values, scaled, rtol=1e-5, atol=1e-6)


def test_empty_showers():
    response = np.zeros((2, 4, 2), np.float32)
    impact = np.ones((2, 2))
    edges = np.linspace(0.0, 3.0, 4)
    for values in (
        calorimeter.visible_energy(response),
        calorimeter.energy_response(response, np.zeros(2)),
        calorimeter.number_of_hits(response),
        calorimeter.maximum_cell_fraction(response),
        calorimeter.centre_of_gravity(response, POSITIONS),
        calorimeter.centre_minus_impact(response, impact, POSITIONS),
        calorimeter.radius(response, impact, POSITIONS),
        calorimeter.radial_profile(response, impact, POSITIONS, edges),
    ):
        np.testing.assert_array_equal(values, 0.0)


def test_no_events():
    response = np.zeros((0, 4, 2), np.float32)
    assert calorimeter.visible_energy(response).shape == (0,)
    assert calorimeter.maximum_cell_fraction(response).shape == (0,)
    np.testing.assert_array_equal(calorimeter.cell_occupancies(response), 0.0)


def test_correlation_matrix():
    x = np.random.default_rng(1).normal(size=500)
    features = np.column_stack([x, 2.0 * x + 1.0, -x, np.full(500, 7.0)])
    matrix = calorimeter.correlation_matrix(features)
    expected = [[1, 1, -1, 0], [1, 1, -1, 0], [-1, -1, 1, 0], [0, 0, 0, 1]]
    np.testing.assert_allclose(matrix, expected, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sums_are_made_in_float64(dtype):
    response = np.full((1, 1000, 1000), 0.1, dtype)
    expected = 1e6 * float(dtype(0.1))
    np.testing.assert_allclose(
        calorimeter.visible_energy(response), expected, rtol=1e-12
    )
