"""Volumes of Geant4 and what sums the energy in them; for the child process."""

from typing import Any

import geant4_pybind as g4

VACUUM = "G4_Galactic"
_WORLD_MM = 2000.0


class Volumes(g4.G4VUserDetectorConstruction):
    """A geometry. Geant4 keeps no references of its own: the object holds all parts.

    A subclass overrides `build`.

    Attributes:
        scored: Shape of the array of each scorer, by its name.
    """

    def __init__(self) -> None:
        super().__init__()
        self.scored: dict[str, tuple[int, int, int]] = {}
        self._parts: list[Any] = []
        self._scorers: list[tuple[str, tuple[int, int, int], list[Any]]] = []

    def build(self, world: Any) -> None:
        """Fills the world with volumes and calls `score` for the sensitive ones."""
        raise NotImplementedError

    def Construct(self) -> Any:
        """Builds all volumes; called by Geant4."""
        world = self.box("world", (_WORLD_MM, _WORLD_MM, _WORLD_MM), VACUUM)
        self.build(world)
        return self.place(world, None, (0.0, 0.0, 0.0))

    def ConstructSDandField(self) -> None:
        """Makes the cells sum their energies; called by Geant4."""
        for name, depths, parts in self._scorers:
            detector = self.keep(g4.G4MultiFunctionalDetector(name))
            scorer = g4.G4PSEnergyDeposit3D("energy", *self.scored[name], *depths)
            detector.RegisterPrimitive(self.keep(scorer))
            g4.G4SDManager.GetSDMpointer().AddNewDetector(detector)
            for part in parts:
                self.SetSensitiveDetector(part, detector)

    def keep(self, part: Any) -> Any:
        """Keeps an object of Geant4's as long as the geometry."""
        self._parts.append(part)
        return part

    def volume(self, solid: Any, of: str) -> Any:
        """Makes a volume of a solid and a material of Geant4's database."""
        material = g4.G4NistManager.Instance().FindOrBuildMaterial(of)
        return self.keep(g4.G4LogicalVolume(solid, material, solid.GetName()))

    def box(self, name: str, sides_mm: tuple[float, float, float], of: str) -> Any:
        """Makes a box, given its full sides."""
        solid = self.keep(g4.G4Box(name, *(0.5 * side for side in sides_mm)))
        return self.volume(solid, of)

    def tube(
        self,
        name: str,
        radii_mm: tuple[float, float],
        length_mm: float,
        of: str,
        angle: float = 2.0 * g4.pi,
    ) -> Any:
        """Makes a tube or a sector of one, which then begins at half the angle below x.

        A sector lies as Geant4 wants it of one that divides a tube.
        """
        start = 0.0 if angle == 2.0 * g4.pi else -0.5 * angle
        solid = g4.G4Tubs(name, *radii_mm, 0.5 * length_mm, start, angle)
        return self.volume(self.keep(solid), of)

    def place(
        self, part: Any, mother: Any, at_mm: tuple[float, float, float], number: int = 0
    ) -> Any:
        """Places a volume once, under a number."""
        place, name = g4.G4ThreeVector(*at_mm), part.GetName()
        return self.keep(
            g4.G4PVPlacement(None, place, part, name, mother, False, number, False)
        )

    def divide(
        self, part: Any, mother: Any, axis: Any, count: int, width: float
    ) -> None:
        """Fills a volume with copies along an axis: width in mm, of kPhi in radian."""
        name = part.GetName()
        self.keep(g4.G4PVReplica(name, part, mother, axis, count, width))

    def score(
        self,
        name: str,
        shape: tuple[int, int, int],
        depths: tuple[int, int, int],
        *parts: Any,
    ) -> None:
        """Lets volumes sum their energies.

        Args:
            name: Of the array.
            shape: How many copies are numbered along each of its axes.
            depths: How many volumes up each of these numbers is found.
            *parts: The sensitive volumes.
        """
        self.scored[name] = shape
        self._scorers.append((name, depths, list(parts)))
