"""Layers that know the geometry of a detector: its conditions, cells and impact."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

_register = keras.saving.register_keras_serializable("fastsim_zoo")


@_register
class ScaleConditions(keras.layers.Layer):
    """Shifts and scales conditions to about unit size.

    Args:
        offset: Subtracted from the conditions [condition units].
        scale: Then divides them [condition units].
    """

    def __init__(
        self, offset: Sequence[float], scale: Sequence[float], **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.offset = [float(value) for value in offset]
        self.scale = [float(value) for value in scale]

    def call(self, inputs: Any) -> Any:
        """Applies the layer to [batch, conditions]."""
        offset = tf.constant(self.offset, inputs.dtype)
        return (inputs - offset) / tf.constant(self.scale, inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "offset": self.offset, "scale": self.scale}


@_register
class CellMask(keras.layers.Layer):
    """Sets the cells outside an acceptance to zero.

    Args:
        accepted: The cells to keep, bool or 0/1 [*shape].
    """

    def __init__(self, accepted: ArrayLike, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.accepted = np.asarray(accepted, bool)

    def call(self, inputs: Any) -> Any:
        """Applies the layer to [batch, *shape]."""
        return inputs * tf.constant(self.accepted, inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        accepted = self.accepted.astype(int).tolist()
        return {**super().get_config(), "accepted": accepted}


@_register
class ImpactMaps(keras.layers.Layer):
    """Draws, for every cell, where the particle hit as seen from that cell.

    The channels are the displacement from the impact point in x and y, each divided by
    the widest scale and cut at three of them, and one Gaussian exp(-d^2 / 2 s^2) for
    every scale s. With them a convolution can place a shower at any impact point.

    Args:
        positions_cm: Centres (x, y) of the cells, [row, column, 2].
        impact_conditions: Indices of the conditions that hold the impact point [cm].
        scales_cm: Widths s of the Gaussians.
    """

    def __init__(
        self,
        positions_cm: ArrayLike,
        impact_conditions: Sequence[int],
        scales_cm: Sequence[float],
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.positions_cm = np.asarray(positions_cm, np.float32)
        self.impact_conditions = list(impact_conditions)
        self.scales_cm = [float(scale) for scale in scales_cm]

    def call(self, inputs: Any) -> Any:
        """Maps conditions [batch, conditions] to [batch, row, column, channels]."""
        impact = tf.gather(inputs, self.impact_conditions, axis=1)[:, None, None]
        displacement = tf.constant(self.positions_cm) - impact
        squared = tf.reduce_sum(displacement**2, axis=-1, keepdims=True)
        widest = max(self.scales_cm)
        maps = [tf.clip_by_value(displacement / widest, -3.0, 3.0)]
        maps += [tf.exp(-0.5 * squared / scale**2) for scale in self.scales_cm]
        return tf.concat(maps, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "positions_cm": self.positions_cm.tolist(),
            "impact_conditions": self.impact_conditions,
            "scales_cm": self.scales_cm,
        }


@_register
class CellEmbedding(keras.layers.Layer):
    """Appends learned channels that tell one cell from another.

    On a staggered grid the neighbours of even and odd columns lie differently, which a
    convolution alone cannot see.

    Args:
        channels: Number of channels to append.
    """

    def __init__(self, channels: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.channels = channels

    def build(self, input_shape: Sequence[int]) -> None:
        """Makes the map of channels."""
        self.embedding = self.add_weight(
            shape=(*input_shape[1:3], self.channels),
            initializer=keras.initializers.RandomNormal(stddev=0.3),
            name="embedding",
        )

    def call(self, inputs: Any) -> Any:
        """Applies the layer to [batch, row, column, channel]."""
        shape = (tf.shape(inputs)[0], *self.embedding.shape)
        embedding = tf.broadcast_to(self.embedding, shape)
        return tf.concat([inputs, tf.cast(embedding, inputs.dtype)], axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "channels": self.channels}
