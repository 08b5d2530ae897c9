"""Centroid, widths and core of showers, and what blocks lack of them."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from models.likelihood.shower_axis import Axis

Tensor = Any
FEWEST_CM2 = 1e-4
"""Added to a squared width before its logarithm is taken."""

CORE_PITCHES = 1.25
"""How far the core of a shower reaches, see `core_fraction`."""

_FARTHEST = 4.0
_UPRIGHT_PITCHES = (0.2, 0.3)
_INCLINED_PITCHES = 0.25
_DEPTHS = (-4.0, -2.0, 0.0, 2.0, 4.0)
_OF_DEPTHS = (0.5, 1.0, 1.0, 1.0, 0.5)


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


def nearness(positions_cm: Any, centre_cm: Tensor, reach_cm: float) -> Tensor:
    """Returns exp(-D^2 / reach^2), [batch, row, column].

    Args:
        positions_cm: Centres of cells or blocks (x, y), [row, column, 2].
        centre_cm: From where the distance D counts, (x, y), [batch, 2].
        reach_cm: How far the core reaches.
    """
    # A product with a small matrix instead of squares over all cells. Distances count
    # from the middle of the detector, or they would lose digits.
    middle = np.mean(positions_cm, axis=(0, 1))
    x, y = np.moveaxis((positions_cm - middle) / reach_cm, -1, 0)
    basis = np.stack([np.ones_like(x), x, y, x * x + y * y]).reshape(4, -1)
    u, v = ops.unstack((centre_cm - middle) * (1.0 / reach_cm), axis=1)
    factors = ops.stack([-(u * u + v * v), 2.0 * u, 2.0 * v, -ops.ones_like(u)], axis=1)
    exponent = ops.matmul(factors, basis.astype(np.float32))
    near = ops.exp(ops.minimum(exponent, 0.0))
    return ops.reshape(near, (-1, *positions_cm.shape[:2]))


def core_fraction(
    image: Tensor, positions_cm: Any, centre_cm: Tensor, reach_cm: float
) -> Tensor:
    """Returns the mean of `nearness`, weighted by energy, [batch, 1].

    Args:
        image: Energies of cells or blocks, [batch, row, column].
        positions_cm: Their centres (x, y), [row, column, 2].
        centre_cm: The centre of the core, (x, y), [batch, 2].
        reach_cm: How far the core reaches.
    """
    near = nearness(positions_cm, centre_cm, reach_cm)
    total = ops.sum(image, axis=(1, 2)) + 1e-9
    return (ops.sum(image * near, axis=(1, 2)) / total)[:, None]


@dataclasses.dataclass(frozen=True)
class Moments:
    """The moments that a shower shall have.

    Attributes:
        centre_cm: Its centroid (x, y), [batch, 2].
        squared_cm2: Its mean squared distances along and across the axis, [batch, 2].
        core: The fraction of its energy in its core, see `core_fraction`, [batch, 1].
        axis: Its axis.
        reach_cm: How far its core reaches.
    """

    centre_cm: Tensor
    squared_cm2: Tensor
    core: Tensor
    axis: Axis
    reach_cm: float

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
            along and across, in quarters of a step and of its square, and what the core
            lacks, in quarters of the energy, at most 4, [batch, 5].
        """
        step = np.where(step_cm > 0.0, step_cm, np.inf).astype(np.float32)
        shift = self.centre_cm - centroid(image, positions_cm)
        squared = widths(image, positions_cm, self.centre_cm, self.axis)
        excess = (squared - self.squared_cm2) / np.square(np.min(step))
        core = self.core - core_fraction(
            image, positions_cm, self.centre_cm, self.reach_cm
        )
        found = ops.concatenate([shift / step, excess, core], axis=1)
        return ops.clip(4.0 * found, -_FARTHEST, _FARTHEST)


def seen_by_cells(
    axis: Axis, positions_cm: Any, pitch_cm: float, length_cm: float
) -> Tensor:
    """Returns the moments of narrow showers at the core, as the cells see them.

    Where the core lies between the cells moves a centroid and widens a shower. The
    images of Gaussian densities at the centres of the cells have such moments too. An
    inclined shower crosses the edges of cells on its way: what moves its centroid
    across is the mean over its depth. It is therefore seen at five depths.

    Args:
        axis: Where the core is.
        positions_cm: Centres of the cells (x, y), [row, column, 2].
        pitch_cm: The distance of neighbouring cells.
        length_cm: The depths are 0, 2 and 4 times this before and behind the core;
            about a radiation length. 0 for upright showers.

    Returns:
        How far centroids are from the core, along and across, and the mean squared
        distances from them, in quarters of a pitch and of its square. Of upright
        showers for two Gaussians of 0.2 and 0.3 pitches, [batch, 8]. Of inclined ones,
        for a Gaussian of 0.25 pitches, how far centroids are across at each depth, and
        then all of it for the sum of the images, [batch, 9].
    """

    def seen(image: Tensor, place_cm: Tensor) -> Tensor:
        return axis.turned(centroid(image, positions_cm) - place_cm) * (4.0 / pitch_cm)

    def both(image: Tensor) -> list[Tensor]:
        centre = centroid(image, positions_cm)
        squared = widths(image, positions_cm, centre, axis)
        return [seen(image, axis.core_cm), squared * (4.0 / pitch_cm**2) - 0.5]

    def narrow(place_cm: Tensor, width: float) -> Tensor:
        reach_cm = math.sqrt(2.0) * width * pitch_cm
        # Far outside of the detector, every cell has as much.
        return nearness(positions_cm, place_cm, reach_cm) + 1e-12

    if not length_cm:
        found = [both(narrow(axis.core_cm, width)) for width in _UPRIGHT_PITCHES]
        return ops.concatenate([one for pair in found for one in pair], axis=1)
    places = [axis.core_cm + step * length_cm * axis.direction for step in _DEPTHS]
    images = [narrow(place, _INCLINED_PITCHES) for place in places]
    across = [
        seen(image, place)[:, 1:] for image, place in zip(images, places, strict=True)
    ]
    line = sum(weight * image for weight, image in zip(_OF_DEPTHS, images, strict=True))
    return ops.concatenate([*across, *both(line)], axis=1)
