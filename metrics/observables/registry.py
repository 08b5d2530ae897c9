"""The registry of observables: what is compared for which detector."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.detectors.spec import IMPACT, MOMENTUM, DetectorSpec
from metrics.observables import calorimeter, images, layer_shapes, layered

Array = NDArray[np.float64]
Function = Callable[[NDArray[Any], NDArray[Any]], Array]

HIT_THRESHOLDS = {"MIP": (0.0, 2.0, 10.0), "MeV": (0.0, 1.0, 10.0, 100.0)}
"""Thresholds of the hit counts by the unit of a response; in any other unit only 0.

The typical cell of a sampling calorimeter's scintillator holds 1 MeV."""

LAYER_ENERGY = "layer_energy_"
"""How the names of the layers' energies begin."""

_TALK = "Erdmann, Glombitza, Quast, Big Data Science in Astroparticle Research 2019"
_PAPER = "arXiv:1807.01954"
_LHCB = "arXiv:1812.01319"
_CALOGAN = "arXiv:1712.10321"
_DIRECTIONS = {"along": images.along, "across": images.across}


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

    Those that need layers, an incident energy, an impact point, a momentum or a known
    depth of the showers are left out where the detector has none.

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
            lambda response, _: calorimeter.visible_energy(response),
            _PAPER,
        )
    ]
    if spec.energy_conditions:
        found.append(_energy_response(spec))
    if spec.layers and spec.layer_depths_x0:
        found.append(_depth(spec))
    if spec.layer_numbers:
        found += _in_layer_numbers(spec)
    thresholds = HIT_THRESHOLDS.get(spec.unit, (0.0,))
    found += [_hits(threshold, spec.unit) for threshold in thresholds]
    if set(IMPACT) <= set(spec.condition_names):
        found += [_radius(spec), _centre(spec, 0), _centre(spec, 1)]
    if len(spec.shape) == 2 and set(MOMENTUM) <= set(spec.condition_names):
        found += _of_inclined_images(spec)
    found.append(
        Observable(
            "maximum_cell_fraction",
            "fraction of the hottest cell",
            "",
            lambda response, _: calorimeter.maximum_cell_fraction(response),
            "this project",
        )
    )
    return tuple(found)


def _of_inclined_images(spec: DetectorSpec) -> list[Observable]:
    """Returns what an image and the momentum of its particle define."""
    found = [_width(spec, name) for name in _DIRECTIONS]
    if spec.shower_depth_cm and set(IMPACT) <= set(spec.condition_names):
        found += [_asymmetry(spec, name) for name in _DIRECTIONS]
        found += [_centre_minus_track(spec, name) for name in _DIRECTIONS]
    found.append(
        Observable(
            "central_energy_fraction",
            "fraction of the 3 x 3 cells around the hottest",
            "",
            lambda response, _: images.central_energy_fraction(response),
            "arXiv:1502.02702",
        )
    )
    return found


def layer_observables(spec: DetectorSpec) -> tuple[Observable, ...]:
    """Returns the observables of each layer; none without layers.

    They are the energies, whose names begin with `LAYER_ENERGY`. Of layers with shapes
    of their own, that are no bins of a cylinder, they are also the fraction of the
    energy, the ratio of the hottest cells, both widths and the sparsity.

    Args:
        spec: The detector.
    """
    shapes = spec.layer_shapes
    found = _every_layer(
        spec,
        (LAYER_ENERGY, "energy in layer ", spec.unit, _PAPER),
        lambda response, _: layered.layer_energies(response, shapes),
    )
    if not shapes or spec.ring_edges_cm:
        return found
    places = np.moveaxis(spec.positions_cm, -1, 0)
    tables: dict[tuple[str, str, str], Function] = {
        ("fraction", "fraction of the energy in", ""): (
            lambda response, _: layered.longitudinal_profile(response, shapes)
        ),
        ("hottest_ratio", "ratio of the two hottest cells of", ""): (
            lambda response, _: layer_shapes.hottest_cells_ratio(response, shapes)
        ),
        ("width_x", "width in x of", "cm"): (
            lambda response, _: layer_shapes.layer_widths(response, places[0], shapes)
        ),
        ("width_y", "width in y of", "cm"): (
            lambda response, _: layer_shapes.layer_widths(response, places[1], shapes)
        ),
        ("sparsity", "fraction of empty cells of", ""): (
            lambda response, _: layer_shapes.layer_sparsities(
                response, spec.cells, shapes
            )
        ),
    }
    for (name, label, unit), table in tables.items():
        texts = f"layer_{name}_", f"{label} layer ", unit, _CALOGAN
        found += _every_layer(spec, texts, table)
    return found


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
    tables: dict[Function, Array] = {}
    found: dict[str, Array] = {}
    for one in observables:
        if isinstance(one.function, _Column):
            table, column = one.function.table, one.function.column
            if table not in tables:
                tables[table] = table(response, condition)
            found[one.name] = tables[table][:, column]
        else:
            found[one.name] = one.function(response, condition)
    return found


@dataclasses.dataclass(frozen=True)
class _Column:
    """A column of a table of all layers, which `evaluate` computes once."""

    table: Function
    column: int

    def __call__(self, response: NDArray[Any], condition: NDArray[Any]) -> Array:
        return self.table(response, condition)[:, self.column]


def _every_layer(
    spec: DetectorSpec, texts: tuple[str, str, str, str], table: Function
) -> tuple[Observable, ...]:
    """Makes an observable of each layer; name and label end in the layer's number."""
    name, label, unit, source = texts
    return tuple(
        Observable(
            f"{name}{number}", f"{label}{number}", unit, _Column(table, column), source
        )
        for column, number in enumerate(spec.numbered_layers)
    )


def _in_layer_numbers(spec: DetectorSpec) -> list[Observable]:
    """Returns depths that count layers, as their experiment does."""
    numbers, shapes = tuple(map(float, spec.layer_numbers)), spec.layer_shapes

    def weighted(response: NDArray[Any], _: NDArray[Any]) -> Array:
        return layered.layer_energies(response, shapes) @ np.array(numbers)

    functions: dict[tuple[str, str, str], Function] = {
        ("mean_layer", "mean layer", ""): (
            lambda response, _: layered.depth(response, numbers, shapes)
        ),
        ("layer_spread", "spread of the layers", ""): (
            lambda response, _: layer_shapes.depth_spread(response, numbers, shapes)
        ),
        ("deepest_layer", "deepest layer with energy", ""): (
            lambda response, _: layer_shapes.deepest_layer(response, numbers, shapes)
        ),
        ("depth_weighted_energy", "energy times layer", spec.unit): weighted,
    }
    return [
        Observable(*texts, function, _CALOGAN) for texts, function in functions.items()
    ]


def _energy_response(spec: DetectorSpec) -> Observable:
    def function(response: NDArray[Any], condition: NDArray[Any]) -> Array:
        return calorimeter.energy_response(response, spec.incident_energy(condition))

    label = "visible / incident energy"
    return Observable("energy_response", label, f"{spec.unit}/GeV", function, _PAPER)


def _depth(spec: DetectorSpec) -> Observable:
    def function(response: NDArray[Any], _: NDArray[Any]) -> Array:
        return layered.depth(response, spec.layer_depths_x0, spec.layer_shapes)

    return Observable("depth", "shower depth", "X0", function, _PAPER)


def _hits(threshold: float, unit: str) -> Observable:
    def function(response: NDArray[Any], _: NDArray[Any]) -> Array:
        return calorimeter.number_of_hits(response, threshold)

    suffix = f"_{threshold:g}{unit.lower()}" if threshold else ""
    label = f"number of hits above {threshold:g} {unit}"
    source = _LHCB if unit == "MeV" else _TALK if threshold else _PAPER
    return Observable(f"number_of_hits{suffix}", label, "", function, source)


def _radius(spec: DetectorSpec) -> Observable:
    def function(response: NDArray[Any], condition: NDArray[Any]) -> Array:
        return calorimeter.radius(response, spec.impact(condition), spec.positions_cm)

    return Observable("radius", "energy-weighted radius", "cm", function, _TALK)


def _centre(spec: DetectorSpec, axis: int) -> Observable:
    def function(response: NDArray[Any], condition: NDArray[Any]) -> Array:
        point = spec.impact(condition)
        return calorimeter.centre_minus_impact(response, point, spec.positions_cm)[
            :, axis
        ]

    name = "xy"[axis]
    label = f"centre of gravity minus impact, {name}"
    return Observable(f"centre_{name}", label, "cm", function, _TALK, signed=True)


def _width(spec: DetectorSpec, name: str) -> Observable:
    def function(response: NDArray[Any], condition: NDArray[Any]) -> Array:
        direction = _DIRECTIONS[name](spec.momentum(condition))
        return images.width(response, direction, spec.positions_cm)

    label = f"width {name} the inclination"
    return Observable(f"width_{name}", label, "cm", function, _LHCB)


def _asymmetry(spec: DetectorSpec, name: str) -> Observable:
    label = f"asymmetry {name} the inclination"
    function = _about_track(spec, name, images.asymmetry)
    return Observable(f"asymmetry_{name}", label, "", function, _LHCB, signed=True)


def _centre_minus_track(spec: DetectorSpec, name: str) -> Observable:
    label = f"centre of gravity minus track, {name} the inclination"
    function = _about_track(spec, name, images.centre_minus_point)
    return Observable(f"centre_{name}", label, "cm", function, _LHCB, signed=True)


def _about_track(
    spec: DetectorSpec, name: str, measure: Callable[..., Array]
) -> Function:
    def function(response: NDArray[Any], condition: NDArray[Any]) -> Array:
        direction = _DIRECTIONS[name](spec.momentum(condition))
        point = track_point(spec, condition)
        return measure(response, direction, point, spec.positions_cm)

    return function


def track_point(spec: DetectorSpec, condition: NDArray[Any]) -> Array:
    """Returns x and y of the track at the shower's depth [cm], float64 [batch, 2].

    Raises:
        ValueError: If the depth is not known.
    """
    if spec.shower_depth_cm is None:
        raise ValueError(
            f"detector {spec.name!r} has no shower_depth_cm; "
            "metrics.observables.images.fit_shower_depth finds it"
        )
    depth = images.shower_depth(spec.incident_energy(condition), spec.shower_depth_cm)
    return images.track_projection(
        spec.impact(condition), spec.momentum(condition), depth
    )


def track_displacement(spec: DetectorSpec, condition: NDArray[Any]) -> Array:
    """Returns how far the track moves from the impact point to the shower's depth.

    Args:
        spec: The detector.
        condition: Conditions [spec.condition_units], [batch, conditions].

    Returns:
        x and y [cm], float64 [batch, 2]; 0 where the depth of showers is not known, as
        for particles that always fall in vertically.
    """
    if spec.shower_depth_cm is None:
        return np.zeros((len(condition), 2))
    return track_point(spec, condition) - spec.impact(condition)
