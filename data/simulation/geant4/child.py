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

import numpy as np
from numpy.typing import NDArray

_ROOT = Path(__file__).parents[3]
_EVENTS, _SHOWERS, _LOG = "events.npz", "showers.npz", "log.txt"
_LONGEST_REASON = 300
_DATA = "GEANT4_DATA_DIR"
_REMEDY = (
    "install requirements-geant4.txt, then run `python -c 'import geant4_pybind'` once "
    f"to download Geant4's data sets, or let {_DATA} name a folder that has them"
)


def run(
    module: str, condition: NDArray[np.float32], seed: int
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Simulates events in a child process and waits for them.

    Args:
        module: What the child runs: a module that calls `read` and `write`.
        condition: Conditions of the events, [events, conditions].
        seed: Seed of Geant4's random numbers.

    Returns:
        Responses, [events, ...], and the processor time of each event [s], [events].

    Raises:
        ChildProcessError: If the child does not end well: no Geant4, no data sets.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.savez(folder / _EVENTS, condition=condition, seed=seed)
        with (folder / _LOG).open("wb") as log:
            done = subprocess.run(
                [sys.executable, "-m", module, str(folder)],
                cwd=_ROOT,
                env=_environment(),
                # At a terminal the package would ask whether to download.
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if done.returncode or not (folder / _SHOWERS).exists():
            text = (folder / _LOG).read_text(encoding="utf-8", errors="replace")
            end = f"Geant4 ended with status {done.returncode}: {_reason(text)}"
            raise ChildProcessError(f"{end}; {_REMEDY}")
        with np.load(folder / _SHOWERS) as arrays:
            return arrays["response"], arrays["cpu_s"]


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


def read(folder: Path) -> tuple[NDArray[np.float32], int]:
    """Reads, in the child, the conditions and the seed."""
    with np.load(folder / _EVENTS) as arrays:
        return arrays["condition"], int(arrays["seed"])


def write(
    folder: Path, response: NDArray[np.float32], cpu_s: NDArray[np.float64]
) -> None:
    """Writes, in the child, the responses and the processor times [s]."""
    np.savez(folder / _SHOWERS, response=response, cpu_s=cpu_s)
