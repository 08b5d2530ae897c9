"""A GAN with an embedded regressor of the conditions, and its pre-training."""

from typing import Any

import keras
import tensorflow as tf

from data.detectors.spec import DetectorSpec
from losses import constraints
from models.gans.conditional import ConditionalGAN
from models.networks import building_blocks, replicas
from models.training.phases import Pretraining

Tensor = Any

KINDS = ("errors", "features", "none")
"""How a regressor's information enters a network's gradient."""


def scaling(spec: DetectorSpec) -> keras.Model:
    """Makes the map from physical to scaled conditions, the regressor's labels.

    Args:
        spec: The detector.

    Returns:
        A functional model [batch, conditions] -> [batch, conditions] without weights.
    """
    condition = keras.Input((len(spec.condition_names),), name="condition")
    scaled = building_blocks.scaled_condition(condition, spec)
    return keras.Model(condition, scaled, name="scaling")


class RegressorTraining(Pretraining):
    """Trains a regressor on scaled conditions by mean squared error.

    Args:
        regressor: Maps encoded responses to [..., scaled conditions].
        scaling: See `scaling`.
        seed: See `Pretraining`.
    """

    def __init__(self, regressor: keras.Model, scaling: keras.Model, seed: int) -> None:
        super().__init__(regressor.variables, seed, name="regressor_training")
        self.regressor = regressor
        self.scaling = scaling

    def names(self) -> list[str]:
        """See `Pretraining.names`; one part per condition."""
        count = self.scaling.outputs[0].shape[-1]
        return ["loss", *(f"condition_{number}_loss" for number in range(count))]

    def terms(
        self, encoded: Tensor, condition: Tensor, seed: Tensor, training: bool
    ) -> dict[str, Tensor]:
        """See `Pretraining.terms`."""
        error = self.regressor(encoded, training=training)[-1] - self.scaling(condition)
        squared = error**2
        parts = [tf.reduce_mean(squared, axis=1), *tf.unstack(squared, axis=1)]
        return dict(zip(self.names(), parts, strict=True))


@keras.saving.register_keras_serializable("fastsim_zoo")
class EmbeddedRegressorGAN(ConditionalGAN):
    """A GAN whose critic and generator learn through a frozen regressor.

    It overrides what the critic sees, since the regressor's answer has to be one of its
    inputs, and adds a term to the generator's loss. The gradient passes through the
    regressor's fixed weights.

    Args:
        *args: See `ConditionalGAN`; the critic maps [encoded response, known] to
            scores, with `known` the errors of the regression, or features and scaled
            conditions, or scaled conditions alone.
        regressor: Maps encoded responses to [features ..., scaled conditions].
        scaling: See `scaling`.
        critic_regressor: One of `KINDS`.
        generator_regressor: One of `KINDS`.
        regressor_weight: Weight of the term in the generator's loss.
        **kwargs: See `ConditionalGAN`.
    """

    def __init__(
        self,
        *args: Any,
        regressor: keras.Model,
        scaling: keras.Model,
        critic_regressor: str,
        generator_regressor: str,
        regressor_weight: float,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.regressor = regressor
        self.regressor.trainable = False
        self.scaling = scaling
        self.critic_regressor = critic_regressor
        self.generator_regressor = generator_regressor
        self.regressor_weight = regressor_weight

    def _names(self) -> list[str]:
        extra = [] if self.generator_regressor == "none" else ["regressor_constraint"]
        return [*super()._names(), *extra]

    def judge(self, encoded: Tensor, condition: Tensor, training: bool) -> Tensor:
        """See `ConditionalGAN.judge`."""
        known = self.scaling(condition)
        if self.critic_regressor != "none":
            *_, features, parameters = self.regressor(encoded, training=False)
            if self.critic_regressor == "errors":
                known = parameters - known
            else:
                known = tf.concat([features, known], axis=1)
        return self.critic([encoded, known], training=training)

    def _constraint_loss(self, real: Tensor, fake: Tensor, condition: Tensor) -> Tensor:
        loss = super()._constraint_loss(real, fake, condition)
        if self.generator_regressor == "none":
            return loss
        on_real, on_fake = (self.regressor(one, training=False) for one in (real, fake))
        if self.generator_regressor == "errors":
            label = self.scaling(condition)
            errors = [
                tf.reduce_mean(constraints.squared_error(one[-1], label))
                for one in (on_real, on_fake)
            ]
            term = constraints.error_difference(*replicas.means(errors))
        else:
            distances = [
                constraints.feature_distance(*pair)
                for pair in zip(on_real[:-1], on_fake[:-1], strict=True)
            ]
            term = tf.add_n(distances) / len(distances)
        self._trackers["regressor_constraint"].update_state(term)
        return loss + self.regressor_weight * term

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        serialize = keras.saving.serialize_keras_object
        return {
            **super().get_config(),
            "regressor": serialize(self.regressor),
            "scaling": serialize(self.scaling),
            "critic_regressor": self.critic_regressor,
            "generator_regressor": self.generator_regressor,
            "regressor_weight": self.regressor_weight,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Any = None
    ) -> "ConditionalGAN":
        """Makes the model from `get_config`."""
        for name in ("regressor", "scaling"):
            config[name] = keras.saving.deserialize_keras_object(config[name])
        return super().from_config(config, custom_objects)
