"""The meaning of a table's columns: the layouts in use, and the names a user gives."""

import dataclasses
import difflib
from collections.abc import Mapping

from data import detectors
from data.calibration.table import Table
from data.events import DataError

RICH = detectors.get("rich")
"""The detector of all these tables."""

CANONICAL = (*RICH.component_names, *RICH.condition_names, "weight")
"""What every column is called here, in the order of a canonical file."""

GEV_PER_UNIT = {"GeV": 1.0, "MeV": 1e-3}
"""The units that a table may have its momenta in."""

NO_WEIGHT = "none"
"""Name given for the weight of a table in which every track counts as 1."""

_SPECIES_COLUMNS = ("species_pdg", "MCParticleType")
_MOST_NAMES_SHOWN = 20
_MOST_NAMES_COMPARED, _LONGEST_NAME = 2000, 100
"""A comparison takes time with the product of both lengths."""


@dataclasses.dataclass(frozen=True)
class ColumnLayout:
    """Names of columns that many tables share.

    Attributes:
        name: What to call it in messages.
        columns: Canonical name -> name in the table, without the species, for which
            not every table has a column; "weight" is missing where tracks have none.
        momentum_unit: "MeV" or "GeV".
    """

    name: str
    columns: Mapping[str, str]
    momentum_unit: str


def _lhcb(name: str, likelihood: str, others: Mapping[str, str]) -> ColumnLayout:
    likelihoods = {
        component: likelihood + component.removeprefix("dll_")
        for component in RICH.component_names
    }
    return ColumnLayout(name, {**likelihoods, **others}, "MeV")


def _calibration(prefix: str) -> dict[str, str]:
    return {
        "momentum_gev": f"{prefix}Brunel_P",
        "pseudorapidity": f"{prefix}Brunel_ETA",
        "number_of_tracks": "nTracks_Brunel",
        "weight": "probe_sWeight",
    }


_SIMULATION = {
    "momentum_gev": "TrackP",
    "pseudorapidity": "TrackEta",
    "number_of_tracks": "NumLongTracks",
}

LAYOUTS = (
    _lhcb("LHCb calibration", "RichDLL", _calibration("")),
    _lhcb("LHCb calibration", "probe_Brunel_RichDLL", _calibration("probe_")),
    _lhcb("LHCb calibration", "probe_RichDLL", _calibration("probe_")),
    _lhcb("LHCb simulation", "RichDLL", _SIMULATION),
)
_CANONICAL_LAYOUT = ColumnLayout(
    "canonical names",
    {name: name for name in CANONICAL if name != "species_pdg"},
    "GeV",
)


@dataclasses.dataclass(frozen=True)
class Binding:
    """The columns of one table.

    Attributes:
        columns: Canonical name -> name in the table. No "species_pdg" or "weight"
            where the table has no such column.
        momentum_unit: "MeV" or "GeV".
    """

    columns: Mapping[str, str]
    momentum_unit: str


def _layout(table: Table) -> ColumnLayout:
    """Returns the layout of which the table has most names, the first among equals."""
    found = set(table.names)
    shared = [len(found.intersection(layout.columns.values())) for layout in LAYOUTS]
    canonical = len(found.intersection(_CANONICAL_LAYOUT.columns))
    if max(shared) > canonical:
        return LAYOUTS[shared.index(max(shared))]
    return _CANONICAL_LAYOUT


def _nearest(table: Table, name: str) -> str:
    """Lists the columns of a table, those most alike to a name first."""
    names = sorted(
        (other[:_LONGEST_NAME] for other in table.names[:_MOST_NAMES_COMPARED]),
        key=lambda other: difflib.SequenceMatcher(
            None, name.lower(), other.lower()
        ).ratio(),
        reverse=True,
    )
    shown = ", ".join(names[:_MOST_NAMES_SHOWN]) or "(none)"
    more = len(table.names) - _MOST_NAMES_SHOWN
    return shown + (f" and {more} more" if more > 0 else "")


def _check_given(given: Mapping[str, str]) -> None:
    for name in given:
        if name not in CANONICAL:
            raise ValueError(
                f"--columns={name}={given[name]}: unknown name {name!r}; known: "
                f"{', '.join(CANONICAL)}"
            )


def bind(
    table: Table, given: Mapping[str, str], momentum_unit: str | None = None
) -> Binding:
    """Finds the columns of a table.

    Args:
        table: The table.
        given: Canonical name -> name in the table, for columns that are called
            otherwise than in the table's layout; "none" for a missing weight.
        momentum_unit: "MeV" or "GeV"; None for the unit of the layout.

    Raises:
        ValueError: If a canonical name or the unit is unknown.
        DataError: If the table lacks a column, or has two of the same name.
    """
    _check_given(given)
    layout = _layout(table)
    wanted = dict(layout.columns)
    for name in _SPECIES_COLUMNS:
        if name in table.names:
            wanted["species_pdg"] = name
            break
    wanted.update(given)
    if wanted.get("weight") == NO_WEIGHT:
        del wanted["weight"]
    for name, theirs in wanted.items():
        if theirs not in table.names:
            raise DataError(_missing(table, layout, name, theirs))
        if table.names.count(theirs) > 1:
            raise DataError(
                f"{table.path}: has {table.names.count(theirs)} columns called "
                f"{theirs!r}; rename all but one of them"
            )
    _check_distinct(table, wanted)
    return Binding(
        {name: wanted[name] for name in CANONICAL if name in wanted},
        _unit(table, layout, wanted["momentum_gev"], momentum_unit),
    )


def _missing(table: Table, layout: ColumnLayout, name: str, theirs: str) -> str:
    remedy = f"give --columns={name}=NAME"
    if name == "weight":
        remedy += f", or --columns=weight={NO_WEIGHT} if every track counts as 1"
    return (
        f"{table.path}: no column {theirs!r} for {name} (layout: {layout.name}); "
        f"{remedy}; the table has, nearest first: {_nearest(table, theirs)}"
    )


def _check_distinct(table: Table, wanted: Mapping[str, str]) -> None:
    """Refuses a column that would be two things at once."""
    meaning: dict[str, str] = {}
    for name, theirs in wanted.items():
        if theirs in meaning:
            raise DataError(
                f"{table.path}: column {theirs!r} cannot be both {meaning[theirs]} and "
                f"{name}; correct --columns="
            )
        meaning[theirs] = name


def _unit(table: Table, layout: ColumnLayout, theirs: str, given: str | None) -> str:
    if given is None:
        if layout is _CANONICAL_LAYOUT and theirs != "momentum_gev":
            raise DataError(
                f"{table.path}: the unit of {theirs!r} is not known; give "
                "--momentum_unit=MeV or --momentum_unit=GeV"
            )
        return layout.momentum_unit
    if given not in GEV_PER_UNIT:
        raise ValueError(
            f"unknown unit of the momentum {given!r}; known: {', '.join(GEV_PER_UNIT)}"
        )
    return given
