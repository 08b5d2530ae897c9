"""Precision and recall of a generated distribution (PRD), and the AUC of its curve.

Both samples are clustered together; g and r are the fractions of the generated and of
the reference events in every cluster. For every slope s

    precision(s) = sum_i min(s r_i, g_i),   recall(s) = precision(s) / s.

The area under the curve (AUC) is 1 for equal distributions, 0 for disjoint ones, and
below 1 for two small samples of one distribution. So it stands beside the AUC of the
reference against itself. Each run takes one random split into halves A and B. It
compares the generated with the reference events, A with B, and for the floor the
reference events of A with those of B.

Source: Sajjadi et al., arXiv:1806.00035; 400 clusters and the minimum over raw images
and physics features: Rogachev and Ratnikov 2022, "GAN with an Auxiliary Regressor for
the Fast Simulation of the Electromagnetic Calorimeter Response".
"""

import dataclasses
import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import MiniBatchKMeans
from threadpoolctl import threadpool_limits

from metrics.statistics.arrays import Array
from metrics.statistics.curves import Curve
from metrics.statistics.resampling import Metric, Resampling, significance, spread

CLUSTERS = 400
"""Number of clusters."""

RUNS = 3
"""Number of splits and clusterings over which the curves are averaged."""

EVENTS_PER_CLUSTER = 10
"""Events a side that a cluster needs.

The floor depends nearly on them alone: for a Gaussian of 24 dimensions it is about 0.65
at 2.5 events, 0.92 at 10, 0.98 at 50 and 0.995 at 200.
"""

_SLOPES = np.tan(np.linspace(1e-10, np.pi / 2.0 - 1e-10, 1001))
_LARGEST = 1.001
_LOST_VARIANCE = 1e-4
_MOST_NUMBERS, _PROJECTED = 4000, 1000


@dataclasses.dataclass(frozen=True, eq=False)
class PrdResult:
    """A measured PRD-AUC.

    Attributes:
        metric: The AUC. Since more is better here, z = (floor - value) / standard
            deviation: positive means worse than the floor, as for all other metrics.
        curve: x = recall, y = precision, averaged over the runs.
        events: Events on each side of every comparison.
        clusters: Number of clusters.
        warning: One line if these events are too few for the clusters, else None.
    """

    metric: Metric
    curve: Curve
    events: int
    clusters: int
    warning: str | None


def precision_recall(
    generated_histogram: Array, reference_histogram: Array
) -> tuple[Array, Array]:
    """Computes precision and recall at 1001 slopes of equidistant angles.

    Args:
        generated_histogram: Fractions of generated events, sum 1, [..., clusters].
        reference_histogram: Fractions of reference events, [..., clusters].

    Returns:
        Precision and recall between 0 and 1, each [..., 1001].

    Raises:
        ValueError: If one of them exceeds 1.001.

    Source: arXiv:1806.00035, algorithm 1.
    """
    slopes = _SLOPES[:, np.newaxis]
    precision: Array = np.empty((*generated_histogram.shape[:-1], len(slopes)))
    # Row by row: all rows at once would take gigabytes for a bootstrap.
    for row in np.ndindex(precision.shape[:-1]):
        scaled = slopes * reference_histogram[row]
        precision[row] = np.minimum(scaled, generated_histogram[row]).sum(axis=1)
    recall = precision / _SLOPES
    largest = max(precision.max(initial=0.0), recall.max(initial=0.0))
    if largest > _LARGEST:
        raise ValueError(
            f"precision and recall are at most 1, found {largest:g}: normalise the "
            "histograms of the clusters to 1"
        )
    return np.clip(precision, 0.0, 1.0), np.clip(recall, 0.0, 1.0)


def auc(precision: Array, recall: Array) -> Array:
    """Returns the AUC by the trapezoidal rule.

    With the axes exchanged it is the same within 1e-10.

    Args:
        precision: Ascending, [..., points].
        recall: Descending, [..., points].

    Returns:
        AUCs between 0 and 1, [...].
    """
    return np.asarray(np.trapezoid(recall, precision, axis=-1))


def cluster(
    generated: NDArray[Any], reference: NDArray[Any], clusters: int, seed: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Clusters the union of two samples by mini-batch k-means.

    Args:
        generated: Features, [events, features].
        reference: Features of as many events, [events, features].
        clusters: Number of clusters.
        seed: Seed of the clustering.

    Returns:
        The cluster of every generated and of every reference event, each [events].

    Raises:
        ValueError: If the sizes differ, or if there are fewer events than clusters.
    """
    if len(generated) != len(reference):
        raise ValueError(
            "PRD needs as many generated as reference events (k-means would follow the "
            f"larger sample), received {len(generated)} and {len(reference)}"
        )
    if len(generated) < clusters:
        raise ValueError(
            f"PRD with {clusters} clusters needs at least as many events a side, "
            f"received {len(generated)}: take more events (--num) or fewer clusters"
        )
    # The published score started from 3 events a cluster: the default of its time.
    means = MiniBatchKMeans(
        clusters, n_init=10, init_size=3 * clusters, random_state=seed
    )
    # On a busy machine threads that wait for each other cost a hundredfold.
    with threadpool_limits(1):
        labels = means.fit(np.concatenate([generated, reference])).labels_
    return labels[: len(generated)], labels[len(generated) :]


def standardised(
    generated: NDArray[Any], reference: NDArray[Any]
) -> tuple[Array, Array]:
    """Standardises features by mean and standard deviation of the reference.

    Otherwise the feature of the largest numbers, a width, would rule every distance.
    Features that do not vary in the reference have no scale and are left out.

    Args:
        generated: Features, [events, features].
        reference: Features, [events, features].

    Returns:
        Generated and reference features, each [events, features that vary].

    Raises:
        ValueError: If no feature varies.
    """
    varies = np.ptp(reference, axis=0) > 0.0
    if not varies.any():
        raise ValueError(f"none of the {varies.size} features varies in the reference")
    kept = reference[:, varies].astype(np.float64)
    mean, width = kept.mean(axis=0), kept.std(axis=0)
    return (generated[:, varies] - mean) / width, (kept - mean) / width


def prd_auc(
    generated: NDArray[Any],
    reference: NDArray[Any],
    resampling: Resampling,
    seed: int,
    clusters: int = CLUSTERS,
    runs: int = RUNS,
) -> PrdResult:
    """Measures the PRD-AUC beside its floor.

    Value and floor are AUCs of the curves averaged over the runs, each with another
    split into halves and another seed of k-means. Where the halves differ in size, the
    surplus of the larger one is left out. Uncertainties add two parts in quadrature:
    the standard deviation over bootstrap replicates of the events in fixed clusters,
    and the scatter between the runs, since the clusters are not fixed.

    Args:
        generated: Raw responses as they are (as in the published scores, without any
            scaling), or features from `standardised`, [events, ...].
        reference: The same of the reference events of equal condition.
        resampling: Splits and bootstrap weights.
        seed: Seed of the clusterings.
        clusters: Number of clusters.
        runs: Number of runs; beyond the number of splits these are used again.

    Returns:
        The result.

    Raises:
        ValueError: If the shapes differ, or half of the events are too few for the
            clusters.
    """
    if generated.shape != reference.shape:
        raise ValueError(
            "PRD compares generated and reference events in pairs, received shapes "
            f"{generated.shape} and {reference.shape}"
        )
    made, real = _compressed(generated, reference)
    curves, floors = [], []
    splits = itertools.islice(itertools.cycle(resampling.splits), runs)
    for number, (one, other) in enumerate(splits, start=seed):
        events = min(len(one.events), len(other.events))
        first, second = one.events[:events], other.events[:events]
        against = real[second], other.reference[:, :events]
        sample = made[first], one.generated[:, :events]
        curves.append(_curve(sample, against, clusters, number))
        sample = real[first], one.reference[:, :events]
        floors.append(_curve(sample, against, clusters, number))
    curve, floor = np.mean(curves, axis=0), np.mean(floors, axis=0)
    return PrdResult(
        metric=_metric(
            auc(*curve),
            auc(*floor),
            np.array([auc(one[0][0], one[1][0]) for one in curves]),
            np.array([auc(one[0][0], one[1][0]) for one in floors]),
        ),
        curve=Curve(curve[1, 0], curve[0, 0], floor[1, 0], floor[0, 0]),
        events=events,
        clusters=clusters,
        warning=_warning(events, clusters),
    )


def minimum(raw: PrdResult, physics: PrdResult) -> PrdResult:
    """Returns the result of the smaller AUC, the score of the published models.

    Args:
        raw: Of the raw responses.
        physics: Of the physics features.
    """
    return min(raw, physics, key=lambda result: result.metric.value)


def _compressed(*samples: NDArray[Any]) -> list[NDArray[np.float32]]:
    """Flattens and rotates samples; leaves out directions of no variance, for speed.

    What is left out holds at most 1e-4 of the mean square distance to the last sample's
    centre, of each sample: a model that scatters widely cannot hide the reference.
    Before that, more than 4,000 numbers are projected at random on 1,000, which keeps
    squared distances within 4.5 % (W. Johnson and J. Lindenstrauss, 1984): their matrix
    of moments would not fit into memory.
    """
    flat = [one.reshape(len(one), -1).astype(np.float32) for one in samples]
    size = flat[0].shape[1]
    if size > _MOST_NUMBERS:
        draw = np.random.default_rng(0).standard_normal((size, _PROJECTED), np.float32)
        flat = [one @ (draw / np.float32(_PROJECTED**0.5)) for one in flat]
    centred = [one - flat[-1].mean(axis=0) for one in flat]
    moment = np.zeros((flat[0].shape[1],) * 2)
    for sample in centred:
        # By a power of two, which rounds nothing: squares of float32 may overflow.
        scaled = np.ldexp(sample, -np.frexp(np.abs(sample).max())[1])
        product = scaled.T @ scaled
        moment += product / (np.trace(product) or 1.0)
    variances, directions = np.linalg.eigh(moment)
    left_out = np.count_nonzero(np.cumsum(variances[:-1]) <= _LOST_VARIANCE)
    kept = directions[:, left_out:].astype(np.float32)
    return [sample @ kept for sample in centred]


def _curve(
    first: tuple[NDArray[Any], Array],
    second: tuple[NDArray[Any], Array],
    clusters: int,
    seed: int,
) -> tuple[Array, Array]:
    """Returns precision and recall of features and weights, [rows, points]."""
    labels = cluster(first[0], second[0], clusters, seed)
    fractions = (
        np.array([np.bincount(found, row / row.sum(), clusters) for row in weights])
        for found, weights in zip(labels, (first[1], second[1]), strict=True)
    )
    return precision_recall(*fractions)


def _metric(value: Array, floor: Array, values: Array, floors: Array) -> Metric:
    """Makes the metric of replicates (of the mean curves) and of single runs."""
    difference = float(floor[0] - value[0])
    return Metric(
        value=float(value[0]),
        uncertainty=float(np.hypot(spread(value), _of_mean(values))),
        floor=float(floor[0]),
        floor_uncertainty=float(np.hypot(spread(floor), _of_mean(floors))),
        z=significance(
            difference,
            float(np.hypot(spread(floor - value), _of_mean(floors - values))),
        ),
    )


def _of_mean(values: Array) -> float:
    """Returns the standard error of the mean; 0 of a single value."""
    if len(values) < 2:
        return 0.0
    return float(np.std(values, ddof=1) / np.sqrt(len(values)))


def _warning(events: int, clusters: int) -> str | None:
    if events >= EVENTS_PER_CLUSTER * clusters:
        return None
    return (
        f"PRD-AUC: {events} events a side are {events / clusters:.1f} for each of "
        f"{clusters} clusters; below {EVENTS_PER_CLUSTER} chance alone costs a perfect "
        "model a tenth of the AUC or more: take more events (--num) or fewer clusters"
    )
