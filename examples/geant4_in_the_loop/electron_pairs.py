"""Events of two electrons from one vertex, and what a calorimeter says of them."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from data.detectors.spec import DetectorSpec

VERTEX_CM = -1200.0
"""z of the vertex, as far before the calorimeter as LHCb's; x and y are 0."""

SPOTS = ("corner", "face")
"""Where electrons hit: the square centimetres around corners of cells, or anywhere."""

_ENERGIES_GEV = (5.0, 40.0)
_CORNERS, _CELL_CM = (4, 10), 2.0
# What the scintillator sees of the energy, docs/geant4.md.
_SAMPLING_FRACTION = 0.175
_HALF_WINDOW = 3


@dataclasses.dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of electrons; the first flies to negative x, the second to positive x.

    Attributes:
        kinetic_gev: Kinetic energies [GeV], float64 [events, 2].
        impact_cm: Where they would hit the face without material, float64 [events, 2,
            2], x and y [cm].
    """

    kinetic_gev: NDArray[np.float64]
    impact_cm: NDArray[np.float64]

    @property
    def direction(self) -> NDArray[np.float64]:
        """Unit vectors from the vertex, float64 [events, 2, 3]."""
        return _direction(self.impact_cm, 0.0)

    @property
    def mass_gev(self) -> NDArray[np.float64]:
        """Invariant masses, without the electron's own [GeV], float64 [events]."""
        return _mass(self.kinetic_gev, self.direction)


def draw(events: int, spot: str, seed: int) -> Pairs:
    """Draws pairs of 5 to 40 GeV, all energies as likely, with uniform impacts.

    Args:
        events: Number of pairs.
        spot: One of `SPOTS`: impacts on the central square centimetre around corners
            of four cells, or on the same part of the face everywhere.
        seed: Seed of the random numbers, at least 0.
    """
    if spot not in SPOTS:
        raise ValueError(f"unknown spot {spot!r}; give one of {', '.join(SPOTS)}")
    random = np.random.default_rng(seed)
    energy = random.uniform(*_ENERGIES_GEV, (events, 2))
    low, high = _CORNERS
    corner = np.stack(
        [
            random.integers(low, high, (events, 2), endpoint=True) * [-1, 1],
            random.integers(-high, high, (events, 2), endpoint=True),
        ],
        axis=-1,
    )
    half_cm = 0.5 if spot == "corner" else 0.5 * _CELL_CM
    within = random.uniform(-half_cm, half_cm, (events, 2, 2))
    return Pairs(energy, _CELL_CM * corner + within)


@dataclasses.dataclass(frozen=True, eq=False)
class Reconstructed:
    """What the cells say, beside the truth.

    Attributes:
        energy_ratio: Energies of clusters over the true ones, float64 [events, 2].
        offset_cm: Centre of gravity less the straight line of the electron at the
            depth of the shower, x and y [cm], float64 [events, 2, 2].
        mass_ratio: Invariant mass over the true one, float64 [events].
    """

    energy_ratio: NDArray[np.float64]
    offset_cm: NDArray[np.float64]
    mass_ratio: NDArray[np.float64]


def reconstruct(
    cells: NDArray[np.float32], spec: DetectorSpec, pairs: Pairs
) -> Reconstructed:
    """Finds the two clusters of every event, one on each half of the face.

    A cluster is the hottest cell and its neighbours, 7 x 7 cells.

    Args:
        cells: Energies [MeV], float32 [events, x, y].
        spec: The calorimeter.
        pairs: The true electrons.
    """
    clusters = [[_cluster(event, spec, side) for side in (-1, 1)] for event in cells]
    found = np.array(clusters)
    energy = found[..., 0] / (1e3 * _SAMPLING_FRACTION)
    constant, slope = spec.shower_depth_cm or (0.0, 0.0)
    depth_cm = constant + slope * np.log(np.maximum(energy, 1e-3))
    z = depth_cm * pairs.direction[..., 2]
    scale = (z - VERTEX_CM) / -VERTEX_CM
    offset = found[..., 1:] - pairs.impact_cm * scale[..., None]
    mass = _mass(energy, _direction(found[..., 1:], z))
    return Reconstructed(energy / pairs.kinetic_gev, offset, mass / pairs.mass_gev)


def _cluster(
    event: NDArray[np.float32], spec: DetectorSpec, side: int
) -> tuple[float, float, float]:
    """Returns the energy [MeV] and the centre of gravity [cm] of one half."""
    half = np.where(side * spec.positions_cm[..., 0] > 0.0, event, 0.0)
    row, column = np.unravel_index(half.argmax(), half.shape)
    window = tuple(
        slice(max(int(middle) - _HALF_WINDOW, 0), int(middle) + _HALF_WINDOW + 1)
        for middle in (row, column)
    )
    energies = event[window].astype(np.float64)
    places = spec.positions_cm[window].astype(np.float64)
    total = max(float(energies.sum()), 1e-9)
    x, y = (float((energies * places[..., axis]).sum() / total) for axis in (0, 1))
    return float(energies.sum()), x, y


def _direction(
    place_cm: NDArray[np.float64], z_cm: float | NDArray[np.float64]
) -> NDArray[np.float64]:
    z = np.broadcast_to(z_cm, place_cm.shape[:-1]) - VERTEX_CM
    vectors = np.concatenate([place_cm, z[..., None]], axis=-1)
    unit: NDArray[np.float64] = vectors / np.linalg.norm(
        vectors, axis=-1, keepdims=True
    )
    return unit


def _mass(
    energy: NDArray[np.float64], direction: NDArray[np.float64]
) -> NDArray[np.float64]:
    # |a - b|^2 / 2 is 1 - cos of the angle between unit vectors.
    squared = np.sum((direction[..., 0, :] - direction[..., 1, :]) ** 2, axis=-1)
    mass: NDArray[np.float64] = np.sqrt(energy.prod(axis=-1) * squared)
    return mass
