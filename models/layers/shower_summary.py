"""Physics numbers of showers, as a layer that a critic can learn through."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike


def size(values: Any) -> int:
    """Returns how many numbers an event has."""
    return int(np.prod(values.shape[1:]))


def soft_counts(
    encoded: Any, condition: Any, transform: Any, thresholds: Sequence[float]
) -> Any:
    """Tells how far each cell has come towards and above thresholds.

    From one threshold to the next the number grows linearly in the encoded energy from
    0 to 1, so that every hit has a slope somewhere; the first step begins at 0.

    Args:
        encoded: Encoded responses, [batch, ...].
        condition: Conditions [spec.condition_units], [batch, conditions].
        transform: Of the encoded responses.
        thresholds: Energies [spec.unit], ascending.

    Returns:
        Numbers from 0 to 1, [batch, ..., thresholds].
    """
    rank = len(encoded.shape)
    shape = [-1, *[1] * (rank - 1)]
    limits = [
        tf.reshape(
            transform.encode(
                tf.fill([tf.shape(condition)[0], *shape[1:]], one), condition
            ),
            shape,
        )
        for one in thresholds
    ]
    borders = tf.stack([tf.zeros_like(limits[0]), *limits], axis=-1)
    lower, upper = borders[..., :-1], borders[..., 1:]
    return tf.clip_by_value((encoded[..., None] - lower) / (upper - lower), 0.0, 1.0)


@keras.saving.register_keras_serializable("fastsim_zoo")
class ShowerSummary(keras.layers.Layer):
    """Computes physics numbers of encoded showers, differentiably.

    Per layer, and per ring around the impact point: the root of the energy fraction and
    of the smooth counts of hits above thresholds. Per layer: the centre of gravity
    relative to the impact point [cm]. Of the shower: the energy fraction and the mean
    distance of the energy from the impact point.

    Args:
        transform: The `data.transforms.mean_response.Calibrated` of the encoded
            showers.
        positions_cm: Centres (x, y) of the cells, [row, column, 2].
        impact_conditions: Indices of the conditions that hold the impact point [cm].
        ring_edges_cm: Radii between the rings, ascending.
        thresholds: Energies above which hits are counted [spec.unit], ascending.
    """

    def __init__(
        self,
        transform: Any,
        positions_cm: ArrayLike,
        impact_conditions: Sequence[int],
        ring_edges_cm: Sequence[float],
        thresholds: Sequence[float],
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.transform = transform
        self.positions_cm = np.asarray(positions_cm, np.float32)
        self.impact_conditions = list(impact_conditions)
        self.ring_edges_cm = [float(edge) for edge in ring_edges_cm]
        self.thresholds = [float(value) for value in thresholds]
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
        counts = soft_counts(encoded, condition, self.transform, self.thresholds)
        numbers = self.positions_cm.shape[0] * self.positions_cm.shape[1]
        hits = tf.matmul(
            tf.reshape(rings, [-1, numbers, rings.shape[-1]]),
            tf.reshape(counts, [-1, numbers, counts.shape[3] * counts.shape[4]]),
            transpose_a=True,
        )
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
                6.0 * tf.reshape(tf.sqrt(energies + 1e-4), [-1, size(energies)]),
                2.0 * tf.reshape(tf.sqrt(hits + 0.5), [-1, size(hits)]),
                3.0 * tf.reshape(centre, [-1, size(centre)]),
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
            "thresholds": self.thresholds,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "ShowerSummary":
        """Makes the layer from `get_config`."""
        transform = keras.saving.deserialize_keras_object(config.pop("transform"))
        return cls(transform=transform, **config)


@keras.saving.register_keras_serializable("fastsim_zoo")
class FractionRoots(keras.layers.Layer):
    """Shows the cores of showers: the root of each cell's fraction of the energy.

    What is linear in the energy weighs the cells as the observables do.

    Args:
        transform: The `data.transforms.mean_response.Calibrated` of the encoded
            showers.
    """

    def __init__(self, transform: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.transform = transform
        self.built = True

    def call(self, encoded: Any, condition: Any) -> Any:
        """Maps encoded responses [batch, ...] to numbers of the same shape."""
        response = self.transform.decode(encoded, condition)
        fraction = response / self.transform.expected_response(
            condition, len(encoded.shape)
        )
        # At 0 a root has no slope.
        return 3.0 * (tf.sqrt(fraction + 1e-3) - np.sqrt(1e-3))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        transform = keras.saving.serialize_keras_object(self.transform)
        return {**super().get_config(), "transform": transform}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "FractionRoots":
        """Makes the layer from `get_config`."""
        transform = keras.saving.deserialize_keras_object(config.pop("transform"))
        return cls(transform=transform, **config)
