"""A cylinder of lead, to validate the simulation; run in a child process.

    python -m data.simulation.geant4.lead_block FOLDER

40 radiation lengths deep and 20 cm in radius, along z from z = 0, divided into slices
of half a radiation length and rings of 2 mm, whose energies Geant4 sums.
"""

import sys
from pathlib import Path
from typing import Any

import geant4_pybind as g4

from data.simulation.geant4 import event_loop
from data.simulation.geant4.volumes import Volumes

SLICES, RINGS = 80, 100
# The radiation length of lead is 5.612 mm.
SLICE_MM, RING_MM = 0.5 * 5.612, 2.0
CUT_MM = 0.1


class LeadBlock(Volumes):
    """The block; scores "cells", [slice, ring, 1]."""

    def build(self, world: Any) -> None:
        """Fills the world."""
        depth_mm, radii = SLICES * SLICE_MM, (0.0, RINGS * RING_MM)
        block = self.tube("block", radii, depth_mm, "G4_Pb")
        part = self.tube("slice", radii, SLICE_MM, "G4_Pb")
        ring = self.tube("ring", (0.0, RING_MM), SLICE_MM, "G4_Pb")
        self.place(block, world, (0.0, 0.0, 0.5 * depth_mm))
        self.divide(part, block, g4.kZAxis, SLICES, SLICE_MM)
        self.divide(ring, part, g4.kRho, RINGS, RING_MM)
        # The slice, its ring, the single block.
        self.score("cells", (SLICES, RINGS, 1), (1, 0, 2), ring)


if __name__ == "__main__":
    event_loop.run(LeadBlock(), CUT_MM, Path(sys.argv[1]))
