"""Phases of a training before the adversarial one."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from models.training.seeded_model import SeededModel, minimise

Tensor = Any


class Pretraining(SeededModel):
    """A network that is trained by itself, before it takes part in a GAN.

    It reads elements like those of `ConditionalGAN`, of one batch each. A subclass says
    what it minimises in `terms`. All randomness is a function of (seed, step), so that
    a resumed phase repeats one never stopped.

    Args:
        trained: The variables to train.
        seed: Seed of everything random.
    """

    def __init__(
        self, trained: Sequence[keras.Variable], seed: int = 0, **kwargs: Any
    ) -> None:
        super().__init__(seed, **kwargs)
        self.trained = list(trained)
        self._count()

    def names(self) -> list[str]:
        """Returns the names of what `terms` computes."""
        raise NotImplementedError

    def terms(
        self, encoded: Tensor, condition: Tensor, seed: Tensor, training: bool
    ) -> dict[str, Tensor]:
        """Computes what is minimised.

        Args:
            encoded: Encoded responses, [batch, *shape].
            condition: Conditions [spec.condition_units], [batch, conditions].
            seed: Seed of everything random, int32 [2].
            training: Whether networks are being trained.

        Returns:
            One number per event, [batch], by name: "loss", whose mean is minimised, and
            its parts.
        """
        raise NotImplementedError

    def compile(self, trainer: keras.optimizers.Optimizer, **kwargs: Any) -> None:
        """Attaches the optimizer and builds it, so that it is saved at once.

        Args:
            trainer: Trains the variables.
            **kwargs: Passed on to `keras.Model.compile`.
        """
        super().compile(optimizer=None, **kwargs)
        self.trainer = trainer
        trainer.build(self.trained)
        self._follow(self.names())

    def state_variables(self) -> list[keras.Variable]:
        """Returns all that a resumed run needs: weights, optimizer, step."""
        # Not only what is trained: normalisation keeps moments, too.
        return self.variables + self.trainer.variables

    def train_step(self, data: tuple[Tensor, Tensor, Tensor]) -> dict[str, Tensor]:
        """Takes one step.

        Args:
            data: Encoded responses, conditions and weights, see `ConditionalGAN`.

        Returns:
            Means since the start of the epoch, by name.
        """
        encoded, condition, _ = data
        seed = self._seed_of(tf.convert_to_tensor(self.updates))
        terms: dict[str, Tensor] = {}

        def loss() -> Tensor:
            terms.update(self.terms(encoded, condition, seed, training=True))
            return tf.reduce_mean(terms["loss"])

        minimise(loss, self.trainer, self.trained)
        self.updates.assign_add(1)
        return self._followed(terms)

    def test_step(self, data: tuple[Tensor, Tensor, Tensor]) -> dict[str, Tensor]:
        """Measures the terms on events that are not trained on.

        Args:
            data: See `train_step`.

        Returns:
            Means since the start of the measurement, by name.
        """
        seed = tf.constant([self.seed, -1])
        return self._followed(self.terms(*data[:2], seed, training=False))


@dataclasses.dataclass(frozen=True, eq=False)
class Phase:
    """A part of a training before the adversarial one.

    Attributes:
        name: Its folder below `phases` in that of the run.
        model: What is trained, compiled.
        steps: Number of its steps.
        finish: Called when its weights are final, in a continued run too.
        simulate: Draws responses whose physics is followed, see `PhysicsMonitor`; None
            where the model draws none.
    """

    name: str
    model: Pretraining
    steps: int
    finish: Callable[[], None]
    simulate: Callable[[Tensor, Tensor], Tensor] | None = None
