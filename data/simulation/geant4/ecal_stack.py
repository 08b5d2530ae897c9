"""The simulation of electrons in the ECAL, run in a child process by `ecal_showers`.

    python -m data.simulation.geant4.ecal_stack FOLDER

66 layers of 2 mm lead and 4 mm polystyrene in vacuum, 60 x 60 cm wide, front face at
z = 0. Every tile of scintillator is divided into 30 x 30 cells; Geant4 sums the energy
in each of them over all layers, and Python is called once per event.
"""

import math
import sys
import time
from pathlib import Path
from typing import Any

import geant4_pybind as g4
import numpy as np
from numpy.typing import NDArray

from data.simulation.geant4 import child

CELLS = 30
CELL_MM = 20.0
LAYERS = 66
LEAD_MM, SCINTILLATOR_MM = 2.0, 4.0
LAYER_MM = LEAD_MM + SCINTILLATOR_MM
WIDTH_MM = CELLS * CELL_MM
DEPTH_MM = LAYERS * LAYER_MM
WORLD_MM = 2000.0
# From 0.02 to 1 mm the response is the same within its errors.
CUT_MM = 0.1
# Electrons start in the vacuum, so that none begins on a surface.
START_MM = 1.0


class Construction(g4.G4VUserDetectorConstruction):
    """The stack. Geant4 keeps no references of its own: the object holds all parts."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[Any] = []
        self._tile: Any = None

    def _keep(self, part: Any) -> Any:
        self._parts.append(part)
        return part

    def _box(self, name: str, sides_mm: tuple[float, float, float], of: str) -> Any:
        material = g4.G4NistManager.Instance().FindOrBuildMaterial(of)
        solid = self._keep(g4.G4Box(name, *(0.5 * side for side in sides_mm)))
        return self._keep(g4.G4LogicalVolume(solid, material, name))

    def _place(self, part: Any, mother: Any, z_mm: float) -> Any:
        place = g4.G4ThreeVector(0.0, 0.0, z_mm)
        name = part.GetName()
        return self._keep(
            g4.G4PVPlacement(None, place, part, name, mother, False, 0, False)
        )

    def _divide(self, part: Any, mother: Any, axis: Any, width_mm: float) -> None:
        count = LAYERS if axis == g4.kZAxis else CELLS
        name = part.GetName()
        self._keep(g4.G4PVReplica(name, part, mother, axis, count, width_mm))

    def Construct(self) -> Any:
        """Builds all volumes; called by Geant4."""
        vacuum, plastic = "G4_Galactic", "G4_POLYSTYRENE"
        world = self._box("world", (WORLD_MM, WORLD_MM, WORLD_MM), vacuum)
        stack = self._box("stack", (WIDTH_MM, WIDTH_MM, DEPTH_MM), vacuum)
        layer = self._box("layer", (WIDTH_MM, WIDTH_MM, LAYER_MM), vacuum)
        lead = self._box("lead", (WIDTH_MM, WIDTH_MM, LEAD_MM), "G4_Pb")
        sheet = self._box("sheet", (WIDTH_MM, WIDTH_MM, SCINTILLATOR_MM), plastic)
        row = self._box("row", (CELL_MM, WIDTH_MM, SCINTILLATOR_MM), plastic)
        self._tile = self._box("tile", (CELL_MM, CELL_MM, SCINTILLATOR_MM), plastic)
        self._place(stack, world, 0.5 * DEPTH_MM)
        self._divide(layer, stack, g4.kZAxis, LAYER_MM)
        self._place(lead, layer, -0.5 * SCINTILLATOR_MM)
        self._place(sheet, layer, 0.5 * LEAD_MM)
        self._divide(row, sheet, g4.kXAxis, CELL_MM)
        self._divide(self._tile, row, g4.kYAxis, CELL_MM)
        return self._place(world, None, 0.0)

    def ConstructSDandField(self) -> None:
        """Makes the tiles sum their energies; called by Geant4."""
        detector = self._keep(g4.G4MultiFunctionalDetector("ecal"))
        # How many volumes up x, y and the single sheet of scintillator are numbered.
        depths = (1, 0, 2)
        scorer = g4.G4PSEnergyDeposit3D("energy", CELLS, CELLS, 1, *depths)
        detector.RegisterPrimitive(self._keep(scorer))
        g4.G4SDManager.GetSDMpointer().AddNewDetector(detector)
        self.SetSensitiveDetector(self._tile, detector)


class Gun(g4.G4VUserPrimaryGeneratorAction):
    """Shoots one electron per event."""

    def __init__(self, condition: NDArray[np.float32]) -> None:
        super().__init__()
        self._condition = condition.astype(np.float64)
        self._gun = g4.G4ParticleGun(1)
        self._gun.SetParticleDefinition(g4.G4Electron.Definition())
        self.begun_s = 0.0

    def GeneratePrimaries(self, event: Any) -> None:
        """Starts an event; called by Geant4."""
        self.begun_s = time.process_time()
        *momentum_gev, x_cm, y_cm = self._condition[event.GetEventID()]
        momentum = math.hypot(*momentum_gev) * g4.GeV
        direction = g4.G4ThreeVector(*momentum_gev).unit()
        mass = g4.electron_mass_c2
        point = g4.G4ThreeVector(x_cm * g4.cm, y_cm * g4.cm, 0.0)
        self._gun.SetParticleEnergy(math.hypot(momentum, mass) - mass)
        self._gun.SetParticleMomentumDirection(direction)
        self._gun.SetParticlePosition(point - direction * (START_MM / direction.z))
        self._gun.GeneratePrimaryVertex(event)


class Readout(g4.G4UserEventAction):
    """Takes the energies of the cells and the time of every event."""

    def __init__(self, gun: Gun, events: int) -> None:
        super().__init__()
        self._gun = gun
        self.response = np.zeros((events, CELLS, CELLS), np.float32)
        self.cpu_s = np.zeros(events)

    def EndOfEventAction(self, event: Any) -> None:
        """Reads the hits; called by Geant4."""
        number = event.GetEventID()
        cells = self.response[number].reshape(-1)
        for cell, energy in event.GetHCofThisEvent().GetHC(0):
            cells[cell] = energy / g4.MeV
        self.cpu_s[number] = time.process_time() - self._gun.begun_s


def main(folder: Path) -> None:
    """Simulates the events of a folder.

    Args:
        folder: Where `data.simulation.geant4.child` has put the conditions.
    """
    condition, seed = child.read(folder)
    manager = g4.G4RunManagerFactory.CreateRunManager(g4.G4RunManagerType.Serial)
    physics = g4.G4VModularPhysicsList()
    physics.RegisterPhysics(g4.G4EmStandardPhysics())
    manager.SetUserInitialization(Construction())
    manager.SetUserInitialization(physics)
    # Geant4 wants the physics first.
    gun = Gun(condition)
    readout = Readout(gun, len(condition))
    manager.SetUserAction(gun)
    manager.SetUserAction(readout)
    manager.Initialize()
    # The default cut of a physics list has no effect here.
    g4.G4UImanager.GetUIpointer().ApplyCommand(f"/run/setCut {CUT_MM} mm")
    g4.HepRandom.setTheSeed(seed)
    manager.BeamOn(len(condition))
    child.write(folder, readout.response, readout.cpu_s)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
