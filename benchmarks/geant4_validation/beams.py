"""Showers of fixed energies, which are simulated once and kept in a folder."""

import dataclasses
import pathlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.atomic_files import replacing
from data.simulation.geant4 import child, geant4_showers, setups
from data.simulation.geant4.child_task import Primaries

LEAD = "lead"
_SEED = 11

Arrays = dict[str, NDArray[Any]]


@dataclasses.dataclass(frozen=True)
class FixedBeam:
    """Particles of one energy that come along z.

    Attributes:
        detector: One of `setups.names()`, or `LEAD`.
        particle: What is shot.
        energy_gev: Its kinetic energy [GeV].
        events: Number of events.
    """

    detector: str
    particle: str
    energy_gev: float
    events: int

    @property
    def name(self) -> str:
        """What its file is called."""
        particle = {"e-": "electron", "e+": "positron"}.get(self.particle, "gamma")
        return f"{self.detector}_{particle}_{self.energy_gev:g}gev_{self.events}"


BEAMS = (
    FixedBeam(LEAD, "e-", 1.0, 400),
    FixedBeam(LEAD, "e-", 10.0, 100),
    FixedBeam(LEAD, "e-", 50.0, 20),
    FixedBeam(LEAD, "gamma", 10.0, 100),
    FixedBeam("ecal", "e-", 1.0, 400),
    FixedBeam("ecal", "e-", 2.0, 300),
    FixedBeam("ecal", "e-", 5.0, 200),
    FixedBeam("ecal", "e-", 10.0, 150),
    FixedBeam("ecal", "e-", 20.0, 100),
    FixedBeam("ecal", "e-", 50.0, 60),
    FixedBeam("hgcal", "e-", 20.0, 400),
    FixedBeam("hgcal", "e-", 50.0, 100),
    FixedBeam("hgcal", "e-", 90.0, 100),
    FixedBeam("calogan", "e+", 5.0, 200),
    FixedBeam("calogan", "e+", 20.0, 80),
    FixedBeam("calogan", "e+", 50.0, 30),
    FixedBeam("calogan", "gamma", 20.0, 60),
    FixedBeam("cylinder", "e-", 1.0, 400),
    FixedBeam("cylinder", "e-", 5.0, 200),
    FixedBeam("cylinder", "e-", 20.0, 100),
    FixedBeam("cylinder", "e-", 50.0, 30),
)
"""The beams, of as many events as tell a percent."""


def simulate(beam: FixedBeam, stream: int, scratch: pathlib.Path | None) -> Arrays:
    """Simulates a beam.

    Args:
        beam: What is shot. In the ECAL it enters at the corner of four cells, in the
            HGCAL prototype over the spot of its own.
        stream: Number of the random numbers' stream.
        scratch: Folder for temporary files; the system's by default.

    Returns:
        As `geant4_showers.simulate`; of lead the "cells" of `lead_block` [MeV].
    """
    if beam.detector == LEAD:
        shot = Primaries(
            beam.particle,
            np.full(beam.events, beam.energy_gev),
            np.tile([0.0, 0.0, 1.0], (beam.events, 1)),
            np.zeros((beam.events, 2)),
        )
        return child.run("lead_block", shot, _SEED, stream=stream, scratch=scratch)
    detector = setups.get(beam.detector)
    condition = np.full((beam.events, 1), beam.energy_gev, np.float32)
    if beam.detector == "ecal":
        condition = np.zeros((beam.events, len(detector.condition_names)), np.float32)
        condition[:, 2] = beam.energy_gev
    elif beam.detector == "hgcal":
        spread = detector.beam(beam.particle, (beam.energy_gev, beam.energy_gev))
        condition = setups.all_conditions(detector, spread, beam.events, _SEED)
    return geant4_showers.simulate(
        beam.detector,
        condition,
        _SEED,
        particle=beam.particle,
        stream=stream,
        scratch=scratch,
    )


def load(folder: pathlib.Path, jobs: int, scale: float) -> dict[FixedBeam, Arrays]:
    """Simulates the beams that a folder does not hold yet, and reads all of them.

    Args:
        folder: Holds one file for each beam; made where it is not there.
        jobs: Processes of Geant4 at a time.
        scale: What the numbers of events are multiplied with.

    Returns:
        The arrays of `simulate`.

    Raises:
        ValueError: If Geant4 does not run.
    """
    folder.mkdir(parents=True, exist_ok=True)
    beams = [
        dataclasses.replace(beam, events=max(2, round(scale * beam.events)))
        for beam in BEAMS
    ]

    def read(stream: int) -> Arrays:
        beam = beams[stream]
        path = folder / f"{beam.name}.npz"
        if not path.exists():
            arrays: dict[str, Any] = simulate(beam, stream, None)
            with replacing(path) as temporary, temporary.open("wb") as file:
                np.savez_compressed(file, **arrays)
        with np.load(path) as arrays:
            return dict(arrays)

    with ThreadPoolExecutor(jobs) as pool:
        return dict(zip(beams, pool.map(read, range(len(beams))), strict=True))
