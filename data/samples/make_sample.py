"""Makes the samples in data/samples from shards of Geant4 showers.

python -m data.samples.make_sample SHARD.npz [SHARD.npz ...] --output=FILE.h5

The shards say which detector they are of. Their file names end in a number, e.g.
"ecal_0007.npz" or "hgcal_020GeV_03.npz", and the split goes by that number: a shard has
a seed of its own and belongs to one split as a whole. Energies are rounded to twelve
significant bits, so that the file stays small. The same shards give the same bytes.
"""

import argparse
import dataclasses
import re
from collections import defaultdict
from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from common.rounding import rounded
from data.detectors.spec import DetectorSpec
from data.files import writers
from data.files.readers import SPLITS, DataError, Sample, detect, read

MANTISSA_BITS = 11
_GENERATOR = {
    "generator": "Geant4",
    "generator_version": "11.4.1",
    "physics_list": "G4EmStandardPhysics",
}
_PUBLICATION = {
    "rounding": f"{MANTISSA_BITS} bits of mantissa, relative error below 2**-12",
    "licence": "CC-BY-4.0",
}


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How the shards of one detector are shared out.

    Attributes:
        train: Numbers of the shards to train on.
        validation: Numbers of the shards to validate on; all others are for the test.
        attributes: What the file says about the simulation of this detector.
        evaluation_only_gev: Beam energies of which all shards are for the test.
    """

    train: Container[int]
    validation: Container[int]
    attributes: Mapping[str, Any]
    evaluation_only_gev: Container[float] = ()

    def split(self, energy_gev: float, number: int) -> str:
        """Returns the split of all events of one shard."""
        if energy_gev in self.evaluation_only_gev:
            return "test"
        if number in self.train:
            return "train"
        return "validation" if number in self.validation else "test"


RECIPES = {
    "ecal": Recipe(
        train=range(12),
        validation=range(12, 15),
        attributes={"production_cut_mm": 0.1, "seed": "one per shard"},
    ),
    "hgcal": Recipe(
        train=range(3),
        validation=range(3, 4),
        attributes={
            "production_cut_mm": 0.05,
            "mip_mev": 0.085,
            "seed": "one per energy and round",
        },
        evaluation_only_gev=(70.0,),
    ),
}


def _number(path: str) -> int:
    match = re.search(r"_(\d+)\.npz$", path)
    if match is None:
        raise DataError(
            f"{path}: the name does not end in _NUMBER.npz, and the number decides on "
            "the split; rename the shard"
        )
    return int(match.group(1))


def _cpu_s(path: str) -> float:
    with np.load(path, allow_pickle=False) as arrays:
        if "cpu_s" not in arrays:
            raise DataError(
                f"{path}: has no array 'cpu_s', the processor time of the shard [s]; "
                "a sample needs it"
            )
        return float(arrays["cpu_s"])


def _beam_energy_gev(detector: DetectorSpec, sample: Sample) -> float:
    """Returns the energy that all events have, 0 if they differ in it."""
    components = sample.condition[:, detector.energy_conditions]
    energies_gev = np.unique(np.linalg.norm(components, axis=1))
    return float(energies_gev[0]) if len(energies_gev) == 1 else 0.0


def collect(paths: Sequence[str]) -> dict[str, Any]:
    """Reads the shards and puts their events in order.

    Inside a split beam energies alternate, so that any part of it holds them all;
    shards whose events differ in energy follow each other.

    Args:
        paths: The shards, all of one detector, in any order.

    Returns:
        The keyword arguments of `writers.write`: spec, sample, split, cpu_s (the mean
        of the events of the split that have the same beam energy) and attributes.

    Raises:
        DataError: If a shard cannot be read, its name has no number, or the shards are
            not of one detector that `RECIPES` knows.
    """
    numbers = {path: _number(path) for path in paths}
    detector = detect(paths)
    if detector.name not in RECIPES:
        raise DataError(
            f"{paths[0]}: no recipe for detector {detector.name!r}; known: "
            f"{', '.join(RECIPES)}"
        )
    recipe = RECIPES[detector.name]
    shards: dict[tuple[int, float], list[Any]] = defaultdict(list)
    for path in sorted(paths, key=lambda name: Path(name).name):
        sample = read(path, detector)
        energy_gev = _beam_energy_gev(detector, sample)
        split = SPLITS.index(recipe.split(energy_gev, numbers[path]))
        shards[split, energy_gev].append((sample, _cpu_s(path) / len(sample)))
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
        "spec": detector,
        "sample": Sample(rounded(response, MANTISSA_BITS), condition),
        "split": [SPLITS[order[place][0]] for place in places],
        "cpu_s": cpu,
        "attributes": {**_GENERATOR, **recipe.attributes, **_PUBLICATION},
    }


def main() -> None:
    """Reads the shards named on the command line and writes the sample."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shards", nargs="+", help="files named ..._NUMBER.npz")
    parser.add_argument("--output", required=True, help="the sample to write")
    arguments = parser.parse_args()
    try:
        writers.write(arguments.output, compression=9, **collect(arguments.shards))
    except DataError as error:
        parser.exit(2, f"{error}\n")


if __name__ == "__main__":
    main()
