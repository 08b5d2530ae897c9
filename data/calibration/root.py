"""Trees and ntuples in ROOT files."""

import functools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from data.calibration.table import (
    PIECE_ROWS,
    Columns,
    Table,
    check_exists,
    not_numbers,
    numbers,
    optional,
    unreadable,
)
from data.events import DataError

_KINDS = ("TTree", "ROOT::RNTuple")
_LARGEST_RATIO = 1 << 16
"""Entries per byte of a file: ROOT's compressions pack equal bytes less tightly."""


def open_table(path: str, tree: str | None = None, species: str | None = None) -> Table:
    """Opens a tree in a ROOT file.

    Args:
        path: The file.
        tree: The tree with its folder, e.g. "PidTupler/pid_kaon". If None, the only
            tree of the file, or the only one called "pid_SPECIES".
        species: The species whose tree is looked for.

    Raises:
        DataError: If the file cannot be read, or it is not clear which tree is meant.
    """
    check_exists(path)
    with optional(path):
        import uproot
    # Damaged bytes make uproot stumble in many ways, and none of them is a DataError.
    try:
        # A Path, since uproot takes what follows a colon in a text for a tree.
        with uproot.open(Path(path)) as file:
            trees = list(
                dict.fromkeys(file.keys(cycle=False, filter_classname=list(_KINDS)))
            )
    except Exception as error:
        raise unreadable(path, "ROOT file", error) from error
    chosen = _choose(path, trees, tree, species)
    try:
        with uproot.open(Path(path)) as file:
            names = tuple(file[chosen].keys())
    except Exception as error:
        raise unreadable(path, "ROOT file", error) from error
    return Table(f"{path}:{chosen}", names, functools.partial(_pieces, path, chosen))


def _choose(path: str, trees: list[str], tree: str | None, species: str | None) -> str:
    """Returns the name of the tree that is meant."""
    if not trees:
        raise DataError(f"{path}: holds no tree; choose another file")
    listed = ", ".join(trees)
    if tree is not None:
        if tree in trees:
            return tree
        raise DataError(f"{path}: has no tree {tree!r}; --tree= is one of {listed}")
    named = [name for name in trees if name.rpartition("/")[2] == f"pid_{species}"]
    for candidates in (trees, named):
        if len(candidates) == 1:
            return candidates[0]
    raise DataError(
        f"{path}: holds {len(trees)} trees; choose one of them with --tree=: {listed}"
    )


def _pieces(path: str, tree: str, names: Sequence[str]) -> Iterator[Columns]:
    """Reads some columns, a range of entries at a time."""
    with optional(path):
        import uproot
    wanted = set(names)

    def of_numbers(branch: Any) -> bool:
        """Refuses objects before uproot begins to read them."""
        if branch.name in wanted and not isinstance(
            branch.interpretation, uproot.AsDtype
        ):
            raise not_numbers(f"{path}:{tree}", branch.name, branch.typename)
        return True

    try:
        with uproot.open(Path(path)) as file:
            found = file[tree]
            if found.num_entries > _LARGEST_RATIO * Path(path).stat().st_size:
                raise DataError(
                    f"{path}:{tree}: says that it has {found.num_entries:,} entries, "
                    "which the file is too small for; fetch or write it again"
                )
            is_tree = hasattr(found, "branches")
            # A function, as uproot would read a name with * or / as a pattern.
            for piece in found.iterate(
                filter_name=lambda name: name in wanted,
                library="np",
                step_size=PIECE_ROWS,
                **({"filter_branch": of_numbers} if is_tree else {}),
            ):
                yield {
                    name: numbers(f"{path}:{tree}", name, piece[name]) for name in names
                }
    except DataError:
        raise
    except Exception as error:
        raise unreadable(path, "ROOT file", error) from error
