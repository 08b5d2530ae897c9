"""A model with its own training step, in which nothing random depends on the past."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

Tensor = Any


class SeededModel(keras.Model):
    """A Keras model that counts its steps and follows means during an epoch.

    A subclass takes its randomness from the pair of its seed and `updates`, so that a
    resumed run repeats a run never stopped.

    Args:
        seed: Seed of everything random.

    Attributes:
        updates: The number of steps taken.
    """

    def __init__(self, seed: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        self._trackers: dict[str, keras.metrics.Mean] = {}

    def _count(self) -> None:
        """Makes `updates`; the last act of a subclass's constructor.

        A checkpoint holds the variables in the order in which they were made.
        """
        self.updates = self.add_weight(
            shape=(),
            dtype="int32",
            initializer="zeros",
            trainable=False,
            name="updates",
        )
        self.built = True

    def _follow(self, names: Sequence[str]) -> None:
        """Begins to follow the means of these names."""
        self._trackers = {name: keras.metrics.Mean(name=name) for name in names}

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The means over an epoch, which Keras resets."""
        return list(self._trackers.values())

    def _seed_of(self, key: Tensor) -> Tensor:
        """Returns the seed, int32 [2], of what `key` stands for, on this replica."""
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        return tf.stack([self.seed + 65537 * tf.cast(replica, "int32"), key])


def minimise(
    loss: Callable[[], Tensor],
    optimizer: keras.optimizers.Optimizer,
    variables: Sequence[keras.Variable],
) -> Tensor:
    """Takes one optimizer step and returns the norm of the gradient.

    Args:
        loss: Computes what is minimised, scalar.
        optimizer: Takes the step.
        variables: What it changes; the gradient of nothing else is recorded.
    """
    values = [variable.value for variable in variables]
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(values)
        value = loss()
    # Gradients are summed over replicas, so every replica contributes its part.
    fraction = tf.constant(1.0 / tf.distribute.get_strategy().num_replicas_in_sync)
    gradients = tape.gradient(value, values, output_gradients=fraction)
    optimizer.apply(gradients, variables)
    return tf.linalg.global_norm(gradients)
