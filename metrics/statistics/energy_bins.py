"""Groups of events of equal incident energy."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_MOST_VALUES = 20
_QUANTILES = 10


@dataclasses.dataclass(frozen=True, eq=False)
class EnergyBin:
    """The events of one incident energy, or of a range of energies.

    Attributes:
        energy_gev: The energy, the mean of a range [GeV]; 0 if there is none.
        events: Numbers of its events.
        trained: Whether the model was trained on it; None if that is not known.
        range_gev: Lowest and highest energy of a range [GeV]; None of one energy.
    """

    energy_gev: float
    events: NDArray[np.intp]
    trained: bool | None = None
    range_gev: tuple[float, float] | None = None

    @property
    def name(self) -> str:
        """The energy as part of a key, e.g. "20gev"; "all" without an energy."""
        return f"{self.energy_gev:.3g}gev" if self.energy_gev else "all"

    @property
    def energy_label(self) -> str:
        """The energy as a text, e.g. "20 GeV" or "1.0 to 1.6 GeV"."""
        if self.range_gev is not None:
            low, high = self.range_gev
            # Two digits of the lower end, or what it takes to tell the ends apart.
            places = max(1 - _magnitude(low or high), -_magnitude(high - low), 0)
            return f"{low:.{places}f} to {high:.{places}f} GeV"
        return f"{self.energy_gev:.3g} GeV" if self.energy_gev else "all events"

    @property
    def label(self) -> str:
        """The energy, marked if the model was never trained on it."""
        mark = ", never trained on" if self.trained is False else ""
        return self.energy_label + mark


def _magnitude(value: float) -> int:
    """The power of ten of the first digit."""
    return math.floor(math.log10(value))


def strata(energy_gev: NDArray[np.float64]) -> NDArray[np.int64]:
    """Numbers the groups of events whose fractions a comparison keeps fixed.

    Args:
        energy_gev: Incident energies [GeV], [events].

    Returns:
        The group of every event, [events]: one per value, or one per decile where there
        are more than 20 values.
    """
    # The norms of momenta of one beam differ in their last digit.
    rounded = np.round(energy_gev / (energy_gev.max(initial=0.0) or 1.0), 6)
    values, group = np.unique(rounded, return_inverse=True)
    if len(values) > _MOST_VALUES:
        inner = np.linspace(0.0, 1.0, _QUANTILES + 1)[1:-1]
        edges = np.quantile(energy_gev, inner)
        group = np.searchsorted(edges, energy_gev, side="right")
    return group.astype(np.int64)


def choose(groups: NDArray[np.int64], events: int, seed: int) -> NDArray[np.intp]:
    """Picks events, the same number of every group as far as they go round.

    Args:
        groups: Group of every event.
        events: Largest number to pick.
        seed: Seed of the choice.

    Returns:
        Numbers of the events, ascending.
    """
    order = np.random.default_rng(seed).permutation(len(groups))
    rank = np.empty(len(groups), np.intp)
    for group in np.unique(groups):
        members = order[groups[order] == group]
        rank[members] = np.arange(len(members))
    return np.sort(np.argsort(rank, kind="stable")[:events])


def energy_bins(
    energy_gev: NDArray[np.float64], trained_energies_gev: Sequence[float] | None = None
) -> tuple[EnergyBin, ...]:
    """Groups events by incident energy.

    Args:
        energy_gev: Incident energies [GeV], [events].
        trained_energies_gev: The beam energies of the training; None if not known.

    Returns:
        The bins in ascending energy; deciles where energies are continuous.
    """
    groups = strata(energy_gev)
    found = []
    for group in np.unique(groups):
        events = np.flatnonzero(groups == group)
        mean = float(energy_gev[events].mean())
        low, high = float(energy_gev[events].min()), float(energy_gev[events].max())
        rounding = 1e-5 * mean
        trained = None
        if trained_energies_gev is not None:
            reach = high - low + rounding
            trained = any(abs(mean - known) <= reach for known in trained_energies_gev)
        ends = (low, high) if high - low > rounding else None
        found.append(EnergyBin(mean, events, trained, ends))
    return tuple(found)


def merged(bins: Sequence[EnergyBin], most: int) -> tuple[EnergyBin, ...]:
    """Merges neighbouring bins.

    Args:
        bins: The bins in ascending energy.
        most: Largest number of bins to return.

    Returns:
        The bins, as many of the old ones in each as it goes.
    """
    count = min(most, len(bins))
    found = []
    for number in range(count):
        first, last = (-(-place * len(bins) // count) for place in (number, number + 1))
        found.append(_together(bins[first:last]))
    return tuple(found)


def _together(bins: Sequence[EnergyBin]) -> EnergyBin:
    if len(bins) == 1:
        return bins[0]
    sizes = [len(one.events) for one in bins]
    mean = float(np.average([one.energy_gev for one in bins], weights=sizes))
    ends = [one.range_gev or (one.energy_gev, one.energy_gev) for one in bins]
    trained = {one.trained for one in bins}
    return EnergyBin(
        mean,
        np.sort(np.concatenate([one.events for one in bins])),
        trained.pop() if len(trained) == 1 else None,
        (ends[0][0], ends[-1][1]),
    )
