"""Centroid and widths of showers across their axis, and what blocks lack of them."""

import dataclasses
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
