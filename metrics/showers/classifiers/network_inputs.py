"""The inputs of small networks: numbers of about unit size, without units."""

import numpy as np
from numpy.typing import NDArray

from metrics.statistics.arrays import Array
from metrics.statistics.distances import scale

Encoded = NDArray[np.float32]


def encoded_cells(response: NDArray[np.float32], reference: Encoded) -> Encoded:
    """Prepares cells: c = ln(1 + E / m), minus its mean in the cell, over its spread.

    m is the median of all cells above 0, the spread one number for all cells: a cell
    that is never lit stays 0, and a unit has no influence. All three are those of the
    reference.

    Args:
        response: Cell energies, at least 0 [spec.unit], [events, ...].
        reference: Cell energies of the reference, [events, ...].

    Returns:
        Standardised cells, float32 [events, ...].
    """
    lit = reference[reference > 0.0]
    median = np.float32(np.median(lit)) if len(lit) else np.float32(1.0)
    logarithm = np.log1p(reference / median)
    encoded: Encoded = np.log1p(response / median)
    encoded -= logarithm.mean(axis=0)
    encoded /= np.float32(scale(logarithm.astype(np.float64)))
    return encoded


def encoded_features(features: Array, reference: Array) -> Encoded:
    """Prepares numbers: arsinh of their distance to the mean in standard deviations.

    The arsinh keeps the order of outliers, but not their size. Mean and standard
    deviation are those of the reference.

    Args:
        features: Numbers, [events, features].
        reference: Those of the reference, [events, features].

    Returns:
        Standardised numbers, float32 [events, features].
    """
    width = reference.std(axis=0)
    safe = np.where(width > 0.0, width, 1.0)
    return np.arcsinh((features - reference.mean(axis=0)) / safe).astype(np.float32)
