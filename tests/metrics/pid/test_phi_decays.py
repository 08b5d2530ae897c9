"""Decays of phi mesons to two kaons."""

import numpy as np
import pytest
from scipy.stats import kstest

from data.detectors import particles
from metrics.pid.phi_decays import PHI_MASS_GEV, RAPIDITY, TRANSVERSE_GEV, phi_decays

KAON_MASS = particles.MASSES_GEV[particles.NAMES.index("kaon")]


@pytest.fixture(scope="module")
def decays():
    return phi_decays(4_000, 1)


@pytest.fixture(scope="module")
def energies(decays):
    return np.hypot(decays.momentum_gev, KAON_MASS)


def test_energy_and_momentum_are_those_of_a_phi_in_the_range(decays, energies):
    energy = np.hypot(decays.phi_momentum_gev, PHI_MASS_GEV)
    np.testing.assert_allclose(energies.sum(axis=1), energy)
    along = np.sum(decays.momentum_gev * np.tanh(decays.pseudorapidity), axis=1)
    rapidity = np.arctanh(along / energy)
    transverse = np.sqrt(decays.phi_momentum_gev**2 - along**2)
    for values, (low, high) in ((rapidity, RAPIDITY), (transverse, TRANSVERSE_GEV)):
        assert low <= values.min() < low + 0.01
        assert high - 0.6 < values.max() <= high


def test_the_decay_is_isotropic(decays, energies):
    """E1 - E2 = 2 P k cos / m, with the kaons' momentum k in the frame of the phi."""
    k = np.sqrt(0.25 * PHI_MASS_GEV**2 - KAON_MASS**2)
    difference = energies[:, 0] - energies[:, 1]
    cosine = difference * PHI_MASS_GEV / (2.0 * decays.phi_momentum_gev * k)
    assert kstest(cosine, "uniform", (-1.0, 2.0)).pvalue > 1e-3
