"""A small, fast generator of calorimeter images that knows where the track went."""

import dataclasses
from typing import Any

import keras
import tensorflow as tf

from data.spec import DetectorSpec
from data.transform import RootOfEnergy
from models.core import layers, networks
from models.core.tracks import TrackMaps

_register = keras.saving.register_keras_serializable("fastsim_zoo")
_FINE = 4
_STOCHASTIC_TERM = 0.1


@dataclasses.dataclass(frozen=True)
class CompactGenerator:
    """Sizes of the generator; it works on blocks of 2 x 2 cells.

    Attributes:
        noise: Noise values of a shower as a whole.
        noise_maps: Noise values per cell, at least one.
        dense: Widths of the dense layers that see conditions and noise.
        channels: Channels of the image that they draw.
        filters: Widths of the convolutions of size 3 after it.
        fluctuations: Widths of the dense layers that draw the visible energy and the
            depth of a shower.
        scales_cm: See `tracks.TrackMaps`.
    """

    noise: int
    noise_maps: int
    dense: tuple[int, ...]
    channels: int
    filters: tuple[int, ...]
    fluctuations: tuple[int, ...]
    scales_cm: tuple[float, ...]

    def build(self, spec: DetectorSpec, transform: RootOfEnergy) -> keras.Model:
        """Builds the generator.

        Args:
            spec: The detector, with responses [row, column].
            transform: Of the encoded responses.

        Returns:
            A functional model with inputs [batch, conditions] and [batch, noise] and
            outputs [batch, row, column].

        Raises:
            ValueError: If the sizes do not fit the detector or the transform.
        """
        rows, columns = spec.shape
        if rows % 2 or columns % 2 or self.noise_maps < 1:
            raise ValueError(
                "the compact generator needs an even number of rows and columns and at "
                f"least one noise map, received {spec.shape} and {self.noise_maps}"
            )
        if not isinstance(transform, RootOfEnergy):
            raise ValueError(
                "the compact generator needs transform=root, which keeps the visible "
                f"energy, received {type(transform).__name__}"
            )
        blocks = (rows // 2, columns // 2)
        maps_size = rows * columns * self.noise_maps
        condition = keras.Input((len(spec.condition_names),), name="condition")
        random = keras.Input((self.noise + maps_size,), name="noise")
        scaled = networks.scaled_condition(condition, spec)
        shower = keras.layers.Concatenate()([scaled, random[:, : self.noise]])
        x = shower
        for width in self.dense:
            x = networks.leaky(keras.layers.Dense(width)(x))
        x = keras.layers.Dense(blocks[0] * blocks[1] * self.channels)(x)
        drawn = keras.layers.Reshape((*blocks, self.channels))(networks.leaky(x))
        deviation, depth = self._fluctuations(shower)
        seen = networks.track(condition, spec, block=2, shift_cm=depth)
        maps = keras.layers.Reshape((*blocks, _FINE * self.noise_maps))(
            random[:, self.noise :]
        )
        y = keras.layers.Concatenate()([drawn, TrackMaps(self.scales_cm)(seen), maps])
        for width in self.filters:
            y = networks.leaky(keras.layers.Conv2D(width, 3, padding="same")(y))
        y = keras.layers.Conv2D(2 * _FINE, 3, padding="same")(y)
        y = layers.HitGate()(DepthToSpace()(y), DepthToSpace()(maps[..., :_FINE]))
        y = keras.layers.Reshape(spec.shape)(y)
        y = ScaleToEnergy(transform)(y, deviation, condition)
        return keras.Model([condition, random], y, name="generator")

    def _fluctuations(self, shower: Any) -> tuple[Any, Any]:
        """Draws what changes a shower as a whole, each [batch, 1].

        Returns:
            The deviation of its visible energy, see `ScaleToEnergy`, and of its depth
            [cm].
        """
        x = shower
        for width in self.fluctuations:
            x = networks.leaky(keras.layers.Dense(width)(x))
        return keras.layers.Dense(1)(x), keras.layers.Dense(1)(x)


@_register
class DepthToSpace(keras.layers.Layer):
    """Spreads four groups of channels over the four cells of a block."""

    def call(self, inputs: Any) -> Any:
        """Maps [batch, row, column, 4 n] to [batch, 2 row, 2 column, n]."""
        return tf.nn.depth_to_space(inputs, 2)


@_register
class ScaleToEnergy(keras.layers.Layer):
    """Scales all cells of an image so that they add up to a given energy.

    The energy is the expected one plus so many standard deviations of 10 % / sqrt(E):
    a sampling calorimeter's resolution goes with the root of the energy, which a
    network that sees the logarithm of E would have to learn.

    Args:
        transform: The `data.transform.RootOfEnergy` of the cells.
    """

    def __init__(self, transform: Any, **kwargs: Any) -> None:
        """See the class."""
        super().__init__(**kwargs)
        self.transform = transform
        self.built = True

    def call(self, cells: Any, deviation: Any, condition: Any) -> Any:
        """Scales cells.

        Args:
            cells: Encoded responses, [batch, row, column].
            deviation: Of the visible energy in units of the resolution, [batch, 1].
            condition: Conditions [spec.condition_units], [batch, conditions].

        Returns:
            Encoded responses, [batch, row, column].
        """
        expected = self.transform.expected_response(condition, 2)
        energy_gev = expected / self.transform.response_per_gev
        width = _STOCHASTIC_TERM * tf.math.rsqrt(energy_gev + 1e-3)
        # Not 0, where a root has no slope.
        wanted = expected * tf.maximum(1.0 + width * deviation, 1e-3)
        response = self.transform.decode(cells, condition)
        # A shower without any hit stays empty.
        found = tf.reduce_sum(response, axis=(1, 2))[:, None] + 1e-9
        factor = (wanted / found) ** (1.0 / self.transform.power)
        return cells * factor[:, :, None]

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        transform = keras.saving.serialize_keras_object(self.transform)
        return {**super().get_config(), "transform": transform}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "ScaleToEnergy":
        """Makes the layer from `get_config`."""
        transform = keras.saving.deserialize_keras_object(config.pop("transform"))
        return cls(transform=transform, **config)
