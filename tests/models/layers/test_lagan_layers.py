"""The layers of LAGAN and CaloGAN against their definitions."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from data import detectors
from models.layers import lagan_layers

SHAPES = ((2, 3), (4, 1))


def _normal(*shape, seed=1):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_a_response_is_unfolded_as_the_detector_does():
    spec = detectors.get("calogan")
    response = _normal(3, *spec.shape)
    images = lagan_layers.LayerImages(spec.layer_shapes)(response)
    for image, expected in zip(images, spec.layer_images(response), strict=True):
        np.testing.assert_array_equal(image[..., 0], expected)


@pytest.mark.parametrize(
    ("source", "target", "repeats", "pool"),
    [((3, 96), (12, 12), (4, 1), (1, 8)), ((12, 12), (12, 6), (1, 1), (1, 2))],
)
def test_whole_ratios_are_repeated_and_pooled(source, target, repeats, pool):
    image = _normal(2, *source, 1)
    expected = keras.layers.UpSampling2D(repeats)(image)
    expected = keras.layers.AveragePooling2D(pool)(expected)
    found = lagan_layers.AreaResize(target)(image)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_any_ratio_keeps_the_mean_and_shares_by_area():
    image = _normal(2, 5, 3, 2)
    found = np.asarray(lagan_layers.AreaResize((3, 7))(image))
    np.testing.assert_allclose(found.mean((1, 2)), image.mean((1, 2)), rtol=1e-4)
    # The middle third of five rows is 5/3 to 10/3: a third of a row on either side of
    # the third one.
    np.testing.assert_allclose(
        lagan_layers.area_weights(5, 3)[1], [0.0, 0.2, 0.6, 0.2, 0.0], rtol=1e-6
    )


def test_the_normalisation_is_that_of_the_batch():
    inputs = 5.0 + 3.0 * _normal(6, 2, 3, 4)
    layer = lagan_layers.WholeBatchNormalization()
    for training in (True, False):
        outputs = np.asarray(layer(inputs, training=training))
        np.testing.assert_allclose(outputs.mean((0, 1, 2)), np.zeros(4), atol=1e-5)
        np.testing.assert_allclose(outputs.std((0, 1, 2)), np.ones(4), rtol=1e-3)
    theirs = keras.layers.BatchNormalization(epsilon=layer.epsilon)
    expected = theirs(inputs, training=True)
    np.testing.assert_allclose(layer(inputs), expected, rtol=1e-4, atol=1e-5)


def test_the_similarity_is_its_definition():
    layer = lagan_layers.BatchSimilarity(2, 3)
    inputs = _normal(4, 5)
    found = layer(inputs)
    vectors = (inputs @ np.asarray(layer.kernel)).reshape(4, 2, 3)
    expected = np.zeros((4, 2))
    for n, m, f in np.ndindex(4, 4, 2):
        expected[n, f] += np.exp(-np.abs(vectors[n, f] - vectors[m, f]).sum()) / 4
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_batch_of_equal_events_is_wholly_similar_and_still_has_a_slope():
    layer = lagan_layers.BatchSimilarity(2, 3)
    one = tf.Variable(np.repeat(_normal(1, 5), 300, axis=0))
    np.testing.assert_allclose(layer(one), np.ones((300, 2)), rtol=1e-6)
    other = tf.Variable(_normal(300, 5) * 0.01)
    with tf.GradientTape() as tape:
        similarity = tf.reduce_sum(layer(other))
    assert np.all(np.any(np.asarray(tape.gradient(similarity, other)) != 0.0, axis=1))


def test_the_occupancy_counts_cells_with_energy():
    image = np.zeros((1, 2, 2, 1), np.float32)
    image[0, 0, 0], image[0, 1, 1] = 1e-9, 5.0
    assert float(lagan_layers.Occupancy()(image)[0, 0]) == 0.5
    soft = lagan_layers.Occupancy(0.1)(image)
    np.testing.assert_allclose(soft, [[0.25 * 5.0 / 5.1]], rtol=1e-6)


@pytest.mark.parametrize("threshold", [0.0, 0.1])
def test_only_a_soft_occupancy_has_a_slope(threshold):
    image = tf.constant(np.abs(_normal(1, 2, 3, 1)))
    with tf.GradientTape() as tape:
        tape.watch(image)
        occupancy = lagan_layers.Occupancy(threshold)(image)
    slope = tape.gradient(occupancy, image)
    assert (slope is None) == (threshold == 0.0)
    assert slope is None or np.all(np.asarray(slope) > 0.0)


LAYERS = {
    "images": (lagan_layers.LayerImages(SHAPES), _normal(2, 10)),
    "resize": (lagan_layers.AreaResize((3, 2)), _normal(2, 4, 5, 1)),
    "normalisation": (lagan_layers.WholeBatchNormalization(0.1), _normal(2, 4, 5, 3)),
    "similarity": (lagan_layers.BatchSimilarity(2, 3), _normal(4, 5)),
    "occupancy": (lagan_layers.Occupancy(0.2), np.abs(_normal(2, 4, 5, 1))),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_is_made_again_from_its_configuration(name):
    layer, inputs = LAYERS[name]
    outputs = layer(inputs)
    saved = keras.saving.serialize_keras_object(layer)
    again = keras.saving.deserialize_keras_object(saved, safe_mode=True)
    again(inputs)
    again.set_weights(layer.get_weights())
    tf.nest.map_structure(np.testing.assert_array_equal, again(inputs), outputs)
