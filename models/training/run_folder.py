"""The folder of a run: whose it is, and what stands in it."""

import hashlib
import json
import pathlib
import platform
import subprocess
from collections.abc import Sequence
from typing import Any

import h5py
import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from common.atomic_files import replacing
from data.detectors.spec import DetectorSpec
from models.training import config
from models.training.contract import Simulator

_EDGE_BYTES = 2**20
_MOST_ENERGIES = 32
_NOISE = "drawn for the whole batch"
"""Until November 2026 every replica drew noise of its own, and nothing was said."""


def _fingerprint(paths: Sequence[str]) -> str:
    """Identifies files by size, first and last megabyte: exact enough and quick."""
    digest = hashlib.sha256()
    for path in paths:
        size = pathlib.Path(path).stat().st_size
        digest.update(str(size).encode())
        with open(path, "rb") as handle:
            digest.update(handle.read(_EDGE_BYTES))
            handle.seek(max(0, size - _EDGE_BYTES))
            digest.update(handle.read())
    return digest.hexdigest()[:16]


def _versions() -> dict[str, str]:
    folder = pathlib.Path(__file__).parent
    try:
        result = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
        commit = result.stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        commit = "unknown"
    return {
        "fastsim_zoo": commit,
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        "h5py": h5py.__version__,
    }


def _as_today(
    fields: dict[str, Any], settings: config.TrainingConfig
) -> dict[str, Any]:
    """Returns saved settings under today's names, new ones with their default."""
    if "averaging" in fields:
        fields["ema_decay"] = fields["averaging"]
    return {**config.as_json(type(settings)()), **fields}


def claim(
    workdir: pathlib.Path,
    model: str,
    settings: config.TrainingConfig,
    spec: DetectorSpec,
    paths: Sequence[str],
    pretrained: str | None = None,
) -> None:
    """Writes `config.json`, or checks that the one there describes this very run.

    Args:
        workdir: Folder of the run, made if it does not exist.
        model: ENTRY[/PRESET].
        settings: The entry's resolved Config.
        spec: The detector.
        paths: Files to train on.
        pretrained: Name of the model whose weights it starts with.

    Raises:
        ValueError: If the folder belongs to another run.
    """
    fields = config.as_json(settings)
    wanted = {
        "model": model.partition("/")[0],
        "detector": spec.name,
        "data": _fingerprint(paths),
    }
    if pretrained is not None:
        wanted["pretrained"] = pretrained
    path = workdir / "config.json"
    if not path.exists():
        workdir.mkdir(parents=True, exist_ok=True)
        document = {**wanted, "config": fields, "versions": _versions()}
        document["noise"] = _NOISE
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(document, indent=1) + "\n")
        return
    try:
        found = json.loads(path.read_text())
        settings_found = _as_today(found["config"], settings)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ValueError(
            f"{path} is damaged; choose another --workdir or remove this one"
        ) from None
    names = {*wanted, *({"pretrained"} & set(found))}
    differing = sorted(n for n in names if found.get(n) != wanted.get(n))
    if not differing:
        differing = [n for n in fields if settings_found.get(n) != fields[n]]
    if differing:
        raise ValueError(
            f"{workdir} holds another run ({found.get('model')}), different in: "
            f"{', '.join(differing)}; choose another --workdir"
        )


def has_old_noise(workdir: pathlib.Path) -> bool:
    """Tells whether several replicas, if there were any, drew noise of their own.

    Args:
        workdir: Folder of the run, claimed.
    """
    return json.loads((workdir / "config.json").read_text()).get("noise") != _NOISE


def description(model: str, energies_gev: NDArray[Any]) -> dict[str, Any]:
    """Returns what `signature.json` says about the training.

    Args:
        model: ENTRY[/PRESET].
        energies_gev: Distinct energies of the training events [GeV]; left out where
            there are too many to be a list of beam energies.
    """
    result: dict[str, Any] = {"model": model, "versions": _versions()}
    if len(energies_gev) <= _MOST_ENERGIES:
        result["trained_energies_gev"] = [float(energy) for energy in energies_gev]
    return result


def save(model: Simulator, workdir: pathlib.Path) -> None:
    """Writes `model.keras`, from which Keras restores model and optimizers.

    Args:
        model: The trained model.
        workdir: Folder of the run.
    """
    with replacing(workdir / "model.keras") as temporary:
        # Keras insists on the suffix.
        named = temporary.with_suffix(".keras")
        try:
            model.save(named)
            named.rename(temporary)
        finally:
            named.unlink(missing_ok=True)
