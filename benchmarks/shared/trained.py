"""Models that a command of this folder trains and then compares with Geant4."""

import pathlib
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.detectors.spec import DetectorSpec
from data.files import readers
from data.samples.bundled import sample_of
from metrics.evaluation.saved_model import SavedSimulator
from metrics.showers.shower_pairs import Comparison
from metrics.statistics.arrays import Array
from metrics.statistics.distances import scale, weighted_wasserstein
from metrics.statistics.energy_bins import choose, strata
from metrics.statistics.resampling import Metric, Resampling

_Numbers = NDArray[np.float32]
_ROOT = pathlib.Path(__file__).resolve().parents[2]


def train(
    model: str,
    workdir: pathlib.Path,
    seed: int,
    settings: Mapping[str, Any],
    detector: str = "ecal",
    data: pathlib.Path | None = None,
) -> None:
    """Runs `train.py`, which continues a training that was stopped.

    Args:
        model: ENTRY/PRESET.
        workdir: Folder of the run.
        seed: Its seed.
        settings: Changes to the preset.
        detector: Whose sample in the repository it learns from.
        data: Another file that it learns from instead.

    Raises:
        OSError: If the training fails.
    """
    arguments = [
        f"--model={model}",
        f"--workdir={workdir.resolve()}",
        f"--seed={seed}",
        f"--data={data.resolve() if data else sample_of(detector)}",
        *(f"--set={name}={value}" for name, value in settings.items()),
    ]
    done = subprocess.run([sys.executable, "train.py", *arguments], cwd=_ROOT)
    if done.returncode:
        raise OSError(f"train.py {' '.join(arguments)} failed; see above")


def simulated(
    workdir: pathlib.Path, split: str, num: int, detector: str = "ecal"
) -> tuple[DetectorSpec, str, _Numbers, _Numbers, _Numbers]:
    """Simulates showers with a trained model, at Geant4's conditions.

    Args:
        workdir: Folder of the run.
        split: Split of the sample in the repository.
        num: Largest number of showers.
        detector: Whose sample.

    Returns:
        The detector, the acceptance of the model, the conditions, Geant4's responses
        and those of the model.
    """
    path = sample_of(detector)
    spec = readers.detect([path])
    sample = readers.read([path], spec, split=split)
    chosen = choose(strata(spec.incident_energy(sample.condition)), num, 0)
    condition, response = sample.condition[chosen], sample.response[chosen]
    simulator = SavedSimulator(workdir / "saved_model", spec)
    return spec, simulator.mask, condition, response, simulator(condition, 0)


def comparison(workdir: pathlib.Path, split: str, num: int) -> Comparison:
    """Compares showers of the ECAL of a trained model with Geant4's.

    Args:
        workdir: Folder of the run.
        split: Split of the sample in the repository.
        num: Largest number of showers.
    """
    return Comparison(*simulated(workdir, split, num))


def distance(compared: Comparison, name: str) -> Metric:
    """Measures W1 of an observable in standard deviations, beside its floor.

    Args:
        compared: Generated and reference showers.
        name: Name of the observable.
    """
    pair: list[Array] = [values[name] for values in compared.values]
    width = scale(pair[1])
    resampling = Resampling(strata(compared.energy), 0)
    return resampling.against_floor(
        pair[0] / width, pair[1] / width, weighted_wasserstein
    )
