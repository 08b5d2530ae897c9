"""Centroid and widths of showers across their axis, and how a centroid is moved."""

from typing import Any

from keras import ops

from models.likelihood.shower_axis import Axis

Tensor = Any
_LARGEST_SLOPE = 0.5
_STEPS = 2


def centroid(image: Tensor, positions_cm: Any) -> Tensor:
    """Returns centroids (x, y) [cm], [batch, 2].

    Args:
        image: Energies of cells or blocks, [batch, row, column].
        positions_cm: Their centres (x, y), [row, column, 2].
    """
    total = ops.sum(image, axis=(1, 2))[:, None] + 1e-9
    return ops.sum(image[..., None] * positions_cm, axis=(1, 2)) / total


def widths(image: Tensor, positions_cm: Any, centre_cm: Tensor, axis: Axis) -> Tensor:
    """Returns mean squared distances along and across [cm^2], [batch, 2].

    Args:
        image: Energies of cells or blocks, [batch, row, column].
        positions_cm: Their centres (x, y), [row, column, 2].
        centre_cm: From where distances count, (x, y), [batch, 2].
        axis: Its direction is "along".
    """
    total = ops.sum(image, axis=(1, 2)) + 1e-9
    weight = image / total[:, None, None]
    x, y = (positions_cm[..., i] - centre_cm[:, None, None, i] for i in (0, 1))
    xx = ops.sum(weight * x * x, axis=(1, 2))
    yy = ops.sum(weight * y * y, axis=(1, 2))
    xy = ops.sum(weight * x * y, axis=(1, 2))
    unit = axis.turned_back(ops.ones_like(centre_cm) * [1.0, 0.0])
    cosine, sine = unit[:, 0], unit[:, 1]
    mixed = 2.0 * cosine * sine * xy
    along = cosine**2 * xx + sine**2 * yy + mixed
    across = sine**2 * xx + cosine**2 * yy - mixed
    return ops.stack([along, across], axis=1)


def recentred(
    response: Tensor, positions_cm: Any, wanted_cm: Tensor, reach_cm: float
) -> Tensor:
    """Moves energy between cells until the centroid is where it is wanted.

    Cells at a displacement d are multiplied by exp(a tanh(d_x / r) + b tanh(d_y / r)),
    with a and b from two steps of Newton's method. Empty cells stay empty, and the
    energy of every layer stays what it is. A shower that would need a factor of more
    than exp(0.5) per direction is moved as far as that.

    Args:
        response: Showers, [batch, row, column, layer].
        positions_cm: Centres of the cells (x, y), [row, column, 2].
        wanted_cm: The centroids (x, y), [batch, 2].
        reach_cm: r.

    Returns:
        [batch, row, column, layer].
    """
    x, y = (
        positions_cm[..., None, i] - wanted_cm[:, None, None, None, i] for i in (0, 1)
    )
    pull_x, pull_y = ops.tanh(x / reach_cm), ops.tanh(y / reach_cm)
    before = ops.sum(response, axis=(1, 2), keepdims=True)
    of_layer = before / (ops.sum(before, axis=3, keepdims=True) + 1e-9)
    slope_x = slope_y = ops.zeros_like(wanted_cm[:, 0])

    def moved() -> Tensor:
        a, b = (slope[:, None, None, None] for slope in (slope_x, slope_y))
        found = response * ops.exp(a * pull_x + b * pull_y)
        after = ops.sum(found, axis=(1, 2), keepdims=True)
        return found * (before / ops.where(after > 0.0, after, 1.0))

    def mean(values: Tensor) -> Tensor:
        return ops.sum(values * weight, axis=(1, 2))

    for _ in range(_STEPS):
        weight = moved() * (of_layer / ops.where(before > 0.0, before, 1.0))
        r_x, r_y, p_x, p_y = (mean(value) for value in (x, y, pull_x, pull_y))
        share = ops.where(of_layer[:, 0, 0] > 0.0, of_layer[:, 0, 0], 1.0)

        def slope(value: Tensor, pull: Tensor, r: Tensor, p: Tensor) -> Tensor:
            return ops.sum(mean(value * pull) - r * p / share, axis=1)  # noqa: B023

        j_xx, j_xy = slope(x, pull_x, r_x, p_x), slope(x, pull_y, r_x, p_y)
        j_yx, j_yy = slope(y, pull_x, r_y, p_x), slope(y, pull_y, r_y, p_y)
        r_x, r_y = ops.sum(r_x, axis=1), ops.sum(r_y, axis=1)
        determinant = j_xx * j_yy - j_xy * j_yx
        # What is on a single row or column cannot be moved.
        solvable = determinant > 1e-6
        safe = ops.where(solvable, determinant, 1.0)
        step_x = ops.where(solvable, (j_xy * r_y - j_yy * r_x) / safe, 0.0)
        step_y = ops.where(solvable, (j_yx * r_x - j_xx * r_y) / safe, 0.0)
        slope_x = ops.clip(slope_x + step_x, -_LARGEST_SLOPE, _LARGEST_SLOPE)
        slope_y = ops.clip(slope_y + step_y, -_LARGEST_SLOPE, _LARGEST_SLOPE)
    return moved()
