"""How the blocks of a level lie in an image: their children, halves and turns."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops

from models.likelihood.split_tree import Split

Tensor = Any
Halves = list[tuple[Any, Any]]
Place = tuple[int, int]


def children_of(halves: Halves) -> list[Any]:
    """Returns the children among the halves of blocks: the parts divided last."""
    return [part for pair in halves[1:] or halves for part in pair]


class BlockLayout:
    """The layout of one level; its methods take arrays as well as tensors.

    Args:
        plan: The level.
        turns: 1, or 4 for blocks of even and odd rows and columns one after the other.

    Attributes:
        places: The first row and column of the blocks of every turn.
        divisions: How many divisions a block needs.
    """

    def __init__(self, plan: Split, turns: int) -> None:
        self.plan = plan
        self.layers = int(plan.exists.shape[2])
        self.divisions = 3 if all(plan.halved) else 1
        r, c = (2 if turns == 4 and size > 1 else 1 for size in plan.blocks)
        self._strides = r, c
        order = ((0, 0), (1, 1), (0, 1), (1, 0))
        self.places: list[Place] = [(i, j) for i, j in order if i < r and j < c]

    def _factors(self) -> tuple[int, int]:
        rows, columns = (2 if halved else 1 for halved in self.plan.halved)
        return rows, columns

    def _margins(self) -> list[tuple[int, int]]:
        """Returns the children before and after those that are kept, along axes."""
        plan = self.plan
        return [
            (before, factor * blocks - before - kept)
            for before, factor, blocks, kept in zip(
                plan.first, self._factors(), plan.blocks, plan.children, strict=True
            )
        ]

    def _beside(self, children: Any) -> Any:
        """Puts the children of a block beside each other.

        Args:
            children: [batch, rows, columns, layers].

        Returns:
            [batch, row, row of children, column, column of children, layer].
        """
        rows, columns = self.plan.blocks
        r, c = self._factors()
        padded = _padded(children, self._margins())
        shape = (-1, rows, r, columns, c, self.layers)
        if isinstance(padded, np.ndarray):
            return padded.reshape(shape)
        return ops.reshape(padded, shape)

    def sums(self, children: Tensor) -> Tensor:
        """Adds children up to blocks, [batch, row, column, layer]."""
        return ops.sum(self._beside(children), axis=(2, 4))

    def halves(self, children: Any) -> Halves:
        """Returns the two parts of every division.

        Args:
            children: [batch, rows, columns, layers].

        Returns:
            Pairs of [batch, row, column, layer]: of a block that is halved along both
            axes its rows, the columns of its first and those of its second row.
        """
        beside = self._beside(children)
        r, c = self._factors()
        parts = [[beside[:, :, i, :, j] for j in range(c)] for i in range(r)]
        if r == 1:
            return [(parts[0][0], parts[0][1])]
        if c == 1:
            return [(parts[0][0], parts[1][0])]
        rows = [one + other for one, other in parts]
        return [(rows[0], rows[1]), *[(one, other) for one, other in parts]]

    def of_turn(self, x: Any, place: Place) -> Any:
        """Picks the blocks of a turn, [batch, row, column, ...].

        There are as many of every turn: empty ones are added at the end.
        """
        margins = [
            (0, -size % stride)
            for size, stride in zip(self.plan.blocks, self._strides, strict=True)
        ]
        if len(self.places) == 1:
            return x
        x = _padded(x, margins)
        return x[:, place[0] :: self._strides[0], place[1] :: self._strides[1]]

    def halves_of_turn(self, halves: Halves, place: Place) -> Halves:
        """Picks the halves of the blocks of a turn."""
        return [
            (self.of_turn(first, place), self.of_turn(second, place))
            for first, second in halves
        ]

    def image(self, turns: Sequence[Halves]) -> Tensor:
        """Returns all children as one image, [batch, rows, columns, layers].

        Args:
            turns: The halves of the blocks of every turn.
        """
        of_turns = [children_of(halves) for halves in turns]
        leaves = [self._merged(parts) for parts in zip(*of_turns, strict=True)]
        r, c = self._factors()
        rows = [ops.stack(leaves[i * c : i * c + c], axis=3) for i in range(r)]
        x = ops.stack(rows, axis=2)
        full = [n * f for n, f in zip(self.plan.blocks, (r, c), strict=True)]
        x = ops.reshape(x, (-1, *full, self.layers))
        (top, _), (left, _) = self._margins()
        rows_kept, columns_kept = self.plan.children
        return x[:, top : top + rows_kept, left : left + columns_kept]

    def _merged(self, parts: Sequence[Tensor]) -> Tensor:
        """Puts the blocks of all turns in their places."""
        if len(parts) == 1:
            return parts[0]
        found = dict(zip(self.places, parts, strict=True))
        r, c = self._strides
        x = ops.stack([found[i, j] for i in range(r) for j in range(c)], axis=1)
        rows, columns = x.shape[2:4]
        x = ops.reshape(x, (-1, r, c, rows, columns, self.layers))
        x = ops.transpose(x, (0, 3, 1, 4, 2, 5))
        x = ops.reshape(x, (-1, rows * r, columns * c, self.layers))
        return x[:, : self.plan.blocks[0], : self.plan.blocks[1]]


def _padded(x: Any, margins: Sequence[tuple[int, int]]) -> Any:
    """Adds empty rows and columns, the second and third axis."""
    if not any(map(any, margins)):
        return x
    pad = np.pad if isinstance(x, np.ndarray) else ops.pad
    return pad(x, [(0, 0), *margins, *[(0, 0)] * (len(x.shape) - 3)])
