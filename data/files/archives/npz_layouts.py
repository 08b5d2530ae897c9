"""NumPy archives of detectors, in the layouts that exist in the wild."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data import detectors
from data.detectors.spec import DetectorSpec
from data.events import DataError
from data.files.archives.array_archives import array_names, load_arrays

CM_PER_MM = 0.1
_LOWEST_TRACK_TYPE = 13
_CHI2_LIMIT = 5.0

Arrays = Mapping[str, NDArray[Any]]


@dataclasses.dataclass(frozen=True, eq=False)
class Events:
    """Events of an archive, before the checks.

    Attributes:
        response: Responses [spec.unit], [events, *spec.shape].
        condition: Conditions [spec.condition_units], [events, conditions].
        rows: Number of each event in the archive, int64 [events].
        cells: Cells that exist according to the archive; None if it does not say.
    """

    response: NDArray[Any]
    condition: NDArray[Any]
    rows: NDArray[np.int64]
    cells: NDArray[Any] | None = None


@dataclasses.dataclass(frozen=True)
class NpzLayout:
    """An arrangement of arrays in an archive.

    Attributes:
        name: What to call it in messages.
        detector: Name of the detector whose events it holds.
        keys: Arrays that it needs; they also tell it from other layouts.
        convert: Turns the arrays into events.
    """

    name: str
    detector: str
    keys: tuple[str, ...]
    convert: Callable[[Arrays], Events]


def _hgcal_shard(arrays: Arrays) -> Events:
    """Simulated showers: MIP, GeV and cm already."""
    showers = arrays["showers"]
    mask = np.asarray(arrays["mask_full"], bool)
    cells = mask[..., None] if mask.ndim == 2 else mask
    condition = np.concatenate(
        [np.reshape(arrays["energy"], (-1, 1)), arrays["impact"]], axis=1
    )
    return Events(showers, condition, np.arange(len(showers)), cells)


def _hgcal_test_beam(arrays: Arrays) -> Events:
    """The public arrays of the HGCAL prototype.

    Events without a good track (type below 13, chi2 of 5 or more) are left out; the
    impact comes in mm.
    """
    hits, track = arrays["rechits"], arrays["dwcReference"]
    good = (track[:, 0, 0] >= _LOWEST_TRACK_TYPE) & np.all(
        track[:, -1, 0:2] < _CHI2_LIMIT, axis=1
    )
    rows = np.flatnonzero(good)
    response = np.moveaxis(hits[rows, ..., 0], 1, -1)
    impact_cm = track[rows, 1, 0:2] * CM_PER_MM
    condition = np.concatenate([arrays["event"][rows, 3:4], impact_cm], axis=1)
    return Events(response, condition, rows)


def _lhcb_ecal(arrays: Arrays) -> Events:
    """The arrays of the LHCb studies: MeV, GeV and cm already.

    The image may have a last axis of length 1, the point a third coordinate.
    """
    image, point = arrays["EnergyDeposit"], arrays["ParticlePoint"]
    if image.ndim == 4 and image.shape[-1] == 1:
        image = image[..., 0]
    if point.ndim != 2 or point.shape[1] not in (2, 3):
        raise ValueError("ParticlePoint needs two or three coordinates per event")
    condition = np.concatenate([arrays["ParticleMomentum"], point[:, :2]], axis=1)
    return Events(image, condition, np.arange(len(image)))


LAYOUTS = (
    NpzLayout(
        "HGCAL shard",
        "hgcal",
        ("showers", "energy", "impact", "mask_full"),
        _hgcal_shard,
    ),
    NpzLayout(
        "HGCAL test beam",
        "hgcal",
        ("rechits", "event", "dwcReference"),
        _hgcal_test_beam,
    ),
    NpzLayout(
        "LHCb ECAL",
        "ecal",
        ("EnergyDeposit", "ParticleMomentum", "ParticlePoint"),
        _lhcb_ecal,
    ),
)


def identify(path: str) -> NpzLayout:
    """Recognises the layout of an archive by the names of its arrays.

    Raises:
        DataError: If the file cannot be read or no layout fits.
    """
    names = array_names(path)
    for layout in LAYOUTS:
        if names.issuperset(layout.keys):
            return layout
    known = "; ".join(f"{layout.name}: {', '.join(layout.keys)}" for layout in LAYOUTS)
    raise DataError(
        f"{path}: no known layout has the arrays "
        f"{', '.join(sorted(names)) or '(none)'}; known layouts: {known}"
    )


def load(path: str, spec: DetectorSpec) -> Events:
    """Reads an archive in any of the known layouts.

    Args:
        path: The archive.
        spec: The detector that the caller expects.

    Raises:
        DataError: If the archive cannot be read, or holds another detector.
    """
    layout = identify(path)
    if layout.detector != spec.name:
        raise DataError(
            f"{path}: the layout {layout.name!r} holds detector {layout.detector!r}, "
            f"not {spec.name!r}; choose the other detector or another file"
        )
    arrays = load_arrays(path, layout.keys)
    try:
        events = layout.convert(arrays)
    except (IndexError, ValueError, TypeError) as error:
        shapes = ", ".join(f"{key} {value.shape}" for key, value in arrays.items())
        raise DataError(
            f"{path}: the arrays do not fit the layout {layout.name!r}, shapes are "
            f"{shapes}; see docs/formats.md"
        ) from error
    if events.cells is not None and not np.array_equal(
        np.broadcast_to(events.cells, spec.shape), spec.cells
    ):
        raise DataError(
            f"{path}: its mask of existing cells is not that of detector "
            f"{spec.name!r}; the file belongs to another geometry"
        )
    return events


def detect(path: str) -> DetectorSpec:
    """Returns the detector whose events an archive holds."""
    return detectors.get(identify(path).detector)
