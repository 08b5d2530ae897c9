"""A detector whose layers are folded into one axis, and showers in it."""

import dataclasses

import numpy as np

from data import detectors
from data.detectors.flat_layers import folded
from data.detectors.spec import DomainRange


def flat(spec, numbers=()):
    """Describes a detector [row, column, layer] as one of [cell]."""
    shape = spec.image_shapes

    def fold(cells):
        return folded([image[None] for image in spec.layer_images(cells)])[0]

    positions = [fold(spec.positions_cm[..., axis]) for axis in range(3)]
    return dataclasses.replace(
        spec,
        name=f"flat_{spec.name}",
        shape=(sum(rows * columns for rows, columns in shape),),
        cells=fold(spec.cells),
        dead_cells=fold(spec.dead_cells),
        positions_cm=np.stack(positions, axis=-1),
        layer_shapes=shape,
        layer_numbers=numbers,
    )


def fold_showers(spec, response):
    """Returns the responses [events, row, column, layer] as [events, cell]."""
    return folded(spec.layer_images(response))


def rings(shapes, numbers=(), name="rings"):
    """Returns a detector of rings of 1 cm, in layers of [angles, rings].

    It is flat where the layers differ, and [angle, ring, layer] elsewhere.
    """
    planes, edges = [], []
    for layer, (angles, count) in enumerate(shapes):
        turn = -np.pi + 2.0 * np.pi * (np.arange(angles)[:, None] + 0.5) / angles
        radius = np.arange(count)[None] + 0.5
        radius = radius * (angles > 1)
        place = (
            radius * np.cos(turn),
            radius * np.sin(turn),
            layer + 0.0 * radius * turn,
        )
        planes.append(np.stack(place))
        edges.append(tuple(np.arange(count + 1.0)))
    regular = len(set(shapes)) == 1
    positions = np.moveaxis(np.stack(planes, -1) if regular else folded(planes), 0, -1)
    shape = positions.shape[:-1]
    return dataclasses.replace(
        detectors.get("hgcal"),
        name=name,
        shape=shape,
        unit="MeV",
        condition_names=("energy_gev",),
        condition_units=("GeV",),
        domain=(DomainRange("energy_gev", "GeV", 1.0, 100.0, lambda c: c[:, 0]),),
        cells=np.ones(shape, bool),
        dead_cells=np.zeros(shape, bool),
        positions_cm=positions.astype(np.float32),
        plane_vectors=(),
        layer_depths_x0=(),
        periodic_axes=(0,),
        layer_shapes=() if regular else tuple(shapes),
        layer_numbers=numbers or tuple(range(len(shapes))),
        ring_edges_cm=tuple(edges),
    )
