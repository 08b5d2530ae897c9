"""Spectral normalisation against Keras, its definition and its published gradient."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from models.layers.spectral_norm import SpectralNormalization

LAYERS = {
    "dense": (lambda: keras.layers.Dense(6), (4, 5)),
    "conv2d": (lambda: keras.layers.Conv2D(4, 3, 2, "same"), (2, 6, 6, 3)),
    "conv2d_transpose": (
        lambda: keras.layers.Conv2DTranspose(4, 3, 2, "same"),
        (2, 3, 3, 5),
    ),
    "without_bias": (lambda: keras.layers.Conv2D(4, 1, use_bias=False), (2, 3, 3, 2)),
    "activated": (lambda: keras.layers.Dense(6, activation="elu"), (4, 5)),
}


def _wrapped(name, kind=SpectralNormalization, iterations=1):
    """Returns a wrapped layer with random weights, and random inputs for it."""
    random = np.random.default_rng(7)
    make, shape = LAYERS[name]
    inputs = random.normal(size=shape).astype(np.float32)
    layer = kind(make(), iterations)
    layer.build(shape)
    layer.set_weights([random.normal(size=weight.shape) for weight in layer.weights])
    return layer, inputs


def _matrix(layer):
    kernel = np.asarray(layer.layer.kernel, np.float64)
    return kernel.reshape(-1, kernel.shape[-1])


@pytest.mark.parametrize("iterations", [1, 3])
@pytest.mark.parametrize("name", LAYERS)
def test_it_answers_like_keras(name, iterations):
    ours, inputs = _wrapped(name, iterations=iterations)
    keras_layer, _ = _wrapped(name, keras.layers.SpectralNormalization, iterations)
    for _ in range(4):
        expected = keras_layer(inputs, training=True)
        np.testing.assert_allclose(
            ours(inputs, training=True), expected, rtol=1e-5, atol=1e-6
        )
        np.testing.assert_allclose(ours.vector_u, keras_layer.vector_u, atol=1e-6)


@pytest.mark.parametrize("name", LAYERS)
def test_a_call_leaves_the_kernel_and_inference_leaves_everything(name):
    layer, inputs = _wrapped(name)
    kernel, vector = _matrix(layer), np.asarray(layer.vector_u)
    expected = layer(inputs, training=False)
    np.testing.assert_array_equal(layer.vector_u, vector)
    np.testing.assert_array_equal(layer(inputs), expected)
    np.testing.assert_array_equal(layer(inputs, training=True), expected)
    np.testing.assert_array_equal(_matrix(layer), kernel)
    assert not np.allclose(layer.vector_u, vector)


def test_the_largest_singular_value_becomes_one():
    layer, inputs = _wrapped("dense")
    for _ in range(100):
        layer(inputs, training=True)
    identity = np.eye(inputs.shape[1], dtype=np.float32)
    normalised = np.asarray(layer(identity)) - np.asarray(layer.layer.bias)
    values = np.linalg.svd(normalised, compute_uv=False)
    assert values[0] == pytest.approx(1.0, rel=1e-5)
    expected = np.linalg.svd(_matrix(layer), compute_uv=False)
    np.testing.assert_allclose(values, expected / expected[0], rtol=1e-5)


def test_the_gradient_is_the_published_one():
    layer, inputs = _wrapped("dense")
    kernel = _matrix(layer)
    u = np.asarray(layer.vector_u, np.float64)[0]
    v = kernel @ u / np.linalg.norm(kernel @ u)
    u = kernel.T @ v / np.linalg.norm(kernel.T @ v)
    sigma = v @ kernel @ u
    weight = np.random.default_rng(8).normal(size=(inputs.shape[0], 6))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(weight * tf.cast(layer(inputs, training=True), tf.float64))
    slope = tape.gradient(loss, layer.layer.kernel.value)
    without = inputs.T.astype(np.float64) @ weight
    stretch = np.sum(without * kernel) / sigma
    expected = (without - stretch * np.outer(v, u)) / sigma
    np.testing.assert_allclose(slope, expected, rtol=1e-4, atol=1e-5)
    # A step along the kernel itself would change nothing.
    assert np.sum(slope * kernel) == pytest.approx(0.0, abs=1e-4)
    assert abs(stretch) > 0.1


def _fraction_of_the_others(kind):
    """Trains a layer to tell two samples apart; returns what is not the first value."""
    random = np.random.default_rng(1)
    keras.utils.set_random_seed(1)
    layer = kind(keras.layers.Dense(64))
    head = keras.layers.Dense(1)
    samples = random.normal(size=(2, 256, 128)).astype(np.float32)
    samples[1] += 0.1
    optimizer = keras.optimizers.Adam(4e-4, beta_1=0.0)
    for _ in range(150):
        with tf.GradientTape() as tape:
            first, second = (
                head(tf.nn.leaky_relu(layer(sample, training=True)))
                for sample in samples
            )
            loss = tf.reduce_mean(tf.nn.relu(1.0 - first) + tf.nn.relu(1.0 + second))
        variables = layer.trainable_variables + head.trainable_variables
        optimizer.apply_gradients(
            zip(tape.gradient(loss, variables), variables, strict=True)
        )
    values = np.linalg.svd(_matrix(layer), compute_uv=False)
    return np.sqrt(np.mean(values[1:] ** 2)) / values[0]


def test_training_keeps_the_other_singular_values():
    kept = _fraction_of_the_others(SpectralNormalization)
    overwritten = _fraction_of_the_others(keras.layers.SpectralNormalization)
    assert kept > 0.3
    assert overwritten < 0.5 * kept


def test_a_kernel_of_zeros_leaves_the_bias_and_the_vector():
    layer, inputs = _wrapped("dense")
    layer.layer.kernel.assign(tf.zeros((5, 6)))
    vector = np.asarray(layer.vector_u)
    outputs = layer(inputs, training=True)
    np.testing.assert_array_equal(outputs, np.tile(layer.layer.bias, (4, 1)))
    np.testing.assert_array_equal(layer.vector_u, vector)


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision(dtype):
    shape = (4, 5)
    layer = SpectralNormalization(keras.layers.Dense(6, dtype=dtype), dtype=dtype)
    inputs = np.random.default_rng(3).normal(size=shape).astype(np.float32)
    assert layer(inputs, training=True).dtype == dtype.removeprefix("mixed_")
    assert layer.vector_u.dtype == "float32"
    exact = SpectralNormalization(keras.layers.Dense(6))
    exact.build(shape)
    exact.set_weights(layer.get_weights())
    np.testing.assert_allclose(
        np.asarray(layer(inputs), np.float32), exact(inputs), atol=0.03
    )


def test_the_layer_is_made_again_from_its_configuration():
    layer, inputs = _wrapped("conv2d", iterations=2)
    saved = keras.saving.serialize_keras_object(layer)
    again = keras.saving.deserialize_keras_object(saved, safe_mode=True)
    assert again.power_iterations == 2
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(again(inputs), layer(inputs))
