"""Nearest-neighbour check: does a model repeat showers that it was trained on?

Showers are compared by their shape alone. With p_i = E_i / sum_j E_j, the fraction of
the energy in cell i, the distance of two showers p and q is that of Hellinger,

    H^2 = 1/2 sum_i (sqrt p_i - sqrt q_i)^2,

0 for equal and 1 for disjoint showers. The square root gives weight to the many cells
with little energy, in which showers differ; a copy at another energy is still a copy.
A mirrored or shifted copy is not found.

A generated shower that lies nearer to a training shower than the showers of an
independent reference do is suspicious; a few of them are expected by chance.
"""

import dataclasses

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

from metrics.showers.shower_pairs import Comparison
from metrics.statistics.arrays import Array, ratio
from metrics.statistics.distances import Statistic
from metrics.statistics.energy_bins import choose, strata
from metrics.statistics.resampling import Metric, Resampling

QUERIES = 2_000
"""Largest number of generated, and of reference, showers whose neighbour is sought."""

TRAINING_SHOWERS = 10_000
"""Largest number of training showers that are searched."""

QUANTILE = 0.01
"""Fraction of the reference that counts as near: what a perfect model has."""

NO_TRAINING_SHOWERS = (
    "Not checked for memorised showers: the training showers are not available."
)
"""What a report says that could not look for neighbours."""

_FEWEST = 200
_SHOWN_PAIRS = 3


@dataclasses.dataclass(frozen=True, eq=False)
class NeighbourResult:
    """How near generated and reference showers are to the training showers.

    Attributes:
        generated: Distance of each generated shower to the nearest training shower,
            [queries].
        reference: The same for reference showers of the same conditions, [queries].
        training: Number of training showers that were searched.
        metric: Fraction of the generated showers that are nearer than the 1 % quantile
            of the reference; a perfect model has 0.01.
        closest: Distances of the closest pairs, ascending, [pairs].
        closest_condition: Conditions of their generated showers, [pairs, conditions].
        closest_generated: Their generated showers [spec.unit], [pairs, *spec.shape].
        closest_training: The training showers nearest to them, [pairs, *spec.shape].
    """

    generated: Array
    reference: Array
    training: int
    metric: Metric
    closest: Array
    closest_condition: NDArray[np.float32]
    closest_generated: NDArray[np.float32]
    closest_training: NDArray[np.float32]


def nearest_training_showers(
    comparison: Comparison, training: NDArray[np.float32], seed: int
) -> NeighbourResult:
    """Compares generated and reference showers with their nearest training showers.

    At most `QUERIES` pairs, the same number of every incident energy as far as they go
    round, are compared with at most `TRAINING_SHOWERS` training showers, chosen at
    random.

    Args:
        comparison: Generated and reference showers; the reference has no part in the
            training.
        training: Responses of the training [spec.unit], [showers, *spec.shape].
        seed: Seed of the choice and of the bootstrap.

    Returns:
        The distances, their summary and the closest pairs.

    Raises:
        ValueError: If there are fewer than 200 pairs, no training showers, or these
            have another shape.
    """
    shape = comparison.unsummed.shape
    if training.shape[1:] != shape or not len(training):
        raise ValueError(
            f"training showers need the shape [showers, {', '.join(map(str, shape))}], "
            f"received {training.shape}"
        )
    if len(comparison) < _FEWEST:
        raise ValueError(
            f"the search for memorised showers needs at least {_FEWEST} showers, "
            f"received {len(comparison)}; raise --num"
        )
    chosen = choose(strata(comparison.energy), QUERIES, seed)
    random = np.random.default_rng(seed)
    number = min(len(training), TRAINING_SHOWERS)
    training = training[np.sort(random.permutation(len(training))[:number])]
    accepted, training = comparison.accepted, comparison.read_out(training)
    with threadpool_limits(1):
        # Brute force, since trees do not help among hundreds of cells; scikit-learn
        # computes the distances in chunks.
        search = NearestNeighbors(n_neighbors=1, algorithm="brute")
        search.fit(shapes(training[:, accepted]))
        (generated, nearest), (reference, _) = (
            search.kneighbors(shapes(response[chosen][:, accepted]))
            for response in (comparison.generated, comparison.reference)
        )
    generated = generated[:, 0].astype(np.float64)
    reference = reference[:, 0].astype(np.float64)
    resampling = Resampling(strata(comparison.energy[chosen]), seed)
    closest = np.argsort(generated, kind="stable")[:_SHOWN_PAIRS]
    return NeighbourResult(
        generated=generated,
        reference=reference,
        training=number,
        metric=resampling.against_floor(generated, reference, weighted_near_fraction),
        closest=generated[closest],
        closest_condition=comparison.condition[chosen][closest],
        closest_generated=comparison.generated[chosen][closest],
        closest_training=training[nearest[closest, 0]],
    )


def shapes(cells: NDArray[np.float32]) -> NDArray[np.float32]:
    """Maps showers to points whose Euclidean distance is that of Hellinger.

    Args:
        cells: Cell energies, none negative, [showers, cells].

    Returns:
        sqrt(E_i / (2 sum_j E_j)), float32 [showers, cells]; 0 for an empty shower.
    """
    total = cells.sum(axis=1, keepdims=True, dtype=np.float64)
    fraction = ratio(
        cells.astype(np.float64), np.broadcast_to(2.0 * total, cells.shape)
    )
    return np.sqrt(fraction).astype(np.float32)


def weighted_near_fraction(first: Array, second: Array) -> Statistic:
    """Prepares the fraction of the first sample below the 1 % quantile of the second.

    Args:
        first: Distances, [n].
        second: Distances, [m].

    Returns:
        The statistic.
    """
    order, other_order = np.argsort(first), np.argsort(second)
    first, second = first[order], second[other_order]

    def statistic(first_weights: Array, second_weights: Array) -> Array:
        fractions = np.cumsum(second_weights[:, other_order], axis=1)
        # Sums of equal weights may miss the quantile by a rounding error.
        threshold = second[np.argmax(fractions > QUANTILE - 1e-12, axis=1)]
        below = np.searchsorted(first, threshold, side="left")
        summed = np.cumsum(first_weights[:, order], axis=1)
        summed = np.pad(summed, ((0, 0), (1, 0)))
        fraction: Array = np.take_along_axis(summed, below[:, None], axis=1)[:, 0]
        return fraction

    return statistic
