"""Toy showers of the ECAL, for measurements in which physics does not matter."""

import numpy as np
from numpy.typing import NDArray

from data.detectors.spec import DetectorSpec
from metrics.observables.images import track_projection


def conditions(count: int, random: np.random.Generator) -> NDArray[np.float32]:
    """Draws conditions of the ECAL: energies of 1 to 100 GeV, inclined tracks.

    Args:
        count: Number of events.
        random: Source of random numbers.

    Returns:
        Momentum [GeV] and impact point [cm], [count, 5].
    """
    energy = np.exp(random.uniform(0.0, np.log(100.0), count))
    slopes = np.tan(np.radians(random.normal(0.0, (20.0, 10.0), (count, 2))))
    directions = np.column_stack([slopes, np.ones(count)])
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    point = random.uniform(-0.5, 0.5, (count, 2))
    momentum = energy[:, None] * directions
    return np.concatenate([momentum, point], axis=1).astype(np.float32)


def showers(
    spec: DetectorSpec, condition: NDArray[np.float32], random: np.random.Generator
) -> NDArray[np.float32]:
    """Draws toy showers: energies that fall exponentially around the track, with noise.

    Args:
        spec: The ECAL.
        condition: From `conditions`.
        random: Source of random numbers.

    Returns:
        Responses [spec.unit], [events, 30, 30].
    """
    energy = spec.incident_energy(condition)
    momentum = condition[:, list(spec.energy_conditions)]
    depth = np.full(len(condition), 12.0)
    centre = track_projection(spec.impact(condition), momentum, depth)
    plane = spec.positions_cm[..., :2]
    distance = np.linalg.norm(plane - centre[:, None, None], axis=-1)
    mean = 100.0 * energy[:, None, None] * np.exp(-distance / 1.5)
    response = random.gamma(0.001 + mean / 20.0, 20.0)
    return np.where(response > 1.0, response, 0.0).astype(np.float32)
