"""Cells of a readout that are sums of n x n finer ones: the detector, its responses.

Source: the calorimeter of LHCb reads out cells of 4, 6 and 12 cm, "it is possible to
obtain response for all granularities by aggregating responses of 2 x 2 cm2 logical
cells" (arXiv:2207.06329, section 1).
"""

import dataclasses
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.detectors.spec import DetectorSpec

_OFF_THE_GRID = 1e-3
"""Largest deviation of a cell from its place on a square grid, in cells."""

_OF_POSITIONS = 1e-5
"""Relative error of a side that is taken from positions in float32."""

_INSIDE = (2, 4)


def summed(spec: DetectorSpec, cell_cm: float) -> DetectorSpec:
    """Describes a detector that reads out sums of square cells.

    The centre of a sum is the mean of the centres of its n x n cells. A sum exists if
    any of its cells exists, and is dead if all that exist are. Layers stay apart.
    Conditions, domain and depths are those of the detector.

    Args:
        spec: The detector of the finer cells.
        cell_cm: Side of a sum [cm].

    Returns:
        The detector of the sums, named after their side; `spec` itself if n is 1.

    Raises:
        ValueError: See `cells_a_side`.

    Example:
        >>> from data import detectors
        >>> spec = summed(detectors.get("ecal"), 6)
        >>> spec.name, spec.shape, spec.positions_cm[0, 0, :2].tolist()
        ('ecal_6cm', (10, 10), [-27.0, -27.0])
    """
    number = cells_a_side(spec, cell_cm)
    if number == 1:
        return spec
    side_cm = float(f"{number * _pitch_cm(spec, cell_cm):.4g}")
    name = spec.summed[0] if spec.summed else spec.name
    cells, read_out = (
        np.logical_or.reduce(_blocks(one[None], number), axis=_INSIDE)[0]
        for one in (spec.cells, spec.acceptance("mask"))
    )
    positions = _blocks(spec.positions_cm[None], number)
    centres = positions.mean(axis=_INSIDE, dtype=np.float64)[0]
    return dataclasses.replace(
        spec,
        name=f"{name}_{side_cm:g}cm",
        shape=cells.shape,
        cells=cells,
        dead_cells=cells & ~read_out,
        positions_cm=centres.astype(np.float32),
        summed=(name, side_cm),
    )


def sum_cells(response: NDArray[Any], number: int) -> NDArray[np.float32]:
    """Sums cells, `number` x `number` of the image at a time.

    Sums are made in float64, and each is rounded once.

    Args:
        response: Responses [spec.unit], [events, row, column] or [events, row, column,
            layer].
        number: Cells along each side of a sum, see `cells_a_side`.

    Returns:
        Sums [spec.unit], float32 of the same rank.

    Raises:
        ValueError: If the rows or the columns are no multiple of `number`.

    Example:
        >>> sum_cells(np.ones((1, 4, 6), np.float32), 2).tolist()
        [[[4.0, 4.0, 4.0], [4.0, 4.0, 4.0]]]
    """
    rows, columns = response.shape[1:3]
    if number < 1 or rows % number or columns % number:
        raise ValueError(
            f"{rows} x {columns} cells cannot be summed {number} x {number}; give a "
            "number that divides both"
        )
    sums = _blocks(response, number).sum(axis=_INSIDE, dtype=np.float64)
    return sums.astype(np.float32)


def cells_a_side(spec: DetectorSpec, cell_cm: float) -> int:
    """Tells how many cells lie along a side of a sum.

    Args:
        spec: The detector of the finer cells.
        cell_cm: Side of a sum [cm].

    Returns:
        The number n of `sum_cells`, at least 1.

    Raises:
        ValueError: If the centres of all cells of a layer, also of those that do not
            exist, lie on no square grid; or the sums do not fill both axes of the
            image, or leave a single cell along one of them.
    """
    pitch_cm = _pitch_cm(spec, cell_cm)
    rows, columns = spec.shape[:2]
    known = [
        number
        for number in range(1, min(rows, columns) // 2 + 1)
        if rows % number == columns % number == 0
    ]
    for number in known:
        if math.isclose(cell_cm, number * pitch_cm, rel_tol=_OF_POSITIONS):
            return number
    sides = ", ".join(f"{number * pitch_cm:.4g}" for number in known)
    raise ValueError(
        f"cell_cm={cell_cm:g}: the {rows} x {columns} cells of {pitch_cm:.4g} cm of "
        f"detector {spec.name!r} cannot be summed to cells of this side; give one of "
        f"{sides} [cm]"
    )


def _pitch_cm(spec: DetectorSpec, cell_cm: float) -> float:
    """Returns the side of square cells [cm]; refuses others."""
    wrong = None
    if spec.component_names or len(spec.shape) not in (2, 3):
        wrong = "responses are not images of cells"
    elif min(spec.shape[:2]) < 2:
        wrong = "there is a single row or column"
    else:
        centres = spec.positions_cm.astype(np.float64)
        steps = [np.diff(centres, axis=axis).reshape(-1, 3) for axis in (0, 1)]
        mean = np.stack([one.mean(axis=0) for one in steps])
        pitch_cm = float(np.linalg.norm(mean[0]))
        allowed_cm = _OFF_THE_GRID * pitch_cm
        if any(
            np.abs(one - step).max() > allowed_cm
            for one, step in zip(steps, mean, strict=True)
        ):
            wrong = "rows or columns are staggered or not equally far apart"
        elif not np.allclose(
            mean @ mean.T, pitch_cm**2 * np.eye(2), 0.0, 2.0 * allowed_cm * pitch_cm
        ):
            wrong = "cells are not as long as they are wide, or skew"
        elif pitch_cm > 0.0:
            return pitch_cm
        else:
            wrong = "all cells lie at one place"
    raise ValueError(
        f"cell_cm={cell_cm:g}: only square cells can be summed n x n, but in "
        f"detector {spec.name!r} {wrong}; leave cell_cm out"
    )


def _blocks(cells: NDArray[Any], number: int) -> NDArray[Any]:
    """Divides [events, row, column, ...], so that the axes `_INSIDE` are in one sum."""
    events, rows, columns, *layers = cells.shape
    return cells.reshape(
        events, rows // number, number, columns // number, number, *layers
    )
