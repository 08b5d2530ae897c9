"""Physics numbers of showers, as a layer that a critic can learn through."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike


def _size(values: Any) -> int:
    """Returns how many numbers an event has."""
    return int(np.prod(values.shape[1:]))


@keras.saving.register_keras_serializable("fastsim_zoo")
class ShowerSummary(keras.layers.Layer):
    """Computes physics numbers of encoded showers, differentiably.

    Per layer, and per ring around the impact point: the root of the energy fraction and
    a smooth count of the hits. Per layer: the centre of gravity relative to the impact
    point [cm]. Of the shower: the energy fraction and the mean distance of the energy
    from the impact point.

    Args:
        transform: The `data.transform.PowerOfFraction` of the encoded showers.
        positions_cm: Centres (x, y) of the cells, [row, column, 2].
        impact_conditions: Indices of the conditions that hold the impact point [cm].
        ring_edges_cm: Radii between the rings, ascending.
    """

    def __init__(
        self,
        transform: Any,
        positions_cm: ArrayLike,
        impact_conditions: Sequence[int],
        ring_edges_cm: Sequence[float],
        **kwargs: Any,
    ) -> None:
        """See the class."""
        super().__init__(**kwargs)
        self.transform = transform
        self.positions_cm = np.asarray(positions_cm, np.float32)
        self.impact_conditions = list(impact_conditions)
        self.ring_edges_cm = [float(edge) for edge in ring_edges_cm]
        self.built = True

    def call(self, encoded: Any, condition: Any) -> Any:
        """Maps showers [batch, row, column, layer] to [batch, numbers]."""
        fraction = self.transform.decode(encoded, condition)
        fraction = fraction / self.transform.expected_response(condition, 4)
        impact = tf.gather(condition, self.impact_conditions, axis=1)[:, None, None]
        displacement = self.positions_cm - impact
        distance = tf.norm(displacement, axis=-1)
        edges = tf.constant([-1.0, *self.ring_edges_cm, np.inf])
        outside = distance[..., None] > edges
        rings = tf.cast(outside[..., :-1] & ~outside[..., 1:], encoded.dtype)
        energies = tf.einsum("brcl,brck->blk", fraction, rings)
        hits = tf.einsum("brcl,brck->blk", tf.tanh(encoded / 0.05), rings)
        layers = tf.reduce_sum(energies, axis=2)
        total = tf.reduce_sum(layers, axis=1, keepdims=True)
        moments = tf.einsum("brcl,brcx->blx", fraction, displacement)
        # Layers without energy have no centre: their moment fades to zero instead.
        centre = moments / (layers[..., None] + 1e-2)
        plane = tf.reduce_sum(fraction, axis=3)
        radius = tf.reduce_sum(plane * distance, axis=(1, 2))[:, None] / (total + 1e-2)
        # The factors bring the spread between showers to about one.
        return tf.concat(
            [
                6.0 * tf.sqrt(layers + 1e-4),
                6.0 * tf.reshape(tf.sqrt(energies + 1e-4), [-1, _size(energies)]),
                0.3 * tf.reshape(hits, [-1, _size(hits)]),
                3.0 * tf.reshape(centre, [-1, _size(centre)]),
                5.0 * (radius - 1.4),
                12.0 * (total - 1.0),
            ],
            axis=-1,
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "transform": keras.saving.serialize_keras_object(self.transform),
            "positions_cm": self.positions_cm.tolist(),
            "impact_conditions": self.impact_conditions,
            "ring_edges_cm": self.ring_edges_cm,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "ShowerSummary":
        """Makes the layer from `get_config`."""
        transform = keras.saving.deserialize_keras_object(config.pop("transform"))
        return cls(transform=transform, **config)
