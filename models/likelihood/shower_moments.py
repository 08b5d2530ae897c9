"""Centroid and widths of showers across their axis, and what blocks lack of them."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from models.likelihood.shower_axis import Axis

Tensor = Any
FEWEST_CM2 = 1e-4
"""Added to a squared width before its logarithm is taken."""

_FARTHEST = 4.0
_NARROW = (0.2, 0.3)


def _sums(image: Tensor, maps: Sequence[Any]) -> list[Tensor]:
    """Returns the means of maps over an image, weighted by energy, each [batch]."""
    ones = np.ones_like(maps[0])
    basis = np.stack([ones, *maps], axis=-1).reshape(-1, len(maps) + 1)
    # A product with a small matrix is several times faster than sums over two axes.
    flat = ops.reshape(image, (-1, basis.shape[0]))
    total, *sums = ops.unstack(ops.matmul(flat, basis), axis=1)
    return [one / (total + 1e-9) for one in (total, *sums)]


def centroid(image: Tensor, positions_cm: Any) -> Tensor:
    """Returns centroids (x, y) [cm], [batch, 2].

    Args:
        image: Energies of cells or blocks, [batch, row, column].
        positions_cm: Their centres (x, y), [row, column, 2].
    """
    _, x, y = _sums(image, [positions_cm[..., 0], positions_cm[..., 1]])
    return ops.stack([x, y], axis=1)


def widths(image: Tensor, positions_cm: Any, centre_cm: Tensor, axis: Axis) -> Tensor:
    """Returns mean squared distances along and across [cm^2], [batch, 2].

    Args:
        image: Energies of cells or blocks, [batch, row, column].
        positions_cm: Their centres (x, y), [row, column, 2].
        centre_cm: From where distances count, (x, y), [batch, 2].
        axis: Its direction is "along".
    """
    # From the middle of the detector, or squares would lose digits.
    middle = np.mean(positions_cm, axis=(0, 1))
    x, y = (positions_cm[..., i] - middle[i] for i in (0, 1))
    u, v = (centre_cm[:, i] - middle[i] for i in (0, 1))
    any_energy, x, y, xx, yy, xy = _sums(image, [x, y, x * x, y * y, x * y])
    xx = xx - 2.0 * u * x + any_energy * u * u
    yy = yy - 2.0 * v * y + any_energy * v * v
    xy = xy - u * y - v * x + any_energy * u * v
    cosine, sine = (one[:, 0] for one in axis.angle())
    mixed = 2.0 * cosine * sine * xy
    along = cosine**2 * xx + sine**2 * yy + mixed
    across = sine**2 * xx + cosine**2 * yy - mixed
    return ops.maximum(ops.stack([along, across], axis=1), 0.0)


@dataclasses.dataclass(frozen=True)
class Moments:
    """The moments that a shower shall have.

    Attributes:
        centre_cm: Its centroid (x, y), [batch, 2].
        squared_cm2: Its mean squared distances along and across the axis, [batch, 2].
        axis: Its axis.
    """

    centre_cm: Tensor
    squared_cm2: Tensor
    axis: Axis

    def missing(
        self, image: Tensor, positions_cm: Any, step_cm: NDArray[np.float32]
    ) -> Tensor:
        """Returns how far the moments of blocks are from these.

        Args:
            image: Energies of the blocks, [batch, row, column].
            positions_cm: Their centres (x, y), [row, column, 2].
            step_cm: How far the children of a block are apart in x and in y; 0 where
                there is one child, which has no choice.

        Returns:
            The displacement of the centroid in x and y and the excess of the squares
            along and across, in quarters of a step and of its square, at most 4,
            [batch, 4].
        """
        step = np.where(step_cm > 0.0, step_cm, np.inf).astype(np.float32)
        shift = self.centre_cm - centroid(image, positions_cm)
        squared = widths(image, positions_cm, self.centre_cm, self.axis)
        excess = (squared - self.squared_cm2) / np.square(np.min(step))
        found = ops.concatenate([shift / step, excess], axis=1)
        return ops.clip(4.0 * found, -_FARTHEST, _FARTHEST)


def seen_by_cells(axis: Axis, positions_cm: Any, pitch_cm: float) -> Tensor:
    """Returns the moments of narrow showers at the core, as the cells see them.

    Where the core lies between the cells moves a centroid and widens a shower. The
    images of two Gaussian densities at the centres of the cells have such moments too.

    Args:
        axis: Where the core is.
        positions_cm: Centres of the cells (x, y), [row, column, 2].
        pitch_cm: The distance of neighbouring cells.

    Returns:
        For each image how far its centroid is from the core, along and across, and the
        mean squared distances from it, in quarters of a pitch and of its square,
        [batch, 8].
    """
    found = []
    for width_cm in (pitch_cm * width for width in _NARROW):
        away = (positions_cm - axis.core_cm[:, None, None]) / width_cm
        # Far outside of the detector, every cell has as much.
        image = ops.exp(-0.5 * ops.sum(ops.square(away), axis=-1)) + 1e-12
        centre = centroid(image, positions_cm)
        squared = widths(image, positions_cm, centre, axis)
        shift = axis.turned(centre - axis.core_cm)
        found += [shift * (4.0 / pitch_cm), squared * (4.0 / pitch_cm**2) - 0.5]
    return ops.concatenate(found, axis=1)
