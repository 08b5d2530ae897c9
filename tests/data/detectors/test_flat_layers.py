"""Layers of different shapes: how cells are numbered and unfolded."""

import numpy as np
import pytest

from data import detectors
from data.detectors.flat_layers import folded, layer_starts, unfolded
from data.detectors.symmetry import symmetries
from tests.metrics import flat_showers, small

SHAPES = ((2, 3), (1, 4))


def test_images_are_folded_row_by_row_and_unfolded_again():
    flat = np.arange(20).reshape(2, 10)
    first, second = unfolded(flat, SHAPES)
    np.testing.assert_array_equal(first[0], [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(second[1], [[16, 17, 18, 19]])
    assert np.shares_memory(first, flat)
    np.testing.assert_array_equal(folded([first, second]), flat)
    np.testing.assert_array_equal(layer_starts(SHAPES), [0, 6, 10])


@pytest.mark.parametrize("layers", [(), (3,)])
def test_images_of_every_rank(layers):
    spec = small.detector(*layers)
    assert spec.image_shapes == ((6, 6),) * max(spec.layers, 1)
    response = np.random.default_rng(1).random((4, *spec.shape))
    images = spec.layer_images(response)
    assert [image.shape for image in images] == [(4, 6, 6)] * len(spec.image_shapes)
    assert np.shares_memory(images[0], response)
    if layers:
        flat = flat_showers.flat(spec)
        again = flat.layer_images(flat_showers.fold_showers(spec, response))
        np.testing.assert_array_equal(again, images)
        assert flat.image_shapes == spec.image_shapes


def test_numbers_of_other_cells_are_refused():
    with pytest.raises(ValueError, match=r"'calogan' has cells \(504,\), .*\(2, 503\)"):
        detectors.get("calogan").layer_images(np.zeros((2, 503)))


def test_a_response_without_cells_has_no_images():
    assert detectors.get("rich").image_shapes == ()


def test_layers_are_called_by_their_numbers():
    assert detectors.get("calogan").numbered_layers == (0, 1, 2)
    assert detectors.get("hgcal").numbered_layers == (1, 2, 3, 4, 5, 6, 7)
    assert detectors.get("ecal").numbered_layers == ()


def test_the_cells_of_calogan_fill_its_cube():
    spec = detectors.get("calogan")
    assert spec.image_shapes == ((3, 96), (12, 12), (12, 6))
    x, y, z = (spec.layer_images(spec.positions_cm[:, axis]) for axis in range(3))
    # In mm: 5 x 160, 40 x 40 and 80 x 40 in eta x phi.
    for layer, (width, height) in enumerate([(0.5, 16.0), (4.0, 4.0), (8.0, 4.0)]):
        np.testing.assert_allclose(np.diff(x[layer], axis=1), width, rtol=1e-5)
        np.testing.assert_allclose(np.diff(y[layer], axis=0), height, rtol=1e-5)
        np.testing.assert_allclose(x[layer].max() + width / 2, 24.0)
        np.testing.assert_allclose(y[layer].min() - height / 2, -24.0)
    np.testing.assert_allclose(
        [z[0][0, 0], z[1][0, 0], z[2][0, 0]], [4.5, 26.35, 45.85]
    )


def test_the_symmetries_of_calogan_are_two_mirrors():
    group = symmetries(detectors.get("calogan"))
    assert len(group.cells) == 4
    images = unfolded(np.arange(504), detectors.get("calogan").layer_shapes)
    mirrored = folded([image[None, :, ::-1] for image in images])[0]
    assert any(np.array_equal(cells, mirrored) for cells in group.cells)
