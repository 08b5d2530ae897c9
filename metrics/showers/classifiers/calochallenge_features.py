"""The features of a shower that the classifiers of the CaloChallenge see.

The features are those of its code, CaloChallenge/homepage, without standardisation, as
there. Three things have to be translated:

- Its showers are in MeV and add up to about the incident energy. Those of other
  detectors are first multiplied by the ratio of the mean incident energy and the mean
  visible energy of the reference, one number for both samples.
- Its cells are bins of cylinders around the particle, its distances are from that axis,
  and eta and phi are the two directions across. Those of other detectors are x and y
  from the impact point. As there, layers without bins of the angle have neither.
- A detector without layers has one.

Source: C. Krause et al., arXiv:2410.21611, appendix; the code as of August 2025.
"""

from collections.abc import Sequence

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
    calibration = 1.0 if comparison.spec.ring_edges_cm else _calibration(comparison)

    def features(response: NDArray[np.float32]) -> Features:
        cells = response[:, comparison.accepted] * calibration
        both = np.concatenate([np.log10(incident), cells / incident], axis=1)
        return both.astype(np.float32)

    generated, reference = comparison.both(features)
    return generated, reference


def high_level(comparison: Comparison) -> tuple[Features, Features]:
    """Returns sums, centres, widths and sparsities of the layers.

    They are log10 of the incident energy [MeV], then the features of `shower_shapes` in
    their order, log10 of the energies [MeV] + 1e-8 in place of the energies. Lengths
    are in units of 100 mm.

    Args:
        comparison: Generated and reference showers.

    Returns:
        Features of the generated and of the reference showers, [events, 2 + 8 layers],
        fewer where layers have no bins of the angle.
    """
    incident = np.log10(comparison.energy[:, None] * _MEV_PER_GEV)

    def features(shapes: dict[str, Array]) -> Features:
        columns = [incident]
        for name, values in shapes.items():
            energy = name.endswith("energy")
            columns.append(
                np.log10(values + _NO_ENERGY)
                if energy
                else values / (1.0 if name == "sparsity" else _LENGTH_MM)
            )
        return np.concatenate(columns, axis=1).astype(np.float32)

    generated, reference = map(features, shower_shapes(comparison))
    return generated, reference


def shower_shapes(comparison: Comparison) -> tuple[dict[str, Array], dict[str, Array]]:
    """Returns what the CaloChallenge calls the high-level features, by name.

    Of every layer they are the energy [MeV]; centre and width in x and in y [mm], of
    layers with bins of the angle only; the fraction of cells without energy; centre and
    width in r [mm]. The energy of all layers is one number.

    Args:
        comparison: Generated and reference showers.

    Returns:
        `layer_energy`, `centre_x`, `centre_y`, `width_x`, `width_y`, `total_energy`,
        `sparsity`, `centre_r` and `width_r` of the generated and of the reference
        showers, each float64 [events, layers]; the total energy [events, 1].
    """
    spec = comparison.spec
    accepted = spec.layer_images(comparison.accepted)
    planes = [spec.layer_images(spec.positions_cm[..., axis]) for axis in (0, 1)]
    impact_cm = np.zeros((len(comparison), 2))
    if comparison.has_impact:
        impact_cm = spec.impact(comparison.condition)
    calibration = 1.0 if spec.ring_edges_cm else _calibration(comparison)

    def shapes(response: NDArray[np.float32]) -> dict[str, Array]:
        columns: dict[str, list[Array]] = {name: [] for name in _OF_LAYERS}
        for layer, image in enumerate(spec.layer_images(response)):
            used = accepted[layer]
            energy = image[:, used] * calibration
            columns["layer_energy"].append(energy.sum(axis=1))
            columns["sparsity"].append(1.0 - (energy > 0.0).mean(axis=1))
            x, y = (
                (planes[axis][layer][used] - impact_cm[:, axis : axis + 1]) * _MM_PER_CM
                for axis in (0, 1)
            )
            r = np.hypot(x, y)
            if spec.ring_edges_cm:
                r = _radii_mm(spec.ring_edges_cm[layer], used)
            along = {"x": x, "y": y, "r": r}
            if spec.ring_edges_cm and len(used) == 1:
                along = {"r": r}
            for name, where in along.items():
                centre, width = _centre_and_width(where, energy)
                columns[f"centre_{name}"].append(centre)
                columns[f"width_{name}"].append(width)
        found = {
            name: np.stack(values, axis=1) for name, values in columns.items() if values
        }
        total = found["layer_energy"].sum(axis=1, keepdims=True)
        return {
            name: total if name == "total_energy" else found[name]
            for name in _ORDER
            if name == "total_energy" or name in found
        }

    generated, reference = comparison.both(shapes)
    return generated, reference


_ORDER = (
    "layer_energy", "centre_x", "centre_y", "width_x", "width_y", "total_energy",
    "sparsity", "centre_r", "width_r",
)  # fmt: skip
_OF_LAYERS = tuple(name for name in _ORDER if name != "total_energy")


def _radii_mm(edges_cm: Sequence[float], used: NDArray[np.bool_]) -> Array:
    """Returns the middle of the ring of every used cell [mm], [1, cells]."""
    edges = np.asarray(edges_cm, np.float64) * _MM_PER_CM
    middle = 0.5 * (edges[1:] + edges[:-1])
    radii: Array = np.broadcast_to(middle, used.shape)[used][None]
    return radii


def _calibration(comparison: Comparison) -> float:
    """Returns MeV of incident energy per unit of visible energy of the reference."""
    visible = comparison.reference.sum(dtype=np.float64)
    incident = comparison.energy.sum() * _MEV_PER_GEV
    if not visible > 0.0:
        raise ValueError("the reference showers are empty: nothing can be learnt")
    return float(incident / visible)


def _centre_and_width(where: Array, energy: Array) -> tuple[Array, Array]:
    """Returns mean and standard deviation of places, weighted by energies."""
    total = energy.sum(axis=1) + _NO_SUM
    centre = (where * energy).sum(axis=1) / total
    square = (where**2 * energy).sum(axis=1) / total
    # Rounding makes the difference negative where one cell has all.
    return centre, np.sqrt(np.maximum(square - centre**2, 0.0))
