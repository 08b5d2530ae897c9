"""The particles of given conditions."""

import numpy as np
from numpy.typing import NDArray

from data.detectors import particles
from data.detectors.spec import IMPACT, MOMENTUM
from data.simulation.geant4.child_task import PARTICLES, Primaries

_ELECTRON_GEV = particles.MASSES_GEV[particles.NAMES.index("electron")]


def mass_gev(particle: str) -> float:
    """Returns the mass of one of `PARTICLES` [GeV]."""
    return 0.0 if particle == "gamma" else _ELECTRON_GEV


def of_conditions(
    condition: NDArray[np.float32], names: tuple[str, ...], particle: str
) -> Primaries:
    """Makes the particles of conditions.

    Args:
        condition: Conditions, [events, conditions].
        names: Their names: the components of the momentum, or "energy_gev", a kinetic
            energy along z; and the impact point, where there is one.
        particle: One of `PARTICLES`.

    Raises:
        ValueError: If there is no such particle, the shape is another one, or an event
            has no finite condition or does not fly towards the detector.
    """
    if particle not in PARTICLES:
        raise ValueError(
            f"particle must be one of {', '.join(PARTICLES)}, received {particle!r}"
        )
    if condition.ndim != 2 or condition.shape[1] != len(names) or not len(condition):
        raise ValueError(
            f"conditions must have the shape (events, {len(names)}), received "
            f"{condition.shape}; give {', '.join(names)}"
        )
    values = condition.astype(np.float64)
    columns = {name: values[:, index] for index, name in enumerate(names)}
    inclined = MOMENTUM[0] in columns
    forward = columns[MOMENTUM[2] if inclined else "energy_gev"]
    bad = ~np.isfinite(values).all(axis=1) | ~(forward > 0.0)
    if bad.any():
        event = int(np.argmax(bad))
        raise ValueError(
            "a particle must have a finite condition and fly towards the detector, "
            f"{MOMENTUM[2] if inclined else 'energy_gev'} above 0; event {event} has "
            f"{condition[event].tolist()}"
        )
    impact_cm = np.zeros((len(values), 2))
    if IMPACT[0] in columns:
        impact_cm = np.column_stack([columns[name] for name in IMPACT])
    if not inclined:
        along_z = np.tile([0.0, 0.0, 1.0], (len(values), 1))
        return Primaries(particle, columns["energy_gev"], along_z, impact_cm)
    vector = np.column_stack([columns[name] for name in MOMENTUM])
    momentum_gev = np.linalg.norm(vector, axis=1)
    kinetic_gev = np.hypot(momentum_gev, mass_gev(particle)) - mass_gev(particle)
    direction = vector / momentum_gev[:, None]
    return Primaries(particle, kinetic_gev, direction, impact_cm)
