"""Writers of public HDF5 layouts of showers: whole, or not at all."""

import os
from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np
from numpy.typing import ArrayLike, NDArray

from data.detectors.spec import DetectorSpec
from data.events import DataError, Sample
from data.files.hdf5_writer import Hdf5Writer
from data.files.shower_formats.shower_layouts import LAYOUTS

_CHUNK_SHOWERS = 256
_OVERFLOW = "overflow"


class LayoutWriter(Hdf5Writer):
    """Writes a file of CaloGAN, of the CaloChallenge or of Par04, see `Hdf5Writer`.

    Args:
        path: The file, replaced if it exists.
        layout: One of `shower_layouts.LAYOUTS`.
        spec: The detector: `calogan`, or one of bins of a cylinder in MeV.
        compression: Level of gzip, 1 to 9; None writes plain numbers.
        attributes: Attributes of the file, for people.

    Raises:
        DataError: If the layout has no place for this detector.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        layout: str,
        spec: DetectorSpec,
        compression: int | None = 4,
        attributes: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(path, compression)
        self._attributes = dict(attributes or {})
        self._calogan = layout == "calogan"
        fits = spec.name == "calogan" if self._calogan else bool(spec.ring_edges_cm)
        names = spec.condition_names
        self._layout = LAYOUTS[layout]
        if not fits or spec.unit != "MeV" or names[:1] != ("energy_gev",):
            raise DataError(
                f"{path}: the layout {self._layout.name} has no place for detector "
                f"{spec.name!r}; write it as a canonical file"
            )
        if len(names) not in (1, 1 + len(self._layout.more)):
            raise DataError(
                f"{path}: the layout {self._layout.name} has no place for the "
                f"conditions {', '.join(names[1:])}; write a canonical file"
            )
        self._layout.shapes(spec)
        self._spec = spec

    def _write_head(self, file: h5py.File) -> None:
        file.attrs.update(self._attributes)

    def append(
        self,
        sample: Sample,
        overflow_mev: ArrayLike | None = None,
        cpu_s: ArrayLike | None = None,
    ) -> None:
        """Writes further showers.

        Args:
            sample: The showers, without weights.
            overflow_mev: Of CaloGAN, the energy beside the cells of every layer [MeV],
                [events, 3]; 0 if None.
            cpu_s: Processor time that each shower took [s], [events]; a dataset that
                public files have not.

        Raises:
            DataError: If they do not fit the detector or the layout.
            OSError: If the disk is full; the end of the block makes it a DataError.
        """
        spec = self._spec
        if self._file is None:
            raise DataError(
                f"{self._path}: append() needs `with LayoutWriter(...) as writer`"
            )
        if sample.response.shape[1:] != spec.shape or sample.condition.shape[1:] != (
            len(spec.condition_names),
        ):
            raise DataError(
                f"{self._path}: responses {sample.response.shape[1:]} of "
                f"{sample.condition.shape[1:]} conditions do not fit detector "
                f"{spec.name!r}"
            )
        if sample.weight is not None:
            raise DataError(
                f"{self._path}: the layout {self._layout.name} has no place for "
                "weights, and the sample is weighted; write a canonical file"
            )
        pieces: dict[str, NDArray[Any]] = dict(
            self._layout.datasets(sample.response, sample.condition, spec)
        )
        if self._calogan:
            shape = (len(sample), spec.layers)
            beside = np.zeros(shape) if overflow_mev is None else overflow_mev
            pieces[_OVERFLOW] = np.asarray(beside, np.float32)
            if pieces[_OVERFLOW].shape != shape:
                raise DataError(
                    f"{self._path}: overflow has shape {pieces[_OVERFLOW].shape}, "
                    f"{len(sample)} showers need {shape}"
                )
        elif overflow_mev is not None:
            raise DataError(f"{self._path}: only CaloGAN's layout has an overflow")
        if cpu_s is not None:
            pieces["cpu_s"] = np.asarray(cpu_s, np.float32)
        rows = dict.fromkeys(pieces, 16 * _CHUNK_SHOWERS)
        rows |= dict.fromkeys(self._layout.cells, _CHUNK_SHOWERS)
        self._append(self._file, pieces, len(sample), rows)
        self._check_disk()


def write_layout(
    path: str | os.PathLike[str],
    layout: str,
    spec: DetectorSpec,
    sample: Sample,
    overflow_mev: ArrayLike | None = None,
) -> None:
    """Writes showers in a public layout.

    Args:
        path: The file, replaced if it exists.
        layout: One of `shower_layouts.LAYOUTS`.
        spec: The detector, see `LayoutWriter`.
        sample: The showers, without weights.
        overflow_mev: See `LayoutWriter.append`.

    Raises:
        DataError: If they do not fit, or the file cannot be written; nothing is left
            behind then.
    """
    with LayoutWriter(path, layout, spec) as writer:
        writer.append(sample, overflow_mev)
