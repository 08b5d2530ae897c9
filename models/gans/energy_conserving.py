"""A GAN whose critic compares whole batches, and whose showers conserve the energy."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from losses import constraints
from models.gans.conditional import ConditionalGAN

Tensor = Any


@keras.saving.register_keras_serializable("fastsim_zoo")
class EnergyConservingGAN(ConditionalGAN):
    """A GAN that holds its generator to the total energy of a shower.

    It adds the mean absolute difference between the total and the incident energy
    [GeV] to the generator's loss. The critic sees real and generated showers in
    batches of their own, since it compares the showers of a batch with each other.

    Args:
        *args: See `ConditionalGAN`; the transform is a `Calibrated`.
        energy_weight: Weight of the difference.
        **kwargs: See `ConditionalGAN`.

    Source: arXiv:1712.10321.
    """

    def __init__(self, *args: Any, energy_weight: float, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.energy_weight = energy_weight

    def _names(self) -> list[str]:
        return [*super()._names(), "energy_error_gev"]

    def _judge_both(
        self, real: Tensor, fake: Tensor, condition: Tensor
    ) -> Sequence[Tensor]:
        return [self.judge(one, condition, training=True) for one in (real, fake)]

    def energy_error(self, encoded: Tensor, condition: Tensor) -> Tensor:
        """Returns how far the total energies are from those of the particles.

        Args:
            encoded: Encoded responses, [batch, *shape].
            condition: Conditions [spec.condition_units], [batch, conditions].

        Returns:
            Absolute differences [GeV], [batch]. A total energy is in units of the mean
            response to one GeV.
        """
        response = self.transform.decode(encoded, condition)
        total = tf.reduce_sum(response, axis=list(range(1, len(response.shape))))
        per_gev = self.transform.response_per_gev
        incident = self.transform.expected_response(condition, 1) / per_gev
        return constraints.absolute_error(total / per_gev, incident)

    def _constraint_loss(self, real: Tensor, fake: Tensor, condition: Tensor) -> Tensor:
        loss = super()._constraint_loss(real, fake, condition)
        error = tf.reduce_mean(self.energy_error(fake, condition))
        self._trackers["energy_error_gev"].update_state(error)
        return loss + self.energy_weight * error

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "energy_weight": self.energy_weight}
