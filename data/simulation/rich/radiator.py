"""The two gas radiators of LHCb's ring-imaging detectors: closed forms of one track.

Source: LHCb RICH group, arXiv:1211.6759, for the indices, resolutions, photon yields
and acceptances; the other numbers are ours, see `data.simulation.rich.toy`.
"""

import dataclasses

import numpy as np
from numpy.typing import ArrayLike, NDArray

MRAD = 1e3
"""Milliradians of one radian."""


@dataclasses.dataclass(frozen=True)
class Radiator:
    """One gas, with the mirrors and photon detectors that look at it.

    Attributes:
        name: Its name.
        refractive_index: n.
        resolution_mrad: Standard deviation of one photon's angle [mrad].
        common_mrad: The part of it that all photons of a track have in common [mrad].
        photons: Mean number of detected photons of a track with beta = 1.
        acceptance_mrad: Polar angles between which tracks are seen [mrad].
        window_mrad: Radius of the area around a track in which the background is
            counted [mrad].
        background: Mean number of background photons in this area per track of the
            event, at a pseudorapidity of 3.
        background_slope: How much the logarithm of that number grows with the
            pseudorapidity.
    """

    name: str
    refractive_index: float
    resolution_mrad: float
    common_mrad: float
    photons: float
    acceptance_mrad: tuple[float, float]
    window_mrad: float
    background: float
    background_slope: float

    def threshold_gev(self, mass_gev: float) -> float:
        """Returns the momentum [GeV] from which a particle radiates.

        Args:
            mass_gev: Its mass [GeV].
        """
        return float(mass_gev / np.sqrt(self.refractive_index**2 - 1.0))

    def sine_squared(
        self, momentum_gev: ArrayLike, mass_gev: ArrayLike
    ) -> NDArray[np.float64]:
        """Returns sin^2 of the angle with cos = 1 / (n beta), 0 below threshold.

        Args:
            momentum_gev: Momenta [GeV].
            mass_gev: Masses [GeV], of a shape that broadcasts with the momenta.
        """
        inverse_beta_squared = 1.0 + np.square(np.divide(mass_gev, momentum_gev))
        return np.maximum(1.0 - inverse_beta_squared / self.refractive_index**2, 0.0)

    def angle_mrad(
        self, momentum_gev: ArrayLike, mass_gev: ArrayLike
    ) -> NDArray[np.float64]:
        """Returns the Cherenkov angle [mrad], 0 below threshold; see `sine_squared`."""
        return MRAD * np.arcsin(np.sqrt(self.sine_squared(momentum_gev, mass_gev)))

    def mean_photons(
        self, momentum_gev: ArrayLike, mass_gev: ArrayLike
    ) -> NDArray[np.float64]:
        """Returns the mean number of signal photons; see `sine_squared`."""
        saturated = 1.0 - self.refractive_index**-2
        return self.photons / saturated * self.sine_squared(momentum_gev, mass_gev)

    def accepts(self, pseudorapidity: ArrayLike) -> NDArray[np.bool_]:
        """Tells which tracks cross the gas where photons are detected."""
        polar_mrad = 2.0 * MRAD * np.arctan(np.exp(np.negative(pseudorapidity)))
        low, high = self.acceptance_mrad
        return (polar_mrad >= low) & (polar_mrad <= high)

    def background_per_mrad2(
        self, number_of_tracks: ArrayLike, pseudorapidity: ArrayLike
    ) -> NDArray[np.float64]:
        """Returns the slope of the background's density in the angle [1/mrad^2].

        The background is uniform in area: its density is this number times the angle.

        Args:
            number_of_tracks: Of the events, [tracks].
            pseudorapidity: Of the tracks, [tracks].
        """
        growth = np.exp(self.background_slope * np.subtract(pseudorapidity, 3.0))
        photons = self.background * np.multiply(number_of_tracks, growth)
        return 2.0 * photons / self.window_mrad**2


RADIATORS = (
    Radiator(
        name="RICH1, C4F10",
        refractive_index=1.0014,
        resolution_mrad=1.62,
        common_mrad=0.4,
        photons=20.0,
        acceptance_mrad=(25.0, 300.0),
        window_mrad=75.0,
        background=0.4,
        background_slope=0.4,
    ),
    Radiator(
        name="RICH2, CF4",
        refractive_index=1.0005,
        resolution_mrad=0.68,
        common_mrad=0.15,
        photons=16.0,
        acceptance_mrad=(15.0, 120.0),
        window_mrad=45.0,
        background=0.35,
        background_slope=0.4,
    ),
)
"""RICH1 with C4F10 and RICH2 with CF4."""
