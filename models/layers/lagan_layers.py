"""Layers of LAGAN and CaloGAN: images of layers, and what a whole batch has in common.

Source: de Oliveira, Paganini, Nachman, arXiv:1701.05927; Paganini, de Oliveira,
Nachman, arXiv:1712.10321.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from data.detectors.flat_layers import layer_starts

Tensor = Any
_register = keras.saving.register_keras_serializable("fastsim_zoo")


@_register
class LayerImages(keras.layers.Layer):
    """Unfolds responses whose layers have shapes of their own into an image each.

    Args:
        layer_shapes: Rows and columns of every layer.
    """

    def __init__(self, layer_shapes: Sequence[Sequence[int]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.layer_shapes = [
            (int(rows), int(columns)) for rows, columns in layer_shapes
        ]
        self.built = True

    def call(self, inputs: Tensor) -> list[Tensor]:
        """Maps [batch, cell] to [batch, row, column, 1] of each layer."""
        sizes = np.diff(layer_starts(self.layer_shapes)).tolist()
        return [
            tf.reshape(part, [-1, *shape, 1])
            for part, shape in zip(
                tf.split(inputs, sizes, axis=1), self.layer_shapes, strict=True
            )
        ]

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        shapes = [list(shape) for shape in self.layer_shapes]
        return {**super().get_config(), "layer_shapes": shapes}


def area_weights(source: int, target: int) -> NDArray[np.float32]:
    """Returns the part that each of `source` equal cells has in `target` equal cells.

    Args:
        source: Cells along a side.
        target: Cells along the same side, wanted.

    Returns:
        Weights, [target, source]; the sum of each row is 1.

    Example:
        >>> area_weights(2, 3).round(2).tolist()
        [[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]
    """
    # Whole numbers: edges in units of 1 / (source target).
    theirs = np.arange(source + 1) * target
    ours = np.arange(target + 1)[:, None] * source
    low = np.maximum(theirs[:-1], ours[:-1])
    high = np.minimum(theirs[1:], ours[1:])
    weights: NDArray[np.float32] = (np.maximum(high - low, 0) / source).astype("f4")
    return weights


@_register
class AreaResize(keras.layers.Layer):
    """Draws an image with other cells over the same area.

    A cell gets the mean of what lies under it. For whole ratios this is repetition and
    average pooling, as in CaloGAN.

    Args:
        grid: Rows and columns of the result.
    """

    def __init__(self, grid: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.grid = tuple(grid)
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        """Maps [batch, row, column, channel] to [batch, *grid, channel]."""
        rows, columns = (
            tf.constant(area_weights(size, wanted))
            for size, wanted in zip(inputs.shape[1:3], self.grid, strict=True)
        )
        return tf.einsum(
            "vc,brck->brvk", columns, tf.einsum("ur,brck->buck", rows, inputs)
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "grid": list(self.grid)}


@_register
class WholeBatchNormalization(keras.layers.Layer):
    """Normalises by mean and variance of the batch, in training and afterwards.

    For a critic that always sees whole batches, of which all responses are real or all
    are generated: no moving average has to describe both at once.

    Args:
        epsilon: Added to the variance.
    """

    def __init__(self, epsilon: float = 1e-3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def build(self, input_shape: Sequence[int]) -> None:
        """Makes a scale and an offset per channel."""
        shape = (input_shape[-1],)
        self.scale = self.add_weight(shape=shape, initializer="ones", name="scale")
        self.offset = self.add_weight(shape=shape, initializer="zeros", name="offset")

    def call(self, inputs: Tensor) -> Tensor:
        """Applies the layer to [batch, ..., channel]."""
        axes = list(range(len(inputs.shape) - 1))
        mean, variance = tf.nn.moments(inputs, axes)
        factor = self.scale * tf.math.rsqrt(variance + self.epsilon)
        return (inputs - mean) * factor + self.offset

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "epsilon": self.epsilon}


@_register
class BatchSimilarity(keras.layers.Layer):
    """Minibatch discrimination: how similar an event is to the others of its batch.

    With vectors v_nf = x_n T_f of event n,

        o_nf = mean over m of exp(-|v_nf - v_mf|_1).

    It is Salimans's sum divided by the size of the batch, so that it lies in (0, 1].

    Args:
        features: Number of similarities f.
        width: Dimension of the vectors v.

    Source: Salimans et al., arXiv:1606.03498, section 3.2.
    """

    def __init__(self, features: int, width: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.features = features
        self.width = width

    def build(self, input_shape: Sequence[int]) -> None:
        """Makes T."""
        self.kernel = self.add_weight(
            shape=(input_shape[-1], self.features * self.width),
            initializer="glorot_uniform",
            name="kernel",
        )

    def call(self, inputs: Tensor) -> Tensor:
        """Maps [batch, numbers] to [batch, features]."""
        vectors = tf.reshape(
            tf.matmul(inputs, self.kernel), [-1, self.features, self.width]
        )
        distance = tf.reduce_sum(tf.abs(vectors[:, None] - vectors[None]), axis=-1)
        return tf.reduce_mean(tf.exp(-distance), axis=1)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        sizes = {"features": self.features, "width": self.width}
        return {**super().get_config(), **sizes}


@_register
class Occupancy(keras.layers.Layer):
    """The fraction of cells that hold energy.

    Args:
        threshold: A cell of energy x counts as x / (x + threshold), so that the critic
            tells the generator which cells to empty; 0 counts as CaloGAN does, which
            has no slope.
    """

    def __init__(self, threshold: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.threshold = threshold
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        """Maps images [batch, row, column, 1], none below 0, to [batch, 1]."""
        if self.threshold > 0.0:
            counted = inputs / (inputs + self.threshold)
        else:
            counted = tf.cast(inputs > 0.0, inputs.dtype)
        return tf.reduce_mean(counted, axis=[1, 2])

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "threshold": self.threshold}
