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


def encode(energy: Tensor, smallest: Tensor) -> Tensor:
    """Returns energies as networks see them: a logarithm, and whether there is any.

    Args:
        energy: At least 0, [..., energies].
        smallest: Energies far below do not look different, scalar.

    Returns:
        [..., 2 * energies].
    """
    present = ops.cast(energy > 0.0, energy.dtype)
    return ops.concatenate([0.2 * ops.log(energy + smallest), present], axis=-1)


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
    energy: Tensor, logits: Tensor, mean: Tensor, log_width: Tensor, noise: Tensor
) -> tuple[Tensor, Tensor]:
    """Draws the two parts of energies, see `losses.likelihood.split`.

    Args:
        energy: At least 0, [...].
        logits: Of both atoms and the Gaussians, [..., 2 + components].
        mean: Of ln(first / second), [..., components].
        log_width: Logarithms of the standard deviations, [..., components].
        noise: Standard normal numbers, [..., 2].

    Returns:
        The parts, which add up to the energy, each [...].
    """
    below, chooses, means = _tables(mean.shape[-1])
    chance = 0.5 + 0.5 * ops.erf(noise[..., 0] * math.sqrt(0.5))
    # At 1, after rounding, an outcome without any probability would be drawn.
    chance = ops.minimum(chance, 1.0 - 2.0**-22)
    # Products with small matrices are several times faster than a softmax and sums
    # along an axis as short as this one.
    edges = ops.matmul(ops.exp(logits), below)
    passed = ops.cast(chance[..., None] * edges[..., -1:] >= edges, energy.dtype)
    chosen = ops.matmul(passed, chooses)
    ratio = ops.sum(chosen * mean, axis=-1)
    ratio = ratio + noise[..., 1] * ops.exp(ops.sum(chosen * log_width, axis=-1))
    all_first, not_empty, both = ops.unstack(ops.matmul(passed, means), axis=-1)
    # sigmoid(-x), for 1 - sigmoid(x) would make false zeros.
    first = both * ops.sigmoid(ratio) + all_first
    second = both * ops.sigmoid(-ratio) + (1.0 - not_empty)
    return energy * first, energy * second


def _tables(components: int) -> list[NDArray[np.float32]]:
    """Returns three matrices of 0, 1 and -1.

    The first adds up the weights of the outcomes up to each. From which of these sums
    have been passed (never the last one), the second makes 1 for the Gaussian that is
    drawn and 0 for the others. The third makes 1 or 0 for "all is in the first part",
    "the first part is not empty" and "both have some".
    """
    outcomes = likelihood.ATOMS + components
    below = np.triu(np.ones((outcomes, outcomes), np.float32))
    chooses = np.eye(outcomes, k=1, dtype=np.float32) - np.eye(outcomes, dtype="f4")
    means = np.zeros((outcomes, 3), np.float32)
    means[:2] = [[1.0, 1.0, 0.0], [-1.0, 0.0, 1.0]]
    return [below, chooses[:, likelihood.ATOMS :], means]
