"""A writer of events of the ECAL as the `.npz` archives of the LHCb studies."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data import detectors
from data.events import DataError, Sample


def _arrays(path: Path, sample: Sample) -> dict[str, NDArray[np.float32]]:
    """Returns the arrays of the layout, or says why there are none."""
    ecal = detectors.get("ecal")
    for name, values, shape in (
        ("responses", sample.response, ecal.shape),
        ("conditions", sample.condition, (len(ecal.condition_names),)),
    ):
        if values.shape[1:] != shape:
            raise DataError(
                f"{path}: the LHCb layout holds {name} of shape {shape} per event, "
                f"received {values.shape[1:]}; write other detectors with "
                "data.files.writers.write"
            )
    if sample.weight is not None:
        raise DataError(
            f"{path}: the LHCb layout has no place for weights, and the sample is "
            "weighted; write it with data.files.writers.write"
        )
    condition = np.asarray(sample.condition, np.float32)
    return {
        "EnergyDeposit": np.asarray(sample.response, np.float32),
        "ParticleMomentum": condition[:, :3],
        "ParticlePoint": condition[:, 3:],
    }


def write_lhcb(path: str | os.PathLike[str], sample: Sample) -> None:
    """Writes a compressed archive that `readers.read` and the LHCb studies can read.

    The arrays are `EnergyDeposit` [MeV], float32 [events, 30, 30], axis 0 being x;
    `ParticleMomentum` [GeV], float32 [events, 3]; `ParticlePoint` [cm], float32
    [events, 2]. The file has a temporary name until it is complete. The same content
    gives the same bytes.

    Args:
        path: The file, replaced if it exists; its name ends in ".npz".
        sample: Events of the detector `ecal`, without weights.

    Raises:
        DataError: If the sample is not of this detector or weighted, or the file cannot
            be written; nothing is left behind then.
    """
    path = Path(path)
    if path.suffix != ".npz":
        raise DataError(f"{path}: archives are told by their name; end it in '.npz'")
    arrays: dict[str, Any] = dict(_arrays(path, sample))
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            np.savez_compressed(file, **arrays)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise DataError(
                f"{path}: cannot be written ({error.strerror}); check that the folder "
                "exists, may be written to and has room"
            ) from error
        raise
