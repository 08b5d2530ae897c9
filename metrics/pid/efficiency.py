"""Efficiency and misidentification of cuts on the likelihoods."""

import dataclasses
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from metrics.pid.track_pairs import PION, Tracks
from metrics.pid.track_resampling import PairResampling, sums
from metrics.statistics.arrays import Array, ratio
from metrics.statistics.resampling import Metric, significance, spread
from metrics.statistics.weighted import weighted_quantiles

CUTS = (0.0, 5.0)
"""The cuts at which dependences are shown, loose and tight as in arXiv:1211.6759."""

CUT_STEPS = 41
SLICES = 8
FEWEST_IN_SLICE = 25.0
"""Effective tracks without which there is no point in a slice."""

AGAINST = {
    "cut": "DLL cut",
    "momentum_gev": "momentum [GeV]",
    "number_of_tracks": "number of tracks",
}
"""What efficiencies are shown against, with the text of the axis."""


@dataclasses.dataclass(frozen=True, eq=False)
class EfficiencyCurve:
    """The fraction of a species that passes a cut; all arrays are [points].

    Attributes:
        hypothesis: The species that the cut selects.
        component: The likelihood that is cut on.
        species: The species that is looked at: the hypothesis itself, whose fraction is
            the efficiency, or the pion, whose fraction is the misidentification.
        against: One of `AGAINST`.
        cut: The cut; None where it is what the curve is drawn against.
        x: Cuts, or weighted means of the condition in slices; NaN in a sparse slice.
        generated: Fraction of the generated tracks.
        generated_error: Its bootstrap uncertainty.
        reference: Fraction of the reference.
        reference_error: Its bootstrap uncertainty.
        difference_error: Bootstrap uncertainty of generated - reference.
    """

    hypothesis: str
    component: str
    species: str
    against: str
    cut: float | None
    x: Array
    generated: Array
    generated_error: Array
    reference: Array
    reference_error: Array
    difference_error: Array


@dataclasses.dataclass(frozen=True, eq=False)
class _Part:
    """Something to measure for every row of weights: sums by key, made a fraction.

    Attributes:
        key: Where the weight of each track is added, [tracks].
        size: Number of sums.
        fraction: Makes the fractions of the sums.
    """

    key: NDArray[np.intp]
    size: int
    fraction: Callable[[Array], Array]


def efficiency_metrics(tracks: Tracks, resampling: PairResampling) -> dict[str, Metric]:
    """Measures generated - reference of the fractions above every cut of `CUTS`.

    Args:
        tracks: Generated and reference tracks.
        resampling: Bootstrap replicates.

    Returns:
        `delta_efficiency_<species>_<component>_above_<cut>`; of pions it is the
        misidentification. The floor is 0.
    """
    found = {}
    for _, component, species in _looked_at(tracks):
        members = tracks.members[species]
        parts = [_above(one[members], np.array(CUTS)) for one in tracks.pair(component)]
        generated, reference = _fractions(parts, members, resampling)
        for cut, one, other in zip(CUTS, generated.T, reference.T, strict=True):
            difference = one - other
            name = f"delta_efficiency_{species}_{component}_above_{cut:g}"
            found[name] = Metric(
                value=float(difference[0]),
                uncertainty=spread(difference),
                floor=0.0,
                floor_uncertainty=float(np.sqrt(2.0)) * spread(other),
                z=significance(float(difference[0]), spread(difference)),
            )
    return found


def efficiency_curves(
    tracks: Tracks, resampling: PairResampling
) -> list[EfficiencyCurve]:
    """Measures fractions against the cut, and at `CUTS` in slices of conditions.

    Args:
        tracks: Generated and reference tracks.
        resampling: Bootstrap replicates.

    Returns:
        The curves of every species that is there and of pions; empty without pions.
    """
    found = []
    for hypothesis, component, species in _looked_at(tracks):
        members = tracks.members[species]
        values = [one[members] for one in tracks.pair(component)]
        cuts = _cuts(tracks, hypothesis, component)
        wanted: list[tuple[str, float | None, Array]] = [("cut", None, cuts)]
        parts = [_above(one, cuts) for one in values]
        for against in ("momentum_gev", "number_of_tracks"):
            place, centres = _slices(tracks, against, members)
            for cut in CUTS:
                wanted.append((against, cut, centres))
                parts += [_passing(one > cut, place, len(centres)) for one in values]
        rows = iter(_fractions(parts, members, resampling))
        whose = hypothesis, component, species
        for what in wanted:
            ends = _ends(next(rows), next(rows))
            found.append(EfficiencyCurve(*whose, *what, *ends))
    return found


def _looked_at(tracks: Tracks) -> list[tuple[str, str, str]]:
    """Returns hypothesis, component and species of everything that is measured."""
    return [
        (hypothesis, component, species)
        for hypothesis, component in tracks.hypotheses.items()
        for species in (hypothesis, PION)
    ]


def _cuts(tracks: Tracks, hypothesis: str, component: str) -> Array:
    """Returns cuts over what the reference of both species has, without its tails."""
    reference = tracks.pair(component)[1]
    ends = [
        weighted_quantiles(reference[members], tracks.weight[members], [0.02, 0.98])
        for members in (tracks.members[hypothesis], tracks.members[PION])
    ]
    low, high = float(np.min(ends)), float(np.max(ends))
    if low == high:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, CUT_STEPS)


def _slices(
    tracks: Tracks, name: str, members: NDArray[np.intp]
) -> tuple[NDArray[np.intp], Array]:
    """Numbers the slice of some tracks and returns the slices' weighted means.

    The slices are quantiles of all species together, each counting the same. The mean
    is NaN, and the point not shown, where there are too few of these tracks.
    """
    values = tracks.column(name)
    fractions = list(np.linspace(0.0, 1.0, SLICES + 1)[1:-1])
    edges = np.unique(weighted_quantiles(values, tracks.balanced_weight(), fractions))
    place = np.searchsorted(edges, values[members], side="right")
    weight = tracks.weight[members]
    total, square, moment = (
        sums(place, one, len(edges) + 1)
        for one in (weight, weight**2, weight * values[members])
    )
    enough = (total > 0.0) & (total**2 >= FEWEST_IN_SLICE * square)
    return place, np.where(enough, ratio(moment, total), np.nan)


def _above(values: Array, cuts: Array) -> _Part:
    """Prepares the fraction of the weights above every cut."""
    passed = np.searchsorted(cuts, values, side="left")

    def fraction(total: Array) -> Array:
        above = np.cumsum(total[::-1])[::-1]
        return above[1:] / above[0]

    return _Part(passed, len(cuts) + 1, fraction)


def _passing(passes: NDArray[np.bool_], place: NDArray[np.intp], slices: int) -> _Part:
    """Prepares the fraction of the weights that pass in every slice."""

    def fraction(total: Array) -> Array:
        failed, passed = total.reshape(-1, 2).T
        return ratio(passed, passed + failed)

    return _Part(2 * place + passes, 2 * slices, fraction)


def _fractions(
    parts: list[_Part], members: NDArray[np.intp], resampling: PairResampling
) -> list[Array]:
    """Measures every part for the sample and its replicates, [rows, points] each."""
    found: list[list[Array]] = [[] for _ in parts]
    for _, weights in resampling.weights(members):
        for row in weights:
            for rows, part in zip(found, parts, strict=True):
                rows.append(part.fraction(sums(part.key, row, part.size)))
    return [np.array(rows) for rows in found]


def _ends(generated: Array, reference: Array) -> list[Array]:
    """Returns both fractions with their errors, and the error of the difference."""
    errors = [
        one[1:].std(axis=0) if len(one) > 1 else np.zeros(one.shape[1])
        for one in (generated, reference, generated - reference)
    ]
    return [generated[0], errors[0], reference[0], errors[1], errors[2]]
