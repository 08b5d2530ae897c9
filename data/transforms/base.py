"""The interface of every transform between physical and encoded responses."""

from typing import Any, Self

import keras
import numpy as np
from numpy.typing import NDArray

from data.detectors.spec import DetectorSpec

Array = NDArray[np.float32]


class Transform(keras.layers.Layer):
    """Base of all transforms: an invertible map of a response given its condition."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # It has no weights; a part that is not built makes Keras guess a call of the
        # whole model where it distributes a training.
        self.built = True

    def encode(self, response: Any, condition: Any) -> Any:
        """Maps a response to the networks' space.

        Args:
            response: Physical response [spec.unit], float32 [batch, *shape].
            condition: Conditions [spec.condition_units], float32 [batch, conditions].

        Returns:
            Encoded response [1], float32 [batch, *shape].
        """
        raise NotImplementedError

    def decode(self, encoded: Any, condition: Any) -> Any:
        """Maps an encoded response back to physical units: the inverse of `encode`.

        Args:
            encoded: Encoded response [1], float32 [batch, *shape].
            condition: Conditions [spec.condition_units], float32 [batch, conditions].

        Returns:
            Physical response [spec.unit], float32 [batch, *shape].
        """
        raise NotImplementedError

    @classmethod
    def fit(
        cls,
        response: Array,
        condition: Array,
        spec: DetectorSpec,
        weight: Array | None = None,
    ) -> Self:
        """Makes the transform with constants fitted to training data.

        Args:
            response: Physical responses of the training split [spec.unit],
                float32 [n, *shape].
            condition: Their conditions [spec.condition_units], float32 [n, conditions].
            spec: The detector.
            weight: Their weights, float32 [n], may be negative; None where all are 1.
                Transforms that only need a scale do not use them.

        Returns:
            The fitted transform.
        """
        return cls()
