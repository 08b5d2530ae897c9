"""A child process that runs a Geant4 simulation.

Geant4 ends the whole process where its data sets are missing, and a process can build
one geometry only: its kernel is a singleton.
"""

import os
import re
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from data.simulation.geant4 import child_task
from data.simulation.geant4.child_task import ChildTask, Primaries

_ROOT = Path(__file__).parents[3]
_PACKAGE = "data.simulation.geant4"
_LOG = "log.txt"
_LONGEST_REASON = 300
_DATA = "GEANT4_DATA_DIR"
_REMEDY = (
    "install requirements-geant4.txt, then run `python -c 'import geant4_pybind'` once "
    f"to download Geant4's data sets, or let {_DATA} name a folder that has them"
)


def run(
    geometry: str,
    primaries: Primaries,
    seed: int,
    *,
    stream: int = 0,
    scratch: Path | None = None,
) -> dict[str, NDArray[Any]]:
    """Simulates events in a child process and waits for them.

    Args:
        geometry: What the child runs, a module of this package.
        primaries: The particles, one an event.
        seed: Seed of Geant4's random numbers, from 0 to 2^31 - 1.
        stream: Number of their stream, for the parts of one simulation.
        scratch: An existing folder for temporary files; the system's by default.

    Returns:
        The energies that the geometry scores [MeV], by name, float32 [events, ...],
        and "cpu_s", the processor time of each event [s], [events].

    Raises:
        ValueError: If the seed or the stream is outside its range.
        ChildProcessError: If the child does not end well: no Geant4, no data sets.
    """
    for name, value in (("seed", seed), ("stream", stream)):
        if not 0 <= value <= child_task.LARGEST_SEED:
            raise ValueError(f"{name} must be from 0 to 2^31 - 1, received {value}")
    with tempfile.TemporaryDirectory(dir=scratch) as name:
        folder = Path(name).resolve()
        child_task.write(folder, ChildTask(primaries, seed, stream, os.getpid()))
        with (folder / _LOG).open("wb") as log:
            done = subprocess.run(
                [sys.executable, "-m", f"{_PACKAGE}.{geometry}", str(folder)],
                cwd=_ROOT,
                env=_environment(),
                # At a terminal the package would ask whether to download.
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                check=False,
            )
        found = child_task.showers(folder)
        if done.returncode or found is None:
            text = (folder / _LOG).read_text(encoding="utf-8", errors="replace")
            end = f"Geant4 ended with status {done.returncode}: {_reason(text)}"
            raise ChildProcessError(f"{end}; {_REMEDY}")
        return found


def _environment() -> dict[str, str]:
    """Returns the environment of the child, which runs in another folder."""
    found = dict(os.environ)
    if _DATA in found:
        found[_DATA] = str(Path(found[_DATA]).resolve())
    return found


def _reason(log: str) -> str:
    """Finds what Geant4 or Python said at last, as a single line."""
    stated = re.findall(r"issued by : (.*?)\*\*\*", log, re.DOTALL)
    lines = [line for line in log.splitlines() if line.strip()]
    found = stated[-1] if stated else lines[-1] if lines else "it said nothing"
    return textwrap.shorten(found, _LONGEST_REASON)
