"""The ECAL of `data.detectors.ecal`, run in a child process.

    python -m data.simulation.geant4.ecal_stack FOLDER

66 layers of 2 mm lead and 4 mm polystyrene in vacuum, 60 x 60 cm wide, front face at
z = 0. Every tile of scintillator is divided into 30 x 30 cells; Geant4 sums the energy
in each of them over all layers.
"""

import sys
from pathlib import Path
from typing import Any

import geant4_pybind as g4

from data.simulation.geant4 import event_loop
from data.simulation.geant4.volumes import VACUUM, Volumes

CELLS = 30
CELL_MM = 20.0
LAYERS = 66
LEAD_MM, SCINTILLATOR_MM = 2.0, 4.0
LAYER_MM = LEAD_MM + SCINTILLATOR_MM
WIDTH_MM = CELLS * CELL_MM
DEPTH_MM = LAYERS * LAYER_MM
# From 0.02 to 1 mm the response is the same within its errors.
CUT_MM = 0.1


class EcalStack(Volumes):
    """The stack; scores "cells"."""

    def build(self, world: Any) -> None:
        """Fills the world."""
        plastic = "G4_POLYSTYRENE"
        stack = self.box("stack", (WIDTH_MM, WIDTH_MM, DEPTH_MM), VACUUM)
        layer = self.box("layer", (WIDTH_MM, WIDTH_MM, LAYER_MM), VACUUM)
        lead = self.box("lead", (WIDTH_MM, WIDTH_MM, LEAD_MM), "G4_Pb")
        sheet = self.box("sheet", (WIDTH_MM, WIDTH_MM, SCINTILLATOR_MM), plastic)
        row = self.box("row", (CELL_MM, WIDTH_MM, SCINTILLATOR_MM), plastic)
        tile = self.box("tile", (CELL_MM, CELL_MM, SCINTILLATOR_MM), plastic)
        self.place(stack, world, (0.0, 0.0, 0.5 * DEPTH_MM))
        self.divide(layer, stack, g4.kZAxis, LAYERS, LAYER_MM)
        self.place(lead, layer, (0.0, 0.0, -0.5 * SCINTILLATOR_MM))
        self.place(sheet, layer, (0.0, 0.0, 0.5 * LEAD_MM))
        self.divide(row, sheet, g4.kXAxis, CELLS, CELL_MM)
        self.divide(tile, row, g4.kYAxis, CELLS, CELL_MM)
        # x, y, and the single sheet of scintillator in a layer.
        self.score("cells", (CELLS, CELLS, 1), (1, 0, 2), tile)


if __name__ == "__main__":
    event_loop.run(EcalStack(), CUT_MM, Path(sys.argv[1]))
