"""Numbers of validation showers, with their statistical errors."""

import dataclasses
import math

import numpy as np
import scipy.optimize
import scipy.stats
from numpy.typing import NDArray

from benchmarks.geant4_validation.beams import Arrays

LEAD_X0_CM, LEAD_MOLIERE_CM = 0.5612, 1.602
_LEAD_CRITICAL_GEV = 0.00743
_SLICE_X0, _RING_CM = 0.5, 0.2
_FITTED_X0 = 20.0
_GROUPS = 10

Floats = NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A number and its standard error.

    Attributes:
        value: The number.
        error: Its standard error.
    """

    value: float
    error: float

    def __str__(self) -> str:
        """Shows the number to the second digit of its error."""
        digits = 1 - math.floor(math.log10(self.error)) if self.error > 0.0 else 3
        digits = min(max(digits, 0), 5)
        return f"{self.value:.{digits}f} +- {self.error:.{digits}f}"


def mean(values: Floats) -> Estimate:
    """Returns the mean of one number an event."""
    values = np.asarray(values, np.float64)
    return Estimate(values.mean(), values.std(ddof=1) / math.sqrt(len(values)))


def resolution(values: Floats) -> Estimate:
    """Returns the standard deviation of one number an event, relative to the mean.

    The error is that of a normal distribution.
    """
    values = np.asarray(values, np.float64)
    relative = values.std(ddof=1) / values.mean()
    return Estimate(relative, relative / math.sqrt(2.0 * (len(values) - 1)))


def fit_resolution(energy_gev: Floats, found: list[Estimate]) -> tuple[float, float]:
    """Fits a / sqrt(E / GeV) and c, added in quadrature.

    Returns:
        a and c.
    """
    squares = np.array([one.value**2 for one in found])
    errors = np.array([2.0 * one.value * one.error for one in found])
    design = np.column_stack([1.0 / energy_gev, np.ones(len(squares))])
    solution, _ = scipy.optimize.nnls(design / errors[:, None], squares / errors)
    stochastic, constant = np.sqrt(solution)
    return float(stochastic), float(constant)


def pdg_maximum(particle: str, energy_gev: float) -> float:
    """Returns the depth of the maximum in lead [X0] of the Particle Data Group.

    ln(E / Ec) - 1/2 for electrons and + 1/2 for photons, Ec = 7.43 MeV.

    Source: Review of Particle Physics 2024, passage of particles through matter, 34.5.
    """
    shift = 0.5 if particle == "gamma" else -0.5
    return math.log(energy_gev / _LEAD_CRITICAL_GEV) + shift


def pdg_profile(depth: Floats, maximum: float, b: float = 0.5) -> Floats:
    """Returns the share of the energy per radiation length of the same source.

    Args:
        depth: In radiation lengths.
        maximum: Where the profile has its maximum [X0].
        b: Its second parameter; 0.5 is what the source takes for all materials.
    """
    return np.asarray(scipy.stats.gamma.pdf(depth, b * maximum + 1.0, scale=1.0 / b))


def lead_profile(cells: NDArray[np.float32]) -> tuple[Floats, Floats, Floats]:
    """Returns depths [X0], and the mean share per X0 and its error in slices of lead.

    Args:
        cells: Energies, [events, slice, ring, 1].
    """
    slices = cells.sum(axis=(2, 3), dtype=np.float64)
    shares: Floats = slices / slices.sum(axis=1, keepdims=True) / _SLICE_X0
    depth = (np.arange(slices.shape[1]) + 0.5) * _SLICE_X0
    return depth, shares.mean(axis=0), shares.std(axis=0) / math.sqrt(len(shares))


def lead_maximum(cells: NDArray[np.float32]) -> tuple[Estimate, Estimate]:
    """Fits the profile of the Particle Data Group to showers in lead.

    Errors are those of the fits to ten groups of events.

    Args:
        cells: Energies, [events, slice, ring, 1].

    Returns:
        The depth of the maximum [X0] and b.
    """
    all_of_them = _fit(cells)
    groups = [_fit(cells[start::_GROUPS]) for start in range(min(_GROUPS, len(cells)))]
    errors = np.std(groups, axis=0, ddof=1) / math.sqrt(len(groups))
    first, second = zip(all_of_them, errors, strict=True)
    return Estimate(*map(float, first)), Estimate(*map(float, second))


def _fit(cells: NDArray[np.float32]) -> Floats:
    depth, share, _ = lead_profile(cells)
    used = depth < _FITTED_X0
    found, _ = scipy.optimize.curve_fit(
        pdg_profile, depth[used], share[used], p0=(5.0, 0.5), bounds=(0.1, 30.0)
    )
    return np.asarray(found)


def inside_radius(cells: NDArray[np.float32]) -> tuple[Floats, Floats]:
    """Returns radii [cm] and the mean share of the energy inside them in lead.

    Args:
        cells: Energies, [events, slice, ring, 1].
    """
    rings = cells.sum(axis=(1, 3), dtype=np.float64)
    shares: Floats = rings / rings.sum(axis=1, keepdims=True)
    inside = np.concatenate([[0.0], np.cumsum(shares, axis=1).mean(axis=0)])
    radius = np.arange(len(inside), dtype=np.float64) * _RING_CM
    return radius, inside


def radius_of(share: float, cells: NDArray[np.float32]) -> float:
    """Returns the radius [cm] inside which a mean share of the energy lies in lead."""
    radius, inside = inside_radius(cells)
    return float(np.interp(share, inside, radius))


def layer_shares(response: NDArray[np.float32]) -> tuple[Floats, Floats]:
    """Returns the mean share of every layer and its error.

    Args:
        response: [events, row, column, layer].
    """
    layers = response.sum(axis=(1, 2), dtype=np.float64)
    shares = layers / layers.sum(axis=1, keepdims=True)
    return shares.mean(axis=0), shares.std(axis=0, ddof=1) / math.sqrt(len(shares))


def response_sums(arrays: Arrays) -> Floats:
    """Returns the sum of all cells of each event, of CaloGAN the liquid argon's."""
    if "response" in arrays:
        cells = [arrays["response"]]
    else:
        cells = [arrays[f"active_{layer}"] for layer in range(3)]
    return np.sum(
        [one.reshape(len(one), -1).sum(axis=1, dtype=np.float64) for one in cells],
        axis=0,
    )


def calogan_deposits(arrays: Arrays) -> Floats:
    """Returns the energy in the cells of the three layers [MeV], [events, 3]."""
    return np.stack(
        [
            arrays[f"layer_{layer}"].sum(axis=(1, 2), dtype=np.float64)
            for layer in range(3)
        ],
        axis=1,
    )
