"""A toy of two ring-imaging Cherenkov detectors like LHCb's, fast enough for training.

A track radiates photons in every gas whose polar acceptance it crosses, at the angle
cos(theta) = 1 / (n beta), and other tracks leave background photons around it. The
angles of all photons give the extended likelihood of every hypothesis on the mass,

    log L_h = -mu_h + sum over photons log(mu_h f_h(theta) + b(theta)) + constant,

where mu_h is the expected number of signal photons, f_h a normal density around the
expected ring and b the density of the background, which is the same for all. Below its
threshold a hypothesis has no signal photons, mu_h = 0, and both gases are summed. What
is kept are the differences to the pion's log L, DLLx = log L_x - log L_pion.

Exact values follow, without rounding errors:
- a hypothesis that radiates in none of the gases that the track crosses has the value
  of the hypothesis "below threshold": below 9.3 GeV in RICH1 alone, and for every
  species, dll_k = dll_p = dll_bt;
- where the pion too is below threshold, these values are 0; outside both acceptances
  all five are 0.

Indices, resolutions, photon yields and acceptances are published. Ours are:
- the background: how much of it there is, its growth with the pseudorapidity, that it
  is uniform in area around the track and comes in arcs of other tracks' rings;
- the visible part of a ring, which varies from track to track, and the error that the
  photons of a track have in common;
- sharp edges of the acceptance. Tracks neither decay nor scatter.

The likelihood knows none of the correlations between photons, as that of the experiment
does not know all, and hence is over-confident now and then. The mean density of photons
is the one it expects: on average the true hypothesis is the most likely one for every
condition, up to what is cut at the smallest angles. With kaons and pions of
`data.simulation.rich.kinematics`, 93 % of the kaons and 7 % of the pions have DLLk > 0,
and 83 % and 2 % DLLk > 5. Published are 95 % and 10 %, 85 % and 3 %.

Source: LHCb RICH group, arXiv:1211.6759.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import ArrayLike, NDArray

from data.detectors import particles
from data.simulation.rich.radiator import RADIATORS, Radiator

CHUNK_TRACKS = 8192
"""Tracks that share a seed: (seed, number of the chunk)."""

VERSION = "1"
"""Another one as soon as the same seed gives other values."""

# Photons do not use the random numbers of kinematics and masses of the same seed.
_STREAM = 0
_CONDITIONS = 4
_ELECTRON, _MUON, _PION, _KAON, _PROTON = range(len(particles.NAMES))
_MASSES_GEV = np.array(particles.MASSES_GEV)
_ARC_PHOTONS = 4.0
# Photons farther than this from every ring change no difference by more than 1e-4. The
# centres of arcs are drawn in a wider range, whose edges would be too dark.
_NEAR_RESOLUTIONS = 5.0
_ARC_RESOLUTIONS = 3.0
# Closer to the track than this there is no ring, only its centre.
_SMALLEST_MRAD = 1.0


def simulate(
    condition: ArrayLike, seed: int, *, first_chunk: int = 0, jobs: int = 1
) -> NDArray[np.float32]:
    """Simulates the likelihoods of tracks; the same seed gives the same values.

    Every `CHUNK_TRACKS` tracks have a seed of their own, so that a long list may be
    simulated in pieces of whole chunks, and the number of jobs changes nothing.

    Args:
        condition: Momentum [GeV], pseudorapidity, number of tracks in the event and
            absolute PDG code of every track: [tracks, 4].
        seed: Seed of the random numbers, at least 0.
        first_chunk: Number of chunks that were simulated before.
        jobs: Number of threads.

    Returns:
        DLLk, DLLmu, DLLe, DLLp and DLLbt, float32 [tracks, 5].

    Raises:
        ValueError: If a condition, the seed or the number of jobs is impossible.
    """
    values = _checked(condition)
    if seed < 0 or first_chunk < 0 or jobs < 1:
        raise ValueError(
            "seed and first_chunk must be at least 0 and jobs at least 1, received "
            f"{seed}, {first_chunk} and {jobs}"
        )

    def run(number: int) -> NDArray[np.float32]:
        start = number * CHUNK_TRACKS
        key = (_STREAM, first_chunk + number)
        random = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
        return _simulate_chunk(values[start : start + CHUNK_TRACKS], random)

    chunks = range(-(-len(values) // CHUNK_TRACKS))
    with ThreadPoolExecutor(jobs) as pool:
        return np.concatenate(list(pool.map(run, chunks)))


def _checked(condition: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(condition, np.float64)
    if values.ndim != 2 or values.shape[1] != _CONDITIONS or not len(values):
        raise ValueError(
            "conditions of tracks must have the shape (tracks, 4), received "
            f"{values.shape}; give momentum [GeV], pseudorapidity, number of tracks "
            "and PDG code"
        )
    good = np.isfinite(values).all(axis=1) & (values[:, 0] > 0.0)
    good &= (values[:, 2] >= 1.0) & np.isin(values[:, 3], particles.PDG_CODES)
    if not good.all():
        track = int(np.argmin(good))
        raise ValueError(
            "a track must have a momentum above 0 GeV, at least 1 track in its event "
            f"and one of the PDG codes {', '.join(map(str, particles.PDG_CODES))}; "
            f"track {track} has {values[track].tolist()}"
        )
    return values


def _simulate_chunk(
    condition: NDArray[np.float64], random: np.random.Generator
) -> NDArray[np.float32]:
    codes = np.array(particles.PDG_CODES)
    truth = np.argmax(condition[:, 3:] == codes, axis=1)
    total = np.zeros((len(particles.NAMES), len(condition)))
    for radiator in RADIATORS:
        seen = np.flatnonzero(radiator.accepts(condition[:, 1]))
        if len(seen):
            total[:, seen] += _log_likelihoods(
                radiator, condition[seen], truth[seen], random
            )
    others = [*total[[_KAON, _MUON, _ELECTRON, _PROTON]], np.zeros(len(condition))]
    return np.column_stack([one - total[_PION] for one in others]).astype(np.float32)


def _log_likelihoods(
    radiator: Radiator,
    condition: NDArray[np.float64],
    truth: NDArray[np.intp],
    random: np.random.Generator,
) -> NDArray[np.float64]:
    """Draws photons and returns log L_h - log L_(below threshold), [species, tracks].

    The difference is -mu_h + sum log(1 + mu_h f_h / b), so that a hypothesis without
    signal photons has exactly 0.
    """
    momentum_gev, pseudorapidity, number_of_tracks, _ = condition.T
    tracks = np.arange(len(condition))
    rings_mrad = radiator.angle_mrad(momentum_gev, _MASSES_GEV[:, None])
    expected = radiator.mean_photons(momentum_gev, _MASSES_GEV[:, None])
    slope = radiator.background_per_mrad2(number_of_tracks, pseudorapidity)
    edges_mrad = _edges_mrad(radiator, rings_mrad)
    own_ring_mrad, own_photons = rings_mrad[truth, tracks], expected[truth, tracks]
    signal = _signal(radiator, own_ring_mrad, own_photons, random)
    background = _background(radiator, edges_mrad, slope, random)
    track = np.concatenate([signal[0], background[0]])
    angle_mrad = np.concatenate([signal[1], background[1]])
    width = np.float32(radiator.resolution_mrad)
    peak = expected / (np.sqrt(2.0 * np.pi) * radiator.resolution_mrad * slope)
    peak, rings = peak.astype(np.float32), rings_mrad.astype(np.float32)
    found = -expected
    for hypothesis in range(len(particles.NAMES)):
        distance = (angle_mrad - rings[hypothesis][track]) / width
        ratio = np.exp(np.float32(-0.5) * distance * distance)
        ratio *= peak[hypothesis][track]
        ratio /= angle_mrad
        gain = np.log(np.float32(1.0) + ratio)
        found[hypothesis] += np.bincount(track, gain, len(condition))
    return found


def _edges_mrad(
    radiator: Radiator, rings_mrad: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns the range of angles [mrad] around all rings of every track.

    Without any ring the range is empty: nothing depends on the background there.
    """
    margin = (_NEAR_RESOLUTIONS + _ARC_RESOLUTIONS) * radiator.resolution_mrad
    radiates = rings_mrad > 0.0
    low = np.where(radiates, rings_mrad - margin, radiator.window_mrad).min(axis=0)
    high = np.where(radiates, rings_mrad + margin, 0.0).max(axis=0)
    low = np.maximum(low, _SMALLEST_MRAD)
    return low, np.maximum(high, low)


def _signal(
    radiator: Radiator,
    ring_mrad: NDArray[np.float64],
    mean_photons: NDArray[np.float64],
    random: np.random.Generator,
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Draws the photons of the tracks themselves.

    Args:
        radiator: The gas.
        ring_mrad: Cherenkov angles [mrad], [tracks].
        mean_photons: Mean numbers of photons, [tracks].
        random: Source of random numbers.

    Returns:
        The track of every photon and its angle [mrad], both [photons].
    """
    count = len(ring_mrad)
    # The visible part of a ring is the root of a uniform number: 2/3 on average.
    visible = 1.5 * np.sqrt(random.random(count))
    track = np.repeat(np.arange(count), random.poisson(mean_photons * visible))
    common = ring_mrad + radiator.common_mrad * random.standard_normal(count)
    own = np.sqrt(radiator.resolution_mrad**2 - radiator.common_mrad**2)
    angle = np.float32(own) * random.standard_normal(len(track), np.float32)
    angle += common.astype(np.float32)[track]
    return track, np.maximum(np.abs(angle), np.float32(_SMALLEST_MRAD))


def _background(
    radiator: Radiator,
    edges_mrad: tuple[NDArray[np.float64], NDArray[np.float64]],
    slope: NDArray[np.float64],
    random: np.random.Generator,
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Draws the photons of other tracks, in arcs as wide as the resolution.

    Args:
        radiator: The gas.
        edges_mrad: Between which angles [mrad] the arcs lie, two times [tracks].
        slope: Of the density in the angle [1/mrad^2], [tracks].
        random: Source of random numbers.

    Returns:
        The track that every photon is near to, and its angle [mrad], both [photons].
    """
    low, high = edges_mrad
    area = high**2 - low**2
    arcs = random.poisson(0.5 * slope * area / _ARC_PHOTONS)
    arc_track = np.repeat(np.arange(len(slope)), arcs)
    centre = random.random(len(arc_track), np.float32)
    centre *= area.astype(np.float32)[arc_track]
    centre = np.sqrt(centre + np.square(low).astype(np.float32)[arc_track])
    photons = random.poisson(_ARC_PHOTONS, len(arc_track))
    track, angle = np.repeat(arc_track, photons), np.repeat(centre, photons)
    width = np.float32(radiator.resolution_mrad)
    angle += width * random.standard_normal(len(track), np.float32)
    return track, np.maximum(np.abs(angle), np.float32(_SMALLEST_MRAD))
