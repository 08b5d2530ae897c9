"""The tree of halves in which a calorimeter's cells are reached from their sum."""

import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


@dataclasses.dataclass(frozen=True, eq=False)
class Split:
    """One level of the tree: every block of cells is divided along some axes.

    Attributes:
        blocks: Rows and columns of blocks before.
        halved: Whether a block is divided along rows, along columns.
        first: The first row and column of children that is kept; those before and
            after the others lie outside the detector.
        children: Rows and columns of blocks after.
        exists: Which blocks have a cell, before, bool [row, column, layer].
        children_exist: Which have one after, bool [row, column, layer].
        centres_cm: Centre (x, y) of a whole block, also at the edge, before,
            float32 [row, column, 2].
        child_centres_cm: The same, after.
        periodic: Whether the last row is beside the first one, the last column.
    """

    blocks: tuple[int, int]
    halved: tuple[bool, bool]
    first: tuple[int, int]
    children: tuple[int, int]
    exists: NDArray[np.bool_]
    children_exist: NDArray[np.bool_]
    centres_cm: NDArray[np.float32]
    child_centres_cm: NDArray[np.float32]
    periodic: tuple[bool, bool] = (False, False)

    @property
    def step_cm(self) -> NDArray[np.float32]:
        """How far the children of a block are apart in x and in y [cm], float32 [2].

        0 where it is not divided, or has no second child.
        """
        steps = np.zeros((2, 2), np.float32)
        for axis in (0, 1):
            if self.halved[axis] and self.child_centres_cm.shape[axis] > 1:
                distances = np.diff(self.child_centres_cm, axis=axis)
                if any(self.periodic):
                    # Around a circle they point everywhere.
                    distances = np.abs(distances)
                steps[axis] = distances.mean(axis=(0, 1))
        return np.max(np.abs(steps), axis=0)


def splits(
    cells: NDArray[np.bool_],
    positions_cm: NDArray[np.float32],
    offset: Sequence[int] = (0, 0),
    periodic: Sequence[bool] = (False, False),
) -> list[Split]:
    """Plans the splits from one block, the whole detector, down to its cells.

    Blocks are 2^n cells a side, counted from `offset` cells outside the detector; those
    without any cell of the detector are left out. A shorter axis is divided later.

    Args:
        cells: The cells that exist, bool [row, column, layer].
        positions_cm: Their centres (x, y), float32 [row, column, 2].
        offset: Rows and columns before the first cell of the image.
        periodic: Whether the last row is beside the first one, the last column.

    Returns:
        The levels, coarse ones first.

    Example:
        >>> plan = splits(np.ones((3, 5, 1), bool), np.zeros((3, 5, 2), np.float32))
        >>> [(level.blocks, level.halved, level.children) for level in plan]
        ... # doctest: +NORMALIZE_WHITESPACE
        [((1, 1), (False, True), (1, 2)), ((1, 2), (True, True), (2, 3)),
         ((2, 3), (True, True), (3, 5))]
    """
    shape = cells.shape[:2]
    depths = [
        int(np.ceil(np.log2(begin + size)))
        for begin, size in zip(offset, shape, strict=True)
    ]
    deepest = max(depths)
    grids = [
        _blocks(
            cells, positions_cm, offset, [min(d, deepest - n) for d in depths], periodic
        )
        for n in range(deepest + 1)
    ]
    plan = []
    for number, (before, after) in enumerate(itertools.pairwise(grids)):
        sizes = [deepest - number <= depth for depth in depths]
        first = [
            b - (2 if halved else 1) * a
            for a, b, halved in zip(before[0], after[0], sizes, strict=True)
        ]
        plan.append(
            Split(
                before[1].shape[:2],
                (sizes[0], sizes[1]),
                (first[0], first[1]),
                after[1].shape[:2],
                before[1],
                after[1],
                before[2],
                after[2],
                (bool(periodic[0]), bool(periodic[1])),
            )
        )
    return plan


def _blocks(
    cells: NDArray[np.bool_],
    positions_cm: NDArray[np.float32],
    offset: Sequence[int],
    log_sizes: Sequence[int],
    periodic: Sequence[bool],
) -> tuple[list[int], NDArray[np.bool_], NDArray[np.float32]]:
    """Returns the indices of the first block, which blocks exist and their centres."""
    sizes = [2**number for number in log_sizes]
    first = [begin // size for begin, size in zip(offset, sizes, strict=True)]
    margins = []
    for begin, size, start, number in zip(
        offset, sizes, first, cells.shape[:2], strict=True
    ):
        before = begin - start * size
        margins.append((before, -(before + number) % size))
    padded = np.pad(cells, [*margins, (0, 0)])
    places = positions_cm.astype(np.float64)
    for axis, margin in enumerate(margins):
        margins_of_axis = [(0, 0)] * 3
        margins_of_axis[axis] = margin
        if periodic[axis]:
            # Outside there is nothing: the circle is closed.
            places = np.pad(places, margins_of_axis, mode="edge")
        else:
            # A block at the edge has the centre of a whole one: the grid goes on.
            places = np.pad(places, margins_of_axis, mode="reflect", reflect_type="odd")
    rows, columns = (n // s for n, s in zip(padded.shape[:2], sizes, strict=True))
    halves = (rows, sizes[0], columns, sizes[1])
    exists: NDArray[np.bool_] = np.any(padded.reshape(*halves, -1), axis=(1, 3))
    centres = places.reshape(*halves, 2).mean(axis=(1, 3)).astype(np.float32)
    return first, exists, centres
