"""Density and coverage: do the generated showers lie where the reference does?

Around every reference event stands a ball that reaches to its k-th nearest neighbour
in the reference. With N reference and M generated events,

    density  = 1 / (k M) sum_i (balls that hold the generated event i),
    coverage = fraction of the balls that hold a generated event.

The density of a perfect model is 1 on average: below it, generated events lie outside
of the reference; above, they crowd where it is dense. The coverage falls where kinds of
showers are missing. That of a perfect model is on average

    1 - prod_(i < k) (N - 1 - i) / (N - 1 + M - i),

0.969 for N = M, k = 5 and many events: the chance that the k nearest of all other
events are not all of the reference.

Source: Naeem et al., arXiv:2002.09797.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray
from sklearn.metrics import euclidean_distances
from sklearn.neighbors import NearestNeighbors

from metrics.showers.prd import standardised
from metrics.statistics.arrays import Array
from metrics.statistics.resampling import Metric, Resampling, beside_floor

NEIGHBOURS = 5
"""The k of the authors."""

SPLITS = 4
"""Random splits over which value and floor are averaged."""

_EVENTS_AT_ONCE = 1024


def density_and_coverage(
    generated: NDArray[Any], reference: NDArray[Any], resampling: Resampling
) -> dict[str, Metric]:
    """Measures both beside their floors, between halves of the events.

    The bootstrap draws events anew and leaves the balls as they are: for balls drawn
    anew, copies of an event would be its own neighbours. A replicate lacks a third of
    the generated events and covers less, but the same is true of its floor; only the
    spread is used.

    Args:
        generated: Physics features, [events, features].
        reference: Features of as many reference events, pairs of equal condition.
        resampling: Splits and bootstrap weights.

    Returns:
        `density`, and `coverage` whose z is (floor - value) / standard deviation, since
        more is better: positive means worse than the floor.

    Raises:
        ValueError: If a half has no more events than `NEIGHBOURS`.
    """
    first, second = standardised(generated, reference)
    splits = resampling.splits[:SPLITS]
    value = floor = np.zeros((2, len(resampling.generated)))
    for pair in splits:
        for one, other in (pair, pair[::-1]):
            balls = Balls(second[other.events])
            inside = balls.contain(first[one.events])
            value = value + inside(one.generated, other.reference)
            inside = balls.contain(second[one.events])
            floor = floor + inside(one.reference, other.reference)
    value, floor = value / (2 * len(splits)), floor / (2 * len(splits))
    more_is_better = beside_floor(value[1], floor[1])
    return {
        "density": beside_floor(value[0], floor[0]),
        "coverage": dataclasses.replace(more_is_better, z=-more_is_better.z),
    }


class Balls:
    """The balls around the events of a reference.

    Args:
        reference: Features, [n, features].

    Raises:
        ValueError: If there are no more events than `NEIGHBOURS`.
    """

    def __init__(self, reference: Array) -> None:
        if len(reference) <= NEIGHBOURS:
            raise ValueError(
                f"density and coverage need more than {NEIGHBOURS} events in a half of "
                f"the reference, received {len(reference)}; raise --num"
            )
        self.centres = reference
        search = NearestNeighbors(n_neighbors=NEIGHBOURS, algorithm="brute")
        # Without a query every event is not among its own neighbours.
        self.radii: Array = search.fit(reference).kneighbors()[0][:, -1]

    def contain(self, generated: Array) -> Callable[[Array, Array], Array]:
        """Finds which balls hold which generated events.

        Args:
            generated: Features, [m, features].

        Returns:
            A function of weights of generated events [rows, m] and of reference events
            [rows, n], rows that sum to 1: density and coverage, [2, rows].
        """
        rows = [
            scipy.sparse.csr_array(
                euclidean_distances(generated[start : start + _EVENTS_AT_ONCE],
                                    self.centres) < self.radii,
                dtype=np.float64,
            )
            for start in range(0, len(generated), _EVENTS_AT_ONCE)
        ]  # fmt: skip
        inside = scipy.sparse.vstack(rows, format="csr").T.tocsr()

        def both(weights: Array, reference_weights: Array) -> Array:
            held = (inside @ weights.T).T
            mean = len(self.centres) / NEIGHBOURS * (held * reference_weights)
            covered = (held > 0.0) * reference_weights
            return np.stack([mean.sum(axis=1), covered.sum(axis=1)])

        return both
