"""Building blocks of generators, critics and constrainers."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from data.detectors.spec import DetectorSpec
from models.layers import geometry, locally_connected, tracks
from models.layers.cell_bias import CellBias
from models.networks import replicas

Tensor = Any

_LARGEST_REGISTER = 16
_ENERGY = "energy_gev"


def normal(count: Tensor, size: int, seed: Tensor, parts: int = 1) -> Tensor:
    """Draws standard normal numbers, by Box and Muller's method.

    `tf.random.stateless_normal` gives the same distribution, several times slower.

    Args:
        count: Number of rows; fewer rows are a prefix of more.
        size: Number of columns.
        seed: int32 [2].
        parts: See `replicas.uniform`: several replicas share one draw.

    Returns:
        float32 [count, size].
    """
    half = (size + 1) // 2
    uniform = replicas.uniform(count, 2 * half, seed, parts)
    # What does not fill a vector register is rounded otherwise: with whole registers a
    # row does not depend on the number of rows.
    margin = [(0, 0), (0, -half % _LARGEST_REGISTER)]
    first, second = (tf.pad(part, margin) for part in tf.split(uniform, 2, axis=1))
    # The numbers are in [0, 1): without 1 - x, the logarithm would meet a zero.
    radius = tf.sqrt(-2.0 * tf.math.log(1.0 - first))
    angle = 2.0 * np.pi * second
    drawn = [radius * tf.cos(angle), radius * tf.sin(angle)]
    return tf.concat([drawn[0][:, :half], drawn[1][:, : size - half]], axis=1)


def leaky(x: Tensor) -> Tensor:
    """Applies the LeakyReLU of slope 0.2 that all networks share."""
    return keras.layers.LeakyReLU(negative_slope=0.2)(x)


def normalised(x: Tensor, kind: str) -> Tensor:
    """Applies a normalisation by name.

    Args:
        x: Activations.
        kind: "batch", "layer" (of one event: all cells and channels) or "none".

    Raises:
        ValueError: If there is no such normalisation.
    """
    if kind == "batch":
        # A critic step sees the generator with its running statistics: those of the
        # last ten steps, for older ones are another generator's.
        return keras.layers.BatchNormalization(momentum=0.9)(x)
    if kind == "layer":
        # Over the whole map, with a scale and an offset per channel: one that is over
        # the channels of a cell alone would hide how much energy the cell has.
        return keras.layers.GroupNormalization(groups=1, epsilon=1e-6)(x)
    if kind == "none":
        return x
    raise ValueError(f"unknown normalisation {kind!r}; known: batch, layer, none")


def scaled_condition(condition: Tensor, spec: DetectorSpec) -> Tensor:
    """Scales conditions to about (-1, 1) by the detector's domain.

    A momentum becomes the logarithm of its energy and its direction, see
    `tracks.MomentumFeatures`.

    Args:
        condition: Conditions [spec.condition_units], [batch, conditions].
        spec: The detector.

    Returns:
        As many numbers as there are conditions, [batch, conditions].

    Raises:
        ValueError: If the domain does not limit every condition.
    """
    bounded = {d.name: d for d in spec.domain if np.isfinite(d.high - d.low)}
    momentum = spec.energy_conditions if len(spec.energy_conditions) == 3 else ()
    wanted = [n for i, n in enumerate(spec.condition_names) if i not in momentum]
    energy = [_ENERGY] if momentum else []
    missing = [name for name in [*energy, *wanted] if name not in bounded]
    if missing:
        raise ValueError(
            f"detector {spec.name!r} has no finite domain for {', '.join(missing)}: "
            "the networks scale conditions by their range; add one"
        )
    ranges = [bounded[name] for name in wanted]
    offset = [0.5 * (limit.low + limit.high) for limit in ranges]
    scale = [0.5 * (limit.high - limit.low) for limit in ranges]
    if not momentum:
        return geometry.ScaleConditions(offset, scale)(condition)
    columns = [spec.condition_names.index(name) for name in wanted]
    rest = keras.ops.take(condition, columns, axis=1)
    limits = bounded[_ENERGY].low, bounded[_ENERGY].high
    features = tracks.MomentumFeatures(momentum, *limits)(condition)
    return keras.layers.Concatenate()(
        [features, geometry.ScaleConditions(offset, scale)(rest)]
    )


def track_layer(spec: DetectorSpec, block: int = 1) -> tracks.Track:
    """Makes the layer that describes every cell as seen from the track.

    Args:
        spec: The detector, with responses [row, column].
        block: Cells along each side of a block that counts as one.

    Raises:
        ValueError: If the depth of its showers is not known or it has no impact point.
    """
    if spec.shower_depth_cm is None:
        raise ValueError(
            f"detector {spec.name!r} has no shower_depth_cm, which this model needs to "
            "follow the track; give the file that attribute"
        )
    rows, columns = (size // block for size in spec.shape)
    plane = spec.positions_cm[..., :2].reshape(rows, block, columns, block, 2)
    return tracks.Track(
        plane.mean(axis=(1, 3)),
        spec.energy_conditions,
        impact_conditions(spec),
        spec.shower_depth_cm,
    )


def track(
    condition: Tensor,
    spec: DetectorSpec,
    block: int = 1,
    shift_cm: Tensor | None = None,
) -> Tensor:
    """Describes every cell as seen from the track, see `tracks.Track`.

    Args:
        condition: Conditions [spec.condition_units], [batch, conditions].
        spec: See `track_layer`.
        block: See `track_layer`.
        shift_cm: Deviation of the shower's depth from the mean [cm], [batch, 1].

    Returns:
        Displacements along and across [cm], [batch, row, column, 2] of blocks.
    """
    seen = track_layer(spec, block)
    return seen(condition) if shift_cm is None else seen(condition, shift_cm)


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
    return geometry.ImpactMaps(positions, impact_conditions(spec), scales_cm)(condition)


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

    The transposed convolutions but for the last have a bias per cell and channel, as in
    the code of arXiv:1807.01954, and the dense layers are not normalised.

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
    x = leaky(keras.layers.Dense(hidden)(x))
    x = leaky(keras.layers.Dense(rows * columns * channels)(x))
    x = keras.layers.Reshape((rows, columns, channels))(x)
    for number, width in enumerate(filters, start=1):
        last = number == len(filters)
        x = keras.layers.Conv2DTranspose(
            width, 3, strides=2, padding="same", use_bias=last
        )(x)
        x = leaky(normalised(x if last else CellBias()(x), normalisation))
    kernel = (rows * factor - grid[0] + 1, columns * factor - grid[1] + 1)
    x = keras.layers.Conv2D(outputs, kernel)(x)
    return leaky(normalised(x, normalisation))


def layer_branches(
    x: Tensor,
    count: int,
    grid: Sequence[int],
    hidden: int,
    channels: int,
    filters: Sequence[int],
    outputs: int,
    normalisation: str,
    start: Sequence[int] = (),
) -> list[Tensor]:
    """Grows an image for every detector layer, each with a network of its own.

    Without transposed convolutions the branches are dense and computed at once, see
    `layers.DenseBranches`.

    Args:
        x: Conditions and noise, [batch, features].
        count: Number of detector layers.
        grid: See `layer_branch`, as all that follow.
        hidden: Width of a branch's first dense layer.
        channels: Unused without filters.
        filters: May be empty.
        outputs: Channels of a detector layer.
        normalisation: "none" without filters.
        start: Unused without filters.

    Returns:
        Images [batch, *grid, channels] with count * outputs channels in all.

    Raises:
        ValueError: If a normalisation is wanted without filters.
    """
    if filters:
        return [
            layer_branch(
                x, grid, hidden, channels, filters, outputs, normalisation, start
            )
            for _ in range(count)
        ]
    if normalisation != "none":
        raise ValueError(
            f"generator_normalisation={normalisation!r} needs branch_filters; give "
            "some or set generator_normalisation=none"
        )
    return [locally_connected.DenseBranches(count, hidden, grid, outputs)(x)]
