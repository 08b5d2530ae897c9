"""The last touch: energy moves between cells until a shower has its moments."""

import math
from typing import Any

import numpy as np
from keras import ops

from models.likelihood.shower_moments import Moments

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
    cells, places, numbers = _with_energy(response)
    energy = ops.sum(cells, axis=1)
    share = energy / (ops.sum(energy, axis=1, keepdims=True) + 1e-9)
    maps, scale = _maps(positions_cm, places, wanted, pitch_cm)
    target = ops.concatenate(
        [ops.zeros_like(scale), wanted.squared_cm2 / scale, wanted.core], axis=1
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
        slopes = slopes + _solved(square, lack)
        slopes = ops.clip(slopes, -_LARGEST, _LARGEST)
    moved = pulled()
    after = ops.sum(moved, axis=1)
    factor = energy / ops.where(after > 0.0, after, 1.0)
    moved = ops.reshape(moved * factor[:, None], (-1, moved.shape[-1]))
    return _back(moved, numbers, response)


def _solved(square: Tensor, lack: Tensor) -> Tensor:
    """Solves equations by Gauss's elimination, each [batch, unknown].

    `ops.solve` is as accurate and, for hundreds of small systems, slower; ONNX has no
    such operation.

    Args:
        square: Symmetric and positive definite, so that no pivot has to be looked for,
            [batch, equation, unknown].
        lack: What they shall give, [batch, equation, 1].
    """
    # The batch comes last: sums of long rows are faster.
    x = ops.transpose(ops.concatenate([square, lack], axis=2), (1, 2, 0))
    for _ in range(square.shape[1]):
        row = x[:1, 1:] / x[:1, :1]
        x = ops.concatenate([x[1:, 1:] - x[1:, :1] * row, row], axis=0)
    return ops.transpose(x[:, 0])


def _with_energy(response: Tensor) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor]]:
    """Gathers the cells that have energy in any layer: most of a shower have none.

    Args:
        response: Showers, [batch, row, column, layer].

    Returns:
        Their energies, [batch, some, layer], with zeros after those of showers that
        have fewer than others; their places among rows and columns, int32
        [batch, some]; and their numbers among all cells and among those gathered.
    """
    count, layers = math.prod(response.shape[1:3]), response.shape[-1]
    rows = ops.reshape(response, (-1, layers))
    occupied = ops.any(rows > 0.0, axis=1)
    before = ops.cast(ops.nonzero(occupied)[0], "int32")
    hits = ops.sum(ops.cast(ops.reshape(occupied, (-1, count)), "int32"), axis=1)
    first = ops.cumsum(hits) - hits
    most = ops.max(hits)
    place = ops.arange(most, dtype="int32")
    # Where a shower has no more, those of the next one stand, which do not count.
    chosen = ops.take(ops.pad(before, [(0, most)]), first[:, None] + place, axis=0)
    counts = ops.cast(place < hits[:, None], response.dtype)
    cells = ops.take(rows, chosen, axis=0) * counts[..., None]
    event = ops.floor_divide(before, count)
    # The n-th of all is the n-th less those of the showers before among its own.
    after = ops.cumsum(ops.ones_like(before)) - 1
    after = after + ops.take(ops.arange(ops.shape(hits)[0]) * most - first, event)
    return cells, ops.mod(chosen, count), (before, after)


def _back(cells: Tensor, numbers: tuple[Tensor, Tensor], like: Tensor) -> Tensor:
    """Puts the cells that were gathered where they came from."""
    before, after = numbers
    size = (ops.shape(like)[0] * math.prod(like.shape[1:3]), like.shape[-1])
    rows = ops.scatter(before[:, None], ops.take(cells, after, axis=0), size)
    return ops.reshape(rows, (-1, *like.shape[1:]))


def _maps(
    positions_cm: Any, places: Tensor, wanted: Moments, pitch_cm: float
) -> tuple[Tensor, Tensor]:
    """Returns what Newton's method needs to know of cells.

    Args:
        positions_cm: Centres of all cells (x, y), [row, column, 2].
        places: Which cells are asked for, int32 [batch, some].
        wanted: The moments.
        pitch_cm: The distance of neighbouring cells.

    Returns:
        1, the five numbers of which the moments are means and the five that slopes
        multiply, [batch, 11, some]; what squares are relative to [cm^2], [batch, 2].
    """
    x, y = (
        ops.take(positions_cm[..., i].ravel(), places) - wanted.centre_cm[:, i : i + 1]
        for i in (0, 1)
    )
    near = ops.exp((x * x + y * y) * -(wanted.reach_cm**-2))
    cosine, sine = wanted.axis.angle()
    along, across = (cosine * x + sine * y) ** 2, (cosine * y - sine * x) ** 2
    # Relative to these, all are of the order of 1.
    scale = wanted.squared_cm2 + pitch_cm**2
    step, far = 1.0 / pitch_cm, (_FAR_PITCHES * pitch_cm) ** 2
    numbers = [x * step, y * step, along / scale[:, :1], across / scale[:, 1:], near]
    pulls = [
        *[ops.tanh(one * (step / _NEAR_PITCHES)) for one in (x, y)],
        *[one / (one + far) for one in (along, across)],
        near,
    ]
    return ops.stack([ops.ones_like(x), *numbers, *pulls], axis=1), scale


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
