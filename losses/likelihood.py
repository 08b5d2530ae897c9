"""Likelihoods of mixtures of Gaussians, and of the split of an energy in two."""

from typing import Any

import numpy as np
from keras import ops

Tensor = Any

ATOMS = 2
"""The outcomes of a split that have a probability of their own: all here, all there."""

_LARGEST_LOGIT = 25.0


def _log_components(
    value: Tensor, log_weight: Tensor, mean: Tensor, log_width: Tensor
) -> Tensor:
    """Returns ln w_k N(x; m_k, s_k), [..., components]."""
    pull = (value[..., None] - mean) * ops.exp(-log_width)
    constant = 0.5 * float(np.log(2.0 * np.pi))
    return log_weight - 0.5 * ops.square(pull) - log_width - constant


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
    log_weight = ops.log_softmax(logits)
    parts = _log_components(value, log_weight, mean, log_width)
    return ops.logsumexp(parts, axis=-1)


def split(
    first: Tensor, second: Tensor, logits: Tensor, mean: Tensor, log_width: Tensor
) -> Tensor:
    """Returns the logarithm of the likelihood of the split of an energy in two.

    With the probabilities of two atoms the second or the first part has everything.
    Otherwise the logarithm of the ratio of the parts is distributed as a mixture of
    Gaussians.

    Args:
        first: One part of the energy, at least 0, [...].
        second: The other part, [...].
        logits: Logits of "first part empty", "second part empty" and of the Gaussians,
            [..., 2 + components]. An outcome of logit -inf is impossible.
        mean: Of ln(first / second), [..., components].
        log_width: Logarithms of the standard deviations, [..., components].

    Returns:
        Logarithm of a probability for a part that is empty, of a density in
        ln(first / second) otherwise, [...]; 0 where both parts are empty.
    """
    log_weight = ops.log_softmax(logits)
    ratio = log_ratio(first, second)
    inside = ops.logsumexp(
        _log_components(ratio, log_weight[..., ATOMS:], mean, log_width), axis=-1
    )
    nothing = ops.logical_and(first <= 0.0, second <= 0.0)
    found = ops.where(second <= 0.0, log_weight[..., 1], inside)
    found = ops.where(first <= 0.0, log_weight[..., 0], found)
    return ops.where(nothing, 0.0, found)


def log_ratio(first: Tensor, second: Tensor) -> Tensor:
    """Returns ln(first / second), 0 where a part is empty, within +-25.

    Args:
        first: At least 0, [...].
        second: At least 0, [...].
    """
    both = ops.logical_and(first > 0.0, second > 0.0)
    # Inside `where`, a branch that is not taken still has a gradient.
    ratio = ops.log(ops.where(both, first, 1.0)) - ops.log(ops.where(both, second, 1.0))
    return ops.clip(ratio, -_LARGEST_LOGIT, _LARGEST_LOGIT)
