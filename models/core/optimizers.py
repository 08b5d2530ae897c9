"""Optimizers of the entries."""

from collections.abc import Sequence
from typing import Any

import keras

from models.core.gan import ConditionalGAN


def adam(
    rates: Sequence[float],
    changes: Sequence[float],
    steps: int,
    betas: tuple[float, float],
) -> keras.optimizers.Optimizer:
    """Makes an Adam optimizer whose learning rate falls in steps.

    Args:
        rates: The learning rates, one after the other.
        changes: Fractions of the training at which the next rate begins, one fewer.
        steps: Optimizer steps of the whole training.
        betas: Decay of the first and second moment.

    Raises:
        ValueError: If rates and changes do not fit together.
    """
    if len(rates) != len(changes) + 1 or not changes:
        raise ValueError(
            f"{len(rates)} learning rates need {len(rates) - 1} changes, at least one; "
            f"received {list(changes)}"
        )
    boundaries = [round(steps * change) for change in changes]
    rate = keras.optimizers.schedules.PiecewiseConstantDecay(boundaries, list(rates))
    return keras.optimizers.Adam(rate, *betas)


def compile_model(model: ConditionalGAN, config: Any) -> None:
    """Attaches Adam optimizers to a model without constrainers.

    Args:
        model: From an entry's `build`.
        config: The entry's Config, with the rates of critic and generator, when they
            change, the betas, `steps` and `critic_steps`.
    """
    changes, betas = config.learning_rate_changes, (config.beta_1, config.beta_2)
    critic_steps = config.steps * config.critic_steps
    model.compile(
        adam(config.generator_learning_rates, changes, config.steps, betas),
        adam(config.critic_learning_rates, changes, critic_steps, betas),
    )
