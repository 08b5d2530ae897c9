"""Physics numbers of images, as a layer that a critic can learn through."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from models.layers.shower_summary import size, soft_counts


@keras.saving.register_keras_serializable("fastsim_zoo")
class ImageSummary(keras.layers.Layer):
    """Computes physics numbers of encoded images relative to their track.

    Of the shower: the visible over the expected energy, in units of the stochastic
    term; centre of gravity, width and asymmetry along and across the inclination; the
    fraction of the hottest cell. Of rings around the track: the roots of the fraction
    of the energy and of smooth counts of the hits above thresholds.
    All are smooth: the critic's gradient tells the generator how to change them.

    Args:
        transform: The `data.transforms.mean_response.Calibrated` of the encoded images.
        thresholds: Energies that the counted cells exceed [spec.unit], ascending.
        ring_edges_cm: Radii between the rings, ascending.

    Source: the statistics of arXiv:1812.01319, section 5.
    """

    def __init__(
        self,
        transform: Any,
        thresholds: Sequence[float],
        ring_edges_cm: Sequence[float],
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.transform = transform
        self.thresholds = [float(value) for value in thresholds]
        self.ring_edges_cm = [float(edge) for edge in ring_edges_cm]
        self.built = True

    def call(self, encoded: Any, seen: Any, condition: Any) -> Any:
        """Maps images to numbers of about unit spread.

        Args:
            encoded: Encoded responses, [batch, row, column].
            seen: Displacements from the track, see `tracks.Track`.
            condition: Conditions [spec.condition_units], [batch, conditions].

        Returns:
            [batch, numbers].
        """
        cells = int(np.prod(encoded.shape[1:]))
        expected = self.transform.expected_response(condition, 2)
        energy_gev = expected / self.transform.response_per_gev
        flat = tf.reshape(encoded, [-1, cells])
        fraction = self.transform.decode(flat, condition) / expected
        along, across = tf.unstack(tf.reshape(seen, [-1, cells, 2]), axis=-1)
        distance = tf.sqrt(along**2 + across**2)
        edges = tf.constant([-1.0, *self.ring_edges_cm, np.inf])
        outside = distance[..., None] > edges
        rings = tf.cast(outside[..., :-1] & ~outside[..., 1:], encoded.dtype)
        moments = tf.stack(
            [along, across, along**2, across**2, tf.sign(along), tf.sign(across)], -1
        )
        total = tf.reduce_sum(fraction, axis=1, keepdims=True)
        # An empty image has no centre: its moments fade to zero instead.
        shape = tf.einsum("bc,bcm->bm", fraction, moments) / (total + 1e-2)
        variance = tf.nn.relu(shape[:, 2:4] - shape[:, :2] ** 2)
        counts = soft_counts(flat, condition, self.transform, self.thresholds)
        counts = tf.matmul(rings, counts, transpose_a=True)
        # The factors bring the spread between showers of equal condition to about one.
        numbers = [
            12.0 * (total - 1.0) * tf.sqrt(energy_gev),
            3.0 * shape[:, :2],
            3.5 * tf.sqrt(variance + 1e-2),
            4.0 * shape[:, 4:6],
            16.0 * tf.reduce_max(fraction, axis=1, keepdims=True) / (total + 1e-2),
            16.0 * tf.sqrt(tf.einsum("bc,bck->bk", fraction, rings) + 1e-5),
            2.0 * tf.sqrt(tf.reshape(counts, [-1, size(counts)]) + 0.5),
        ]
        return tf.concat(numbers, axis=1)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "transform": keras.saving.serialize_keras_object(self.transform),
            "thresholds": self.thresholds,
            "ring_edges_cm": self.ring_edges_cm,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "ImageSummary":
        """Makes the layer from `get_config`."""
        transform = keras.saving.deserialize_keras_object(config.pop("transform"))
        return cls(transform=transform, **config)
