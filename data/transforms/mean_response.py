"""The base of transforms that know the mean response per incident energy."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from data.detectors.spec import DetectorSpec
from data.transforms.base import Array, Transform


class Calibrated(Transform):
    """Base of transforms that know the mean response per incident energy.

    Args:
        response_per_gev: k, the mean total response per GeV of incident energy
            [spec.unit / GeV]; fitted.
        energy_conditions: Indices of the conditions whose norm is the incident energy.
    """

    def __init__(
        self,
        response_per_gev: float = 1.0,
        energy_conditions: Sequence[int] = (0,),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not response_per_gev > 0.0:
            raise ValueError(
                f"response_per_gev must be positive, received {response_per_gev}: "
                "are the training responses empty?"
            )
        self.response_per_gev = response_per_gev
        self.energy_conditions = tuple(energy_conditions)

    def expected_response(self, condition: Any, rank: int) -> Any:
        """Returns k E_incident, shaped to divide a batch of responses of some rank."""
        parts = [condition[:, index] for index in self.energy_conditions]
        energy = keras.ops.sqrt(sum(part * part for part in parts))
        return keras.ops.reshape(
            self.response_per_gev * energy, (-1,) + (1,) * (rank - 1)
        )

    @classmethod
    def calibration(
        cls, response: Array, condition: Array, spec: DetectorSpec
    ) -> dict[str, Any]:
        """Fits the constructor's arguments to training data, see `Transform.fit`."""
        indices = list(spec.energy_conditions)
        energy = np.linalg.norm(condition[:, indices], axis=1)
        total = response.reshape(len(response), -1).sum(axis=1, dtype=np.float64)
        return {
            "response_per_gev": float(f"{total.sum() / energy.sum():.6g}"),
            "energy_conditions": spec.energy_conditions,
        }

    def get_config(self) -> dict[str, Any]:
        """Returns the constants."""
        return {
            **super().get_config(),
            "response_per_gev": self.response_per_gev,
            "energy_conditions": list(self.energy_conditions),
        }
