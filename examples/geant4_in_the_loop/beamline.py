"""Geant4: a slab of lead before the ECAL, and a face that hands particles over."""

import time
from collections.abc import Callable
from typing import Any

import geant4_pybind as g4
import numpy as np
from numpy.typing import NDArray

from data.simulation.geant4.ecal_stack import CELLS, CUT_MM, WIDTH_MM, EcalStack
from data.simulation.geant4.volumes import VACUUM
from examples.geant4_in_the_loop.electron_pairs import Pairs
from examples.geant4_in_the_loop.takeover import FaceParticle

# 0.3 radiation lengths of 5.612 mm: photons, electrons and positrons reach the face.
SLAB_MM, SLAB_AT_MM = 0.3 * 5.612, -200.0
_START_MM, _FACE_MM = -300.0, 1.0

Take = Callable[[FaceParticle], bool]


class Face(g4.G4VSensitiveDetector):
    """A sheet of vacuum before the calorimeter, which may stop what crosses it.

    A sensitive detector sees the steps inside the sheet only, one a particle. A
    stepping action would be called for every step of all showers.
    """

    def __init__(self) -> None:
        super().__init__("face")
        self.take: Take | None = None
        self.event = 0

    def ProcessHits(self, step: Any, history: Any) -> bool:
        """Offers a particle that leaves the sheet forwards; called by Geant4."""
        point, track = step.GetPostStepPoint(), step.GetTrack()
        place, momentum = point.GetPosition(), point.GetMomentum()
        if self.take is None or place.z < -1e-6 or not momentum.z > 0.0:
            return False
        particle = FaceParticle(
            event=self.event,
            pdg=track.GetParticleDefinition().GetPDGEncoding(),
            momentum_gev=tuple(
                getattr(momentum, axis) / g4.GeV for axis in ("x", "y", "z")
            ),
            impact_cm=(place.x / g4.cm, place.y / g4.cm),
            kinetic_gev=point.GetKineticEnergy() / g4.GeV,
            time_ns=point.GetGlobalTime() / g4.ns,
        )
        if self.take(particle):
            track.SetTrackStatus(g4.fStopAndKill)
        return True


class Beamline(EcalStack):
    """The ECAL of the zoo behind a slab of lead, with the face between them."""

    def __init__(self) -> None:
        super().__init__()
        self.face = Face()

    def build(self, world: Any) -> None:
        """Fills the world."""
        super().build(world)
        slab = self.box("slab", (WIDTH_MM, WIDTH_MM, SLAB_MM), "G4_Pb")
        self.place(slab, world, (0.0, 0.0, SLAB_AT_MM))
        self._sheet = self.box("face", (WIDTH_MM, WIDTH_MM, _FACE_MM), VACUUM)
        self.place(self._sheet, world, (0.0, 0.0, -0.5 * _FACE_MM))

    def ConstructSDandField(self) -> None:
        """Makes the face and the cells sensitive; called by Geant4."""
        super().ConstructSDandField()
        g4.G4SDManager.GetSDMpointer().AddNewDetector(self.face)
        self.SetSensitiveDetector(self._sheet, self.face)


class _Gun(g4.G4VUserPrimaryGeneratorAction):
    """Shoots the two electrons of an event, with random numbers of the event's own."""

    def __init__(self, pairs: Pairs, face: Face, seed: int) -> None:
        super().__init__()
        self._pairs, self._face, self._seed = pairs, face, seed
        self._gun = g4.G4ParticleGun(1)
        self._gun.SetParticleDefinition(g4.G4Electron.Definition())
        self.first = 0

    def GeneratePrimaries(self, event: Any) -> None:
        """Starts an event; called by Geant4."""
        number = self._face.event = self.first + event.GetEventID()
        # Full and fast simulation of an event begin with the same random numbers.
        # None may be 0, which ends the list.
        g4.HepRandom.setTheSeeds([self._seed + 1, number + 1, 0], 2)
        one_event = zip(
            self._pairs.kinetic_gev[number],
            self._pairs.direction[number],
            self._pairs.impact_cm[number],
            strict=True,
        )
        for kinetic_gev, unit, impact_cm in one_event:
            direction = g4.G4ThreeVector(*unit)
            impact = g4.G4ThreeVector(*impact_cm, 0.0) * g4.cm
            self._gun.SetParticleEnergy(kinetic_gev * g4.GeV)
            self._gun.SetParticleMomentumDirection(direction)
            self._gun.SetParticlePosition(impact + direction * (_START_MM / unit[2]))
            self._gun.GeneratePrimaryVertex(event)


class _Readout(g4.G4UserEventAction):
    """Takes the energies of the cells."""

    def __init__(self) -> None:
        super().__init__()
        self.cells = np.zeros((0, CELLS, CELLS), np.float32)

    def EndOfEventAction(self, event: Any) -> None:
        """Reads the hits; called by Geant4."""
        identifier = g4.G4SDManager.GetSDMpointer().GetCollectionID("cells/energy")
        cells = self.cells[event.GetEventID()].reshape(-1)
        for cell, energy in event.GetHCofThisEvent().GetHC(identifier):
            cells[cell] = energy / g4.MeV


class Geant4:
    """The kernel, of which a process has one.

    Args:
        pairs: The electrons of all events.
        seed: Of Geant4's random numbers, at least 0.
    """

    def __init__(self, pairs: Pairs, seed: int) -> None:
        self._beamline = Beamline()
        self._physics = g4.G4VModularPhysicsList()
        self._physics.RegisterPhysics(g4.G4EmStandardPhysics())
        kind = g4.G4RunManagerType.Serial
        self._manager = g4.G4RunManagerFactory.CreateRunManager(kind)
        self._manager.SetUserInitialization(self._beamline)
        self._manager.SetUserInitialization(self._physics)
        # Geant4 wants the physics first.
        self._gun = _Gun(pairs, self._beamline.face, seed)
        self._readout = _Readout()
        for action in (self._gun, self._readout):
            self._manager.SetUserAction(action)
        self._manager.Initialize()
        g4.G4UImanager.GetUIpointer().ApplyCommand(f"/run/setCut {CUT_MM} mm")
        # A run of no events builds the tables of the physics.
        self._manager.BeamOn(0)

    def run(
        self, first: int, events: int, take: Take | None
    ) -> tuple[NDArray[np.float32], float]:
        """Simulates some events.

        Args:
            first: Number of the first one.
            events: How many.
            take: Is offered what reaches the face, and says what it takes; None for
                full simulation.

        Returns:
            Energies of the cells [MeV], float32 [events, x, y], and the processor time
            of all events [s].
        """
        self._gun.first, self._beamline.face.take = first, take
        self._readout.cells = np.zeros((events, CELLS, CELLS), np.float32)
        begun_s = time.process_time()
        self._manager.BeamOn(events)
        return self._readout.cells, time.process_time() - begun_s
