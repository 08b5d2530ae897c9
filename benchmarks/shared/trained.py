"""Models that a command of this folder trains and then compares with Geant4."""

import pathlib
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from data.files import readers
from data.samples.bundled import sample_of
from metrics.evaluation.saved_model import SavedSimulator
from metrics.showers.shower_pairs import Comparison
from metrics.statistics.energy_bins import choose, strata

_ROOT = pathlib.Path(__file__).resolve().parents[2]
_SAMPLE = sample_of("ecal")


def train(
    model: str, workdir: pathlib.Path, seed: int, settings: Mapping[str, Any]
) -> None:
    """Runs `train.py`, which continues a training that was stopped.

    Args:
        model: ENTRY/PRESET.
        workdir: Folder of the run.
        seed: Its seed.
        settings: Changes to the preset.

    Raises:
        OSError: If the training fails.
    """
    arguments = [
        f"--model={model}",
        f"--workdir={workdir.resolve()}",
        f"--seed={seed}",
        f"--data={_SAMPLE}",
        *(f"--set={name}={value}" for name, value in settings.items()),
    ]
    done = subprocess.run([sys.executable, "train.py", *arguments], cwd=_ROOT)
    if done.returncode:
        raise OSError(f"train.py {' '.join(arguments)} failed; see above")


def comparison(workdir: pathlib.Path, split: str, num: int) -> Comparison:
    """Simulates showers of the ECAL with a trained model, at Geant4's conditions.

    Args:
        workdir: Folder of the run.
        split: Split of the sample in the repository.
        num: Largest number of showers.

    Returns:
        The comparison with Geant4's showers.
    """
    spec = readers.detect([_SAMPLE])
    sample = readers.read([_SAMPLE], spec, split=split)
    chosen = choose(strata(spec.incident_energy(sample.condition)), num, 0)
    condition, response = sample.condition[chosen], sample.response[chosen]
    simulator = SavedSimulator(workdir / "saved_model", spec)
    generated = simulator(condition, 0)
    return Comparison(spec, simulator.mask, condition, response, generated)
