"""Detectors of bins of a cylinder around the axis of the particle."""

import numpy as np
from numpy.typing import NDArray

from data.detectors.flat_layers import folded
from data.detectors.spec import DetectorSpec, DomainRange
from data.files.shower_formats.binning_xml import Binning, RingLayer

CM_PER_MM = 0.1

_ENERGIES_GEV = {
    "photon": (0.256, 4194.304),
    "pion": (0.256, 4194.304),
    "electron": (1.0, 1000.0),
}
"""Incident energies of the CaloChallenge: data set 1 has powers of 2 from 256 MeV on,
data sets 2 and 3 are uniform in the logarithm from 1 GeV to 1 TeV."""


def cylinder_spec(binning: Binning, maker: str) -> DetectorSpec:
    """Describes a detector of bins of a cylinder.

    Layers of one binning give responses [angle, ring, layer], others [cell], as
    `DetectorSpec.layer_shapes` says. A binning knows no depths: z is the number of the
    layer.

    Args:
        binning: The layers.
        maker: How its name begins, e.g. "calochallenge".

    Returns:
        The detector, called maker_particle_voxels, with responses in MeV.
    """
    shapes = tuple(layer.shape for layer in binning.layers)
    regular = len(set(shapes)) == 1
    planes = [_centres(layer) for layer in binning.layers]
    positions = np.stack(planes, axis=-1) if regular else folded(planes)
    shape = positions.shape[1:]
    low, high = _ENERGIES_GEV.get(binning.particle, (0.0, np.inf))
    return DetectorSpec(
        name=f"{maker}_{binning.particle}_{binning.voxels}",
        shape=shape,
        response_name="voxel energy",
        unit="MeV",
        lower_bound=0.0,
        condition_names=("energy_gev",),
        condition_units=("GeV",),
        domain=(DomainRange("energy_gev", "GeV", low, high, lambda c: c[:, 0]),),
        cells=np.ones(shape, bool),
        dead_cells=np.zeros(shape, bool),
        positions_cm=np.moveaxis(positions, 0, -1).astype(np.float32),
        periodic_axes=(0,),
        layer_shapes=() if regular else shapes,
        layer_numbers=tuple(layer.number for layer in binning.layers),
        ring_edges_cm=tuple(
            tuple(CM_PER_MM * edge for edge in layer.edges_mm)
            for layer in binning.layers
        ),
    )


def _centres(layer: RingLayer) -> NDArray[np.float64]:
    """Returns x, y [cm] and the number of the layer, [3, angle, ring]."""
    edges = CM_PER_MM * np.array(layer.edges_mm)
    # A ring without bins of the angle surrounds the axis.
    radius = 0.5 * (edges[1:] + edges[:-1]) * (layer.angles > 1)
    width = 2.0 * np.pi / layer.angles
    angle = -np.pi + width * (np.arange(layer.angles)[:, None] + 0.5)
    x, y = radius * np.cos(angle), radius * np.sin(angle)
    return np.stack([x, y, np.full_like(x, layer.number)])
