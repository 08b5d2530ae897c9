"""Generator and critic of CaloGAN: one stream of LAGAN for each layer of a detector."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras

from data.detectors.spec import DetectorSpec
from data.transforms.base import Transform
from data.transforms.cell_energy import EnergyPerGev
from models.layers.geometry import ScaleConditions
from models.layers.lagan_layers import (
    AreaResize,
    BatchSimilarity,
    LayerImages,
    Occupancy,
    WholeBatchNormalization,
)
from models.layers.locally_connected import LocallyConnected2D

Tensor = Any

_ENERGY = "energy_gev"
_SLOPE = 0.3
_FAR_GEV = 5.0


def require_layers(spec: DetectorSpec, transform: Transform, entry: str) -> None:
    """Refuses what these networks cannot simulate.

    Args:
        spec: The detector.
        transform: Between physical and encoded responses.
        entry: Name of the entry, for the message.

    Raises:
        ValueError: If the layers have no shapes of their own, there are conditions
            besides the energy, or energies are not encoded linearly.
    """
    if not spec.layer_shapes:
        raise ValueError(
            f"{entry} needs layers with shapes of their own, such as those of detector "
            f"'calogan'; {spec.name!r} has responses {spec.shape}"
        )
    if spec.condition_names != (_ENERGY,):
        raise ValueError(
            f"{entry} has one condition, {_ENERGY}; detector {spec.name!r} has "
            f"{', '.join(spec.condition_names)}"
        )
    if not isinstance(transform, EnergyPerGev):
        raise ValueError(
            f"{entry} sums energies and needs transform=linear, received "
            f"{type(transform).__name__}"
        )


def _highest_gev(spec: DetectorSpec) -> float:
    """Returns the highest trained energy [GeV]."""
    return next(limit.high for limit in spec.domain if limit.name == _ENERGY)


def _leaky(x: Tensor) -> Tensor:
    return keras.layers.LeakyReLU(negative_slope=_SLOPE)(x)


def in_painted(image: Tensor, carried: Tensor, first_bias: float) -> Tensor:
    """Mixes an image with that of the layer before, cell by cell.

    Both have weights that add up to one, from a locally connected layer over both.

    Args:
        image: The layer, [batch, row, column, 1].
        carried: The layer before it, drawn on the same cells, [batch, row, column, 1].
        first_bias: The score of the layer before at first; that of the image is 0.

    Returns:
        [batch, row, column, 1].

    Source: arXiv:1712.10321.
    """
    both = keras.layers.Concatenate()([image, carried])
    scores = LocallyConnected2D(
        2, (3, 3), padding="same", first_bias=(0.0, first_bias)
    )(both)
    weights = keras.layers.Softmax(axis=-1)(scores)
    return keras.ops.sum(both * weights, axis=-1, keepdims=True)


@dataclasses.dataclass(frozen=True)
class LaganGenerator:
    """Sizes of the generator.

    Attributes:
        noise: Noise dimension of a shower.
        channels: Channels of each layer's first image.
        filters: Widths of the convolution and of the locally connected layer after it.
        attention: Whether each layer passes its image on to the next one.
        carry_bias: See `in_painted`.
    """

    noise: int
    channels: int
    filters: tuple[int, int]
    attention: bool
    carry_bias: float

    def build(self, spec: DetectorSpec) -> keras.Model:
        """Builds the generator.

        Args:
            spec: The detector, see `require_layers`.

        Returns:
            A functional model: conditions [batch, 1] and noise [batch, noise] to
            encoded showers [batch, cell].
        """
        condition = keras.Input((1,), name="condition")
        noise = keras.Input((self.noise,), name="noise")
        energy = ScaleConditions([0.0], [_highest_gev(spec)])(condition)
        drawn = keras.layers.Multiply()([noise, energy])
        images: list[Tensor] = []
        for grid in spec.layer_shapes:
            image = self._stream(drawn, grid)
            if images and self.attention:
                carried = AreaResize(grid)(images[-1])
                image = in_painted(image, carried, self.carry_bias)
            images.append(image)
        cells = [keras.layers.Flatten()(keras.layers.ReLU()(one)) for one in images]
        encoded = keras.layers.Concatenate()(cells)
        return keras.Model([condition, noise], encoded, name="generator")

    def _stream(self, drawn: Tensor, grid: Sequence[int]) -> Tensor:
        rows, columns = (size + 2 for size in grid)
        x = keras.layers.Dense(rows * columns * self.channels)(drawn)
        x = keras.layers.Reshape((rows, columns, self.channels))(x)
        x = keras.layers.Conv2D(
            self.filters[0], 2, padding="same", kernel_initializer="he_uniform"
        )(x)
        x = keras.layers.BatchNormalization(momentum=0.9)(_leaky(x))
        # Keras 2 counted all places where a kernel lies among its inputs. The first
        # showers are faint then; otherwise their energy is far too high for long.
        gain = float(rows * columns) ** -0.5
        x = LocallyConnected2D(self.filters[1], (2, 2), kernel_gain=gain)(x)
        return LocallyConnected2D(1, (2, 2), use_bias=False, kernel_gain=gain)(
            _leaky(x)
        )


@dataclasses.dataclass(frozen=True)
class LaganCritic:
    """Sizes of the critic.

    Attributes:
        filters: Widths of the convolution and of three locally connected layers.
        similarity: Features and width of each `BatchSimilarity`.
        occupancy_threshold: See `Occupancy` [GeV of incident energy].
    """

    filters: tuple[int, int, int, int]
    similarity: tuple[int, int]
    occupancy_threshold: float

    def build(self, spec: DetectorSpec) -> keras.Model:
        """Builds the critic, which compares whole batches.

        Args:
            spec: The detector, see `require_layers`.

        Returns:
            A functional model: encoded showers [batch, cell] and conditions [batch, 1]
            to scores [batch, 1]. All showers have to be real, or all generated.
        """
        encoded = keras.Input(spec.shape, name="encoded")
        condition = keras.Input((1,), name="condition")
        features, energies = [], []
        for image in LayerImages(spec.layer_shapes)(encoded):
            seen = self._stream(image)
            occupancy = Occupancy(self.occupancy_threshold)(image)
            features += [seen, self._similar(seen), occupancy, self._similar(occupancy)]
            energies.append(keras.ops.sum(image, axis=(1, 2)))
        energy = keras.layers.Concatenate()(energies)
        total = keras.ops.sum(energy, axis=1, keepdims=True)
        missing = keras.ops.abs(total - condition)
        far = keras.ops.cast(missing > _FAR_GEV, "float32")
        highest = _highest_gev(spec)
        features += [
            energy * (10.0 / highest),
            total / highest,
            missing,
            10.0 * far,
            self._similar(energy),
        ]
        score = keras.layers.Dense(1)(keras.layers.Concatenate()(features))
        return keras.Model([encoded, condition], score, name="critic")

    def _similar(self, numbers: Tensor) -> Tensor:
        return BatchSimilarity(*self.similarity)(numbers)

    def _stream(self, image: Tensor) -> Tensor:
        first, *widths = self.filters
        x = _leaky(keras.layers.Conv2D(first, 2, padding="same")(image))
        steps = (((3, 3), (1, 2)), ((2, 2), (1, 1)), ((2, 2), (1, 2)))
        for width, (kernel, strides) in zip(widths, steps, strict=True):
            x = keras.layers.ZeroPadding2D(1)(x)
            x = _leaky(LocallyConnected2D(width, kernel, strides=strides)(x))
            x = WholeBatchNormalization()(x)
        return keras.layers.Flatten()(x)
