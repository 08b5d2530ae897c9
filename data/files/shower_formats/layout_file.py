"""A public HDF5 file of showers, read piece by piece."""

import h5py
import numpy as np
from numpy.typing import NDArray

from data.detectors.spec import DetectorSpec
from data.events import DataError
from data.files import hdf5
from data.files.shower_formats.shower_layouts import ShowerLayout

_SHOWERS = 256
_POSSIBLE = (0.005, 10.0)
"""Visible over incident energy, of the median shower.

Sampling calorimeters see at least some percent, none sees much more than there is."""


class LayoutFile:
    """Showers in one of `shower_layouts.LAYOUTS`; see `event_files.File`.

    Args:
        path: Its name.
        layout: Its layout.
        spec: The detector that it has to fit.
        split: None: such a file has no splits.
        opened: The file, where it is open already; whoever opened it closes it.

    Raises:
        DataError: If it cannot be read or does not fit.
    """

    def __init__(
        self,
        path: str,
        layout: ShowerLayout,
        spec: DetectorSpec,
        split: str | None,
        opened: h5py.File | None = None,
    ) -> None:
        self.path = path
        self.weight: NDArray[np.float32] | None = None
        self._layout, self._spec = layout, spec
        self._file = hdf5.open_file(path) if opened is None else opened
        self._owned = opened is None
        try:
            self._open(split)
        except BaseException:
            self.close()
            raise

    def _open(self, split: str | None) -> None:
        if split is not None:
            raise DataError(
                f"{self.path}: a file of {self._layout.name} has no split, so that the "
                f"events of {split!r} are not known; convert.py gives it splits"
            )
        events = self._layout.check(self.path, self._file, self._spec)
        self.rows = np.arange(events)
        self.condition = self._layout.condition(self.path, self._file, self._spec)
        chunks = hdf5.dataset(self.path, self._file, self._layout.cells[0]).chunks
        stored = chunks[0] if chunks else _SHOWERS
        self.chunk_rows = -(-_SHOWERS // stored) * stored
        if events:
            self._check_units()

    def _check_units(self) -> None:
        """Refuses energies in another unit than the layout's."""
        energy_mev = 1e3 * self.condition[:, 0].astype(np.float64)
        # Some files are sorted by energy.
        ends = self.rows[:_SHOWERS], self.rows[_SHOWERS:][-_SHOWERS:]
        visible = np.concatenate(
            [
                self.response(rows).reshape(len(rows), -1).sum(1, dtype=np.float64)
                for rows in ends
                if len(rows)
            ]
        )
        lit = visible > 0.0
        if not lit.any():
            return
        incident = energy_mev[np.concatenate(ends)]
        seen = float(np.median(visible[lit] / incident[lit]))
        unit, name = self._layout.energy_unit, self._layout.energy
        if not _POSSIBLE[0] <= seen <= _POSSIBLE[1]:
            raise DataError(
                f"{self.path}: a response of {1e3 * seen:.3g} MeV per GeV, the median "
                f"of {int(lit.sum())} showers, is about a thousand times off: {name} "
                f"has to be in {unit}, cells in MeV; convert the one that is not"
            )
        (limits,) = self._spec.domain[:1]
        low, high = 1e3 * limits.low, 1e3 * limits.high
        if energy_mev.max() < low and 1e3 * energy_mev.max() <= high:
            raise DataError(
                f"{self.path}: incident energies of at most {energy_mev.max():.3g} MeV "
                f"lie below those of {self._spec.name!r}, {low:.4g} to {high:.4g} MeV, "
                f"and fit if they are GeV: write {name} in {unit}, cells in MeV"
            )

    def response(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Reads the responses of some rows, ascending and near each other."""
        if self._owned and not self._file:
            self._file = hdf5.open_file(self.path)
        first, last = int(rows[0]), int(rows[-1]) + 1
        span = self._layout.read(self.path, self._file, self._spec, slice(first, last))
        return span if len(rows) == last - first else span[rows - first]

    def close(self) -> None:
        """Closes the file until it is read again, unless somebody else opened it."""
        if self._owned:
            self._file.close()
