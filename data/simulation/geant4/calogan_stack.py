"""CaloGAN's calorimeter, run in a child process.

    python -m data.simulation.geant4.calogan_stack FOLDER

80 layers of 2 mm lead and 4 mm liquid argon, 100 x 100 cm wide, front face at z = 0, in
three sections of 15, 58 and 7 layers. The central 48 x 48 cm are divided into cells:
3 x 96, 12 x 12 and 12 x 6 in x and y.

Source: Paganini, de Oliveira, Nachman, arXiv:1712.10321.
"""

import sys
from pathlib import Path
from typing import Any

import geant4_pybind as g4

from data.simulation.geant4 import event_loop
from data.simulation.geant4.calogan_showers import CELLS
from data.simulation.geant4.volumes import VACUUM, Volumes

LAYERS = (15, 58, 7)
LEAD_MM, ARGON_MM = 2.0, 4.0
LAYER_MM = LEAD_MM + ARGON_MM
WIDTH_MM, CELLS_MM = 1000.0, 480.0
CUT_MM = 0.1


class CaloganStack(Volumes):
    """The stack; scores "lead_0", "argon_0", "outside_0" and so on of every section."""

    def build(self, world: Any) -> None:
        """Fills the world."""
        front_mm = 0.0
        for number, layers in enumerate(LAYERS):
            depth_mm = layers * LAYER_MM
            sides = (WIDTH_MM, WIDTH_MM, depth_mm)
            section = self.box(f"section_{number}", sides, VACUUM)
            self.place(section, world, (0.0, 0.0, front_mm + 0.5 * depth_mm))
            self._fill(section, number)
            front_mm += depth_mm

    def _fill(self, section: Any, number: int) -> None:
        sides = (WIDTH_MM, WIDTH_MM, LAYER_MM)
        layer = self.box(f"layer_{number}", sides, VACUUM)
        self.divide(layer, section, g4.kZAxis, LAYERS[number], LAYER_MM)
        plates = []
        for what, of, thickness, z in (
            ("lead", "G4_Pb", LEAD_MM, -0.5 * ARGON_MM),
            ("argon", "G4_lAr", ARGON_MM, 0.5 * LEAD_MM),
        ):
            name = f"{what}_{number}"
            plate = self.box(f"{name}_plate", (WIDTH_MM, WIDTH_MM, thickness), of)
            self.place(plate, layer, (0.0, 0.0, z))
            self._cells(plate, name, CELLS[number], of, thickness)
            plates.append(plate)
        self.score(f"outside_{number}", (1, 1, 1), (0, 0, 0), *plates)

    def _cells(
        self, plate: Any, name: str, cells: tuple[int, int], of: str, thickness: float
    ) -> None:
        x_mm, y_mm = (CELLS_MM / count for count in cells)
        centre = self.box(f"{name}_centre", (CELLS_MM, CELLS_MM, thickness), of)
        row = self.box(f"{name}_row", (x_mm, CELLS_MM, thickness), of)
        cell = self.box(f"{name}_cell", (x_mm, y_mm, thickness), of)
        self.place(centre, plate, (0.0, 0.0, 0.0))
        self.divide(row, centre, g4.kXAxis, cells[0], x_mm)
        self.divide(cell, row, g4.kYAxis, cells[1], y_mm)
        # x, y, and the single centre of a plate.
        self.score(name, (*cells, 1), (1, 0, 2), cell)


if __name__ == "__main__":
    event_loop.run(CaloganStack(), CUT_MM, Path(sys.argv[1]))
