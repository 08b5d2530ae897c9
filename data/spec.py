"""What a detector's response is: shape, units, cells, conditions and domain."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from data import particles

Condition = Any
"""A batch of conditions, [batch, conditions]: a NumPy array or a tensor."""


@dataclasses.dataclass(frozen=True)
class DomainRange:
    """A closed range of one quantity derived from the condition.

    Attributes:
        name: Name of the quantity with its unit as suffix, e.g. "polar_angle_deg".
        unit: Its unit.
        low: Lowest trained value.
        high: Highest trained value.
        quantity: Computes it, [batch, conditions] -> [batch]; written with
            `keras.ops`, so that it runs on arrays and inside an exported graph.
    """

    name: str
    unit: str
    low: float
    high: float
    quantity: Callable[[Condition], Any]


@dataclasses.dataclass(frozen=True, eq=False)
class DetectorSpec:
    """Everything that a model, a reader or a metric must know about a detector.

    Attributes:
        name: Name of the detector, as in the `detector` attribute of a file.
        shape: Shape of one response, e.g. (row, column, layer).
        response_name: What one number of the response is.
        unit: Unit of the response.
        lower_bound: Smallest physical value; None where there is none.
        condition_names: Names of the conditions, in order, with units as suffixes.
        condition_units: Their units.
        domain: The ranges of conditions inside which the detector was simulated.
        cells: The cells that exist, bool [*shape].
        dead_cells: Existing cells that are never read out, bool [*shape].
        positions_cm: Centre (x, y, z) of every cell, float32 [*shape, 3].
        plane_vectors: Index pairs of conditions that are vectors in the x-y plane:
            they rotate and mirror with the detector.
        energy_conditions: Indices of the conditions whose Euclidean norm is the
            incident energy: the energy itself, or a momentum's three components.
        layer_depths_x0: Depth of each layer in radiation lengths, empty where the
            response is not layered.
        shower_depth_cm: a and b [cm] of the depth of a shower along the track,
            a + b ln(E / GeV), where E is the incident energy; None if not known.
        component_names: Names of the numbers of a response that is not an image of
            cells; empty otherwise.
    """

    name: str
    shape: tuple[int, ...]
    response_name: str
    unit: str
    lower_bound: float | None
    condition_names: tuple[str, ...]
    condition_units: tuple[str, ...]
    domain: tuple[DomainRange, ...]
    cells: NDArray[np.bool_]
    dead_cells: NDArray[np.bool_]
    positions_cm: NDArray[np.float32]
    plane_vectors: tuple[tuple[int, int], ...] = ()
    energy_conditions: tuple[int, ...] = (0,)
    layer_depths_x0: tuple[float, ...] = ()
    shower_depth_cm: tuple[float, float] | None = None
    component_names: tuple[str, ...] = ()

    def acceptance(self, mask: str) -> NDArray[np.bool_]:
        """Returns the cells that a comparison takes into account.

        Args:
            mask: "mask_full" for all cells that exist, "mask" to leave out the dead
                cells too.

        Returns:
            The accepted cells, bool [*shape].

        Raises:
            ValueError: If `mask` is neither of the two names.
        """
        if mask == "mask_full":
            return self.cells
        if mask == "mask":
            return self.cells & ~self.dead_cells
        raise ValueError(
            f"mask must be 'mask' or 'mask_full', received {mask!r}; 'mask' leaves "
            "out the dead cells"
        )

    def in_domain(self, condition: Condition) -> Any:
        """Tells which conditions lie inside every trained range.

        Args:
            condition: Conditions [condition_units], [batch, conditions].

        Returns:
            Whether each condition is inside, bool [batch].
        """
        inside = keras.ops.all(keras.ops.isfinite(condition), axis=-1)
        for limits in self.domain:
            value = limits.quantity(condition)
            in_range = keras.ops.logical_and(value >= limits.low, value <= limits.high)
            inside = keras.ops.logical_and(inside, in_range)
        return inside


_HGCAL_SIDE_CM = 0.6496
_HGCAL_ROWS_OF_CELLS = (
    (5, 9), (3, 11), (2, 12), (1, 13), (1, 13), (1, 13), (1, 13), (1, 13), (2, 12),
    (2, 12), (4, 10),
)  # fmt: skip
_HGCAL_SENSOR_Z_CM = (2.031, 4.780, 7.528, 10.557, 13.867, 17.738, 22.451)
_HGCAL_DEAD = ((5, 5), (5, 11))
_HGCAL_DEAD_LAYER_6 = ((5, 3), (5, 9))


def _hgcal() -> DetectorSpec:
    """The HGCAL prototype of seven silicon sensors with 121 hexagonal cells each.

    Positions follow from the pitch of the hexagons (side 6.496 mm, flat top, every
    even column half a cell lower). The dead cells are the published ones.

    Source: Erdmann, Glombitza, Quast, arXiv:1807.01954.
    """
    shape = (12, 15, 7)
    plane = np.zeros(shape[:2], bool)
    for row, (first, last) in enumerate(_HGCAL_ROWS_OF_CELLS):
        plane[row, first : last + 1] = True
    plane[11, [6, 8]] = True
    cells = np.repeat(plane[:, :, None], 7, axis=2)
    dead = np.zeros(shape, bool)
    for layer in range(7):
        for row, column in _HGCAL_DEAD_LAYER_6 if layer == 5 else _HGCAL_DEAD:
            dead[row, column, layer] = True
    columns = np.arange(15)
    rows = np.arange(12)[:, None]
    x = (columns - 7) * 1.5 * _HGCAL_SIDE_CM
    y = (rows - 5 - 0.5 * (columns % 2 == 0)) * np.sqrt(3.0) * _HGCAL_SIDE_CM
    positions = np.empty((*shape, 3), np.float32)
    positions[..., 0] = x[None, :, None]
    positions[..., 1] = y[:, :, None]
    positions[..., 2] = _HGCAL_SENSOR_Z_CM
    return DetectorSpec(
        name="hgcal",
        shape=shape,
        response_name="cell energy",
        unit="MIP",
        lower_bound=0.0,
        condition_names=("energy_gev", "impact_x_cm", "impact_y_cm"),
        condition_units=("GeV", "cm", "cm"),
        domain=(
            DomainRange("energy_gev", "GeV", 20.0, 90.0, lambda c: c[:, 0]),
            DomainRange("impact_x_cm", "cm", -4.0, 4.0, lambda c: c[:, 1]),
            DomainRange("impact_y_cm", "cm", -4.0, 4.0, lambda c: c[:, 2]),
        ),
        cells=cells,
        dead_cells=dead,
        positions_cm=positions,
        plane_vectors=((1, 2),),
        layer_depths_x0=(3.0, 5.5, 8.0, 11.0, 14.5, 19.0, 25.0),
    )


_ECAL_CELLS = 30
_ECAL_CELL_CM = 2.0
_ECAL_THICKNESS_CM = 66 * (0.2 + 0.4)
# Least squares of `metrics.images.fit_shower_depth` on 15,000 Geant4 showers, none of
# them of the test set: (centre of gravity - impact) along the inclination is
# (a + b ln E) sin(theta), theta the polar angle. Errors: 0.03 and 0.01 cm. From 6 to 50
# degrees the depths of all angles agree within 0.12 cm; below, the size of the cells
# moves the centre of gravity by up to 0.09 cm. b is the stack's radiation length,
# 1.64 cm, as it has to be for a shower that grows with ln E.
_ECAL_SHOWER_DEPTH_CM = (9.42, 1.63)


def _energy_of_momentum(condition: Condition) -> Any:
    return keras.ops.norm(condition[:, :3], axis=-1)


def _angle_xz(condition: Condition) -> Any:
    return keras.ops.arctan2(condition[:, 0], condition[:, 2]) * (180.0 / np.pi)


def _angle_yz(condition: Condition) -> Any:
    return keras.ops.arctan2(condition[:, 1], condition[:, 2]) * (180.0 / np.pi)


def _ecal() -> DetectorSpec:
    """An electromagnetic calorimeter like LHCb's: 30 x 30 cells of 2 x 2 cm.

    66 layers of 2 mm lead and 4 mm scintillator behind a front face at z = 0; a cell
    sums the energy in all its scintillator tiles. Axis 0 of a response is x, axis 1 is
    y. The domain is what the simulation drew: electrons with a kinetic energy of 1 to
    100 GeV, angles normal with 20 degrees in the xz and 10 degrees in the yz plane and
    drawn again beyond 75 degrees, impact uniform in the central square centimetre.
    Beyond five widths, 50 degrees, no angle in the yz plane occurs.

    Source: Chekalina et al., arXiv:1812.01319.
    """
    shape = (_ECAL_CELLS, _ECAL_CELLS)
    centres = (np.arange(_ECAL_CELLS) - 0.5 * (_ECAL_CELLS - 1)) * _ECAL_CELL_CM
    positions = np.empty((*shape, 3), np.float32)
    positions[..., 0] = centres[:, None]
    positions[..., 1] = centres
    positions[..., 2] = 0.5 * _ECAL_THICKNESS_CM
    return DetectorSpec(
        name="ecal",
        shape=shape,
        response_name="cell energy",
        unit="MeV",
        lower_bound=0.0,
        condition_names=(
            "momentum_x_gev",
            "momentum_y_gev",
            "momentum_z_gev",
            "impact_x_cm",
            "impact_y_cm",
        ),
        condition_units=("GeV", "GeV", "GeV", "cm", "cm"),
        domain=(
            # The momentum of 100 GeV kinetic energy is half an MeV higher.
            DomainRange("energy_gev", "GeV", 1.0, 100.001, _energy_of_momentum),
            DomainRange("angle_xz_deg", "deg", -75.0, 75.0, _angle_xz),
            DomainRange("angle_yz_deg", "deg", -50.0, 50.0, _angle_yz),
            DomainRange("impact_x_cm", "cm", -0.5, 0.5, lambda c: c[:, 3]),
            DomainRange("impact_y_cm", "cm", -0.5, 0.5, lambda c: c[:, 4]),
        ),
        cells=np.ones(shape, bool),
        dead_cells=np.zeros(shape, bool),
        positions_cm=positions,
        plane_vectors=((0, 1), (3, 4)),
        energy_conditions=(0, 1, 2),
        shower_depth_cm=_ECAL_SHOWER_DEPTH_CM,
    )


def _species_index(condition: Condition) -> Any:
    codes = np.array(particles.PDG_CODES, np.float32)
    matches = keras.ops.equal(condition[:, 3:4], codes)
    index = keras.ops.cast(keras.ops.argmax(matches, axis=-1), "float32")
    return keras.ops.where(keras.ops.any(matches, axis=-1), index, -1.0)


def _rich() -> DetectorSpec:
    """The likelihoods of two ring-imaging Cherenkov detectors like LHCb's.

    A response holds the differences of log-likelihoods between five hypotheses and the
    pion, those of a track as a kaon, muon, electron, proton and below threshold. The
    species of the track is its absolute PDG code. The domain is that of the tracks of
    `data.rich_toy`.

    Source: Maevskiy et al., arXiv:1905.11825; LHCb RICH, arXiv:1211.6759.
    """
    components = ("dll_k", "dll_mu", "dll_e", "dll_p", "dll_bt")
    shape = (len(components),)
    return DetectorSpec(
        name="rich",
        shape=shape,
        response_name="difference of log-likelihoods",
        unit="1",
        lower_bound=None,
        condition_names=(
            "momentum_gev",
            "pseudorapidity",
            "number_of_tracks",
            "species_pdg",
        ),
        condition_units=("GeV", "1", "1", "1"),
        domain=(
            DomainRange("momentum_gev", "GeV", 2.0, 100.0, lambda c: c[:, 0]),
            DomainRange("pseudorapidity", "1", 1.9, 4.9, lambda c: c[:, 1]),
            DomainRange("number_of_tracks", "1", 10.0, 500.0, lambda c: c[:, 2]),
            DomainRange("species_index", "1", 0.0, 4.0, _species_index),
        ),
        cells=np.ones(shape, bool),
        dead_cells=np.zeros(shape, bool),
        positions_cm=np.zeros((*shape, 3), np.float32),
        component_names=components,
    )


_SPECS: dict[str, Callable[[], DetectorSpec]] = {
    "ecal": _ecal,
    "hgcal": _hgcal,
    "rich": _rich,
}


def names() -> tuple[str, ...]:
    """Returns the names of the detectors that the zoo knows."""
    return tuple(sorted(_SPECS))


def get(name: str) -> DetectorSpec:
    """Returns the specification of a detector.

    Args:
        name: One of `names()`.

    Raises:
        ValueError: If there is no such detector.
    """
    if name not in _SPECS:
        raise ValueError(f"unknown detector {name!r}; known: {', '.join(names())}")
    return _SPECS[name]()
