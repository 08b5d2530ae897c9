"""Conversion of calibration tables into one canonical file."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.calibration.calibration_table import CalibrationTable
from data.calibration.columns import RICH
from data.detectors import particles
from data.events import SPLITS, DataError, Sample
from data.files.split_fractions import check_fractions, draw_splits
from data.files.writers import Writer

_ENDINGS = (".h5", ".hdf5")


@dataclasses.dataclass
class Tally:
    """What was converted of one species.

    Attributes:
        tracks: Number of tracks.
        weights: Sum of their weights.
        squares: Sum of the squares of their weights.
        negative: Number of tracks with a negative weight.
        outside: Number of tracks outside the domain of the detector.
    """

    tracks: int = 0
    weights: float = 0.0
    squares: float = 0.0
    negative: int = 0
    outside: int = 0

    @property
    def effective(self) -> float:
        """Effective number of tracks, (sum w)^2 / sum w^2; 0 if all w are 0."""
        return self.weights**2 / self.squares if self.squares else 0.0

    def add(self, weight: NDArray[np.float32], inside: NDArray[np.bool_]) -> None:
        """Counts further tracks.

        Args:
            weight: Their weights, float32 [tracks].
            inside: Whether they are inside the domain, bool [tracks].
        """
        exact = weight.astype(np.float64)
        self.tracks += len(weight)
        self.weights += float(exact.sum())
        self.squares += float(np.square(exact).sum())
        self.negative += int(np.sum(weight < 0))
        self.outside += int(np.sum(~inside))


@dataclasses.dataclass
class Summary:
    """What a conversion wrote.

    Attributes:
        species: Name of each species -> its tally, in the order of `particles.NAMES`.
        splits: Number of tracks of each split.
    """

    species: dict[str, Tally]
    splits: dict[str, int]


def check_output(path: str) -> None:
    """Refuses a name by which the output would be taken for something else.

    Raises:
        DataError: If it does not end like the name of an HDF5 file.
    """
    if Path(path).suffix not in _ENDINGS:
        raise DataError(
            f"{path}: the output is an HDF5 file; end its name in {_ENDINGS[0]}"
        )


def convert(
    path: str,
    tables: Sequence[CalibrationTable],
    fractions: Sequence[float],
    seed: int,
    progress: Callable[[str, int], None],
) -> Summary:
    """Writes the tracks of some tables into a canonical file.

    Each track goes to a split by a random number of its own. They depend on the seed,
    the table's place in the list and the track's place among those kept, on nothing
    else. If one table has weights, the tracks of the others have weight 1.

    Args:
        path: The file, replaced if it exists; whole or not there.
        tables: The tables, one after the other in the file.
        fractions: Fractions of train, validation and test.
        seed: Seed of the splits, 0 or more.
        progress: Called after each piece with the name of the table and its number of
            tracks so far.

    Raises:
        ValueError: If the fractions are none.
        DataError: If a table is bad, the weights of a species do not add up to more
            than 0, or the file cannot be written; no file is left behind then.
    """
    check_fractions(fractions)
    check_output(path)
    weighted = any(table.weighted for table in tables)
    tallies = {name: Tally() for name in particles.NAMES}
    splits = dict.fromkeys(SPLITS, 0)
    attributes = {
        "sources": ", ".join(Path(table.path).name for table in tables),
        "split_shares": list(fractions),
        "seed": seed,
    }
    with Writer(path, RICH, attributes=attributes) as writer:
        for place, table in enumerate(tables):
            random = np.random.default_rng([seed, place])
            tracks = 0
            for sample in table.samples():
                split = draw_splits(random, len(sample), fractions)
                weight = _weights(sample)
                _count(tallies, sample, weight)
                for code, name in enumerate(SPLITS):
                    splits[name] += int(np.sum(split == code))
                whole = Sample(
                    sample.response, sample.condition, weight if weighted else None
                )
                writer.append(whole, split=np.asarray(SPLITS)[split])
                tracks += len(sample)
                progress(table.path, tracks)
        found = {name: tally for name, tally in tallies.items() if tally.tracks}
        for name, tally in found.items():
            if not tally.weights > 0.0:
                raise DataError(
                    f"{path}: the weights of species {name!r} add up to "
                    f"{tally.weights:g}, but sWeights add up to the number of its "
                    "tracks; choose the column of the signal's weights"
                )
    return Summary(found, splits)


def _weights(sample: Sample) -> NDArray[np.float32]:
    if sample.weight is None:
        return np.ones(len(sample), np.float32)
    return sample.weight


def _count(
    tallies: dict[str, Tally], sample: Sample, weight: NDArray[np.float32]
) -> None:
    inside = np.asarray(RICH.in_domain(sample.condition))
    for name, code in zip(particles.NAMES, particles.PDG_CODES, strict=True):
        chosen = sample.condition[:, RICH.condition_names.index("species_pdg")] == code
        if chosen.any():
            tallies[name].add(weight[chosen], inside[chosen])
