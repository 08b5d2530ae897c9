"""Pictures of showers for TensorBoard."""

import numpy as np

from models.training import tensorboard_images


def test_real_above_generated_layer_beside_layer():
    accepted = np.ones((3, 2, 4), bool)
    accepted[0, 0, 0] = False
    real = np.zeros((3, 2, 4), np.float32)
    real[2, 1, 3] = 10.0
    picture = tensorboard_images.pair(
        *([*np.moveaxis(one, -1, 0)] for one in (real, np.zeros_like(real), accepted))
    )
    side = 6
    # Two showers of three rows and a line; four layers of two columns and a line.
    assert picture.shape == ((2 * 3 + 1) * side, 4 * 3 * side, 3)
    assert picture.dtype == np.uint8
    # The first row of the detector is at the bottom of each strip.
    np.testing.assert_array_equal(picture[3 * side - 1, 0], 224)
    assert picture[0, (3 * 3 + 1) * side].sum() > 600
    assert picture[(3 + 1) * side, (3 * 3 + 1) * side].sum() < 30


def test_a_flat_and_an_empty_image():
    empty = np.zeros((4, 5), np.float32)
    picture = tensorboard_images.pair([empty], [empty], [np.ones((4, 5), bool)])
    assert picture.shape == ((2 * 4 + 1) * 6, (5 + 1) * 6, 3)


def test_layers_of_different_shapes_stand_on_one_line():
    images = [np.ones((1, 3), np.float32), np.ones((2, 2), np.float32)]
    accepted = [np.ones(image.shape, bool) for image in images]
    picture = tensorboard_images.pair(images, images, accepted)
    assert picture.shape == ((2 * 2 + 1) * 6, (3 + 1 + 2 + 1) * 6, 3)
    # Above the lower one there is nothing.
    np.testing.assert_array_equal(picture[0, 0], 255)
    assert picture[6, 0].sum() < 3 * 255
