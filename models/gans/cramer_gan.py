"""The Cramer GAN: a critic that gives features, and two generated events."""

from typing import Any

import keras
import tensorflow as tf

from losses import penalties
from losses.cramer import potential
from models.gans.conditional import ConditionalGAN

Tensor = Any

PAIRS = ("same_event", "independent")
"""Which condition the second generated event of a pair has."""


@keras.saving.register_keras_serializable("fastsim_zoo")
class CramerGAN(ConditionalGAN):
    """A conditional GAN that compares events in the space of its critic's features.

    Both losses need a second generated event, and the generator's the reference event
    as well.

    Args:
        *args: See `ConditionalGAN`; the critic maps [encoded response, condition] to
            features [batch, features].
        pairs: "same_event" if all events of a pair have the condition and weight of one
            reference event; "independent" if the second generated event has those of
            another one, with the product of both weights: then the joint distributions
            of response and condition are compared.
        penalty_ramp_steps: t0 of the growing penalty weight lambda 2/pi atan(t / t0)
            at step t; 0 for a constant one. The penalty is one-sided.
        **kwargs: See `ConditionalGAN`.

    Raises:
        ValueError: If `pairs` is neither of the two names, or does not fit the
            objective.

    Source: Bellemare et al., arXiv:1705.10743.
    """

    critic_gives_features = True
    settings = (*ConditionalGAN.settings, "pairs", "penalty_ramp_steps")

    def __init__(
        self,
        *args: Any,
        pairs: str = "same_event",
        penalty_ramp_steps: int = 0,
        **kwargs: Any,
    ) -> None:
        if pairs not in PAIRS:
            raise ValueError(f"unknown pairs {pairs!r}; known: {', '.join(PAIRS)}")
        super().__init__(*args, **kwargs)
        if pairs == "independent" and self.objective == "cramer":
            raise ValueError(
                "objective=cramer needs pairs=same_event: the reference event and both "
                "generated ones have to share their condition"
            )
        self.pairs = pairs
        self.penalty_ramp_steps = penalty_ramp_steps

    def _partner(self, condition: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the second generated events' conditions and the pairs' weights."""
        if self.pairs == "same_event":
            return condition, weight
        return tf.roll(condition, 1, axis=0), weight * tf.roll(weight, 1, axis=0)

    def _features(
        self, events: list[Tensor], conditions: list[Tensor], training: bool
    ) -> list[Tensor]:
        """Judges several batches in one pass."""
        features = self.judge(
            tf.concat(events, 0), tf.concat(conditions, 0), training=training
        )
        return list(tf.split(features, len(events)))

    def _two_fakes(self, conditions: list[Tensor], part: int, training: bool) -> Any:
        condition = tf.concat(conditions, 0)
        noise = self._noise(tf.shape(condition)[0], part, len(conditions))
        return tf.split(self.generator([condition, noise], training=training), 2)

    def _penalty_factor(self) -> Tensor:
        if self.penalty_ramp_steps == 0:
            return tf.constant(self.penalty_weight)
        steps = tf.cast(tf.convert_to_tensor(self.updates), tf.float32)
        growth = tf.atan(steps / self.penalty_ramp_steps) * (2.0 / 3.14159265)
        return self.penalty_weight * growth

    def _pair_penalty(
        self, real: Tensor, fake: Tensor, condition: Tensor, other: Tensor, part: int
    ) -> Tensor:
        """Penalises the gradient of f(., g') between reference and generated events."""

        def score(points: Tensor) -> Tensor:
            return potential(self.judge(points, condition, training=True), other)

        return penalties.gradient_penalty(
            score, real, fake, self._mixing(real, part), self.penalty_centre, True
        )

    def critic_loss(
        self, part: int, real: Tensor, condition: Tensor, weight: Tensor
    ) -> Tensor:
        """See `ConditionalGAN.critic_loss`."""
        partner, weight = self._partner(condition, weight)
        fake, other = self._two_fakes([condition, partner], part, training=False)
        features = self._features(
            [real, fake, other], [condition, condition, partner], training=True
        )
        loss = tf.reduce_mean(self.adversarial.critic(*features, weight))
        self._trackers["critic_loss"].update_state(loss)
        if self.penalty_weight > 0.0:
            other = features[2]
            loss += self._penalty_factor() * self._lazily(
                lambda: self._pair_penalty(real, fake, condition, other, part), part
            )
        return loss

    def generator_loss(self, real: Tensor, condition: Tensor, weight: Tensor) -> Tensor:
        """See `ConditionalGAN.generator_loss`."""
        partner, weight = self._partner(condition, weight)
        fake, other = self._two_fakes(
            [condition, partner], self.critic_steps, training=True
        )
        features = self._features(
            [real, fake, other], [condition, condition, partner], training=False
        )
        loss = tf.reduce_mean(self.adversarial.generator(*features, weight))
        self._trackers["generator_loss"].update_state(loss)
        return loss
