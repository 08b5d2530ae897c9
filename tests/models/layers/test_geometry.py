"""Layers against their definitions."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from data import transforms
from models.layers import geometry, locally_connected
from models.layers.shower_summary import ShowerSummary

POSITIONS_CM = np.stack(
    np.meshgrid(np.arange(3.0), np.arange(4.0), indexing="ij"), axis=-1
).astype(np.float32)
"""Centres of 3 x 4 cells: x is the row's number, y the column's."""


def _normal(*shape, seed=1):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _positive(*shape, seed=1):
    return np.random.default_rng(seed).exponential(size=shape).astype(np.float32)


def _locally_connected_by_definition(layer, inputs):
    """Sums products one by one, with zeros around the image for "same"."""
    height, width = layer.kernel_size
    down, right = layer.strides
    batch, rows, columns, channels = inputs.shape
    top, left = 0, 0
    if layer.padding == "same":
        top, left = (height - 1) // 2, (width - 1) // 2
    else:
        rows, columns = rows - height + 1, columns - width + 1
    rows, columns = -(-rows // down), -(-columns // right)
    kernel = np.reshape(
        layer.kernel, (height, rows, columns, layer.filters, width, channels)
    )
    outputs = np.zeros((batch, rows, columns, layer.filters))
    if layer.use_bias:
        outputs += np.asarray(layer.bias)
    for r, c, i, j in np.ndindex(rows, columns, height, width):
        row, column = down * r + i - top, right * c + j - left
        if 0 <= row < inputs.shape[1] and 0 <= column < inputs.shape[2]:
            outputs[:, r, c] += inputs[:, row, column] @ kernel[i, r, c, :, j].T
    return outputs


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("kernel_size", [(3, 3), (2, 3), (1, 4), (1, 1)])
@pytest.mark.parametrize("strides", [(1, 1), (1, 2), (2, 3)])
def test_locally_connected_is_its_definition(padding, kernel_size, strides):
    layer = locally_connected.LocallyConnected2D(
        2, kernel_size, padding=padding, strides=strides
    )
    inputs = _normal(2, 4, 5, 3)
    outputs = layer(inputs)
    layer.bias.assign(_normal(*layer.bias.shape, seed=2))
    outputs = layer(inputs)
    assert outputs.shape == layer.compute_output_shape(inputs.shape)
    expected = _locally_connected_by_definition(layer, inputs)
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_locally_connected_with_one_kernel_is_a_convolution(padding):
    convolution = keras.layers.Conv2D(2, 3, padding=padding)
    layer = locally_connected.LocallyConnected2D(2, (3, 3), padding=padding)
    inputs = tf.constant(_normal(2, 4, 5, 3))
    convolution(inputs)
    layer(inputs)
    # [i, j, k, f] -> [i, f, (j, k)], the same at every place.
    kernel = np.reshape(np.moveaxis(convolution.kernel, 3, 1), (3, 1, 2, 9))
    layer.kernel.assign(np.broadcast_to(kernel, layer.kernel.shape))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(inputs)
        ours = layer(inputs)
        theirs = convolution(inputs)
        losses = tf.reduce_sum(ours**2), tf.reduce_sum(theirs**2)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    slopes = [tape.gradient(loss, inputs) for loss in losses]
    np.testing.assert_allclose(*slopes, rtol=1e-4, atol=1e-4)
    kernels = tape.gradient(losses[0], layer.kernel.value)
    shared = tape.gradient(losses[1], convolution.kernel.value)
    shared = np.reshape(np.moveaxis(shared, 3, 1), (3, 2, 9))
    np.testing.assert_allclose(tf.reduce_sum(kernels, 1), shared, 1e-3, 1e-3)


def test_locally_connected_starts_with_kernels_that_differ():
    layer = locally_connected.LocallyConnected2D(2, (3, 3))
    layer(_normal(1, 4, 5, 3))
    kernel = np.asarray(layer.kernel)
    assert len(np.unique(kernel[0, :, 0, 0])) == kernel.shape[1]
    keras.utils.set_random_seed(3)
    plain = locally_connected.LocallyConnected2D(2, (3, 3))
    plain(_normal(1, 4, 5, 3))
    keras.utils.set_random_seed(3)
    faint = locally_connected.LocallyConnected2D(2, (3, 3), kernel_gain=0.25)
    faint(_normal(1, 4, 5, 3))
    np.testing.assert_allclose(faint.kernel, 0.25 * np.asarray(plain.kernel), rtol=1e-6)


def test_locally_connected_without_a_bias_and_with_one_to_start_from():
    image = np.zeros((1, 2, 3, 1), np.float32)
    plain = locally_connected.LocallyConnected2D(2, (1, 1), use_bias=False)
    assert not np.any(plain(image))
    assert len(plain.weights) == 1
    inputs = _normal(1, 2, 3, 1)
    expected = _locally_connected_by_definition(plain, inputs)
    np.testing.assert_allclose(plain(inputs), expected, rtol=1e-4, atol=1e-5)
    shifted = locally_connected.LocallyConnected2D(2, (1, 1), first_bias=(0.0, -3.0))
    assert np.all(np.asarray(shifted(image)) == [0.0, -3.0])


def test_dense_branches_are_dense_layers_side_by_side():
    layer = locally_connected.DenseBranches(3, 5, (2, 4), 2)
    inputs = _normal(6, 7)
    layer(inputs)
    for number, bias in enumerate((layer.hidden_bias, layer.image_bias)):
        bias.assign(_normal(*bias.shape, seed=number))
    expected = []
    for branch in range(3):
        x = inputs
        for kernel, bias in (
            (layer.hidden_kernel, layer.hidden_bias),
            (layer.image_kernel, layer.image_bias),
        ):
            x = x @ np.asarray(kernel)[branch] + np.asarray(bias)[branch]
            x = np.where(x > 0.0, x, 0.2 * x)
        expected.append(x.reshape(6, 2, 4, 2))
    expected = np.concatenate(expected, axis=-1)
    np.testing.assert_allclose(layer(inputs), expected, rtol=1e-4, atol=1e-5)


def test_every_dense_branch_starts_with_weights_of_its_own():
    layer = locally_connected.DenseBranches(3, 5, (2, 4), 1)
    image = np.asarray(layer(_normal(1, 7)))
    assert len(np.unique(image)) == image.size


def test_scale_conditions():
    layer = geometry.ScaleConditions([55.0, 0.0], [35.0, 4.0])
    scaled = layer(np.array([[20.0, 4.0], [90.0, -2.0]], np.float32))
    np.testing.assert_allclose(scaled, [[-1.0, 1.0], [1.0, -0.5]], rtol=1e-6)


def test_the_cell_mask_keeps_accepted_cells_as_they_are():
    accepted = np.random.default_rng(1).random((3, 4, 2)) < 0.5
    inputs = _normal(5, 3, 4, 2)
    masked = np.asarray(geometry.CellMask(accepted)(inputs))
    np.testing.assert_array_equal(masked[:, accepted], inputs[:, accepted])
    assert not masked[:, ~accepted].any()


def test_impact_maps():
    layer = geometry.ImpactMaps(POSITIONS_CM, [1, 2], [0.5, 2.0])
    condition = np.array([[50.0, 1.0, 2.0], [20.0, 0.5, -7.0]], np.float32)
    maps = np.asarray(layer(condition))
    assert maps.shape == (2, 3, 4, 4)
    displacement = POSITIONS_CM - condition[:, None, None, 1:]
    squared = np.sum(displacement**2, axis=-1)
    np.testing.assert_allclose(
        maps[..., :2], np.clip(displacement / 2.0, -3.0, 3.0), rtol=1e-6
    )
    np.testing.assert_allclose(maps[..., 2], np.exp(-squared / 0.5), 1e-4, 1e-30)
    np.testing.assert_allclose(maps[..., 3], np.exp(-squared / 8.0), 1e-4, 1e-30)
    np.testing.assert_array_equal(maps[0, 1, 2], [0.0, 0.0, 1.0, 1.0])


def test_the_cell_embedding_is_appended_to_every_event():
    layer = geometry.CellEmbedding(3)
    inputs = _normal(5, 3, 4, 2)
    outputs = np.asarray(layer(inputs))
    np.testing.assert_array_equal(outputs[..., :2], inputs)
    embedding = np.asarray(layer.embedding)
    assert embedding.shape == (3, 4, 3)
    for event in outputs[..., 2:]:
        np.testing.assert_array_equal(event, embedding)
    assert len(np.unique(embedding)) == embedding.size


RING_EDGES_CM = (1.0, 2.2)
THRESHOLDS_MIP = (10.0, 40.0)


def _summary(response, condition):
    fractions = transforms.PowerOfFraction(2.0)
    layer = ShowerSummary(
        fractions, POSITIONS_CM, [1, 2], RING_EDGES_CM, THRESHOLDS_MIP
    )
    encoded = fractions.encode(response, condition)
    numbers = np.asarray(layer(encoded, condition))[0]
    return np.split(numbers, np.cumsum([2, 6, 12, 4, 1]))


def test_the_summary_of_one_cell_per_layer():
    condition = np.array([[50.0, 0.5, 1.0]], np.float32)
    response = np.zeros((1, 3, 4, 2), np.float32)
    response[0, 2, 3, 0] = 60.0
    response[0, 0, 1, 1] = 20.0
    fractions = np.array([0.6, 0.2])
    roots, rings, hits, centres, radius, total = _summary(response, condition)
    np.testing.assert_allclose(roots, 6.0 * np.sqrt(fractions + 1e-4), rtol=1e-5)
    displacement = np.array([[1.5, 2.0], [-0.5, 0.0]])
    distance = np.linalg.norm(displacement, axis=1)
    # The first cell lies in the outermost of the three rings, the second in the first.
    place = (np.arange(2), [2, 0])
    expected = np.zeros((2, 3))
    expected[place] = fractions
    np.testing.assert_allclose(
        rings.reshape(2, 3), 6.0 * np.sqrt(expected + 1e-4), rtol=1e-5
    )
    # 60 MIP is above both thresholds, 20 MIP between them: linear in the root.
    borders = np.array([0.0, *THRESHOLDS_MIP]) ** 0.25
    steps = np.clip((np.array([[60.0], [20.0]]) ** 0.25 - borders[:-1])
                    / np.diff(borders), 0.0, 1.0)  # fmt: skip
    assert 0.0 < steps[1, 1] < 1.0
    counts = np.zeros((3, 2, 2))
    counts[place[1], place[0]] = steps
    np.testing.assert_allclose(hits, 2.0 * np.sqrt(counts.ravel() + 0.5), rtol=1e-5)
    fading = (fractions / (fractions + 1e-2))[:, None]
    np.testing.assert_allclose(
        centres.reshape(2, 2), 3.0 * fading * displacement, rtol=1e-4, atol=1e-6
    )
    mean = (fractions * distance).sum() / (0.8 + 1e-2)
    np.testing.assert_allclose(radius, [5.0 * (mean - 1.4)], rtol=1e-4)
    np.testing.assert_allclose(total, [12.0 * (0.8 - 1.0)], rtol=1e-4)


def test_the_summary_of_an_empty_shower_is_finite():
    condition = np.array([[50.0, 0.0, 0.0]], np.float32)
    summary = np.concatenate(_summary(np.zeros((1, 3, 4, 2), np.float32), condition))
    no_hit = 2.0 * np.sqrt(0.5)
    empty = [0.06] * 8 + [no_hit] * 12 + [0.0] * 4 + [-7.0] + [-12.0]
    np.testing.assert_allclose(summary, empty, rtol=1e-5, atol=1e-6)


CONDITION = np.array([[50.0, 1.0, 2.0]], np.float32)
SERIALISED = {
    "locally connected": (
        locally_connected.LocallyConnected2D(2, (3, 2), padding="same"),
        (_normal(1, 3, 4, 2),),
    ),
    "locally connected with strides": (
        locally_connected.LocallyConnected2D(
            2, (2, 2), strides=(1, 2), first_bias=(0.5, -2.0)
        ),
        (_normal(1, 3, 4, 2),),
    ),
    "branches": (locally_connected.DenseBranches(2, 3, (3, 4), 2), (_normal(1, 5),)),
    "scale": (geometry.ScaleConditions([1.0, 2.0, 3.0], [4.0, 5.0, 6.0]), (CONDITION,)),
    "mask": (geometry.CellMask(np.eye(3, 4)), (_normal(1, 3, 4),)),
    "maps": (geometry.ImpactMaps(POSITIONS_CM, [1, 2], [0.5]), (CONDITION,)),
    "embedding": (geometry.CellEmbedding(2), (_normal(1, 3, 4, 2),)),
    "summary": (
        ShowerSummary(
            transforms.PowerOfFraction(2.0), POSITIONS_CM, [1, 2], [1], [1.0, 3.0]
        ),
        (_positive(1, 3, 4, 2), CONDITION),
    ),
}


@pytest.mark.parametrize("name", SERIALISED)
def test_a_layer_is_made_again_from_its_configuration(name):
    layer, inputs = SERIALISED[name]
    outputs = layer(*inputs)
    saved = keras.saving.serialize_keras_object(layer)
    again = keras.saving.deserialize_keras_object(saved, safe_mode=True)
    again(*inputs)
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(again(*inputs), outputs)
