"""Locally connected layers: convolutions without shared weights."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

_register = keras.saving.register_keras_serializable("fastsim_zoo")


@_register
class LocallyConnected2D(keras.layers.Layer):
    """A convolution whose kernel differs from place to place.

    output[r, c, f] = bias[r, c, f] + sum over i, j, k of
    input[s r + i, t c + j, k] kernel[r, c, i, j, k, f], with strides s and t.

    Args:
        filters: Number of output channels.
        kernel_size: Rows and columns of the kernel.
        padding: "valid" or "same" (zeros around the image, which keeps its size if the
            strides are one).
        strides: Rows and columns from one place of the kernel to the next.
        use_bias: Whether there is a bias.
        first_bias: What the bias is at first, one number per filter; 0 by default.
        kernel_gain: Factor of the kernel's first values.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Sequence[int],
        padding: str = "valid",
        strides: Sequence[int] = (1, 1),
        use_bias: bool = True,
        first_bias: Sequence[float] = (),
        kernel_gain: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = tuple(kernel_size)
        self.padding = padding
        self.strides = tuple(strides)
        self.use_bias = use_bias
        self.first_bias = [float(value) for value in first_bias]
        self.kernel_gain = kernel_gain

    def build(self, input_shape: Sequence[int]) -> None:
        """Makes one kernel and one bias per output place."""
        rows, columns = self.compute_output_shape(input_shape)[1:3]
        height, width = self.kernel_size
        fan_in = height * width * input_shape[-1]
        limit = self.kernel_gain * float(np.sqrt(6.0 / (fan_in + self.filters)))
        # kernel[i, place, f, (j, k)], in the order that `call` multiplies.
        self.kernel = self.add_weight(
            shape=(height, rows * columns, self.filters, width * input_shape[-1]),
            initializer=keras.initializers.RandomUniform(-limit, limit),
            name="kernel",
        )
        if self.use_bias:
            first = np.array(self.first_bias or 0.0, np.float32)
            self.bias = self.add_weight(
                shape=(rows, columns, self.filters),
                initializer=keras.initializers.Constant(first),
                name="bias",
            )

    def compute_output_shape(self, input_shape: Sequence[int]) -> tuple[Any, ...]:
        """Returns [batch, row, column, filters]."""
        shrink = (0, 0)
        if self.padding == "valid":
            shrink = (self.kernel_size[0] - 1, self.kernel_size[1] - 1)
        rows, columns = (
            (size - less - 1) // stride + 1
            for size, less, stride in zip(
                input_shape[1:3], shrink, self.strides, strict=True
            )
        )
        return input_shape[0], rows, columns, self.filters

    def call(self, inputs: Any) -> Any:
        """Applies the layer to [batch, row, column, channel]."""
        batch = tf.shape(inputs)[0]
        _, rows, columns, _ = self.compute_output_shape(inputs.shape)
        # With the batch as the last axis all copies below are of long stretches, and
        # the multiplications need no transposition.
        x = tf.transpose(tf.reshape(inputs, [batch, int(np.prod(inputs.shape[1:]))]))
        x = tf.reshape(x, [*inputs.shape[1:], batch])
        if self.padding == "same":
            margins = [((k - 1) // 2, k // 2) for k in self.kernel_size]
            x = tf.pad(x, [*margins, (0, 0), (0, 0)])
        down, right = self.strides
        shifted = [
            x[:, j : j + (columns - 1) * right + 1 : right]
            for j in range(self.kernel_size[1])
        ]
        x = tf.concat(shifted, axis=2)
        parts = []
        for i, kernel in enumerate(tf.unstack(self.kernel)):
            patches = x[i : i + (rows - 1) * down + 1 : down]
            patches = tf.reshape(patches, [rows * columns, -1, batch])
            parts.append(tf.matmul(kernel, patches))
        outputs = tf.reshape(tf.add_n(parts), [rows * columns * self.filters, batch])
        outputs = tf.reshape(tf.transpose(outputs), [-1, rows, columns, self.filters])
        return outputs + tf.cast(self.bias, outputs.dtype) if self.use_bias else outputs

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": list(self.kernel_size),
            "padding": self.padding,
            "strides": list(self.strides),
            "use_bias": self.use_bias,
            "first_bias": self.first_bias,
            "kernel_gain": self.kernel_gain,
        }


@_register
class DenseBranches(keras.layers.Layer):
    """Draws every detector layer's channels with a small network of its own.

    A branch has one hidden layer, and both layers end in a LeakyReLU of slope 0.2. All
    branches are computed at once, several times faster than one after the other.

    Args:
        branches: Number of branches.
        hidden: Width of a branch's hidden layer.
        grid: Rows and columns of the image.
        outputs: Channels per branch.
    """

    def __init__(
        self,
        branches: int,
        hidden: int,
        grid: Sequence[int],
        outputs: int,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.branches = branches
        self.hidden = hidden
        self.grid = tuple(grid)
        self.outputs = outputs

    def build(self, input_shape: Sequence[int]) -> None:
        """Makes the branches' kernels and biases."""
        cells = self.grid[0] * self.grid[1]

        def weights(name: str, fan_in: int, fan_out: int) -> tuple[Any, Any]:
            limit = float(np.sqrt(6.0 / (fan_in + fan_out)))
            kernel = self.add_weight(
                shape=(self.branches, fan_in, fan_out),
                initializer=keras.initializers.RandomUniform(-limit, limit),
                name=f"{name}_kernel",
            )
            bias = self.add_weight(
                shape=(self.branches, 1, fan_out),
                initializer="zeros",
                name=f"{name}_bias",
            )
            return kernel, bias

        self.hidden_kernel, self.hidden_bias = weights(
            "hidden", input_shape[-1], self.hidden
        )
        self.image_kernel, self.image_bias = weights(
            "image", self.hidden, cells * self.outputs
        )

    def call(self, inputs: Any) -> Any:
        """Maps [batch, features] to [batch, row, column, branches * outputs]."""
        cells = self.grid[0] * self.grid[1]
        hidden = tf.einsum("bi,nih->nbh", inputs, self.hidden_kernel)
        hidden = tf.nn.leaky_relu(hidden + self.hidden_bias, 0.2)
        images = tf.matmul(hidden, self.image_kernel) + self.image_bias
        images = tf.nn.leaky_relu(images, 0.2)
        images = tf.reshape(images, [self.branches, -1, cells, self.outputs])
        images = tf.transpose(images, [1, 2, 0, 3])
        return tf.reshape(images, [-1, *self.grid, self.branches * self.outputs])

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "branches": self.branches,
            "hidden": self.hidden,
            "grid": list(self.grid),
            "outputs": self.outputs,
        }
