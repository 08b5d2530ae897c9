"""The interface of a measurement of any kind of events, for tables and pages."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from metrics.statistics.resampling import Metric


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
