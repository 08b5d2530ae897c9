"""The time of a shower without the model: of Geant4, and published times."""

import dataclasses
import importlib.util

import numpy as np

from benchmarks.shared import timing, toy_showers
from data import detectors
from data.files import readers
from data.samples.bundled import sample_of
from data.simulation.geant4 import geant4_showers

_LIVE_EVENTS = 60
# Of one free core of the machine that simulated the samples.
_MS_PER_GEV = {"ecal": 6.3, "hgcal": 4.0}
_BEFORE = "measured when the sample was made"

PUBLISHED = {
    "ecal": ("arXiv:1812.01319, a CPU", 4.9),
    "hgcal": ("arXiv:1807.01954, a Xeon E5-1620", 52.0),
}
"""Published times of a generated shower [ms] and where they are from, by detector."""


@dataclasses.dataclass(frozen=True)
class Geant4Time:
    """Geant4's processor time for showers like those of the sample.

    Attributes:
        ms_per_gev: Processor time per energy [ms / GeV].
        mean_energy_gev: Of the test showers in the repository [GeV].
        source: Where the time comes from.
    """

    ms_per_gev: float
    mean_energy_gev: float
    source: str

    @property
    def ms_per_shower(self) -> float:
        """Processor time of an average shower [ms]."""
        return self.ms_per_gev * self.mean_energy_gev


def recorded(detector: str) -> Geant4Time | None:
    """Returns the time of Geant4 that was measured when the sample was made.

    Args:
        detector: Name of the detector.

    Returns:
        The time; None for a detector that was never measured.
    """
    if detector not in _MS_PER_GEV:
        return None
    path = sample_of(detector)
    spec = readers.detect(path)
    sample = readers.read(path, spec, split="test")
    energy_gev = float(spec.incident_energy(sample.condition).mean())
    return Geant4Time(_MS_PER_GEV[detector], energy_gev, _BEFORE)


def geant4_time(detector: str) -> Geant4Time | None:
    """Measures Geant4 where it is installed, else returns what was measured before.

    Args:
        detector: Name of the detector.

    Returns:
        The time; None for a detector that was never measured.
    """
    before = recorded(detector)
    installed = importlib.util.find_spec("geant4_pybind") is not None
    if before is None or detector != "ecal" or not installed:
        return before
    condition = toy_showers.conditions(_LIVE_EVENTS, np.random.default_rng(1))
    try:
        cpu_s = geant4_showers.simulate("ecal", condition, 1)["cpu_s"]
    except ChildProcessError as error:
        source = f"{_BEFORE}, as Geant4 does not run here: {error}"
        return dataclasses.replace(before, source=source)
    spent = detectors.get("ecal").incident_energy(condition).sum()
    return dataclasses.replace(
        before,
        ms_per_gev=1e3 * float(cpu_s.sum() / spent),
        source=f"measured now, {_LIVE_EVENTS} showers",
    )


def lines(detector: str, threads: int, ms_per_shower: dict[str, float]) -> list[str]:
    """Compares a model's time with Geant4's and with the published one.

    Args:
        detector: Name of the detector.
        threads: Threads of the model, for each of which Geant4 has a core.
        ms_per_shower: The model's time by batch size [ms].

    Returns:
        Lines to print; none for a detector that was never measured.
    """
    found = geant4_time(detector)
    if found is None:
        return []
    wall_ms = found.ms_per_shower / threads
    label, published_ms = PUBLISHED[detector]
    header = ["", "ms a shower", *(f"/ batch {batch}" for batch in ms_per_shower)]
    rows = [
        [name, f"{ms:.1f}", *(f"{ms / ours:.0f}" for ours in ms_per_shower.values())]
        for name, ms in (
            (f"Geant4 on {threads} cores", wall_ms),
            (f"published: {label}", published_ms),
        )
    ]
    return [
        f"\nGeant4: {found.ms_per_gev:.2f} ms of processor time per GeV "
        f"({found.source}), {found.mean_energy_gev:.1f} GeV on average",
        timing.table(header, rows),
    ]
