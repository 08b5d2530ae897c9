"""The registry of observables: what is compared for which detector."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.spec import DetectorSpec
from metrics import layered, showers

Array = NDArray[np.float64]
Function = Callable[[NDArray[Any], NDArray[Any]], Array]

HIT_THRESHOLDS_MIP = (0.0, 2.0, 10.0)
"""Thresholds of the hit counts [MIP]; other detectors count cells above 0."""

_TALK = "Erdmann, Glombitza, Quast, Big Data Science in Astroparticle Research 2019"
_PAPER = "arXiv:1807.01954"


@dataclasses.dataclass(frozen=True)
class Observable:
    """A number computed from one response.

    Attributes:
        name: Key in metrics.json and in the logs of a training.
        label: What an axis says, without the unit.
        unit: Its unit, empty for a pure number.
        function: Maps responses [batch, ...] and conditions [batch, conditions] to
            values, float64 [batch].
        source: Where it is defined.
        signed: Whether both signs occur, so that a ratio of means has no meaning.
    """

    name: str
    label: str
    unit: str
    function: Function
    source: str
    signed: bool = False

    @property
    def axis(self) -> str:
        """The label with its unit in brackets."""
        return f"{self.label} [{self.unit}]" if self.unit else self.label


def scalar_observables(spec: DetectorSpec) -> tuple[Observable, ...]:
    """Returns the observables that describe one response of a detector.

    Those that need layers, an incident energy or an impact point are left out where
    the detector has none.

    Args:
        spec: The detector.

    Returns:
        The observables, in the order in which reports show them.

    Raises:
        ValueError: If the responses are not energies of cells.
    """
    if spec.lower_bound is None:
        raise ValueError(
            f"no observables are known for detector {spec.name!r}: its "
            f"{spec.response_name} can be negative"
        )
    found = [
        Observable(
            "visible_energy",
            "visible energy",
            spec.unit,
            lambda response, _: showers.visible_energy(response),
            _PAPER,
        )
    ]
    if spec.energy_conditions:
        found.append(_energy_response(spec))
    if layers(spec) and spec.layer_depths_x0:
        found.append(_depth(spec))
    thresholds = HIT_THRESHOLDS_MIP if spec.unit == "MIP" else (0.0,)
    found += [_hits(threshold, spec.unit) for threshold in thresholds]
    if {"impact_x_cm", "impact_y_cm"} <= set(spec.condition_names):
        found += [_radius(spec), _centre(spec, 0), _centre(spec, 1)]
    found.append(
        Observable(
            "maximum_cell_fraction",
            "share of the hottest cell",
            "",
            lambda response, _: showers.maximum_cell_fraction(response),
            "this project",
        )
    )
    return tuple(found)


def layer_observables(spec: DetectorSpec) -> tuple[Observable, ...]:
    """Returns the energy of each layer as an observable; none without layers.

    Args:
        spec: The detector.
    """
    return tuple(_layer_energy(spec, n) for n in range(layers(spec)))


def layers(spec: DetectorSpec) -> int:
    """Returns the number of layers, the third axis of a response; 0 without."""
    return spec.shape[2] if len(spec.shape) == 3 else 0


def evaluate(
    observables: tuple[Observable, ...],
    response: NDArray[Any],
    condition: NDArray[Any],
) -> dict[str, Array]:
    """Computes several observables.

    Args:
        observables: What to compute.
        response: Responses with the acceptance applied [spec.unit], [batch, ...].
        condition: Conditions [spec.condition_units], [batch, conditions].

    Returns:
        For every name the values, float64 [batch].
    """
    return {one.name: one.function(response, condition) for one in observables}


def _energy_response(spec: DetectorSpec) -> Observable:
    def function(response: NDArray[Any], condition: NDArray[Any]) -> Array:
        return showers.energy_response(response, incident_energy(spec, condition))

    label = "visible / incident energy"
    return Observable("energy_response", label, f"{spec.unit}/GeV", function, _PAPER)


def _depth(spec: DetectorSpec) -> Observable:
    def function(response: NDArray[Any], _: NDArray[Any]) -> Array:
        return layered.depth(response, spec.layer_depths_x0)

    return Observable("depth", "shower depth", "X0", function, _PAPER)


def _hits(threshold: float, unit: str) -> Observable:
    def function(response: NDArray[Any], _: NDArray[Any]) -> Array:
        return showers.number_of_hits(response, threshold)

    suffix = f"_{threshold:g}{unit.lower()}" if threshold else ""
    label = f"number of hits above {threshold:g} {unit}"
    source = _TALK if threshold else _PAPER
    return Observable(f"number_of_hits{suffix}", label, "", function, source)


def _radius(spec: DetectorSpec) -> Observable:
    def function(response: NDArray[Any], condition: NDArray[Any]) -> Array:
        return showers.radius(response, impact(spec, condition), spec.positions_cm)

    return Observable("radius", "energy-weighted radius", "cm", function, _TALK)


def _centre(spec: DetectorSpec, axis: int) -> Observable:
    def function(response: NDArray[Any], condition: NDArray[Any]) -> Array:
        point = impact(spec, condition)
        return showers.centre_minus_impact(response, point, spec.positions_cm)[:, axis]

    name = "xy"[axis]
    label = f"centre of gravity minus impact, {name}"
    return Observable(f"centre_{name}", label, "cm", function, _TALK, signed=True)


def _layer_energy(spec: DetectorSpec, layer: int) -> Observable:
    def function(response: NDArray[Any], _: NDArray[Any]) -> Array:
        return layered.layer_energies(response)[:, layer]

    name, label = f"layer_energy_{layer + 1}", f"energy in layer {layer + 1}"
    return Observable(name, label, spec.unit, function, _PAPER)


def incident_energy(spec: DetectorSpec, condition: NDArray[Any]) -> Array:
    """Returns the incident energy, or the momentum where the conditions hold that.

    Args:
        spec: The detector.
        condition: Conditions [spec.condition_units], [batch, conditions].

    Returns:
        Energies [GeV], float64 [batch]; all 0 for a detector without.
    """
    columns = list(spec.energy_conditions)
    energy: Array = np.sqrt((condition[:, columns].astype(np.float64) ** 2).sum(axis=1))
    return energy


def impact(spec: DetectorSpec, condition: NDArray[Any]) -> Array:
    """Picks the impact point out of the conditions.

    Args:
        spec: The detector.
        condition: Conditions [spec.condition_units], [batch, conditions].

    Returns:
        x and y [cm], float64 [batch, 2].

    Raises:
        ValueError: If the detector has no "impact_x_cm" and "impact_y_cm".
    """
    columns = [_column(spec, condition, f"impact_{axis}_cm") for axis in "xy"]
    return np.stack(columns, axis=1)


def _column(spec: DetectorSpec, condition: NDArray[Any], name: str) -> Array:
    if name not in spec.condition_names:
        raise ValueError(
            f"detector {spec.name!r} has no condition {name!r}; it has "
            f"{', '.join(spec.condition_names)}"
        )
    return condition[:, spec.condition_names.index(name)].astype(np.float64)
