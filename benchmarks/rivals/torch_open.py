"""What moments ask of divisions, see `models.likelihood.open_divisions`, in PyTorch."""

import math
from collections.abc import Callable
from typing import Any

import torch

Tensor = Any
Pick = Callable[[Tensor], Tensor]

_EDGE, _LEAST = 0.02, 1e-6


def _half_step(centres_cm: Tensor, axis: int) -> Tensor:
    if centres_cm.shape[axis] < 2:
        return torch.zeros(2)
    return 0.5 * torch.diff(centres_cm, dim=axis).mean((0, 1))


def _moved(part: Tensor, second: Tensor) -> Tensor:
    return part * (2.0 * second - 1.0)


def _freedom(second: Tensor) -> Tensor:
    return 16.0 * (second * (1.0 - second)).square()


def _expected(part: Tensor, squares: Tensor, second: Tensor) -> list[Tensor]:
    row = second[..., 0]
    found = [_moved(part, row), 0.0 * part, squares * _freedom(row), 0.0 * part]
    if second.shape[-1] > 1:
        for half, one in ((1.0 - row, second[..., 1]), (row, second[..., 2])):
            found[1] = found[1] + _moved(part * half, one)
            found[3] = found[3] + squares * half.square() * _freedom(one)
    return found


class TorchDivisionState:
    """The same as `open_divisions.DivisionState`, for all blocks of a turn at once.

    Args:
        level: Its tree's level: "halved", centres and step.
        energy: Of the blocks, [batch, row, column, layer].
        lacking: What centroid and widths lack [cm, cm^2], [batch, 4].
        centre_cm: The wanted centroid, [batch, 2].
        angle: Cosine and sine of the axis, each [batch, 1].
        ratios: Expected logarithms of ratios, [batch, row, column, divisions].
    """

    def __init__(
        self, level: Any, energy: Tensor, lacking: Tensor, centre_cm: Tensor,
        angle: tuple[Tensor, Tensor], ratios: Tensor,
    ) -> None:  # fmt: skip
        row, column = (_half_step(level.child_centres_cm, axis) for axis in (0, 1))
        zero = torch.zeros(2)
        self._halvings = (
            [(zero, row, 0), (-row, column, 1), (row, column, 1)]
            if all(level.plan["halved"])
            else [(zero, row if level.plan["halved"][0] else column, 0)]
        )
        self._step = torch.where(level.step_cm > 0.0, level.step_cm, math.inf)
        self._total = energy.sum((1, 2, 3))[:, None, None] + 1e-9
        self._all_second = torch.sigmoid(-ratios).clamp(_EDGE, 1.0 - _EDGE)
        parts = energy / self._total[..., None]
        sums = _expected(parts.sum(-1), parts.square().sum(-1), self._all_second)
        self._state = torch.cat(
            [lacking, *(one.sum((1, 2))[:, None] for one in sums)], 1
        )
        self._all_away = level.centres_cm - centre_cm[:, None, None]
        self._cosine, self._sine = (one[:, :, None] for one in angle)

    def turn(self, pick: Pick) -> None:
        """Looks at the blocks of a turn, which a function picks."""
        self._second, self._away = pick(self._all_second), pick(self._all_away)

    def asked(self, division: int, energy: Tensor) -> Tensor:
        """See `open_divisions.DivisionState.asked`, [batch, row, column, numbers]."""
        _, half, axis = self._halvings[division]
        squared = float(half.square().sum()) or math.inf
        along = (self._state[:, :2] @ (half / squared))[:, None, None, None]
        moves, sums = (
            self._state[:, n + axis][:, None, None, None] for n in (4, 6)
        )  # fmt: skip
        part = energy / self._total[..., None]
        expected = self._second[..., division, None]
        freedom, sums = _freedom(expected), sums + _LEAST
        second = expected + 0.5 * (along - moves) * part * freedom / sums
        second = second.clamp(_EDGE, 1.0 - _EDGE)
        ratio = 0.25 * (torch.log(1.0 - second) - torch.log(second))
        share = (part.square() * freedom / sums).clamp(max=1.0)
        lack = torch.cat(
            [
                self._state[:, :2] / self._step,
                self._state[:, 2:4] / self._step.min().square(),
            ],
            1,
        )
        lack = (4.0 * lack).clamp(-4.0, 4.0)
        lack = torch.cat([lack, torch.tanh(4.0 * lack)], 1)[:, None, None]
        lack = lack.expand(-1, *energy.shape[1:3], -1)
        return torch.cat([ratio, share, ratio * share, lack], -1)

    def made(self, division: int, first: Tensor, second: Tensor) -> None:
        """See `open_divisions.DivisionState.made`."""
        base, half, axis = self._halvings[division]
        first, second = (one / self._total[..., None] for one in (first, second))
        difference, part = (second - first).sum(-1), (second + first).sum(-1)
        cosine, sine = self._cosine, self._sine
        away = self._away + base
        changes = [-difference * half[0], -difference * half[1]]
        for turned in (
            lambda x, y: cosine * x + sine * y, lambda x, y: cosine * y - sine * x,
        ):  # fmt: skip
            place, step = turned(away[..., 0], away[..., 1]), turned(*half)
            changes.append(2.0 * difference * place * step + part * step * step)
        squares = (first + second).square().sum(-1)
        if axis:
            expected = self._second[..., division]
            none = torch.zeros_like(part)
            past = [none, _moved(part, expected), none, squares * _freedom(expected)]
            now = [none] * 4
        else:
            past = _expected(part, squares, self._second)
            now = [torch.zeros_like(part)] * 4
            if self._second.shape[-1] > 1:
                for one, number in ((first, 1), (second, 2)):
                    expected = self._second[..., number]
                    now[1] = now[1] + _moved(one.sum(-1), expected)
                    now[3] = now[3] + one.square().sum(-1) * _freedom(expected)
        changes += [b - a for a, b in zip(past, now, strict=True)]
        change = torch.stack([one.sum((1, 2)) for one in changes], 1)
        self._state = self._state + change
