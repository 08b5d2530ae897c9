"""Transforms of cell energies, one cell at a time.

Every transform is a Keras layer without weights whose constants are fitted on the
training split and kept in its configuration, so that it is saved with the model and
the exported graph calls the very `decode` that training used. A response of zero comes
back as zero.
"""

from collections.abc import Sequence
from typing import Any, Self

import keras
import numpy as np
import scipy.optimize
import scipy.stats

from data.detectors.spec import DetectorSpec
from data.transforms.base import Array, Transform
from data.transforms.mean_response import Calibrated

_CELLS_FOR_FIT = 200_000


@keras.saving.register_keras_serializable("fastsim_zoo")
class Identity(Transform):
    """Leaves the response as it is."""

    def encode(self, response: Any, condition: Any) -> Any:
        """See `Transform.encode`."""
        return response

    def decode(self, encoded: Any, condition: Any) -> Any:
        """See `Transform.decode`."""
        return encoded


@keras.saving.register_keras_serializable("fastsim_zoo")
class EnergyPerGev(Calibrated):
    """The response in units of the mean response to one GeV, E / k.

    Linear, so that the sum over the cells is the incident energy [GeV] on average.
    """

    def encode(self, response: Any, condition: Any) -> Any:
        """See `Transform.encode`."""
        return response / self.response_per_gev

    def decode(self, encoded: Any, condition: Any) -> Any:
        """See `Transform.decode`."""
        return encoded * self.response_per_gev

    @classmethod
    def fit(
        cls,
        response: Array,
        condition: Array,
        spec: DetectorSpec,
        weight: Array | None = None,
    ) -> Self:
        """See `Transform.fit`."""
        return cls(**cls.calibration(response, condition, spec))


@keras.saving.register_keras_serializable("fastsim_zoo")
class LogOnePlus(Transform):
    """The logarithm log(1 + E) of the response.

    Source: the logarithmic intensity of the 2019 talk on arXiv:1807.01954.
    """

    def encode(self, response: Any, condition: Any) -> Any:
        """See `Transform.encode`."""
        return keras.ops.log1p(response)

    def decode(self, encoded: Any, condition: Any) -> Any:
        """See `Transform.decode`."""
        return keras.ops.expm1(encoded)


@keras.saving.register_keras_serializable("fastsim_zoo")
class BoxCox(Transform):
    """The Box-Cox map ((1 + E)^lambda - 1) / lambda of the response.

    Args:
        exponent: Lambda, in (0, 1]. Fitted by maximum likelihood to the cells with
            energy. A lambda of zero or below would leave the inverse undefined for
            some outputs of a generator; `LogOnePlus` is the limit at zero.

    Source: Box and Cox, J. R. Stat. Soc. B 26 (1964) 211.
    """

    def __init__(self, exponent: float = 0.5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not 0.0 < exponent <= 1.0:
            raise ValueError(f"exponent must be in (0, 1], received {exponent}")
        self.exponent = exponent

    def encode(self, response: Any, condition: Any) -> Any:
        """See `Transform.encode`."""
        # expm1 and log1p keep the relative precision of small energies.
        logarithm = keras.ops.log1p(response)
        return keras.ops.expm1(self.exponent * logarithm) / self.exponent

    def decode(self, encoded: Any, condition: Any) -> Any:
        """See `Transform.decode`."""
        logarithm = keras.ops.log1p(self.exponent * encoded) / self.exponent
        return keras.ops.expm1(logarithm)

    @classmethod
    def fit(
        cls,
        response: Array,
        condition: Array,
        spec: DetectorSpec,
        weight: Array | None = None,
    ) -> Self:
        """See `Transform.fit`."""
        cells = response[response > 0.0][:_CELLS_FOR_FIT].astype(np.float64)
        if cells.size == 0:
            raise ValueError("cannot fit Box-Cox: the training responses are all zero")
        found = scipy.optimize.minimize_scalar(
            lambda exponent: -scipy.stats.boxcox_llf(exponent, 1.0 + cells),
            bounds=(0.01, 1.0),
            method="bounded",
        )
        return cls(exponent=round(float(found.x), 4))

    def get_config(self) -> dict[str, Any]:
        """Returns the constants."""
        return {**super().get_config(), "exponent": self.exponent}


class _Rooted(Calibrated):
    """Base of calibrated transforms that take a root.

    Args:
        response_per_gev: See `Calibrated`.
        energy_conditions: See `Calibrated`.
        power: p of the root.
    """

    def __init__(
        self,
        response_per_gev: float = 1.0,
        energy_conditions: Sequence[int] = (0,),
        power: float = 4.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(response_per_gev, energy_conditions, **kwargs)
        self.power = power

    def _root(self, ratio: Any) -> Any:
        if self.power == 4.0:
            return keras.ops.sqrt(keras.ops.sqrt(ratio))
        return ratio ** (1.0 / self.power)

    def _power(self, root: Any) -> Any:
        if self.power == 4.0:  # Two squares are ten times faster than a power.
            return keras.ops.square(keras.ops.square(root))
        return root**self.power

    def get_config(self) -> dict[str, Any]:
        """Returns the constants."""
        return {**super().get_config(), "power": self.power}


@keras.saving.register_keras_serializable("fastsim_zoo")
class PowerOfFraction(_Rooted):
    """A root of each cell's fraction of the expected total, (E / (k E_incident))^(1/p).

    Four decades of cell energies fit into one, and the condition carries the energy
    scale, so that a shower's encoded image depends on its energy only weakly.
    """

    def encode(self, response: Any, condition: Any) -> Any:
        """See `Transform.encode`."""
        return self._root(
            response / self.expected_response(condition, len(response.shape))
        )

    def decode(self, encoded: Any, condition: Any) -> Any:
        """See `Transform.decode`."""
        scale = self.expected_response(condition, len(encoded.shape))
        return scale * self._power(encoded)

    @classmethod
    def fit(
        cls,
        response: Array,
        condition: Array,
        spec: DetectorSpec,
        weight: Array | None = None,
    ) -> Self:
        """See `Transform.fit`."""
        return cls(**cls.calibration(response, condition, spec))


@keras.saving.register_keras_serializable("fastsim_zoo")
class RootOfEnergy(_Rooted):
    """A root of each cell's energy in units of a typical hit, (E / E_hit)^(1/p).

    A soft hit far from the core looks the same in every shower, whatever its energy;
    the energy decides how many there are.

    Args:
        hit: E_hit, the median energy of a cell with energy [spec.unit]; fitted.
        **kwargs: See `Calibrated`.
    """

    def __init__(self, hit: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not hit > 0.0:
            raise ValueError(f"hit must be positive, received {hit}")
        self.hit = hit

    def encode(self, response: Any, condition: Any) -> Any:
        """See `Transform.encode`."""
        return self._root(response / self.hit)

    def decode(self, encoded: Any, condition: Any) -> Any:
        """See `Transform.decode`."""
        return self.hit * self._power(encoded)

    @classmethod
    def fit(
        cls,
        response: Array,
        condition: Array,
        spec: DetectorSpec,
        weight: Array | None = None,
    ) -> Self:
        """See `Transform.fit`."""
        cells = response[response > 0.0][:_CELLS_FOR_FIT]
        if cells.size == 0:
            raise ValueError("cannot fit a hit: the training responses are all zero")
        calibration = cls.calibration(response, condition, spec)
        return cls(hit=float(f"{np.median(cells):.6g}"), **calibration)

    def get_config(self) -> dict[str, Any]:
        """Returns the constants."""
        return {**super().get_config(), "hit": self.hit}
