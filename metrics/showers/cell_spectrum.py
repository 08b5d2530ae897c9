"""The spectrum of cell energies: hits in logarithmic bins of their energy.

All uncertainties come from whole showers, since the hits of one shower depend on each
other.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrics.showers.classifiers.classifier_tests import ClassifierResult, trees_test
from metrics.showers.shower_pairs import Comparison
from metrics.statistics.arrays import Array, ratio
from metrics.statistics.distances import Statistic
from metrics.statistics.resampling import Metric, Resampling

BINS = 50
"""Bins of the separation power, as of the CaloChallenge."""

COUNTED_BINS = 16
"""Bins whose hits a classifier counts."""

_OPEN_TAILS = 0.002
"""Fraction of the hits of the reference in each of the two outer bins.

With 0.001 the bins of the ECAL would reach down to 2e-8 MeV, and hits below 1e-3 MeV,
two or three in a thousand, would take nearly half of them.
"""

_SHOWERS_AT_ONCE = 1024


def energy_edges(reference: NDArray[np.float32], bins: int) -> Array:
    """Returns the inner edges of logarithmic bins of cell energies.

    The first and the last bin are open, the others span the central 99.6 % of the hits
    of the reference. The model that is judged has no influence.

    Args:
        reference: Reference responses [spec.unit], [events, *spec.shape].
        bins: Number of bins, at least 3.

    Returns:
        Edges [spec.unit], ascending, float64 [bins - 1].

    Raises:
        ValueError: If there is no hit.
    """
    hits = reference[reference > 0.0]
    if not hits.size:
        raise ValueError("the spectrum of cell energies needs a hit in the reference")
    low, high = np.quantile(hits, [_OPEN_TAILS, 1.0 - _OPEN_TAILS])
    return np.geomspace(low, high, bins - 1, dtype=np.float64)


def hits_per_bin(response: NDArray[Any], edges: Array) -> Array:
    """Counts the hits of every shower in bins of their energy.

    Args:
        response: Cell energies [spec.unit], [batch, ...].
        edges: Inner edges of the bins [spec.unit], ascending; the outer bins are open.

    Returns:
        Numbers of hits, float64 [batch, len(edges) + 1].

    Source: this project.
    """
    bins = len(edges) + 1
    cells = response.reshape(len(response), -1)
    counts: Array = np.empty((len(cells), bins))
    for start in range(0, len(cells), _SHOWERS_AT_ONCE):
        some = cells[start : start + _SHOWERS_AT_ONCE]
        shower, cell = np.nonzero(some > 0.0)
        place = np.searchsorted(edges, some[shower, cell], side="right")
        found = np.bincount(shower * bins + place, minlength=len(some) * bins)
        counts[start : start + len(some)] = found.reshape(len(some), bins)
    return counts


def separation_cell_energy(comparison: Comparison, resampling: Resampling) -> Metric:
    """Measures the separation power of the spectra of cell energies.

    Args:
        comparison: Generated and reference showers.
        resampling: Splits and bootstrap weights.

    Returns:
        The metric: 0 equal, 1 disjoint.

    Raises:
        ValueError: If the reference has no hit.

    Source: the CaloChallenge, arXiv:2410.21611; with bins that only the reference
    chooses.
    """
    edges = energy_edges(comparison.reference, BINS)
    counts = comparison.both(lambda response: hits_per_bin(response, edges))
    return resampling.against_floor(*counts, weighted_spectrum_separation)


def weighted_spectrum_separation(first: Array, second: Array) -> Statistic:
    """Prepares the separation power of two spectra for rows of weights.

    S = 1/2 sum_b (h1_b - h2_b)^2 / (h1_b + h2_b), with h the hits of all showers in
    every bin, divided by their sum.

    Args:
        first: Hits of every shower in every bin, [n, bins].
        second: The same, [m, bins].

    Returns:
        The statistic.
    """

    def statistic(first_weights: Array, second_weights: Array) -> Array:
        h1, h2 = (
            _normalised(first_weights @ first),
            _normalised(second_weights @ second),
        )
        power: Array = 0.5 * ratio((h1 - h2) ** 2, h1 + h2).sum(axis=1)
        return power

    return statistic


def spectrum_tests(
    comparison: Comparison, resampling: Resampling, seed: int
) -> dict[str, ClassifierResult]:
    """Asks boosted trees that see the incident energy and hits in 16 bins of energy.

    Args:
        comparison: Generated and reference showers.
        resampling: Splits and bootstrap weights.
        seed: Seed of folds and classifiers.

    Returns:
        `classifier_auc_spectrum`, of the hits of all layers together; of a detector
        with several layers also `classifier_auc_spectrum_layers`, of the hits of each.

    Raises:
        ValueError: If the reference has no hit, or there are fewer than two pairs per
            fold, in a half too.
    """
    edges = energy_edges(comparison.reference, COUNTED_BINS)
    energy = comparison.energy

    def together(response: NDArray[np.float32]) -> Array:
        return np.column_stack([hits_per_bin(response, edges), energy])

    def apart(response: NDArray[np.float32]) -> Array:
        layers = comparison.spec.layer_images(response)
        counts = [hits_per_bin(layer, edges) for layer in layers]
        return np.column_stack([*counts, energy])

    features = {"classifier_auc_spectrum": together}
    if comparison.spec.layers > 1:
        features["classifier_auc_spectrum_layers"] = apart
    return {
        name: trees_test(*comparison.both(function), resampling, seed)
        for name, function in features.items()
    }


def _normalised(rows: Array) -> Array:
    return ratio(rows, np.broadcast_to(rows.sum(axis=1, keepdims=True), rows.shape))
