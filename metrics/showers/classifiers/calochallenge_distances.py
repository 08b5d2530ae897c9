"""The CaloChallenge's distances of high-level features: separation powers, FPD, KPD.

Source: C. Krause et al., arXiv:2410.21611; the code as of August 2025.
"""

import numpy as np

from metrics.showers import fpd_kpd
from metrics.showers.classifiers.calochallenge_features import (
    high_level,
    shower_shapes,
)
from metrics.showers.shower_pairs import Comparison
from metrics.statistics import distances
from metrics.statistics.arrays import Array
from metrics.statistics.distances import Statistic
from metrics.statistics.energy_bins import strata
from metrics.statistics.resampling import Metric, Resampling

_RESPONSE_EDGES = np.linspace(0.5, 1.5, 101)
_MEV_PER_GEV = 1e3
_MANY_FEATURES = 100
_FEW_SPLITS, _FEW_REPLICATES = 2, 10


def separation_powers(
    comparison: Comparison, resampling: Resampling
) -> dict[str, Metric]:
    """Measures the separation powers of the high-level features.

    Each is the mean over layers. The visible over the incident energy has the bins of
    the CaloChallenge, 100 from 0.5 to 1.5, but what lies beyond counts too, in open
    bins; the others have those of `distances.bin_edges`.

    Args:
        comparison: Generated and reference showers.
        resampling: Splits and bootstrap weights.

    Returns:
        `calochallenge_separation_response`, and `calochallenge_separation_<feature>`
        for the features of `shower_shapes`; nothing where cells are no bins of a
        cylinder.
    """
    if not comparison.spec.ring_edges_cm:
        return {}
    generated, reference = shower_shapes(comparison)
    incident = comparison.energy[:, None] * _MEV_PER_GEV
    for values in (generated, reference):
        values["response"] = values.pop("total_energy") / incident
    found = {}
    for name, columns in reference.items():
        edges = [distances.bin_edges(column) for column in columns.T]
        if name == "response":
            edges = [_RESPONSE_EDGES]
        found[f"calochallenge_separation_{name}"] = resampling.against_floor(
            generated[name], columns, _Separations(edges)
        )
    return found


class _Separations:
    """Prepares the mean of the separation powers of columns."""

    def __init__(self, edges: list[Array]) -> None:
        self._edges = edges

    def __call__(self, first: Array, second: Array) -> Statistic:
        powers = [
            distances.weighted_separation(first[:, column], second[:, column], edges)
            for column, edges in enumerate(self._edges)
        ]

        def statistic(first_weights: Array, second_weights: Array) -> Array:
            mean: Array = np.mean(
                [power(first_weights, second_weights) for power in powers], axis=0
            )
            return mean

        return statistic


def physics_distances(
    comparison: Comparison, resampling: Resampling, seed: int
) -> dict[str, Metric]:
    """Measures FPD and KPD of the high-level features, scaled as there.

    Every feature is divided by its largest absolute value in the reference. Of more
    than 100 features, as 45 layers have, value and floor come from two divisions
    instead of eight, and the uncertainties from ten replicates.

    Args:
        comparison: Generated and reference showers.
        resampling: Splits and bootstrap weights.
        seed: Seed of the divisions of many features.

    Returns:
        `calochallenge_fpd` and `calochallenge_kpd`; nothing where cells are no bins of
        a cylinder.

    Raises:
        ValueError: If the events are too few for the features.

    Source: Kansal et al., arXiv:2211.10295.
    """
    if not comparison.spec.ring_edges_cm:
        return {}
    generated, reference = (one.astype(np.float64) for one in high_level(comparison))
    largest = np.abs(reference).max(axis=0)
    scale = np.where(largest > 0.0, largest, 1.0)
    if reference.shape[1] > _MANY_FEATURES:
        groups = strata(comparison.energy)
        resampling = Resampling(groups, seed, _FEW_SPLITS, _FEW_REPLICATES)
    pair = generated / scale, reference / scale
    return {
        "calochallenge_kpd": resampling.against_floor(
            *pair, fpd_kpd.weighted_kernel_distance
        ),
        "calochallenge_fpd": resampling.against_floor(
            *pair, fpd_kpd.weighted_frechet_distance
        ),
    }
