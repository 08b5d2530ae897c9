"""Places of blocks in a shower, and how a smooth shower would be divided there."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from models.likelihood.block_layout import BlockLayout, Halves
from models.likelihood.shower_moments import Moments
from models.likelihood.split_tree import Split

Tensor = Any

_SHAPES = 2
_SHARPEST_CM2 = 0.02
_LEAST = 1e-7
_LARGEST_LOGIT = 8.0
_SHRINK = 0.25


class BlockPlaces:
    """What the levels of a cascade know of the places of their blocks.

    Args:
        cells: The cells that exist, bool [row, column, layer].
        positions_cm: Their centres (x, y), float32 [row, column, 2].
        plan: The levels.
        pitch_cm: The distance of neighbouring cells.
    """

    def __init__(
        self,
        cells: NDArray[np.bool_],
        positions_cm: NDArray[np.float32],
        plan: Sequence[Split],
        pitch_cm: float,
    ) -> None:
        self._some = cells.any(axis=2).astype(np.float32)
        self._positions_cm = positions_cm
        self._plan = plan
        self._pitch_cm = pitch_cm
        self._layouts = []
        for level in plan:
            shapes = np.ones((*level.blocks, _SHAPES), bool)
            self._layouts.append(
                BlockLayout(dataclasses.replace(level, exists=shapes), 1)
            )

    def __call__(self, wanted: Moments) -> list[Tensor]:
        """Returns maps for every level, [batch, row, column, channels].

        Args:
            wanted: The moments that the shower shall have.
        """
        return [
            ops.concatenate([self._displacements(level, wanted), logits], axis=-1)
            for level, logits in zip(self._plan, self._expected(wanted), strict=True)
        ]

    def _displacements(self, level: Split, wanted: Moments) -> Tensor:
        """Returns where blocks are relative to the centre of the shower."""
        seen = level.centres_cm - wanted.centre_cm[:, None, None]
        pitch = self._pitch_cm
        steps = [np.diff(level.child_centres_cm, axis=a) for a in (0, 1)]
        step = max(float(np.abs(one).max(initial=pitch)) for one in steps)
        squared = ops.sum(ops.square(seen), axis=-1, keepdims=True)
        radius = ops.sqrt(squared + 0.1 * pitch**2)
        direction = wanted.axis.direction[:, None, None]
        along = ops.sum(seen * direction, axis=-1, keepdims=True)
        return ops.concatenate(
            [
                seen / (radius + 1.5 * pitch),
                ops.log(radius / pitch),
                along / (2.5 * pitch),
                ops.tanh(seen / pitch),
                ops.tanh(seen * (3.0 / pitch)),
                ops.clip(seen / step, -3.0, 3.0),
            ],
            axis=-1,
        )

    def _expected(self, wanted: Moments) -> list[Tensor]:
        """Returns how smooth showers with these moments would be divided.

        The density of the first falls with exp(-sqrt(2) d), d the distance from the
        centre along and across in units of the widths; that of the second is its
        square, a narrower one.

        Returns:
            For every level the logarithms of the ratios, a quarter of them and at most
            2, [batch, row, column, divisions * shapes].
        """
        away = self._positions_cm - wanted.centre_cm[:, None, None]
        cosine, sine = (one[:, :, None] for one in wanted.axis.angle())
        x, y = away[..., 0], away[..., 1]
        inverse = 1.0 / (wanted.squared_cm2 + _SHARPEST_CM2 * self._pitch_cm**2)
        along, across = (inverse[:, number, None, None] for number in (0, 1))
        distance = along * (cosine * x + sine * y) ** 2
        distance = distance + across * (cosine * y - sine * x) ** 2
        wide = ops.exp(-ops.sqrt(2.0 * distance + 0.1)) * self._some
        image = ops.stack([wide, ops.square(wide)], axis=-1)
        found = []
        for layout in reversed(self._layouts):
            found.append(_logits(layout.halves(image)))
            image = layout.sums(image)
        return found[::-1]


def _logits(halves: Halves) -> Tensor:
    sides = [ops.concatenate(side, axis=-1) for side in zip(*halves, strict=True)]
    first, second = (ops.log(side + _LEAST) for side in sides)
    return _SHRINK * ops.clip(first - second, -_LARGEST_LOGIT, _LARGEST_LOGIT)
