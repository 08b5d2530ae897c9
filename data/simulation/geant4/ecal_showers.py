"""Geant4 showers of electrons in the ECAL of `data.detectors.ecal`."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from data.simulation.geant4 import child

_CONDITIONS = 5


def simulate(
    condition: ArrayLike, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Simulates electrons with Geant4; the same seed gives the same showers.

    Args:
        condition: Momentum (x, y, z) [GeV] of every electron and the point (x, y) [cm]
            where it enters the front face, z = 0: [events, 5].
        seed: Seed of Geant4's random numbers, from 0 to 2^31 - 1.

    Returns:
        Energies in the scintillator of every cell [MeV], float32 [events, 30, 30], and
        the processor time of every event [s], [events].

    Raises:
        ValueError: If a condition or the seed is none.
        ChildProcessError: If there is no Geant4, or it lacks its data sets.
    """
    values = np.asarray(condition, np.float32)
    if values.ndim != 2 or values.shape[1] != _CONDITIONS or not len(values):
        raise ValueError(
            "conditions of the ECAL must have the shape (events, 5), received "
            f"{values.shape}; give momentum [GeV] and impact point [cm]"
        )
    bad = ~np.isfinite(values).all(axis=1) | (values[:, 2] <= 0.0)
    if bad.any():
        event = int(np.argmax(bad))
        raise ValueError(
            "an electron must have a finite condition and fly towards the ECAL, "
            f"momentum z above 0; event {event} has {values[event].tolist()}"
        )
    if not 0 <= seed < 2**31:
        raise ValueError(f"seed must be from 0 to 2^31 - 1, received {seed}")
    return child.run("data.simulation.geant4.ecal_stack", values, seed)
