"""Observables of layers with cells of different sizes."""

import numpy as np
import pytest

from data import detectors
from data.detectors.flat_layers import folded
from metrics.observables import layer_shapes, layered, registry
from tests.metrics import flat_showers, small

SHAPES = ((2, 2), (1, 3))
NUMBERS = (0.0, 12.0)


def _response(*showers):
    return np.array(showers, np.float32)


def test_layers_of_one_shape_give_what_images_give():
    spec = small.detector(3)
    flat = flat_showers.flat(spec)
    response = np.random.default_rng(1).exponential(size=(5, *spec.shape))
    response *= response > 1.0
    cells = flat_showers.fold_showers(spec, response)
    shapes, depths = flat.layer_shapes, (1.0, 2.0, 5.0)
    for one, other in (
        (layered.layer_energies(response), layered.layer_energies(cells, shapes)),
        (layered.depth(response, depths), layered.depth(cells, depths, shapes)),
        (
            layered.longitudinal_profile(response),
            layered.longitudinal_profile(cells, shapes),
        ),
        (
            layered.layer_occupancies(response, spec.cells, 1.5),
            layered.layer_occupancies(cells, flat.cells, 1.5, shapes),
        ),
        (
            layer_shapes.depth_spread(response, depths),
            layer_shapes.depth_spread(cells, depths, shapes),
        ),
    ):
        np.testing.assert_allclose(one, other)


def test_a_response_of_other_cells_is_refused():
    with pytest.raises(ValueError, match=r"7 cells .*, received shape \(2, 8\)"):
        layered.layer_energies(np.zeros((2, 8)), SHAPES)


def test_hottest_cells_ratio():
    response = _response([3, 1, 0, 0, 2, 2, 1], [0, 0, 0, 4, 0, 0, 0])
    found = layer_shapes.hottest_cells_ratio(response, SHAPES)
    np.testing.assert_allclose(found, [[0.5, 0.0], [1.0, 0.0]])
    single = layer_shapes.hottest_cells_ratio(_response([2.0]), [(1, 1)])
    np.testing.assert_allclose(single, [[1.0]])


def test_sparsities_count_accepted_cells():
    response = _response([3, 1, 0, 0, 2, 0, 0])
    accepted = np.array([1, 1, 1, 1, 1, 1, 0], bool)
    found = layer_shapes.layer_sparsities(response, accepted, SHAPES)
    np.testing.assert_allclose(found, [[0.5, 0.5]])


def test_the_width_of_two_cells_is_half_their_distance():
    places = np.array([0.0, 4.0, 0.0, 4.0, 100.0, 101.0, 102.0])
    response = _response([1, 1, 1, 1, 0, 2, 0], [1, 3, 0, 0, 1, 0, 1])
    found = layer_shapes.layer_widths(response, places, SHAPES)
    np.testing.assert_allclose(found, [[2.0, 0.0], [4.0 * 0.75**0.5 / 2, 1.0]])


def test_depths_in_layer_numbers():
    response = _response([1, 0, 0, 0, 3, 0, 0], [2, 0, 0, 0, 0, 0, 0], [0] * 7)
    np.testing.assert_allclose(layered.depth(response, NUMBERS, SHAPES), [9, 0, 0])
    spread = layer_shapes.depth_spread(response, NUMBERS, SHAPES)
    np.testing.assert_allclose(spread, [12.0 * (0.25 * 0.75) ** 0.5, 0.0, 0.0])
    np.testing.assert_array_equal(
        layer_shapes.deepest_layer(response, NUMBERS, SHAPES), [12, 0, 0]
    )


def test_calogan_has_the_observables_of_its_paper():
    spec = detectors.get("calogan")
    observables = registry.scalar_observables(spec) + registry.layer_observables(spec)
    random = np.random.default_rng(1)
    images = [random.random((4, *shape), np.float32) for shape in spec.layer_shapes]
    condition = np.full((4, 1), 10.0, np.float32)
    found = registry.evaluate(observables, folded(images), condition)
    sums = np.stack([image.sum(axis=(1, 2)) for image in images], axis=1)
    for layer in range(3):
        np.testing.assert_allclose(
            found[f"layer_energy_{layer}"], sums[:, layer], rtol=1e-5
        )
        np.testing.assert_allclose(
            found[f"layer_fraction_{layer}"], sums[:, layer] / sums.sum(1), rtol=1e-5
        )
        for name in ("hottest_ratio", "width_x", "width_y", "sparsity"):
            assert found[f"layer_{name}_{layer}"].shape == (4,)
    # Uniform layers of 48 cm.
    assert found["layer_width_x_0"] == pytest.approx(48.0 / 12**0.5, rel=0.1)
    np.testing.assert_allclose(found["depth_weighted_energy"], sums @ [0, 1, 2], 1e-5)
    assert {"mean_layer", "layer_spread", "deepest_layer"} <= found.keys()
    np.testing.assert_array_equal(
        observables[-1].function(folded(images), condition), found[observables[-1].name]
    )


def test_bins_of_a_cylinder_have_energies_of_their_layers_only():
    spec = flat_showers.rings([(1, 8), (16, 10)], numbers=(0, 12))
    names = [one.name for one in registry.layer_observables(spec)]
    assert names == ["layer_energy_0", "layer_energy_12"]
