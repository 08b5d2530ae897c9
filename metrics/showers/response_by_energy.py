"""Response and resolution at every incident energy."""

import dataclasses

from metrics.showers.shower_pairs import Comparison
from metrics.statistics import distances
from metrics.statistics.arrays import ratio
from metrics.statistics.energy_bins import EnergyBin
from metrics.statistics.resampling import Metric, Resampling


@dataclasses.dataclass(frozen=True)
class EnergyBinResult:
    """Response and resolution at one incident energy.

    Attributes:
        energy_bin: The energy and its events.
        reference_mean: Mean visible energy of the reference [spec.unit].
        generated_mean: The same of the generated showers.
        reference_resolution: Standard deviation / mean of the reference.
        generated_resolution: The same of the generated showers.
        response: Ratio of the means, generated / reference.
        resolution: Ratio of the resolutions, generated / reference.
    """

    energy_bin: EnergyBin
    reference_mean: float
    generated_mean: float
    reference_resolution: float
    generated_resolution: float
    response: Metric
    resolution: Metric


def every_energy(
    comparison: Comparison, resampling: Resampling
) -> list[EnergyBinResult]:
    """Measures response and resolution at every incident energy.

    The resolution is that of the visible energy divided by the incident energy: within
    a range of energies the visible energy varies by itself.

    Args:
        comparison: The showers.
        resampling: Bootstrap weights.

    Returns:
        The results in ascending energy.
    """
    visible = [values["visible_energy"] for values in comparison.values]
    response = [
        values.get("energy_response", values["visible_energy"])
        for values in comparison.values
    ]
    found = []
    for energy_bin in comparison.energy_bins:
        generated, reference = (
            ratio(one[energy_bin.events].std(), one[energy_bin.events].mean())
            for one in response
        )
        found.append(
            EnergyBinResult(
                energy_bin,
                float(visible[1][energy_bin.events].mean()),
                float(visible[0][energy_bin.events].mean()),
                float(reference),
                float(generated),
                resampling.ratio(
                    visible[0], visible[1], distances.weighted_mean, energy_bin.events
                ),
                resampling.ratio(
                    response[0],
                    response[1],
                    distances.weighted_resolution,
                    energy_bin.events,
                ),
            )
        )
    return found
