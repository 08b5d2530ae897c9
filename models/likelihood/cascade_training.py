"""The training of a cascade by maximum likelihood."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from data.detectors.spec import DetectorSpec
from data.transforms.base import Transform
from models.likelihood import shower_axis
from models.likelihood.energy_cascade import MOMENTS, EnergyCascade
from models.networks.building_blocks import normal
from models.training.seeded_model import SimulatingModel, minimise

Tensor = Any

_LAYER = "energy_cascade"


def cascade_network(spec: DetectorSpec, **settings: Any) -> keras.Model:
    """Builds the network that draws showers: [condition, noise] -> responses.

    Args:
        spec: The detector, with responses [row, column] or [row, column, layer].
        **settings: Further arguments of `EnergyCascade`.

    Raises:
        ValueError: If the detector does not fit.
    """
    if len(spec.shape) not in (2, 3) or spec.component_names:
        raise ValueError(
            f"cascade needs responses [row, column] or [row, column, layer]; those of "
            f"detector {spec.name!r} are {list(spec.shape)}"
        )
    plane = spec.positions_cm[..., :2]
    if len(spec.shape) == 3:
        plane = plane[:, :, 0]
    cascade = EnergyCascade(
        spec.cells,
        plane,
        shower_axis.of_detector(spec).get_config(),
        **settings,
        periodic=[axis in spec.periodic_axes for axis in (0, 1)],
        name=_LAYER,
    )
    condition = keras.Input((len(spec.condition_names),), name="condition")
    noise = keras.Input((cascade.noise_size,), name="noise")
    return keras.Model([condition, noise], cascade(condition, noise), name="cascade")


@keras.saving.register_keras_serializable("fastsim_zoo")
class CascadeModel(SimulatingModel):
    """A cascade that is trained by maximum likelihood.

    All randomness is a pure function of (seed, step), so that a resumed run repeats a
    run never stopped.

    Args:
        network: From `cascade_network`.
        transform: Between physical and encoded responses; it must change nothing.
        ema_decay: Decay per step (smaller at first) of the exponential moving average
            of the weights that simulates; 0 simulates with the trained weights.
        seed: Seed of the dither.
    """

    def __init__(
        self,
        network: keras.Model,
        transform: Transform,
        ema_decay: float = 0.0,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, **kwargs)
        self.network = network
        self.transform = transform
        self._simulate_with(network, ema_decay)
        self._count()

    def compile(self, trainer: keras.optimizers.Optimizer, **kwargs: Any) -> None:
        """Attaches the optimizer and builds it, so that it is saved at once.

        Args:
            trainer: Trains the weights; it decays those of total energy and moments.
            **kwargs: Passed on to `keras.Model.compile`, e.g. `jit_compile`.
        """
        # Without optimizer=None, Keras would make an optimizer of its own.
        super().compile(optimizer=None, **kwargs)
        self.trainer = trainer
        # Levels learn from thousands of blocks in a batch; layers would lose the tails
        # of showers that begin late.
        cascade = self._cascade(self.network)
        # Below the scaling of the loss, if there is one.
        decaying = getattr(trainer, "inner_optimizer", trainer)
        decaying.exclude_from_weight_decay(
            var_list=[
                one
                for part in (*cascade.levels, *cascade.of_layers)
                for one in part.trainable_variables
            ]
        )
        trainer.build(self.network.trainable_variables)
        self._follow(["loss", *self._cascade(self.network).names, "gradient_norm"])

    def get_compile_config(self) -> dict[str, Any]:
        """Returns the optimizer's configuration."""
        return {"trainer": keras.saving.serialize_keras_object(self.trainer)}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles the model with the optimizer from `get_compile_config`."""
        self.compile(keras.saving.deserialize_keras_object(config["trainer"]))

    def state_variables(self) -> list[keras.Variable]:
        """Returns all that a resumed run needs: weights, EMA, optimizer, step."""
        return self.variables + self.trainer.variables

    @property
    def trained_network(self) -> keras.Model:
        """The network whose likelihood is maximised."""
        return self.network

    @staticmethod
    def _cascade(network: keras.Model) -> EnergyCascade:
        return network.get_layer(_LAYER)

    def negative_log_likelihood(
        self, network: keras.Model, data: Sequence[Tensor], seed: Tensor
    ) -> dict[str, Tensor]:
        """Returns "loss", the sum [nat], and its parts by name, each [batch].

        Args:
            network: Whose likelihood.
            data: Responses [batch, *shape] and conditions [batch, conditions].
            seed: Seed of the dither, int32 [2].
        """
        response, condition = data
        dither = normal(tf.shape(condition)[0], MOMENTS, seed)
        found = self._cascade(network).log_likelihood(response, condition, dither)
        parts = {name: -value for name, value in found.items()}
        return {"loss": tf.add_n([*parts.values()]), **parts}

    def _prepare(self, response: Tensor, condition: Tensor) -> None:
        """Takes scales from the first batch, for the average too."""
        cascade = self._cascade(self.network)
        fresh = tf.convert_to_tensor(self.updates) == 0
        # Only then: they need the order of all cells. A strategy assigns outside.
        found = tf.cond(
            fresh,
            lambda: cascade.scales(response, condition),
            lambda: [tf.convert_to_tensor(one) for one in cascade.scale_weights],
        )
        for network in {id(n): n for n in (self.network, self.simulator)}.values():
            weights = self._cascade(network).scale_weights
            for weight, value in zip(weights, found, strict=True):
                weight.assign(value)

    def train_step(self, data: tuple[Tensor, Tensor, Tensor]) -> dict[str, Tensor]:
        """Takes one step.

        Args:
            data: Responses [batch, *shape], conditions [batch, conditions] and weights
                [batch].

        Returns:
            Means since the start of the epoch, by name.
        """
        response, condition, weight = data
        self._prepare(response, condition)
        seed = self._seed_of(tf.convert_to_tensor(self.updates))
        terms: dict[str, Tensor] = {}

        def loss() -> Tensor:
            terms.update(self.negative_log_likelihood(self.network, data[:2], seed))
            return tf.reduce_mean(weight * terms["loss"])

        norm = minimise(loss, self.trainer, self.network.trainable_variables)
        self._update_ema(self.network)
        self.updates.assign_add(1)
        return self._followed({**terms, "gradient_norm": norm})

    def test_step(self, data: tuple[Tensor, Tensor, Tensor]) -> dict[str, Tensor]:
        """Measures the likelihood of what simulates on events not trained on.

        Args:
            data: See `train_step`.

        Returns:
            Means since the start of the measurement, by name.
        """
        seed = tf.constant([self.seed, -1])
        terms = self.negative_log_likelihood(self.simulator, data[:2], seed)
        return self._followed(terms)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        serialize = keras.saving.serialize_keras_object
        return {
            **super().get_config(),
            "network": serialize(self.network),
            "transform": serialize(self.transform),
            "ema_decay": self.ema_decay,
            "seed": self.seed,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Any = None
    ) -> "CascadeModel":
        """Makes the model from `get_config`."""
        deserialize = keras.saving.deserialize_keras_object
        for name in ("network", "transform"):
            config[name] = deserialize(config[name])
        return cls(**config)
