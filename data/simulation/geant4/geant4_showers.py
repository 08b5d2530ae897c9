"""Showers that Geant4 simulates in a detector, at given conditions."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from data.simulation.geant4 import child, primaries, setups


def simulate(
    detector: str,
    condition: ArrayLike,
    seed: int,
    *,
    particle: str = "e-",
    stream: int = 0,
    scratch: Path | None = None,
) -> dict[str, NDArray[Any]]:
    """Simulates showers with Geant4; the same seed gives the same showers.

    Args:
        detector: One of `setups.names()`.
        condition: Its conditions, in its units, [events, conditions].
        seed: Seed of Geant4's random numbers, from 0 to 2^31 - 1.
        particle: "e-", "e+" or "gamma".
        stream: Number of their stream, for the parts of one simulation.
        scratch: An existing folder for temporary files; the system's by default.

    Returns:
        "response" [unit of the detector], float32 [events, ...], or for "calogan" the
        arrays of `calogan_showers.read_out`; "condition", as given, in float32; and
        "cpu_s", the processor time of every event [s], [events].

    Raises:
        ValueError: If the detector, a condition, the particle or the seed is none.
        ChildProcessError: If there is no Geant4, or it lacks its data sets.
    """
    setup = setups.get(detector)
    values = np.asarray(condition, np.float32)
    shot = primaries.of_conditions(values, setup.condition_names, particle)
    scored = child.run(setup.geometry, shot, seed, stream=stream, scratch=scratch)
    response = setup.read_out(scored)
    return {**response, "condition": values, "cpu_s": scored["cpu_s"]}
