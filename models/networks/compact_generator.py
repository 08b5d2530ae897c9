"""A small, fast generator of calorimeter images that knows where the track went."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from data.detectors.spec import DetectorSpec
from data.transforms.base import Transform
from data.transforms.spectrum_table import SpectrumTable
from models.layers import filling
from models.layers.shower_statistics import InclinedStatistics
from models.layers.tracks import TrackMaps
from models.networks import building_blocks, statistics_network

_register = keras.saving.register_keras_serializable("fastsim_zoo")
_FINE = 4


def image_statistics(
    spec: DetectorSpec, transform: Transform, thresholds: Sequence[float]
) -> InclinedStatistics:
    """Builds what computes the statistics of an image.

    Args:
        spec: The detector, with responses [row, column].
        transform: Of the encoded responses.
        thresholds: Energies above which hits are counted [spec.unit].

    Raises:
        ValueError: If the transform is not the table of a spectrum.
    """
    if not isinstance(transform, SpectrumTable):
        raise ValueError(
            "the compact generator needs transform=spectrum, in which hits have a "
            f"density, received {type(transform).__name__}"
        )
    return InclinedStatistics(
        transform,
        spec.positions_cm[..., :2],
        building_blocks.impact_conditions(spec),
        thresholds,
        1,
        track=building_blocks.track_layer(spec),
    )


@dataclasses.dataclass(frozen=True)
class CompactGenerator:
    """Sizes of the generator; it works on blocks of 2 x 2 cells.

    It fills in a shower of statistics that were drawn before, see `statistics_network`.

    Attributes:
        noise: Noise dimension of a shower as a whole, besides that of the statistics.
        noise_maps: Noise dimension of a cell, at least one.
        dense: Widths of the dense layers that see conditions, statistics and noise.
        channels: Channels of the image that they draw.
        filters: Widths of the convolutions of size 3 after it.
        statistics_hidden: Width of the hidden layers that draw the statistics.
        scales_cm: See `tracks.TrackMaps`.
        core: See `filling.move_core` [spec.unit].
    """

    noise: int
    noise_maps: int
    dense: tuple[int, ...]
    channels: int
    filters: tuple[int, ...]
    statistics_hidden: int
    scales_cm: tuple[float, ...]
    core: float

    def build(self, spec: DetectorSpec, statistics: InclinedStatistics) -> keras.Model:
        """Builds the generator.

        Args:
            spec: The detector, with responses [row, column].
            statistics: From `image_statistics`.

        Returns:
            A functional model with inputs [batch, conditions] and [batch, noise] and
            outputs [batch, row, column].

        Raises:
            ValueError: If the sizes do not fit the detector.
        """
        rows, columns = spec.shape
        if rows % 2 or columns % 2 or self.noise_maps < 1:
            raise ValueError(
                "the compact generator needs an even number of rows and columns and at "
                f"least one noise map, received {spec.shape} and {self.noise_maps}"
            )
        blocks = (rows // 2, columns // 2)
        condition = keras.Input((len(spec.condition_names),), name="condition")
        told = statistics_network.Told(
            condition,
            spec,
            statistics,
            self.statistics_hidden,
            self.noise,
            rows * columns * self.noise_maps,
        )
        x = told.shower
        for width in self.dense:
            x = building_blocks.leaky(keras.layers.Dense(width)(x))
        depth = keras.layers.Dense(1)(x)
        x = keras.layers.Dense(blocks[0] * blocks[1] * self.channels)(x)
        image = keras.layers.Reshape((*blocks, self.channels))(building_blocks.leaky(x))
        seen = building_blocks.track(condition, spec, block=2, shift_cm=depth)
        shape = (*blocks, _FINE * self.noise_maps)
        maps = keras.layers.Reshape(shape)(told.maps)
        y = keras.layers.Concatenate()([image, TrackMaps(self.scales_cm)(seen), maps])
        for width in self.filters:
            y = building_blocks.leaky(keras.layers.Conv2D(width, 3, padding="same")(y))
        y = keras.layers.Conv2D(2 * _FINE, 3, padding="same")(y)
        accepted = spec.acceptance("mask")
        y = filling.FillShower(statistics, accepted, self.core)(
            DepthToSpace()(y), DepthToSpace()(maps[..., :_FINE]), told.drawn, condition
        )
        return keras.Model([condition, told.noise], y, name="generator")


@_register
class DepthToSpace(keras.layers.Layer):
    """Spreads four groups of channels over the four cells of a block."""

    def call(self, inputs: Any) -> Any:
        """Maps [batch, row, column, 4 n] to [batch, 2 row, 2 column, n]."""
        return tf.nn.depth_to_space(inputs, 2)
