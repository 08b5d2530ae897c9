"""Converts files of tracks or showers: python convert.py --input=kaon.csv ...

Tables are calibration samples of particle identification, of which several go into one
file, each with its species. Files of events, in any layout that the zoo reads, go into
another format: canonical, with lists of hits, or one of the public layouts. See
docs/formats.md.
"""

import pathlib
import sys

from common import command_line  # First: it silences the start of TensorFlow.

# isort: split

from absl import flags

from common.rounding import FEWEST_BITS, FLOAT32_BITS
from data.calibration import calibration_table, conversion
from data.files import readers
from data.files.shower_formats.binning_xml import read_binning
from data.files.split_fractions import USUAL_FRACTIONS, check_fractions
from data.production.event_conversion import Conversion, convert_events
from data.production.output_kinds import KINDS

_INPUT = flags.DEFINE_list(
    "input",
    None,
    "Tables: .root, .csv, .parquet or .npz; or events: .h5, .hdf5, with --format .npz.",
    required=True,
)
_OUTPUT = flags.DEFINE_string("output", None, "The file to write.", required=True)
_SPECIES = flags.DEFINE_list(
    "species", None, "Species of each input or of all; empty where a column says it."
)
_TREE = flags.DEFINE_list("tree", None, "Tree of each ROOT file or of all.")
_COLUMNS = flags.DEFINE_list(
    "columns", [], "canonical=theirs, ...: columns under names of their own."
)
_MOMENTUM_UNIT = flags.DEFINE_enum(
    "momentum_unit", None, ["MeV", "GeV"], "Unit of the momenta in the tables."
)
_DROP = flags.DEFINE_list(
    "drop", [], f"Tracks to leave out: {', '.join(calibration_table.DROPS)}."
)
_SPLITS = flags.DEFINE_list(
    "splits",
    [f"{fraction:g}" for fraction in USUAL_FRACTIONS],
    "Fractions of train, validation and test; events that have splits keep them if "
    "this is not given.",
)
_SEED = flags.DEFINE_integer("seed", 0, "Seed of the splits.", lower_bound=0)
_FORMAT = flags.DEFINE_enum(
    "format", None, list(KINDS), "Of events; by default as the name of --output."
)
_SPLIT = flags.DEFINE_enum(
    "split", None, readers.SPLITS, "Events to take; all by default."
)
_COMPRESSION = flags.DEFINE_integer(
    "compression", 4, "Of events: level of zlib.", lower_bound=0, upper_bound=9
)
_MANTISSA_BITS = flags.DEFINE_integer(
    "mantissa_bits",
    None,
    "Of events: rounds responses to so many bits, 11 for a relative error of 2**-12.",
    lower_bound=FEWEST_BITS,
    upper_bound=FLOAT32_BITS,
)
_BINNING = flags.DEFINE_string(
    "binning", None, "XML of the voxels of files of the CaloChallenge or of Par04."
)
_PARTICLE = flags.DEFINE_string("particle", None, "Particle of the binning.")

_OF_TABLES = (_SPECIES, _TREE, _COLUMNS, _MOMENTUM_UNIT, _DROP)
_OF_EVENTS = (
    _FORMAT, _SPLIT, _COMPRESSION, _MANTISSA_BITS, _BINNING, _PARTICLE,
)  # fmt: skip


def _one_each(flag: flags.FlagHolder[list[str] | None], count: int) -> list[str | None]:
    """Returns the values of a flag for each input; one value serves all."""
    values = flag.value or [""]
    if len(values) not in (1, count):
        raise ValueError(
            f"--{flag.name}={','.join(values)}: {len(values)} values for {count} "
            "inputs; give one for all or one for each"
        )
    return [value or None for value in values * (count // len(values))]


def _columns() -> dict[str, str]:
    columns: dict[str, str] = {}
    for assignment in _COLUMNS.value:
        name, equals, theirs = assignment.partition("=")
        if not (name and equals and theirs) or name in columns:
            raise ValueError(
                f"--columns={assignment}: each entry is canonical=theirs, once; e.g. "
                "--columns=momentum_gev=probe_P,weight=none"
            )
        columns[name] = theirs
    return columns


def _fractions() -> list[float]:
    try:
        return [float(fraction) for fraction in _SPLITS.value]
    except ValueError:
        raise ValueError(
            f"--splits={','.join(_SPLITS.value)}: not all of these are numbers; give "
            "fractions of train, validation and test, e.g. 0.6,0.1,0.3"
        ) from None


def _show_progress(path: str, number: int, events: str = "tracks") -> None:
    if sys.stderr.isatty():
        print(f"\r{path}: {number:,} {events} ", end="", file=sys.stderr, flush=True)


def _convert() -> None:
    fractions = _fractions()
    check_fractions(fractions)
    paths = _INPUT.value
    ending = pathlib.Path(paths[0]).suffix
    events = ending in (".h5", ".hdf5") or (ending == ".npz" and _FORMAT.present)
    for flag in _OF_TABLES if events else _OF_EVENTS:
        if flag.present:
            what = "events" if events else "tables"
            raise ValueError(
                f"--{flag.name}: has no meaning for {what}, as of {paths[0]}; leave it "
                "out"
            )
    if events:
        _convert_events(paths, fractions)
    else:
        _convert_tables(paths, fractions)


def _convert_tables(paths: list[str], fractions: list[float]) -> None:
    conversion.check_output(_OUTPUT.value)
    tables = [
        calibration_table.CalibrationTable(
            path,
            calibration_table.ReadingOptions(
                species=species,
                columns=_columns(),
                momentum_unit=_MOMENTUM_UNIT.value,
                tree=tree,
                drop=tuple(_DROP.value),
            ),
        )
        for path, species, tree in zip(
            paths,
            _one_each(_SPECIES, len(paths)),
            _one_each(_TREE, len(paths)),
            strict=True,
        )
    ]
    summary = conversion.convert(
        _OUTPUT.value, tables, fractions, _SEED.value, _show_progress
    )
    if sys.stderr.isatty():
        print(file=sys.stderr)
    print(*_report(tables, summary), sep="\n")


def _convert_events(paths: list[str], fractions: list[float]) -> None:
    if _PARTICLE.value is not None and _BINNING.value is None:
        raise ValueError(
            f"--particle={_PARTICLE.value}: a part of a binning; give --binning too"
        )
    if _SPLIT.present and _SPLITS.present:
        raise ValueError("--splits: --split takes events of one split; give one flag")
    binning = None
    if _BINNING.value is not None:
        binning = read_binning(_BINNING.value, _PARTICLE.value)
    how = Conversion(
        kind=_FORMAT.value,
        split=_SPLIT.value,
        fractions=fractions if _SPLITS.present else None,
        seed=_SEED.value,
        binning=binning,
        compression=_COMPRESSION.value or None,
        mantissa_bits=_MANTISSA_BITS.value,
    )
    output = pathlib.Path(_OUTPUT.value)
    counts = convert_events(
        output, paths, how, lambda events: _show_progress(str(output), events, "events")
    )
    if sys.stderr.isatty():
        print(file=sys.stderr)
    numbers = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    print(f"{output}: {numbers}")


def _report(
    tables: list[calibration_table.CalibrationTable], summary: conversion.Summary
) -> list[str]:
    """Returns the lines that say what was converted."""
    lines = [
        f"{'species':<10}{'tracks':>12}{'sum of weights':>16}{'effective':>12}"
        f"{'negative':>10}{'outside domain':>16}"
    ]
    for name, tally in summary.species.items():
        lines.append(
            f"{name:<10}{tally.tracks:>12,}{tally.weights:>16,.1f}"
            f"{tally.effective:>12,.0f}{tally.negative / tally.tracks:>10.1%}"
            f"{tally.outside / tally.tracks:>16.1%}"
        )
    for table in tables:
        for reason, count in table.dropped.items():
            if count:
                lines.append(f"{table.path}: {count:,} tracks left out: {reason}")
    counts = ", ".join(f"{count:,} {name}" for name, count in summary.splits.items())
    lines.append(f"{_OUTPUT.value}: {counts}")
    return lines


main = command_line.main(_convert)


if __name__ == "__main__":
    command_line.run(main)
