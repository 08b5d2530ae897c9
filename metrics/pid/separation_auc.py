"""The separation of a species from the pion by a likelihood, in kinematic bins."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrics.pid.track_pairs import FEWEST_EFFECTIVE, LIKELIHOODS, PION, Grid, Tracks
from metrics.pid.track_resampling import PairResampling
from metrics.statistics.arrays import Array
from metrics.statistics.resampling import Metric, significance, spread
from metrics.statistics.roc import auc_statistic
from metrics.statistics.weighted import effective_tracks

SPECIES = ("kaon", "muon", "proton")
"""The species that are told from the pion by their likelihood."""

JUDGED_EFFECTIVE = 5_000.0
"""Effective tracks of both species from which on a bin is judged."""
JUDGED_AUC = 0.99
"""AUC of the reference from which on a bin is too easy to be judged."""
GOAL_DIFFERENCE = 0.01
GOAL_FRACTION = 0.9
"""The goal: so many of the judged bins have a smaller difference of the AUCs."""

WITHIN_GOAL = "auc_bins_within_goal"
"""Name of the metric that counts the judged bins."""


@dataclasses.dataclass(frozen=True, eq=False)
class AucBin:
    """The AUC of one species against pions in one bin.

    Attributes:
        species: The species.
        number: Number of the bin in its grid, see `Grid.place`.
        effective: Effective tracks of the species and of pions.
        reference: AUC of the reference, [rows]: the sample and its replicates; None
            in a bin with too few tracks, and so are the following two.
        generated: AUC of the generated tracks, [rows].
        difference: generated - reference; its floor is 0 with the spread of the
            difference of two samples of the reference of this size.
    """

    species: str
    number: int
    effective: tuple[float, float]
    reference: Array | None = None
    generated: Array | None = None
    difference: Metric | None = None

    @property
    def judged(self) -> bool:
        """Whether there are enough tracks, and the task is hard enough, to count."""
        return (
            self.reference is not None
            and min(self.effective) >= JUDGED_EFFECTIVE
            and float(self.reference[0]) < JUDGED_AUC
        )

    @property
    def within_goal(self) -> bool:
        """Whether the difference of the AUCs is as small as the goal demands."""
        return (
            self.difference is not None and abs(self.difference.value) < GOAL_DIFFERENCE
        )


def weighted_auc(
    positive: NDArray[Any],
    negative: NDArray[Any],
    positive_weight: NDArray[Any],
    negative_weight: NDArray[Any],
) -> float:
    """Returns P(x > y) + P(x = y) / 2 of two samples with signed weights, exactly.

    Args:
        positive: Values x that shall be large, [n].
        negative: Values y that shall be small, [m].
        positive_weight: Weights of x, with a sum that is not 0, [n].
        negative_weight: Weights of y, likewise, [m].

    Returns:
        The AUC, see `metrics.statistics.roc.auc_statistic`.
    """
    values = np.concatenate([positive, negative]).astype(np.float64)
    weight = np.concatenate([positive_weight, negative_weight]).astype(np.float64)
    is_positive = np.arange(len(values)) < len(positive)
    return float(auc_statistic(values, is_positive)(weight[None])[0])


def auc_bins(
    tracks: Tracks, resampling: PairResampling, grid: Grid | None
) -> list[AucBin]:
    """Measures every species against pions in every bin.

    Args:
        tracks: Generated and reference tracks.
        resampling: Bootstrap replicates; the splits are not used.
        grid: The bins; None takes all tracks together, as one bin.

    Returns:
        The bins of each of `SPECIES` that is there, empty without pions.
    """
    place = np.zeros(len(tracks), np.intp)
    bins = 1
    if grid is not None:
        bins = int(np.prod(grid.shape))
        place = grid.place(
            tracks.column("momentum_gev"), tracks.column("pseudorapidity")
        )
    found = []
    for species in SPECIES:
        if species in tracks.hypotheses:
            inside = [place[tracks.members[one]] for one in (species, PION)]
            for number in range(bins):
                chosen = [
                    tracks.members[name][where == number]
                    for name, where in zip((species, PION), inside, strict=True)
                ]
                found.append(_bin(tracks, resampling, species, number, chosen))
    return found


def overall(bins: Sequence[AucBin]) -> dict[str, Metric]:
    """Returns `delta_auc_<species>_pion` of bins that hold all tracks."""
    return {
        f"delta_auc_{one.species}_pion": one.difference
        for one in bins
        if one.difference is not None
    }


def in_bins(bins: Sequence[AucBin], grid: Grid) -> dict[str, Metric]:
    """Returns the differences in the bins, and how many are as small as they should be.

    Args:
        bins: The bins.
        grid: Their grid.

    Returns:
        `delta_auc_bin_<species>_<momentum bin>_<pseudorapidity bin>`, counted from 1,
        and, if any bin is judged, the fraction of these that are within the goal.
    """
    found = {
        f"delta_auc_bin_{bin_name(one, grid)}": one.difference
        for one in bins
        if one.difference is not None
    }
    judged = [one for one in bins if one.judged]
    if judged:
        found[WITHIN_GOAL] = _fraction_within_goal(judged)
    return found


def bin_name(one: AucBin, grid: Grid) -> str:
    """Returns "<species>_<momentum bin>_<pseudorapidity bin>", counted from 1."""
    along, across = divmod(one.number, grid.shape[1])
    return f"{one.species}_{along + 1}_{across + 1}"


def _bin(
    tracks: Tracks,
    resampling: PairResampling,
    species: str,
    number: int,
    chosen: list[NDArray[np.intp]],
) -> AucBin:
    effective = [effective_tracks(tracks.weight[some]) for some in chosen]
    both = effective[0], effective[1]
    if min(both) < FEWEST_EFFECTIVE:
        return AucBin(species, number, both)
    together = np.concatenate(chosen)
    positive = np.arange(len(together)) < len(chosen[0])
    statistics = [
        auc_statistic(values[together], positive)
        for values in tracks.pair(LIKELIHOODS[species])
    ]
    pieces = [
        [statistic(some) for statistic in statistics]
        for _, some in resampling.weights(together)
    ]
    generated, reference = np.concatenate(pieces, axis=1)
    uncertainty = spread(generated - reference)
    difference = float(generated[0] - reference[0])
    metric = Metric(
        value=difference,
        uncertainty=uncertainty,
        floor=0.0,
        floor_uncertainty=float(np.sqrt(2.0)) * spread(reference),
        z=significance(difference, uncertainty),
    )
    return AucBin(species, number, both, reference, generated, metric)


def _fraction_within_goal(judged: Sequence[AucBin]) -> Metric:
    """Counts judged bins with a small difference; z is positive for too few.

    The floor is the fraction that a second sample of the reference would have: the mean
    over pairs of replicates.
    """
    pairs = [
        (one.generated, one.reference)
        for one in judged
        if one.generated is not None and one.reference is not None
    ]
    differences = np.array([first - second for first, second in pairs])
    fraction = np.mean(np.abs(differences) < GOAL_DIFFERENCE, axis=0)
    again = np.array([second[1:] - np.roll(second[1:], 1) for _, second in pairs])
    floor, floor_uncertainty = 1.0, 0.0
    if again.shape[1] > 1:
        fractions = np.mean(np.abs(again) < GOAL_DIFFERENCE, axis=0)
        floor, floor_uncertainty = float(fractions.mean()), float(fractions.std())
    value, uncertainty = float(fraction[0]), spread(fraction)
    return Metric(
        value=value,
        uncertainty=uncertainty,
        floor=floor,
        floor_uncertainty=floor_uncertainty,
        z=significance(floor - value, uncertainty),
    )
