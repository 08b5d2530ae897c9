"""Further tasks of a critic: regressing an observable of the responses it judges."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from data import detectors
from metrics.observables import registry
from models.networks import replicas


@keras.saving.register_keras_serializable("fastsim_zoo")
class AuxiliaryTask(keras.layers.Layer):
    """The observable that a branch of the critic regresses, its error and its weight.

    The observable need not be differentiable: its values are labels, computed by the
    functions that also evaluate a model. They are standardised by the mean and the
    standard deviation of the first batch, which are kept from then on. The branch
    learns from the reference only: regressing generated responses too would spend its
    capacity on what no real shower does, and the seed leaves it open.

    Args:
        detector: Name of the detector, see `data.detectors.spec.names`.
        observable: Name of one of its observables, see `metrics.observables.registry`.
        weight: Weight of the error in the critic's loss.

    Raises:
        ValueError: If there is no such detector or observable.

    Source: Rogachev and Ratnikov, arXiv:2207.06329, section 3.
    """

    def __init__(
        self, detector: str, observable: str, weight: float, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        spec = detectors.get(detector)
        known = {one.name: one for one in registry.scalar_observables(spec)}
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

    def errors(self, predicted: Any, response: Any, condition: Any) -> tuple[Any, Any]:
        """Returns the mean absolute errors of the regression and of a constant.

        The first call fixes the scale of the labels.

        Args:
            predicted: Regressed standardised observable, [batch].
            response: The physical responses, float32 [batch, *shape].
            condition: Their conditions, [batch, conditions].

        Returns:
            The mean absolute error in standard deviations, and that of always
            predicting the mean, both scalars.
        """
        label = self.labels(response, condition)
        fresh = tf.convert_to_tensor(self.width) == 0.0
        mean, variance = replicas.moments(label)
        width = tf.where(variance > 0.0, tf.sqrt(variance), 1.0)
        self.location.assign(tf.where(fresh, mean, self.location))
        self.width.assign(tf.where(fresh, width, self.width))
        standard = (label - self.location) / self.width
        return (
            tf.reduce_mean(tf.abs(predicted - standard)),
            tf.reduce_mean(tf.abs(standard)),
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "detector": self.detector,
            "observable": self.observable,
            "weight": self.weight,
        }


@keras.saving.register_keras_serializable("fastsim_zoo")
class FixedInTraining(keras.layers.Layer):
    """Passes its input on; while the critic is trained, no gradient comes back.

    The generator, which is trained with the critic as it is, gets the gradient.
    """

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Returns the inputs, of any shape."""
        return tf.stop_gradient(inputs) if training else inputs


@keras.saving.register_keras_serializable("fastsim_zoo")
class EnergyMoments(keras.layers.Layer):
    """Sums cells linear in energy, weighted by smooth steps along and across the track.

    m = sum_i E_i w(d_i / s) / sum_i E_i, with d the displacement of a cell from the
    track along or across the inclination: w = tanh, from which centres and asymmetries
    follow, and w = tanh^2, from which widths do, for every scale s. Convolutions of
    encoded cells do not find such sums.

    Args:
        transform: Of the encoded responses.
        scales_cm: The scales s.
    """

    def __init__(
        self, transform: Any, scales_cm: Sequence[float], **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.transform = transform
        self.scales_cm = [float(scale) for scale in scales_cm]
        self.built = True

    def call(self, encoded: Any, seen: Any, condition: Any) -> Any:
        """Computes the moments of images.

        Args:
            encoded: Encoded images, [batch, row, column].
            seen: Displacements from the track [cm], see `tracks.Track`.
            condition: Conditions [spec.condition_units], [batch, conditions].

        Returns:
            [batch, 4 scales]; 0 for an empty image.
        """
        response = self.transform.decode(encoded, condition)
        total = tf.reduce_sum(response, axis=(1, 2)) + 1e-6
        steps = tf.concat([tf.tanh(seen / scale) for scale in self.scales_cm], -1)
        weights = tf.concat([steps, steps**2], axis=-1)
        return tf.einsum("brc,brcm->bm", response, weights) / total[:, None]

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        transform = keras.saving.serialize_keras_object(self.transform)
        return {
            **super().get_config(),
            "transform": transform,
            "scales_cm": self.scales_cm,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "EnergyMoments":
        """Makes the layer from `get_config`."""
        transform = keras.saving.deserialize_keras_object(config.pop("transform"))
        return cls(transform=transform, **config)
