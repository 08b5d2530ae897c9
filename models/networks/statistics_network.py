"""The network that draws statistics of a shower, and what a generator knows of them.

A few numbers of a shower (energies, numbers of hits, widths, centres) are easy to learn
by maximum likelihood: they are drawn first, and the generator fills in the shower.
"""

from typing import Any

import keras

from data.detectors.spec import DetectorSpec
from models.layers.mixture import AutoregressiveMixture
from models.layers.shower_statistics import ShowerStatistics
from models.networks import building_blocks

Tensor = Any


def draw_network(
    features: keras.Model, statistics: ShowerStatistics, hidden: int
) -> keras.Model:
    """Builds what draws the statistics of a shower.

    Args:
        features: Maps conditions [batch, conditions] to what the mixture sees.
        statistics: Which statistics are drawn.
        hidden: Width of the mixture's hidden layers.

    Returns:
        A functional model: conditions and noise [batch, noise_size of the mixture] to
        what the mixture returns, each [batch, statistics].
    """
    condition = keras.Input(features.input_shape[1:], name="condition")
    mixture = AutoregressiveMixture(*statistics.typical, hidden, name="mixture")
    noise = keras.Input((mixture.noise_size,), name="noise")
    drawn = mixture(features(condition), noise)
    return keras.Model([condition, noise], drawn, name="draw")


class Told:
    """What a generator starts from: its inputs, cut into their parts.

    Args:
        condition: The input of the conditions, [batch, conditions].
        spec: The detector.
        statistics: Which statistics are drawn; None for none.
        hidden: Width of the hidden layers of the network that draws them.
        noise: Noise dimension of a shower as a whole, besides that of the statistics.
        maps: Noise dimension of all cells together.

    Attributes:
        noise: The input of the noise: for the statistics, the shower, the cells.
        drawn: The statistics, [batch, statistics]; None for none.
        shower: What is known of the shower as a whole, [batch, features]: scaled
            conditions, noise, and the statistics, standardised and as the noise that
            they were drawn from.
        maps: The noise of the cells, [batch, maps].
    """

    def __init__(
        self,
        condition: Tensor,
        spec: DetectorSpec,
        statistics: ShowerStatistics | None,
        hidden: int,
        noise: int,
        maps: int,
    ) -> None:
        scaled = building_blocks.scaled_condition(condition, spec)
        draw, first = None, 0
        if statistics is not None:
            features = keras.Model(condition, scaled, name="features")
            draw = draw_network(features, statistics, hidden)
            first = draw.inputs[1].shape[-1]
        whole = first + noise
        self.noise = keras.Input((whole + maps,), name="noise")
        known, self.drawn = [scaled, self.noise[:, first:whole]], None
        if draw is not None:
            self.drawn, _, standard = draw([condition, self.noise[:, :first]])
            known += [standard, self.noise[:, : first // 2]]
        self.shower = keras.layers.Concatenate()(known)
        self.maps = self.noise[:, whole:]
