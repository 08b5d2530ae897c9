"""Long simulations in pieces that outlive a killed process.

Every piece has conditions and a stream of random numbers of its own, so that the
numbers depend neither on the jobs nor on interruptions.
"""

import dataclasses
import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.atomic_files import replacing
from data.events import DataError
from data.simulation.geant4 import geant4_showers
from data.simulation.geant4.setups import BLOCK_EVENTS, Beam, Setup, conditions

_SETTINGS = "settings.json"


@dataclasses.dataclass(frozen=True)
class Simulation:
    """A simulation whose finished pieces lie in a folder.

    Attributes:
        setup: The detector.
        beam: What is shot.
        num: Number of events.
        seed: Of all random numbers, from 0 to 2^31 - 1.
        folder: Where the pieces lie; whoever has used them all removes it.
    """

    setup: Setup
    beam: Beam
    num: int
    seed: int
    folder: Path

    def run(self, jobs: int) -> Iterator[dict[str, NDArray[Any]]]:
        """Simulates what is missing, and yields all pieces in their order.

        Args:
            jobs: Processes of Geant4 at a time.

        Yields:
            The arrays of `geant4_showers.simulate`, piece by piece.

        Raises:
            DataError: If the folder holds pieces of another simulation or cannot be
                written to.
            ValueError: If Geant4 does not run, or the seed is none.
        """
        self._prepare()
        try:
            with ThreadPoolExecutor(jobs) as pool:
                blocks = range(-(-self.num // BLOCK_EVENTS))
                try:
                    for path in pool.map(self._simulate, blocks):
                        with np.load(path) as arrays:
                            yield dict(arrays)
                except BaseException:
                    pool.shutdown(wait=False, cancel_futures=True)
                    raise
        except ChildProcessError as error:
            # An OSError, which a writer would take for one of its own.
            raise ValueError(str(error)) from error
        finally:
            if not any(self.folder.glob("piece_*.npz")):
                self.remove()

    def remove(self) -> None:
        """Removes the pieces."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _prepare(self) -> None:
        """Makes the folder, or tidies up what a killed process has left in it."""
        settings: dict[str, object] = {
            "detector": self.setup.name,
            "particle": self.beam.particle,
            "energy_gev": list(self.beam.energy_gev),
            "impact_half_cm": self.beam.impact_half_cm,
            "num": self.num,
            "seed": self.seed,
        }
        stored = self.folder / _SETTINGS
        try:
            if stored.exists():
                _compare(self.folder, stored.read_text(encoding="utf-8"), settings)
            self.folder.mkdir(exist_ok=True)
            for path in self.folder.iterdir():
                if path.is_dir():
                    shutil.rmtree(path)
            with replacing(stored) as temporary:
                temporary.write_text(json.dumps(settings), encoding="utf-8")
        except OSError as error:
            raise DataError(
                f"{self.folder}: pieces cannot be stored there ({error}); check that "
                "the folder exists, may be written to and has room"
            ) from error

    def _simulate(self, block: int) -> Path:
        path = self.folder / f"piece_{block:06d}.npz"
        if path.exists():
            return path
        num = min(BLOCK_EVENTS, self.num - block * BLOCK_EVENTS)
        arrays: dict[str, Any] = geant4_showers.simulate(
            self.setup.name,
            conditions(self.setup, self.beam, num, self.seed, block),
            self.seed,
            particle=self.beam.particle,
            stream=block,
            scratch=self.folder,
        )
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, **arrays)
        return path


def _compare(folder: Path, stored: str, settings: dict[str, object]) -> None:
    """Refuses to go on with the pieces of another simulation."""
    try:
        found = dict(json.loads(stored))
    except (TypeError, ValueError):
        found = {}
    for name, value in settings.items():
        if found.get(name) != value:
            raise DataError(
                f"{folder}: holds pieces of an interrupted simulation with "
                f"{name}={found.get(name)}, not {value}; repeat that one, or remove "
                "the folder"
            )
