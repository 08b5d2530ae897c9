"""The results of a comparison of showers."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from metrics.showers.cell_correlations import CellCorrelations
from metrics.showers.conditioning import SliceSeries
from metrics.showers.nearest_neighbours import NeighbourResult
from metrics.showers.response_by_energy import EnergyBinResult
from metrics.showers.shower_pairs import Comparison
from metrics.statistics.arrays import Array
from metrics.statistics.curves import Curve
from metrics.statistics.measured import factors
from metrics.statistics.resampling import Metric


@dataclasses.dataclass(frozen=True)
class Report:
    """Everything that was measured.

    Attributes:
        comparison: The showers.
        facts: What was compared, in the order shown: model, reference, split, seed.
        metrics: The metrics of the whole sample.
        energy_bins: Response and resolution at every incident energy.
        untrained: W1 of every observable for the untrained network; empty without.
        prd: Precision against recall for every set of features, "raw" and "physics",
            whose AUCs are the metrics `prd_auc_<name>`.
        roc: The ROC curve for every metric that is the AUC of a classifier.
        cell_correlations: Correlations between distant cells; None where they were not
            measured.
        series: Means and widths in slices of the conditions.
        neighbours: The search for memorised showers; None where there was none.
        notes: What weakens the numbers or could not be measured, and why.
        history: What the training minimised, by name, each [epochs]; empty if not
            known.
    """

    comparison: Comparison
    facts: dict[str, Any]
    metrics: dict[str, Metric]
    energy_bins: list[EnergyBinResult]
    untrained: dict[str, float]
    prd: dict[str, Curve] = dataclasses.field(default_factory=dict)
    roc: dict[str, Curve] = dataclasses.field(default_factory=dict)
    cell_correlations: CellCorrelations | None = None
    series: Sequence[SliceSeries] = ()
    neighbours: NeighbourResult | None = None
    notes: Sequence[str] = ()
    history: Mapping[str, Array] = dataclasses.field(default_factory=dict)

    @property
    def all_metrics(self) -> dict[str, Metric]:
        """The metrics of the whole sample and those of every incident energy."""
        found = dict(self.metrics)
        for one in self.energy_bins:
            found[f"response_ratio_{one.energy_bin.name}"] = one.response
            found[f"resolution_ratio_{one.energy_bin.name}"] = one.resolution
        return found

    @property
    def factors(self) -> dict[str, float]:
        """How many times smaller W1 is than for the untrained network."""
        return factors(self.untrained, self.metrics)

    @property
    def labels(self) -> dict[str, str]:
        """What the ends of the metrics' names stand for: observables and energies."""
        observables = {one.name: one.label for one in self.comparison.observables}
        return observables | {
            one.energy_bin.name: one.energy_bin.label for one in self.energy_bins
        }
