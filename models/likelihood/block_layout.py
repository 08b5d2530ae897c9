"""How the blocks of a level lie in an image: their children, halves and turns."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops

from models.likelihood.split_tree import Split

Tensor = Any
Halves = list[tuple[Any, Any]]


def children_of(halves: Halves) -> list[Any]:
    """Returns the children among the halves of blocks: the parts divided last."""
    return [part for pair in halves[1:] or halves for part in pair]


class BlockLayout:
    """The layout of one level; its methods take arrays as well as tensors.

    Args:
        plan: The level.
        turns: 1, or 4 for blocks of even and odd rows and columns one after the other.

    Attributes:
        turns: How many there are; fewer than 4 in a single row or column.
        lattice: Rows and columns of the blocks of a turn.
        divisions: How many divisions a block needs.
        count: How many blocks an event has.
    """

    def __init__(self, plan: Split, turns: int) -> None:
        self.plan = plan
        self.layers = int(plan.exists.shape[2])
        self.divisions = 3 if all(plan.halved) else 1
        self.count = math.prod(plan.blocks)
        r, c = (2 if turns == 4 and size > 1 else 1 for size in plan.blocks)
        order = ((0, 0), (1, 1), (0, 1), (1, 0))
        places = [(i, j) for i, j in order if i < r and j < c]
        self.turns = len(places)
        self.lattice = -(-plan.blocks[0] // r), -(-plan.blocks[1] // c)
        row, column = np.mgrid[: plan.blocks[0], : plan.blocks[1]].reshape(2, -1)
        own = [places.index(place) for place in zip(row % r, column % c, strict=True)]
        self._turn_of = np.array(own, np.int32)
        inside = row // r * self.lattice[1] + column // c
        self._inside_turn = inside.astype(np.int32)

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
        # Slices are several times faster than sums over two short axes.
        first, second = self.halves(children)[0]
        return first + second

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

    def rows_of_turns(self, blocks: Tensor) -> list[Tensor]:
        """Deals blocks out to turns.

        Args:
            blocks: Numbers of blocks of a batch, event after event and row after row,
                int32 [blocks].

        Returns:
            Of every turn the numbers of its blocks, int32 [some].
        """
        if self.turns == 1:
            return [blocks]
        turn = ops.take(self._turn_of, self.number_in_event(blocks))
        return [
            ops.take(blocks, ops.nonzero(ops.equal(turn, number))[0])
            for number in range(self.turns)
        ]

    def number_in_event(self, blocks: Tensor) -> Tensor:
        """Returns the numbers of blocks in their event, int32 [blocks]."""
        return ops.mod(blocks, self.count)

    def number_in_turn(self, blocks: Tensor) -> Tensor:
        """Returns the numbers of blocks of a batch among those of their turn."""
        event = ops.floor_divide(blocks, self.count)
        rows, columns = self.lattice
        inside = ops.take(self._inside_turn, self.number_in_event(blocks))
        return event * (rows * columns) + inside

    def image(self, children: Tensor) -> Tensor:
        """Returns all children as one image, [batch, rows, columns, layers].

        Args:
            children: Of every block its children, one after the other,
                [batch * row * column, children * layers].
        """
        r, c = self._factors()
        x = ops.reshape(children, (-1, *self.plan.blocks, r, c, self.layers))
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
        full = [n * f for n, f in zip(self.plan.blocks, (r, c), strict=True)]
        x = ops.reshape(x, (-1, *full, self.layers))
        (top, _), (left, _) = self._margins()
        rows_kept, columns_kept = self.plan.children
        return x[:, top : top + rows_kept, left : left + columns_kept]


def _padded(x: Any, margins: Sequence[tuple[int, int]]) -> Any:
    """Adds empty rows and columns, the second and third axis."""
    if not any(map(any, margins)):
        return x
    pad = np.pad if isinstance(x, np.ndarray) else ops.pad
    return pad(x, [(0, 0), *margins, *[(0, 0)] * (len(x.shape) - 3)])
