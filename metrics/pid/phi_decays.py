"""Decays phi -> K+ K-, drawn for a selection that looks for them.

What is assumed:

- Rapidity is uniform and the transverse momentum follows t exp(-t / 0.55 GeV), in the
  range of LHCb's measurement of phi production, 0.6 < t < 5 GeV and 2.44 < y < 4.06
  (arXiv:1107.3935). The range is published, the shape is ours.
- Both kaons come from the beam line, isotropically in the frame of the phi: no
  polarisation.
- The mass of the phi is always the same: its width, 4.2 MeV, is neglected. It would
  change the kaons' momenta in that frame by a few per cent.
"""

import dataclasses

import numpy as np
from scipy.stats import gamma

from data.detectors import particles
from metrics.statistics.arrays import Array

PHI_MASS_GEV = 1.019461
"""Mass of the phi(1020) [GeV]. Source: Particle Data Group, 2024."""

TRANSVERSE_GEV = (0.6, 5.0)
RAPIDITY = (2.44, 4.06)
_SHAPE, _SCALE_GEV = 2.0, 0.55


@dataclasses.dataclass(frozen=True, eq=False)
class PhiDecays:
    """Decays of phi mesons to two kaons.

    Attributes:
        momentum_gev: Momenta of both kaons [GeV], [decays, 2].
        pseudorapidity: Their pseudorapidities, [decays, 2].
        phi_momentum_gev: Momentum of the phi [GeV], [decays].
    """

    momentum_gev: Array
    pseudorapidity: Array
    phi_momentum_gev: Array


def phi_decays(number: int, seed: int) -> PhiDecays:
    """Draws decays as the module describes them.

    Args:
        number: Number of decays.
        seed: Seed of the random numbers.

    Returns:
        The decays.
    """
    random = np.random.default_rng(seed)
    low, high = gamma.cdf(TRANSVERSE_GEV, _SHAPE, scale=_SCALE_GEV)
    transverse = gamma.ppf(random.uniform(low, high, number), _SHAPE, scale=_SCALE_GEV)
    rapidity = random.uniform(*RAPIDITY, number)
    along = np.hypot(PHI_MASS_GEV, transverse) * np.sinh(rapidity)
    phi = np.stack([transverse, np.zeros(number), along], axis=1)
    energy = np.sqrt(np.sum(phi**2, axis=1) + PHI_MASS_GEV**2)

    kaon_mass = particles.MASSES_GEV[particles.NAMES.index("kaon")]
    size = np.sqrt(0.25 * PHI_MASS_GEV**2 - kaon_mass**2)
    cosine = random.uniform(-1.0, 1.0, number)
    azimuth = random.uniform(0.0, 2.0 * np.pi, number)
    sine = np.sqrt(1.0 - cosine**2)
    at_rest = size * np.stack(
        [sine * np.cos(azimuth), sine * np.sin(azimuth), cosine], axis=1
    )
    # The Lorentz boost of +-k into the frame in which the phi has its momentum.
    shift = np.sum(at_rest * phi, axis=1) / (PHI_MASS_GEV * (energy + PHI_MASS_GEV))
    away = at_rest + shift[:, None] * phi
    kaons = np.stack([0.5 * phi + away, 0.5 * phi - away], axis=1)
    return PhiDecays(
        momentum_gev=np.linalg.norm(kaons, axis=2),
        pseudorapidity=np.arcsinh(
            kaons[:, :, 2] / np.hypot(kaons[:, :, 0], kaons[:, :, 1])
        ),
        phi_momentum_gev=np.linalg.norm(phi, axis=1),
    )
