"""The hyper-parameters that all GANs of the zoo share, and what is made from them."""

import dataclasses
from typing import Any, ClassVar

from models.gans.conditional import ConditionalGAN
from models.training.config import TrainingConfig
from models.training.optimizers import adam


@dataclasses.dataclass(frozen=True)
class GANConfig(TrainingConfig):
    """The hyper-parameters of a `ConditionalGAN`.

    Attributes:
        objective: See `losses.adversarial`.
        penalty_weight: lambda, the weight of the gradient penalty; 0 for none.
        penalty_centre: The critic's gradient norm that costs nothing, 1 or 0.
        penalty_interval: Critic steps from one penalty to the next, see
            `ConditionalGAN`.
        critic_steps: Critic steps per generator step.
        ema_decay: Decay of the exponential moving average of the generator's weights;
            0 for none.
    """

    objective: str = "wasserstein"
    penalty_weight: float = 10.0
    penalty_centre: float = 1.0
    penalty_interval: int = 1
    critic_steps: int = 1
    ema_decay: float = 0.999

    counts: ClassVar[tuple[str, ...]] = (*TrainingConfig.counts, "critic_steps")

    @property
    def step_events(self) -> int:
        """Number of responses that a step of the training reads."""
        return self.batch_size * self.critic_steps

    def adversarial(self) -> dict[str, Any]:
        """Returns the settings that `ConditionalGAN` takes by name."""
        shared = {field.name for field in dataclasses.fields(TrainingConfig)}
        names = {field.name for field in dataclasses.fields(GANConfig)} - shared
        return {name: getattr(self, name) for name in (*sorted(names), "seed")}


@dataclasses.dataclass(frozen=True)
class AdamGANConfig(GANConfig):
    """The hyper-parameters of a GAN that is trained with Adam.

    Attributes:
        critic_learning_rates: Piecewise constant rates.
        generator_learning_rates: Piecewise constant rates.
        learning_rate_changes: Fractions of the training at which the rates change; ()
            where two rates are the ends of half a cosine.
        beta_1: Of all Adam optimizers.
        beta_2: Of all Adam optimizers.
    """

    critic_learning_rates: tuple[float, ...] = (1e-4, 1e-4)
    generator_learning_rates: tuple[float, ...] = (1e-4, 1e-4)
    learning_rate_changes: tuple[float, ...] = (0.5,)
    beta_1: float = 0.0
    beta_2: float = 0.9


@dataclasses.dataclass(frozen=True)
class ImageGANConfig(AdamGANConfig):
    """What the publications of GANs for images leave open; the defaults are plain.

    Attributes:
        condition_gain: Factor of the scaled conditions beside the generator's noise.
        critic_condition_gain: The same beside what the critic sees of an image.
        output_gain: Factor of the generator's last convolution, before its ReLU.
        output_bias: Initial bias of that convolution: below 0, the first images are
            sparse.
        attention_gamma: Initial residual weight of each self-attention.
    """

    condition_gain: float = 1.0
    critic_condition_gain: float = 1.0
    output_gain: float = 1.0
    output_bias: float = 0.0
    attention_gamma: float = 0.0

    def conditioned(self) -> dict[str, Any]:
        """Returns the settings that `transposed_generator` takes by name."""
        names = ("condition_gain", "output_gain", "output_bias")
        return {name: getattr(self, name) for name in names}


def compile_model(model: ConditionalGAN, config: AdamGANConfig) -> None:
    """Attaches Adam optimizers to a model without constrainers.

    Args:
        model: From an entry's `build`.
        config: The entry's Config.
    """
    changes, betas = config.learning_rate_changes, (config.beta_1, config.beta_2)
    critic_steps = config.steps * config.critic_steps
    kind = betas, config.precision
    model.compile(
        adam(config.generator_learning_rates, changes, config.steps, *kind),
        adam(config.critic_learning_rates, changes, critic_steps, *kind),
    )
