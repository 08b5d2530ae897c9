"""The features of a shower that the classifiers of the CaloChallenge see.

The features are those of its code, CaloChallenge/homepage, without standardisation, as
there. Three things have to be translated:

- Its showers are in MeV and add up to about the incident energy. Ours are first
  multiplied by the ratio of the mean incident energy and the mean visible energy of the
  reference, one number for both samples.
- Its cells are bins of cylinders around the particle, its distances are from that axis,
  and eta and phi are the two directions across. Ours are x and y from the impact point.
- A detector without layers has one.

Source: C. Krause et al., arXiv:2410.21611, appendix; the code as of August 2025.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrics.showers.shower_pairs import Comparison
from metrics.statistics.arrays import Array

_MEV_PER_GEV = 1e3
_MM_PER_CM = 10.0
_LENGTH_MM = 100.0
_NO_ENERGY = 1e-8
_NO_SUM = 1e-16

Features = NDArray[np.float32]


def low_level(comparison: Comparison) -> tuple[Features, Features]:
    """Returns log10 of the incident energy and all cells over the incident energy.

    Args:
        comparison: Generated and reference showers.

    Returns:
        Features of the generated and of the reference showers, [events, 1 + cells].
    """
    incident = comparison.energy[:, None] * _MEV_PER_GEV

    def features(response: NDArray[np.float32]) -> Features:
        cells = response[:, comparison.accepted] * _calibration(comparison)
        both = np.concatenate([np.log10(incident), cells / incident], axis=1)
        return both.astype(np.float32)

    generated, reference = comparison.both(features)
    return generated, reference


def high_level(comparison: Comparison) -> tuple[Features, Features]:
    """Returns sums, centres, widths and sparsities of the layers.

    They are log10 of the incident energy [MeV]; then, each for all layers, log10 of the
    energy [MeV] + 1e-8, centre in x, in y, width in x, in y; log10 of the total energy;
    and, each for all layers, the fraction of cells without energy, centre and width in
    r. Lengths are in units of 100 mm.

    Args:
        comparison: Generated and reference showers.

    Returns:
        Features of the generated and of the reference showers, [events, 2 + 8 layers].
    """
    incident = comparison.energy[:, None] * _MEV_PER_GEV
    accepted = _by_layer(comparison.accepted[None])[0]
    centres = _by_layer(np.moveaxis(comparison.spec.positions_cm[..., :2], -1, 0))
    impact_cm = np.zeros((len(comparison), 2))
    if comparison.has_impact:
        impact_cm = comparison.spec.impact(comparison.condition)

    def features(response: NDArray[np.float32]) -> Features:
        energies, empty = [], []
        lengths: list[list[Array]] = [[] for _ in range(6)]
        cells = _by_layer(response)
        for layer, used in enumerate(accepted):
            energy = cells[:, layer, used] * _calibration(comparison)
            energies.append(energy.sum(axis=1))
            empty.append(1.0 - (energy > 0.0).mean(axis=1))
            x, y = (
                (centres[axis, layer, used] - impact_cm[:, axis : axis + 1])
                * (_MM_PER_CM / _LENGTH_MM)
                for axis in (0, 1)
            )
            (x, x_width), (y, y_width), (r, r_width) = (
                _centre_and_width(one, energy) for one in (x, y, np.hypot(x, y))
            )
            for found, value in zip(
                lengths, (x, y, x_width, y_width, r, r_width), strict=True
            ):
                found.append(value)
        layers = np.log10(np.stack(energies, axis=1) + _NO_ENERGY)
        total = np.log10(np.sum(energies, axis=0)[:, None] + _NO_ENERGY)
        across, radial = (np.concatenate(part).T for part in (lengths[:4], lengths[4:]))
        columns = [np.log10(incident), layers, across, total, np.stack(empty, 1)]
        return np.concatenate([*columns, radial], axis=1).astype(np.float32)

    generated, reference = comparison.both(features)
    return generated, reference


def _calibration(comparison: Comparison) -> float:
    """Returns MeV of incident energy per unit of visible energy of the reference."""
    visible = comparison.reference.sum(dtype=np.float64)
    incident = comparison.energy.sum() * _MEV_PER_GEV
    if not visible > 0.0:
        raise ValueError("the reference showers are empty: nothing can be learnt")
    return float(incident / visible)


def _by_layer(values: NDArray[Any]) -> NDArray[Any]:
    """Reshapes [n, row, column(, layer)] to [n, layer, row * column]."""
    if values.ndim == 3:
        values = values[..., None]
    return np.moveaxis(values, -1, 1).reshape(len(values), values.shape[-1], -1)


def _centre_and_width(where: Array, energy: Array) -> tuple[Array, Array]:
    """Returns mean and standard deviation of places, weighted by energies."""
    total = energy.sum(axis=1) + _NO_SUM
    centre = (where * energy).sum(axis=1) / total
    square = (where**2 * energy).sum(axis=1) / total
    # Rounding makes the difference negative where one cell has all.
    return centre, np.sqrt(np.maximum(square - centre**2, 0.0))
