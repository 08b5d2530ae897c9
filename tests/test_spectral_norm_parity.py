"""Spectral normalisation: Keras against tensorflow-addons 0.23.0.

The field wrote `tfa.layers.SpectralNormalization`; that package no longer runs, and the
zoo uses `keras.layers.SpectralNormalization`. The reference values are what
tensorflow-addons 0.23.0 (TensorFlow 2.15.1) computed: three calls with `training=True`
on the kernel and the vector u given by `_kernel` and `_vector`. A call divides the
kernel by its estimated singular value sigma, hence one element of it tells them all.
"""

from collections.abc import Callable

import keras
import numpy as np
import pytest

TOLERANCE = 3e-7  # float32; the largest difference measured is 1.2e-7.

LAYERS: dict[str, tuple[Callable[[], keras.Layer], tuple[int, ...]]] = {
    "conv2d": (lambda: keras.layers.Conv2D(4, 3, use_bias=False), (1, 5, 5, 2)),
    "dense": (lambda: keras.layers.Dense(3, use_bias=False), (2, 5)),
    "conv2d_transpose": (
        lambda: keras.layers.Conv2DTranspose(4, 3, use_bias=False),
        (1, 3, 3, 2),
    ),
    "conv3d": (lambda: keras.layers.Conv3D(3, 2, use_bias=False), (1, 3, 3, 3, 2)),
}

# (layer, power iterations): for each call the second element of the kernel, and u.
REFERENCE: dict[tuple[str, int], list[tuple[float, list[float]]]] = {
    ("conv2d", 1): [
        (0.23604487, [-0.58943325, -0.15349543, 0.38787529, 0.69178063]),
        (0.23586492, [-0.57837963, -0.13932157, 0.4054558, 0.69402605]),
        (0.23566563, [-0.56358087, -0.12035075, 0.42349467, 0.69895965]),
    ],
    ("dense", 1): [
        (0.63984638, [-0.51123536, 0.34621111, 0.78662342]),
        (0.5569225, [-0.16394131, 0.55260456, 0.81716061]),
        (0.46269315, [0.21104407, 0.65722638, 0.72354263]),
    ],
    ("conv2d_transpose", 1): [
        (0.38852903, [-0.29554635, 0.9553284]),
        (0.21009025, [0.48572031, 0.87411427]),
        (0.16895127, [0.70810807, 0.70610416]),
    ],
    ("conv3d", 1): [
        (0.34591258, [-0.41392979, 0.28947803, 0.86305541]),
        (0.28192469, [-0.01301989, 0.54599839, 0.83768505]),
        (0.23527361, [0.30018869, 0.65966827, 0.68900245]),
    ],
    ("conv2d", 3): [
        (0.23566562, [-0.56358081, -0.12035076, 0.42349473, 0.69895965]),
        (0.23431411, [-0.49141213, -0.03450201, 0.49839878, 0.71338803]),
        (0.23065993, [-0.35379374, 0.10728738, 0.60104322, 0.70856655]),
    ],
    ("dense", 3): [
        (0.46269315, [0.21104404, 0.65722632, 0.72354263]),
        (0.42228317, [0.51144403, 0.66207868, 0.54779273]),
        (0.42208484, [0.52974564, 0.65948021, 0.53334355]),
    ],
    ("conv2d_transpose", 3): [
        (0.1689513, [0.70810795, 0.70610422]),
        (0.16760314, [0.74590486, 0.6660524]),
        (0.16760309, [0.74605268, 0.665887]),
    ],
    ("conv3d", 3): [
        (0.2352736, [0.30018866, 0.65966833, 0.68900239]),
        (0.22330698, [0.48644629, 0.68696105, 0.5398652]),
        (0.22327739, [0.49486831, 0.68728113, 0.53174239]),
    ],
}


def _kernel(shape):
    """The kernel that the reference started from."""
    index = np.arange(np.prod(shape))
    return np.reshape(np.sin(0.7 * index + 0.3) + 0.2 * np.cos(index**1.3), shape)


def _vector(size):
    """The direction of u that the reference started from; its norm cancels."""
    return np.linspace(-1.0, 1.0, size)[np.newaxis] + 0.13


def _wrapped(layer_name, power_iterations):
    make, shape = LAYERS[layer_name]
    layer = keras.layers.SpectralNormalization(make(), power_iterations)
    inputs = np.ones(shape, np.float32)
    layer.build(inputs.shape)
    layer.kernel.assign(_kernel(layer.kernel.shape))
    layer.vector_u.assign(_vector(layer.vector_u.shape[1]))
    return layer, inputs


@pytest.mark.parametrize(("layer_name", "power_iterations"), REFERENCE)
def test_kernel_and_vector_equal_the_reference(layer_name, power_iterations):
    layer, inputs = _wrapped(layer_name, power_iterations)
    start = _kernel(layer.kernel.shape)
    for element, vector in REFERENCE[layer_name, power_iterations]:
        layer(inputs, training=True)
        kernel = start * (element / start.flat[1])
        np.testing.assert_allclose(layer.kernel, kernel, rtol=0, atol=TOLERANCE)
        np.testing.assert_allclose(layer.vector_u, [vector], rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("layer_name", LAYERS)
def test_inference_changes_nothing(layer_name):
    layer, inputs = _wrapped(layer_name, power_iterations=1)
    before = [variable.numpy().copy() for variable in layer.variables]
    layer(inputs, training=False)
    for variable, value in zip(layer.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)


def test_first_call_of_a_kernel_of_one_to_eight_tenths():
    layer = keras.layers.SpectralNormalization(
        keras.layers.Conv2D(2, 2, use_bias=False), power_iterations=1
    )
    inputs = np.ones((1, 2, 2, 1), np.float32)
    layer.build(inputs.shape)
    layer.kernel.assign(np.reshape(np.arange(1, 9) / 10, (2, 2, 1, 2)))
    layer.vector_u.assign([[0.6, 0.8]])
    layer(inputs, training=True)
    np.testing.assert_allclose(
        layer.vector_u, [[0.64134461, 0.76725280]], rtol=0, atol=TOLERANCE
    )
    np.testing.assert_allclose(
        np.ravel(layer.kernel),
        0.07008173 * np.arange(1, 9),
        rtol=0,
        atol=TOLERANCE,
    )
