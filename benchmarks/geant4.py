"""Measures the processor time of Geant4 itself, which a generative model replaces.

    python -m benchmarks.geant4 [--detector=ecal] [--num=200] [--seed=1] [--json=PATH]

Particles with the spectrum and the angles of the detector's own beam are simulated in
one process on one core, half a minute for 200 of them in the ECAL. The time of an event
starts with the event: Geant4's own preparation, about two seconds a process, is left
out. Time is proportional to energy, so the time per GeV is the steadier number.

Needs requirements-geant4.txt and Geant4's data sets.
"""

import importlib.metadata
import itertools
import platform
from typing import Any

from benchmarks.shared import setup  # First: it silences the start of TensorFlow.

# isort: split

import numpy as np
from absl import flags
from numpy.typing import NDArray

from benchmarks.shared import timing
from data.simulation.geant4 import geant4_showers, primaries, setups

_EDGES_GEV = (0.0, 3.0, 10.0, 30.0, np.inf)


def summary(
    energy_gev: NDArray[np.float64], cpu_s: NDArray[np.float64]
) -> dict[str, Any]:
    """Averages the time of some events.

    Args:
        energy_gev: Incident energies [GeV], [events].
        cpu_s: Processor times [s], [events].

    Returns:
        Number, mean energy [GeV], time per event and per GeV [ms], and the standard
        error of the latter, a ratio of two sums.
    """
    events = len(cpu_s)
    per_gev = cpu_s.sum() / energy_gev.sum()
    residual = np.sum((cpu_s - per_gev * energy_gev) ** 2)
    error = np.sqrt(residual * events / max(events - 1, 1)) / energy_gev.sum()
    return {
        "events": events,
        "mean_energy_gev": float(energy_gev.mean()),
        "ms_per_event": float(1e3 * cpu_s.mean()),
        "ms_per_gev": float(1e3 * per_gev),
        "ms_per_gev_error": float(1e3 * error),
    }


def by_energy(
    energy_gev: NDArray[np.float64], cpu_s: NDArray[np.float64]
) -> dict[str, dict[str, Any]]:
    """Averages the time in ranges of the energy, and of all events.

    Args:
        energy_gev: Incident energies [GeV], [events].
        cpu_s: Processor times [s], [events].

    Returns:
        A `summary` for every range that has events, by its name.
    """
    found = {}
    for low, high in itertools.pairwise(_EDGES_GEV):
        chosen = (energy_gev >= low) & (energy_gev < high)
        name = f"{low:g} to {high:g} GeV" if high < np.inf else f"above {low:g} GeV"
        if chosen.any():
            found[name] = summary(energy_gev[chosen], cpu_s[chosen])
    return found | {"all": summary(energy_gev, cpu_s)}


def _print(found: dict[str, dict[str, Any]]) -> None:
    rows = [
        [
            name,
            str(one["events"]),
            f"{one['mean_energy_gev']:.1f}",
            f"{one['ms_per_event']:.1f}",
            f"{one['ms_per_gev']:.2f} +- {one['ms_per_gev_error']:.2f}",
        ]
        for name, one in found.items()
    ]
    header = ["energy", "events", "mean [GeV]", "CPU ms an event", "CPU ms per GeV"]
    print(timing.table(header, rows))


def _run() -> None:
    detector, seed = setups.get(flags.FLAGS.detector), flags.FLAGS.seed
    beam = detector.beam()
    condition = setups.all_conditions(detector, beam, flags.FLAGS.num, seed)
    showers = geant4_showers.simulate(
        detector.name, condition, seed, particle=beam.particle
    )
    shot = primaries.of_conditions(condition, detector.condition_names, beam.particle)
    found = by_energy(shot.kinetic_gev, showers["cpu_s"])
    version = importlib.metadata.version("geant4-pybind")
    machine = platform.processor() or platform.machine()
    print(f"Geant4 (geant4-pybind {version}), {detector.name}, one core of {machine}")
    _print(found)
    setup.write_json(
        flags.FLAGS.json,
        {
            "detector": detector.name,
            "geant4_pybind": version,
            "machine": machine,
            "cpu_time": found,
        },
    )


if __name__ == "__main__":
    flags.DEFINE_enum("detector", "ecal", list(setups.names()), "What is simulated.")
    flags.DEFINE_integer("num", 200, "Number of events.", lower_bound=1)
    flags.DEFINE_integer("seed", 1, "Of conditions and showers.", lower_bound=0)
    flags.DEFINE_string("json", None, "File to write the result to.")
    setup.run(_run)
