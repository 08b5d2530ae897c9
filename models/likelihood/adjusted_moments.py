"""The last touch: energy moves between cells until a shower has its moments."""

import math
from typing import Any

import numpy as np
from keras import ops

from models.likelihood.shower_axis import Axis
from models.likelihood.shower_moments import Moments, nearness

Tensor = Any

_NEAR_PITCHES = 3.0
_FAR_PITCHES = 4.0
_LARGEST = np.array([0.5, 0.5, 1.0, 1.0, 1.0], np.float32)
_NUMBERS = len(_LARGEST)
_STEPS = 3
_RIDGE = 1e-3


def adjusted(
    response: Tensor, positions_cm: Any, wanted: Moments, pitch_cm: float
) -> Tensor:
    """Moves energy between cells until centroid, widths and core are those wanted.

    A cell at D from the wanted centroid is multiplied by

        exp(a tanh(D_x / r) + b tanh(D_y / r) + c q(D_along) + d q(D_across) + e n(D)),
        q(D) = D^2 / (D^2 + R^2),

    r = 3 and R = 4 pitches and n the nearness of the core, with a, b, c, d and e from
    three damped steps of Newton's method. Empty cells stay empty, and the energy of
    every layer stays what it is. A shower that would need |a| or |b| above 0.5, |c|,
    |d| or |e| above 1 is changed as far as that.

    Args:
        response: Showers, [batch, row, column, layer].
        positions_cm: Centres of the cells (x, y), [row, column, 2].
        wanted: The moments.
        pitch_cm: The distance of neighbouring cells.

    Returns:
        [batch, row, column, layer].
    """
    energy = ops.sum(response, axis=(1, 2))
    share = energy / (ops.sum(energy, axis=1, keepdims=True) + 1e-9)
    away = positions_cm - wanted.centre_cm[:, None, None]
    along, across = _turned(away, wanted.axis)
    near = nearness(positions_cm, wanted.centre_cm, wanted.reach_cm)
    # Relative to these, all are of the order of 1.
    squared = wanted.squared_cm2 + pitch_cm**2
    x, y = away[..., 0] / pitch_cm, away[..., 1] / pitch_cm
    numbers = [
        x, y, along**2 / squared[:, :1, None], across**2 / squared[:, 1:, None], near
    ]  # fmt: skip
    reach, far = 1.0 / _NEAR_PITCHES, (_FAR_PITCHES * pitch_cm) ** 2
    pulls = [
        ops.tanh(x * reach), ops.tanh(y * reach),
        along**2 / (along**2 + far), across**2 / (across**2 + far), near,
    ]  # fmt: skip
    maps = ops.stack([ops.ones_like(x), *numbers, *pulls], axis=1)
    # Cells in a row: products of small matrices are fast.
    maps = ops.reshape(maps, (-1, 1 + 2 * _NUMBERS, math.prod(response.shape[1:3])))
    cells = ops.reshape(response, (-1, maps.shape[-1], response.shape[-1]))
    target = ops.concatenate(
        [ops.zeros_like(squared), wanted.squared_cm2 / squared, wanted.core], axis=1
    )
    slopes = ops.zeros_like(target)

    def pulled() -> Tensor:
        exponent = ops.matmul(slopes[:, None], maps[:, 1 + _NUMBERS :])
        return cells * ops.exp(ops.transpose(exponent, (0, 2, 1)))

    for _ in range(_STEPS):
        weight = pulled()
        of_layers = ops.sum(weight, axis=1, keepdims=True) + 1e-9
        mean, slope, ridge = _means_and_slopes(weight / of_layers, share, maps)
        # Least squares, damped: cells on a line move along it, a single cell nowhere.
        back = ops.transpose(slope, (0, 2, 1))
        square = ops.matmul(back, slope) + ridge * np.eye(_NUMBERS, dtype=np.float32)
        lack = ops.matmul(back, (target - mean)[..., None])
        slopes = slopes + ops.solve(square, lack)[..., 0]
        slopes = ops.clip(slopes, -_LARGEST, _LARGEST)
    moved = pulled()
    after = ops.sum(moved, axis=1)
    factor = energy / ops.where(after > 0.0, after, 1.0)
    return ops.reshape(moved * factor[:, None], (-1, *response.shape[1:]))


def _turned(away: Tensor, axis: Axis) -> tuple[Tensor, Tensor]:
    """Returns displacements along and across, each [batch, row, column]."""
    cosine, sine = (one[:, :, None] for one in axis.angle())
    x, y = away[..., 0], away[..., 1]
    return cosine * x + sine * y, cosine * y - sine * x


def _means_and_slopes(
    weight: Tensor, share: Tensor, maps: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Returns mean numbers of a shower and how fast the factors of cells change them.

    Layers keep their energies, so the slopes are covariances within layers: those of
    the image, less those between the means of the layers.

    Args:
        weight: Energies relative to those of their layers, [batch, cell, layer].
        share: Energies of layers relative to the shower's, [batch, layer].
        maps: 1, the five numbers and the five that slopes multiply, [batch, 11, cell].

    Returns:
        Means [batch, 5], slopes [batch, 5, 5], and by how much to damp, [batch, 1, 1].
    """
    image = ops.sum(weight * share[:, None], axis=-1)
    first = 1 + _NUMBERS
    numbers = maps[:, :first]
    of_image = ops.matmul(numbers * image[:, None], ops.transpose(maps, (0, 2, 1)))
    mean, middle = of_image[:, 0, 1:first], of_image[:, 0, first:]
    spread = of_image[:, 1:, first:] - mean[:, :, None] * middle[:, None]
    slope = spread
    if weight.shape[-1] > 1:
        of_layers = ops.matmul(maps, weight)
        seen = of_layers[:, 1:first] - mean[..., None]
        pull = of_layers[:, first:] - middle[..., None]
        between = ops.matmul(seen * share[:, None], ops.transpose(pull, (0, 2, 1)))
        slope = spread - between
    size = ops.sum(ops.square(spread), axis=(1, 2))[:, None, None]
    return mean, slope, _RIDGE * size + 1e-6
