"""A selection of phi -> K+ K- by the likelihoods of both tracks.

A candidate passes if DLLk is above a cut for both of its tracks. The efficiency is the
fraction of the pairs of kaons that pass, the fake rate that of pairs of pions at the
same momenta: whoever looks for phi mesons takes two pions for kaons, and those whose
mass then is that of the phi have the momenta of its kaons.

A sample holds single tracks, so the pairs are made. Decays are drawn
(`metrics.pid.phi_decays`). Each kaon stands for all tracks of one species in its bin of
momentum, pseudorapidity and number of tracks. With signed weights w_i, and p_i = 1
where track i passes, the fraction of a decay to the bins a and b is

    sum_{i in a, j in b, i != j} w_i w_j p_i p_j / sum_{i in a, j in b, i != j} w_i w_j.

It is averaged over the bins of the number of tracks, which both tracks have in common,
and over the decays.

Two things are assumed: the likelihoods of two tracks are independent at given
conditions, and the conditions do not matter within a bin. LHCb's analyses take
efficiencies from calibration samples with the same two assumptions (arXiv:1803.00824).
Where an efficiency changes within a bin, that of pairs comes out too small, as both
kaons of a phi have similar momenta. Generated and reference likelihoods are those of
the same tracks, with the same weights, bins and decays.
"""

import dataclasses
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from metrics.pid.nested_bins import OUTSIDE, nested_bins
from metrics.pid.phi_decays import PhiDecays, phi_decays
from metrics.pid.track_pairs import LIKELIHOODS, PION, Tracks
from metrics.pid.track_resampling import PairResampling, sums
from metrics.statistics.arrays import Array, ratio
from metrics.statistics.resampling import Metric, significance, spread
from metrics.statistics.weighted import weighted_quantiles

KAON = "kaon"
COMPONENT = LIKELIHOODS[KAON]

PHI_CUTS = (0.0, 2.0, 5.0)
"""The cuts on DLLk that are metrics: loose to tight."""
SCANNED_CUTS = np.arange(-5.0, 15.5, 1.0)
"""The cuts that are drawn; those of `PHI_CUTS` are among them."""

NUMBER_OF_DECAYS = 20_000
DECAY_SEED = 0
"""The decays are part of the definition and do not depend on the report's seed."""

TRACKS_IN_BIN = 500
"""Tracks of the rarer species in a bin, on average: more tracks make finer bins.

With fewer, the fluctuation of the sum of the weights would bias the fractions.
"""
FEWEST_IN_BIN = 25.0
"""Effective tracks of either species without which a bin is not used."""
PHI_MOMENTUM_BINS = 6
"""Bins of the momentum of the phi, with equal numbers of decays."""
FEWEST_COVERED = 0.5
"""Fraction of the decays without which nothing is measured."""

NAMES = {KAON: "efficiency", PION: "fake_rate"}
"""What the fraction of the pairs of a species is called."""


@dataclasses.dataclass(frozen=True, eq=False)
class PassingPairs:
    """Fractions of the pairs of one species that pass.

    Index 0 of the first axis stands for all decays, the others for the bins of the
    momentum of the phi. Index 0 of the last axis is the sample, the others are
    bootstrap replicates.

    Attributes:
        generated: By generated likelihoods, [1 + momentum bins, scanned cuts, rows].
        reference: By reference likelihoods, likewise.
    """

    generated: Array
    reference: Array

    def difference(self, cut: float) -> Metric:
        """Measures generated - reference of all decays.

        Args:
            cut: One of `SCANNED_CUTS`.

        Returns:
            The metric. The floor is 0, with the spread of the difference of two
            samples of the reference of this size.
        """
        place = place_of_cut(cut)
        reference = self.reference[0, place]
        difference = self.generated[0, place] - reference
        value = float(difference[0])
        return Metric(
            value=value,
            uncertainty=spread(difference),
            floor=0.0,
            floor_uncertainty=float(np.sqrt(2.0)) * spread(reference),
            z=significance(value, spread(difference)),
        )

    def ends(self, cut: float) -> dict[str, tuple[float, float]]:
        """Returns both fractions of all decays, each with its uncertainty.

        Args:
            cut: One of `SCANNED_CUTS`.
        """
        place = place_of_cut(cut)
        both = {"reference": self.reference, "generated": self.generated}
        return {
            name: (float(rows[0, place, 0]), spread(rows[0, place]))
            for name, rows in both.items()
        }


@dataclasses.dataclass(frozen=True, eq=False)
class PhiSelection:
    """What the selection does.

    Attributes:
        bins: How many bins there are of momentum, pseudorapidity and number of tracks.
        covered: Fraction of the decays that have tracks; only these count.
        phi_momentum_gev: Mean momentum of the phi in each bin [GeV], [momentum bins].
        passing: The fractions of pairs of kaons and of pairs of pions that pass.
    """

    bins: int
    covered: float
    phi_momentum_gev: Array
    passing: Mapping[str, PassingPairs]

    @property
    def metrics(self) -> dict[str, Metric]:
        """Generated - reference: `delta_phi_<efficiency or fake_rate>_above_<cut>`."""
        return {
            f"delta_phi_{name}_above_{cut:g}": self.passing[species].difference(cut)
            for species, name in NAMES.items()
            for cut in PHI_CUTS
        }


@dataclasses.dataclass(frozen=True, eq=False)
class _Bins:
    """The bins of all tracks.

    Attributes:
        place: Number of the bin of every track, [tracks].
        shape: Number of bins of the kinematics, and of the number of tracks.
    """

    place: NDArray[np.intp]
    shape: tuple[int, int]

    def sums(self, members: NDArray[np.intp], weight: Array) -> Array:
        """Adds up weights, [kinematic bins, multiplicity bins]."""
        size = self.shape[0] * self.shape[1]
        return sums(self.place[members], weight, size).reshape(self.shape)


@dataclasses.dataclass(frozen=True, eq=False)
class _Decays:
    """Which bins of the kinematics the decays have, and how often.

    Attributes:
        first: Bin of one kaon, [pairs of bins].
        second: Bin of the other, likewise.
        share: Fraction of the decays with this pair of bins, of all decays and of those
            in every bin of the momentum of the phi, [1 + momentum bins, pairs of bins].
    """

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    share: Array

    def of_pairs(self, single: Array, squares: Array) -> Array:
        """Sums over pairs of two different tracks what is a product of both.

        Args:
            single: Sums over the tracks, [kinematic bins, ...].
            squares: Sums of the squares of the same.

        Returns:
            Sums over the pairs, [pairs of bins, ...].
        """
        product = single[self.first] * single[self.second]
        same = self.first == self.second
        product[same] -= squares[self.first[same]]
        return product


def phi_selection(tracks: Tracks, resampling: PairResampling) -> PhiSelection | None:
    """Measures the selection with generated and with reference likelihoods.

    Args:
        tracks: Generated and reference tracks.
        resampling: Bootstrap replicates; the splits are not used.

    Returns:
        What it does; None without kaons or pions, or if less than `FEWEST_COVERED` of
        the decays are where tracks are.
    """
    if KAON not in tracks.hypotheses:
        return None
    fewest = min(len(tracks.members[species]) for species in NAMES)
    wanted = max(1.0, fewest / TRACKS_IN_BIN)
    # Most of the change is with the momentum.
    kinematics = nested_bins(tracks, round(wanted**0.5), round(wanted**0.25))
    bins = _with_multiplicity(
        tracks,
        kinematics.place(
            tracks.column("momentum_gev"), tracks.column("pseudorapidity")
        ),
        (kinematics.number, round(wanted**0.25)),
    )
    decays = phi_decays(NUMBER_OF_DECAYS, DECAY_SEED)
    where = kinematics.place(decays.momentum_gev, decays.pseudorapidity)
    covered = np.all((where != OUTSIDE) & _populated(tracks, bins)[where], axis=1)
    if covered.mean() < FEWEST_COVERED:
        return None
    momentum, found = _summed(decays, where, covered)
    return PhiSelection(
        bins=bins.shape[0] * bins.shape[1],
        covered=float(covered.mean()),
        phi_momentum_gev=momentum,
        passing={
            species: PassingPairs(
                *(
                    _fractions(bins, values, tracks.members[species], resampling, found)
                    for values in tracks.pair(COMPONENT)
                )
            )
            for species in NAMES
        },
    )


def place_of_cut(cut: float) -> int:
    """Returns the index of a cut in `SCANNED_CUTS`."""
    return int(np.flatnonzero(cut == SCANNED_CUTS)[0])


def _with_multiplicity(
    tracks: Tracks, kinematics: NDArray[np.intp], shape: tuple[int, int]
) -> _Bins:
    """Divides the bins of the kinematics by the number of tracks too."""
    count = tracks.column("number_of_tracks")
    fractions = list(np.linspace(0.0, 1.0, shape[1] + 1)[1:-1])
    edges = weighted_quantiles(count, tracks.balanced_weight(), fractions)
    place = kinematics * shape[1] + np.searchsorted(edges, count, side="right")
    return _Bins(place, shape)


def _populated(tracks: Tracks, bins: _Bins) -> NDArray[np.bool_]:
    """Says which bins of the kinematics have enough of both species.

    There must be enough in every bin of the number of tracks.
    """
    enough = np.ones(bins.shape[0], bool)
    for species in NAMES:
        members = tracks.members[species]
        weight = tracks.weight[members]
        total = bins.sums(members, weight)
        squares = bins.sums(members, weight**2)
        known = (total > 0.0) & (total**2 >= FEWEST_IN_BIN * squares)
        enough &= known.all(axis=1)
    return enough


def _summed(
    decays: PhiDecays, where: NDArray[np.intp], covered: NDArray[np.bool_]
) -> tuple[Array, _Decays]:
    """Counts the pairs of bins of the covered decays, by the momentum of the phi."""
    momentum = decays.phi_momentum_gev[covered]
    edges = np.quantile(momentum, np.linspace(0.0, 1.0, PHI_MOMENTUM_BINS + 1)[1:-1])
    part = np.searchsorted(edges, momentum, side="right")
    # Which of the kaons is the first makes no difference.
    both = np.sort(where[covered], axis=1)
    pairs, number = np.unique(both, axis=0, return_inverse=True)
    counts = np.zeros((1 + PHI_MOMENTUM_BINS, len(pairs)))
    np.add.at(counts, (1 + part, number.reshape(-1)), 1.0)
    counts[0] = counts.sum(axis=0)
    centres = np.bincount(part, momentum) / np.bincount(part)
    share = counts / counts.sum(axis=1, keepdims=True)
    return centres, _Decays(pairs[:, 0], pairs[:, 1], share)


def _fractions(
    bins: _Bins,
    values: Array,
    members: NDArray[np.intp],
    resampling: PairResampling,
    decays: _Decays,
) -> Array:
    """Measures the fractions of pairs, [1 + momentum bins, cuts, rows]."""
    found = []
    for single, squares in _above(bins, values[members], members, resampling):
        product = decays.of_pairs(single, squares)
        passing = product[..., 1:]
        every = np.broadcast_to(product[..., :1], passing.shape)
        found.append(decays.share @ np.mean(ratio(passing, every), axis=1))
    return np.stack(found, axis=-1)


def _above(
    bins: _Bins,
    values: Array,
    members: NDArray[np.intp],
    resampling: PairResampling,
) -> Iterator[tuple[Array, Array]]:
    """Sums weights and their squares above every cut, row by row.

    The copies of a track in a replicate are one track, and make no pair.

    Yields:
        Both sums, [kinematic bins, multiplicity bins, 1 + cuts]: first everything, then
        what is above each cut.
    """
    shape = (*bins.shape, len(SCANNED_CUTS) + 1)
    passed = np.searchsorted(SCANNED_CUTS, values, side="left")
    key = bins.place[members] * shape[-1] + passed
    for _, weights in resampling.weights(members):
        for row in weights:
            single, squares = (
                sums(key, one, int(np.prod(shape))).reshape(shape)
                for one in (row, row**2)
            )
            yield _from_above(single), _from_above(squares)


def _from_above(content: Array) -> Array:
    """Adds up the last axis from its end."""
    return np.cumsum(content[..., ::-1], axis=-1)[..., ::-1]
