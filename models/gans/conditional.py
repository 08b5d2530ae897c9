"""The one conditional GAN that every entry of the zoo is an instance of."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from data.transforms.base import Transform
from losses import adversarial, constraints, penalties
from models.gans.auxiliary_tasks import AuxiliaryTask
from models.gans.constrainer import Constrainer
from models.networks import replicas
from models.networks.building_blocks import normal
from models.training.seeded_model import SimulatingModel, minimise

Tensor = Any
_NOISE, _MIXING = 0, 1


@keras.saving.register_keras_serializable("fastsim_zoo")
class ConditionalGAN(SimulatingModel):
    """A generator and a critic, an objective, a penalty and constrainers.

    One training step takes `critic_steps` equal parts of a batch: every part trains the
    critic once, the last also the constrainers and the generator. All randomness is a
    pure function of (seed, step), so that a resumed run repeats a run never stopped.

    Args:
        generator: Maps [condition, noise] to encoded responses.
        critic: Maps [encoded response, condition] to [batch, 1 + tasks]: the score, and
            what each of the tasks regresses.
        transform: Between physical and encoded responses.
        constrainers: Regressors that constrain the generator; may be empty.
        tasks: Further tasks of the critic; may be empty.
        objective: Name of the adversarial objective, see `losses.adversarial`.
        penalty_weight: Lambda, the weight of the gradient penalty; 0 for none.
        penalty_centre: The critic's gradient norm that costs nothing, 1 or 0.
        penalty_interval: The penalty is applied in every n-th critic step of the
            training only, with n times the weight; 1 applies it always.
        critic_steps: Critic steps per generator step.
        ema_decay: Decay per step (smaller at first) of the exponential moving average
            of the generator's variables that simulates; 0 simulates with the trained
            generator itself.
        seed: Seed of noise and interpolation.
    """

    critic_gives_features = False

    settings: tuple[str, ...] = (
        "objective", "penalty_weight", "penalty_centre", "penalty_interval",
        "critic_steps", "ema_decay", "seed",
    )  # fmt: skip
    """The constructor's plain arguments, which are attributes of the same name."""

    def __init__(
        self,
        generator: keras.Model,
        critic: keras.Model,
        transform: Transform,
        constrainers: Sequence[Constrainer] = (),
        tasks: Sequence[AuxiliaryTask] = (),
        objective: str = "wasserstein",
        penalty_weight: float = 10.0,
        penalty_centre: float = 1.0,
        penalty_interval: int = 1,
        critic_steps: int = 1,
        ema_decay: float = 0.0,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, **kwargs)
        self.generator = generator
        self.critic = critic
        self.transform = transform
        self.constrainers = list(constrainers)
        self.tasks = list(tasks)
        self.objective = objective
        self.adversarial = adversarial.get(objective)
        if self.adversarial.features != self.critic_gives_features:
            raise ValueError(
                f"objective={objective} does not fit this model, whose critic gives "
                f"{'features' if self.critic_gives_features else 'a score'}; choose "
                "another objective"
            )
        if penalty_interval < 1:
            raise ValueError(
                f"penalty_interval must be at least 1, is {penalty_interval}; "
                "penalty_weight=0 switches the penalty off"
            )
        self._simulate_with(generator, ema_decay)
        self.penalty_weight = penalty_weight
        self.penalty_centre = penalty_centre
        self.penalty_interval = penalty_interval
        self.critic_steps = critic_steps
        self._count()

    def compile(
        self,
        generator_optimizer: keras.optimizers.Optimizer,
        critic_optimizer: keras.optimizers.Optimizer,
        constrainer_optimizer: keras.optimizers.Optimizer | None = None,
        **kwargs: Any,
    ) -> None:
        """Attaches the optimizers and builds them, so that they are saved at once.

        Args:
            generator_optimizer: Trains the generator.
            critic_optimizer: Trains the critic.
            constrainer_optimizer: Trains all constrainers; required if there are any.
            **kwargs: Passed on to `keras.Model.compile`, e.g. `jit_compile`.

        Raises:
            ValueError: If there are constrainers and no optimizer for them.
        """
        # Without optimizer=None, Keras would make an optimizer of its own.
        super().compile(optimizer=None, **kwargs)
        if self.constrainers and constrainer_optimizer is None:
            raise ValueError("constrainer_optimizer is required: the model has some")
        self.generator_optimizer = generator_optimizer
        self.critic_optimizer = critic_optimizer
        self.constrainer_optimizer = constrainer_optimizer
        generator_optimizer.build(self.generator.trainable_variables)
        critic_optimizer.build(self.critic.trainable_variables)
        if constrainer_optimizer is not None:
            constrainer_optimizer.build(self._constrainer_variables())
        self._follow(self._names())

    @property
    def trained_network(self) -> keras.Model:
        """The generator."""
        return self.generator

    def _names(self) -> list[str]:
        """Returns the names of what is followed during an epoch."""
        names = ["critic_loss", "generator_loss", "penalty"]
        names += ["critic_gradient_norm", "generator_gradient_norm"]
        names += [f"{constrainer.name}_loss" for constrainer in self.constrainers]
        names += [f"{constrainer.name}_constraint" for constrainer in self.constrainers]
        for task in self.tasks:
            names += [f"{task.name}_error", f"{task.name}_constant_error"]
        return names

    def get_compile_config(self) -> dict[str, Any]:
        """Returns the optimizers' configurations."""
        optimizers = {
            "generator_optimizer": self.generator_optimizer,
            "critic_optimizer": self.critic_optimizer,
            "constrainer_optimizer": self.constrainer_optimizer,
        }
        serialize = keras.saving.serialize_keras_object
        return {name: serialize(value) for name, value in optimizers.items() if value}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles the model with optimizers from `get_compile_config`."""
        deserialize = keras.saving.deserialize_keras_object
        self.compile(**{name: deserialize(value) for name, value in config.items()})

    def judge(self, encoded: Tensor, condition: Tensor, training: bool) -> Tensor:
        """Returns the critic's outputs.

        Args:
            encoded: Encoded responses, [batch, *shape].
            condition: Physical conditions, [batch, conditions].
            training: Whether the critic is being trained.

        Returns:
            [batch, 1 + tasks].
        """
        return self.critic([encoded, condition], training=training)

    def _judge_both(
        self, real: Tensor, fake: Tensor, condition: Tensor
    ) -> Sequence[Tensor]:
        """Returns the critic's outputs on real and on generated responses.

        The critic is being trained. Arguments as of `judge`.
        """
        # One pass over both halves is faster than two.
        outputs = self.judge(
            tf.concat([real, fake], 0),
            tf.concat([condition, condition], 0),
            training=True,
        )
        return tf.split(outputs, 2)

    def _constrainer_variables(self) -> list[keras.Variable]:
        return [v for c in self.constrainers for v in c.trainable_variables]

    def state_variables(self) -> list[keras.Variable]:
        """Returns all that a resumed run needs: weights, EMA, optimizers, step."""
        optimizers = [self.generator_optimizer, self.critic_optimizer]
        if self.constrainer_optimizer is not None:
            optimizers.append(self.constrainer_optimizer)
        return self.variables + [v for o in optimizers for v in o.variables]

    def _random_seed(self, purpose: int, part: int) -> Tensor:
        key = tf.convert_to_tensor(self.updates) * 1024 + part * 2 + purpose
        return self._seed_of(key)

    def _noise(self, count: Tensor, part: int, events: int = 1) -> Tensor:
        """Draws noise for so many generated events of each of the batch, in turn."""
        seed = self._random_seed(_NOISE, part)
        return normal(count, self.noise_size, seed, events)

    def _mixing(self, real: Tensor, part: int) -> Tensor:
        seed = self._random_seed(_MIXING, part)
        return replicas.uniform(tf.shape(real)[0], 1, seed)[:, 0]

    def _penalty(self, real: Tensor, fake: Tensor, condition: Tensor, part: int) -> Any:
        def score(points: Tensor) -> Tensor:
            return self.judge(points, condition, training=True)[:, 0]

        mixing = self._mixing(real, part)
        return penalties.gradient_penalty(
            score, real, fake, mixing, self.penalty_centre
        )

    def _lazily(self, penalty: Callable[[], Tensor], part: int) -> Tensor:
        """Returns the mean of a penalty, n-fold in every n-th critic step.

        Args:
            penalty: Computes the penalty [batch]; not called in the other critic steps,
                whose result is 0.
            part: Number of the critic step within this step of the training.
        """
        if self.penalty_interval == 1:
            mean = tf.reduce_mean(penalty())
            self._trackers["penalty"].update_state(mean)
            return mean
        # Counted over the whole training: with one critic step, `part` is always 0.
        step = tf.convert_to_tensor(self.updates) * self.critic_steps + part
        due = step % self.penalty_interval == 0
        mean = tf.cond(due, lambda: tf.reduce_mean(penalty()), lambda: tf.zeros([]))
        # Without weight, a skipped step does not enter the mean of the epoch.
        self._trackers["penalty"].update_state(mean, tf.cast(due, tf.float32))
        return self.penalty_interval * mean

    def critic_step(self, part: int, *events: Tensor) -> None:
        """Trains the critic once.

        Args:
            part: Number of the critic step within this step of the training.
            *events: See `critic_loss`.
        """
        norm = minimise(
            lambda: self.critic_loss(part, *events),
            self.critic_optimizer, self.critic.trainable_variables,
        )  # fmt: skip
        self._trackers["critic_gradient_norm"].update_state(norm)

    def critic_loss(
        self, part: int, real: Tensor, condition: Tensor, weight: Tensor
    ) -> Tensor:
        """Computes what the critic minimises.

        Args:
            part: Number of the critic step within this step of the training.
            real: Encoded reference responses, [batch, *shape].
            condition: Their conditions, [batch, conditions].
            weight: Their weights, [batch].

        Returns:
            The loss, scalar.
        """
        noise = self._noise(tf.shape(real)[0], part)
        fake = self.generator([condition, noise], training=False)
        on_real, on_fake = self._judge_both(real, fake, condition)
        scores = on_real[:, 0], on_fake[:, 0]
        loss = tf.reduce_mean(self.adversarial.critic(*scores, weight))
        self._trackers["critic_loss"].update_state(loss)
        loss += self._task_loss(on_real, real, condition)
        if self.penalty_weight > 0.0:
            loss += self.penalty_weight * self._lazily(
                lambda: self._penalty(real, fake, condition, part), part
            )
        return loss

    def _task_loss(self, outputs: Tensor, real: Tensor, condition: Tensor) -> Tensor:
        """Adds up the weighted errors of the tasks; they learn from the reference."""
        loss = tf.zeros([])
        for column, task in enumerate(self.tasks, start=1):
            response = self.transform.decode(real, condition)
            error, constant = task.errors(outputs[:, column], response, condition)
            self._trackers[f"{task.name}_error"].update_state(error)
            self._trackers[f"{task.name}_constant_error"].update_state(constant)
            loss += task.weight * error
        return loss

    def constrainer_step(self, response: Tensor, condition: Tensor) -> None:
        """Trains all constrainers once, on physical reference responses."""
        errors: list[Tensor] = []

        def loss() -> Tensor:
            errors.extend(c.error(response, condition, True) for c in self.constrainers)
            return tf.add_n(errors)

        minimise(loss, self.constrainer_optimizer, self._constrainer_variables())
        for constrainer, error in zip(self.constrainers, errors, strict=True):
            self._trackers[f"{constrainer.name}_loss"].update_state(error)

    def generator_step(self, *events: Tensor) -> None:
        """Trains the generator once.

        Args:
            *events: See `generator_loss`.
        """
        norm = minimise(
            lambda: self.generator_loss(*events),
            self.generator_optimizer, self.generator.trainable_variables,
        )  # fmt: skip
        self._trackers["generator_gradient_norm"].update_state(norm)

    def generator_loss(self, real: Tensor, condition: Tensor, weight: Tensor) -> Tensor:
        """Computes what the generator minimises; arguments as of `critic_loss`."""
        noise = self._noise(tf.shape(real)[0], self.critic_steps)
        fake = self.generator([condition, noise], training=True)
        score = self.judge(fake, condition, training=False)[:, 0]
        loss = tf.reduce_mean(self.adversarial.generator(score, weight))
        self._trackers["generator_loss"].update_state(loss)
        return loss + self._constraint_loss(real, fake, condition)

    def _constraint_loss(self, real: Tensor, fake: Tensor, condition: Tensor) -> Tensor:
        """Adds up the weighted constraints of the constrainers."""
        response = self.transform.decode(real, condition)
        generated = self.transform.decode(fake, condition)
        loss = tf.zeros([])
        for constrainer in self.constrainers:
            errors = [
                constrainer.error(one, condition) for one in (response, generated)
            ]
            difference = constraints.error_difference(*replicas.means(errors))
            loss += constrainer.weight * difference
            tracker = self._trackers[f"{constrainer.name}_constraint"]
            tracker.update_state(difference)
        return loss

    def train_step(self, data: tuple[Tensor, Tensor, Tensor]) -> dict[str, Tensor]:
        """Trains the critic `critic_steps` times and everything else once.

        Args:
            data: Encoded responses [critic_steps * batch, *shape], physical conditions
                [critic_steps * batch, conditions], weights [critic_steps * batch].

        Returns:
            Means since the start of the epoch, by name.
        """
        parts = zip(*(tf.split(part, self.critic_steps) for part in data), strict=True)
        for part, (real, condition, weight) in enumerate(parts):
            self.critic_step(part, real, condition, weight)
        if self.constrainers:
            self.constrainer_step(self.transform.decode(real, condition), condition)
        self.generator_step(real, condition, weight)
        self._update_ema(self.generator)
        self.updates.assign_add(1)
        return {name: tracker.result() for name, tracker in self._trackers.items()}

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        serialize = keras.saving.serialize_keras_object
        return {
            **super().get_config(),
            **{name: getattr(self, name) for name in self.settings},
            "generator": serialize(self.generator),
            "critic": serialize(self.critic),
            "transform": serialize(self.transform),
            "constrainers": [serialize(c) for c in self.constrainers],
            "tasks": [serialize(task) for task in self.tasks],
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Any = None
    ) -> "ConditionalGAN":
        """Makes the model from `get_config`."""
        if "averaging" in config:  # The name until November 2026.
            config["ema_decay"] = config.pop("averaging")
        deserialize = keras.saving.deserialize_keras_object
        for name in ("generator", "critic", "transform"):
            config[name] = deserialize(config[name])
        for name in ("constrainers", "tasks"):
            config[name] = [deserialize(value) for value in config[name]]
        return cls(**config)
