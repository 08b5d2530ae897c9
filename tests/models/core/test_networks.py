"""Building blocks of networks."""

import dataclasses

import keras
import numpy as np
import pytest
import scipy.stats

from data import spec as detectors
from models.core import networks

SPEC = detectors.get("hgcal")


def test_normal_numbers_are_normal_and_independent():
    drawn = np.asarray(networks.normal(20_000, 6, (1, 2)))
    assert drawn.shape == (20_000, 6)
    # Smallest p-value of as many tests: once in a thousand by chance.
    assert scipy.stats.kstest(drawn.ravel(), "norm").pvalue > 1e-3
    for power in (1, 2):
        correlation = np.corrcoef(drawn**power, rowvar=False) - np.eye(6)
        assert np.abs(correlation).max() < 5.0 / np.sqrt(len(drawn))


def test_normal_numbers_have_tails():
    drawn = np.asarray(networks.normal(1000, 1000, (3, 4)))
    assert np.isfinite(drawn).all()
    # Beyond 4 sigma lie 63 of a million.
    assert 30 < np.sum(np.abs(drawn) > 4.0) < 100


def test_fewer_rows_of_normal_numbers_are_a_prefix():
    whole = np.asarray(networks.normal(61, 645, (1, 2)))
    for rows in (1, 2, 7, 60):
        fewer = networks.normal(rows, 645, (1, 2))
        np.testing.assert_array_equal(fewer, whole[:rows])
    assert not np.array_equal(networks.normal(61, 645, (1, 3)), whole)


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


@pytest.mark.parametrize("filters", [(), (2,)])
def test_every_layer_has_channels_of_its_own(filters):
    inputs = keras.Input((4,))
    parts = networks.layer_branches(inputs, 3, (5, 7), 3, 2, filters, 2, "none")
    assert sum(part.shape[-1] for part in parts) == 3 * 2
    assert {part.shape[1:3] for part in parts} == {(5, 7)}


def test_dense_branches_have_no_normalisation():
    with pytest.raises(ValueError, match="'batch' needs branch_filters"):
        networks.layer_branches(keras.Input((4,)), 3, (5, 7), 3, 2, (), 2, "batch")


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
