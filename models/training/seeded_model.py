"""Models with their own training step, in which nothing random depends on the past."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from data.transforms.base import Transform
from models.networks import replicas
from models.networks.building_blocks import normal

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

    def _followed(self, terms: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Adds the means of numbers, one per event, to what is followed.

        Args:
            terms: The numbers by the names given to `_follow`, each [batch].

        Returns:
            Means since the start of the epoch, by name.
        """
        # Means of events, not sums of means: TensorFlow may reorder a chain of sums
        # that ends in the tracker's own, and a resumed run would differ in a digit.
        for name, value in terms.items():
            self._trackers[name].update_state(tf.reduce_mean(value))
        return {name: self._trackers[name].result() for name in terms}

    def _seed_of(self, key: Tensor) -> Tensor:
        """Returns the seed, int32 [2], of what `key` stands for.

        It is the same on all replicas, each of which draws its part of the batch's
        numbers, see `replicas.uniform`.
        """
        return tf.stack([self.seed, key])


class SimulatingModel(SeededModel):
    """A `SeededModel` that answers with responses.

    Attributes:
        transform: Between physical and encoded responses.
        simulator: Maps [condition, noise] to encoded responses: the network that is
            trained, or its exponential moving average.
        noise_size: Noise dimension of an event.
        ema_decay: Decay of the average per step; 0 where there is none.
    """

    transform: Transform
    simulator: keras.Model
    noise_size: int
    ema_decay: float

    def _simulate_with(self, network: keras.Model, ema_decay: float) -> None:
        """Makes a network simulate, or from a decay above 0 on a copy of it."""
        self.ema_decay = ema_decay
        self.simulator = network
        if ema_decay > 0.0:
            self.simulator = keras.models.clone_model(network)
            self.simulator.set_weights(network.get_weights())
            self.simulator.trainable = False
        self.noise_size = int(network.inputs[1].shape[-1])

    def _update_ema(self, network: keras.Model) -> None:
        """Moves the average, if there is one, towards the network."""
        if self.simulator is network:
            return
        # A short memory at first, or the initial weights would linger on.
        step = tf.cast(tf.convert_to_tensor(self.updates), tf.float32)
        keep = tf.minimum(self.ema_decay, (1.0 + step) / (10.0 + step))
        pairs = zip(self.simulator.variables, network.variables, strict=True)
        for ema, value in pairs:
            ema.assign(value + keep * (ema - value))

    def call(self, inputs: Sequence[Tensor], training: bool = False) -> Tensor:
        """Simulates physical responses from [condition, noise]."""
        condition, noise = inputs
        encoded = self.simulator([condition, noise], training=False)
        return self.transform.decode(encoded, condition)

    def simulate(self, condition: Tensor, seed: Tensor) -> Tensor:
        """Simulates physical responses.

        Args:
            condition: Conditions [spec.condition_units], float32 [batch, conditions].
            seed: Seed of the noise, int32 [2]; a shorter batch is a prefix.

        Returns:
            Responses [spec.unit], float32 [batch, *shape].
        """
        noise = normal(tf.shape(condition)[0], self.noise_size, seed)
        return self([condition, noise], training=False)


def minimise(
    loss: Callable[[], Tensor],
    optimizer: keras.optimizers.Optimizer,
    variables: Sequence[keras.Variable],
) -> Tensor:
    """Takes one optimizer step and returns the norm of the gradient.

    Of several replicas each returns that of its own part of the batch.

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
    count = replicas.count()
    # A factor of the loss keeps gradients in the range of float16; else it is 1.
    factor = optimizer.scale_loss(tf.constant(1.0))
    fraction = factor / count
    gradients = tape.gradient(value, values, output_gradients=fraction)
    norm = tf.linalg.global_norm(gradients) / factor
    optimizer.apply(gradients, variables)
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        # The optimizer leaves such a step out.
        norm = tf.where(tf.math.is_finite(norm), norm, 0.0)
    return norm if count == 1 else count * norm
