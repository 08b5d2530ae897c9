"""The electrons that Geant4 shoots at the ECAL of `data.detectors.ecal`."""

import numpy as np
from numpy.typing import NDArray

from data import detectors
from data.detectors import particles

_ENERGY_GEV = (1.0, 100.0)
_ANGLE_WIDTHS_DEG = (20.0, 10.0)
_HALF_SQUARE_CM = 0.5
_BLOCK_EVENTS = 1024


def conditions(num: int, seed: int) -> NDArray[np.float32]:
    """Draws electrons as those of the sample in the repository.

    The kinetic energy falls as 1/E from 1 to 100 GeV; the angles in the xz and yz plane
    are normal with 20 and 10 degrees; the impact is uniform in the central square
    centimetre. What is outside the domain of the detector is drawn again.

    Args:
        num: Number of electrons.
        seed: Seed of the random numbers, at least 0.

    Returns:
        Momentum (x, y, z) [GeV] and impact (x, y) [cm], float32 [num, 5].

    Raises:
        ValueError: If `num` or the seed is negative.
    """
    if num < 0 or seed < 0:
        raise ValueError(f"num and seed must be at least 0, received {num} and {seed}")
    random = np.random.default_rng(seed)
    detector = detectors.get("ecal")
    blocks, missing = [np.empty((0, 5), np.float32)], num
    while missing > 0:
        block = _block(random)
        block = block[np.asarray(detector.in_domain(block), bool)]
        blocks.append(block)
        missing -= len(block)
    return np.concatenate(blocks)[:num]


def _block(random: np.random.Generator) -> NDArray[np.float32]:
    log_low, log_high = np.log(_ENERGY_GEV)
    kinetic_gev = np.exp(random.uniform(log_low, log_high, _BLOCK_EVENTS))
    mass_gev = particles.MASSES_GEV[particles.NAMES.index("electron")]
    momentum_gev = np.sqrt(kinetic_gev * (kinetic_gev + 2.0 * mass_gev))
    angles_deg = random.normal(0.0, _ANGLE_WIDTHS_DEG, (_BLOCK_EVENTS, 2))
    forward = (np.abs(angles_deg) < 90.0).all(axis=1)
    slopes = np.tan(np.radians(angles_deg))
    directions = np.column_stack([slopes, np.ones(_BLOCK_EVENTS)])
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    impact_cm = random.uniform(-_HALF_SQUARE_CM, _HALF_SQUARE_CM, (_BLOCK_EVENTS, 2))
    condition = np.hstack([momentum_gev[:, None] * directions, impact_cm])
    return condition[forward].astype(np.float32)
