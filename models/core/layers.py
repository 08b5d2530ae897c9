"""Layers that Keras does not have."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

_register = keras.saving.register_keras_serializable("fastsim_zoo")


def _size(values: Any) -> int:
    """Returns how many numbers an event has."""
    return int(np.prod(values.shape[1:]))


@_register
class LocallyConnected2D(keras.layers.Layer):
    """A convolution whose kernel differs from place to place.

    output[r, c, f] = bias[r, c, f] + sum over i, j, k of
    input[r + i, c + j, k] kernel[r, c, i, j, k, f].

    Args:
        filters: Number of output channels.
        kernel_size: Rows and columns of the kernel.
        padding: "valid" or "same" (stride one, zeros around the image).
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Sequence[int],
        padding: str = "valid",
        **kwargs: Any,
    ) -> None:
        """See the class."""
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = tuple(kernel_size)
        self.padding = padding

    def build(self, input_shape: Sequence[int]) -> None:
        """Makes one kernel and one bias per output place."""
        rows, columns = self.compute_output_shape(input_shape)[1:3]
        channels = input_shape[-1]
        fan_in = self.kernel_size[0] * self.kernel_size[1] * channels
        limit = float(np.sqrt(6.0 / (fan_in + self.filters)))
        self.kernel = self.add_weight(
            shape=(rows * columns, fan_in, self.filters),
            initializer=keras.initializers.RandomUniform(-limit, limit),
            name="kernel",
        )
        self.bias = self.add_weight(
            shape=(rows, columns, self.filters), initializer="zeros", name="bias"
        )

    def compute_output_shape(self, input_shape: Sequence[int]) -> tuple[Any, ...]:
        """Returns [batch, row, column, filters]."""
        shrink = (0, 0)
        if self.padding == "valid":
            shrink = (self.kernel_size[0] - 1, self.kernel_size[1] - 1)
        return (
            input_shape[0],
            input_shape[1] - shrink[0],
            input_shape[2] - shrink[1],
            self.filters,
        )

    def call(self, inputs: Any) -> Any:
        """Applies the layer to [batch, row, column, channel]."""
        _, rows, columns, _ = self.compute_output_shape(inputs.shape)
        if self.padding == "same":
            margins = [((k - 1) // 2, k // 2) for k in self.kernel_size]
            inputs = tf.pad(inputs, [(0, 0), *margins, (0, 0)])
        # tf.slice, since the gradients of tf.image.extract_patches (a sparse product)
        # and of an indexed slice are several times slower.
        shifted = [
            tf.slice(inputs, [0, i, j, 0], [-1, rows, columns, -1])
            for i in range(self.kernel_size[0])
            for j in range(self.kernel_size[1])
        ]
        patches = tf.concat(shifted, axis=-1)
        patches = tf.reshape(patches, [-1, rows * columns, self.kernel.shape[1]])
        outputs = tf.einsum("bpk,pkf->bpf", patches, self.kernel)
        outputs = tf.reshape(outputs, [-1, rows, columns, self.filters])
        return outputs + tf.cast(self.bias, outputs.dtype)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": list(self.kernel_size),
            "padding": self.padding,
        }


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
        """See the class."""
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
        """See the class."""
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
        """See the class."""
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
        """See the class."""
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


@_register
class DistributeLayerEnergies(keras.layers.Layer):
    """Scales every layer's cells so that they add up to a given energy.

    Cells arrive as non-negative roots of energy fractions, as in
    `data.transform.PowerOfFraction`; the result is of the same kind.

    Args:
        power: The root's power p.
    """

    def __init__(self, power: float, **kwargs: Any) -> None:
        """See the class."""
        super().__init__(**kwargs)
        self.power = power

    def call(self, cells: Any, layer_fractions: Any) -> Any:
        """Scales cells [batch, row, column, layer] to fractions [batch, layer]."""
        # Two squares are ten times faster than a power.
        fraction = cells**2 * cells**2 if self.power == 4.0 else cells**self.power
        total = tf.reduce_sum(fraction, axis=(1, 2)) + 1e-9
        factor = (layer_fractions / total) ** (1.0 / self.power)
        return cells * factor[:, None, None, :]

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "power": self.power}


@_register
class HitGate(keras.layers.Layer):
    """Decides cell by cell whether there is a hit, and with which amplitude.

    A real shower has many empty cells and hardly any with next to no energy: a smooth
    generator cannot jump over that gap. Half of the input channels are scores, which
    with noise of about logistic distribution added turn into hits where they are
    positive: a hit has about the probability that the logistic function gives to its
    score, however small. The step's gradient is replaced by that of the logistic
    function. The other half are amplitudes of at least 0.1.

    Source: the straight-through estimator of Bengio et al., arXiv:1308.3432.
    """

    def call(self, inputs: Any, noise: Any) -> Any:
        """Maps [batch, row, column, 2 layers] to cells [batch, row, column, layer].

        Args:
            inputs: Amplitudes, then scores.
            noise: Normal noise, [batch, row, column, layer].
        """
        amplitude, score = tf.split(inputs, 2, axis=-1)
        # A normal of this width is close to the logistic distribution.
        score = score + 1.702 * noise
        smooth = tf.sigmoid(score)
        step = tf.cast(score > 0.0, smooth.dtype)
        hit = smooth + tf.stop_gradient(step - smooth)
        return (0.1 + tf.nn.relu(amplitude)) * hit


@_register
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
