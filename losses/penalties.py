"""Penalties that keep a critic smooth."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

Tensor = Any
Critic = Callable[[Tensor], Tensor]


def gradient_penalty(
    critic: Critic,
    real: Tensor,
    fake: Tensor,
    mixing: Tensor,
    centre: float = 1.0,
    one_sided: bool = False,
) -> Tensor:
    """Penalises the critic's gradients between real and generated responses.

    Args:
        critic: Maps encoded responses [batch, ...] to scores [batch].
        real: Encoded reference responses, float32 [batch, ...].
        fake: Encoded generated responses, float32 [batch, ...].
        mixing: Interpolation weights, uniform in (0, 1), float32 [batch].
        centre: The gradient norm that costs nothing: 1 for the Wasserstein distance
            proper, 0 for a critic that goes flat where the two samples agree.
        one_sided: Whether a norm below the centre costs nothing either.

    Returns:
        (norm - centre)^2 with one norm per event, float32 [batch].

    Source: Gulrajani et al., arXiv:1704.00028, equation 3 and appendix "one-sided
    penalty"; for centre 0 Thanh-Tung, Tran, Venkatesh, arXiv:1902.03984.
    """
    mixing = tf.reshape(mixing, [-1] + [1] * (len(real.shape) - 1))
    points = real + mixing * (fake - real)
    with tf.GradientTape() as tape:
        tape.watch(points)
        # Summing the scores, as the tape does, keeps the events apart.
        scores = critic(points)
    gradient = tape.gradient(scores, points)
    squared = tf.reduce_sum(tf.square(gradient), axis=list(range(1, len(real.shape))))
    if centre == 0.0:
        return squared
    # The root's slope is infinite where a gradient vanishes; 1e-12 keeps it finite.
    excess = tf.sqrt(squared + 1e-12) - centre
    return tf.square(tf.nn.relu(excess) if one_sided else excess)
