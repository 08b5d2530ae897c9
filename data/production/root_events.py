"""A writer of events as a tree in a ROOT file."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.atomic_files import replacing
from data.calibration.table import optional
from data.events import DataError, Sample
from data.files.event_stream import EventStream, regrouped

TREE = "events"
"""Name of the tree."""

_BASKET_EVENTS = 4096


def write_root(path: Path, stream: EventStream, compression: int | None) -> None:
    """Writes a tree "events" with an entry per event, in constant memory.

    Its branches are `response` [spec.unit], float32 [*spec.shape], and every condition
    under its name, float32; `weight` too where the events are weighted.

    Args:
        path: The file, replaced if it exists.
        stream: The events.
        compression: Level of zlib, 1 to 9; None writes plain numbers.

    Raises:
        DataError: If it cannot be written, or uproot is not installed.
    """
    with optional(str(path)):
        import uproot
    method = None if compression is None else uproot.ZLIB(compression)
    try:
        with (
            replacing(path) as temporary,
            uproot.recreate(temporary, compression=method) as file,
        ):
            tree = None
            for block in regrouped(stream.blocks(), _BASKET_EVENTS):
                tree = _extend(file, tree, stream, block.sample)
    except OSError as error:
        raise DataError(
            f"{path}: cannot be written ({error.strerror}); check that the folder "
            "exists, may be written to and has room"
        ) from error


def _extend(file: Any, tree: Any, stream: EventStream, sample: Sample) -> Any:
    """Writes a basket of every branch; makes the tree first if there is none."""
    columns: dict[str, NDArray[np.float32]] = {"response": sample.response}
    columns |= dict(zip(stream.spec.condition_names, sample.condition.T, strict=True))
    if sample.weight is not None:
        columns["weight"] = sample.weight
    if tree is None:
        types = {
            name: np.dtype((np.float32, values.shape[1:]))
            for name, values in columns.items()
        }
        tree = file.mktree(TREE, types)
    tree.extend(columns)
    return tree
