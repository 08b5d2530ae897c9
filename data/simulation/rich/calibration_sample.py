"""Calibration samples of the ring-imaging toy: with background, masses and sWeights.

Tracks of known species come from decays that are recognised by a mass. Among them is
combinatorial background: tracks of any species, mostly pions, with other kinematics.
A file says of all tracks of a channel that they are of its species, as real calibration
data do; the sWeights of `data.simulation.splot` leave the real ones. Within the signal
and within the background of a channel the mass is independent of kinematics and
likelihoods, as sPlot needs it; the fit knows the shapes of the masses.
"""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from common import rounding
from data.detectors import particles
from data.events import Sample
from data.simulation import splot
from data.simulation.rich import kinematics, toy

ROUNDING = (
    "responses: multiples of 1/512 of at most 11 significant bits; weights: multiples "
    "of 1/4096"
)
"""How numbers are stored, for people."""

_RESPONSE_STEP, _RESPONSE_BITS = 2.0**-9, 10
_WEIGHT_STEP = 2.0**-12

_PIECE_TRACKS = 16 * toy.CHUNK_TRACKS
_FEWEST_PER_SPECIES = 100
_MOST_BACKGROUND = 0.9
_HALF_RANGE_WIDTHS = 7.5
# Not the random numbers that other modules use with the same seed.
_STREAM = 2
_BACKGROUND_SPECIES = {
    "electron": 0.03,
    "muon": 0.02,
    "pion": 0.70,
    "kaon": 0.15,
    "proton": 0.10,
}


def _mass_model(peak_gev: float, width_gev: float, slope: float) -> splot.MassModel:
    """Returns a model whose range is in widths, and its slope in ranges."""
    half_gev = _HALF_RANGE_WIDTHS * width_gev
    return splot.MassModel(
        peak_gev=peak_gev,
        width_gev=width_gev,
        slope_per_gev=slope / (2.0 * half_gev),
        low_gev=peak_gev - half_gev,
        high_gev=peak_gev + half_gev,
    )


MASSES = {
    "electron": _mass_model(3.0969, 0.040, 0.8),
    "muon": _mass_model(3.0969, 0.013, 0.4),
    "pion": _mass_model(1.86484, 0.008, 0.6),
    "kaon": _mass_model(1.86484, 0.008, 0.6),
    "proton": _mass_model(2.28646, 0.006, 0.3),
}
"""Masses of J/psi, D0 and Lambda_c+ as measured; widths and slopes are ours."""


@dataclasses.dataclass(frozen=True, eq=False)
class Candidates:
    """Tracks of some channels, before the detector sees them.

    Attributes:
        condition: What a file says of them: momentum [GeV], pseudorapidity, number of
            tracks, PDG code of the channel's species; float32 [tracks, 4].
        truth: PDG code of the tracks themselves, float32 [tracks].
        is_signal: Which tracks are no background, bool [tracks].
        mass_gev: Masses of the decays [GeV], float64 [tracks].
        weight: sWeights of the signal, float32 [tracks]; None without background.
    """

    condition: NDArray[np.float32]
    truth: NDArray[np.float32]
    is_signal: NDArray[np.bool_]
    mass_gev: NDArray[np.float64]
    weight: NDArray[np.float32] | None


def draw(
    num: int,
    seed: int,
    *,
    species: Sequence[str] = particles.NAMES,
    background: float = 0.3,
) -> Candidates:
    """Draws tracks of calibration channels, the species in turn, and their sWeights.

    Args:
        num: Number of tracks.
        seed: Seed of the random numbers, at least 0.
        species: Channels, from `data.detectors.particles.NAMES`.
        background: Fraction of background in every channel; 0 gives pure signal, and no
            weights.

    Raises:
        ValueError: If an argument is impossible.
        DataError: If the masses have no sWeights.
    """
    _check(num, seed, species, background)
    columns = len(species)
    condition = np.empty((num, 4), np.float32)
    truth, weight = np.empty((2, num), np.float32)
    is_signal, mass_gev = np.empty(num, bool), np.empty(num)
    for first, name in enumerate(species):
        chosen = slice(first, num, columns)
        count = len(truth[chosen])
        key = (_STREAM, particles.pdg_code(name))
        random = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
        true_signal = random.random(count) >= background
        mass_gev[chosen] = _masses_gev(MASSES[name], true_signal, random)
        condition[chosen] = kinematics.conditions(count, seed, name)
        others = _background(int(np.sum(~true_signal)), random)
        tracks = condition[chosen].copy()
        tracks[~true_signal] = others
        truth[chosen] = tracks[:, 3]
        condition[chosen, :3] = tracks[:, :3]
        is_signal[chosen] = true_signal
        if background and count:
            fitted = splot.fit(mass_gev[chosen], MASSES[name])
            weight[chosen] = fitted.weights(mass_gev[chosen])[:, 0]
    return Candidates(
        condition, truth, is_signal, mass_gev, weight if background else None
    )


def pieces(candidates: Candidates, seed: int, *, jobs: int = 1) -> Iterator[Sample]:
    """Simulates candidates piece by piece; the number of jobs changes nothing.

    Args:
        candidates: From `draw`.
        seed: Seed of the random numbers, at least 0.
        jobs: Number of threads.

    Yields:
        Up to 131,072 tracks at a time, in the order given; responses are `rounded`, and
        weights to 1/4096.
    """
    truth = candidates.condition.copy()
    truth[:, 3] = candidates.truth
    for start in range(0, len(truth), _PIECE_TRACKS):
        piece = slice(start, start + _PIECE_TRACKS)
        first_chunk = start // toy.CHUNK_TRACKS
        response = toy.simulate(truth[piece], seed, first_chunk=first_chunk, jobs=jobs)
        weight = None
        if candidates.weight is not None:
            steps = np.round(candidates.weight[piece] / np.float32(_WEIGHT_STEP))
            weight = np.asarray(steps * np.float32(_WEIGHT_STEP), np.float32)
        yield Sample(rounded(response), candidates.condition[piece], weight)


def rounded(response: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rounds differences of log-likelihoods to what a file keeps.

    Multiples of 1/512, and of these the nearest with 11 significant bits, an absolute
    error of 0.001 or a relative one of 0.05 %. Equal numbers stay equal, 0 stays 0,
    and nothing else becomes 0: a smaller number becomes one step.

    Args:
        response: Differences, float32 of any shape.
    """
    nearest = np.round(response / np.float32(_RESPONSE_STEP))
    steps = np.where(nearest == 0, np.sign(response), nearest)
    values = np.asarray(steps * np.float32(_RESPONSE_STEP), np.float32)
    return rounding.rounded(values, _RESPONSE_BITS)


def _check(num: int, seed: int, species: Sequence[str], background: float) -> None:
    if num < 1 or seed < 0:
        raise ValueError(
            f"num must be at least 1 and seed at least 0, received {num} and {seed}"
        )
    for name in species:
        particles.pdg_code(name)
    if not species or len(set(species)) < len(species):
        raise ValueError(
            f"species must be different ones, at least one, received {list(species)}"
        )
    if not 0.0 <= background <= _MOST_BACKGROUND:
        raise ValueError(
            f"background must be a fraction from 0 to {_MOST_BACKGROUND}, received "
            f"{background}"
        )
    if background and num < _FEWEST_PER_SPECIES * len(species):
        raise ValueError(
            f"{num} tracks of {len(species)} species are too few for sWeights; give "
            f"{_FEWEST_PER_SPECIES * len(species)} or more, or a background of 0"
        )


def _background(num: int, random: np.random.Generator) -> NDArray[np.float32]:
    """Draws tracks that were combined by chance, with the codes of what they are."""
    codes = [particles.pdg_code(name) for name in _BACKGROUND_SPECIES]
    chosen = random.choice(codes, num, p=list(_BACKGROUND_SPECIES.values()))
    return kinematics.draw(kinematics.BACKGROUND, chosen, random)


def _masses_gev(
    model: splot.MassModel, is_signal: NDArray[np.bool_], random: np.random.Generator
) -> NDArray[np.float64]:
    """Draws masses from a model, those of the signal cut to its range."""
    span_gev = model.high_gev - model.low_gev
    fall = model.slope_per_gev * span_gev
    uniform = random.random(len(is_signal))
    background = model.low_gev - span_gev * np.log1p(uniform * np.expm1(-fall)) / fall
    signal = random.normal(model.peak_gev, model.width_gev, len(is_signal))
    masses = np.where(is_signal, signal, background)
    return np.clip(masses, model.low_gev, model.high_gev)
