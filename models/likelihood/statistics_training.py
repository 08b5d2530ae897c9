"""The training, by maximum likelihood, of the network that draws statistics."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from models.layers.shower_statistics import ShowerStatistics
from models.networks import replicas
from models.training.optimizers import adam
from models.training.phases import Phase, Pretraining

Tensor = Any


class StatisticsTraining(Pretraining):
    """Trains the drawing of the statistics by maximum likelihood.

    Args:
        draw: From `draw_network`.
        statistics: Computes the statistics of a shower.
        seed: See `Pretraining`.
    """

    def __init__(
        self, draw: keras.Model, statistics: ShowerStatistics, seed: int
    ) -> None:
        mixture = draw.get_layer("mixture")
        super().__init__(
            [*mixture.kernels, *mixture.biases], seed, name="statistics_training"
        )
        self.features = draw.get_layer("features")
        self.mixture = mixture
        self.statistics = statistics

    def names(self) -> list[str]:
        """See `Pretraining.names`."""
        return ["loss"]

    def terms(
        self, encoded: Tensor, condition: Tensor, seed: Tensor, training: bool
    ) -> dict[str, Tensor]:
        """See `Pretraining.terms`; the loss is the negative log-likelihood."""
        counted = self.statistics.layers + len(self.statistics.thresholds)
        dither = replicas.uniform(tf.shape(condition)[0], counted, seed)
        values = self.statistics(encoded, condition, dither)
        if training:
            self._standardise(values)
        density = self.mixture.log_density(self.features(condition), values)
        return {"loss": -tf.reduce_sum(density, axis=1)}

    def _standardise(self, values: Tensor) -> None:
        """Takes the standardisation from the first batch."""
        fresh = tf.convert_to_tensor(self.updates) == 0
        mean, variance = replicas.moments(values)
        mixture = self.mixture
        mixture.location.assign(tf.where(fresh, mean, mixture.location))
        mixture.width.assign(tf.where(fresh, tf.sqrt(variance) + 1e-3, mixture.width))


def phase(
    draw: keras.Model,
    statistics: ShowerStatistics,
    rates: Sequence[float],
    steps: int,
    seed: int,
    precision: str = "float32",
) -> Phase:
    """Returns the phase that trains the network that draws the statistics.

    Args:
        draw: From `draw_network`.
        statistics: Computes the statistics of a shower.
        rates: Learning rates, each for an equal part of the training.
        steps: Steps of the training.
        seed: See `Pretraining`.
        precision: See `TrainingConfig`.
    """
    trained = StatisticsTraining(draw, statistics, seed)
    changes = [number / len(rates) for number in range(1, len(rates))]
    trained.compile(adam(rates, changes, steps, (0.9, 0.999), precision))
    return Phase("statistics", trained, steps, lambda: None)
