"""What Geant4 can simulate: detectors, beams, and what becomes of scored energies."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data import detectors
from data.detectors import cylinder
from data.detectors.spec import DetectorSpec
from data.simulation.geant4 import calogan_showers
from data.simulation.geant4.child_task import PARTICLES
from data.simulation.geant4.primaries import mass_gev

BLOCK_EVENTS = 100
"""Events whose conditions are drawn, and which are simulated, in one piece."""

MIP_MEV = 0.085
"""What the HGCAL prototype calls a MIP: most probable energy in 0.3 mm of silicon."""

_ENERGIES_GEV = (0.1, 1000.0)
_ECAL_ANGLES_DEG = (20.0, 10.0)
_ECAL_LIMITS_DEG = (75.0, 50.0)
_HGCAL_SPOT_CM, _HGCAL_LIMIT_CM = 1.5, 4.0

Scored = Mapping[str, NDArray[Any]]


@dataclasses.dataclass(frozen=True)
class Beam:
    """What is shot.

    Attributes:
        particle: One of `PARTICLES`.
        energy_gev: Lowest and highest kinetic energy [GeV].
        impact_half_cm: Half the side of the square over which particles are spread
            evenly [cm]; None for the spot of the detector's own.
    """

    particle: str
    energy_gev: tuple[float, float]
    impact_half_cm: float | None


@dataclasses.dataclass(frozen=True)
class Setup:
    """A detector that Geant4 simulates.

    Attributes:
        name: Of the detector.
        geometry: Module that builds it.
        condition_names: Names of its conditions.
        energy_gev: Lowest and highest kinetic energy of its own beam [GeV].
        log_uniform: Whether the spectrum is 1/E; otherwise all energies are as likely.
        production_cut_mm: What the geometry says [mm].
        half_face_cm: Largest `impact_half_cm` [cm]; None if the conditions hold no
            impact point.
        read_out: Makes responses of scored energies, both by name, [events, ...].
        particle: Of its own beam.
    """

    name: str
    geometry: str
    condition_names: tuple[str, ...]
    energy_gev: tuple[float, float]
    log_uniform: bool
    production_cut_mm: float
    half_face_cm: float | None
    read_out: Callable[[Scored], dict[str, NDArray[np.float32]]]
    particle: str = "e-"

    def beam(
        self,
        particle: str | None = None,
        energy_gev: tuple[float, float] | None = None,
        impact_half_cm: float | None = None,
    ) -> Beam:
        """Returns the detector's own beam with some changes.

        Raises:
            ValueError: If the detector or the physics has no such beam.
        """
        particle = self.particle if particle is None else particle
        if particle not in PARTICLES:
            raise ValueError(
                f"particle={particle}: electromagnetic physics follows "
                f"{', '.join(PARTICLES)}; give one of these"
            )
        low, high = self.energy_gev if energy_gev is None else energy_gev
        lowest, highest = _ENERGIES_GEV
        if not lowest <= low <= high <= highest:
            raise ValueError(
                f"energy_gev={low:g},{high:g}: give the lowest and the highest kinetic "
                f"energy between {lowest:g} and {highest:g} GeV, such as 1,100"
            )
        if impact_half_cm is not None:
            if self.half_face_cm is None:
                raise ValueError(
                    f"impact_half_cm={impact_half_cm:g}: every particle hits the "
                    f"centre of {self.name!r}, whose conditions hold no impact point; "
                    "leave it out"
                )
            if not 0.0 <= impact_half_cm <= self.half_face_cm:
                raise ValueError(
                    f"impact_half_cm={impact_half_cm:g}: the cells of {self.name!r} "
                    f"reach {self.half_face_cm:g} cm from the centre; give a length "
                    "from 0 to that"
                )
        return Beam(particle, (low, high), impact_half_cm)

    def spec(self, beam: Beam) -> DetectorSpec:
        """Returns the detector that a canonical file of these showers is of."""
        if self.name == "cylinder":
            return cylinder.spec(beam.energy_gev)
        return detectors.get(self.name)


def get(name: str) -> Setup:
    """Returns a setup.

    Raises:
        ValueError: If Geant4 does not simulate the detector.
    """
    if name not in _SETUPS:
        raise ValueError(
            f"Geant4 does not simulate detector {name!r}; it does {', '.join(_SETUPS)}"
        )
    return _SETUPS[name]


def names() -> tuple[str, ...]:
    """Returns the names of all detectors that Geant4 simulates."""
    return tuple(_SETUPS)


def conditions(
    setup: Setup, beam: Beam, num: int, seed: int, block: int = 0
) -> NDArray[np.float32]:
    """Draws the conditions of one block.

    Energies follow the spectrum of the setup. In the ECAL, angles in the xz and yz
    plane are normal with 20 and 10 degrees and drawn again beyond 75 and 50 degrees.
    Elsewhere particles come along z. Impact points are uniform in a square; the HGCAL
    prototype's own are normal with 1.5 cm, drawn again beyond 4 cm in x or y.

    Args:
        setup: The detector.
        beam: From its method `beam`.
        num: Number of events, 1 to `BLOCK_EVENTS`. Fewer are the first of more.
        seed: Seed of the random numbers, at least 0.
        block: Number of the block, whose random numbers are its own.

    Returns:
        Conditions in the units of the detector, float32 [num, conditions].

    Raises:
        ValueError: If a number is out of range.
    """
    if not 1 <= num <= BLOCK_EVENTS or seed < 0 or block < 0:
        raise ValueError(
            f"a block has 1 to {BLOCK_EVENTS} events, its number and the seed are at "
            f"least 0; received {num}, {block} and {seed}"
        )
    random = np.random.default_rng([seed, block])
    low, high = beam.energy_gev
    if setup.log_uniform:
        energy = np.exp(random.uniform(np.log(low), np.log(high), BLOCK_EVENTS))
    else:
        energy = random.uniform(low, high, BLOCK_EVENTS)
    # The logarithm and back is not exact.
    energy = np.clip(energy, low, high)[:, None]
    columns = [energy]
    if setup.name == "ecal":
        momentum = np.sqrt(energy * (energy + 2.0 * mass_gev(beam.particle)))
        columns = [momentum * _directions(random)]
    if setup.half_face_cm is not None:
        columns.append(_impact_cm(setup, beam, random))
    return np.hstack(columns)[:num].astype(np.float32)


def all_conditions(
    setup: Setup, beam: Beam, num: int, seed: int
) -> NDArray[np.float32]:
    """Draws the conditions of several blocks, float32 [num, conditions].

    Args:
        setup: The detector.
        beam: From its method `beam`.
        num: Number of events, at least 1.
        seed: Seed of the random numbers, at least 0.
    """
    starts = range(0, num, BLOCK_EVENTS)
    return np.concatenate(
        [
            conditions(setup, beam, min(BLOCK_EVENTS, num - start), seed, block)
            for block, start in enumerate(starts)
        ]
    )


def _normal(
    random: np.random.Generator, widths: Any, limits: Any
) -> NDArray[np.float64]:
    """Draws pairs of normal numbers, and again those beyond the limits."""
    values = random.normal(0.0, widths, (BLOCK_EVENTS, 2))
    while (outside := (np.abs(values) > limits).any(axis=1)).any():
        values[outside] = random.normal(0.0, widths, (int(outside.sum()), 2))
    return values


def _directions(random: np.random.Generator) -> NDArray[np.float64]:
    angles_deg = _normal(random, _ECAL_ANGLES_DEG, _ECAL_LIMITS_DEG)
    slopes = np.tan(np.radians(angles_deg))
    directions = np.column_stack([slopes, np.ones(BLOCK_EVENTS)])
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return directions


def _impact_cm(
    setup: Setup, beam: Beam, random: np.random.Generator
) -> NDArray[np.float64]:
    half_cm = beam.impact_half_cm
    if half_cm is None and setup.name == "hgcal":
        return _normal(random, _HGCAL_SPOT_CM, _HGCAL_LIMIT_CM)
    half_cm = 0.5 if half_cm is None else half_cm
    return random.uniform(-half_cm, half_cm, (BLOCK_EVENTS, 2))


def _ecal(scored: Scored) -> dict[str, NDArray[np.float32]]:
    return {"response": scored["cells"][..., 0].astype(np.float32)}


def _hgcal(scored: Scored) -> dict[str, NDArray[np.float32]]:
    rows, columns, layers = detectors.get("hgcal").shape
    cells = scored["cells"].reshape(-1, rows, columns, layers)
    return {"response": (cells / MIP_MEV).astype(np.float32)}


def _cylinder(scored: Scored) -> dict[str, NDArray[np.float32]]:
    cells = scored["cells"]
    pairs = cells.reshape(*cells.shape[:3], cylinder.LAYERS, 2).sum(axis=-1)
    # Geant4 counts angles from 0, the detector from -pi.
    turned = np.roll(pairs, cylinder.ANGLES // 2, axis=1)
    response = (turned / cylinder.SAMPLING_FRACTION).astype(np.float32)
    response[response < cylinder.READOUT_CUT_MEV] = 0.0
    outside = scored["outside"].sum(axis=(1, 2, 3)) / cylinder.SAMPLING_FRACTION
    return {"response": response, "outside_mev": outside.astype(np.float32)}


_SETUPS = {
    one.name: one
    for one in (
        Setup(
            "ecal",
            "ecal_stack",
            detectors.get("ecal").condition_names,
            energy_gev=(1.0, 100.0),
            log_uniform=True,
            production_cut_mm=0.1,
            half_face_cm=30.0,
            read_out=_ecal,
        ),
        Setup(
            "hgcal",
            "hgcal_stack",
            detectors.get("hgcal").condition_names,
            energy_gev=(20.0, 90.0),
            log_uniform=False,
            production_cut_mm=0.05,
            half_face_cm=6.0,
            read_out=_hgcal,
        ),
        Setup(
            "calogan",
            "calogan_stack",
            ("energy_gev",),
            energy_gev=(1.0, 100.0),
            log_uniform=False,
            production_cut_mm=0.1,
            half_face_cm=None,
            read_out=calogan_showers.read_out,
            particle="e+",
        ),
        Setup(
            "cylinder",
            "cylinder_stack",
            ("energy_gev",),
            energy_gev=(1.0, 100.0),
            log_uniform=True,
            production_cut_mm=0.05,
            half_face_cm=None,
            read_out=_cylinder,
        ),
    )
}
