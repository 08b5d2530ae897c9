"""Readers of calibration tables, in pieces, as tracks of the detector rich."""

import collections
import dataclasses
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from data.calibration.columns import GEV_PER_UNIT, RICH, bind
from data.calibration.formats import open_table
from data.calibration.table import Columns
from data.detectors import particles
from data.events import DataError, Sample

DROPS = ("no_rich", "other_species")
"""What may be left out: tracks without RICH information, and of other species."""

_NO_RICH = -999.0
_MEDIAN_RANGE_GEV = (1.0, 200.0)
_TRACKS_FOR_MEDIAN = 1_000_000
_LARGEST = np.finfo(np.float32).max


@dataclasses.dataclass(frozen=True)
class ReadingOptions:
    """What a user says about a table.

    Attributes:
        species: Name of the species of all tracks, from
            `data.detectors.particles.NAMES`; None if a column says it.
        columns: Canonical name -> name in the table, see `columns.bind`.
        momentum_unit: "MeV" or "GeV"; None for the unit of the layout.
        tree: The tree of a ROOT file; None if it is clear.
        drop: What to leave out, from `DROPS`; by default it is an error.
    """

    species: str | None = None
    columns: Mapping[str, str] = dataclasses.field(default_factory=dict)
    momentum_unit: str | None = None
    tree: str | None = None
    drop: tuple[str, ...] = ()


class CalibrationTable:
    """A calibration table with known columns.

    Attributes:
        path: The file, and the tree inside it.
        weighted: Whether its tracks have weights.
        dropped: Number of tracks that `samples` has left out so far, by reason.
    """

    def __init__(self, path: str, options: ReadingOptions) -> None:
        """Opens the table, finds its columns and checks the unit of the momentum.

        Args:
            path: The file.
            options: What the user says about it.

        Raises:
            ValueError: If an option has an unknown value.
            DataError: If the table cannot be read, is empty, lacks a column, does not
                say its species, or has its momenta in another unit.
        """
        for reason in options.drop:
            if reason not in DROPS:
                raise ValueError(
                    f"--drop={reason}: unknown; choose from {', '.join(DROPS)}"
                )
        self._code = None
        if options.species is not None:
            self._code = particles.pdg_code(options.species)
        self._options = options
        self._table = open_table(path, options.tree, options.species)
        self._binding = bind(self._table, options.columns, options.momentum_unit)
        self.path = self._table.path
        self.weighted = "weight" in self._binding.columns
        self.dropped: collections.Counter[str] = collections.Counter()
        if self._code is None and "species_pdg" not in self._binding.columns:
            raise DataError(
                f"{self.path}: has no column of the species; give --species=NAME, one "
                f"of {', '.join(particles.NAMES)}"
            )
        self._check_momentum()

    def _check_momentum(self) -> None:
        """Refuses an empty table and momenta in the wrong unit."""
        theirs = self._binding.columns["momentum_gev"]
        parts: list[NDArray[np.float64]] = []
        for piece in self._table.pieces([theirs]):
            parts.append(piece[theirs])
            if sum(map(len, parts)) >= _TRACKS_FOR_MEDIAN:
                break
        momenta = np.concatenate(parts) if parts else np.empty(0)
        if not len(momenta):
            raise DataError(f"{self.path}: holds no tracks; choose another file")
        momenta = momenta[np.isfinite(momenta)]
        if not len(momenta):
            return
        median = float(np.median(momenta))
        low, high = _MEDIAN_RANGE_GEV
        fitting = [
            unit
            for unit, gev_per_unit in GEV_PER_UNIT.items()
            if low <= median * gev_per_unit <= high
        ]
        unit = self._binding.momentum_unit
        if unit not in fitting:
            remedy = (
                f"give --momentum_unit={fitting[0]}"
                if fitting
                else "choose another column with --columns=momentum_gev=NAME"
            )
            raise DataError(
                f"{self.path}: the median of momentum {theirs!r} is {median:g} {unit}, "
                f"but must be {low:g} to {high:g} GeV; {remedy}"
            )

    def samples(self) -> Iterator[Sample]:
        """Reads the tracks, a piece at a time, in the order of the table.

        Yields:
            Tracks of the detector rich: log-likelihoods, conditions, and signed
            weights as they stand in the table (None where it has none).

        Raises:
            DataError: If the file is damaged, a number is not finite, a track has no
                RICH information or another species, or no track is left.
        """
        first = kept = 0
        theirs = self._binding.columns
        for piece in self._table.pieces(list(theirs.values())):
            columns = {name: piece[theirs[name]] for name in theirs}
            self._check_finite(columns, first)
            selected = self._with_rich(columns, first)
            selected &= self._of_species(columns, first)
            first += len(selected)
            if selected.any():
                kept += int(selected.sum())
                yield self._sample(columns, selected)
        if not kept:
            raise DataError(
                f"{self.path}: all {first} tracks are left out by --drop="
                f"{','.join(self._options.drop)}; choose another file"
            )

    def _check_finite(self, columns: Columns, first: int) -> None:
        for name, values in columns.items():
            # Also what float32 cannot hold; no comparison is true of a NaN.
            bad = ~(np.abs(values) <= _LARGEST)
            if bad.any():
                row = int(np.argmax(bad))
                raise DataError(
                    f"{self.path}: event {first + row}: {name} (column "
                    f"{self._binding.columns[name]!r}) is {values[row]:g}, not finite; "
                    "correct the file or remove the event"
                )

    def _with_rich(self, columns: Columns, first: int) -> NDArray[np.bool_]:
        """Returns which tracks have RICH information."""
        lost = np.zeros(len(columns["momentum_gev"]), bool)
        for name in RICH.component_names:
            lost |= columns[name] <= _NO_RICH
        if lost.any() and "no_rich" not in self._options.drop:
            row = int(np.argmax(lost))
            name = next(n for n in RICH.component_names if columns[n][row] <= _NO_RICH)
            raise DataError(
                f"{self.path}: event {first + row}: {name} is {columns[name][row]:g}, "
                "which marks a track without RICH information; leave such tracks out "
                "with --drop=no_rich"
            )
        self.dropped["no_rich"] += int(lost.sum())
        return ~lost

    def _of_species(self, columns: Columns, first: int) -> NDArray[np.bool_]:
        """Returns which tracks are of the species that the user or the zoo knows."""
        if "species_pdg" not in columns:
            return np.ones(len(columns["momentum_gev"]), bool)
        codes = np.abs(columns["species_pdg"])
        known = particles.PDG_CODES if self._code is None else (self._code,)
        other = ~np.isin(codes, known)
        if other.any() and "other_species" not in self._options.drop:
            row = int(np.argmax(other))
            raise DataError(
                f"{self.path}: event {first + row}: species "
                f"{columns['species_pdg'][row]:.12g} (column "
                f"{self._binding.columns['species_pdg']!r}) is none of "
                f"{', '.join(map(str, known))}; leave such tracks out with "
                "--drop=other_species"
                + ("" if self._code is None else ", or leave out --species")
            )
        self.dropped["other_species"] += int(other.sum())
        return ~other

    def _sample(self, columns: Columns, selected: NDArray[np.bool_]) -> Sample:
        gev_per_unit = GEV_PER_UNIT[self._binding.momentum_unit]
        count = int(selected.sum())
        values = {name: column[selected] for name, column in columns.items()}
        values["momentum_gev"] = values["momentum_gev"] * gev_per_unit
        if self._code is not None:
            values["species_pdg"] = np.full(count, float(self._code))
        values["species_pdg"] = np.abs(values["species_pdg"])
        weight = values.get("weight")
        return Sample(
            _stacked(values, RICH.component_names),
            _stacked(values, RICH.condition_names),
            None if weight is None else weight.astype(np.float32),
        )


def _stacked(values: Columns, names: tuple[str, ...]) -> NDArray[np.float32]:
    return np.stack([values[name] for name in names], axis=1).astype(np.float32)
