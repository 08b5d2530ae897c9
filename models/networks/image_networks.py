"""Convolutional networks for responses that are one image, [row, column]."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras

from data.detectors.spec import DetectorSpec
from models.layers.attention import SelfAttention
from models.layers.spectral_norm import SpectralNormalization
from models.networks import building_blocks

Tensor = Any


@dataclasses.dataclass(frozen=True)
class ImageLayers:
    """What the convolutions of a network have in common.

    Attributes:
        filters: Widths of the strided convolutions, from the image inwards.
        kernel: Size of their kernels.
        normalisation: See `networks.normalised`.
        spectral: Whether all kernels are spectrally normalised.
        attention: Rows of the feature maps that are followed by self-attention.
        gamma: See `SelfAttention`.
    """

    filters: tuple[int, ...]
    kernel: int
    normalisation: str
    spectral: bool = False
    attention: tuple[int, ...] = ()
    gamma: float = 0.0

    def wrapped(self, layer: keras.layers.Layer) -> keras.layers.Layer:
        """Returns the layer, spectrally normalised where that is wanted."""
        return SpectralNormalization(layer) if self.spectral else layer

    def attended(self, x: Tensor) -> Tensor:
        """Appends self-attention to a feature map of one of the chosen sizes."""
        if x.shape[1] not in self.attention:
            return x
        return SelfAttention(self.spectral, self.gamma)(x)


def require_images(spec: DetectorSpec, entry: str) -> None:
    """Checks that a detector's responses are square images with a momentum.

    Args:
        spec: The detector.
        entry: Name of the entry that needs it.

    Raises:
        ValueError: If they are not.
    """
    square = len(spec.shape) == 2 and spec.shape[0] == spec.shape[1]
    if not square or len(spec.energy_conditions) != 3:
        raise ValueError(
            f"{entry} needs responses [row, column] of as many rows as columns and a "
            f"momentum among the conditions; detector {spec.name!r} has shape "
            f"{spec.shape} and conditions {', '.join(spec.condition_names)}"
        )


def require_spectral_norm(where: str) -> None:
    """Checks where spectral normalisation is wanted.

    Args:
        where: "none", "critic" or "both".

    Raises:
        ValueError: If it is none of these.
    """
    known = ("none", "critic", "both")
    if where not in known:
        raise ValueError(
            f"spectral_norm must be one of {', '.join(known)}, is {where!r}"
        )


def _padded_size(size: int, halvings: int) -> int:
    """Returns the smallest multiple of 2^halvings that is at least size + 2."""
    factor = 2**halvings
    return -(-(size + 2) // factor) * factor


def transposed_generator(
    spec: DetectorSpec,
    noise: int,
    start_channels: int,
    layers: ImageLayers,
    parameters: int = 0,
    condition_gain: float = 1.0,
    output_gain: float = 1.0,
    output_bias: float = 0.0,
) -> keras.Model:
    """Builds a generator of strided transposed convolutions.

    Noise and conditions -> dense -> a small image -> transposed convolutions, each
    doubling it -> a convolution without padding that crops it to the response -> ReLU.
    Of 30 x 30 cells and three filters, maps have 4, 8, 16 and 32 rows.

    Args:
        spec: The detector.
        noise: Noise dimension.
        start_channels: Channels of the small image.
        layers: The transposed convolutions; the last of `filters` comes first.
        parameters: How many numbers describe the response of a cell; 0 for the response
            itself.
        condition_gain: See `ImageGANConfig`, as those that follow.
        output_gain: Factor of the last convolution.
        output_bias: Its initial bias.

    Returns:
        A functional model with inputs [batch, conditions] and [batch, noise] and
        outputs [batch, row, column], or [batch, row, column, parameters], no ReLU.

    Source: arXiv:1812.01319, section 4.1.
    """
    halvings = len(layers.filters)
    padded = _padded_size(spec.shape[0], halvings)
    rows = padded // 2**halvings
    condition = keras.Input((len(spec.condition_names),), name="condition")
    random = keras.Input((noise,), name="noise")
    scaled = building_blocks.scaled_condition(condition, spec)
    x = keras.layers.Concatenate()([multiplied(scaled, condition_gain), random])
    x = layers.wrapped(keras.layers.Dense(rows * rows * start_channels))(x)
    x = keras.layers.Reshape((rows, rows, start_channels))(x)
    x = keras.layers.ReLU()(building_blocks.normalised(x, layers.normalisation))
    for width in reversed(layers.filters):
        x = layers.attended(x)
        grow = keras.layers.Conv2DTranspose(
            width, layers.kernel, strides=2, padding="same"
        )
        x = building_blocks.normalised(layers.wrapped(grow)(x), layers.normalisation)
        x = keras.layers.ReLU()(x)
    crop = keras.layers.Conv2D(
        parameters or 1,
        padded - spec.shape[0] + 1,
        bias_initializer=keras.initializers.Constant(output_bias),
    )
    x = multiplied(layers.wrapped(crop)(layers.attended(x)), output_gain)
    if parameters:
        return keras.Model([condition, random], x, name="decoder")
    x = keras.layers.Reshape(spec.shape)(keras.layers.ReLU()(x))
    return keras.Model([condition, random], x, name="generator")


def multiplied(x: Tensor, gain: float) -> Tensor:
    """Multiplies features by a constant.

    Args:
        x: Features of any shape.
        gain: The factor.
    """
    return x if gain == 1.0 else keras.layers.Rescaling(gain)(x)


def encoded_input(spec: DetectorSpec) -> tuple[Tensor, Tensor]:
    """Returns the inputs of a critic: encoded responses and conditions.

    Args:
        spec: The detector.
    """
    encoded = keras.Input(spec.shape, name="encoded")
    condition = keras.Input((len(spec.condition_names),), name="condition")
    return encoded, condition


def strided_features(
    encoded: Tensor, layers: ImageLayers, maps: Sequence[Tensor] = ()
) -> list[Tensor]:
    """Shrinks images by strided convolutions: the generator's mirror image.

    Args:
        encoded: Encoded responses, [batch, row, column].
        layers: The convolutions; the first of `filters` comes first.
        maps: Further images, [batch, row, column, channels], that the first
            convolution sees.

    Returns:
        The feature maps [batch, row, column, channels] after each of the `filters` and
        the self-attention that follows it.
    """
    rows = int(encoded.shape[1])
    x = keras.layers.Reshape((rows, rows, 1))(encoded)
    if maps:
        x = keras.layers.Concatenate()([x, *maps])
    margin = _padded_size(rows, len(layers.filters)) - rows
    x = keras.layers.ZeroPadding2D(((margin // 2, margin - margin // 2),) * 2)(x)
    found = []
    for width in layers.filters:
        shrink = keras.layers.Conv2D(width, layers.kernel, strides=2, padding="same")
        x = building_blocks.normalised(layers.wrapped(shrink)(x), layers.normalisation)
        x = layers.attended(building_blocks.leaky(x))
        found.append(x)
    return found


def hidden(x: Tensor, widths: Sequence[int], layers: ImageLayers) -> Tensor:
    """Appends dense layers, each with a LeakyReLU.

    Args:
        x: Features, [batch, features].
        widths: Widths of the dense layers; may be empty.
        layers: Tells whether kernels are spectrally normalised.

    Returns:
        [batch, widths[-1]].
    """
    for width in widths:
        x = building_blocks.leaky(layers.wrapped(keras.layers.Dense(width))(x))
    return x


def dense_tail(
    x: Tensor, widths: Sequence[int], layers: ImageLayers, outputs: int = 1
) -> Tensor:
    """Appends dense layers, see `hidden`, and a linear output.

    Args:
        x: See `hidden`.
        widths: See `hidden`.
        layers: See `hidden`.
        outputs: Number of outputs.

    Returns:
        [batch, outputs].
    """
    x = hidden(x, widths, layers)
    return layers.wrapped(keras.layers.Dense(outputs))(x)
