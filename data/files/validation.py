"""Checks of what a file holds against the specification of its detector."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.detectors.spec import DetectorSpec
from data.events import SPLITS, DataError


def as_floats(path: str, name: str, values: NDArray[Any]) -> NDArray[np.float32]:
    """Converts numbers to float32; too large ones become infinite.

    Args:
        path: File they come from, for the message.
        name: What they are, e.g. "response".
        values: The numbers.

    Raises:
        DataError: If they are not numbers.
    """
    if values.dtype.kind not in "iuf":
        raise DataError(
            f"{path}: {name} holds {values.dtype}, not numbers; write float32"
        )
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(values, np.float32)


def _fail_at(
    path: str,
    spec: DetectorSpec,
    response: NDArray[np.float32],
    bad: NDArray[np.bool_],
    rows: NDArray[np.int64],
    rule: str,
) -> None:
    event, *cell = (int(index[0]) for index in np.nonzero(bad))
    value = float(response[event, *cell])
    raise DataError(
        f"{path}: event {rows[event]}: {spec.response_name} {value:g} {spec.unit} in "
        f"cell {tuple(cell)} {rule}; correct the file or remove the event"
    )


def check_response(
    path: str,
    spec: DetectorSpec,
    response: NDArray[np.float32],
    rows: NDArray[np.int64],
) -> None:
    """Refuses responses that this detector cannot have given.

    Args:
        path: File they come from, for the message.
        spec: The detector.
        response: Responses [spec.unit], float32 [events, *spec.shape].
        rows: Number of each event in its file, int64 [events].

    Raises:
        DataError: If a value is not finite, below the physical bound, or different
            from 0 in a cell that does not exist.
    """
    finite = np.isfinite(response)
    if not finite.all():
        _fail_at(path, spec, response, ~finite, rows, "is not finite")
    bound = spec.lower_bound
    if bound is not None and response.size and response.min() < bound:
        below = response < bound
        rule = f"is below the physical bound {bound:g} {spec.unit}"
        _fail_at(path, spec, response, below, rows, rule)
    missing = np.flatnonzero(~spec.cells)
    if missing.size and np.take(response.reshape(len(rows), -1), missing, axis=1).any():
        stray = (response != 0) & ~spec.cells
        _fail_at(path, spec, response, stray, rows, "which does not exist")


def check_per_event(
    path: str, name: str, values: NDArray[np.float32], rows: NDArray[np.int64]
) -> None:
    """Refuses conditions or weights that are not finite.

    Args:
        path: File they come from, for the message.
        name: What they are, e.g. "condition".
        values: One value or one row per event, float32 [events, ...].
        rows: Number of each event in its file, int64 [events].

    Raises:
        DataError: If a value is not finite.
    """
    finite = np.isfinite(values).all(axis=tuple(range(1, values.ndim)))
    if not finite.all():
        event = int(np.flatnonzero(~finite)[0])
        shown = ", ".join(f"{value:g}" for value in np.atleast_1d(values[event]))
        raise DataError(
            f"{path}: event {rows[event]}: {name} ({shown}) is not finite; correct the "
            "file or remove the event"
        )


def check_names(
    path: str,
    what: str,
    received: Sequence[str],
    expected: Sequence[str],
    detector: str,
) -> None:
    """Refuses names or units that are not those of the detector.

    Args:
        path: File they come from, for the message.
        what: Attribute that holds them, e.g. "condition_names".
        received: What the file says.
        expected: What the specification says.
        detector: Name of the detector.

    Raises:
        DataError: If they differ.
    """
    if tuple(received) != tuple(expected):
        raise DataError(
            f"{path}: {what} is {', '.join(received)!r}, detector {detector!r} needs "
            f"{', '.join(expected)!r}; convert the file"
        )


def check_split_name(split: str | None) -> None:
    """Refuses the name of a split that no file can have.

    Raises:
        DataError: If `split` is neither None nor one of `SPLITS`.
    """
    if split is not None and split not in SPLITS:
        raise DataError(
            f"unknown split {split!r}; choose one of {', '.join(SPLITS)}, or None for "
            "all events"
        )
