"""Which particles the model takes over from Geant4, and what they leave in the cells.

Nothing here needs Geant4: whatever program stops the particles can use it.
"""

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from data.detectors.spec import IMPACT, DetectorSpec
from metrics.evaluation.pretrained_models import PretrainedModel

SPECIES = (11, -11)
"""Electrons and positrons (PDG codes): the models learnt from electrons."""

_CELL_CM = 2.0


@dataclasses.dataclass(frozen=True)
class FaceParticle:
    """A particle that has reached the front face of the calorimeter.

    Attributes:
        event: Number of its event.
        pdg: Code of the Particle Data Group.
        momentum_gev: Its momentum, x, y and z, the depth [GeV].
        impact_cm: Where it enters the face, x and y [cm].
        kinetic_gev: Kinetic energy [GeV].
        time_ns: Time since the event began [ns]; the cells of this model have none.
    """

    event: int
    pdg: int
    momentum_gev: tuple[float, float, float]
    impact_cm: tuple[float, float]
    kinetic_gev: float
    time_ns: float


def steps_into(value: float, low: float, high: float, pitch: float) -> int:
    """Returns by how many whole cells an impact moves into a range, as few as possible.

    It may jump over a range that is smaller than a cell.

    Args:
        value: The coordinate [cm].
        low: The lowest of the range [cm].
        high: The highest [cm].
        pitch: Width of a cell [cm].
    """
    if value > high:
        return math.ceil((value - high) / pitch)
    return -math.ceil((low - value) / pitch) if value < low else 0


def shifted(
    response: NDArray[np.float32], steps: tuple[int, int]
) -> NDArray[np.float32]:
    """Moves a response by whole cells; what leaves the calorimeter is lost.

    Args:
        response: Energies of the cells, [x, y].
        steps: Number of cells along x and y.
    """
    moved = np.zeros_like(response)
    target, source = zip(
        *(
            (slice(max(step, 0), size + min(step, 0)),
             slice(max(-step, 0), size - max(step, 0)))
            for step, size in zip(steps, response.shape, strict=True)
        ),
        strict=True,
    )  # fmt: skip
    moved[target] = response[source]
    return moved


class Takeover:
    """The particles that a model has taken over since it last simulated.

    Args:
        model: One of the ECAL, whose conditions are momentum and impact.

    Attributes:
        kinetic_gev: Kinetic energy of all particles that it took over so far [GeV].
    """

    def __init__(self, model: PretrainedModel) -> None:
        self._model = model
        self._spec: DetectorSpec = model.spec
        ranges = {one.name: one for one in self._spec.domain}
        self._impact = [ranges[name] for name in IMPACT]
        self._particles: list[FaceParticle] = []
        self._conditions: list[list[float]] = []
        self._steps: list[tuple[int, int]] = []
        self.kinetic_gev = 0.0

    def __len__(self) -> int:
        """Returns how many particles wait to be simulated."""
        return len(self._particles)

    def take(self, particle: FaceParticle) -> bool:
        """Takes a particle over, unless it is outside the domain of the model.

        Returns:
            Whether it was taken; then Geant4 must stop its track.
        """
        half_cm = 0.5 * _CELL_CM * self._spec.shape[0]
        if particle.pdg not in SPECIES or not particle.momentum_gev[2] > 0.0:
            return False
        if max(abs(value) for value in particle.impact_cm) > half_cm:
            return False
        x, y = (
            steps_into(value, one.low, one.high, _CELL_CM)
            for value, one in zip(particle.impact_cm, self._impact, strict=True)
        )
        moved = np.subtract(particle.impact_cm, np.multiply(_CELL_CM, (x, y)))
        condition = [*particle.momentum_gev, *moved]
        if not bool(self._spec.in_domain(np.array([condition], np.float32))[0]):
            return False
        self._particles.append(particle)
        self._conditions.append(condition)
        self._steps.append((x, y))
        self.kinetic_gev += particle.kinetic_gev
        return True

    def simulate_into(self, cells: NDArray[np.float32], first: int, seed: int) -> None:
        """Adds the showers of all particles to the cells, in one call of the model.

        Args:
            cells: Energies that Geant4 found [MeV], float32 [events, x, y].
            first: Number of the first of these events.
            seed: Seed of the model's random numbers.
        """
        if self._particles:
            responses = self._model.simulate(self._conditions, seed)
            whose = zip(self._particles, responses, self._steps, strict=True)
            for particle, response, steps in whose:
                cells[particle.event - first] += shifted(response, steps)
        for waiting in (self._particles, self._conditions, self._steps):
            waiting.clear()
