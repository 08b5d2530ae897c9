"""Optimizers with a schedule of learning rates."""

from collections.abc import Sequence

import keras


def adam(
    rates: Sequence[float],
    changes: Sequence[float],
    steps: int,
    betas: tuple[float, float],
    precision: str = "float32",
) -> keras.optimizers.Optimizer:
    """Makes an Adam optimizer whose learning rate falls in steps or along a cosine.

    Args:
        rates: The learning rates, one after the other.
        changes: Fractions of the training at which the next rate begins, one fewer. For
            two rates and no changes it falls from the first to the second along half a
            cosine.
        steps: Optimizer steps of the whole training.
        betas: Decay of the first and second moment.
        precision: See `scaled`.

    Raises:
        ValueError: If rates and changes do not fit together.
    """
    if len(rates) == 2 and not changes:
        cosine = keras.optimizers.schedules.CosineDecay(
            rates[0], steps, alpha=rates[1] / rates[0]
        )
        return scaled(keras.optimizers.Adam(cosine, *betas), precision)
    if len(rates) != len(changes) + 1 or not changes:
        raise ValueError(
            f"{len(rates)} learning rates need {len(rates) - 1} changes, at least one; "
            f"received {list(changes)}"
        )
    boundaries = [round(steps * change) for change in changes]
    rate = keras.optimizers.schedules.PiecewiseConstantDecay(boundaries, list(rates))
    return scaled(keras.optimizers.Adam(rate, *betas), precision)


def scaled(
    optimizer: keras.optimizers.Optimizer, precision: str
) -> keras.optimizers.Optimizer:
    """Keeps small gradients from vanishing where products are taken in float16.

    The loss is multiplied by a power of two, which grows as long as all gradients are
    finite; a step in which one is not is left out, and the factor is halved.

    Args:
        optimizer: Takes the steps.
        precision: Of the products, see `TrainingConfig`.
    """
    if precision != "float16":
        return optimizer
    return keras.optimizers.LossScaleOptimizer(optimizer)
