"""Further tasks of a critic: regressing an observable of the responses it judges."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from data import spec as detectors
from metrics import observables


@keras.saving.register_keras_serializable("fastsim_zoo")
class AuxiliaryTask(keras.layers.Layer):
    """The observable that a branch of the critic regresses, its error and its weight.

    The observable need not be differentiable: its values are labels, computed by the
    functions that also evaluate a model. They are standardised by the mean and the
    standard deviation of the first batch, which are kept from then on. The branch
    learns from the reference only: regressing generated responses too would spend its
    capacity on what no real shower does, and the seed leaves it open.

    Args:
        detector: Name of the detector, see `data.spec.names`.
        observable: Name of one of its observables, see `metrics.observables`.
        weight: Weight of the error in the critic's loss.

    Raises:
        ValueError: If there is no such detector or observable.

    Source: Rogachev and Ratnikov, arXiv:2207.06329, section 3.
    """

    def __init__(
        self, detector: str, observable: str, weight: float, **kwargs: Any
    ) -> None:
        """See the class."""
        super().__init__(**kwargs)
        spec = detectors.get(detector)
        known = {one.name: one for one in observables.scalar_observables(spec)}
        if observable not in known:
            raise ValueError(
                f"unknown observable {observable!r} of detector {detector!r}; known: "
                f"{', '.join(known)}"
            )
        self.detector = detector
        self.observable = observable
        self.weight = weight
        self._function = known[observable].function
        self.location, self.width = (
            self.add_weight(
                shape=(),
                initializer="zeros",
                trainable=False,
                # Every replica sees labels of its own.
                aggregation="mean",
                name=f"label_{name}",
            )
            for name in ("location", "width")
        )
        self.built = True

    def labels(self, response: Any, condition: Any) -> Any:
        """Computes the observable of every response.

        Args:
            response: Physical responses [spec.unit], float32 [batch, *shape].
            condition: Conditions [spec.condition_units], [batch, conditions].

        Returns:
            The observable in its own unit, float32 [batch].
        """
        values = tf.numpy_function(
            lambda *pair: self._function(*pair).astype(np.float32),
            [response, condition],
            tf.float32,
            stateful=False,
        )
        return tf.ensure_shape(values, response.shape[:1])

    def error(self, predicted: Any, response: Any, condition: Any) -> Any:
        """Returns the mean absolute error of the regression.

        The first call fixes the scale of the labels.

        Args:
            predicted: Regressed standardised observable, [batch].
            response: The physical responses, float32 [batch, *shape].
            condition: Their conditions, [batch, conditions].

        Returns:
            The mean absolute error in standard deviations, scalar.
        """
        label = self.labels(response, condition)
        fresh = tf.convert_to_tensor(self.width) == 0.0
        mean, variance = tf.nn.moments(label, axes=[0])
        width = tf.where(variance > 0.0, tf.sqrt(variance), 1.0)
        self.location.assign(tf.where(fresh, mean, self.location))
        self.width.assign(tf.where(fresh, width, self.width))
        standard = (label - self.location) / self.width
        return tf.reduce_mean(tf.abs(predicted - standard))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "detector": self.detector,
            "observable": self.observable,
            "weight": self.weight,
        }
