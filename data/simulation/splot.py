"""sPlot: weights that leave of a sample, on average, its signal only.

The mass of a candidate tells how likely it is signal. With densities p_s and p_b of the
mass and the yields N_s and N_b of an extended maximum-likelihood fit, the weights are

    w_s = (V_ss p_s + V_sb p_b) / (N_s p_s + N_b p_b),
    V^-1_ij = sum over candidates p_i p_j / (N_s p_s + N_b p_b)^2.

They are negative far from the peak, add up to N_s, and any quantity that is independent
of the mass within the signal and within the background has, weighted, the distribution
of the signal. Without that independence the result is biased. Background is removed by
negative weights: clipping them, or making them positive, brings it back.

Source: Pivk, Le Diberder, Nucl. Instrum. Meth. A 555 (2005) 356, physics/0402083.
"""

import dataclasses

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from data.events import DataError

_FEWEST_CANDIDATES = 20


@dataclasses.dataclass(frozen=True)
class MassModel:
    """A normal peak over an exponential background, both between two masses.

    Attributes:
        peak_gev: Centre of the signal [GeV].
        width_gev: Its standard deviation [GeV].
        slope_per_gev: The background is proportional to exp(-slope m) [1/GeV].
        low_gev: Smallest mass of a candidate [GeV].
        high_gev: Largest mass [GeV].
    """

    peak_gev: float
    width_gev: float
    slope_per_gev: float
    low_gev: float
    high_gev: float

    def __post_init__(self) -> None:
        """Refuses shapes that are no densities."""
        if not (self.low_gev < self.high_gev and self.width_gev > 0.0):
            raise ValueError(
                "a mass model needs low_gev < high_gev and width_gev > 0, received "
                f"{self.low_gev}, {self.high_gev} and {self.width_gev}"
            )

    def densities(self, mass_gev: ArrayLike) -> NDArray[np.float64]:
        """Returns the densities of signal and background.

        Args:
            mass_gev: Masses between the limits [GeV], [candidates].

        Returns:
            Both densities, each of integral 1 [1/GeV], [candidates, 2].
        """
        mass = np.asarray(mass_gev, np.float64)
        distance = (mass - self.peak_gev) / self.width_gev
        limits = (np.array([self.low_gev, self.high_gev]) - self.peak_gev) / (
            self.width_gev
        )
        inside = float(np.diff(special.ndtr(limits))[0])
        norm = np.sqrt(2.0 * np.pi) * self.width_gev * inside
        span = self.high_gev - self.low_gev
        # 1 / exprel is the mean of the density below, and has no pole at slope 0.
        height = 1.0 / special.exprel(-self.slope_per_gev * span)
        return np.column_stack(
            [
                np.exp(-0.5 * distance**2) / norm,
                np.exp(-self.slope_per_gev * (mass - self.low_gev)) * height / span,
            ]
        )


@dataclasses.dataclass(frozen=True, eq=False)
class SPlot:
    """A fitted sample.

    Attributes:
        model: The densities.
        yields: Fitted numbers of signal and background candidates, float64 [2].
        covariance: Their covariance for fixed shapes, float64 [2, 2].
    """

    model: MassModel
    yields: NDArray[np.float64]
    covariance: NDArray[np.float64]

    def weights(self, mass_gev: ArrayLike) -> NDArray[np.float64]:
        """Returns the sWeights of signal and background.

        Args:
            mass_gev: Masses of candidates [GeV], [candidates].

        Returns:
            Weights, signed; the two of a candidate add up to 1: [candidates, 2].
        """
        densities = self.model.densities(mass_gev)
        return densities @ self.covariance / (densities @ self.yields)[:, None]


def fit(mass_gev: ArrayLike, model: MassModel, *, shapes: bool = False) -> SPlot:
    """Fits the yields of a sample, and the shapes before if these are not known.

    Args:
        mass_gev: Masses of the candidates [GeV], [candidates].
        model: The shapes, or where their fit starts.
        shapes: Whether to fit peak, width and slope.

    Raises:
        DataError: If there are few masses, one is outside the limits, there is no
            signal or no background, or the fit of the shapes does not end.
    """
    mass = np.asarray(mass_gev, np.float64)
    if mass.ndim != 1 or len(mass) < _FEWEST_CANDIDATES:
        raise DataError(
            f"sWeights need at least {_FEWEST_CANDIDATES} candidates, received masses "
            f"of shape {mass.shape}; give more"
        )
    outside = ~((mass >= model.low_gev) & (mass <= model.high_gev))
    if outside.any():
        raise DataError(
            f"mass {mass[outside][0]:g} GeV is outside {model.low_gev:g} to "
            f"{model.high_gev:g} GeV; remove the candidate or widen the limits"
        )
    fitted = _fit_shapes(mass, model) if shapes else model
    densities = fitted.densities(mass)
    fraction = _signal_fraction(densities)
    yields = len(mass) * np.array([fraction, 1.0 - fraction])
    relative = densities / (densities @ yields)[:, None]
    return SPlot(fitted, yields, np.linalg.inv(relative.T @ relative))


def _signal_fraction(densities: NDArray[np.float64]) -> float:
    """Maximises the extended likelihood: the yields then add up to the candidates."""
    signal, background = densities.T

    def derivative(fraction: float) -> float:
        mixture = fraction * signal + (1.0 - fraction) * background
        return float(np.mean((signal - background) / mixture))

    tiny = 1e-9
    if derivative(tiny) <= 0.0 or derivative(1.0 - tiny) >= 0.0:
        raise DataError(
            f"the masses of {len(densities)} candidates are best described without "
            "signal or without background, and have no sWeights; check peak and width"
        )
    return float(optimize.brentq(derivative, tiny, 1.0 - tiny, xtol=1e-15))


def _fit_shapes(mass: NDArray[np.float64], start: MassModel) -> MassModel:
    """Maximises the likelihood in peak, width, slope and fraction of the signal."""
    span_gev = start.high_gev - start.low_gev

    def model(parameters: NDArray[np.float64]) -> MassModel:
        return dataclasses.replace(
            start,
            peak_gev=start.peak_gev + start.width_gev * float(parameters[0]),
            width_gev=start.width_gev * float(np.exp(parameters[1])),
            slope_per_gev=start.slope_per_gev + float(parameters[2]) / span_gev,
        )

    def loss(parameters: NDArray[np.float64]) -> float:
        fraction = special.expit(parameters[3])
        densities = model(parameters).densities(mass)
        return -float(np.mean(np.log(densities @ [fraction, 1.0 - fraction])))

    found = optimize.minimize(loss, np.zeros(4), method="BFGS", options={"gtol": 1e-7})
    # Where numerical derivatives reach their precision, BFGS says so with status 2.
    if found.status not in (0, 2) or not np.isfinite(found.fun):
        raise DataError(
            f"the fit of {len(mass)} masses does not end ({found.message}); start it "
            "nearer to peak, width and slope, or give fixed shapes"
        )
    return model(found.x)
