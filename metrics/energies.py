"""Response and resolution at every incident energy."""

from metrics import distances, showers
from metrics.comparison import Comparison
from metrics.resampling import Resampling
from metrics.results import BeamResult


def every_energy(comparison: Comparison, resampling: Resampling) -> list[BeamResult]:
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
    for beam in comparison.beams:
        generated, reference = (
            showers.ratio(one[beam.events].std(), one[beam.events].mean())
            for one in response
        )
        found.append(
            BeamResult(
                beam,
                float(visible[1][beam.events].mean()),
                float(visible[0][beam.events].mean()),
                float(reference),
                float(generated),
                resampling.ratio(
                    visible[0], visible[1], distances.weighted_mean, beam.events
                ),
                resampling.ratio(
                    response[0], response[1], distances.weighted_resolution, beam.events
                ),
            )
        )
    return found
