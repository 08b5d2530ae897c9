"""Building blocks of generators, critics and constrainers."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from data.spec import DetectorSpec
from models.core import layers

Tensor = Any


def leaky(x: Tensor) -> Tensor:
    """Applies the LeakyReLU of slope 0.2 that all networks share."""
    return keras.layers.LeakyReLU(negative_slope=0.2)(x)


def normalised(x: Tensor, kind: str) -> Tensor:
    """Applies a normalisation by name.

    Args:
        x: Activations.
        kind: "batch", "layer" or "none".

    Raises:
        ValueError: If there is no such normalisation.
    """
    if kind == "batch":
        return keras.layers.BatchNormalization()(x)
    if kind == "layer":
        return keras.layers.LayerNormalization()(x)
    if kind == "none":
        return x
    raise ValueError(f"unknown normalisation {kind!r}; known: batch, layer, none")


def scaled_condition(condition: Tensor, spec: DetectorSpec) -> Tensor:
    """Scales conditions to about (-1, 1) by the detector's domain.

    Args:
        condition: Conditions [spec.condition_units], [batch, conditions].
        spec: The detector.

    Raises:
        ValueError: If the domain does not limit every condition.
    """
    limits = {limit.name: limit for limit in spec.domain}
    bounded = {name for name, d in limits.items() if np.isfinite(d.high - d.low)}
    missing = [name for name in spec.condition_names if name not in bounded]
    if missing:
        raise ValueError(
            f"detector {spec.name!r} has no finite domain for {', '.join(missing)}: "
            "the networks scale conditions by their range; add one"
        )
    ranges = [limits[name] for name in spec.condition_names]
    offset = [0.5 * (limit.low + limit.high) for limit in ranges]
    scale = [0.5 * (limit.high - limit.low) for limit in ranges]
    return layers.ScaleConditions(offset, scale)(condition)


def impact_conditions(spec: DetectorSpec) -> list[int]:
    """Returns the indices of the conditions that hold the impact point.

    Raises:
        ValueError: If the detector has none.
    """
    wanted = ("impact_x_cm", "impact_y_cm")
    if not set(wanted) <= set(spec.condition_names):
        raise ValueError(
            f"detector {spec.name!r} has no conditions impact_x_cm and impact_y_cm, "
            "which this model needs"
        )
    return [spec.condition_names.index(name) for name in wanted]


def impact_maps(
    condition: Tensor, spec: DetectorSpec, scales_cm: Sequence[float]
) -> Tensor:
    """Draws the impact point into an image, see `layers.ImpactMaps`."""
    positions = spec.positions_cm[:, :, 0, :2]
    return layers.ImpactMaps(positions, impact_conditions(spec), scales_cm)(condition)


def layer_branch(
    x: Tensor,
    grid: Sequence[int],
    hidden: int,
    channels: int,
    filters: Sequence[int],
    outputs: int,
    normalisation: str,
    start: Sequence[int] = (),
) -> Tensor:
    """Grows an image from a vector: dense, strided transposed convolutions, one crop.

    Args:
        x: Conditions and noise, [batch, features].
        grid: Rows and columns of the result.
        hidden: Width of the first dense layer.
        channels: Channels of the small image that the second dense layer makes.
        filters: Widths of the transposed convolutions, each doubling the image.
        outputs: Channels of the result.
        normalisation: See `normalised`.
        start: Rows and columns of the small image; the smallest that fit by default.

    Returns:
        Images [batch, *grid, outputs].
    """
    factor = 2 ** len(filters)
    rows, columns = start or [int(np.ceil(size / factor)) for size in grid]
    x = leaky(normalised(keras.layers.Dense(hidden)(x), normalisation))
    x = leaky(
        normalised(keras.layers.Dense(rows * columns * channels)(x), normalisation)
    )
    x = keras.layers.Reshape((rows, columns, channels))(x)
    for width in filters:
        x = keras.layers.Conv2DTranspose(width, 3, strides=2, padding="same")(x)
        x = leaky(normalised(x, normalisation))
    kernel = (rows * factor - grid[0] + 1, columns * factor - grid[1] + 1)
    x = keras.layers.Conv2D(outputs, kernel)(x)
    return leaky(normalised(x, normalisation))
