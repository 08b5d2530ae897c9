"""Penalties that keep a critic smooth."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

Tensor = Any
Critic = Callable[[Tensor], Tensor]


def _squared_norms(critic: Critic, points: Tensor) -> Tensor:
    """One squared gradient norm per event: summing scores keeps events apart."""
    with tf.GradientTape() as tape:
        tape.watch(points)
        scores = critic(points)
    gradient = tape.gradient(scores, points)
    axes = list(range(1, len(points.shape)))
    return tf.reduce_sum(tf.square(gradient), axis=axes)


def gradient_penalty(
    critic: Critic, real: Tensor, fake: Tensor, mixing: Tensor
) -> Tensor:
    """Penalises critic gradients whose norm is not one, between real and generated.

    Args:
        critic: Maps encoded responses [batch, ...] to scores [batch].
        real: Encoded reference responses, float32 [batch, ...].
        fake: Encoded generated responses, float32 [batch, ...].
        mixing: Interpolation weights, uniform in (0, 1), float32 [batch].

    Returns:
        (norm - 1)^2 with one norm per event, float32 [batch].

    Source: Gulrajani et al., arXiv:1704.00028, equation 3.
    """
    mixing = tf.reshape(mixing, [-1] + [1] * (len(real.shape) - 1))
    points = real + mixing * (fake - real)
    # The root's slope is infinite where a gradient vanishes; 1e-12 keeps it finite.
    norm = tf.sqrt(_squared_norms(critic, points) + 1e-12)
    return tf.square(norm - 1.0)


def zero_centred_penalty(critic: Critic, real: Tensor) -> Tensor:
    """Penalises critic gradients on the reference (R1).

    Args:
        critic: Maps encoded responses [batch, ...] to scores [batch].
        real: Encoded reference responses, float32 [batch, ...].

    Returns:
        Half the squared gradient norm per event, float32 [batch].

    Source: Mescheder, Geiger, Nowozin, arXiv:1801.04406, equation 9.
    """
    return 0.5 * _squared_norms(critic, real)
