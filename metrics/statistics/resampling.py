"""Uncertainty and floor of a comparison: bootstrap, and Geant4 against Geant4.

The protocol. Generated and reference showers come in pairs of equal condition. The
events are split at random into halves A and B, with equal parts of every energy bin.
A distance is measured between the generated showers of A and the reference showers of
B, and the reverse; its floor is the same distance between the reference showers of A
and those of B. Value and floor thus compare n/2 with n/2 events under the same
conditions: for a perfect model they agree on average, whatever the bias of the distance
in small samples. Both are averaged over several random splits.

The uncertainty is the standard deviation over bootstrap replicates, in which generated
and reference showers of every energy bin are drawn anew with replacement.
"""

import dataclasses
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from metrics.statistics.arrays import Array, ratio
from metrics.statistics.distances import Statistic

SPLITS = 8
REPLICATES = 100


@dataclasses.dataclass(frozen=True)
class Metric:
    """A measured number beside what a perfect model would have.

    Attributes:
        value: The number.
        uncertainty: Its bootstrap standard deviation.
        floor: The number that the reference has when compared with itself.
        floor_uncertainty: The statistical spread of the floor.
        z: (value - floor) / standard deviation of that difference; 0 if both agree.

    Example:
        >>> found = Metric(0.5, 0.03, floor=0.1, floor_uncertainty=0.04, z=8.0)
        >>> f"{found.value:.2f}, floor {found.floor:.2f}"
        '0.50, floor 0.10'
    """

    value: float
    uncertainty: float
    floor: float
    floor_uncertainty: float
    z: float


@dataclasses.dataclass(frozen=True)
class _Half:
    """The events of one half and their weights, [rows, events], rows summing to 1."""

    events: NDArray[np.intp]
    generated: Array
    reference: Array


class Resampling:
    """The random splits and bootstrap weights shared by all metrics of a report.

    Row 0 of all weights is the sample itself, the others are bootstrap replicates.

    Args:
        groups: Group of every event, see `strata`.
        seed: Seed of splits and replicates.
        splits: Number of random splits into halves.
        replicates: Number of bootstrap replicates.

    Raises:
        ValueError: If there are fewer than two events in a group.

    Example:
        >>> from metrics.statistics.distances import weighted_mean
        >>> reference = np.linspace(1.0, 2.0, 1000)
        >>> resampling = Resampling(np.zeros(1000, int), seed=1)
        >>> metric = resampling.ratio(1.5 * reference, reference, weighted_mean)
        >>> round(metric.value, 6), metric.floor
        (1.5, 1.0)
    """

    def __init__(
        self,
        groups: NDArray[np.int64],
        seed: int,
        splits: int = SPLITS,
        replicates: int = REPLICATES,
    ) -> None:
        members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
        if not members or min(len(events) for events in members) < 2:
            raise ValueError(
                "every energy bin needs at least two events, so that the reference "
                f"can be split into halves; received {len(groups)} events in "
                f"{len(members)} groups"
            )
        # Apart, so that the splits do not depend on the number of replicates.
        random, for_splits = np.random.default_rng(seed).spawn(2)
        self.generated = _bootstrap(random, members, replicates)
        self.reference = _bootstrap(random, members, replicates)
        self.splits: list[tuple[_Half, _Half]] = []
        for _ in range(splits):
            first, second = [], []
            for number, events in enumerate(members):
                shuffled = for_splits.permutation(events)
                # Of an odd number of events one half takes the larger part in turns.
                middle = (len(events) + number % 2) // 2
                first.append(shuffled[:middle])
                second.append(shuffled[middle:])
            self.splits.append((self._half(first), self._half(second)))

    def _half(self, parts: list[NDArray[np.intp]]) -> _Half:
        return _Half(
            np.concatenate(parts),
            _balanced(self.generated, parts),
            _balanced(self.reference, parts),
        )

    def against_floor(
        self,
        generated: Array,
        reference: Array,
        prepare: Callable[[Array, Array], Statistic],
    ) -> Metric:
        """Measures a symmetric distance beside its floor.

        Args:
            generated: One number or row of numbers per generated event, [events, ...].
            reference: The same for the reference events of equal condition.
            prepare: Builds the statistic of two samples.

        Returns:
            The metric.
        """
        value = floor = np.zeros(len(self.generated))
        for pair in self.splits:
            for one, other in (pair, pair[::-1]):
                statistic = prepare(generated[one.events], reference[other.events])
                value = value + statistic(one.generated, other.reference)
            one, other = pair
            statistic = prepare(reference[one.events], reference[other.events])
            floor = floor + statistic(one.reference, other.reference)
        return beside_floor(value / (2 * len(self.splits)), floor / len(self.splits))

    def ratio(
        self,
        generated: Array,
        reference: Array,
        statistic: Callable[[Array, Array], Array],
        events: NDArray[np.intp] | None = None,
    ) -> Metric:
        """Measures generated / reference of an unbiased statistic of one sample.

        All events are used. The floor is 1, its uncertainty the spread of the ratio for
        two samples of the reference of this size.

        Args:
            generated: Values of the generated events, [events].
            reference: Values of the reference events, [events].
            statistic: Maps values [n] and weights [rows, n] to one number per row.
            events: Events to take into account; None takes all.

        Returns:
            The metric; z is the distance from 1 in units of the uncertainty.
        """
        chosen = np.arange(len(reference)) if events is None else events
        drawn, redrawn = self.generated[:, chosen], self.reference[:, chosen]
        below = statistic(reference[chosen], redrawn)
        value = ratio(statistic(generated[chosen], drawn), below)
        floor = ratio(statistic(reference[chosen], drawn), below)
        difference = float(value[0]) - 1.0
        return Metric(
            value=float(value[0]),
            uncertainty=spread(value),
            floor=1.0,
            floor_uncertainty=spread(floor),
            z=significance(difference, spread(value)),
        )


def beside_floor(value: Array, floor: Array) -> Metric:
    """Makes a metric of a distance and its floor.

    Args:
        value: The distance, [rows]; row 0 is the sample, the others are replicates.
        floor: The distance of the reference from itself, likewise.

    Returns:
        The metric.
    """
    return Metric(
        value=float(value[0]),
        uncertainty=spread(value),
        floor=float(floor[0]),
        floor_uncertainty=spread(floor),
        z=significance(float(value[0] - floor[0]), spread(value - floor)),
    )


def spread(rows: Array) -> float:
    """Returns the standard deviation of the replicates; row 0 is the sample itself."""
    return float(np.std(rows[1:])) if len(rows) > 1 else 0.0


def significance(difference: float, uncertainty: float) -> float:
    """Returns difference / uncertainty, 0 where the uncertainty is 0."""
    return difference / uncertainty if uncertainty > 0.0 else 0.0


def _bootstrap(
    random: np.random.Generator, members: list[NDArray[np.intp]], replicates: int
) -> Array:
    """Draws how often each event occurs in each replicate, [1 + replicates, events]."""
    weights = np.ones((1 + replicates, sum(map(len, members))))
    for events in members:
        chances = np.full(len(events), 1.0 / len(events))
        weights[1:, events] = random.multinomial(len(events), chances, size=replicates)
    return weights


def _balanced(weights: Array, parts: list[NDArray[np.intp]]) -> Array:
    """Picks events; every group keeps its fraction of the weight in every row."""
    number = sum(map(len, parts))
    picked = []
    for events in parts:
        part = weights[:, events]
        total = part.sum(axis=1, keepdims=True)
        # A replicate that draws none of a tiny group takes all of it instead.
        part = np.where(total > 0.0, part, 1.0)
        fraction = len(events) / number
        picked.append(part * (fraction / part.sum(axis=1, keepdims=True)))
    return np.concatenate(picked, axis=1)
