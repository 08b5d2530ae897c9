"""The layouts of public HDF5 files of showers, and how each becomes responses."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from data import detectors
from data.detectors.flat_layers import folded
from data.detectors.spec import DetectorSpec, DomainRange
from data.events import DataError
from data.files.hdf5 import content, dataset, floats, holds, holds_attribute
from data.files.shower_formats.binning_xml import Binning, RingLayer
from data.files.shower_formats.cylinder_spec import cylinder_spec

Arrays = Mapping[str, NDArray[np.float32]]

_PAR04_RADIUS_MM = 41.85
_PAR04_ANGLES = ("incident_theta", "incident_phi")


@dataclasses.dataclass(frozen=True)
class ShowerLayout:
    """An arrangement of datasets, whose cells are in MeV.

    Attributes:
        name: What to call it in messages.
        cells: Datasets of cells; they and `energy` tell it from other layouts.
        energy: Dataset of incident energies, [events] or [events, 1].
        energy_unit: Their unit, "MeV" or "GeV".
        describe: Returns the detector, from path, file and binning.
        shapes: Returns the shapes of one event in the datasets of cells.
        to_response: Turns them into responses [events, *spec.shape].
        from_response: The reverse.
        more: Datasets of the other conditions, [events] or [events, 1]; a file has all
            or none of them.
    """

    name: str
    cells: tuple[str, ...]
    energy: str
    energy_unit: str
    describe: Callable[[str, h5py.File, Binning | None], DetectorSpec]
    shapes: Callable[[DetectorSpec], Sequence[tuple[int, ...]]]
    to_response: Callable[[Arrays, DetectorSpec], NDArray[np.float32]]
    from_response: Callable[[NDArray[np.float32], DetectorSpec], Arrays]
    more: tuple[str, ...] = ()

    @property
    def gev(self) -> float:
        """GeV per unit of the incident energies."""
        return 1e-3 if self.energy_unit == "MeV" else 1.0

    def check(self, path: str, file: h5py.File, spec: DetectorSpec) -> int:
        """Checks the shapes of all datasets and returns the number of events.

        Raises:
            DataError: If one does not fit the detector or the others.
        """
        events = len(dataset(path, file, self.energy))
        for name, shape in zip(self.cells, self.shapes(spec), strict=True):
            found = dataset(path, file, name).shape
            if found != (events, *shape):
                wanted = ", ".join(map(str, (events, *shape)))
                raise DataError(
                    f"{path}: {name} has shape {found}, {events} events of detector "
                    f"{spec.name!r} need ({wanted}); give another file or binning"
                )
        return events

    def condition(
        self, path: str, file: h5py.File, spec: DetectorSpec
    ) -> NDArray[np.float32]:
        """Reads the conditions [spec.condition_units], float32 [events, conditions].

        Raises:
            DataError: If they are no numbers, or an incident energy is not positive.
        """
        columns = []
        for name in (self.energy, *self.more)[: len(spec.condition_names)]:
            values = content(path, dataset(path, file, name))
            if values.dtype.kind not in "iuf" or values.size != len(values):
                raise DataError(
                    f"{path}: {name} has shape {values.shape} and holds {values.dtype};"
                    " write one number for each event"
                )
            columns.append(values.astype(np.float64).reshape(-1))
        bad = np.flatnonzero(~(columns[0] > 0.0))
        if bad.size:
            raise DataError(
                f"{path}: event {bad[0]}: the incident energy {columns[0][bad[0]]:g} "
                f"{self.energy_unit} is not positive; correct the file"
            )
        columns[0] = columns[0] * self.gev
        return np.stack(columns, axis=1).astype(np.float32)

    def read(
        self, path: str, file: h5py.File, spec: DetectorSpec, rows: slice
    ) -> NDArray[np.float32]:
        """Reads responses [MeV], float32 [events, *spec.shape]."""
        arrays = {
            name: floats(path, dataset(path, file, name), rows) for name in self.cells
        }
        return np.ascontiguousarray(self.to_response(arrays, spec))

    def datasets(
        self, response: NDArray[Any], condition: NDArray[Any], spec: DetectorSpec
    ) -> dict[str, NDArray[np.float32]]:
        """Returns what a file of this layout holds of some events, all float32."""
        found = dict(self.from_response(np.asarray(response, np.float32), spec))
        energy = condition[:, :1].astype(np.float64) / self.gev
        found[self.energy] = energy.astype(np.float32)
        for column, name in enumerate(self.more[: condition.shape[1] - 1], start=1):
            found[name] = np.asarray(condition[:, column : column + 1], np.float32)
        return found


def _calogan(*_: object) -> DetectorSpec:
    return detectors.get("calogan")


def _challenge(path: str, _: h5py.File, binning: Binning | None) -> DetectorSpec:
    if binning is None:
        raise DataError(
            f"{path}: a file of the CaloChallenge, which says nothing of its voxels; "
            "give its binning with --binning=FILE.xml"
        )
    return cylinder_spec(binning, "calochallenge")


def _from_voxels(arrays: Arrays, spec: DetectorSpec) -> NDArray[np.float32]:
    """Layers behind each other, in each the angles, in each of these the rings."""
    voxels = arrays["showers"]
    if spec.layer_shapes:
        return voxels
    angles, rings, layers = spec.shape
    return np.moveaxis(voxels.reshape(-1, layers, angles, rings), 1, -1)


def _to_voxels(response: NDArray[np.float32], spec: DetectorSpec) -> Arrays:
    return {"showers": folded(spec.layer_images(response))}


def _par04(path: str, file: h5py.File, binning: Binning | None) -> DetectorSpec:
    shape = dataset(path, file, "showers").shape
    if len(shape) != 4:
        raise DataError(
            f"{path}: showers has shape {shape}, Par04 needs [events, r, phi, z]"
        )
    _, rings, angles, layers = shape
    if binning is None:
        edges = tuple(np.linspace(0.0, _PAR04_RADIUS_MM, rings + 1).tolist())
        every = (RingLayer(number, angles, edges) for number in range(layers))
        binning = Binning("electron", tuple(every))
    spec = cylinder_spec(binning, "par04")
    if not all(holds(path, file, name) for name in _PAR04_ANGLES):
        return spec
    angles_rad = ("incident_theta_rad", "incident_phi_rad")
    return dataclasses.replace(
        spec,
        condition_names=(*spec.condition_names, *angles_rad),
        condition_units=(*spec.condition_units, "rad", "rad"),
        domain=(
            *spec.domain,
            DomainRange(angles_rad[0], "rad", 0.0, np.pi, lambda c: c[:, 1]),
            DomainRange(angles_rad[1], "rad", -np.inf, np.inf, lambda c: c[:, 2]),
        ),
    )


def _par04_shape(spec: DetectorSpec) -> list[tuple[int, ...]]:
    if len(spec.shape) != 3:
        raise DataError(
            f"detector {spec.name!r} has layers of different shapes, which Par04's "
            "array [r, phi, z] cannot hold"
        )
    angles, rings, layers = spec.shape
    return [(rings, angles, layers)]


def _layer_shapes(spec: DetectorSpec) -> Sequence[tuple[int, ...]]:
    return spec.layer_shapes


LAYOUTS = {
    "calogan": ShowerLayout(
        "CaloGAN",
        ("layer_0", "layer_1", "layer_2"),
        "energy",
        "GeV",
        _calogan,
        _layer_shapes,
        lambda arrays, spec: folded([arrays[f"layer_{n}"] for n in range(3)]),
        lambda response, spec: {
            f"layer_{number}": np.ascontiguousarray(image)
            for number, image in enumerate(spec.layer_images(response))
        },
    ),
    "calochallenge": ShowerLayout(
        "CaloChallenge",
        ("showers",),
        "incident_energies",
        "MeV",
        _challenge,
        lambda spec: [(int(np.prod(spec.shape)),)],
        _from_voxels,
        _to_voxels,
    ),
    "par04": ShowerLayout(
        "Par04",
        ("showers",),
        "incident_energy",
        "MeV",
        _par04,
        _par04_shape,
        lambda arrays, spec: arrays["showers"].swapaxes(1, 2),
        lambda response, spec: {"showers": response.swapaxes(1, 2)},
        _PAR04_ANGLES,
    ),
}
"""The layouts by the names that a command takes."""


def identify(path: str, file: h5py.File) -> ShowerLayout | None:
    """Recognises the layout of a file by its datasets; None if it is none of these.

    Args:
        path: Its name.
        file: The opened file.

    Raises:
        DataError: If the file is damaged.
    """
    if holds_attribute(path, file, "detector"):
        return None
    for layout in LAYOUTS.values():
        if all(holds(path, file, name) for name in (*layout.cells, layout.energy)):
            return layout
    return None
