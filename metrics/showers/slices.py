"""Slices of a sample in any quantity that follows from the conditions."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from data.detectors.spec import DetectorSpec
from metrics.showers.shower_pairs import Comparison
from metrics.statistics.arrays import Array
from metrics.statistics.energy_bins import merged

INCIDENT_ENERGY = "incident_energy"
"""Name of the slices in incident energy, whatever the conditions are called."""

_MOST_ENERGY_BINS = 10
_BINS = 6
_FEWEST_EVENTS = 20


@dataclasses.dataclass(frozen=True, eq=False)
class Slices:
    """Events grouped by a quantity that follows from their conditions.

    Attributes:
        name: Name of the quantity.
        label: What an axis says, without the unit.
        unit: Its unit.
        centres: Its mean in each slice, ascending, [slices].
        number: The slice of every event, [events].
    """

    name: str
    label: str
    unit: str
    centres: Array
    number: NDArray[np.intp]


def slice_names(comparison: Comparison) -> tuple[str, ...]:
    """Returns the names of all quantities by which a comparison can be sliced.

    Args:
        comparison: The showers.

    Returns:
        `incident_energy` where there is one, every quantity of the domain, and every
        condition that is neither among those nor a part of the incident energy.
    """
    spec = comparison.spec
    names = [limits.name for limits in spec.domain]
    names += [
        name
        for column, name in enumerate(spec.condition_names)
        if name not in names and column not in spec.energy_conditions
    ]
    energy = [INCIDENT_ENERGY] if spec.energy_conditions else []
    return tuple(energy + [one for one in names if not _is_energy(comparison, one)])


def slices(comparison: Comparison, name: str) -> Slices:
    """Groups all events by a quantity that follows from their conditions.

    Args:
        comparison: The showers.
        name: `incident_energy`, the name of a condition or of a quantity of the domain.

    Returns:
        For the incident energy its bins, neighbours merged to at most 10 slices; else
        6 slices of equal population, or one per value where there are at most 6. Fewer
        slices where they would hold less than 20 events on average.

    Raises:
        ValueError: If there is no such quantity.
    """
    most = max(1, len(comparison) // _FEWEST_EVENTS)
    if name == INCIDENT_ENERGY or _is_energy(comparison, name):
        label, values, unit = "incident energy", comparison.energy, "GeV"
        number = _merged_energy_bins(comparison, min(most, _MOST_ENERGY_BINS))
    else:
        values, unit = quantity(comparison.spec, comparison.condition, name)
        label = name.removesuffix(f"_{unit.lower()}").replace("_", " ")
        number = _bins(values, min(most, _BINS))
    centres = np.bincount(number, values) / np.bincount(number)
    return Slices(name, label, unit, centres, number)


def quantity(
    spec: DetectorSpec, condition: NDArray[np.float32], name: str
) -> tuple[Array, str]:
    """Computes a condition or a quantity of the domain.

    Args:
        spec: The detector.
        condition: Conditions [spec.condition_units], [events, conditions].
        name: Name of the quantity.

    Returns:
        Its value for every event, float64 [events], and its unit.

    Raises:
        ValueError: If there is no such quantity.
    """
    for limits in spec.domain:
        if limits.name == name:
            values = np.asarray(limits.quantity(condition))
            return values.astype(np.float64), limits.unit
    if name not in spec.condition_names:
        known = dict.fromkeys([*(d.name for d in spec.domain), *spec.condition_names])
        raise ValueError(
            f"detector {spec.name!r} cannot be sliced by {name!r}; choose one of "
            f"{', '.join([INCIDENT_ENERGY, *known])}"
        )
    column = spec.condition_names.index(name)
    return condition[:, column].astype(np.float64), spec.condition_units[column]


def _is_energy(comparison: Comparison, name: str) -> bool:
    """Tells whether a quantity is the incident energy under another name."""
    spec = comparison.spec
    if not spec.energy_conditions:
        return False
    values, _ = quantity(spec, comparison.condition, name)
    return np.allclose(values, comparison.energy, rtol=1e-5)


def _merged_energy_bins(comparison: Comparison, count: int) -> NDArray[np.intp]:
    number = np.empty(len(comparison), np.intp)
    for place, energy_bin in enumerate(merged(comparison.energy_bins, count)):
        number[energy_bin.events] = place
    return number


def _bins(values: Array, count: int) -> NDArray[np.intp]:
    """Numbers bins of equal population; equal values share one, and none is empty."""
    distinct = np.unique(values)
    edges = distinct[1:]
    if len(distinct) > count:
        edges = np.quantile(values, np.linspace(0.0, 1.0, count + 1)[1:-1])
    place = np.searchsorted(edges, values, side="right")
    number: NDArray[np.intp] = np.unique(place, return_inverse=True)[1]
    return number
