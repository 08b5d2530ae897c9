"""Tracks as the calibration channels of particle identification give them.

Transverse momentum, pseudorapidity and number of tracks are drawn independently of each
other, differently for each channel, and cut to the domain of the detector "rich". The
shapes are ours; they resemble the published spectra of kaons and pions from
D*+ -> (D0 -> K- pi+) pi+, protons from Lambda_c+ -> p K- pi+, and muons and electrons
from J/psi. Numbers are rounded before they are used, so that no file has to: momenta to
ten significant bits, a relative error of at most 0.1 %, pseudorapidities to 1/256.
"""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from common import rounding
from data import detectors
from data.detectors import particles

_MOMENTUM_BITS = 9
_PSEUDORAPIDITY_STEP = 2.0**-8
# Not the random numbers that `data.simulation.rich.toy` uses with the same seed.
_STREAM = 1
_BLOCK_TRACKS = 16384
_COLUMNS = 3


@dataclasses.dataclass(frozen=True)
class Kinematics:
    """What the tracks of one source look like before they are cut to the domain.

    Attributes:
        lowest_pt_gev: Smallest transverse momentum [GeV].
        pt_shape: Shape of the gamma distribution of what is above it.
        pt_scale_gev: Its scale [GeV].
        pseudorapidity: Mean and standard deviation of a normal distribution.
        number_of_tracks: Shape and mean of a gamma distribution.
    """

    lowest_pt_gev: float
    pt_shape: float
    pt_scale_gev: float
    pseudorapidity: tuple[float, float]
    number_of_tracks: tuple[float, float]


CHANNELS = {
    "electron": Kinematics(0.50, 2.0, 0.60, (3.15, 0.70), (4.5, 160.0)),
    "muon": Kinematics(0.60, 2.0, 0.70, (3.25, 0.70), (4.5, 170.0)),
    "pion": Kinematics(0.25, 2.0, 0.55, (3.20, 0.65), (4.5, 175.0)),
    "kaon": Kinematics(0.25, 2.0, 0.65, (3.20, 0.65), (4.5, 175.0)),
    "proton": Kinematics(0.40, 2.0, 0.70, (3.15, 0.65), (4.5, 180.0)),
}
"""Tracks of each species from its calibration channel."""

BACKGROUND = Kinematics(0.20, 1.5, 0.50, (3.35, 0.75), (4.5, 200.0))
"""Tracks that were combined by chance: softer, and from fuller events."""


def conditions(num: int, seed: int, species: str) -> NDArray[np.float32]:
    """Draws tracks of the calibration channel of one species.

    Args:
        num: Number of tracks.
        seed: Seed of the random numbers, at least 0.
        species: One of `data.detectors.particles.NAMES`.

    Returns:
        Momentum [GeV], pseudorapidity, number of tracks and PDG code, all within the
        domain of the detector "rich": float32 [num, 4].

    Raises:
        ValueError: If the species is not known, or `num` or the seed is negative.
    """
    code = particles.pdg_code(species)
    if num < 0 or seed < 0:
        raise ValueError(f"num and seed must be at least 0, received {num} and {seed}")
    key = (_STREAM, code)
    random = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
    return draw(CHANNELS[species], np.full(num, code), random)


def draw(
    kinematics: Kinematics, codes: NDArray[np.integer], random: np.random.Generator
) -> NDArray[np.float32]:
    """Draws one track of given kinematics for every PDG code.

    Args:
        kinematics: What they look like.
        codes: Absolute PDG codes of the tracks, integers [tracks].
        random: Source of random numbers.

    Returns:
        Conditions as in `conditions`, float32 [tracks, 4].
    """
    limits = detectors.get("rich").domain[:_COLUMNS]
    low, high = np.array([(one.low, one.high) for one in limits]).T
    blocks, missing = [np.empty((0, _COLUMNS), np.float32)], len(codes)
    while missing > 0:
        block = _block(kinematics, random)
        block = block[((block >= low) & (block <= high)).all(axis=1)]
        blocks.append(block)
        missing -= len(block)
    accepted = np.concatenate(blocks)[: len(codes)]
    return np.column_stack([accepted, codes]).astype(np.float32)


def _block(kinematics: Kinematics, random: np.random.Generator) -> NDArray[np.float32]:
    transverse_gev = kinematics.lowest_pt_gev + random.gamma(
        kinematics.pt_shape, kinematics.pt_scale_gev, _BLOCK_TRACKS
    )
    pseudorapidity = random.normal(*kinematics.pseudorapidity, _BLOCK_TRACKS)
    shape, mean = kinematics.number_of_tracks
    number_of_tracks = random.gamma(shape, mean / shape, _BLOCK_TRACKS)
    momentum_gev = transverse_gev * np.cosh(pseudorapidity)
    columns = np.column_stack([momentum_gev, pseudorapidity, number_of_tracks])
    kept = columns.astype(np.float32)
    kept[:, 0] = rounding.rounded(kept[:, 0], _MOMENTUM_BITS)
    step = np.float32(_PSEUDORAPIDITY_STEP)
    kept[:, 1] = np.round(kept[:, 1] / step) * step
    kept[:, 2] = np.round(kept[:, 2])
    return kept
