"""Building blocks of networks."""

import dataclasses

import keras
import numpy as np
import pytest
import scipy.stats

from data import detectors
from metrics.observables import registry
from models.layers.cell_bias import CellBias
from models.networks import building_blocks
from tests import synthetic

SPEC = detectors.get("hgcal")
ECAL = detectors.get("ecal")
ORDER = (3, 2, 4, 0, 1)


def test_normal_numbers_are_normal_and_independent():
    drawn = np.asarray(building_blocks.normal(20_000, 6, (1, 2)))
    assert drawn.shape == (20_000, 6)
    # Smallest p-value of as many tests: once in a thousand by chance.
    assert scipy.stats.kstest(drawn.ravel(), "norm").pvalue > 1e-3
    for power in (1, 2):
        correlation = np.corrcoef(drawn**power, rowvar=False) - np.eye(6)
        assert np.abs(correlation).max() < 5.0 / np.sqrt(len(drawn))


def test_normal_numbers_have_tails():
    drawn = np.asarray(building_blocks.normal(1000, 1000, (3, 4)))
    assert np.isfinite(drawn).all()
    # Beyond 4 sigma lie 63 of a million.
    assert 30 < np.sum(np.abs(drawn) > 4.0) < 100


def test_fewer_rows_of_normal_numbers_are_a_prefix():
    whole = np.asarray(building_blocks.normal(61, 645, (1, 2)))
    for rows in (1, 2, 7, 60):
        fewer = building_blocks.normal(rows, 645, (1, 2))
        np.testing.assert_array_equal(fewer, whole[:rows])
    assert not np.array_equal(building_blocks.normal(61, 645, (1, 3)), whole)


def test_the_domain_is_scaled_to_unit_size():
    inputs = keras.Input((3,))
    scale = keras.Model(inputs, building_blocks.scaled_condition(inputs, SPEC))
    corners = np.array([[20.0, -4.0, 4.0], [90.0, 4.0, 0.0]], np.float32)
    np.testing.assert_allclose(scale(corners), [[-1, -1, 1], [1, 1, 0]], atol=1e-6)


def _scaled(spec, conditions):
    inputs = keras.Input((len(spec.condition_names),))
    network = keras.Model(inputs, building_blocks.scaled_condition(inputs, spec))
    return np.asarray(network(np.array(conditions, np.float32)))


def test_a_momentum_is_scaled_as_its_energy_and_direction():
    conditions = [
        [0.0, 0.0, 1.0, 0.5, -0.5],
        [0.6 * 100.001, 0.0, 0.8 * 100.001, 0.0, 0.25],
        [0.0, -0.8 * 10.0, 0.6 * 10.0, -0.5, 0.0],
    ]
    middle = np.log(10.0 / np.sqrt(100.001)) / np.log(np.sqrt(100.001))
    expected = [
        [-1.0, 0.0, 0.0, 1.0, -1.0],
        [1.0, 1.2, 0.0, 0.0, 0.5],
        [middle, 0.0, -1.6, -1.0, 0.0],
    ]
    np.testing.assert_allclose(_scaled(ECAL, conditions), expected, atol=1e-5)


def test_conditions_are_found_by_their_names_and_indices():
    names = tuple(ECAL.condition_names[index] for index in ORDER)
    energy = tuple(names.index(f"momentum_{axis}_gev") for axis in "xyz")
    other = dataclasses.replace(ECAL, condition_names=names, energy_conditions=energy)
    conditions = np.array([[3.0, 2.0, 20.0, 0.1, -0.3]])
    found = _scaled(other, conditions[:, ORDER])
    np.testing.assert_allclose(found, _scaled(ECAL, conditions), rtol=1e-6)


@pytest.mark.parametrize(
    ("kept", "pattern"),
    [
        ((1, 2, 3), "'ecal' has no finite domain for energy_gev, impact_y_cm: "),
        ((0, 4), "no finite domain for impact_x_cm: the networks scale"),
    ],
)
def test_conditions_without_a_range_are_refused(kept, pattern):
    other = dataclasses.replace(ECAL, domain=tuple(ECAL.domain[i] for i in kept))
    with pytest.raises(ValueError, match=pattern):
        building_blocks.scaled_condition(keras.Input((5,)), other)


def test_a_range_without_an_end_is_refused():
    energy, *rest = SPEC.domain
    endless = dataclasses.replace(energy, high=np.inf)
    other = dataclasses.replace(SPEC, domain=(endless, *rest))
    with pytest.raises(ValueError, match="no finite domain for energy_gev: "):
        building_blocks.scaled_condition(keras.Input((3,)), other)


def _track(condition, spec=ECAL, **changes):
    inputs = keras.Input((5,))
    network = keras.Model(inputs, building_blocks.track(inputs, spec, **changes))
    return np.asarray(network(condition))


def test_every_cell_is_seen_from_the_track():
    condition = synthetic.conditions(ECAL, 3, np.random.default_rng(1))
    seen = _track(condition)
    assert seen.shape == (3, 30, 30, 2)
    point = registry.track_point(ECAL, condition)[:, None, None]
    distance = np.linalg.norm(ECAL.positions_cm[..., :2] - point, axis=-1)
    np.testing.assert_allclose(np.linalg.norm(seen, axis=-1), distance, rtol=1e-4)


def test_a_block_of_cells_is_seen_at_its_middle():
    condition = synthetic.conditions(ECAL, 3, np.random.default_rng(1))
    blocks = _track(condition).reshape(3, 15, 2, 15, 2, 2).mean(axis=(2, 4))
    np.testing.assert_allclose(_track(condition, block=2), blocks, atol=1e-4)


def test_a_track_needs_the_depth_of_the_showers_and_an_impact_point():
    unknown = dataclasses.replace(ECAL, shower_depth_cm=None)
    with pytest.raises(ValueError, match="'ecal' has no shower_depth_cm, which"):
        building_blocks.track(keras.Input((5,)), unknown)
    other = dataclasses.replace(ECAL, condition_names=("a", "b", "c", "d", "e"))
    with pytest.raises(ValueError, match="'ecal' has no conditions impact_x_cm"):
        building_blocks.track(keras.Input((5,)), other)


@pytest.mark.parametrize(
    ("kind", "layer"),
    [
        ("batch", keras.layers.BatchNormalization),
        ("layer", keras.layers.GroupNormalization),
    ],
)
def test_normalisations_by_name(kind, layer):
    inputs = keras.Input((3,))
    model = keras.Model(inputs, building_blocks.normalised(inputs, kind))
    assert type(model.layers[-1]) is layer
    assert building_blocks.normalised(inputs, "none") is inputs


def test_an_unknown_normalisation_is_refused():
    with pytest.raises(ValueError, match="unknown normalisation 'group'; known: batch"):
        building_blocks.normalised(keras.Input((3,)), "group")


@pytest.mark.parametrize("grid", [(12, 15), (20, 24), (5, 7)])
@pytest.mark.parametrize("filters", [(), (2,), (3, 2)])
def test_a_branch_grows_to_the_grid(grid, filters):
    inputs = keras.Input((4,))
    image = building_blocks.layer_branch(inputs, grid, 3, 2, filters, 6, "none")
    assert image.shape == (None, *grid, 6)


@pytest.mark.parametrize("filters", [(), (2,)])
def test_every_layer_has_channels_of_its_own(filters):
    inputs = keras.Input((4,))
    parts = building_blocks.layer_branches(inputs, 3, (5, 7), 3, 2, filters, 2, "none")
    assert sum(part.shape[-1] for part in parts) == 3 * 2
    assert {part.shape[1:3] for part in parts} == {(5, 7)}


def test_the_normalisation_of_one_event_is_over_all_cells_and_channels():
    """And keeps the energies of cells and channels relative to each other."""
    maps = np.random.default_rng(3).normal(5.0, 2.0, (2, 4, 5, 3)).astype(np.float32)
    maps[1] *= np.arange(1.0, 4.0)
    inputs = keras.Input(maps.shape[1:])
    model = keras.Model(inputs, building_blocks.normalised(inputs, "layer"))
    assert model.count_params() == 2 * 3
    axes = (1, 2, 3)
    mean = maps.mean(axis=axes, keepdims=True)
    expected = (maps - mean) / maps.std(axis=axes, keepdims=True)
    np.testing.assert_allclose(model(maps), expected, atol=1e-5)


def test_a_branch_knows_its_cells_but_for_the_last_convolution():
    inputs = keras.Input((4,))
    grid, filters = (8, 12), (5, 3)
    image = building_blocks.layer_branch(inputs, grid, 6, 2, filters, 1, "none")
    model = keras.Model(inputs, image)
    biases = [one for one in model.layers if isinstance(one, CellBias)]
    assert [tuple(one.bias.shape) for one in biases] == [(4, 6, 5)]
    bias = np.random.default_rng(4).normal(size=(1, 4, 6, 5)).astype(np.float32)
    biases[0].set_weights(list(bias))
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    event = np.ones((1, 4), np.float32)
    np.testing.assert_array_equal(copy(event), model(event))
    np.testing.assert_allclose(biases[0](0.0 * bias), bias)


def test_dense_branches_have_no_normalisation():
    with pytest.raises(ValueError, match="'batch' needs branch_filters"):
        building_blocks.layer_branches(
            keras.Input((4,)), 3, (5, 7), 3, 2, (), 2, "batch"
        )


def test_the_indices_of_the_impact_point():
    assert building_blocks.impact_conditions(SPEC) == [1, 2]
    other = dataclasses.replace(
        SPEC, condition_names=("impact_y_cm", "energy_gev", "impact_x_cm")
    )
    assert building_blocks.impact_conditions(other) == [2, 0]


def test_a_detector_without_impact_point_is_refused():
    other = dataclasses.replace(SPEC, condition_names=("energy_gev", "x", "y"))
    with pytest.raises(ValueError, match="'hgcal' has no conditions impact_x_cm"):
        building_blocks.impact_conditions(other)


def test_running_statistics_follow_a_generator_that_changes():
    """The critic learns from a generator that uses them."""
    inputs = keras.Input((3,))
    model = keras.Model(inputs, building_blocks.normalised(inputs, "batch"))
    batch = np.random.default_rng(2).normal(5.0, 1.0, (64, 3)).astype(np.float32)
    for _ in range(50):
        trained = model(batch, training=True)
    np.testing.assert_allclose(model(batch, training=False), trained, atol=0.2)
