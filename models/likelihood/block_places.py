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
        self._some = cells.any(axis=2).astype(np.float32).ravel()
        self._positions_cm = positions_cm
        self._plan = plan
        self._pitch_cm = pitch_cm
        self._layouts = [
            BlockLayout(
                dataclasses.replace(level, exists=np.ones((*level.blocks, 1), bool)), 1
            )
            for level in plan
        ]

    def __call__(self, wanted: Moments) -> list[Tensor]:
        """Returns maps for every level, [batch, channel, row * column].

        Args:
            wanted: The moments that the shower shall have.
        """
        return [
            ops.stack([*self._displacements(level, wanted), *logits], axis=1)
            for level, logits in zip(self._plan, self._expected(wanted), strict=True)
        ]

    def _displacements(self, level: Split, wanted: Moments) -> list[Tensor]:
        """Returns where blocks are relative to the centre, each [batch, block]."""
        x, y = _away(level.centres_cm, wanted.centre_cm)
        pitch = self._pitch_cm
        steps = [np.diff(level.child_centres_cm, axis=a) for a in (0, 1)]
        step = max(float(np.abs(one).max(initial=pitch)) for one in steps)
        radius = ops.sqrt(x * x + y * y + 0.1 * pitch**2)
        direction = wanted.axis.direction
        along = x * direction[:, :1] + y * direction[:, 1:]
        nearer = 1.0 / (radius + 1.5 * pitch)
        return [
            x * nearer, y * nearer, ops.log(radius * (1.0 / pitch)),
            along * (1.0 / (2.5 * pitch)),
            *[ops.tanh(one * (1.0 / pitch)) for one in (x, y)],
            *[ops.tanh(one * (3.0 / pitch)) for one in (x, y)],
            *[ops.clip(one * (1.0 / step), -3.0, 3.0) for one in (x, y)],
        ]  # fmt: skip

    def _expected(self, wanted: Moments) -> list[list[Tensor]]:
        """Returns how smooth showers with these moments would be divided.

        The density of the first falls with exp(-sqrt(2) d), d the distance from the
        centre along and across in units of the widths; that of the second is its
        square, a narrower one.

        Returns:
            For every level the logarithms of the ratios, a quarter of them and at most
            2, those of both shapes for every division, each [batch, block].
        """
        x, y = _away(self._positions_cm, wanted.centre_cm)
        cosine, sine = wanted.axis.angle()
        inverse = 2.0 / (wanted.squared_cm2 + _SHARPEST_CM2 * self._pitch_cm**2)
        distance = (cosine * x + sine * y) ** 2 * inverse[:, :1]
        distance = distance + (cosine * y - sine * x) ** 2 * inverse[:, 1:]
        wide = ops.exp(-ops.sqrt(distance + 0.1)) * self._some
        image = ops.concatenate([wide, ops.square(wide)], axis=0)
        image = ops.reshape(image, (-1, *self._positions_cm.shape[:2], 1))
        found = []
        for layout in reversed(self._layouts):
            found.append(_logits(layout.halves(image), layout.count))
            image = layout.sums(image)
        return found[::-1]


def _away(positions_cm: NDArray[np.float32], centre_cm: Tensor) -> list[Tensor]:
    """Returns displacements in x and in y from the centre, each [batch, place]."""
    return [positions_cm[..., i].ravel() - centre_cm[:, i : i + 1] for i in (0, 1)]


def _logits(halves: Halves, count: int) -> list[Tensor]:
    found = []
    for first, second in halves:
        ratio = ops.log((first + _LEAST) / (second + _LEAST))
        ratio = _SHRINK * ops.clip(ratio, -_LARGEST_LOGIT, _LARGEST_LOGIT)
        of_shapes = ops.reshape(ratio, (_SHAPES, -1, count))
        found += [of_shapes[number] for number in range(_SHAPES)]
    return found
