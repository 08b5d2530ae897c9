"""Building blocks of networks."""

import dataclasses

import keras
import numpy as np
import pytest

from data import spec as detectors
from models.core import networks

SPEC = detectors.get("hgcal")


def test_the_domain_is_scaled_to_unit_size():
    inputs = keras.Input((3,))
    scale = keras.Model(inputs, networks.scaled_condition(inputs, SPEC))
    corners = np.array([[20.0, -4.0, 4.0], [90.0, 4.0, 0.0]], np.float32)
    np.testing.assert_allclose(scale(corners), [[-1, -1, 1], [1, 1, 0]], atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "layer"),
    [
        ("batch", keras.layers.BatchNormalization),
        ("layer", keras.layers.LayerNormalization),
    ],
)
def test_normalisations_by_name(kind, layer):
    inputs = keras.Input((3,))
    model = keras.Model(inputs, networks.normalised(inputs, kind))
    assert type(model.layers[-1]) is layer
    assert networks.normalised(inputs, "none") is inputs


def test_an_unknown_normalisation_is_refused():
    with pytest.raises(ValueError, match="unknown normalisation 'group'; known: batch"):
        networks.normalised(keras.Input((3,)), "group")


@pytest.mark.parametrize("grid", [(12, 15), (20, 24), (5, 7)])
@pytest.mark.parametrize("filters", [(), (2,), (3, 2)])
def test_a_branch_grows_to_the_grid(grid, filters):
    inputs = keras.Input((4,))
    image = networks.layer_branch(inputs, grid, 3, 2, filters, 6, "none")
    assert image.shape == (None, *grid, 6)


def test_the_indices_of_the_impact_point():
    assert networks.impact_conditions(SPEC) == [1, 2]
    other = dataclasses.replace(
        SPEC, condition_names=("impact_y_cm", "energy_gev", "impact_x_cm")
    )
    assert networks.impact_conditions(other) == [2, 0]


def test_a_detector_without_impact_point_is_refused():
    other = dataclasses.replace(SPEC, condition_names=("energy_gev", "x", "y"))
    with pytest.raises(ValueError, match="'hgcal' has no conditions impact_x_cm"):
        networks.impact_conditions(other)
