"""A conditional density of a few numbers that is trained by maximum likelihood."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from losses import likelihood

Tensor = Any

_LOG_WIDTHS = (-5.0, 2.0)
_FARTHEST = 2.0


def _limited(features: Tensor) -> Tensor:
    """Stops at twice the scale of the features: far outside nothing was learnt."""
    return ops.clip(features, -_FARTHEST, _FARTHEST)


@keras.saving.register_keras_serializable("fastsim_zoo")
class AutoregressiveMixture(keras.layers.Layer):
    """The density of numbers s_1 ... s_D given features, as a chain of mixtures.

    p(s | c) = product over d of p(s_d | c, s_1 ... s_(d-1)), each a mixture of
    Gaussians whose parameters a dense network with two hidden layers reads off the
    features and the numbers before. All D networks are evaluated at once for a
    likelihood, one after the other for a draw.

    Numbers are standardised by `location` and `width`, weights that are not trained but
    set from outside.

    Args:
        location: Initial location of each number, [D].
        width: Initial width of each number, all positive, [D].
        hidden: Width of the hidden layers.
        components: Gaussians of each mixture.

    Source: C. M. Bishop, NCRG/94/004; Uria, Murray and Larochelle, arXiv:1306.0186.
    """

    def __init__(
        self,
        location: Sequence[float],
        width: Sequence[float],
        hidden: int = 48,
        components: int = 4,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.initial = [float(v) for v in location], [float(v) for v in width]
        self.hidden = hidden
        self.components = components

    @property
    def numbers(self) -> int:
        """How many numbers are drawn."""
        return len(self.initial[0])

    @property
    def noise_size(self) -> int:
        """Standard normal numbers that a draw needs: value and component of each."""
        return 2 * self.numbers

    def build(self, input_shape: Sequence[int]) -> None:
        """Makes the networks and the standardisation."""
        self.location, self.width = (
            self.add_weight(
                shape=(self.numbers,),
                initializer=keras.initializers.Constant(values),
                trainable=False,
                # Every replica sees numbers of its own.
                aggregation="mean",
                name=name,
            )
            for name, values in zip(("location", "width"), self.initial, strict=True)
        )
        features = int(input_shape[-1])
        sizes = [features + self.numbers, self.hidden, self.hidden]
        limits = [float(np.sqrt(6.0 / (size + self.hidden))) for size in sizes]
        shapes = [*zip(sizes, [self.hidden, self.hidden, 3 * self.components],
                       strict=True)]  # fmt: skip
        self.kernels, self.biases = [], []
        for number, (shape, limit) in enumerate(zip(shapes, limits, strict=True)):
            self.kernels.append(
                self.add_weight(
                    shape=(self.numbers, *shape),
                    initializer=keras.initializers.RandomUniform(-limit, limit),
                    name=f"kernel_{number}",
                )
            )
            self.biases.append(
                self.add_weight(
                    shape=(self.numbers, shape[1]),
                    initializer=keras.initializers.RandomUniform(-1.0, 1.0)
                    if number == 2
                    else "zeros",
                    name=f"bias_{number}",
                )
            )
        # Network d sees the features and the numbers before d.
        seen = np.ones((self.numbers, sizes[0], 1), np.float32)
        for number in range(self.numbers):
            seen[number, features + number :] = 0.0
        self._seen = seen

    def log_density(self, features: Tensor, values: Tensor) -> Tensor:
        """Returns ln p(s_d | c, s_1 ... s_(d-1)) of the standardised numbers.

        Args:
            features: c, [batch, features].
            values: s, [batch, D].

        Returns:
            [batch, D].
        """
        standard = (values - self.location) / self.width
        x = ops.concatenate([_limited(features), standard], axis=1)
        x = ops.einsum("bi,dih->dbh", x, self.kernels[0] * self._seen)
        x = ops.leaky_relu(x + self.biases[0][:, None], 0.2)
        x = ops.leaky_relu(
            ops.matmul(x, self.kernels[1]) + self.biases[1][:, None], 0.2
        )
        x = ops.matmul(x, self.kernels[2]) + self.biases[2][:, None]
        logits, mean, log_width = self._parameters(ops.transpose(x, (1, 0, 2)))
        return likelihood.gaussian_mixture(standard, logits, mean, log_width)

    def _parameters(self, x: Tensor) -> list[Tensor]:
        logits, mean, log_width = ops.split(x, 3, axis=-1)
        return [logits, mean, ops.clip(log_width - 0.5, *_LOG_WIDTHS)]

    def call(self, features: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Draws numbers.

        Args:
            features: c, [batch, features].
            noise: Standard normal numbers, [batch, noise_size].

        Returns:
            The numbers s, the standard deviations of their distributions
            p(s_d | c, s_1 ... s_(d-1)), and the standardised numbers, each [batch, D].
        """
        chance = 0.5 + 0.5 * ops.erf(noise[:, self.numbers :] * np.sqrt(0.5))
        x, drawn, spreads = _limited(features), [], []
        for number in range(self.numbers):
            seen = x.shape[1]
            y = x @ self.kernels[0][number, :seen] + self.biases[0][number]
            y = ops.leaky_relu(y, 0.2)
            y = y @ self.kernels[1][number] + self.biases[1][number]
            y = ops.leaky_relu(y, 0.2)
            y = y @ self.kernels[2][number] + self.biases[2][number]
            logits, mean, log_width = self._parameters(y)
            weight = ops.softmax(logits)
            passed = chance[:, number, None] >= ops.cumsum(weight, axis=1)[:, :-1]
            component = ops.sum(ops.cast(passed, "int32"), axis=1)
            chosen = ops.one_hot(component, self.components)
            width = ops.exp(log_width)
            value = ops.sum(
                chosen * (mean + width * noise[:, number, None]), axis=1, keepdims=True
            )
            middle = ops.sum(weight * mean, axis=1, keepdims=True)
            square = width**2 + (mean - middle) ** 2
            spreads.append(ops.sqrt(ops.sum(weight * square, 1, keepdims=True)))
            drawn.append(value)
            x = ops.concatenate([x, value], axis=1)
        standard = ops.concatenate(drawn, axis=1)
        values = standard * self.width + self.location
        return values, ops.concatenate(spreads, axis=1) * self.width, standard

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "location": self.initial[0],
            "width": self.initial[1],
            "hidden": self.hidden,
            "components": self.components,
        }
