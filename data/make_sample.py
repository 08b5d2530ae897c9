"""Makes data/samples/hgcal_geant4.h5 from shards of Geant4 showers.

python -m data.make_sample SHARD.npz [SHARD.npz ...] --output=FILE.h5

Every shard holds the showers of one energy; its file name ends in the number of its
round, e.g. "hgcal_020GeV_03.npz". The split goes by round. Energies are rounded to
twelve significant bits, so that the file stays small. The same shards give the same
bytes.
"""

import argparse
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data import spec, writers
from data.readers import SPLITS, DataError, Sample, read

EVALUATION_ONLY_GEV = 70.0
TRAINING_ROUNDS = (0, 1, 2)
VALIDATION_ROUNDS = (3,)
MANTISSA_BITS = 11
ATTRIBUTES = {
    "generator": "Geant4",
    "generator_version": "11.4.1",
    "physics_list": "G4EmStandardPhysics",
    "production_cut_mm": 0.05,
    "mip_mev": 0.085,
    "seed": "one per energy and round",
    "rounding": f"{MANTISSA_BITS} bits of mantissa, relative error below 2**-12",
    "licence": "CC-BY-4.0",
}


def rounded(values: NDArray[np.float32], bits: int) -> NDArray[np.float32]:
    """Rounds floating-point numbers to fewer significant bits.

    Args:
        values: Numbers, float32 of any shape.
        bits: Bits of the mantissa to keep, 1 to 22; the relative error is at most
            2**-(bits + 1).

    Returns:
        The nearest numbers with so short a mantissa, ties to even.
    """
    dropped = np.uint32(23 - bits)
    integers = np.ascontiguousarray(values, np.float32).view(np.uint32)
    odd = (integers >> dropped) & np.uint32(1)
    half = np.uint32((1 << (int(dropped) - 1)) - 1)
    kept = ((integers + half + odd) >> dropped) << dropped
    return kept.view(np.float32)


def split_of(energy_gev: float, number: int) -> str:
    """Returns the split of the showers of one shard."""
    if energy_gev == EVALUATION_ONLY_GEV:
        return "test"
    if number in TRAINING_ROUNDS:
        return "train"
    return "validation" if number in VALIDATION_ROUNDS else "test"


def _round_number(path: str) -> int:
    match = re.search(r"_(\d+)\.npz$", path)
    if match is None:
        raise DataError(f"{path}: the name does not end in _ROUND.npz")
    return int(match.group(1))


def collect(paths: Sequence[str]) -> dict[str, Any]:
    """Reads the shards and puts their events in order.

    Inside a split the energies alternate, so that any part of it holds them all.

    Args:
        paths: The shards.

    Returns:
        The keyword arguments of `writers.write`: sample, split and cpu_s.
    """
    detector = spec.get("hgcal")
    shards: dict[tuple[int, float], list[Any]] = defaultdict(list)
    for path in sorted(paths, key=lambda name: Path(name).name):
        sample = read(path, detector)
        with np.load(path, allow_pickle=False) as arrays:
            cpu_s = float(arrays["cpu_s"]) / len(sample)
        energy_gev = float(sample.condition[0, 0])
        split = SPLITS.index(split_of(energy_gev, _round_number(path)))
        shards[split, energy_gev].append((sample, cpu_s))
    order, parts = [], []
    for (split, energy_gev), members in sorted(shards.items()):
        response = np.concatenate([sample.response for sample, _ in members])
        condition = np.concatenate([sample.condition for sample, _ in members])
        mean_cpu_s = float(np.mean([cpu_s for _, cpu_s in members]))
        count = len(response)
        parts.append((response, condition, np.full(count, mean_cpu_s, np.float32)))
        rank = (np.arange(count) + 0.5) / count
        order += [(split, position, energy_gev) for position in rank]
    places = sorted(range(len(order)), key=order.__getitem__)
    response, condition, cpu = (
        np.concatenate([part[column] for part in parts])[places] for column in range(3)
    )
    return {
        "sample": Sample(rounded(response, MANTISSA_BITS), condition),
        "split": [SPLITS[order[place][0]] for place in places],
        "cpu_s": cpu,
    }


def main() -> None:
    """Reads the shards named on the command line and writes the sample."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shards", nargs="+", help="files of one energy and round each")
    parser.add_argument("--output", required=True, help="the sample to write")
    arguments = parser.parse_args()
    writers.write(
        arguments.output,
        spec.get("hgcal"),
        attributes=ATTRIBUTES,
        compression=9,
        **collect(arguments.shards),
    )


if __name__ == "__main__":
    main()
