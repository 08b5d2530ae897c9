"""The critic of showers in several layers."""

import dataclasses

import keras

from data.detectors.spec import DetectorSpec
from data.transforms.base import Transform
from models.layers import geometry
from models.layers.shower_summary import FractionRoots, ShowerSummary
from models.networks import building_blocks


@dataclasses.dataclass(frozen=True)
class LayeredCritic:
    """Sizes of a critic that sees the layers as channels of one image.

    Attributes:
        condition: Widths of the dense layers that draw the condition; () for none.
        impact_scales_cm: Widths of the maps of the impact point; () for none.
        cell_embedding: Learned channels per cell.
        filters: (filters, kernel, stride) of the convolutions.
        normalisation: Of all convolutions but the first, see `networks.normalised`.
        summary: Width of the dense layers over the shower's summary; 0 for none.
        ring_edges_cm: See `ShowerSummary`.
        thresholds: See `ShowerSummary`.
        dense: Width of the dense layer before the score.
    """

    condition: tuple[int, ...]
    impact_scales_cm: tuple[float, ...]
    cell_embedding: int
    filters: tuple[tuple[int, int, int], ...]
    normalisation: str
    summary: int
    ring_edges_cm: tuple[float, ...]
    thresholds: tuple[float, ...]
    dense: int

    def build(self, spec: DetectorSpec, transform: Transform) -> keras.Model:
        """Builds the critic.

        Args:
            spec: The detector, with responses [row, column, layer].
            transform: The transform of the encoded showers.

        Returns:
            A functional model: encoded showers [batch, *shape] and conditions
            [batch, conditions] to scores [batch, 1].
        """
        rows, columns, _ = spec.shape
        encoded = keras.Input(spec.shape, name="encoded")
        condition = keras.Input((len(spec.condition_names),), name="condition")
        scaled = building_blocks.scaled_condition(condition, spec)
        parts = [encoded]
        if self.summary:
            parts.append(FractionRoots(transform)(encoded, condition))
        if self.condition:
            drawn = scaled
            for width in (*self.condition, rows * columns):
                drawn = building_blocks.leaky(keras.layers.Dense(width)(drawn))
            parts.append(keras.layers.Reshape((rows, columns, 1))(drawn))
        if self.impact_scales_cm:
            parts.append(
                building_blocks.impact_maps(condition, spec, self.impact_scales_cm)
            )
        x = keras.layers.Concatenate()(parts)
        if self.cell_embedding:
            x = geometry.CellEmbedding(self.cell_embedding)(x)
        for number, (filters, kernel, stride) in enumerate(self.filters):
            x = keras.layers.Conv2D(filters, kernel, strides=stride, padding="same")(x)
            kind = self.normalisation if number else "none"
            x = building_blocks.leaky(building_blocks.normalised(x, kind))
        features = [keras.layers.Flatten()(x)]
        if self.summary:
            summary = ShowerSummary(
                transform,
                spec.positions_cm[:, :, 0, :2],
                building_blocks.impact_conditions(spec),
                self.ring_edges_cm,
                self.thresholds,
            )(encoded, condition)
            summary = keras.layers.Concatenate()([summary, scaled])
            for _ in range(2):
                summary = building_blocks.leaky(
                    keras.layers.Dense(self.summary)(summary)
                )
            features += [summary, scaled]
        x = keras.layers.Concatenate()(features) if len(features) > 1 else features[0]
        x = building_blocks.leaky(keras.layers.Dense(self.dense)(x))
        score = keras.layers.Dense(1)(x)
        return keras.Model([encoded, condition], score, name="critic")
