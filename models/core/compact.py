"""A small, fast generator of calorimeter images that knows where the track went."""

import dataclasses
import math
from typing import Any

import keras
import tensorflow as tf

from data.spec import DetectorSpec
from data.transform import RootOfEnergy
from models.core import layers, networks
from models.core.tracks import TrackMaps

_register = keras.saving.register_keras_serializable("fastsim_zoo")
_FINE = 4


@dataclasses.dataclass(frozen=True)
class CompactGenerator:
    """Sizes of the generator; it works on blocks of 2 x 2 cells.

    Attributes:
        noise: Noise values of a shower as a whole.
        noise_maps: Noise values per cell, at least one.
        dense: Widths of the dense layers that see conditions and noise.
        channels: Channels of the image that they draw.
        filters: Widths of the convolutions of size 3 after it.
        energy: Widths of the dense layers that predict the visible energy.
        scales_cm: See `tracks.TrackMaps`.
    """

    noise: int
    noise_maps: int
    dense: tuple[int, ...]
    channels: int
    filters: tuple[int, ...]
    energy: tuple[int, ...]
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
        seen = networks.track(condition, spec, block=2)
        maps = keras.layers.Reshape((*blocks, _FINE * self.noise_maps))(
            random[:, self.noise :]
        )
        y = keras.layers.Concatenate()([drawn, TrackMaps(self.scales_cm)(seen), maps])
        for width in self.filters:
            y = networks.leaky(keras.layers.Conv2D(width, 3, padding="same")(y))
        y = keras.layers.Conv2D(2 * _FINE, 3, padding="same")(y)
        y = layers.HitGate()(DepthToSpace()(y), DepthToSpace()(maps[..., :_FINE]))
        y = keras.layers.Reshape(spec.shape)(y)
        energy = self._visible_energy(shower)
        y = ScaleToEnergy(transform)(y, energy, condition)
        return keras.Model([condition, random], y, name="generator")

    def _visible_energy(self, shower: Any) -> Any:
        """Predicts visible / expected energy, [batch, 1]; 1 at first."""
        x = shower
        for width in self.energy:
            x = networks.leaky(keras.layers.Dense(width)(x))
        bias = keras.initializers.Constant(math.log(math.expm1(1.0)))
        return keras.layers.Dense(1, activation="softplus", bias_initializer=bias)(x)


@_register
class DepthToSpace(keras.layers.Layer):
    """Spreads four groups of channels over the four cells of a block."""

    def call(self, inputs: Any) -> Any:
        """Maps [batch, row, column, 4 n] to [batch, 2 row, 2 column, n]."""
        return tf.nn.depth_to_space(inputs, 2)


@_register
class ScaleToEnergy(keras.layers.Layer):
    """Scales all cells of an image so that they add up to a given energy.

    Args:
        transform: The `data.transform.RootOfEnergy` of the cells.
    """

    def __init__(self, transform: Any, **kwargs: Any) -> None:
        """See the class."""
        super().__init__(**kwargs)
        self.transform = transform
        self.built = True

    def call(self, cells: Any, share: Any, condition: Any) -> Any:
        """Scales cells.

        Args:
            cells: Encoded responses, [batch, row, column].
            share: Wanted visible / expected energy, [batch, 1].
            condition: Conditions [spec.condition_units], [batch, conditions].

        Returns:
            Encoded responses, [batch, row, column].
        """
        wanted = share * self.transform.expected_response(condition, 2)
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
