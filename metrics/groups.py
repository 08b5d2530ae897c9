"""Groups of events of equal incident energy."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data.spec import DetectorSpec

_MOST_VALUES = 20
_QUANTILES = 10


@dataclasses.dataclass(frozen=True, eq=False)
class Beam:
    """The events of one incident energy, or of a range of them.

    Attributes:
        energy_gev: The energy, the mean of a range [GeV]; NaN if there is none.
        events: Numbers of its events.
        trained: Whether the model was trained on it; None if that is not known.
    """

    energy_gev: float
    events: NDArray[np.intp]
    trained: bool | None = None

    @property
    def name(self) -> str:
        """The energy as part of a key, e.g. "20gev"; "all" without an energy."""
        return "all" if np.isnan(self.energy_gev) else f"{self.energy_gev:.3g}gev"

    @property
    def label(self) -> str:
        """The energy as a figure shows it, marked if it was never trained on."""
        if np.isnan(self.energy_gev):
            return "all events"
        mark = ", never trained on" if self.trained is False else ""
        return f"{self.energy_gev:.3g} GeV{mark}"


def strata(condition: NDArray[np.float32], column: int = 0) -> NDArray[np.int64]:
    """Numbers the groups of events whose shares are kept fixed.

    Args:
        condition: Conditions, [events, conditions].
        column: The condition that defines the groups, usually the incident energy.

    Returns:
        The group of every event, [events]: one per value, or one per decile where there
        are more than 20 values.
    """
    values, group = np.unique(condition[:, column], return_inverse=True)
    if len(values) > _MOST_VALUES:
        inner = np.linspace(0.0, 1.0, _QUANTILES + 1)[1:-1]
        edges = np.quantile(condition[:, column], inner)
        group = np.searchsorted(edges, condition[:, column], side="right")
    return group.astype(np.int64)


def choose(condition: NDArray[np.float32], events: int, seed: int) -> NDArray[np.intp]:
    """Picks events, the same number of every group as far as they go round.

    Args:
        condition: Conditions, [events, conditions].
        events: Largest number to pick.
        seed: Seed of the choice.

    Returns:
        Numbers of the events, ascending.
    """
    random = np.random.default_rng(seed)
    groups = strata(condition)
    order = random.permutation(len(groups))
    rank = np.empty(len(groups), np.intp)
    for group in np.unique(groups):
        members = order[groups[order] == group]
        rank[members] = np.arange(len(members))
    first = np.argsort(rank, kind="stable")[:events]
    return np.sort(first)


def beams(
    spec: DetectorSpec,
    condition: NDArray[np.float32],
    trained_energies_gev: Sequence[float] | None = None,
) -> tuple[Beam, ...]:
    """Groups events by incident energy.

    Args:
        spec: The detector.
        condition: Conditions [spec.condition_units], [events, conditions].
        trained_energies_gev: The beam energies of the training; None if not known.

    Returns:
        The beams in ascending energy: deciles where energies are continuous, and one
        beam of all events for a detector without incident energy.
    """
    if "energy_gev" not in spec.condition_names:
        return (Beam(float("nan"), np.arange(len(condition))),)
    column = spec.condition_names.index("energy_gev")
    energies = condition[:, column].astype(np.float64)
    groups = strata(condition, column)
    found = []
    for group in np.unique(groups):
        events = np.flatnonzero(groups == group)
        trained = None
        if trained_energies_gev is not None:
            low, high = energies[events].min(), energies[events].max()
            trained = any(
                low * (1 - 1e-6) <= energy <= high * (1 + 1e-6)
                for energy in trained_energies_gev
            )
        found.append(Beam(float(energies[events].mean()), events, trained))
    return tuple(found)
