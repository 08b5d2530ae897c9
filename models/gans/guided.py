"""A GAN whose generator is told statistics of the shower that were drawn by likelihood.

A generator that is trained against a critic alone gets the joint distribution of what a
calorimeter measures first (energies, numbers of hits, widths, centres) only roughly.
A few numbers are easy to learn by maximum likelihood instead: they are drawn first, and
the generator fills in the shower.
"""

from typing import Any

import keras
import tensorflow as tf

from models.gans.conditional import ConditionalGAN
from models.layers.shower_statistics import ShowerStatistics

Tensor = Any

_LEAST_SPREAD = 0.15


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
