"""Showers of CaloGAN's calorimeter, as its public files record them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.detectors.flat_layers import folded
from data.events import Sample

CELLS = ((3, 96), (12, 12), (12, 6))
"""Cells of each layer in x and y."""


def sample_of_arrays(arrays: Mapping[str, NDArray[Any]]) -> Sample:
    """Returns the showers that `geant4_showers.simulate` has made, responses [cell]."""
    layers = [arrays[f"layer_{layer}"] for layer in range(len(CELLS))]
    return Sample(folded(layers), arrays["condition"].astype(np.float32))


def read_out(scored: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float32]]:
    """Sums the energies that `calogan_stack` scores as CaloGAN records them.

    Args:
        scored: Energies by name [MeV], [events, x, y, 1].

    Returns:
        "layer_0", "active_0" and so on, float32 [events, x, y], and "overflow",
        float32 [events, 3], all in MeV.
    """
    found = {}
    for layer in range(len(CELLS)):
        lead, argon = (scored[f"{what}_{layer}"][..., 0] for what in ("lead", "argon"))
        found[f"layer_{layer}"] = lead + argon
        found[f"active_{layer}"] = argon
    outside = [scored[f"outside_{layer}"][:, 0, 0, 0] for layer in range(len(CELLS))]
    return found | {"overflow": np.stack(outside, axis=1)}
