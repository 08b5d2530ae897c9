"""The whole measurement of generated showers against a reference."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from metrics.observables.registry import Observable
from metrics.showers import cell_spectrum, density_coverage, fpd_kpd, prd, ties
from metrics.showers.cell_correlations import measure_cell_correlations
from metrics.showers.classifiers.calochallenge import Judge, calochallenge_tests
from metrics.showers.classifiers.calochallenge_distances import (
    physics_distances,
    separation_powers,
)
from metrics.showers.classifiers.cell_classifier import on_cells
from metrics.showers.classifiers.classifier_tests import (
    ClassifierResult,
    classifier_tests,
)
from metrics.showers.conditioning import measure_conditioning
from metrics.showers.nearest_neighbours import (
    NO_TRAINING_SHOWERS,
    nearest_training_showers,
)
from metrics.showers.physics_features import PRD_MODES, physics_features
from metrics.showers.response_by_energy import every_energy
from metrics.showers.shower_pairs import Comparison, correlated, profiles
from metrics.showers.shower_results import Report
from metrics.statistics import distances
from metrics.statistics.arrays import Array
from metrics.statistics.energy_bins import strata
from metrics.statistics.resampling import Metric, Resampling


@dataclasses.dataclass(frozen=True)
class MeasurementOptions:
    """How to measure.

    Attributes:
        seed: Seed of everything random.
        clusters: Number of clusters of the PRD.
        prd_mode: One of `PRD_MODES`.
        prd_runs: Number of clusterings of the PRD.
        judge: Classifier of the CaloChallenge's tests; None leaves these out.
        quick: Whether a small network is asked about the cells, within seconds, instead
            of the strong one, which takes minutes.
        threshold: Readout threshold on both sides [spec.unit], see `Comparison`.
        cell_cm: Side of the cells compared [cm]; None takes them as they are.
    """

    seed: int = 0
    clusters: int = prd.CLUSTERS
    prd_mode: str = PRD_MODES[0]
    prd_runs: int = prd.RUNS
    judge: Judge | None = None
    quick: bool = False
    threshold: float = 0.0
    cell_cm: float | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Task:
    """What every part of a measurement starts from.

    Attributes:
        comparison: Generated and reference showers.
        resampling: Splits and bootstrap weights.
        options: How to measure.
        training: Responses of the training, [showers, *spec.shape]; None if there are
            none at hand.
        further: Showers of the reference's other splits beside generated ones, from
            which the classifier on cells learns too; None if there are none.
    """

    comparison: Comparison
    resampling: Resampling
    options: MeasurementOptions
    training: NDArray[np.float32] | None = None
    further: Comparison | None = None


Found = dict[str, Any]
"""Fields of `Report` that a part has measured."""


def everything(
    comparison: Comparison,
    facts: dict[str, Any],
    options: MeasurementOptions,
    untrained: Comparison | None = None,
    training: NDArray[np.float32] | None = None,
    further: Comparison | None = None,
) -> Report:
    """Measures everything.

    A part that cannot be measured, for too few events or another detector, leaves a
    note; the others go on.

    Args:
        comparison: Generated and reference showers.
        facts: What was compared, for the head of the report.
        options: How to measure.
        untrained: The untrained network against the same reference.
        training: Responses of the training [spec.unit], [showers, *spec.shape].
        further: Other showers that the classifier on cells learns from.

    Returns:
        The report.
    """
    resampling = Resampling(strata(comparison.energy), options.seed)
    task = Task(comparison, resampling, options, training, further)
    found = _parts(task, PARTS)
    found["facts"] = {**facts, **found.get("facts", {})}
    before = {} if untrained is None else wasserstein(untrained, options.seed)
    return Report(comparison=comparison, untrained=before, **found)


def per_epoch(comparison: Comparison, seed: int) -> dict[str, Metric]:
    """Measures what needs no training of its own, without uncertainties.

    The PRD takes one clustering, with as many clusters as the events suffice for.

    Args:
        comparison: Generated and reference showers.
        seed: Seed of splits and clusters.

    Returns:
        The metrics of `Report.all_metrics` but for those of classifiers, regressor and
        nearest neighbours. Those for which there are too few events are left out.
    """
    try:
        resampling = Resampling(strata(comparison.energy), seed, replicates=0)
    except ValueError:
        return {}
    clusters = len(comparison) // 2 // prd.EVENTS_PER_CLUSTER
    options = MeasurementOptions(seed, max(2, min(clusters, prd.CLUSTERS)), prd_runs=1)
    quick = [name for name in PARTS if name not in _LEARNING_PARTS]
    found = _parts(Task(comparison, resampling, options), quick)
    return Report(comparison=comparison, facts={}, untrained={}, **found).all_metrics


def _parts(task: Task, names: Iterable[str]) -> Found:
    found: Found = {"metrics": {}, "energy_bins": [], "notes": []}
    # Many small steps: threads that wait for each other cost more than they save.
    with threadpool_limits(1):
        for name in names:
            try:
                _merge(found, PARTS[name](task))
            except ValueError as error:
                found["notes"].append(f"Not measured: {error}")
    return found


def _merge(found: Found, more: Found) -> None:
    for name, value in more.items():
        if isinstance(value, dict):
            found.setdefault(name, {}).update(value)
        elif isinstance(value, list):
            found.setdefault(name, []).extend(value)
        else:
            found[name] = value


def _energy_bins(task: Task) -> Found:
    return {"energy_bins": every_energy(task.comparison, task.resampling)}


def _observables(task: Task) -> Found:
    """Measures the distribution of every observable."""
    generated, reference = task.comparison.values
    found: dict[str, Metric] = {}
    for one in task.comparison.observables:
        pair = generated[one.name], reference[one.name]
        found |= _observable_metrics(one, *pair, task.resampling)
    return {"metrics": found}


def _profiles(task: Task) -> Found:
    pairs = profiles(task.comparison)
    return _distances(task, "profile", pairs, distances.weighted_profile_distance)


def _correlations(task: Task) -> Found:
    pairs = correlated(task.comparison)
    distance = distances.weighted_correlation_distance
    return _distances(task, "correlation", pairs, distance)


def _distances(
    task: Task,
    kind: str,
    pairs: dict[str, tuple[Array, Array]],
    distance: Callable[[Array, Array], distances.Statistic],
) -> Found:
    """Measures one distance of several pairs of arrays, generated and reference."""
    return {
        "metrics": {
            f"{kind}_{name}": task.resampling.against_floor(*pair, distance)
            for name, pair in pairs.items()
        }
    }


def _prd(task: Task) -> Found:
    """Measures the PRD of raw cells and of physics features, and the worse of both."""
    comparison, options = task.comparison, task.options
    pairs: dict[str, tuple[NDArray[Any], NDArray[Any]]] = {
        "raw": (comparison.generated, comparison.reference),
        "physics": prd.standardised(*physics_features(comparison, options.prd_mode)),
    }
    results = {
        name: prd.prd_auc(
            *pair, task.resampling, options.seed, options.clusters, options.prd_runs
        )
        for name, pair in pairs.items()
    }
    found = {f"prd_auc_{name}": result.metric for name, result in results.items()}
    found["prd_auc"] = prd.minimum(**results).metric
    # Both have the same numbers of events and clusters.
    warning = results["raw"].warning
    return {
        "metrics": found,
        "prd": {name: result.curve for name, result in results.items()},
        "notes": [] if warning is None else [warning],
    }


def _frechet(task: Task) -> Found:
    generated, reference = map(_features, task.comparison.values)
    measured = {
        "fpd": fpd_kpd.frechet_physics_distance,
        "kpd": fpd_kpd.kernel_physics_distance,
    }
    return {
        "metrics": {
            name: measure(generated, reference, task.resampling)
            for name, measure in measured.items()
        }
    }


def _coverage(task: Task) -> Found:
    generated, reference = map(_features, task.comparison.values)
    found = density_coverage.density_and_coverage(generated, reference, task.resampling)
    return {"metrics": {f"{name}_physics": one for name, one in found.items()}}


def _cell_energies(task: Task) -> Found:
    """Measures the spectrum of cell energies, and how often two are equal."""
    both = task.comparison, task.resampling
    found = {"separation_cell_energy": cell_spectrum.separation_cell_energy(*both)}
    return {"metrics": found | ties.measure_ties(*both)}


def _cell_correlations(task: Task) -> Found:
    result = measure_cell_correlations(
        task.comparison, task.resampling, task.options.seed
    )
    return {"metrics": result.metrics, "cell_correlations": result}


def _trees_on_spectrum(task: Task) -> Found:
    return _tests(
        cell_spectrum.spectrum_tests(
            task.comparison, task.resampling, task.options.seed
        )
    )


def _classifiers(task: Task) -> Found:
    return _tests(classifier_tests(task.comparison, task.resampling, task.options.seed))


def _tests(results: dict[str, ClassifierResult]) -> Found:
    return {
        "metrics": {name: result.metric for name, result in results.items()},
        "roc": {name: result.curve for name, result in results.items()},
    }


def _calochallenge(task: Task) -> Found:
    options = task.options
    if options.judge is None:
        return {}
    result = calochallenge_tests(
        task.comparison, task.resampling, options.seed, options.judge
    )
    return {"metrics": dict(result.metrics), "notes": [result.note]}


def _cells(task: Task) -> Found:
    options = task.options
    return on_cells(
        task.comparison, task.further, task.resampling, options.seed, options.quick
    )


def _conditioning(task: Task) -> Found:
    result = measure_conditioning(task.comparison, task.resampling, task.options.seed)
    return {"metrics": result.metrics, "series": list(result.series)}


def _neighbours(task: Task) -> Found:
    if task.training is None:
        return {"notes": [NO_TRAINING_SHOWERS]}
    result = nearest_training_showers(task.comparison, task.training, task.options.seed)
    return {"neighbours": result, "metrics": {"near_training": result.metric}}


PARTS: Mapping[str, Callable[[Task], Found]] = {
    "energy bins": _energy_bins,
    "observables": _observables,
    "profiles": _profiles,
    "correlations": _correlations,
    "PRD": _prd,
    "FPD and KPD": _frechet,
    "density and coverage": _coverage,
    "cell energies": _cell_energies,
    "correlations between cells": _cell_correlations,
    "trees on the spectrum": _trees_on_spectrum,
    "classifiers": _classifiers,
    "CaloChallenge": _calochallenge,
    "CaloChallenge's separation powers": lambda task: {
        "metrics": separation_powers(task.comparison, task.resampling)
    },
    "CaloChallenge's FPD and KPD": lambda task: {
        "metrics": physics_distances(
            task.comparison, task.resampling, task.options.seed
        )
    },
    "classifier on cells": _cells,
    "conditioning": _conditioning,
    "nearest neighbours": _neighbours,
}
"""The parts of a measurement, in their order."""

_LEARNING_PARTS = (
    "trees on the spectrum", "classifiers", "CaloChallenge's FPD and KPD",
    "classifier on cells", "conditioning", "nearest neighbours",
)  # fmt: skip
"""Those that train networks, need the training showers or take as long."""


def wasserstein(comparison: Comparison, seed: int) -> dict[str, float]:
    """Measures only W1 of every observable, without uncertainty.

    Args:
        comparison: The showers.
        seed: Seed of the splits, which are those of `everything` with this seed.

    Returns:
        For every observable the value of the metric `wasserstein_<observable>`.
    """
    resampling = Resampling(strata(comparison.energy), seed, replicates=0)
    generated, reference = comparison.values
    return {
        one.name: _wasserstein(
            generated[one.name], reference[one.name], resampling
        ).value
        for one in comparison.observables
    }


def _features(values: dict[str, Array]) -> Array:
    return np.column_stack([*values.values()])


def _observable_metrics(
    one: Observable, generated: Array, reference: Array, resampling: Resampling
) -> dict[str, Metric]:
    edges = distances.bin_edges(reference)
    found = {
        f"wasserstein_{one.name}": _wasserstein(generated, reference, resampling),
        f"separation_{one.name}": resampling.against_floor(
            generated,
            reference,
            lambda first, second: distances.weighted_separation(first, second, edges),
        ),
    }
    statistics = {"width": distances.weighted_width}
    if not one.signed:
        statistics["mean"] = distances.weighted_mean
    for name, statistic in statistics.items():
        found[f"{name}_ratio_{one.name}"] = resampling.ratio(
            generated, reference, statistic
        )
    return found


def _wasserstein(generated: Array, reference: Array, resampling: Resampling) -> Metric:
    width = distances.scale(reference)
    return resampling.against_floor(
        generated / width, reference / width, distances.weighted_wasserstein
    )
