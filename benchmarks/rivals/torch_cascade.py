"""A PyTorch copy of the draw of `models.likelihood.energy_cascade.EnergyCascade`.

Names and formulas are those of `models.likelihood`. Images are tensors [batch, row,
column, channel], as in TensorFlow, which PyTorch's convolutions see as channels-last.

    cascade = TorchCascade(config, weights)
    showers = cascade(condition, noise)     # [batch, row, column, layer]
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from benchmarks.rivals.torch_level import (
    TorchLevel,
    allowed_outcomes,
    chance_of,
    dense,
    draw_split,
    encode,
    leaky,
)

Tensor = Any
Weights = Mapping[str, Tensor]

_COMPONENTS = 5
_FEWEST_CM2 = 1e-4


class _Mixture:
    """The draw of `AutoregressiveMixture`."""

    def __init__(self, weights: Weights, name: str) -> None:
        self.location, self.width = (
            weights[f"{name}/{n}"] for n in ("location", "width")
        )
        self.kernels, self.biases = (
            [weights[f"{name}/{kind}/{number}"] for number in range(3)]
            for kind in ("kernels", "biases")
        )
        self.numbers = len(self.location)

    def __call__(self, features: Tensor, noise: Tensor) -> Tensor:
        chance = chance_of(noise[:, self.numbers :])
        x = features.clamp(-2.0, 2.0)
        for number in range(self.numbers):
            y = x @ self.kernels[0][number, : x.shape[1]] + self.biases[0][number]
            y = leaky(y) @ self.kernels[1][number] + self.biases[1][number]
            y = leaky(y) @ self.kernels[2][number] + self.biases[2][number]
            logits, mean, log_width = y.chunk(3, -1)
            edges = torch.softmax(logits, -1).cumsum(1)[:, :-1]
            chosen = (chance[:, number, None] >= edges).sum(1, keepdim=True)
            width = torch.exp((log_width - 0.5).clamp(-5.0, 2.0).gather(1, chosen))
            value = mean.gather(1, chosen) + width * noise[:, number, None]
            x = torch.cat([x, value], 1)
        return x[:, features.shape[1] :] * self.width + self.location


@dataclasses.dataclass(frozen=True)
class _TorchAxis:
    """Where showers are expected, see `shower_axis.Axis`."""

    features: Tensor
    energy_gev: Tensor
    core_cm: Tensor
    direction: Tensor

    def angle(self) -> tuple[Tensor, Tensor]:
        size = self.direction.square().sum(1, keepdim=True).sqrt()
        inclined = size > 1e-6
        unit = self.direction / torch.where(inclined, size, 1.0)
        return (
            torch.where(inclined, unit[:, :1], 1.0),
            torch.where(inclined, unit[:, 1:], 0.0),
        )

    def turned(self, shift: Tensor) -> Tensor:
        (cosine, sine), (x, y) = self.angle(), shift.split(1, 1)
        return torch.cat([cosine * x + sine * y, cosine * y - sine * x], 1)

    def turned_back(self, shift: Tensor) -> Tensor:
        (cosine, sine), (x, y) = self.angle(), shift.split(1, 1)
        return torch.cat([cosine * x - sine * y, sine * x + cosine * y], 1)


def _axis(config: Mapping[str, Any], condition: Tensor) -> _TorchAxis:
    low, high = config["limits_gev"]
    parts = condition[:, config["energy"]]
    energy = parts.square().sum(1).sqrt().clamp(min=1e-3 * low)
    middle, half = 0.5 * math.log(low * high), 0.5 * math.log(high / low) or 1.0
    features = [(torch.log(energy) - middle) / half]
    rest = [i for i in range(condition.shape[1]) if i not in config["energy"]]
    for i, offset, scale in zip(rest, config["offset"], config["scale"], strict=True):
        features.append((condition[:, i] - offset) / scale)
    direction = torch.zeros_like(parts[:, :1]).expand(-1, 2)
    core = condition[:, config["impact"]] if config["impact"] else direction
    if len(config["energy"]) == 3:
        direction = parts[:, :2] / energy[:, None]
        depth = config["depth_cm"][0] + config["depth_cm"][1] * torch.log(energy)
        core = core + depth.clamp(min=0.0)[:, None] * direction
        features += [*(2.0 * direction).unbind(1)]
    stacked = torch.stack(features, 1).clamp(-2.0, 2.0)
    return _TorchAxis(stacked, energy, core, direction)


def _centroid(image: Tensor, positions_cm: Tensor) -> Tensor:
    total = image.sum((1, 2))[:, None] + 1e-9
    return (image[..., None] * positions_cm).sum((1, 2)) / total


def _widths(
    image: Tensor, positions_cm: Tensor, centre_cm: Tensor, axis: _TorchAxis
) -> Tensor:
    weight = image / (image.sum((1, 2)) + 1e-9)[:, None, None]
    x, y = (positions_cm - centre_cm[:, None, None]).unbind(-1)
    xx, yy, xy = ((weight * one).sum((1, 2)) for one in (x * x, y * y, x * y))
    cosine, sine = (one[:, 0] for one in axis.angle())
    mixed = 2.0 * cosine * sine * xy
    along = cosine**2 * xx + sine**2 * yy + mixed
    across = sine**2 * xx + cosine**2 * yy - mixed
    return torch.stack([along, across], 1)


def _nearness(positions_cm: Tensor, centre_cm: Tensor, reach_cm: float) -> Tensor:
    away = positions_cm - centre_cm[:, None, None]
    return torch.exp(-away.square().sum(-1) / reach_cm**2)


def _core_fraction(
    image: Tensor, positions_cm: Tensor, centre_cm: Tensor, reach_cm: float
) -> Tensor:
    near = _nearness(positions_cm, centre_cm, reach_cm)
    return ((image * near).sum((1, 2)) / (image.sum((1, 2)) + 1e-9))[:, None]


def _seen_by_cells(
    axis: _TorchAxis, positions_cm: Tensor, pitch_cm: float, length_cm: float
) -> Tensor:
    def narrow(place_cm: Tensor, width: float) -> Tensor:
        reach_cm = math.sqrt(2.0) * width * pitch_cm
        return _nearness(positions_cm, place_cm, reach_cm) + 1e-12

    def both(image: Tensor) -> list[Tensor]:
        centre = _centroid(image, positions_cm)
        squared = _widths(image, positions_cm, centre, axis)
        shift = axis.turned(centre - axis.core_cm)
        return [shift * (4.0 / pitch_cm), squared * (4.0 / pitch_cm**2) - 0.5]

    if not length_cm:
        found = [both(narrow(axis.core_cm, width)) for width in (0.2, 0.3)]
        return torch.cat([one for pair in found for one in pair], 1)
    across, line = [], 0.0
    for step, weight in zip((-4, -2, 0, 2, 4), (0.5, 1, 1, 1, 0.5), strict=True):
        place = axis.core_cm + step * length_cm * axis.direction
        image = narrow(place, 0.25)
        line = line + weight * image
        shift = axis.turned(_centroid(image, positions_cm) - place)
        across.append(shift[:, 1:] * (4.0 / pitch_cm))
    return torch.cat([*across, *both(line)], 1)


@dataclasses.dataclass(frozen=True)
class _Wanted:
    """The moments that a shower shall have, see `shower_moments.Moments`."""

    centre_cm: Tensor
    squared_cm2: Tensor
    core: Tensor
    axis: _TorchAxis
    reach_cm: float

    def missing(self, image: Tensor, level: TorchLevel) -> Tensor:
        """See `shower_moments.Moments.missing`."""
        step = torch.where(level.step_cm > 0.0, level.step_cm, math.inf)
        shift = self.centre_cm - _centroid(image, level.centres_cm)
        squared = _widths(image, level.centres_cm, self.centre_cm, self.axis)
        excess = (squared - self.squared_cm2) / step.min().square()
        core = self.core - _core_fraction(
            image, level.centres_cm, self.centre_cm, self.reach_cm
        )
        lack = torch.cat([shift / step, excess, core], 1)
        return (4.0 * lack).clamp(-4.0, 4.0)


def _turned_squares(away: Tensor, wanted: _Wanted) -> tuple[Tensor, Tensor]:
    """Returns squared distances along and across, each [batch, row, column]."""
    cosine, sine = (one[:, :, None] for one in wanted.axis.angle())
    x, y = away.unbind(-1)
    return (cosine * x + sine * y) ** 2, (cosine * y - sine * x) ** 2


def _adjusted(
    response: Tensor, positions_cm: Tensor, wanted: _Wanted, pitch_cm: float
) -> Tensor:
    energy = response.sum((1, 2))
    share = energy / (energy.sum(1, keepdim=True) + 1e-9)
    away = positions_cm - wanted.centre_cm[:, None, None]
    x, y = away.unbind(-1)
    along, across = _turned_squares(away, wanted)
    squared = wanted.squared_cm2 + pitch_cm**2
    x, y, far = x / pitch_cm, y / pitch_cm, (4.0 * pitch_cm) ** 2
    near = _nearness(positions_cm, wanted.centre_cm, wanted.reach_cm)
    seen = torch.stack(
        [x, y, along / squared[:, :1, None], across / squared[:, 1:, None], near], 1
    ).flatten(2)
    pull = torch.stack(
        [torch.tanh(x / 3.0), torch.tanh(y / 3.0), along / (along + far),
         across / (across + far), near], 1
    ).flatten(2)  # fmt: skip
    target = torch.cat(
        [torch.zeros_like(squared), wanted.squared_cm2 / squared, wanted.core], 1
    )
    limit = torch.tensor([0.5, 0.5, 1.0, 1.0, 1.0])
    cells, slopes = response.flatten(1, 2), torch.zeros_like(target)

    def pulled() -> Tensor:
        return cells * torch.exp(slopes[:, None] @ pull).transpose(1, 2)

    for _ in range(3):
        weight = pulled()
        weight = weight / (weight.sum(1, keepdim=True) + 1e-9)
        # Covariances within layers, see `adjusted_moments`.
        image = (weight * share[:, None]).sum(-1)[:, None]
        mean, middle = ((one * image).sum(2, keepdim=True) for one in (seen, pull))
        spread = ((seen - mean) * image) @ (pull - middle).transpose(1, 2)
        beyond, above = seen @ weight - mean, pull @ weight - middle
        slope = spread - (beyond * share[:, None]) @ above.transpose(1, 2)
        ridge = 1e-3 * spread.square().sum((1, 2)) + 1e-6
        back = slope.transpose(1, 2)
        square = back @ slope + ridge[:, None, None] * torch.eye(5)
        step = torch.linalg.solve(square, back @ (target[..., None] - mean))
        slopes = (slopes + step[..., 0]).clamp(-limit, limit)
    moved = pulled()
    after = moved.sum(1)
    factor = energy / torch.where(after > 0.0, after, 1.0)
    return (moved * factor[:, None]).reshape(response.shape)


class TorchCascade:
    """The draw of a cascade.

    Args:
        config: The configuration of the layer, and "plan", the levels of its tree.
        weights: Its tensors by the attributes that lead to them, e.g.
            "levels/0/first/kernel".
    """

    def __init__(self, config: Mapping[str, Any], weights: Weights) -> None:
        cells = torch.tensor(config["cells"]).bool()
        self._planar = cells.ndim == 2
        cells = cells.reshape(*cells.shape[:2], -1)
        self._axis, self._adjust = config["axis"], config["adjust"]
        self._positions = torch.tensor(config["positions_cm"])
        steps = [torch.diff(self._positions, dim=n).norm(dim=-1) for n in (0, 1)]
        self._pitch = _median(torch.cat([one.ravel() for one in steps]))
        self._layers = layers = cells.shape[2]
        self._some = cells.any(2).float()
        plan = config["plan"]
        components, turns, groups = (
            _spread(config[name], len(plan))
            for name in ("components", "turns", "layer_groups")
        )
        self._levels = [
            TorchLevel(one, weights, f"levels/{n}", layers, group, k, turn)
            for n, (one, k, turn, group) in enumerate(
                zip(plan, components, turns, groups, strict=True)
            )
        ]
        self._total, self._moments = (
            _Mixture(weights, name) for name in ("total", "moments")
        )
        self._of_layers = [
            [dense(weights, f"of_layers/{n}/{i}") for i in range(3)]
            for n in range(layers - 1)
        ]
        used = cells.any(0).any(0)
        self._allowed = [
            allowed_outcomes(used[n], used[n + 1 :].any(), _COMPONENTS)
            for n in range(layers - 1)
        ]
        self._per_gev, self._smallest = weights["per_gev"], weights["smallest"]
        self._sizes = [
            2,
            10,
            2 * (layers - 1),
            *(one.noise_size for one in self._levels),
        ]

    def _seen_layers(self, seen: Tensor, energies: Sequence[Tensor]) -> Tensor:
        return torch.cat([seen, encode(torch.stack([*energies], 1), self._smallest)], 1)

    def _places(self, wanted: _Wanted) -> list[Tensor]:
        """Returns maps for every level, see `block_places.BlockPlaces`."""
        away = self._positions - wanted.centre_cm[:, None, None]
        along, across = _turned_squares(away, wanted)
        inverse = 1.0 / (wanted.squared_cm2 + 0.02 * self._pitch**2)
        distance = along * inverse[:, :1, None] + across * inverse[:, 1:, None]
        wide = torch.exp(-(2.0 * distance + 0.1).sqrt()) * self._some
        image = torch.stack([wide, wide.square()], -1)
        found = []
        for level in reversed(self._levels):
            sides = [
                torch.cat(side, -1) for side in zip(*level.halves(image), strict=True)
            ]
            first, second = (torch.log(side + 1e-7) for side in sides)
            expected = 0.25 * (first - second).clamp(-8.0, 8.0)
            found.append(torch.cat([self._displacements(level, wanted), expected], -1))
            image = level.sums(image)
        return found[::-1]

    def _displacements(self, level: TorchLevel, wanted: _Wanted) -> Tensor:
        pitch = self._pitch
        seen = level.centres_cm - wanted.centre_cm[:, None, None]
        radius = (seen.square().sum(-1, keepdim=True) + 0.1 * pitch**2).sqrt()
        direction = wanted.axis.direction[:, None, None]
        along = (seen * direction).sum(-1, keepdim=True)
        steps = [
            torch.diff(level.child_centres_cm, dim=n).abs().ravel() for n in (0, 1)
        ]
        step = max(pitch, float(torch.cat(steps).max()))
        maps = [
            seen / (radius + 1.5 * pitch),
            torch.log(radius / pitch),
            along / (2.5 * pitch),
            torch.tanh(seen / pitch),
            torch.tanh(seen * (3.0 / pitch)),
            (seen / step).clamp(-3.0, 3.0),
        ]
        return torch.cat(maps, -1)

    def __call__(self, condition: Tensor, noise: Tensor) -> Tensor:
        """Draws showers.

        Args:
            condition: Conditions, [batch, conditions].
            noise: Standard normal numbers, [batch, numbers].

        Returns:
            [batch, *shape].
        """
        axis = _axis(self._axis, condition)
        random = noise.split(self._sizes, 1)
        value = self._total(axis.features, random[0])
        ratio = 1.0 + value[:, 0] / axis.energy_gev.sqrt()
        total = rest = self._per_gev * axis.energy_gev * ratio.clamp(min=1e-3)
        drawn = (
            total / (self._per_gev * axis.energy_gev) - 1.0
        ) * axis.energy_gev.sqrt()
        value = (drawn[:, None] - self._total.location) / self._total.width
        seen = torch.cat([axis.features, 0.4 * value.clamp(-5.0, 5.0)], 1)
        layers: list[Tensor] = []
        for number, networks in enumerate(self._of_layers):
            x = self._seen_layers(seen, [total, *layers])
            x = networks[2](leaky(networks[1](leaky(networks[0](x)))))
            numbers = random[2][:, 2 * number : 2 * number + 2]
            first, rest = draw_split(rest, x, self._allowed[number], numbers)
            layers.append(first)
        layers.append(rest)
        if self._layers > 1:
            seen = self._seen_layers(seen, [total, *layers])
        length = self._axis["depth_cm"][1] if len(self._axis["energy"]) == 3 else 0.0
        cells = _seen_by_cells(axis, self._positions, self._pitch, length)
        moments = self._moments(torch.cat([seen, cells], 1), random[1])
        value = (moments - self._moments.location) / self._moments.width
        event = torch.cat([seen, axis.direction, 0.4 * value.clamp(-5.0, 5.0)], 1)
        wanted = _Wanted(
            axis.core_cm + axis.turned_back(moments[:, :2]),
            torch.exp(moments[:, 2:4]) - _FEWEST_CM2,
            torch.sigmoid(moments[:, 4:]),
            axis,
            1.25 * self._pitch,
        )
        x = torch.stack(layers, 1)[:, None, None]
        for level, maps, numbers in zip(
            self._levels, self._places(wanted), random[3:], strict=True
        ):
            x = level.draw(x, maps, wanted, event, self._smallest, numbers)
        if self._adjust:
            x = _adjusted(x, self._positions, wanted, self._pitch)
        return x[..., 0] if self._planar else x


def _median(x: Tensor) -> float:
    """Returns the median; the mean of the two in the middle, as NumPy does."""
    return float(torch.quantile(x, 0.5))


def _spread(values: Sequence[int], count: int) -> list[int]:
    """Returns one value per level, the first one repeated at the coarse levels."""
    return [values[0]] * (count - len(values)) + [*values][
        max(len(values) - count, 0) :
    ]
