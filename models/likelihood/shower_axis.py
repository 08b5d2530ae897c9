"""Where a shower is expected in a calorimeter, from the conditions."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops

from data.detectors.spec import IMPACT, DetectorSpec

Tensor = Any
_FARTHEST = 2.0
_ENERGY = "energy_gev"


@dataclasses.dataclass(frozen=True)
class Axis:
    """Where the showers of a batch are expected.

    Attributes:
        features: The logarithm of the energy, the other conditions and, with a
            momentum, its direction, all about (-1, 1), [batch, conditions].
        energy_gev: The incident energy, [batch].
        core_cm: The point (x, y) where the particle's line reaches the depth of its
            shower, [batch, 2].
        direction: The transverse direction cosines, [batch, 2]; 0 without a momentum.
    """

    features: Tensor
    energy_gev: Tensor
    core_cm: Tensor
    direction: Tensor

    def turned(self, shift: Tensor) -> Tensor:
        """Turns vectors (x, y), [batch, 2], into (along, across) the inclination."""
        cosine, sine = self.angle()
        x, y = shift[:, :1], shift[:, 1:]
        return ops.concatenate([cosine * x + sine * y, cosine * y - sine * x], axis=1)

    def turned_back(self, shift: Tensor) -> Tensor:
        """Turns vectors (along, across), [batch, 2], into (x, y)."""
        cosine, sine = self.angle()
        x, y = shift[:, :1], shift[:, 1:]
        return ops.concatenate([cosine * x - sine * y, sine * x + cosine * y], axis=1)

    def angle(self) -> tuple[Tensor, Tensor]:
        """Returns cosine and sine of the inclination's angle to x, each [batch, 1]."""
        size = ops.sqrt(ops.sum(ops.square(self.direction), axis=1, keepdims=True))
        inclined = size > 1e-6
        unit = self.direction / ops.where(inclined, size, 1.0)
        return (
            ops.where(inclined, unit[:, :1], 1.0),
            ops.where(inclined, unit[:, 1:], 0.0),
        )


class ShowerAxis:
    """Computes the axis of showers.

    Without a momentum showers are upright; without an impact point they are expected at
    the origin.

    Args:
        energy: Indices of the conditions whose norm is the incident energy [GeV].
        impact: Indices of the impact point [cm]; empty if there is none.
        limits_gev: Lowest and highest trained energy.
        offset: Subtracted from the other conditions.
        scale: Then divides them.
        depth_cm: See `DetectorSpec.shower_depth_cm`; used with a momentum only.
    """

    def __init__(
        self,
        energy: Sequence[int],
        impact: Sequence[int],
        limits_gev: Sequence[float],
        offset: Sequence[float],
        scale: Sequence[float],
        depth_cm: Sequence[float],
    ) -> None:
        self.energy = list(energy)
        self.impact = list(impact)
        self.limits_gev = [float(value) for value in limits_gev]
        self.offset = [float(value) for value in offset]
        self.scale = [float(value) for value in scale]
        self.depth_cm = [float(value) for value in depth_cm]

    @property
    def length_cm(self) -> float:
        """By how much depth grows where ln(energy) does by 1; 0 for upright showers."""
        return self.depth_cm[1] if len(self.energy) == 3 else 0.0

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return dict(vars(self))

    def __call__(self, condition: Tensor) -> Axis:
        """Computes the axis of [batch, conditions]."""
        low, high = self.limits_gev
        count = condition.shape[1]
        columns = [condition[:, i] for i in range(count)]
        parts = ops.stack([columns[i] for i in self.energy], axis=1)
        energy = ops.sqrt(ops.sum(ops.square(parts), axis=1))
        energy = ops.maximum(energy, 1e-3 * low)
        middle, half = 0.5 * np.log(low * high), 0.5 * np.log(high / low) or 1.0
        features = [(ops.log(energy) - middle) / half]
        rest = [i for i in range(count) if i not in self.energy]
        for i, offset, scale in zip(rest, self.offset, self.scale, strict=True):
            features.append((columns[i] - offset) / scale)
        nothing = ops.zeros_like(parts[:, :1])
        direction = ops.concatenate([nothing, nothing], axis=1)
        if self.impact:
            core = ops.stack([columns[i] for i in self.impact], axis=1)
        else:
            core = direction
        if len(self.energy) == 3:
            direction = parts[:, :2] / energy[:, None]
            depth = self.depth_cm[0] + self.depth_cm[1] * ops.log(energy)
            core = core + ops.maximum(depth, 0.0)[:, None] * direction
            features += [2.0 * direction[:, 0], 2.0 * direction[:, 1]]
        stacked = ops.clip(ops.stack(features, axis=1), -_FARTHEST, _FARTHEST)
        return Axis(stacked, energy, core, direction)


def of_detector(spec: DetectorSpec) -> ShowerAxis:
    """Returns the axis of the showers of a detector.

    Args:
        spec: The detector.

    Raises:
        ValueError: If the domain does not limit energy and conditions, or the depth of
            inclined showers is not known.
    """
    momentum = len(spec.energy_conditions) == 3
    bounded = {d.name: d for d in spec.domain if np.isfinite(d.high - d.low)}
    energy = _ENERGY if momentum else spec.condition_names[spec.energy_conditions[0]]
    rest = [
        name
        for number, name in enumerate(spec.condition_names)
        if number not in spec.energy_conditions
    ]
    for name in (energy, *rest):
        if name not in bounded:
            raise ValueError(
                f"detector {spec.name!r} has no finite domain for {name}: the networks "
                "scale conditions by their range; add one"
            )
    limits = bounded[energy].low, bounded[energy].high
    if limits[0] <= 0.0:
        raise ValueError(
            f"detector {spec.name!r} has energies from {limits[0]:g} GeV; the cascade "
            "takes their logarithm and needs more than 0"
        )
    if momentum and spec.shower_depth_cm is None:
        raise ValueError(
            f"detector {spec.name!r} has no shower_depth_cm, which this model needs to "
            "follow the track; give the file that attribute"
        )
    has_impact = set(IMPACT) <= set(spec.condition_names)
    ranges = [bounded[name] for name in rest]
    return ShowerAxis(
        spec.energy_conditions,
        [spec.condition_names.index(name) for name in IMPACT] if has_impact else [],
        limits,
        [0.5 * (limit.low + limit.high) for limit in ranges],
        [0.5 * (limit.high - limit.low) or 1.0 for limit in ranges],
        spec.shower_depth_cm or (0.0, 0.0),
    )
