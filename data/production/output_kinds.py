"""The kinds of files that events are written to: a kind is a line of `KINDS`."""

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path

from data.detectors.spec import DetectorSpec
from data.events import DataError
from data.files import lhcb_npz
from data.files.event_stream import EventStream
from data.files.shower_formats.layout_writer import LayoutWriter
from data.files.shower_formats.shower_layouts import LAYOUTS
from data.files.writers import Writer
from data.production.root_events import write_root


def _any(path: Path, spec: DetectorSpec) -> None:
    """Accepts every detector."""


def _write_hdf5(
    path: Path, stream: EventStream, compression: int | None, *, sparse: bool
) -> None:
    with Writer(
        path,
        stream.spec,
        attributes=stream.attributes,
        compression=compression,
        sparse=sparse,
    ) as writer:
        for block in stream.blocks():
            writer.append(
                block.sample, split=block.split, hits=block.hits, cpu_s=block.cpu_s
            )


def _check_layout(path: Path, spec: DetectorSpec, *, layout: str) -> None:
    """Refuses detectors that a public layout has no place for."""
    LayoutWriter(path, layout, spec)


def _write_layout(
    path: Path, stream: EventStream, compression: int | None, *, layout: str
) -> None:
    known = stream.attributes
    with LayoutWriter(path, layout, stream.spec, compression, known) as writer:
        for block in stream.blocks():
            writer.append(block.sample, cpu_s=block.cpu_s)


@dataclasses.dataclass(frozen=True)
class OutputKind:
    """A kind of file.

    Attributes:
        ends: What its name may end in.
        write: Writes a stream of events to a path, whole or not at all; the last
            argument is the level of compression, 1 to 9, or None for plain numbers.
        check: Refuses a path or a detector that the kind has no place for.
        canonical: Whether the file is a canonical one, which has splits.
    """

    ends: tuple[str, ...]
    write: Callable[[Path, EventStream, int | None], None]
    check: Callable[[Path, DetectorSpec], None] = _any
    canonical: bool = False


_HDF5 = (".h5", ".hdf5")

KINDS = {
    "hdf5": OutputKind(
        _HDF5, functools.partial(_write_hdf5, sparse=False), canonical=True
    ),
    "sparse_hdf5": OutputKind(
        _HDF5, functools.partial(_write_hdf5, sparse=True), canonical=True
    ),
    "lhcb_npz": OutputKind((".npz",), lhcb_npz.write_lhcb_stream, lhcb_npz.check_lhcb),
    "root": OutputKind((".root",), write_root),
} | {
    layout: OutputKind(
        _HDF5,
        functools.partial(_write_layout, layout=layout),
        functools.partial(_check_layout, layout=layout),
    )
    for layout in LAYOUTS
}
"""The kinds by the name that `--format` has for them."""


def kind_of(path: Path, name: str | None, spec: DetectorSpec) -> str:
    """Returns the kind of a file to write.

    Args:
        path: The file.
        name: One of `KINDS`; None for the first one whose files end as `path` does.
        spec: The detector whose events it shall hold.

    Raises:
        DataError: If the name does not end as the kind needs it, or the kind has no
            place for this detector.
    """
    fitting = [one for one, kind in KINDS.items() if path.suffix in kind.ends]
    chosen = name or (fitting[0] if fitting else None)
    if chosen is None:
        ends = ", ".join(
            dict.fromkeys(end for kind in KINDS.values() for end in kind.ends)
        )
        raise DataError(
            f"{path}: its name does not say what kind of file to write; end it in one "
            f"of {ends}"
        )
    if path.suffix not in KINDS[chosen].ends:
        raise DataError(
            f"{path}: the name of a file of format {chosen} ends in "
            f"{' or '.join(KINDS[chosen].ends)}"
        )
    KINDS[chosen].check(path, spec)
    return chosen
