"""The features of showers that the physics PRD compares."""

import numpy as np

from metrics.observables import competition2019
from metrics.observables.registry import LAYER_ENERGY
from metrics.showers.shower_pairs import Comparison
from metrics.statistics.arrays import Array

PRD_MODES = ("standard", "competition2019")
"""Features of the physics PRD: our observables, or those of the 2019 competition."""

_SHAPES = ("width_", "asymmetry_", "number_of_hits")
"""Beginnings of the names of the observables that the published physics PRD takes."""


def physics_features(comparison: Comparison, mode: str) -> tuple[Array, Array]:
    """Returns the physics features of the PRD.

    Args:
        comparison: The showers.
        mode: "standard": of images the widths, asymmetries and numbers of hits, as
            published; of layered responses all observables but the layers' energies.
            "competition2019": see `competition2019.features`.

    Returns:
        Features of generated and reference showers, each [events, features].

    Raises:
        ValueError: If the mode is not known or needs another detector.
    """
    if mode == "competition2019":
        spec = comparison.spec
        if spec.name != "ecal":
            raise ValueError(
                "prd_mode=competition2019 is for detector 'ecal', received "
                f"{spec.name!r}; use prd_mode=standard"
            )
        momentum = comparison.condition[:, list(spec.energy_conditions)]
        # The competition counted in cells.
        pitch_cm = spec.positions_cm[1, 0, 0] - spec.positions_cm[0, 0, 0]
        point = spec.impact(comparison.condition) / pitch_cm
        generated, reference = comparison.both(
            lambda response: competition2019.features(response, momentum, point)
        )
        return generated, reference
    if mode != "standard":
        raise ValueError(f"unknown prd_mode {mode!r}; known: {', '.join(PRD_MODES)}")
    names = [one.name for one in comparison.observables]
    if comparison.layered:
        names = [name for name in names if not name.startswith(LAYER_ENERGY)]
    else:
        names = [name for name in names if name.startswith(_SHAPES)] or names
    generated, reference = (
        np.column_stack([values[name] for name in names])
        for values in comparison.values
    )
    return generated, reference
