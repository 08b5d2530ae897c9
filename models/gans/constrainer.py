"""Networks that regress a condition from a response and so constrain a generator."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from losses import constraints
from models.networks import building_blocks


def volume_regressor(
    shape: Sequence[int],
    filters: Sequence[tuple[int, int]],
    normalisation: str,
    logarithm: bool,
    activation: str | None,
    outputs: int,
) -> keras.Model:
    """Builds a regressor of 3D convolutions: physical showers -> labels.

    Args:
        shape: Of a shower, (row, column, layer).
        filters: (filters, stride) of the convolutions.
        normalisation: See `networks.normalised`.
        logarithm: Whether it sees ln(1 + E) instead of E.
        activation: Of the output.
        outputs: Number of labels.

    Returns:
        A functional model [batch, *shape] -> [batch, outputs].
    """
    response = keras.Input(shape, name="response")
    x = keras.layers.Reshape((*shape, 1))(response)
    if logarithm:
        x = keras.ops.log1p(x)
    for width, stride in filters:
        x = keras.layers.Conv3D(width, 3, strides=stride, padding="same")(x)
        x = building_blocks.leaky(building_blocks.normalised(x, normalisation))
    x = building_blocks.leaky(keras.layers.Dense(10)(keras.layers.Flatten()(x)))
    return keras.Model(response, keras.layers.Dense(outputs, activation=activation)(x))


@keras.saving.register_keras_serializable("fastsim_zoo")
class Constrainer(keras.layers.Layer):
    """A regression network, its labels and the weight of its constraint.

    It learns from the reference only, so that generated responses cannot bias it.

    Args:
        network: Maps a physical response [batch, *shape] to labels [batch, labels].
        conditions: Indices of the conditions that it regresses.
        label_scale: Multiplies those conditions to give the labels, e.g. 10 for
            centimetres to millimetres.
        weight: Weight (kappa) of its term in the generator's loss.
    """

    def __init__(
        self,
        network: keras.Model,
        conditions: Sequence[int],
        label_scale: float,
        weight: float,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.network = network
        self.conditions = list(conditions)
        self.label_scale = label_scale
        self.weight = weight
        self.built = True

    def error(self, response: Any, condition: Any, training: bool = False) -> Any:
        """Returns the mean squared regression error of a batch.

        Args:
            response: Physical responses [spec.unit], float32 [batch, *shape].
            condition: True conditions [spec.condition_units], [batch, conditions].
            training: Whether the network is being trained.

        Returns:
            Mean over the batch of the squared error [label unit squared], scalar.
        """
        label = tf.gather(condition, self.conditions, axis=1) * self.label_scale
        predicted = self.network(response, training=training)
        return tf.reduce_mean(constraints.squared_error(predicted, label))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "network": keras.saving.serialize_keras_object(self.network),
            "conditions": self.conditions,
            "label_scale": self.label_scale,
            "weight": self.weight,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Constrainer":
        """Makes the constrainer from `get_config`."""
        network = keras.saving.deserialize_keras_object(config.pop("network"))
        return cls(network=network, **config)
