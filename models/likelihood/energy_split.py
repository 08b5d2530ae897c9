"""The division of an energy in two: what networks see of it, and how it is drawn."""

import math
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from losses import likelihood

Tensor = Any

_LOG_WIDTHS = (-6.0, 3.0)
_LOGITS = (-30.0, 30.0)
_IMPOSSIBLE = -1e9


def encode(energy: Tensor, smallest: Tensor, axis: int = -1) -> Tensor:
    """Returns energies as networks see them: a logarithm, and whether there is any.

    Args:
        energy: At least 0, [..., energies].
        smallest: Energies far below do not look different, scalar.
        axis: Along which both are put one after the other.

    Returns:
        [..., 2 * energies].
    """
    present = ops.cast(energy > 0.0, energy.dtype)
    return ops.concatenate([0.2 * ops.log(energy + smallest), present], axis=axis)


def parameter_count(components: int) -> int:
    """Returns how many numbers describe a division."""
    return likelihood.ATOMS + 3 * components


def described(x: Tensor, components: int) -> tuple[Tensor, Tensor, Tensor]:
    """Returns logits, means and logarithms of the widths of `losses.likelihood.split`.

    Args:
        x: The output of a network, [..., parameter_count(components)].
        components: Gaussians of the mixture.
    """
    first, second = likelihood.ATOMS + components, likelihood.ATOMS + 2 * components
    return (
        ops.clip(x[..., :first], *_LOGITS),
        x[..., first:second],
        ops.clip(x[..., second:], *_LOG_WIDTHS),
    )


def allowed(
    first: NDArray[np.bool_], second: NDArray[np.bool_], components: int
) -> NDArray[np.float32]:
    """Returns what is added to logits so that a part without cells stays empty.

    Args:
        first: Whether the first part has a cell, bool array [...].
        second: Whether the second one has, bool array [...].
        components: Gaussians of the mixture.

    Returns:
        float32 array [..., 2 + components].
    """
    lacking = [first & ~second, second & ~first, ~(first & second)]
    logits = np.stack([np.where(one, _IMPOSSIBLE, 0.0) for one in lacking], axis=-1)
    return np.repeat(logits, [1, 1, components], axis=-1).astype(np.float32)


def draw_split(
    energy: Tensor, x: Tensor, noise: Tensor, allowed: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Draws the two parts of energies, see `losses.likelihood.split`.

    Args:
        energy: At least 0, [...].
        x: The output of a network, see `described`,
            [..., parameter_count(components)].
        noise: Standard normal numbers, [..., 2].
        allowed: See the function of this name, [2 + components, ...], or None where
            everything is.

    Returns:
        The parts, which add up to the energy, each [...].
    """
    # One long row for each parameter: sums of a few rows are several times faster than
    # sums along a short last axis.
    size = x.shape[-1]
    outcomes = likelihood.ATOMS + (size - likelihood.ATOMS) // 3
    x = ops.transpose(ops.reshape(x, (-1, size)))
    logits = ops.clip(x[:outcomes], *_LOGITS)
    if allowed is not None:
        logits = logits + ops.reshape(allowed, (outcomes, -1))
    random = ops.transpose(ops.reshape(noise, (-1, 2)))
    chance = 0.5 + 0.5 * ops.erf(random[0] * math.sqrt(0.5))
    # At 1, after rounding, an outcome without any probability would be drawn.
    chance = ops.minimum(chance, 1.0 - 2.0**-22)
    # The weights of the outcomes up to each.
    edges = ops.matmul(np.tri(outcomes, dtype=np.float32), ops.exp(logits))
    passed = ops.cast(chance * edges[-1] >= edges, energy.dtype)
    # 1 for the Gaussian that is drawn and 0 for the others; the last is never passed.
    chosen = passed[1:-1] - passed[2:]
    mean, log_width = x[outcomes : 2 * outcomes - 2], x[2 * outcomes - 2 :]
    width = ops.exp(ops.clip(ops.sum(chosen * log_width, axis=0), *_LOG_WIDTHS))
    ratio = ops.sum(chosen * mean, axis=0) + random[1] * width
    some, both = passed[0], passed[1]
    # sigmoid(-x), for 1 - sigmoid(x) would make false zeros.
    first = both * ops.sigmoid(ratio) + (some - both)
    second = both * ops.sigmoid(-ratio) + (1.0 - some)
    shape = ops.shape(energy)
    return energy * ops.reshape(first, shape), energy * ops.reshape(second, shape)
