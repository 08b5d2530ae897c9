"""The calorimeter around which `data.detectors.cylinder` lies, run in a child process.

    python -m data.simulation.geant4.cylinder_stack FOLDER

90 layers of 1.4 mm tungsten and 0.3 mm silicon, 60 x 60 cm wide, front face at z = 0.
In every layer of silicon a disc is divided into angles and rings, whose energies Geant4
sums. The detector itself is a barrel; for a particle that comes perpendicularly, and
within 4 cm of a radius of 80 cm, flat layers are the same.
"""

import sys
from pathlib import Path
from typing import Any

import geant4_pybind as g4

from data.simulation.geant4 import event_loop
from data.simulation.geant4.volumes import VACUUM, Volumes

TUNGSTEN_MM, SILICON_MM = 1.4, 0.3
LAYER_MM = TUNGSTEN_MM + SILICON_MM
ANGLES, RINGS, LAYERS = 16, 9, 90
DEPTH_MM = LAYERS * LAYER_MM
RING_MM = 4.65
RADIUS_MM = RINGS * RING_MM
WIDTH_MM = 600.0
CUT_MM = 0.05


class CylinderStack(Volumes):
    """The stack; scores "cells", [angle, ring, layer], all 90 layers by themselves."""

    def build(self, world: Any) -> None:
        """Fills the world."""
        radii, angle = (0.0, RADIUS_MM), 2.0 * g4.pi / ANGLES
        stack = self.box("stack", (WIDTH_MM, WIDTH_MM, DEPTH_MM), VACUUM)
        layer = self.box("layer", (WIDTH_MM, WIDTH_MM, LAYER_MM), VACUUM)
        plate = self.box("plate", (WIDTH_MM, WIDTH_MM, TUNGSTEN_MM), "G4_W")
        sheet = self.box("sheet", (WIDTH_MM, WIDTH_MM, SILICON_MM), "G4_Si")
        disc = self.tube("disc", radii, SILICON_MM, "G4_Si")
        sector = self.tube("sector", radii, SILICON_MM, "G4_Si", angle)
        cell = self.tube("cell", (0.0, RING_MM), SILICON_MM, "G4_Si", angle)
        self.place(stack, world, (0.0, 0.0, 0.5 * DEPTH_MM))
        self.divide(layer, stack, g4.kZAxis, LAYERS, LAYER_MM)
        self.place(plate, layer, (0.0, 0.0, -0.5 * SILICON_MM))
        self.place(sheet, layer, (0.0, 0.0, 0.5 * TUNGSTEN_MM))
        self.place(disc, sheet, (0.0, 0.0, 0.0))
        self.divide(sector, disc, g4.kPhi, ANGLES, angle)
        self.divide(cell, sector, g4.kRho, RINGS, RING_MM)
        # Ring, sector, disc, sheet, layer.
        shape = (ANGLES, RINGS, LAYERS)
        self.score("cells", shape, (1, 0, 4), cell)
        self.score("outside", (LAYERS, 1, 1), (1, 0, 0), sheet)


if __name__ == "__main__":
    event_loop.run(CylinderStack(), CUT_MM, Path(sys.argv[1]))
