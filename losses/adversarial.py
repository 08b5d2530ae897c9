"""Adversarial objectives: what the critic and the generator minimise.

Every function takes critic scores [batch], the Cramer GAN's features, and returns one
loss per event or per pair [batch]; the trainer averages, since only it knows the size
of the global batch.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras

from losses import cramer

Tensor = Any


@dataclasses.dataclass(frozen=True)
class Objective:
    """A pair of loss functions of critic scores, or of features.

    Attributes:
        critic: (scores of real, scores of generated, weights) -> loss [batch].
        generator: (scores of generated, weights) -> loss [batch].
        features: Whether both take features instead, as `losses.cramer.energy` does.
    """

    critic: Callable[..., Tensor]
    generator: Callable[..., Tensor]
    features: bool = False


def _softplus(x: Tensor) -> Tensor:
    return keras.ops.softplus(x)


_OBJECTIVES = {
    # Source: Arjovsky, Chintala, Bottou, arXiv:1701.07875.
    "wasserstein": Objective(
        critic=lambda real, fake, weight: weight * (fake - real),
        generator=lambda fake, weight: -weight * fake,
    ),
    # Source: Goodfellow et al., arXiv:1406.2661, with the non-saturating generator.
    "bce": Objective(
        critic=lambda real, fake, weight: weight * (_softplus(-real) + _softplus(fake)),
        generator=lambda fake, weight: weight * _softplus(-fake),
    ),
    # Source: Miyato et al., arXiv:1802.05957.
    "hinge": Objective(
        critic=lambda real, fake, weight: (
            weight * (keras.ops.relu(1.0 - real) + keras.ops.relu(1.0 + fake))
        ),
        generator=lambda fake, weight: -weight * fake,
    ),
    # Source: Bellemare et al., arXiv:1705.10743, algorithm 1.
    "cramer": Objective(
        critic=lambda *events: -cramer.surrogate(*events),
        generator=cramer.energy,
        features=True,
    ),
    # The generator, too, sees the surrogate: the reading of the public code of
    # Maevskiy et al., arXiv:1905.11825.
    "cramer_surrogate": Objective(
        critic=lambda *events: -cramer.surrogate(*events),
        generator=cramer.surrogate,
        features=True,
    ),
}


def get(name: str) -> Objective:
    """Returns the objective of a given name.

    Args:
        name: "wasserstein", "bce", "hinge", "cramer" or "cramer_surrogate".

    Raises:
        ValueError: If there is no such objective.

    Example:
        >>> real, generated, weight = 2.0, 0.5, 1.0
        >>> get("wasserstein").critic(real, generated, weight)
        -1.5
    """
    if name not in _OBJECTIVES:
        known = ", ".join(_OBJECTIVES)
        raise ValueError(f"unknown objective {name!r}; known: {known}")
    return _OBJECTIVES[name]
