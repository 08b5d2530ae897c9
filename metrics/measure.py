"""Everything that is measured when generated showers are compared with a reference."""

from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from metrics import distances, showers
from metrics.classifier import classifier_auc
from metrics.comparison import Comparison, profiles, within_beams
from metrics.groups import strata
from metrics.observables import Observable, layer_observables
from metrics.resampling import Metric, Resampling
from metrics.results import BeamResult, Report
from metrics.showers import Array


def everything(
    comparison: Comparison,
    facts: dict[str, Any],
    seed: int,
    untrained: Comparison | None = None,
) -> Report:
    """Measures everything.

    Args:
        comparison: Generated and reference showers.
        facts: What was compared, for the head of the report.
        seed: Seed of everything random.
        untrained: The untrained network against the same reference.

    Returns:
        The report.
    """
    # Many small steps: threads that wait for each other cost more than they save.
    with threadpool_limits(1):
        return Report(
            comparison=comparison,
            facts=facts,
            metrics=whole_sample(comparison, seed),
            beams=every_beam(comparison, seed),
            untrained={} if untrained is None else wasserstein(untrained, seed),
        )


def whole_sample(comparison: Comparison, seed: int) -> dict[str, Metric]:
    """Measures every metric of the sample as a whole.

    Args:
        comparison: The showers.
        seed: Seed of splits, bootstrap and classifiers.

    Returns:
        For every name the metric; docs/physics_report.md explains them.
    """
    resampling = Resampling(strata(comparison.energy), seed)
    generated, reference = comparison.values
    found: dict[str, Metric] = {}
    for one in comparison.observables:
        pair = generated[one.name], reference[one.name]
        found |= _observable_metrics(one, *pair, resampling)
    for name, (first, second) in profiles(comparison).items():
        found[f"profile_{name}"] = resampling.against_floor(
            first, second, distances.weighted_profile_distance
        )
    for name, (first, second) in _correlated(comparison).items():
        found[f"correlation_{name}"] = resampling.against_floor(
            first, second, distances.weighted_correlation_distance
        )
    found["classifier_auc"] = classifier_auc(
        _features(comparison, generated),
        _features(comparison, reference),
        resampling,
        seed,
    )
    return found


def every_beam(comparison: Comparison, seed: int) -> list[BeamResult]:
    """Measures response and resolution at every incident energy.

    Args:
        comparison: The showers.
        seed: Seed of the bootstrap.

    Returns:
        The results in ascending energy.
    """
    resampling = Resampling(strata(comparison.energy), seed)
    generated, reference = (v["visible_energy"] for v in comparison.values)
    found = []
    for beam in comparison.beams:
        first, second = generated[beam.events], reference[beam.events]
        ratio = resampling.ratio(
            generated, reference, distances.weighted_mean, beam.events
        )
        resolution = resampling.ratio(
            generated, reference, distances.weighted_resolution, beam.events
        )
        found.append(
            BeamResult(
                beam,
                float(second.mean()),
                float(first.mean()),
                float(showers.ratio(second.std(), second.mean())),
                float(showers.ratio(first.std(), first.mean())),
                ratio,
                resolution,
            )
        )
    return found


def wasserstein(comparison: Comparison, seed: int) -> dict[str, float]:
    """Measures only W1 of every observable, without uncertainty.

    Args:
        comparison: The showers.
        seed: Seed of the splits, which are those of `whole_sample` with this seed.

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


def _correlated(comparison: Comparison) -> dict[str, tuple[Array, Array]]:
    """Standardises what is correlated, per event, generated and reference."""
    if not comparison.layered or comparison.spec.shape[2] < 2:
        return {}
    names = [one.name for one in layer_observables(comparison.spec)]
    sets = {"layers": names}
    if comparison.has_depth:
        sets["depth_energy"] = ["depth", "visible_energy"]
    found = {}
    for name, columns in sets.items():
        generated, reference = (
            within_beams(comparison, np.column_stack([v[c] for c in columns]))
            for v in comparison.values
        )
        found[name] = generated, reference
    return found


def _features(comparison: Comparison, values: dict[str, Array]) -> Array:
    """Returns what the classifier sees: all observables and the incident energy."""
    return np.column_stack([*values.values(), comparison.energy])


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
