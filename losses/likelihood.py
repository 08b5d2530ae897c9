"""Likelihoods of mixtures of Gaussians."""

from typing import Any

import numpy as np
import tensorflow as tf

Tensor = Any


def gaussian_mixture(
    value: Tensor, logits: Tensor, mean: Tensor, log_width: Tensor
) -> Tensor:
    """Returns ln sum_k w_k N(x; m_k, s_k), with w the softmax of the logits.

    Args:
        value: x, [...].
        logits: Logits of the weights w_k, [..., components].
        mean: m_k, [..., components].
        log_width: ln s_k, [..., components].

    Returns:
        Logarithm of the density, [...].

    Source: C. M. Bishop, Mixture density networks, Aston University NCRG/94/004.
    """
    pull = (value[..., None] - mean) * tf.exp(-log_width)
    component = -0.5 * pull**2 - log_width - 0.5 * np.log(2.0 * np.pi)
    return tf.reduce_logsumexp(tf.nn.log_softmax(logits) + component, axis=-1)
