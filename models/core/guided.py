"""A GAN whose generator is told statistics of the shower that were drawn by likelihood.

A generator that is trained against a critic alone gets the joint distribution of what a
calorimeter measures first (energies, numbers of hits, widths, centres) only roughly.
A few numbers are easy to learn by maximum likelihood instead: they are drawn first, and
the generator fills in the shower.
"""

from typing import Any

import keras
import tensorflow as tf

from data.spec import DetectorSpec
from models.core import networks
from models.core.gan import ConditionalGAN
from models.core.mixture import AutoregressiveMixture
from models.core.optimizers import adam
from models.core.phases import Phase, Pretraining
from models.core.statistics import ShowerStatistics

Tensor = Any

_LEAST_SPREAD = 0.15


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
        """See the class."""
        scaled = networks.scaled_condition(condition, spec)
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
        """See the class."""
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
        dither = tf.random.stateless_uniform(
            [tf.shape(condition)[0], counted], seed, alg="philox"
        )
        values = self.statistics(encoded, condition, dither)
        if training:
            self._standardise(values)
        density = self.mixture.log_density(self.features(condition), values)
        return {"loss": -tf.reduce_sum(density, axis=1)}

    def _standardise(self, values: Tensor) -> None:
        """Takes the standardisation from the first batch."""
        fresh = tf.convert_to_tensor(self.updates) == 0
        mean, variance = tf.nn.moments(values, axes=[0])
        mixture = self.mixture
        mixture.location.assign(tf.where(fresh, mean, mixture.location))
        mixture.width.assign(tf.where(fresh, tf.sqrt(variance) + 1e-3, mixture.width))


@keras.saving.register_keras_serializable("fastsim_zoo")
class GuidedGAN(ConditionalGAN):
    """A GAN that holds its generator to the statistics that it was told.

    It adds a term to the generator's loss: the distance between the statistics that
    were drawn and those of the shower, in units of their spread. The numbers of hits of
    the layers are exact by construction and have no part in it.

    Args:
        *args: See `ConditionalGAN`; a part of the generator is a `draw_network`, which
            takes the first numbers of the noise.
        statistics: Computes the statistics of a shower.
        guidance: Weight of the term.
        **kwargs: See `ConditionalGAN`.
    """

    def __init__(
        self,
        *args: Any,
        statistics: ShowerStatistics,
        guidance: float,
        **kwargs: Any,
    ) -> None:
        """See the class."""
        super().__init__(*args, **kwargs)
        self.draw = self.generator.get_layer("draw")
        self.draw.trainable = False
        self.statistics = statistics
        self.guidance = guidance

    def _names(self) -> list[str]:
        return [*super()._names(), "guidance_error"]

    def _constraint_loss(self, real: Tensor, fake: Tensor, condition: Tensor) -> Tensor:
        loss = super()._constraint_loss(real, fake, condition)
        noise = self._noise(tf.shape(real)[0], self.critic_steps)
        size = self.draw.inputs[1].shape[-1]
        wanted, spread, _ = self.draw([condition, noise[:, :size]])
        width = self.draw.get_layer("mixture").width
        spread = tf.maximum(spread, _LEAST_SPREAD * width)
        counted = self.statistics.layers + len(self.statistics.thresholds)
        dither = tf.fill([tf.shape(real)[0], counted], 0.5)
        found = self.statistics(fake, condition, dither)
        pull = (found - wanted) / spread
        # The numbers of hits are right and have no slope.
        pull = tf.concat([pull[:, :1], pull[:, 1 + self.statistics.layers :]], axis=1)
        # Linear beyond one spread: a shower far off does not outweigh all others.
        error = tf.reduce_mean(tf.sqrt(1.0 + pull**2) - 1.0)
        self._trackers["guidance_error"].update_state(error)
        return loss + self.guidance * error

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        serialize = keras.saving.serialize_keras_object
        return {
            **super().get_config(),
            "statistics": serialize(self.statistics),
            "guidance": self.guidance,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Any = None
    ) -> "ConditionalGAN":
        """Makes the model from `get_config`."""
        config["statistics"] = keras.saving.deserialize_keras_object(
            config["statistics"]
        )
        return super().from_config(config, custom_objects)


def training(model: GuidedGAN, config: Any) -> Phase:
    """Returns the phase that trains the drawing of the statistics.

    Args:
        model: The whole model.
        config: The entry's Config, with `statistics_steps` and
            `statistics_learning_rates`.
    """
    trained = StatisticsTraining(model.draw, model.statistics, config.seed)
    rates = config.statistics_learning_rates
    changes = [number / len(rates) for number in range(1, len(rates))]
    trained.compile(adam(rates, changes, config.statistics_steps, (0.9, 0.999)))
    return Phase("statistics", trained, config.statistics_steps, lambda: None)
