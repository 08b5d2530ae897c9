"""The detector of a file, even of one that describes its own."""

import dataclasses
from collections.abc import Callable
from typing import Any

import h5py
import numpy as np

from data import detectors
from data.detectors.spec import DetectorSpec, DomainRange
from data.detectors.summed_cells import summed
from data.events import DataError
from data.files.hdf5 import (
    attribute,
    content,
    dataset,
    floats,
    holds,
    holds_attribute,
    texts,
)
from data.files.shower_formats import shower_layouts
from data.files.shower_formats.binning_xml import Binning


def _component(index: int) -> Callable[[Any], Any]:
    return lambda condition: condition[:, index]


def _optional(path: str, file: h5py.File, name: str, default: Any) -> Any:
    """Returns an attribute, or what counts where there is none."""
    return attribute(path, file, name) if holds_attribute(path, file, name) else default


def _described(path: str, file: h5py.File, name: str) -> DetectorSpec:
    """Builds the specification of a detector that `data.detectors` does not know."""
    for required in ("cells", "positions_cm"):
        if not holds(path, file, required):
            raise DataError(
                f"{path}: unknown detector {name!r}; known: "
                f"{', '.join(detectors.names())}; for another one the file needs the "
                "datasets 'cells' and 'positions_cm', see docs/formats.md"
            )
    cells = content(path, dataset(path, file, "cells")).astype(bool)
    positions_cm = floats(path, dataset(path, file, "positions_cm"))
    conditions = texts(path, file, "condition_names")
    units = texts(path, file, "condition_units")
    low = np.atleast_1d(attribute(path, file, "domain_low"))
    high = np.atleast_1d(attribute(path, file, "domain_high"))
    depths = np.atleast_1d(_optional(path, file, "layer_depths_x0", ()))
    shower_depth = np.ravel(_optional(path, file, "shower_depth_cm", ()))
    energies = np.atleast_1d(_optional(path, file, "energy_conditions", 0))
    vectors = np.reshape(_optional(path, file, "plane_vectors", ()), (-1, 2))
    circles = np.ravel(_optional(path, file, "periodic_axes", ()))
    shapes = np.reshape(_optional(path, file, "layer_shapes", ()), (-1, 2))
    numbers = np.ravel(_optional(path, file, "layer_numbers", ()))
    layers = len(shapes) or (cells.shape[2] if cells.ndim == 3 else 0)
    bound = float(_optional(path, file, "lower_bound", 0.0))
    dead = np.zeros_like(cells)
    if holds(path, file, "dead_cells"):
        dead = content(path, dataset(path, file, "dead_cells")).astype(bool)
    wrong = {
        "positions_cm": positions_cm.shape != (*cells.shape, 3),
        "dead_cells": dead.shape != cells.shape,
        "condition_units": len(units) != len(conditions),
        "shower_depth_cm": len(shower_depth) not in (0, 2),
        "domain_low": len(low) != len(conditions),
        "domain_high": len(high) != len(conditions),
        "energy_conditions": not set(energies.tolist()) <= set(range(len(conditions))),
        "plane_vectors": not set(vectors.ravel()) <= set(range(len(conditions))),
        "layer_shapes": bool(len(shapes))
        and (shapes.min() < 1 or cells.shape != (int(shapes.prod(axis=1).sum()),)),
        "layer_numbers": len(numbers) not in (0, layers),
        "periodic_axes": not set(circles.tolist())
        <= set(range(2 if len(shapes) else cells.ndim)),
    }
    for what, is_wrong in wrong.items():
        if is_wrong:
            raise DataError(
                f"{path}: {what} does not fit cells of shape {cells.shape} and "
                f"{len(conditions)} conditions; see docs/formats.md"
            )
    if not np.isfinite(positions_cm).all():
        raise DataError(
            f"{path}: positions_cm holds a value that is not finite; give every cell "
            "of the array a place, also those that do not exist"
        )
    spec = DetectorSpec(
        name=name,
        shape=cells.shape,
        response_name=str(_optional(path, file, "response_name", "response")),
        unit=texts(path, file, "response_unit")[0],
        lower_bound=None if np.isnan(bound) else bound,
        condition_names=conditions,
        condition_units=units,
        domain=tuple(
            DomainRange(
                conditions[i], units[i], float(low[i]), float(high[i]), _component(i)
            )
            for i in range(len(conditions))
        ),
        cells=cells,
        dead_cells=dead,
        positions_cm=positions_cm,
        plane_vectors=tuple((int(a), int(b)) for a, b in vectors),
        energy_conditions=tuple(int(index) for index in energies),
        layer_depths_x0=tuple(float(depth) for depth in depths),
        shower_depth_cm=(
            (float(shower_depth[0]), float(shower_depth[1]))
            if len(shower_depth)
            else None
        ),
        periodic_axes=tuple(int(axis) for axis in circles),
        layer_shapes=tuple((int(rows), int(columns)) for rows, columns in shapes),
        layer_numbers=tuple(int(number) for number in numbers),
    )
    return dataclasses.replace(spec, ring_edges_cm=_ring_edges_cm(path, file, spec))


def _ring_edges_cm(
    path: str, file: h5py.File, spec: DetectorSpec
) -> tuple[tuple[float, ...], ...]:
    """Returns the edges of the rings of every layer; none where cells are no rings."""
    edges = np.ravel(_optional(path, file, "ring_edges_cm", ()))
    if not len(edges):
        return ()
    sizes = [columns + 1 for _, columns in spec.image_shapes]
    parts = np.split(edges, np.cumsum(sizes)[:-1])
    if len(edges) != sum(sizes) or any(np.any(np.diff(one) <= 0.0) for one in parts):
        raise DataError(
            f"{path}: ring_edges_cm needs ascending edges, {sum(sizes)} for layers of "
            f"{', '.join(str(size - 1) for size in sizes)} rings, holds {len(edges)}; "
            "see docs/formats.md"
        )
    return tuple(tuple(one.tolist()) for one in parts)


def _summed(path: str, file: h5py.File) -> DetectorSpec:
    """Builds the specification of sums of cells that `data.detectors` knows."""
    name = str(attribute(path, file, "summed_from"))
    cell_cm = attribute(path, file, "cell_cm")
    if name not in detectors.names():
        raise DataError(
            f"{path}: summed_from is {name!r}, known are {', '.join(detectors.names())}"
            "; describe another detector itself, see docs/formats.md"
        )
    try:
        return summed(detectors.get(name), float(cell_cm))
    except (TypeError, ValueError) as error:
        raise DataError(f"{path}: the attributes are damaged: {error}") from error


def detect(path: str, file: h5py.File, binning: Binning | None = None) -> DetectorSpec:
    """Returns the detector whose events a file holds.

    Args:
        path: Its name.
        file: The opened file, canonical or of one of the public layouts of showers.
        binning: The voxels of a file of the CaloChallenge or of Par04.

    Raises:
        DataError: If the file cannot be read, or neither names a detector of
            data/detectors nor describes its own.
    """
    layout = shower_layouts.identify(path, file)
    if layout is not None:
        spec = layout.describe(path, file, binning)
        layout.check(path, file, spec)
        return spec
    name = str(attribute(path, file, "detector"))
    if name in detectors.names():
        return detectors.get(name)
    if holds_attribute(path, file, "summed_from"):
        return _summed(path, file)
    try:
        return _described(path, file, name)
    except DataError:
        raise
    except (TypeError, ValueError, IndexError, OverflowError) as error:
        raise DataError(
            f"{path}: the attributes that describe detector {name!r} are damaged: "
            f"{error}; write them as docs/formats.md says"
        ) from error
