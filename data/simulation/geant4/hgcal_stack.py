"""The HGCAL prototype of `data.detectors.hgcal`, run in a child process.

    python -m data.simulation.geant4.hgcal_stack FOLDER

Seven silicon sensors of 0.3 mm behind absorbers of lead, copper and tungsten, front
face at z = 0. The lead brings the sensors to 3, 5.5, 8, 11, 14.5, 19 and 25 radiation
lengths; this choice is ours, not the stack of the test beam. Behind every sensor is a
gap of 10 mm, behind all of them two radiation lengths of lead.
"""

import math
import sys
from pathlib import Path
from typing import Any

import geant4_pybind as g4

from data.simulation.geant4 import event_loop
from data.simulation.geant4.volumes import VACUUM, Volumes

LEAD_MM = (13.211, 10.386, 10.386, 13.192, 15.999, 21.611, 30.030)
COPPER_MM, TUNGSTEN_MM, SILICON_MM, GAP_MM = 6.0, 0.8, 0.3, 10.0
BACK_MM = 11.2
SIDE_MM = 6.496
ROWS, COLUMNS = 12, 15
# Of every row, the columns that have a cell.
CELLS = (
    range(5, 10), range(3, 12), range(2, 13), *[range(1, 14)] * 5, range(2, 13),
    range(2, 13), range(4, 11), (6, 8),
)  # fmt: skip
WIDTH_MM = 600.0
CUT_MM = 0.05


def sensor_ends_mm() -> list[float]:
    """Returns the depth of the rear face of every sensor [mm]."""
    ends, z = [], 0.0
    for lead in LEAD_MM:
        z += lead + COPPER_MM + TUNGSTEN_MM + SILICON_MM
        ends.append(z)
        z += GAP_MM
    return ends


def place_mm(row: int, column: int) -> tuple[float, float]:
    """Returns the centre of a cell [mm]: every even column is half a cell lower."""
    x = 1.5 * SIDE_MM * (column - COLUMNS // 2)
    return x, math.sqrt(3.0) * SIDE_MM * (row - 5.0 - 0.5 * (column % 2 == 0))


class HgcalStack(Volumes):
    """The stack; scores "cells", [row and column, layer, 1]."""

    def build(self, world: Any) -> None:
        """Fills the world."""
        sensor = self.box("sensor", (WIDTH_MM, WIDTH_MM, SILICON_MM), VACUUM)
        cell = self._cells(sensor)
        for layer, end_mm in enumerate(sensor_ends_mm()):
            z = end_mm - SILICON_MM
            for number, (of, thickness) in enumerate(
                (("W", TUNGSTEN_MM), ("Cu", COPPER_MM), ("Pb", LEAD_MM[layer]))
            ):
                self._plate(f"{of}_{layer}_{number}", thickness, of, world, z)
                z -= thickness
            at_mm = (0.0, 0.0, end_mm - 0.5 * SILICON_MM)
            self.place(sensor, world, at_mm, layer)
        end_mm = sensor_ends_mm()[-1] + GAP_MM + BACK_MM
        self._plate("back", BACK_MM, "Pb", world, end_mm)
        # The cell in its sensor, the sensor in the world, the single world.
        self.score("cells", (ROWS * COLUMNS, len(LEAD_MM), 1), (0, 1, 2), cell)

    def _plate(
        self, name: str, thickness: float, of: str, world: Any, end_mm: float
    ) -> None:
        plate = self.box(name, (WIDTH_MM, WIDTH_MM, thickness), f"G4_{of}")
        self.place(plate, world, (0.0, 0.0, end_mm - 0.5 * thickness))

    def _cells(self, sensor: Any) -> Any:
        corners = [
            g4.G4TwoVector(SIDE_MM * math.cos(angle), SIDE_MM * math.sin(angle))
            for angle in (math.pi / 3.0 * corner for corner in range(6))
        ]
        centre = g4.G4TwoVector(0.0, 0.0)
        solid = g4.G4ExtrudedSolid(
            "cell", g4.G4TwoVectorVector(corners), 0.5 * SILICON_MM,
            centre, 1.0, centre, 1.0,
        )  # fmt: skip
        cell = self.volume(self.keep(solid), "G4_Si")
        for row, columns in enumerate(CELLS):
            for column in columns:
                at_mm = (*place_mm(row, column), 0.0)
                self.place(cell, sensor, at_mm, COLUMNS * row + column)
        return cell


if __name__ == "__main__":
    event_loop.run(HgcalStack(), CUT_MM, Path(sys.argv[1]))
