"""What an evaluation has measured."""

import dataclasses
from typing import Any

from metrics.comparison import Comparison
from metrics.groups import Beam
from metrics.resampling import Metric


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


@dataclasses.dataclass(frozen=True)
class Report:
    """Everything that was measured.

    Attributes:
        comparison: The showers.
        facts: What was compared, in the order shown: model, reference, split, seed.
        metrics: The metrics of the whole sample.
        beams: Response and resolution at every incident energy.
        untrained: W1 of every observable for the untrained network; empty without.
    """

    comparison: Comparison
    facts: dict[str, Any]
    metrics: dict[str, Metric]
    beams: list[BeamResult]
    untrained: dict[str, float]

    @property
    def factors(self) -> dict[str, float]:
        """How many times smaller W1 is than for the untrained network."""
        return {
            name: before / max(self.metrics[f"wasserstein_{name}"].value, 1e-12)
            for name, before in self.untrained.items()
        }
