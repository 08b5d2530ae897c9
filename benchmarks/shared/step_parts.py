"""Parts of a training step, to see where its time goes."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from benchmarks.shared import flops, setup
from benchmarks.shared.timing import Timing
from models.gans.conditional import ConditionalGAN
from models.likelihood.cascade_training import CascadeModel
from models.training.seeded_model import minimise

Tensor = Any
Call = Callable[[Tensor, Tensor, Tensor], Any]


@dataclasses.dataclass(frozen=True, eq=False)
class StepPart:
    """A part of a training step that can be timed on its own.

    Attributes:
        name: What it does.
        times: How often it occurs in a step.
        function: Does it for encoded responses [batch, *shape], conditions [batch,
            conditions] and weights [batch]; a concrete function.
        contains: Name of the part that `function` does too, and that does not count
            here; empty if there is none.
    """

    name: str
    times: int
    function: Any
    contains: str = ""


class _NoOptimizer:
    """Takes gradients and changes nothing."""

    def apply(self, gradients: Sequence[Tensor], variables: Sequence[Any]) -> None:
        """Does nothing."""

    def scale_loss(self, loss: Tensor) -> Tensor:
        """Leaves the loss as it is."""
        return loss


def _of_gan(
    model: ConditionalGAN, critic_steps: int
) -> dict[str, tuple[int, Call, str]]:
    def critic(real: Tensor, condition: Tensor, weight: Tensor) -> None:
        model.critic_step(0, real, condition, weight)

    def constrainers(real: Tensor, condition: Tensor, weight: Tensor) -> None:
        del weight
        model.constrainer_step(model.transform.decode(real, condition), condition)

    calls: dict[str, tuple[int, Call, str]] = {
        "critic": (critic_steps, critic, ""),
        "generator": (1, model.generator_step, ""),
    }
    if model.constrainers:
        calls["constrainers"] = (1, constrainers, "")
    return calls


def _of_cascade(model: CascadeModel) -> dict[str, tuple[int, Call, str]]:
    variables = model.network.trainable_variables
    seed = tf.constant([1, 2])
    # The time of a step does not depend on its direction.
    slopes = [tf.random.stateless_normal(one.shape, seed) for one in variables]

    def likelihood(response: Tensor, condition: Tensor, weight: Tensor) -> Tensor:
        terms = model.negative_log_likelihood(
            model.network, (response, condition), seed
        )
        return tf.reduce_mean(weight * terms["loss"])

    def gradient(*events: Tensor) -> Tensor:
        return minimise(lambda: likelihood(*events), _NoOptimizer(), variables)

    def optimizer(*events: Tensor) -> None:
        del events
        model.trainer.apply(slopes, variables)

    return {
        "likelihood": (1, likelihood, ""),
        "gradient": (1, gradient, "likelihood"),
        "optimizer": (1, optimizer, ""),
    }


def of_step(subject: setup.Subject) -> list[StepPart]:
    """Makes the parts of a model's training step.

    A GAN trains its critic, its generator and its constrainers. A model trained by
    likelihood computes this, its gradient, and takes a step of its optimizer. Both may
    move an average of the weights.

    Args:
        subject: The model, compiled, with its settings and its detector.
    """
    model, size = subject.model, subject.settings.batch_size
    signature = [
        tf.TensorSpec((size, *subject.spec.shape), tf.float32),
        tf.TensorSpec((size, len(subject.spec.condition_names)), tf.float32),
        tf.TensorSpec((size,), tf.float32),
    ]
    if isinstance(model, CascadeModel):
        trained, calls = model.network, _of_cascade(model)
    else:
        trained, calls = model.generator, _of_gan(model, model.critic_steps)

    def ema(*events: Tensor) -> None:
        del events
        model._update_ema(trained)

    if model.ema_decay > 0.0:
        calls["EMA"] = (1, ema, "")
    return [
        StepPart(
            name,
            times,
            tf.function(call, signature, autograph=False).get_concrete_function(),
            contains,
        )
        for name, (times, call, contains) in calls.items()
    ]


def rows(
    parts: Sequence[StepPart], found: Mapping[str, Timing], rate: float
) -> list[dict[str, Any]]:
    """Returns what the parts cost in a step, without what they contain.

    Args:
        parts: From `of_step`.
        found: Their timings by name.
        rate: Of matrix products, measured in turn with them [1/s].

    Returns:
        For each part its name ("part"), how often it occurs ("times"), its time
        ("ms"), the operations of its matrix products ("mflop") and the time that these
        take at the rate ("bound_ms").
    """
    seconds = {part.name: found[part.name].median_s for part in parts}
    operations = {part.name: flops.of(part.function) for part in parts}
    result = []
    for part in parts:
        spent, counted = (
            part.times * (value[part.name] - value.get(part.contains, 0))
            for value in (seconds, operations)
        )
        result.append(
            {
                "part": part.name,
                "times": part.times,
                "ms": 1e3 * spent,
                "mflop": 1e-6 * counted,
                "bound_ms": 1e3 * counted / rate,
            }
        )
    return result
