"""The cylinder around a particle in which the CaloChallenge reads out a calorimeter.

It is not one of `data.detectors.names()`: a file of its showers describes it.
"""

import numpy as np

from data.detectors.spec import DetectorSpec, DomainRange

ANGLES, RINGS, LAYERS = 16, 9, 45
RING_CM = 0.465
LAYER_CM = 0.34
READOUT_CUT_MEV = 0.01515
"""Smallest energy of a cell, after the scaling."""

SAMPLING_FRACTION = 0.033
"""Energies of the silicon are divided by it."""

_TUNGSTEN_X0, _SILICON_X0 = 1.4 / 3.504, 0.3 / 93.7
_LAYER_X0 = 2.0 * (_TUNGSTEN_X0 + _SILICON_X0)


def spec(energy_gev: tuple[float, float] = (1.0, 100.0)) -> DetectorSpec:
    """A cylinder of 45 layers, 9 rings and 16 angles around the particle's direction.

    The calorimeter is 90 times 1.4 mm tungsten and 0.3 mm silicon, read out in pairs.
    The axis of the cylinder is the particle's, which comes perpendicularly; z = 0 is
    the front face. Rings are 4.65 mm wide, angles a sixteenth of a turn, from -pi on.
    Axes of a response are angle, ring and layer: angles close in a circle. The energy
    of the silicon is divided by the sampling fraction 0.033, and cells below 15.15 keV
    are empty.

    Source: data set 2 of the CaloChallenge, arXiv:2410.21611, whose energies reach from
    1 GeV to 1 TeV.

    Args:
        energy_gev: Lowest and highest kinetic energy that is simulated [GeV].
    """
    shape = (ANGLES, RINGS, LAYERS)
    angle = (np.arange(ANGLES) + 0.5) * 2.0 * np.pi / ANGLES - np.pi
    edges = np.arange(RINGS + 1) * RING_CM
    radius = 0.5 * (edges[1:] + edges[:-1])
    positions = np.empty((*shape, 3), np.float32)
    positions[..., 0] = np.outer(np.cos(angle), radius)[:, :, None]
    positions[..., 1] = np.outer(np.sin(angle), radius)[:, :, None]
    positions[..., 2] = (np.arange(LAYERS) + 0.5) * LAYER_CM
    # In the middle between the fronts of the two sheets of silicon.
    first_x0 = _TUNGSTEN_X0 + 0.25 * _LAYER_X0
    return DetectorSpec(
        name="cylinder",
        shape=shape,
        response_name="cell energy",
        unit="MeV",
        lower_bound=0.0,
        condition_names=("energy_gev",),
        condition_units=("GeV",),
        domain=(DomainRange("energy_gev", "GeV", *energy_gev, lambda c: c[:, 0]),),
        cells=np.ones(shape, bool),
        dead_cells=np.zeros(shape, bool),
        positions_cm=positions,
        layer_depths_x0=tuple(first_x0 + _LAYER_X0 * layer for layer in range(LAYERS)),
        periodic_axes=(0,),
        ring_edges_cm=(tuple(edges.tolist()),) * LAYERS,
    )
