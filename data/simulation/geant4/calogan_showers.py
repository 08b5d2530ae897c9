"""Showers of CaloGAN's calorimeter, and the layout of its public files."""

import contextlib
import dataclasses
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from common.atomic_files import replacing
from data.events import DataError

CELLS = ((3, 96), (12, 12), (12, 6))
"""Cells of each layer in x and y."""


@dataclasses.dataclass(frozen=True, eq=False)
class CaloganShowers:
    """Showers in three layers of different cells, axis 0 of an image being x.

    Attributes:
        layers: Energies in the cells, absorber and gap together [MeV], float32 [events,
            3, 96], [events, 12, 12] and [events, 12, 6].
        active: Energies in the liquid argon alone [MeV], of the same shapes.
        overflow: Energies beside the cells of each layer [MeV], float32 [events, 3].
        energy_gev: Energies of the particles [GeV], float32 [events].
        cpu_s: Processor time of each event [s], float32 [events].
    """

    layers: tuple[NDArray[np.float32], ...]
    active: tuple[NDArray[np.float32], ...]
    overflow: NDArray[np.float32]
    energy_gev: NDArray[np.float32]
    cpu_s: NDArray[np.float32]

    def __len__(self) -> int:
        """Returns the number of events."""
        return len(self.energy_gev)

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "CaloganShowers":
        """Takes what `geant4_showers.simulate` has returned."""
        layers = range(len(CELLS))
        energy = arrays["condition"][:, 0]
        return cls(
            layers=tuple(arrays[f"layer_{layer}"] for layer in layers),
            active=tuple(arrays[f"active_{layer}"] for layer in layers),
            overflow=arrays["overflow"],
            energy_gev=energy.astype(np.float32),
            cpu_s=arrays["cpu_s"].astype(np.float32),
        )

    def public(self) -> dict[str, NDArray[np.float32]]:
        """Returns the arrays of CaloGAN's layout, and "cpu_s"."""
        found = {f"layer_{layer}": values for layer, values in enumerate(self.layers)}
        return found | {
            "overflow": self.overflow,
            "energy": self.energy_gev[:, None],
            "cpu_s": self.cpu_s,
        }


def read_out(scored: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float32]]:
    """Sums the energies that `calogan_stack` scores as CaloGAN records them.

    Args:
        scored: Energies by name [MeV], [events, x, y, 1].

    Returns:
        "layer_0", "active_0" and so on, float32 [events, x, y], and "overflow",
        float32 [events, 3], all in MeV.
    """
    found = {}
    for layer in range(len(CELLS)):
        lead, argon = (scored[f"{what}_{layer}"][..., 0] for what in ("lead", "argon"))
        found[f"layer_{layer}"] = lead + argon
        found[f"active_{layer}"] = argon
    outside = [scored[f"outside_{layer}"][:, 0, 0, 0] for layer in range(len(CELLS))]
    return found | {"overflow": np.stack(outside, axis=1)}


def write(
    path: str | os.PathLike[str],
    pieces: Iterable[CaloganShowers],
    num: int,
    attributes: Mapping[str, Any],
) -> None:
    """Writes a file as CaloGAN's public ones, and "cpu_s": whole, or not at all.

    "layer_0" [num, 3, 96], "layer_1" [num, 12, 12], "layer_2" [num, 12, 6] and
    "overflow" [num, 3] in MeV, "energy" [num, 1] in GeV.

    Args:
        path: The file, replaced if it exists.
        pieces: Showers, one after the other.
        num: How many there are.
        attributes: Attributes of the file, for people.

    Raises:
        DataError: If the file cannot be written.
    """
    with contextlib.ExitStack() as stack:
        try:
            temporary = stack.enter_context(replacing(Path(path)))
            file = stack.enter_context(h5py.File(temporary, "w"))
            file.attrs.update(attributes)
            done = 0
            for piece in pieces:
                for name, values in piece.public().items():
                    if name not in file:
                        shape = (num, *values.shape[1:])
                        file.create_dataset(
                            name, shape, np.float32, compression="gzip", shuffle=True
                        )
                    file[name][done : done + len(piece)] = values
                done += len(piece)
        except (OSError, RuntimeError) as error:
            raise DataError(
                f"{path}: cannot be written ({' '.join(str(error).split())}); check "
                "that the folder exists, may be written to and has room"
            ) from error
