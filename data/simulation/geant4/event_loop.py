"""The loop over the events of a task, in the child process.

Geant4 sums the energies; Python is called once per event.
"""

import os
import time
from pathlib import Path
from typing import Any

import geant4_pybind as g4
import numpy as np

from data.simulation.geant4 import child_task
from data.simulation.geant4.child_task import Primaries
from data.simulation.geant4.volumes import Volumes

# Particles start in the vacuum, so that none begins on a surface.
_START_MM = 1.0


class Gun(g4.G4VUserPrimaryGeneratorAction):
    """Shoots one particle per event."""

    def __init__(self, primaries: Primaries, parent: int) -> None:
        super().__init__()
        self._primaries = primaries
        self._parent = parent
        self._gun = g4.G4ParticleGun(1)
        definitions = {"e-": g4.G4Electron, "e+": g4.G4Positron, "gamma": g4.G4Gamma}
        self._gun.SetParticleDefinition(definitions[primaries.particle].Definition())
        self.begun_s = 0.0

    def GeneratePrimaries(self, event: Any) -> None:
        """Starts an event; called by Geant4."""
        if os.getppid() != self._parent:
            # Nobody waits for the showers any more: the parent was killed.
            os._exit(1)
        self.begun_s = time.process_time()
        number = event.GetEventID()
        direction = g4.G4ThreeVector(*self._primaries.direction[number]).unit()
        point = g4.G4ThreeVector(*self._primaries.impact_cm[number], 0.0) * g4.cm
        self._gun.SetParticleEnergy(self._primaries.kinetic_gev[number] * g4.GeV)
        self._gun.SetParticleMomentumDirection(direction)
        self._gun.SetParticlePosition(point - direction * (_START_MM / direction.z))
        self._gun.GeneratePrimaryVertex(event)


class Readout(g4.G4UserEventAction):
    """Takes the energies of the cells and the time of every event."""

    def __init__(self, gun: Gun, geometry: Volumes, events: int) -> None:
        super().__init__()
        self._gun = gun
        self.arrays = {
            name: np.zeros((events, *shape), np.float32)
            for name, shape in geometry.scored.items()
        }
        self.cpu_s = np.zeros(events)

    def EndOfEventAction(self, event: Any) -> None:
        """Reads the hits; called by Geant4."""
        number = event.GetEventID()
        found = event.GetHCofThisEvent()
        for name, array in self.arrays.items():
            cells = array[number].reshape(-1)
            collection = g4.G4SDManager.GetSDMpointer().GetCollectionID(
                f"{name}/energy"
            )
            for cell, energy in found.GetHC(collection):
                cells[cell] = energy / g4.MeV
        self.cpu_s[number] = time.process_time() - self._gun.begun_s


def run(geometry: Volumes, cut_mm: float, folder: Path) -> None:
    """Simulates the events of a folder.

    Args:
        geometry: The detector.
        cut_mm: Production cut [mm].
        folder: Where the parent has put what is to be done.
    """
    work = child_task.read(folder)
    manager = g4.G4RunManagerFactory.CreateRunManager(g4.G4RunManagerType.Serial)
    physics = g4.G4VModularPhysicsList()
    physics.RegisterPhysics(g4.G4EmStandardPhysics())
    manager.SetUserInitialization(geometry)
    manager.SetUserInitialization(physics)
    # Geant4 wants the physics first.
    gun = Gun(work.primaries, work.parent)
    manager.SetUserAction(gun)
    manager.Initialize()
    # What is scored is known only now.
    readout = Readout(gun, geometry, len(work.primaries))
    manager.SetUserAction(readout)
    # The default cut of a physics list has no effect here.
    g4.G4UImanager.GetUIpointer().ApplyCommand(f"/run/setCut {cut_mm} mm")
    # The generator, MIXMAX, has a stream of its own for every two words, which may not
    # be 0: a 0 ends the list.
    g4.HepRandom.setTheSeeds([work.seed + 1, work.stream + 1, 0], 2)
    manager.BeamOn(len(work.primaries))
    child_task.write_showers(folder, {**readout.arrays, "cpu_s": readout.cpu_s})
