"""Convolutional networks of images: sizes, and what is put where."""

import dataclasses

import keras
import numpy as np
import pytest

from data import detectors
from models.layers.attention import SelfAttention
from models.networks import image_networks
from models.networks.image_networks import ImageLayers

SPEC = detectors.get("ecal")
SMALL = ImageLayers((2, 3, 4), kernel=3, normalisation="none")
EVERYTHING = ImageLayers((8, 9), 3, "batch", spectral=True, attention=(8, 16, 32))
CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.Conv2DTranspose)


def _generator(layers, noise=3, start_channels=5, spec=SPEC, **choices):
    return image_networks.transposed_generator(
        spec, noise, start_channels, layers, **choices
    )


def _first_showers(**choices):
    """Returns showers of a generator before its training, [noise, condition, ...]."""
    keras.utils.set_random_seed(5)
    generator = _generator(ImageLayers((8, 8), 3, "none"), start_channels=8, **choices)
    random = np.random.default_rng(6)
    conditions = np.zeros((16, 5), np.float32)
    conditions[:, :2] = random.normal(0.0, 10.0, (16, 2))
    conditions[:, 2] = random.uniform(10.0, 60.0, 16)
    conditions[:, 3:] = random.uniform(-0.5, 0.5, (16, 2))
    noise = random.normal(size=(8, 1, generator.inputs[1].shape[1]))
    pairs = [(conditions, np.repeat(one, 16, axis=0)) for one in noise]
    return np.stack([np.asarray(generator(list(pair))) for pair in pairs])


def _fraction_of_conditions(showers):
    """Returns how much of the variance is that of the means at equal conditions."""
    of_means = showers.mean(axis=0).var(axis=0).mean()
    of_noise = showers.var(axis=0, ddof=1).mean()
    of_conditions = max(of_means - of_noise / len(showers), 0.0)
    return of_conditions / (of_conditions + of_noise)


def test_conditions_are_seen_beside_little_noise_and_with_a_gain():
    assert _fraction_of_conditions(_first_showers(noise=256)) < 0.1
    assert _fraction_of_conditions(_first_showers(noise=32, condition_gain=8.0)) > 0.4


def test_a_bias_makes_the_first_showers_sparse_and_a_gain_bright():
    plain, sparse, bright = (
        _first_showers(**choices)
        for choices in ({}, {"output_bias": -0.02}, {"output_gain": 3.0})
    )
    np.testing.assert_allclose(sparse, np.maximum(plain - 0.02, 0.0), atol=1e-6)
    assert 0.05 < np.mean(sparse > 0.0) < 0.6 * np.mean(plain > 0.0)
    np.testing.assert_allclose(bright, 3.0 * plain, rtol=1e-5)


def _shrinking(layers, maps=()):
    encoded, condition = image_networks.encoded_input(SPEC)
    extra = [keras.layers.Reshape((30, 30, 1))(encoded) for _ in maps]
    features = image_networks.strided_features(encoded, layers, extra)
    score = image_networks.dense_tail(
        keras.layers.Flatten()(features[-1]), (4, 3), layers
    )
    return keras.Model([encoded, condition], score), features


def _of_kind(network, kind):
    return [layer for layer in network.layers if isinstance(layer, kind)]


def _kernels(network):
    """Returns how many layers with a kernel are spectrally normalised, and are not."""
    wrappers = [
        layer
        for layer in network._flatten_layers()
        if isinstance(layer, keras.layers.SpectralNormalization)
    ]
    wrapped = {id(wrapper.layer) for wrapper in wrappers}
    kinds = (keras.layers.Dense, *CONVOLUTIONS)
    plain = [
        layer
        for layer in network._flatten_layers()
        if isinstance(layer, kinds) and id(layer) not in wrapped
    ]
    return len(wrappers), len(plain)


@pytest.mark.parametrize(
    ("filters", "rows"),
    [((2, 3, 4), [4, 8, 16, 32]), ((2,), [16, 32]), ((2, 3, 4, 5), [2, 4, 8, 16, 32])],
)
def test_a_generator_doubles_its_maps_and_crops_the_last(filters, rows):
    generator = _generator(dataclasses.replace(SMALL, filters=filters))
    grow = _of_kind(generator, keras.layers.Conv2DTranspose)
    [crop] = _of_kind(generator, keras.layers.Conv2D)
    assert [layer.input.shape[1] for layer in [*grow, crop]] == rows
    # The filters count from the image inwards.
    assert [layer.filters for layer in grow] == list(reversed(filters))
    assert grow[0].input.shape == (None, rows[0], rows[0], 5)
    assert crop.output.shape == (None, 30, 30, 1)
    assert generator.output.shape == (None, *SPEC.shape)


def test_a_generator_of_another_size():
    size = dataclasses.replace(SPEC, shape=(12, 12))
    generator = _generator(SMALL, spec=size)
    # 12 + 2 rows fit into 16; a kernel of 5 crops 16 to 12.
    [crop] = _of_kind(generator, keras.layers.Conv2D)
    assert crop.input.shape[1:3] == (16, 16)
    assert crop.kernel_size == (5, 5)
    assert generator.output.shape == (None, 12, 12)


def test_generated_images_have_no_negative_cells_and_depend_on_both_inputs():
    keras.utils.set_random_seed(1)
    generator = _generator(SMALL, noise=4)
    random = np.random.default_rng(1)
    condition = np.array([[1.0, 2.0, 30.0, 0.1, 0.2]], np.float32)
    noise = random.normal(size=(2, 4)).astype(np.float32)
    images = [
        np.asarray(generator([one, other]))
        for one, other in (
            (condition, noise[:1]), (condition, noise[1:]), (-condition, noise[:1]),
        )
    ]  # fmt: skip
    assert min(image.min() for image in images) == 0.0
    assert max(image.max() for image in images) > 0.0
    assert not np.array_equal(images[0], images[1])
    assert not np.array_equal(images[0], images[2])


def test_spectral_normalisation_wraps_every_kernel():
    # Dense, two transposed convolutions, crop; four kernels in every attention.
    assert _kernels(_generator(EVERYTHING)) == (4 + 3 * 4, 0)
    # Two convolutions, three dense layers; attention at 16 and 8 rows.
    assert _kernels(_shrinking(EVERYTHING)[0]) == (5 + 2 * 4, 0)
    plain = dataclasses.replace(EVERYTHING, spectral=False)
    assert _kernels(_generator(plain)) == (0, 16)
    assert _kernels(_shrinking(plain)[0]) == (0, 13)


@pytest.mark.parametrize(
    ("chosen", "generator", "critic"),
    [((), [], []), ((16, 8), [8, 16], [16, 8]), ((32, 4, 7), [4, 32], [4])],
)
def test_attention_follows_the_maps_of_the_chosen_sizes(chosen, generator, critic):
    layers = dataclasses.replace(SMALL, attention=chosen)
    networks = _generator(layers), _shrinking(layers)[0]
    for network, rows in zip(networks, (generator, critic), strict=True):
        attention = _of_kind(network, SelfAttention)
        assert [layer.input.shape[1] for layer in attention] == rows


def test_every_convolution_is_normalised_where_that_is_wanted():
    normalised = keras.layers.BatchNormalization
    assert len(_of_kind(_generator(EVERYTHING), normalised)) == 1 + 2
    assert len(_of_kind(_shrinking(EVERYTHING)[0], normalised)) == 2
    assert not _of_kind(_generator(SMALL), normalised)
    with pytest.raises(ValueError, match="unknown normalisation 'all'; known: batch"):
        _generator(dataclasses.replace(SMALL, normalisation="all"))


def test_features_are_the_mirror_image_of_the_generator():
    network, features = _shrinking(dataclasses.replace(SMALL, attention=(8,)))
    assert [x.shape[1:] for x in features] == [(16, 16, 2), (8, 8, 3), (4, 4, 4)]
    # What follows a convolution and its attention comes from after both.
    [attention] = _of_kind(network, SelfAttention)
    assert features[1] is attention.output
    convolutions = _of_kind(network, keras.layers.Conv2D)
    assert [layer.input.shape[1] for layer in convolutions] == [32, 16, 8]
    assert network.output.shape == (None, 1)


def test_an_image_lies_in_the_middle_of_the_padding():
    encoded, _ = image_networks.encoded_input(SPEC)
    features = image_networks.strided_features(encoded, SMALL)
    [padding] = _of_kind(keras.Model(encoded, features[0]), keras.layers.ZeroPadding2D)
    assert padding.padding == ((1, 1), (1, 1))


def test_further_maps_are_seen_by_the_first_convolution():
    for count in range(3):
        network, _ = _shrinking(SMALL, maps=range(count))
        convolutions = _of_kind(network, keras.layers.Conv2D)
        channels = [layer.input.shape[-1] for layer in convolutions]
        assert channels == [1 + count, 2, 3]


def test_a_tail_ends_without_an_activation():
    inputs = keras.Input((2,))
    network = keras.Model(
        inputs, image_networks.dense_tail(inputs, (), SMALL, outputs=3)
    )
    x = np.array([[1.0, -2.0]], np.float32)
    kernel = np.asarray(network.layers[-1].kernel)
    np.testing.assert_allclose(network(x), x @ kernel, rtol=1e-5)
    assert np.min(x @ kernel) < 0.0
    assert image_networks.hidden(inputs, (), SMALL) is inputs


def test_hidden_layers_are_leaky():
    inputs = keras.Input((2,))
    network = keras.Model(inputs, image_networks.hidden(inputs, (3, 4), SMALL))
    x = np.array([[1.0, -2.0]], np.float32)
    expected = x
    for layer in _of_kind(network, keras.layers.Dense):
        expected = expected @ np.asarray(layer.kernel)
        expected = np.where(expected > 0.0, expected, 0.2 * expected)
    np.testing.assert_allclose(network(x), expected, rtol=1e-5)
    assert expected.shape == (1, 4)


@pytest.mark.parametrize(
    "changes",
    [{"shape": (30, 29)}, {"shape": (30,)}, {"energy_conditions": (0,)}],
)
def test_other_detectors_are_refused(changes):
    image_networks.require_images(SPEC, "sagan")
    other = dataclasses.replace(SPEC, **changes)
    with pytest.raises(
        ValueError, match=r"sagan needs responses .* detector 'ecal' has shape \(30"
    ):
        image_networks.require_images(other, "sagan")


def test_places_of_spectral_normalisation():
    for known in ("none", "critic", "both"):
        image_networks.require_spectral_norm(known)
    with pytest.raises(
        ValueError, match="must be one of none, critic, both, is 'generator'"
    ):
        image_networks.require_spectral_norm("generator")
