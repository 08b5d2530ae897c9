"""Made-up tracks whose likelihoods are normal, so that closed forms are known."""

import numpy as np

from data import detectors
from data.detectors import particles
from data.events import Sample
from metrics.pid.track_pairs import Tracks

RICH = detectors.get("rich")
WIDTH = 3.0
# Mean of each likelihood (k, mu, e, p, bt) for each species, pions around -2.
MEANS = {
    "electron": (0.0, 0.0, 4.0, 0.0, 1.0),
    "muon": (-1.0, 1.0, 0.0, -1.0, 0.0),
    "pion": (-2.0, -2.0, -2.0, -2.0, -2.0),
    "kaon": (2.0, -2.0, -3.0, 1.0, -1.0),
    "proton": (1.0, -3.0, -3.0, 3.0, 0.0),
}
SIGNAL_WEIGHTS = np.array([1.1, -0.4])
SIGNAL_FRACTIONS = {"signal": 0.95, "background": 4.0 / 15.0}
"""Fractions of the first weight: the mean weight of background tracks is 0."""


def conditions(tracks, seed=1, species=particles.NAMES):
    """Draws conditions inside the domain, float32 [tracks, 4]."""
    random = np.random.default_rng(seed)
    codes = [particles.pdg_code(name) for name in species]
    return np.column_stack(
        [
            np.exp(random.uniform(np.log(3.0), np.log(90.0), tracks)),
            random.uniform(2.0, 4.8, tracks),
            random.uniform(20.0, 400.0, tracks),
            random.choice(codes, tracks),
        ]
    ).astype(np.float32)


def responses(condition, seed, shift=0.0):
    """Draws independent normal likelihoods of every track, float32 [tracks, 5]."""
    random = np.random.default_rng(seed)
    names = [particles.NAMES[particles.PDG_CODES.index(c)] for c in condition[:, 3]]
    means = np.array([MEANS[name] for name in names]).reshape(-1, 5)
    drawn = means + shift + WIDTH * random.normal(size=means.shape)
    return drawn.astype(np.float32)


def sweights(background, seed):
    """Draws weights of mean 0 for background and positive mean for signal."""
    random = np.random.default_rng(seed)
    fraction = np.where(
        background, SIGNAL_FRACTIONS["background"], SIGNAL_FRACTIONS["signal"]
    )
    return np.where(random.random(len(background)) < fraction, *SIGNAL_WEIGHTS)


def contaminated(tracks, seed=1, fraction=0.3, species=particles.NAMES):
    """Draws a sample of which a fraction has the likelihoods of pions, and sWeights."""
    random = np.random.default_rng(seed)
    condition = conditions(tracks, seed + 1, species)
    response = responses(condition, seed + 2)
    background = random.random(tracks) < fraction
    as_pions = condition.copy()
    as_pions[:, 3] = particles.pdg_code("pion")
    response[background] = responses(as_pions, seed + 3)[background]
    weight = sweights(background, seed + 4)
    return Sample(response, condition, weight.astype(np.float32))


def compared(tracks, seed=1, shift=0.0, weighted=True, species=particles.NAMES):
    """Compares a perfect generator, or one that is off by a shift, with a sample."""
    if weighted:
        sample = contaminated(tracks, seed, species=species)
    else:
        condition = conditions(tracks, seed, species)
        sample = Sample(responses(condition, seed + 1), condition)
    generated = responses(sample.condition, seed + 100, shift)
    return Tracks(RICH, sample.condition, sample.response, generated, sample.weight)
