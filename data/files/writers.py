"""Writers of canonical HDF5 files: whole, or not at all."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import h5py
import numpy as np
from numpy.typing import ArrayLike, NDArray

from data import detectors
from data.detectors.spec import DetectorSpec
from data.events import SPLITS, DataError, Sample
from data.files import sparse_responses
from data.files.hdf5_writer import Hdf5Writer

CHUNK_EVENTS = 256

_PER_HIT = (sparse_responses.CELL, sparse_responses.VALUE)
_CHUNK_HITS = 65_536


def _bytes(values: Sequence[str]) -> NDArray[np.bytes_]:
    return np.asarray([value.encode() for value in values])


def _domain(spec: DetectorSpec) -> tuple[list[float], list[float]]:
    """Returns the trained range of every condition, infinite where there is none."""
    low = [-np.inf] * len(spec.condition_names)
    high = [np.inf] * len(spec.condition_names)
    for limits in spec.domain:
        if limits.name not in spec.condition_names:
            raise DataError(
                f"a file cannot hold the range of {limits.name!r}, which is not a "
                f"condition of {spec.name!r}; give this detector a module in "
                "data/detectors"
            )
        index = spec.condition_names.index(limits.name)
        low[index], high[index] = limits.low, limits.high
    return low, high


class Writer(Hdf5Writer):
    """Writes a canonical HDF5 file piece by piece, see `Hdf5Writer`."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        spec: DetectorSpec,
        *,
        attributes: Mapping[str, Any] | None = None,
        compression: int | None = 4,
        sparse: bool = False,
    ) -> None:
        """Remembers what to write; the file is created on entering the block.

        Args:
            path: The file, replaced if it exists.
            spec: The detector. If data/detectors knows neither it nor the one whose
                cells it sums up, its cells, positions and domain are written too.
            attributes: Further attributes, e.g. generator, generator_version, seed,
                licence.
            compression: Level of gzip, 1 to 9; None writes plain numbers.
            sparse: Lists the cells that are not 0, see
                `data.files.sparse_responses`.
        """
        super().__init__(path, compression)
        self._spec = spec
        self._attributes = dict(attributes or {})
        self._sparse = sparse
        self._hits = 0
        self._begun = False

    def append(
        self,
        sample: Sample,
        *,
        split: str | Sequence[str] | NDArray[Any] | None = None,
        cpu_s: ArrayLike | None = None,
        hits: sparse_responses.Hits | None = None,
    ) -> None:
        """Writes further events.

        Args:
            sample: The events.
            split: The split of all of them or of each; either every piece of a file
                has one or none.
            cpu_s: Processor time that each event took [s], [events].
            hits: The responses as `sparse_responses.encode` lists them, where they are
                known already; only a sparse file needs them.

        Raises:
            DataError: If the arrays do not fit the detector or the file.
            OSError: If the disk is full; the end of the block makes it a DataError.
        """
        if self._file is None:
            raise DataError(
                f"{self._path}: append() needs `with Writer(...) as writer`"
            )
        count = len(sample)
        if sample.response.shape[1:] != self._spec.shape:
            raise DataError(
                f"{self._path}: responses of shape {sample.response.shape[1:]} do not "
                f"fit detector {self._spec.name!r} of shape {self._spec.shape}"
            )
        if sample.condition.shape[1:] != (len(self._spec.condition_names),):
            raise DataError(
                f"{self._path}: conditions of shape {sample.condition.shape} do not "
                f"fit the conditions {', '.join(self._spec.condition_names)}"
            )
        pieces = self._responses(sample, hits)
        pieces["condition"] = np.asarray(sample.condition, np.float32)
        if sample.weight is not None:
            pieces["weight"] = np.asarray(sample.weight, np.float32)
        if split is not None:
            pieces["split"] = self._splits(split, count)
        if cpu_s is not None:
            pieces["cpu_s"] = np.broadcast_to(np.asarray(cpu_s, np.float32), count)
        rows = dict.fromkeys(pieces, 16 * CHUNK_EVENTS)
        if not self._spec.component_names:
            rows["response"] = CHUNK_EVENTS
        rows |= dict.fromkeys(_PER_HIT, _CHUNK_HITS)
        self._append(self._file, pieces, count, rows)
        self._check_disk()

    def _responses(
        self, sample: Sample, hits: sparse_responses.Hits | None
    ) -> dict[str, NDArray[Any]]:
        if not self._sparse:
            return {"response": np.asarray(sample.response, np.float32)}
        offset, cell, value = hits or sparse_responses.encode(sample.response)
        offset = offset + self._hits
        self._hits = int(offset[-1])
        # The file begins with the 0 that every later piece leaves out.
        offset = offset[1:] if self._begun else offset
        self._begun = True
        names = (sparse_responses.OFFSET, sparse_responses.CELL, sparse_responses.VALUE)
        return dict(zip(names, (offset, cell, value), strict=True))

    def _splits(self, split: Any, count: int) -> NDArray[np.bytes_]:
        names = (
            [split] * count
            if isinstance(split, str)
            else np.asarray(split, "U").tolist()
        )
        unknown = sorted(set(names) - set(SPLITS))
        if unknown or len(names) != count:
            raise DataError(
                f"{self._path}: split needs one of {', '.join(SPLITS)} for each of "
                f"{count} events, received {len(names)} names"
                + (f" with {unknown[0]!r} among them" if unknown else "")
            )
        return np.asarray(names, "S10")

    def _write_head(self, file: h5py.File) -> None:
        spec = self._spec
        file.attrs["detector"] = spec.name
        file.attrs["condition_names"] = _bytes(spec.condition_names)
        file.attrs["condition_units"] = _bytes(spec.condition_units)
        file.attrs["response_unit"] = spec.unit
        if spec.summed is not None and spec.summed[0] in detectors.names():
            file.attrs["summed_from"], file.attrs["cell_cm"] = spec.summed
        elif spec.name not in detectors.names():
            low, high = _domain(spec)
            bound = np.nan if spec.lower_bound is None else spec.lower_bound
            file.attrs["response_name"] = spec.response_name
            file.attrs["lower_bound"] = bound
            file.attrs["domain_low"] = low
            file.attrs["domain_high"] = high
            file.attrs["layer_depths_x0"] = np.asarray(spec.layer_depths_x0, np.float64)
            if spec.shower_depth_cm is not None:
                file.attrs["shower_depth_cm"] = spec.shower_depth_cm
            for name in ("periodic_axes", "layer_shapes", "layer_numbers"):
                if getattr(spec, name):
                    file.attrs[name] = np.asarray(getattr(spec, name), np.int64)
            if spec.ring_edges_cm:
                file.attrs["ring_edges_cm"] = np.concatenate(spec.ring_edges_cm)
            file.attrs["energy_conditions"] = np.asarray(
                spec.energy_conditions, np.int64
            )
            file.attrs["plane_vectors"] = np.asarray(
                spec.plane_vectors, np.int64
            ).reshape(-1, 2)
            for name in ("cells", "dead_cells", "positions_cm"):
                file.create_dataset(name, data=getattr(spec, name))
        for name, value in self._attributes.items():
            file.attrs[name] = value


def write(
    path: str | os.PathLike[str],
    spec: DetectorSpec,
    sample: Sample,
    *,
    split: str | Sequence[str] | NDArray[Any] | None = None,
    cpu_s: ArrayLike | None = None,
    attributes: Mapping[str, Any] | None = None,
    compression: int | None = 4,
    sparse: bool = False,
) -> None:
    """Writes a canonical HDF5 file.

    Args:
        path: The file, replaced if it exists.
        spec: The detector.
        sample: The events.
        split: The split of all of them or of each.
        cpu_s: Processor time that each event took [s], [events].
        attributes: Further attributes, e.g. generator, seed, licence.
        compression: Level of gzip, 1 to 9; None writes plain numbers.
        sparse: Lists the cells that are not 0, see `data.files.sparse_responses`.

    Raises:
        DataError: If the sample does not fit the detector or the file cannot be
            written; nothing is left behind then.
    """
    with Writer(
        path, spec, attributes=attributes, compression=compression, sparse=sparse
    ) as writer:
        writer.append(sample, split=split, cpu_s=cpu_s)
