"""What a child process has to do and what it has done, in files of a folder.

Nothing here imports TensorFlow, for which a child would wait.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

LARGEST_SEED = 2**31 - 1
"""Of seeds and of numbers of streams."""

PARTICLES = ("e-", "e+", "gamma")
"""What electromagnetic physics alone can follow."""

_EVENTS, _SHOWERS = "events.npz", "showers.npz"


@dataclasses.dataclass(frozen=True, eq=False)
class Primaries:
    """One particle for every event, which starts just before the face z = 0.

    Attributes:
        particle: One of `PARTICLES`.
        kinetic_gev: Kinetic energies [GeV], float64 [events].
        direction: Unit vectors, z above 0, float64 [events, 3].
        impact_cm: Where they enter the face, x and y [cm], float64 [events, 2].
    """

    particle: str
    kinetic_gev: NDArray[np.float64]
    direction: NDArray[np.float64]
    impact_cm: NDArray[np.float64]

    def __len__(self) -> int:
        """Returns the number of events."""
        return len(self.kinetic_gev)


@dataclasses.dataclass(frozen=True, eq=False)
class ChildTask:
    """What a child has to do.

    Attributes:
        primaries: The particles.
        seed: The user's, from 0 to `LARGEST_SEED`.
        stream: Number of the random numbers' stream, in the same range. Streams of
            different seed or number never meet.
        parent: Process without which the child has nothing to do.
    """

    primaries: Primaries
    seed: int
    stream: int
    parent: int


def write(folder: Path, task: ChildTask) -> None:
    """Writes, in the parent, what the child has to do."""
    primaries = dataclasses.asdict(task.primaries)
    numbers = {name: getattr(task, name) for name in ("seed", "stream", "parent")}
    np.savez(folder / _EVENTS, **primaries, **numbers)


def read(folder: Path) -> ChildTask:
    """Reads, in the child, what it has to do."""
    with np.load(folder / _EVENTS) as arrays:
        primaries = Primaries(
            str(arrays["particle"]),
            arrays["kinetic_gev"],
            arrays["direction"],
            arrays["impact_cm"],
        )
        numbers = (int(arrays[name]) for name in ("seed", "stream", "parent"))
        return ChildTask(primaries, *numbers)


def write_showers(folder: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Writes, in the child, the energies and the processor times."""
    named: dict[str, Any] = dict(arrays)
    np.savez(folder / _SHOWERS, **named)


def showers(folder: Path) -> dict[str, NDArray[Any]] | None:
    """Reads, in the parent, what the child has written; None if it has not."""
    if not (folder / _SHOWERS).exists():
        return None
    with np.load(folder / _SHOWERS) as arrays:
        return dict(arrays)
