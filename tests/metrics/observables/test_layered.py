"""Closed forms of the observables of layered calorimeters."""

import numpy as np
import pytest

from metrics.observables import layered

DEPTHS = (3.0, 5.0, 9.0)


def _response():
    response = np.zeros((2, 2, 2, 3), np.float32)
    response[0, 0, 0] = [1.0, 2.0, 0.0]
    response[0, 1, 1] = [0.0, 1.0, 0.0]
    return response


def test_layer_energies():
    np.testing.assert_array_equal(
        layered.layer_energies(_response()), [[1, 3, 0], [0, 0, 0]]
    )


def test_depth_is_the_energy_weighted_mean():
    np.testing.assert_allclose(
        layered.depth(_response(), DEPTHS), [(3.0 + 3 * 5.0) / 4, 0.0]
    )


def test_depth_of_one_layer_is_that_layer():
    response = np.zeros((1, 2, 2, 3), np.float32)
    response[..., 2] = 4.0
    np.testing.assert_allclose(layered.depth(response, DEPTHS), 9.0)


def test_longitudinal_profile():
    np.testing.assert_allclose(
        layered.longitudinal_profile(_response()), [[0.25, 0.75, 0], [0, 0, 0]]
    )


def test_occupancies_count_accepted_cells_only():
    accepted = np.ones((2, 2, 3), bool)
    accepted[0, 0, 1] = False
    accepted[..., 2] = False
    np.testing.assert_allclose(
        layered.layer_occupancies(_response(), accepted), [[1 / 4, 1 / 3, 0], [0, 0, 0]]
    )
    np.testing.assert_allclose(
        layered.layer_occupancies(_response(), accepted, 1.0), np.zeros((2, 3))
    )


@pytest.mark.parametrize("function", [layered.layer_energies,
                                      layered.longitudinal_profile])  # fmt: skip
def test_a_flat_image_is_refused(function):
    with pytest.raises(ValueError, match="rank 4"):
        function(np.zeros((2, 4, 4), np.float32))
