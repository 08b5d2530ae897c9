"""What the moments of a shower ask of the divisions that are still to be made."""

import dataclasses
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from models.likelihood import shower_moments
from models.likelihood.shower_moments import Moments
from models.likelihood.split_tree import Split

Tensor = Any

_FARTHEST = 4.0
_SHRINK = 0.25
_EDGE = 0.02
_LEAST = 1e-6
_SHIFT, _EXCESS, _MOVES, _FREEDOM = slice(0, 2), slice(2, 4), 4, 6


@dataclasses.dataclass(frozen=True)
class _Halving:
    """A division of a block: where its two parts are.

    Attributes:
        base_cm: The middle of what is divided, relative to the block, [2].
        half_cm: From there to the second part; the first lies opposite, [2].
        axis: 0 for the first axis along which a block is divided, 1 for the second.
    """

    base_cm: NDArray[np.float32]
    half_cm: NDArray[np.float32]
    axis: int


def _half_step(centres_cm: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    if centres_cm.shape[axis] < 2:
        return np.zeros(2, np.float32)
    mean: NDArray[np.float32] = 0.5 * np.diff(centres_cm, axis=axis).mean(axis=(0, 1))
    return mean.astype(np.float32)


class OpenDivisions:
    """Follows the centroid and the widths of showers while a level is divided.

    A division of the energy p E of a shower with halves at -h and h, of which the
    second is expected to get s, moves the centroid by (2 s - 1) h p. What the divisions
    that are still to be made along an axis are expected to move is not missing. If
    their logits had one spread, the rest M would be shared among them like the squares
    of v = p s (1 - s), and a second half would get

        s + M p s^2 (1 - s)^2 / (2 h sum v^2),

    the sum over all of them. The last one has to do exactly that.

    Args:
        plan: The level.
    """

    def __init__(self, plan: Split) -> None:
        self.plan = plan
        steps = [_half_step(plan.child_centres_cm, axis) for axis in (0, 1)]
        zero = np.zeros(2, np.float32)
        if all(plan.halved):
            row, column = steps
            self._halvings = [
                _Halving(zero, row, 0),
                _Halving(-row, column, 1),
                _Halving(row, column, 1),
            ]
        else:
            self._halvings = [_Halving(zero, steps[0 if plan.halved[0] else 1], 0)]
        step = plan.step_cm
        self._step_cm = np.where(step > 0.0, step, np.inf).astype(np.float32)

    def follow(
        self, energy: Tensor, wanted: Moments, ratios: Tensor
    ) -> "DivisionState":
        """Begins with blocks none of which is divided.

        Args:
            energy: Of the blocks [spec.unit], [batch, row, column, layer].
            wanted: The moments that the showers shall have.
            ratios: Expected logarithms of the ratios of first to second parts,
                [batch, row, column, divisions].
        """
        plan = self.plan
        image = ops.sum(energy, axis=-1)
        total = ops.sum(image, axis=(1, 2)) + 1e-9
        shift = wanted.centre_cm - shower_moments.centroid(image, plan.centres_cm)
        squared = shower_moments.widths(
            image, plan.centres_cm, wanted.centre_cm, wanted.axis
        )
        second = ops.clip(ops.sigmoid(-ratios), _EDGE, 1.0 - _EDGE)
        squares = ops.sum(ops.square(energy), axis=-1) / ops.square(
            total[:, None, None]
        )
        part = image / total[:, None, None]
        expected = _expected(part, squares, second)
        sums = [ops.sum(one, axis=(1, 2))[:, None] for one in expected]
        constants = [total[:, None], wanted.centre_cm, *wanted.axis.angle()]
        return DivisionState(
            self._halvings,
            self._step_cm,
            plan.centres_cm.reshape(-1, 2),
            ops.concatenate([shift, squared - wanted.squared_cm2, *sums], axis=1),
            ops.concatenate(constants, axis=1),
            ops.reshape(second, (-1, second.shape[-1])),
        )


def _moved(part: Tensor, second: Tensor) -> Tensor:
    """Returns how far a division is expected to move the centroid, in units of h."""
    return part * (2.0 * second - 1.0)


def _freedom(second: Tensor) -> Tensor:
    """Returns how much a fraction changes with its logit, squared, at most 1."""
    return 16.0 * ops.square(second * (1.0 - second))


def _expected(part: Tensor, squares: Tensor, second: Tensor) -> list[Tensor]:
    """Returns what a block's divisions are expected to do before the first is made.

    Args:
        part: Of the energy of the shower, [...].
        squares: Of the parts of its layers, their sum, [...].
        second: Expected fractions of the second parts, [..., divisions].

    Returns:
        Expected moves along both axes and sums of v^2 along both, each [...].
    """
    row = second[..., 0]
    moves, freedom = _moved(part, row), squares * _freedom(row)
    if second.shape[-1] == 1:
        return [moves, ops.zeros_like(part), freedom, ops.zeros_like(part)]
    halves = [1.0 - row, row]
    columns = [second[..., 1], second[..., 2]]
    later = [_moved(part * h, c) for h, c in zip(halves, columns, strict=True)]
    free = [h**2 * _freedom(c) for h, c in zip(halves, columns, strict=True)]
    return [moves, later[0] + later[1], freedom, squares * (free[0] + free[1])]


class DivisionState:
    """Showers whose blocks are divided one after the other, see `OpenDivisions`.

    Args:
        halvings: The divisions of a block.
        step_cm: See `Moments.missing`; infinite where nothing is divided.
        centres_cm: Of the blocks of an event, [blocks of an event, 2].
        state: What centroid and widths lack, expected moves and freedom along both
            axes, [batch, 8].
        constants: Energy, wanted centre and angle of the axis, [batch, 5].
        second: Expected fractions of the second parts, [blocks, divisions].
    """

    def __init__(
        self,
        halvings: list[_Halving],
        step_cm: NDArray[np.float32],
        centres_cm: NDArray[np.float32],
        state: Tensor,
        constants: Tensor,
        second: Tensor,
    ) -> None:
        self._halvings = halvings
        self._step_cm = step_cm
        self._centres_cm = centres_cm
        self._state = state
        self._constants = constants
        self._expected = second

    def turn(self, blocks: Tensor) -> None:
        """Looks at some blocks.

        Args:
            blocks: Their numbers among all blocks of the batch, int32 [blocks].
        """
        count = len(self._centres_cm)
        self._events = ops.floor_divide(blocks, count)
        constants = ops.take(self._constants, self._events, axis=0)
        self._energy = constants[:, :1]
        places = ops.take(self._centres_cm, ops.mod(blocks, count), axis=0)
        self._away = places - constants[:, 1:3]
        self._angle = constants[:, 3:4], constants[:, 4:]
        self._second = ops.take(self._expected, blocks, axis=0)

    def asked(self, division: int, energy: Tensor) -> Tensor:
        """Returns what is asked of a division, and what all of them lack.

        Args:
            division: Its number.
            energy: What is divided [spec.unit], [blocks, layer].

        Returns:
            A quarter of the logarithm of the ratio that the first part would have to
            the second, the part of the sum of v^2, and their product, of every layer;
            and what centroid and widths lack, see `Moments.missing`, twice:
            [blocks, 3 * layers + 8].
        """
        halving = self._halvings[division]
        state = ops.take(self._state, self._events, axis=0)
        squared = float(np.sum(np.square(halving.half_cm))) or np.inf
        along = ops.matmul(state[:, _SHIFT], halving.half_cm[:, None] / squared)
        moves, sums = (
            state[:, first + halving.axis, None] for first in (_MOVES, _FREEDOM)
        )
        part = energy / self._energy
        expected = self._second[:, division, None]
        freedom = _freedom(expected)
        sums = sums + _LEAST
        second = expected + 0.5 * (along - moves) * part * freedom / sums
        second = ops.clip(second, _EDGE, 1.0 - _EDGE)
        ratio = _SHRINK * (ops.log(1.0 - second) - ops.log(second))
        share = ops.minimum(ops.square(part) * freedom / sums, 1.0)
        lack = ops.concatenate(
            [
                state[:, _SHIFT] / self._step_cm,
                state[:, _EXCESS] / np.square(np.min(self._step_cm)),
            ],
            axis=1,
        )
        lack = ops.clip(4.0 * lack, -_FARTHEST, _FARTHEST)
        return ops.concatenate(
            [ratio, share, ratio * share, lack, ops.tanh(4.0 * lack)], axis=1
        )

    def made(self, division: int, first: Tensor, second: Tensor) -> None:
        """Takes note of a division that was made.

        Args:
            division: Its number.
            first: The first parts [spec.unit], [blocks, layer].
            second: The second ones.
        """
        halving = self._halvings[division]
        first, second = first / self._energy, second / self._energy
        difference, both = (
            ops.sum(one, axis=1, keepdims=True)
            for one in (second - first, second + first)
        )
        x, y = halving.half_cm
        cosine, sine = self._angle
        away = self._away + halving.base_cm
        changes = [-difference * halving.half_cm]
        for half, place in (
            (cosine * x + sine * y, cosine * away[:, :1] + sine * away[:, 1:]),
            (cosine * y - sine * x, cosine * away[:, 1:] - sine * away[:, :1]),
        ):
            changes.append(2.0 * difference * place * half + both * half * half)
        squares, of_first, of_second = (
            ops.sum(ops.square(one), axis=1) for one in (first + second, first, second)
        )
        part = both[:, 0]
        if halving.axis:
            expected = self._second[:, division]
            none = ops.zeros_like(part)
            past = [none, _moved(part, expected), none, squares * _freedom(expected)]
            now = [none] * 4
        else:
            past = _expected(part, squares, self._second)
            now = [ops.zeros_like(part)] * 4
            if self._second.shape[-1] > 1:
                for energy, square, number in (
                    (first, of_first, 1), (second, of_second, 2)
                ):  # fmt: skip
                    expected = self._second[:, number]
                    now[1] = now[1] + _moved(ops.sum(energy, axis=1), expected)
                    now[3] = now[3] + square * _freedom(expected)
        changes += [(b - a)[:, None] for a, b in zip(past, now, strict=True)]
        change = ops.concatenate(changes, axis=1)
        self._state = self._state + ops.scatter(
            self._events[:, None], change, ops.shape(self._state)
        )
