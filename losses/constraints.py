"""Losses that tie generated responses to their conditions."""

from typing import Any

import keras

Tensor = Any


def squared_error(predicted: Tensor, label: Tensor) -> Tensor:
    """Sums the squared errors of a regression over its outputs.

    Args:
        predicted: Regressed labels, float32 [batch, labels].
        label: True labels in the same units, float32 [batch, labels].

    Returns:
        Squared error per event [label unit squared], float32 [batch].

    Source: the energy and position losses of arXiv:1807.01954, section 3.
    """
    return keras.ops.sum(keras.ops.square(predicted - label), axis=-1)


def absolute_error(predicted: Tensor, label: Tensor) -> Tensor:
    """Returns how far numbers are from what was wanted.

    Args:
        predicted: Numbers of generated responses, such as energies, float32 [batch].
        label: Wanted numbers in the same units, float32 [batch].

    Returns:
        Absolute error per event [label unit], float32 [batch].

    Source: the loss of the total energy of arXiv:1712.10321.
    """
    return keras.ops.abs(predicted - label)


def error_difference(real_error: Tensor, fake_error: Tensor) -> Tensor:
    """Compares how well a regressor works on real and on generated responses.

    Minimising the generated error alone would reward showers that are easier to
    regress than real ones; the difference asks for the same resolution instead.

    Args:
        real_error: Mean regression error on the reference, scalar.
        fake_error: Mean regression error on generated responses, scalar.

    Returns:
        |real_error - fake_error|, scalar.

    Source: arXiv:1807.01954, section 3.
    """
    return keras.ops.abs(real_error - fake_error)


def feature_distance(real: Tensor, fake: Tensor) -> Tensor:
    """Compares the features of real and of generated responses of equal condition.

    Args:
        real: Features, float32 [batch, ...].
        fake: Features, float32 [batch, ...].

    Returns:
        Mean squared difference divided by the mean square of the real features, scalar;
        0 for equal features. No gradient flows to the real ones.

    Source: the perceptual loss of Johnson, Alahi, Fei-Fei, arXiv:1603.08155.
    """
    real = keras.ops.stop_gradient(real)
    scale = keras.ops.mean(keras.ops.square(real)) + 1e-6
    return keras.ops.mean(keras.ops.square(fake - real)) / scale
