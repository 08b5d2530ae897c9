"""Tests of whether showers follow their conditions: bias and width in slices.

Two answers stand beside each other. Moments: the response (visible / incident energy)
and the centre of gravity minus the impact point. A regressor: a small network that has
learnt from showers of the reference alone which incident energy and impact point they
have; the one that judges a pair of equal condition has never seen this condition.
"""

import dataclasses
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from metrics.observables import calorimeter
from metrics.observables.registry import track_displacement
from metrics.showers.classifiers.network_inputs import (
    Encoded,
    encoded_cells,
    encoded_features,
)
from metrics.showers.classifiers.small_networks import Regressor
from metrics.showers.shower_pairs import Comparison
from metrics.showers.slices import (
    INCIDENT_ENERGY,
    Slices,
    quantity,
    slice_names,
    slices,
)
from metrics.statistics.arrays import Array, ratio
from metrics.statistics.distances import Statistic, scale
from metrics.statistics.resampling import Metric, Resampling

_IMPACT = ("impact_x_cm", "impact_y_cm")
_SMALLEST_WIDTH = 1e-3
_FARTHEST = 5.0

_Moments = tuple[Array, Array, Array]


@dataclasses.dataclass(frozen=True, eq=False)
class SliceSeries:
    """Mean and width of a number in slices; all arrays are [slices].

    Attributes:
        name: Quantity and method, e.g. "impact_x_regressor".
        label: What an axis says, without the unit.
        unit: Unit of means and widths.
        slices: The slices; `slices.centres` is where the points are.
        reference_mean: Mean of the reference.
        reference_mean_error: Its bootstrap uncertainty.
        reference_width: Standard deviation of the reference.
        reference_width_error: Its bootstrap uncertainty.
        generated_mean: Mean of the generated showers.
        generated_mean_error: Its bootstrap uncertainty.
        generated_width: Standard deviation of the generated showers.
        generated_width_error: Its bootstrap uncertainty.
    """

    name: str
    label: str
    unit: str
    slices: Slices
    reference_mean: Array
    reference_mean_error: Array
    reference_width: Array
    reference_width_error: Array
    generated_mean: Array
    generated_mean_error: Array
    generated_width: Array
    generated_width_error: Array


@dataclasses.dataclass(frozen=True)
class Conditioning:
    """How well generated showers follow their conditions.

    Attributes:
        metrics: For every quantity, statistic and method
            `conditioning_<energy|impact_x|impact_y>_<mean|width>_<moments|regressor>`,
            in slices of the quantity itself. `mean`: root mean square over slices of
            the difference of the means, in standard deviations of the reference in
            that slice; `width`: root mean square of ln(ratio of the widths).
        series: Means and widths of every number in every kind of slices.
    """

    metrics: dict[str, Metric]
    series: tuple[SliceSeries, ...]


@dataclasses.dataclass(frozen=True, eq=False)
class _Number:
    """A number of every generated and reference shower that belongs to a condition."""

    quantity: str
    method: str
    label: str
    unit: str
    generated: Array
    reference: Array


def measure_conditioning(
    comparison: Comparison, resampling: Resampling, seed: int
) -> Conditioning:
    """Measures response, position bias and their widths in slices of all conditions.

    Args:
        comparison: Generated and reference showers.
        resampling: Splits and bootstrap weights.
        seed: Seed of folds and regressor.

    Returns:
        Metrics and series; both empty for a detector without incident energy and
        impact point.

    Raises:
        ValueError: If there are fewer than two pairs per fold of the regressor.
    """
    numbers = [*_moments(comparison), *_regressed(comparison, seed)]
    kinds = {name: slices(comparison, name) for name in slice_names(comparison)}
    metrics: dict[str, Metric] = {}
    for one in numbers:
        energy = one.quantity == "energy"
        kind = kinds[INCIDENT_ENERGY if energy else f"{one.quantity}_cm"]
        for statistic, compare in (("mean", _mean_shift), ("width", _width_shift)):
            name = f"conditioning_{one.quantity}_{statistic}_{one.method}"
            metrics[name] = _metric(one, kind, compare, resampling)
    series = [
        _series(one, kind, resampling) for one in numbers for kind in kinds.values()
    ]
    return Conditioning(metrics, tuple(series))


def _moments(comparison: Comparison) -> list[_Number]:
    """Returns energy response and centre of gravity minus impact, where there are.

    For an inclined track the impact point is moved along it to the shower's depth.
    """
    spec, found = comparison.spec, []
    if spec.energy_conditions:
        pair = comparison.both(
            lambda response: calorimeter.energy_response(response, comparison.energy)
        )
        label, unit = "visible / incident energy", f"{spec.unit}/GeV"
        found.append(_Number("energy", "moments", label, unit, *pair))
    if comparison.has_impact:
        point = spec.impact(comparison.condition)
        point = point + track_displacement(spec, comparison.condition)
        offsets = comparison.both(
            lambda response: calorimeter.centre_minus_impact(
                response, point, spec.positions_cm
            )
        )
        for axis, name in enumerate("xy"):
            label = f"centre of gravity minus impact, {name}"
            first, second = (one[:, axis] for one in offsets)
            found.append(
                _Number(f"impact_{name}", "moments", label, "cm", first, second)
            )
    return found


def _regressed(comparison: Comparison, seed: int) -> list[_Number]:
    """Returns regressed / true energy and regressed minus true impact."""
    names, columns = [], []
    if comparison.spec.energy_conditions:
        names.append("energy")
        columns.append(np.log(comparison.energy))
    if comparison.has_impact:
        names += ["impact_x", "impact_y"]
        columns += [*comparison.spec.impact(comparison.condition).T]
    if not names:
        return []
    targets = np.column_stack(columns)
    inputs, numbers = _regressor_inputs(comparison)
    network = Regressor(inputs, numbers, len(columns), seed)
    pairs, everyone = len(comparison), np.arange(2 * len(comparison))
    answers = network.out_of_fold(everyone[pairs:], targets, everyone, pairs, seed)
    # Far from all that it has learnt it means nothing, but its square would count.
    reach = _FARTHEST * targets.std(axis=0)
    middle = targets.mean(axis=0)
    answers = np.clip(answers, middle - reach, middle + reach)
    generated, reference = answers[:pairs] - targets, answers[pairs:] - targets
    found = []
    for column, name in enumerate(names):
        label = f"regressed minus true impact, {name[-1]}"
        pair, unit = (generated[:, column], reference[:, column]), "cm"
        if name == "energy":
            label, unit = "regressed / incident energy", ""
            pair = np.exp(pair[0]), np.exp(pair[1])
        found.append(_Number(name, "regressor", label, unit, *pair))
    return found


def _regressor_inputs(comparison: Comparison) -> tuple[list[Encoded], Array]:
    """Returns inputs and numbers of all generated, then of all reference showers.

    The numbers are the moments, so that it need not learn to add, and all that is known
    of the conditions without those asked for: a test beam knows its direction.
    """
    known = _known(comparison)
    smallest = 1e-6 * scale(calorimeter.visible_energy(comparison.reference))

    def features(response: NDArray[np.float32]) -> Array:
        visible = np.maximum(calorimeter.visible_energy(response), smallest)
        centre = calorimeter.centre_of_gravity(response, comparison.spec.positions_cm)
        return np.column_stack([np.log(visible), centre, *known])

    cells = comparison.both(lambda one: encoded_cells(one, comparison.reference))
    generated, reference = comparison.both(features)
    moments = [encoded_features(one, reference) for one in (generated, reference)]
    inputs = [np.concatenate(cells), np.concatenate(moments)]
    return inputs, np.concatenate([generated, reference])


def _known(comparison: Comparison) -> list[Array]:
    """Returns the quantities that neither incident energy nor impact point changes."""
    spec, condition = comparison.spec, comparison.condition
    moved = condition.copy()
    moved[:, list(spec.energy_conditions)] *= 1.1
    for column, name in enumerate(spec.condition_names):
        if name in _IMPACT:
            moved[:, column] += 0.1
    found = []
    for name in slice_names(comparison):
        if name != INCIDENT_ENERGY:
            values, _ = quantity(spec, condition, name)
            after, _ = quantity(spec, moved, name)
            if np.allclose(values, after, rtol=1e-4, atol=1e-4 * scale(values)):
                found.append(values)
    return found


def _in_slices(
    values: Array, number: NDArray[np.intp], count: int
) -> Callable[[Array], _Moments]:
    """Prepares total weight, mean and width, [rows, slices], for rows of weights."""
    member = (number[:, None] == np.arange(count)).astype(np.float64)
    centre = values.mean()
    centred = member * (values - centre)[:, None]
    columns = np.hstack([member, centred, centred**2])

    def moments(weights: Array) -> _Moments:
        total, first, second = np.split(weights @ columns, 3, axis=1)
        mean = ratio(first, total)
        variance = ratio(second, total) - mean**2
        return total, mean + centre, np.sqrt(np.maximum(variance, 0.0))

    return moments


def _mean_shift(generated: _Moments, reference: _Moments) -> Array:
    return generated[1] - reference[1]


def _width_shift(generated: _Moments, reference: _Moments) -> Array:
    """Returns ln(ratio of widths): less than 1/1000 of the reference's counts as it."""
    widths = [np.maximum(one[2], _SMALLEST_WIDTH) for one in (generated, reference)]
    return np.log(widths[0] / widths[1])


def _metric(
    one: _Number,
    kind: Slices,
    compare: Callable[[_Moments, _Moments], Array],
    resampling: Resampling,
) -> Metric:
    """Measures the root mean square of `compare` over slices beside its floor."""
    count = len(kind.centres)
    parts = [one.reference[kind.number == place] for place in range(count)]
    width = np.array([scale(part) for part in parts])[kind.number]
    generated = np.column_stack([one.generated / width, kind.number])
    reference = np.column_stack([one.reference / width, kind.number])

    def prepare(first: Array, second: Array) -> Statistic:
        moments = [
            _in_slices(sample[:, 0], sample[:, 1].astype(np.intp), count)
            for sample in (first, second)
        ]

        def statistic(first_weights: Array, second_weights: Array) -> Array:
            left, right = moments[0](first_weights), moments[1](second_weights)
            # Half of a small sample may have nothing in a slice.
            present = (left[0] > 0.0) & (right[0] > 0.0)
            squares = np.where(present, compare(left, right) ** 2, 0.0)
            return np.sqrt(ratio(squares.sum(axis=1), present.sum(axis=1)))

        return statistic

    return resampling.against_floor(generated, reference, prepare)


def _series(one: _Number, kind: Slices, resampling: Resampling) -> SliceSeries:
    arrays: list[Array] = []
    for values, weights in (
        (one.reference, resampling.reference),
        (one.generated, resampling.generated),
    ):
        moments = _in_slices(values, kind.number, len(kind.centres))
        _, mean, width = moments(weights)
        for rows in (mean, width):
            error = rows[1:].std(axis=0) if len(rows) > 1 else np.zeros(rows.shape[1])
            arrays += [rows[0], error]
    name = f"{one.quantity}_{one.method}"
    return SliceSeries(name, one.label, one.unit, kind, *arrays)
