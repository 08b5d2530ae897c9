"""The two kinds of events, showers and tracks: how each is read, compared, reported."""

import dataclasses
import pathlib
from collections.abc import Callable, Container, Sequence
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from data.detectors.spec import DetectorSpec
from data.files.readers import Dataset
from metrics.evaluation.generator import Generator
from metrics.evaluation.reference import Reference, chosen
from metrics.pid import measure_tracks
from metrics.pid.track_pairs import Tracks, of_species, species_index
from metrics.report import shower_report
from metrics.report.pid import track_report
from metrics.showers import measure_showers
from metrics.showers.shower_pairs import Comparison
from metrics.statistics.energy_bins import strata

Response = NDArray[np.float32]

_LEARNT = {
    "test": ("train", "validation"),
    "validation": ("train",),
    "train": ("validation",),
}
"""Which splits a classifier that is asked about one may learn from."""


@dataclasses.dataclass(frozen=True, eq=False)
class Outcome:
    """A finished comparison.

    Attributes:
        lines: What is printed.
        content: What metrics.json holds.
        write: Writes the report into an empty or missing folder.
    """

    lines: Sequence[str]
    content: dict[str, Any]
    write: Callable[[pathlib.Path], None]


@dataclasses.dataclass(frozen=True)
class Selection:
    """Which reference events are compared.

    Attributes:
        split: One of `data.events.SPLITS`, or "all".
        number: How many to choose; None takes all.
        seed: Seed of the choice.
        species: Species of tracks to read; None reads all.
    """

    split: str
    number: int | None = None
    seed: int = 0
    species: Sequence[str] | None = None

    def split_of(self, dataset: Dataset) -> str:
        """Returns the split to read; "all" of files without splits."""
        return self.split if dataset.splits else "all"


class EventKind(Protocol):
    """A kind of events."""

    def check(self, spec: DetectorSpec, given: Container[str]) -> None:
        """Refuses options that do not fit.

        Args:
            spec: The detector.
            given: Names of the options that the user has given.

        Raises:
            ValueError: If one of them has no meaning for this kind.
        """

    def read(self, dataset: Dataset, wanted: Selection) -> Reference:
        """Reads reference events and chooses some of them, groups equally.

        Groups are incident energies of showers and species of tracks.

        Args:
            dataset: The files, opened.
            wanted: Which events.

        Raises:
            ValueError: If there are fewer events, or weighted showers.
        """

    def compare(
        self,
        reference: Reference,
        generator: Generator,
        untrained: Generator | None,
        facts: dict[str, Any],
        options: measure_showers.MeasurementOptions,
    ) -> Outcome:
        """Compares a generator with the reference.

        Args:
            reference: The reference events.
            generator: What generates.
            untrained: The same before its training; None if there is none.
            facts: What is compared, for the head of the report.
            options: How to measure.
        """


class Showers:
    """Showers in a calorimeter, see `EventKind`."""

    def check(self, spec: DetectorSpec, given: Container[str]) -> None:
        """See `EventKind.check`; every option fits."""

    def read(self, dataset: Dataset, wanted: Selection) -> Reference:
        """See `EventKind.read`."""
        spec, split = dataset.spec, wanted.split_of(dataset)
        sample = dataset.read(None if split == "all" else split)
        if sample.weight is not None:
            raise ValueError(
                f"{dataset.paths[0]}: weighted showers cannot be compared yet"
            )
        groups = strata(spec.incident_energy(sample.condition))
        numbers = chosen(groups, wanted.number, wanted.seed, spec.event, split)
        further = {
            other: dataset.read(other)
            for other in _LEARNT.get(split, ())
            if other in dataset.splits
        }
        maker = str(dataset.attributes.get("generator", "reference"))
        return Reference(dataset.paths, spec, maker, sample, numbers, split, further)

    def compare(
        self,
        reference: Reference,
        generator: Generator,
        untrained: Generator | None,
        facts: dict[str, Any],
        options: measure_showers.MeasurementOptions,
    ) -> Outcome:
        """See `EventKind.compare`."""

        def against(response: Response) -> Comparison:
            return Comparison(
                reference.spec, generator.mask, reference.condition, reference.response,
                response, generator.trained_energies_gev, options.threshold,
                options.cell_cm,
            )  # fmt: skip

        comparison = against(generator.generate(reference, options.seed))
        before = None
        if untrained is not None:
            before = against(untrained.generate(reference, options.seed))
        result = measure_showers.everything(
            comparison,
            {
                **facts,
                "mask": generator.mask,
                "accepted_cells": int(comparison.accepted.sum()),
                "mantissa_bits": comparison.bits,
                "clusters": options.clusters,
                "prd_mode": options.prd_mode,
                **({"threshold": options.threshold} if options.threshold else {}),
                **({} if options.cell_cm is None else {"cell_cm": options.cell_cm}),
            },
            options,
            before,
            None if reference.training is None else reference.training.response,
            None if options.quick else _further(reference, generator, options),
        )
        result = dataclasses.replace(result, history=generator.history)
        lines = [
            *shower_report.table(result), *shower_report.summary(result), *result.notes,
        ]  # fmt: skip
        write = partial(shower_report.write, result)
        return Outcome(lines, shower_report.as_json(result), write)


def _further(
    reference: Reference,
    generator: Generator,
    options: measure_showers.MeasurementOptions,
) -> Comparison | None:
    """Returns generated beside reference showers of the other splits; None if none."""
    generated = generator.generate_further(reference, options.seed)
    if not generated:
        return None
    samples = reference.further.values()
    return Comparison(
        reference.spec, generator.mask,
        np.concatenate([sample.condition for sample in samples]),
        np.concatenate([sample.response for sample in samples]),
        np.concatenate(generated), generator.trained_energies_gev, options.threshold,
        options.cell_cm,
    )  # fmt: skip


class TracksOfSpecies:
    """Tracks of a Cherenkov detector, with signed weights, see `EventKind`."""

    def check(self, spec: DetectorSpec, given: Container[str]) -> None:
        """See `EventKind.check`."""
        for name in (
            "clusters", "prd_mode", "calochallenge", "threshold", "cell_cm", "binning",
        ):  # fmt: skip
            if name in given:
                raise ValueError(
                    f"--{name}: responses of detector {spec.name!r} are not showers; "
                    "leave the option out"
                )

    def read(self, dataset: Dataset, wanted: Selection) -> Reference:
        """See `EventKind.read`."""
        spec, split = dataset.spec, wanted.split_of(dataset)
        where = of_species(spec, wanted.species)
        sample = dataset.read(None if split == "all" else split, where)
        groups = species_index(spec, sample.condition)
        numbers = chosen(groups, wanted.number, wanted.seed, spec.event, split)
        maker = str(dataset.attributes.get("generator", "reference"))
        return Reference(dataset.paths, spec, maker, sample, numbers, split)

    def compare(
        self,
        reference: Reference,
        generator: Generator,
        untrained: Generator | None,
        facts: dict[str, Any],
        options: measure_showers.MeasurementOptions,
    ) -> Outcome:
        """See `EventKind.compare`."""

        def against(one: Generator) -> Tracks:
            return Tracks(
                reference.spec, reference.condition, reference.response,
                one.generate(reference, options.seed), reference.weight,
            )  # fmt: skip

        tracks = against(generator)
        before = None if untrained is None else against(untrained)
        result = measure_tracks.everything(tracks, facts, options.seed, before)
        result = dataclasses.replace(result, history=generator.history)
        lines = [
            *track_report.table(result), *track_report.summary(result), *result.notes,
        ]  # fmt: skip
        write = partial(track_report.write, result)
        return Outcome(lines, track_report.as_json(result), write)


def of(spec: DetectorSpec) -> EventKind:
    """Returns the kind of a detector's events."""
    return TracksOfSpecies() if spec.event == "track" else Showers()
