"""What an evaluation has measured."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from metrics.comparison import Comparison
from metrics.conditioning import SliceSeries
from metrics.groups import Beam
from metrics.neighbours import NeighbourResult
from metrics.resampling import Metric
from metrics.showers import Array


@dataclasses.dataclass(frozen=True, eq=False)
class Curve:
    """A curve of generated against reference showers, beside its floor.

    Attributes:
        x: Of the points, ascending or descending, [points]: recall, or the share of
            reference showers taken for generated.
        y: Of the points, [points]: precision, or the share of generated showers found.
        floor_x: As x, for the reference against itself.
        floor_y: As y, for the reference against itself.
    """

    x: Array
    y: Array
    floor_x: Array
    floor_y: Array


@dataclasses.dataclass(frozen=True)
class BeamResult:
    """Response and resolution at one incident energy.

    Attributes:
        beam: The energy and its events.
        reference_mean: Mean visible energy of the reference [spec.unit].
        generated_mean: The same of the generated showers.
        reference_resolution: Standard deviation / mean of the reference.
        generated_resolution: The same of the generated showers.
        response: Ratio of the means, generated / reference.
        resolution: Ratio of the resolutions, generated / reference.
    """

    beam: Beam
    reference_mean: float
    generated_mean: float
    reference_resolution: float
    generated_resolution: float
    response: Metric
    resolution: Metric


class Measured(Protocol):
    """What tables and pages need of a report of any kind of detector."""

    @property
    def facts(self) -> dict[str, Any]:
        """What was compared, in the order shown."""

    @property
    def all_metrics(self) -> dict[str, Metric]:
        """Everything that was measured."""

    @property
    def untrained(self) -> dict[str, float]:
        """W1 of the untrained network by what it was measured of; empty without."""

    @property
    def factors(self) -> dict[str, float]:
        """How many times smaller W1 is than for the untrained network."""

    @property
    def labels(self) -> dict[str, str]:
        """What the ends of the metrics' names stand for."""

    @property
    def notes(self) -> Sequence[str]:
        """What weakens the numbers or could not be measured, and why."""


@dataclasses.dataclass(frozen=True)
class Report:
    """Everything that was measured.

    Attributes:
        comparison: The showers.
        facts: What was compared, in the order shown: model, reference, split, seed.
        metrics: The metrics of the whole sample.
        beams: Response and resolution at every incident energy.
        untrained: W1 of every observable for the untrained network; empty without.
        prd: Precision against recall for every set of features, "raw" and "physics",
            whose areas are the metrics `prd_auc_<name>`.
        roc: The ROC curve for every metric that is the AUC of a classifier.
        series: Means and widths in slices of the conditions.
        neighbours: The search for memorised showers; None where there was none.
        notes: What weakens the numbers or could not be measured, and why.
    """

    comparison: Comparison
    facts: dict[str, Any]
    metrics: dict[str, Metric]
    beams: list[BeamResult]
    untrained: dict[str, float]
    prd: dict[str, Curve] = dataclasses.field(default_factory=dict)
    roc: dict[str, Curve] = dataclasses.field(default_factory=dict)
    series: Sequence[SliceSeries] = ()
    neighbours: NeighbourResult | None = None
    notes: Sequence[str] = ()

    @property
    def all_metrics(self) -> dict[str, Metric]:
        """The metrics of the whole sample and those of every incident energy."""
        found = dict(self.metrics)
        for one in self.beams:
            found[f"response_ratio_{one.beam.name}"] = one.response
            found[f"resolution_ratio_{one.beam.name}"] = one.resolution
        return found

    @property
    def factors(self) -> dict[str, float]:
        """How many times smaller W1 is than for the untrained network."""
        return factors(self.untrained, self.metrics)

    @property
    def labels(self) -> dict[str, str]:
        """What the ends of the metrics' names stand for: observables and energies."""
        observables = {one.name: one.label for one in self.comparison.observables}
        return observables | {one.beam.name: one.beam.label for one in self.beams}


def factors(
    untrained: Mapping[str, float], metrics: Mapping[str, Metric]
) -> dict[str, float]:
    """Returns how many times smaller each W1 is than for the untrained network.

    Args:
        untrained: W1 of the untrained network by what it was measured of.
        metrics: The metrics, among them `wasserstein_<name>` for each of them.
    """
    return {
        name: before / max(metrics[f"wasserstein_{name}"].value, 1e-12)
        for name, before in untrained.items()
    }
