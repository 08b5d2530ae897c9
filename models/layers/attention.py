"""Self-attention over the places of an image."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from models.layers.spectral_norm import SpectralNormalization


@keras.saving.register_keras_serializable("fastsim_zoo")
class SelfAttention(keras.layers.Layer):
    """Adds to every place what it finds elsewhere in the image.

    With features x_i of place i, f = W_f x, g = W_g x and h = W_h x,

        s_ij = f(x_i)^T g(x_j),   beta_ji = exp(s_ij) / sum_i exp(s_ij),
        y_j = x_j + gamma W_v sum_i beta_ji h(x_i).

    gamma is learned. The four W are convolutions of size 1 without bias; f and g have
    an eighth of the channels, h half of them, at least one.

    Args:
        spectral: Whether the four convolutions are spectrally normalised.
        gamma: Where gamma starts; at 0 the layer is the identity at first.

    Source: Rogachev and Ratnikov, EPJ Web Conf. 251 (2021) 03043; gamma, W_h and W_v:
    Zhang et al., arXiv:1805.08318.
    """

    def __init__(
        self, spectral: bool = False, gamma: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.spectral = spectral
        self.first_gamma = gamma

    def build(self, input_shape: Sequence[int]) -> None:
        """Makes the convolutions and gamma."""
        channels = input_shape[-1]
        sizes = {
            "query": max(1, channels // 8),
            "key": max(1, channels // 8),
            "value": max(1, channels // 2),
            "output": channels,
        }
        self.projections = {}
        for name, size in sizes.items():
            layer: Any = keras.layers.Conv2D(size, 1, use_bias=False, name=name)
            if self.spectral:
                layer = SpectralNormalization(layer, name=f"{name}_normed")
            inside = sizes["value"] if name == "output" else channels
            layer.build((None, *input_shape[1:3], inside))
            self.projections[name] = layer
        start = keras.initializers.Constant(self.first_gamma)
        self.gamma = self.add_weight(shape=(), initializer=start, name="gamma")

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Applies the layer to [batch, row, column, channel]."""
        rows, columns = inputs.shape[1:3]

        def project(name: str, x: Any) -> Any:
            layer = self.projections[name]
            return layer(x, training=training) if self.spectral else layer(x)

        f, g, h = (
            tf.reshape(y, [-1, rows * columns, y.shape[-1]])
            for y in (project(name, inputs) for name in ("query", "key", "value"))
        )
        # Row j of g f^T holds s_ij for all i: what place j attends to.
        attention = tf.nn.softmax(tf.matmul(g, f, transpose_b=True), axis=-1)
        found = tf.reshape(tf.matmul(attention, h), [-1, rows, columns, h.shape[-1]])
        return inputs + self.gamma * project("output", found)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        settings = {"spectral": self.spectral, "gamma": self.first_gamma}
        return {**super().get_config(), **settings}
