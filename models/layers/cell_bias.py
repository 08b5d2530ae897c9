"""A bias per cell and channel."""

from collections.abc import Sequence
from typing import Any

import keras


@keras.saving.register_keras_serializable("fastsim_zoo")
class CellBias(keras.layers.Layer):
    """Adds to every cell and channel of an image a number of its own, at first 0.

    A convolution treats all cells alike; with it, a network knows where it is.
    """

    def build(self, input_shape: Sequence[int]) -> None:
        """Makes one number per cell and channel."""
        self.bias = self.add_weight(
            shape=tuple(input_shape[1:]), initializer="zeros", name="bias"
        )

    def call(self, inputs: Any) -> Any:
        """Adds the bias to [batch, row, column, channel]."""
        return inputs + self.bias
