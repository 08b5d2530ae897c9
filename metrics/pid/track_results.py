"""The results of an evaluation of particle identification."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from data.detectors import particles
from data.detectors.spec import DetectorSpec
from metrics.pid.efficiency import CUTS, EfficiencyCurve
from metrics.pid.phi_selection import NAMES, PHI_CUTS, PhiSelection
from metrics.pid.separation_auc import AucBin, bin_name
from metrics.pid.track_pairs import PION, Grid, Tracks
from metrics.statistics.arrays import Array
from metrics.statistics.measured import factors
from metrics.statistics.resampling import Metric


@dataclasses.dataclass(frozen=True)
class PidReport:
    """Everything that was measured of generated tracks.

    Attributes:
        tracks: Generated and reference tracks.
        facts: What was compared, in the order shown: model, reference, split, seed.
        metrics: All metrics.
        untrained: W1 of every species and component for the untrained network; empty
            without.
        grid: The bins in which AUCs are judged.
        bins: The AUCs in them.
        fine_grid: Finer bins, to look at.
        fine_bins: The AUCs in these.
        zoom_grid: Bins of the most populated region, to look at.
        curves: Efficiencies and misidentification.
        phi: A selection of phi -> K+ K-; None where it cannot be measured.
        notes: What weakens the numbers or could not be measured, and why.
        history: What the training minimised, by name, each [epochs]; empty if not
            known.
    """

    tracks: Tracks
    facts: dict[str, Any]
    metrics: dict[str, Metric]
    untrained: dict[str, float]
    grid: Grid
    bins: Sequence[AucBin] = ()
    fine_grid: Grid | None = None
    fine_bins: Sequence[AucBin] = ()
    zoom_grid: Grid | None = None
    curves: Sequence[EfficiencyCurve] = ()
    phi: PhiSelection | None = None
    notes: Sequence[str] = ()
    history: Mapping[str, Array] = dataclasses.field(default_factory=dict)

    @property
    def all_metrics(self) -> dict[str, Metric]:
        """The metrics; there are no others."""
        return self.metrics

    @property
    def factors(self) -> dict[str, float]:
        """How many times smaller W1 is than for the untrained network."""
        return factors(self.untrained, self.metrics)

    @property
    def labels(self) -> dict[str, str]:
        """What the ends of the metrics' names stand for."""
        found = labels(self.tracks.spec)
        for one in self.bins:
            momentum, pseudorapidity = self.grid.texts(one.number)
            found[bin_name(one, self.grid)] = (
                f"{one.species} against {PION}, {momentum}, "
                f"pseudorapidity {pseudorapidity}"
            )
        return found


def likelihood(component: str) -> str:
    """Writes a component as physicists do: "dll_k" is DLLk."""
    return component.replace("dll_", "DLL")


def labels(spec: DetectorSpec) -> dict[str, str]:
    """Returns what the ends of the metrics' names stand for, without those of bins.

    Args:
        spec: The detector.
    """
    found = {
        f"{name}_above_{cut:g}": f"{name.replace('_', ' ')}, DLLk > {cut:g} twice"
        for name in NAMES.values()
        for cut in PHI_CUTS
    }
    for species in particles.NAMES:
        found[f"{species}_{PION}"] = f"{species} against {PION}"
        for component in spec.component_names:
            name = likelihood(component)
            found[f"{species}_{component}"] = f"{name} of {species}s"
            for cut in CUTS:
                cut_name = f"{species}_{component}_above_{cut:g}"
                found[cut_name] = f"{species}s with {name} > {cut:g}"
    return found
