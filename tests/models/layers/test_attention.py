"""Self-attention against its formula, summed up place by place."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from models.layers.attention import SelfAttention

CHANNELS = 16
NAMES = ("query", "key", "value", "output")


def _inputs(channels=CHANNELS, seed=1):
    random = np.random.default_rng(seed)
    return random.normal(size=(2, 3, 4, channels)).astype(np.float32)


def _layer(gamma, spectral=False, channels=CHANNELS):
    keras.utils.set_random_seed(3)
    layer = SelfAttention(spectral)
    layer(_inputs(channels))
    layer.gamma.assign(gamma)
    return layer


def _kernel(layer, name):
    """Returns what a convolution multiplies by, normalised if it is."""
    projection = layer.projections[name]
    inner = projection.layer if layer.spectral else projection
    channels = inner.kernel.shape[2]
    places = np.eye(channels, dtype=np.float32)[:, np.newaxis, np.newaxis]
    return np.asarray(projection(places), np.float64)[:, 0, 0]


def _by_definition(layer, inputs):
    w_f, w_g, w_h, w_v = (_kernel(layer, name) for name in NAMES)
    outputs = np.empty(inputs.shape)
    for image, output in zip(inputs, outputs, strict=True):
        places = list(np.ndindex(image.shape[:2]))
        for j in places:
            scores = [(image[i] @ w_f) @ (image[j] @ w_g) for i in places]
            beta = np.exp(scores) / np.exp(scores).sum()
            pairs = zip(beta, places, strict=True)
            found = sum(fraction * (image[i] @ w_h) for fraction, i in pairs)
            output[j] = image[j] + float(layer.gamma) * (found @ w_v)
    return outputs


@pytest.mark.parametrize("spectral", [False, True])
def test_attention_is_its_definition(spectral):
    layer = _layer(0.7, spectral)
    inputs = 2.0 * _inputs()
    expected = _by_definition(layer, inputs)
    assert np.abs(expected - inputs).max() > 0.1
    np.testing.assert_allclose(layer(inputs), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("channels", "sizes"), [(16, (2, 2, 8)), (9, (1, 1, 4)), (1, (1, 1, 1))]
)
def test_f_and_g_have_an_eighth_of_the_channels_and_h_has_half(channels, sizes):
    layer = _layer(1.0, channels=channels)
    shapes = [_kernel(layer, name).shape for name in NAMES]
    wanted = [(channels, size) for size in sizes]
    assert shapes == [*wanted, (sizes[2], channels)]
    # Four kernels without bias, and gamma.
    assert len(layer.trainable_variables) == 5


def test_gamma_starts_where_it_shall_also_in_a_layer_made_again():
    layer = SelfAttention(gamma=0.7)
    again = SelfAttention.from_config(layer.get_config())
    again(_inputs())
    assert float(again.gamma) == pytest.approx(0.7)


def test_the_layer_is_the_identity_at_first():
    inputs = _inputs()
    np.testing.assert_array_equal(SelfAttention()(inputs), inputs)


@pytest.mark.parametrize("gamma", [0.0, 0.5])
def test_what_the_layer_learns_from(gamma):
    layer, inputs = _layer(gamma), _inputs()
    weight = _inputs(seed=2)
    with tf.GradientTape(persistent=True) as tape:
        loss = tf.reduce_sum(weight * layer(inputs))
    kernels = [layer.projections[name].kernel.value for name in NAMES]
    slope = float(tape.gradient(loss, layer.gamma.value))
    # The outputs are linear in gamma.
    layer.gamma.assign(1.0)
    expected = np.sum(weight * (np.asarray(layer(inputs)) - inputs))
    assert slope == pytest.approx(expected, rel=1e-4)
    assert abs(slope) > 0.1
    for slopes in tape.gradient(loss, kernels):
        assert np.any(slopes) == (gamma > 0.0)
        assert np.isfinite(slopes).all()


def test_attention_does_not_depend_on_the_order_of_the_places():
    layer, inputs = _layer(0.7), _inputs()
    order = np.random.default_rng(5).permutation(12)

    def shuffled(images):
        flat = np.reshape(images, (2, 12, CHANNELS))
        return flat[:, order].reshape(images.shape)

    np.testing.assert_allclose(
        layer(shuffled(inputs)), shuffled(np.asarray(layer(inputs))), rtol=1e-4
    )


def test_spectral_normalisation_of_all_projections():
    layer, inputs = _layer(0.7, spectral=True), _inputs()
    for _ in range(100):
        layer(inputs, training=True)
    for name in NAMES:
        assert np.linalg.norm(_kernel(layer, name), ord=2) == pytest.approx(1, rel=1e-3)
        inner = layer.projections[name].layer.kernel
        assert np.linalg.norm(inner[0, 0], ord=2) != pytest.approx(1, rel=1e-3)


@pytest.mark.parametrize("spectral", [False, True])
def test_the_layer_is_made_again_from_its_configuration(spectral):
    layer, inputs = _layer(0.7, spectral), _inputs()
    saved = keras.saving.serialize_keras_object(layer)
    again = keras.saving.deserialize_keras_object(saved, safe_mode=True)
    again(inputs)
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(again(inputs), layer(inputs))
