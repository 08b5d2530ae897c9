"""Long simulations in pieces that outlive a killed process.

Every piece has conditions and a stream of random numbers of its own, so that the
numbers depend neither on the jobs nor on interruptions.
"""

import dataclasses
import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common import process_lock, sealed_archive
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

    def alone(self) -> AbstractContextManager[None]:
        """Keeps other processes from the folder, from before `run` to after `remove`.

        Raises:
            BusyError: If another process is simulating the same file.
            OSError: If the folder cannot be written to.
        """
        lock = self.folder / process_lock.LOCK
        return process_lock.alone(lock, "choose another --output")

    def run(self, jobs: int, done: Callable[[int], None] | None = None) -> None:
        """Simulates the pieces that are missing.

        Args:
            jobs: Processes of Geant4 at a time.
            done: Is told the number of events, as it grows.

        Raises:
            DataError: If the folder holds pieces of another simulation or cannot be
                written to.
            ValueError: If the seed is none.
            ChildProcessError: If Geant4 does not run.
        """
        self._prepare()
        pool = ThreadPoolExecutor(jobs)
        try:
            for block, _ in enumerate(pool.map(self._simulate, self._blocks)):
                if done is not None:
                    done(min((block + 1) * BLOCK_EVENTS, self.num))
        finally:
            pool.shutdown(cancel_futures=True)
            if not any(self._path(block).exists() for block in self._blocks):
                self.remove()

    def pieces(self) -> Iterator[dict[str, NDArray[Any]]]:
        """Reads all pieces, after `run`.

        Yields:
            The arrays of `geant4_showers.simulate` of one piece after the other.
        """
        for block in self._blocks:
            with np.load(self._path(block)) as arrays:
                piece = dict(arrays)
            yield piece

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
                    # A process of Geant4 that was left behind may still write there.
                    shutil.rmtree(path, ignore_errors=True)
            with replacing(stored) as temporary:
                temporary.write_text(json.dumps(settings), encoding="utf-8")
        except OSError as error:
            raise DataError(
                f"{self.folder}: pieces cannot be stored there ({error}); check that "
                "the folder exists, may be written to and has room"
            ) from error

    @property
    def _blocks(self) -> range:
        return range(-(-self.num // BLOCK_EVENTS))

    def _path(self, block: int) -> Path:
        return self.folder / f"piece_{block:06d}.npz"

    def _simulate(self, block: int) -> None:
        path = self._path(block)
        if path.exists() and sealed_archive.intact(path) is not False:
            return
        num = min(BLOCK_EVENTS, self.num - block * BLOCK_EVENTS)
        arrays: dict[str, Any] = geant4_showers.simulate(
            self.setup.name,
            conditions(self.setup, self.beam, num, self.seed, block),
            self.seed,
            particle=self.beam.particle,
            stream=block,
            scratch=self.folder,
        )
        with replacing(path) as temporary:
            with temporary.open("wb") as file:
                np.savez_compressed(file, **arrays)
            sealed_archive.seal(temporary)


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
