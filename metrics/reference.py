"""The events that a generator is compared with."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from data import readers
from data.spec import DetectorSpec
from metrics.groups import choose, strata
from metrics.observables import incident_energy
from metrics.pid_tracks import of_species, species_index

_LEARNT = {
    "test": ("train", "validation"),
    "validation": ("train",),
    "train": ("validation",),
}
"""Which splits a classifier that is asked about one may learn from."""


@dataclasses.dataclass(frozen=True, eq=False)
class Reference:
    """The reference events of a split, and those of them that are compared.

    Attributes:
        paths: Their files.
        spec: The detector.
        whole: All events of the split.
        chosen: Numbers of those that are compared.
        split: The split; "all" for files without.
        further: The showers of other splits that a classifier may learn from, by split:
            never those of the test split. Empty for tracks.
    """

    paths: Sequence[str]
    spec: DetectorSpec
    whole: readers.Sample
    chosen: NDArray[np.intp]
    split: str
    further: Mapping[str, readers.Sample] = dataclasses.field(default_factory=dict)

    @property
    def training(self) -> readers.Sample | None:
        """The showers of the training; None if there are none beside `whole`."""
        return self.further.get("train")

    @property
    def condition(self) -> NDArray[np.float32]:
        """Conditions of the compared events [spec.condition_units]."""
        return self.whole.condition[self.chosen]

    @property
    def response(self) -> NDArray[np.float32]:
        """Their responses [spec.unit]."""
        return self.whole.response[self.chosen]

    @property
    def weight(self) -> NDArray[np.float32] | None:
        """Their weights; None where all are 1."""
        return None if self.whole.weight is None else self.whole.weight[self.chosen]


def read(
    paths: Sequence[str],
    split: str,
    number: int | None,
    seed: int,
    species: Sequence[str] | None = None,
) -> Reference:
    """Reads reference events and chooses some of them, groups equally.

    Groups are incident energies of showers and species of tracks.

    Args:
        paths: Files of one detector.
        split: One of `data.readers.SPLITS`, or "all".
        number: How many to choose; None takes all.
        seed: Seed of the choice.
        species: Species of tracks to read; None reads all.

    Raises:
        ValueError: If there are fewer events, or weighted showers.
    """
    spec = readers.detect(paths)
    splits = readers.splits(paths)
    split = split if splits else "all"
    of_split = None if split == "all" else split
    further = {}
    if spec.component_names:
        what = "tracks"
        where = of_species(spec, species)
        sample = readers.read(paths, spec, split=of_split, where=where)
        groups = species_index(spec, sample.condition)
    else:
        what = "showers"
        sample = readers.read(paths, spec, split=of_split)
        if sample.weight is not None:
            raise ValueError(f"{paths[0]}: weighted showers cannot be compared yet")
        groups = strata(incident_energy(spec, sample.condition))
        further = {
            other: readers.read(paths, spec, split=other)
            for other in _LEARNT.get(split, ())
            if other in splits
        }
    number = len(sample) if number is None else number
    if not 2 <= number <= len(sample):
        raise ValueError(
            f"--num={number}: the reference has {len(sample)} {what} in split "
            f"{split!r}; give 2 to {len(sample)} or a larger --reference"
        )
    chosen = choose(groups, number, seed)
    return Reference(paths, spec, sample, chosen, split, further)
