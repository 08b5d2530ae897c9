"""Layers that turn the momentum and impact point of a track into what networks see."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

_register = keras.saving.register_keras_serializable("fastsim_zoo")


def _momentum(condition: Any, indices: Sequence[int]) -> tuple[Any, Any]:
    """Returns the energy [batch, 1] and the direction [batch, 3], (0, 0, 0) at rest."""
    momentum = tf.gather(condition, indices, axis=1)
    squared = tf.reduce_sum(momentum**2, axis=1, keepdims=True)
    energy = tf.sqrt(squared)
    return energy, tf.math.divide_no_nan(momentum, energy)


@_register
class MomentumFeatures(keras.layers.Layer):
    """Returns energy and direction of a momentum as numbers of about unit size.

    The logarithm of the energy, from -1 at its lowest to 1 at its highest trained
    value, and the two transverse direction cosines times two. A spectrum that falls
    over two decades is a line in the logarithm, and the image of a shower moves and
    stretches with the direction alone.

    Args:
        momentum_conditions: Indices of the three components of the momentum [GeV].
        lowest_gev: Lowest trained energy.
        highest_gev: Highest trained energy.
    """

    def __init__(
        self,
        momentum_conditions: Sequence[int],
        lowest_gev: float,
        highest_gev: float,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.momentum_conditions = list(momentum_conditions)
        self.lowest_gev = lowest_gev
        self.highest_gev = highest_gev

    def call(self, inputs: Any) -> Any:
        """Maps conditions [batch, conditions] to [batch, 3]."""
        energy, direction = _momentum(inputs, self.momentum_conditions)
        middle = 0.5 * np.log(self.lowest_gev * self.highest_gev)
        half = 0.5 * np.log(self.highest_gev / self.lowest_gev)
        logarithm = tf.math.log(tf.maximum(energy, 1e-3 * self.lowest_gev))
        return tf.concat([(logarithm - middle) / half, 2.0 * direction[:, :2]], axis=1)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "momentum_conditions": self.momentum_conditions,
            "lowest_gev": self.lowest_gev,
            "highest_gev": self.highest_gev,
        }


@_register
class Track(keras.layers.Layer):
    """Describes every cell as it is seen from a track.

    The channels are the displacement [cm] of the cell's centre from the point where the
    track reaches the depth of the shower, along the track's inclination and across it.

    Args:
        positions_cm: Centres (x, y) of the cells, [row, column, 2].
        momentum_conditions: Indices of the three components of the momentum [GeV].
        impact_conditions: Indices of the impact point [cm].
        shower_depth_cm: See `DetectorSpec.shower_depth_cm`.

    Source: the track projection to the shower-max depth of arXiv:1812.01319, section 5.
    """

    def __init__(
        self,
        positions_cm: ArrayLike,
        momentum_conditions: Sequence[int],
        impact_conditions: Sequence[int],
        shower_depth_cm: Sequence[float],
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.positions_cm = np.asarray(positions_cm, np.float32)
        self.momentum_conditions = list(momentum_conditions)
        self.impact_conditions = list(impact_conditions)
        self.shower_depth_cm = [float(value) for value in shower_depth_cm]
        # It has no weights; a strategy wants to know before the first call.
        self.built = True

    def call(self, inputs: Any, shift_cm: Any = None) -> Any:
        """Describes cells.

        Args:
            inputs: Conditions [spec.condition_units], [batch, conditions].
            shift_cm: Added to the depth of the shower [cm], [batch, 1]; None for a
                shower of mean depth.

        Returns:
            Displacements [cm], [batch, row, column, 2].
        """
        energy, direction = _momentum(inputs, self.momentum_conditions)
        first, slope = self.shower_depth_cm
        logarithm = tf.math.log(tf.where(energy > 0.0, energy, 1.0))
        depth = first + slope * logarithm
        if shift_cm is not None:
            depth += shift_cm
        depth = tf.maximum(depth, 0.0)
        point = tf.gather(inputs, self.impact_conditions, axis=1)
        point = point + depth * direction[:, :2]
        size = tf.norm(direction[:, :2], axis=1, keepdims=True)
        axis = tf.constant([[1.0, 0.0]])
        along = tf.where(
            size > 0.0, tf.math.divide_no_nan(direction[:, :2], size), axis
        )
        across = tf.stack([-along[:, 1], along[:, 0]], axis=1)
        rows, columns, _ = self.positions_cm.shape
        cells = tf.constant(self.positions_cm.reshape(-1, 2))
        frame = tf.stack([along, across], axis=2)
        origin = tf.einsum("bi,bij->bj", point, frame)
        seen = tf.einsum("ci,bij->bcj", cells, frame) - origin[:, None]
        return tf.reshape(seen, [-1, rows, columns, 2])

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "positions_cm": self.positions_cm.tolist(),
            "momentum_conditions": self.momentum_conditions,
            "impact_conditions": self.impact_conditions,
            "shower_depth_cm": self.shower_depth_cm,
        }


@_register
class TrackMaps(keras.layers.Layer):
    """Turns the displacements of `Track` into channels of about unit size.

    The displacements along and across, each divided by the widest scale and cut at
    three of them, and one map 1 / (1 + d^2 / s^2) for every scale s, which falls with
    the distance d as the tail of a shower does.

    Args:
        scales_cm: The scales s.
    """

    def __init__(self, scales_cm: Sequence[float], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scales_cm = [float(scale) for scale in scales_cm]

    def call(self, inputs: Any) -> Any:
        """Maps [batch, row, column, 2] to [batch, row, column, 2 + scales]."""
        squared = tf.reduce_sum(inputs**2, axis=-1, keepdims=True)
        widest = max(self.scales_cm)
        maps = [tf.clip_by_value(inputs / widest, -3.0, 3.0)]
        maps += [1.0 / (1.0 + squared / scale**2) for scale in self.scales_cm]
        return tf.concat(maps, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "scales_cm": self.scales_cm}
