"""A writer of events of the ECAL as the `.npz` archives of the LHCb studies."""

import os
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common.atomic_files import replacing
from data import detectors
from data.detectors.spec import DetectorSpec
from data.events import DataError, Sample
from data.files.event_stream import Block, EventStream

_ARRAYS: Mapping[str, Callable[[Sample], NDArray[np.float32]]] = {
    "EnergyDeposit": lambda sample: sample.response,
    "ParticleMomentum": lambda sample: sample.condition[:, :3],
    "ParticlePoint": lambda sample: sample.condition[:, 3:],
}


def check_lhcb(path: str | os.PathLike[str], spec: DetectorSpec) -> None:
    """Refuses what this layout has no place for.

    Args:
        path: The file to write.
        spec: The detector of the events.

    Raises:
        DataError: If its name does not end in ".npz", or the detector is not the ECAL.
    """
    if Path(path).suffix != ".npz":
        raise DataError(f"{path}: archives are told by their name; end it in '.npz'")
    _check_shapes(path, spec.shape, (len(spec.condition_names),))


def _check_shapes(
    path: str | os.PathLike[str],
    response: tuple[int, ...],
    condition: tuple[int, ...],
) -> None:
    ecal = detectors.get("ecal")
    for name, received, shape in (
        ("responses", response, ecal.shape),
        ("conditions", condition, (len(ecal.condition_names),)),
    ):
        if received != shape:
            raise DataError(
                f"{path}: the LHCb layout holds {name} of shape {shape} per event, "
                f"received {received}; write other detectors as HDF5"
            )


def write_lhcb_stream(
    path: str | os.PathLike[str], stream: EventStream, compression: int | None = 6
) -> None:
    """Writes an archive from a stream of events, in constant memory.

    The arrays are those of `write_lhcb`. The stream is read once for each of them.

    Args:
        path: The file, replaced if it exists; its name ends in ".npz".
        stream: Events of the detector `ecal`, without weights.
        compression: Level of zlib, 1 to 9; None stores plain numbers.

    Raises:
        DataError: See `write_lhcb`.
    """
    path = Path(path)
    check_lhcb(path, stream.spec)
    method = zipfile.ZIP_STORED if compression is None else zipfile.ZIP_DEFLATED
    try:
        with (
            replacing(path) as temporary,
            zipfile.ZipFile(temporary, "w", method, compresslevel=compression) as file,
        ):
            for name, part in _ARRAYS.items():
                _write_member(path, file, name, stream, part)
    except OSError as error:
        raise DataError(
            f"{path}: cannot be written ({error.strerror}); check that the folder "
            "exists, may be written to and has room"
        ) from error


def _write_member(
    path: Path,
    file: zipfile.ZipFile,
    name: str,
    stream: EventStream,
    part: Callable[[Sample], NDArray[np.float32]],
) -> None:
    """Writes one array, a header and then rows, as `numpy.lib.format` says."""
    with file.open(f"{name}.npy", "w", force_zip64=True) as member:
        begun = False
        for block in stream.blocks():
            sample = block.sample
            if sample.weight is not None:
                raise DataError(
                    f"{path}: the LHCb layout has no place for weights, and the sample "
                    "is weighted; write it as HDF5"
                )
            values = np.ascontiguousarray(part(sample), np.float32)
            if not begun:
                header = np.lib.format.header_data_from_array_1_0(values)
                header["shape"] = (stream.events, *values.shape[1:])
                np.lib.format.write_array_header_1_0(member, header)
                begun = True
            member.write(values.data)


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
    _check_shapes(path, sample.response.shape[1:], sample.condition.shape[1:])

    def blocks() -> Iterator[Block]:
        yield Block(sample)

    write_lhcb_stream(path, EventStream(detectors.get("ecal"), len(sample), blocks))
