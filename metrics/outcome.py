"""From generated and reference events to a report, for any kind of detector."""

import dataclasses
import pathlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrics import measure, pid, pid_report, report
from metrics.comparison import Comparison
from metrics.pid_tracks import Tracks
from metrics.reference import Reference
from metrics.simulator import SavedSimulator
from metrics.stored import StoredResponses

Response = NDArray[np.float32]


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


def of_showers(
    reference: Reference,
    generator: SavedSimulator | StoredResponses,
    generated: Response,
    untrained: Response | None,
    facts: dict[str, Any],
    options: measure.Options,
) -> Outcome:
    """Compares showers in a calorimeter.

    Args:
        reference: The reference showers.
        generator: What has generated the others.
        generated: Their responses [spec.unit], [events, *spec.shape].
        untrained: Those of the untrained network; None if there is none.
        facts: What was compared, for the head of the report.
        options: How to measure.
    """

    def against(response: Response) -> Comparison:
        return Comparison(
            reference.spec, generator.mask, reference.condition, reference.response,
            response, generator.trained_energies_gev,
        )  # fmt: skip

    comparison = against(generated)
    result = measure.everything(
        comparison,
        {
            **facts,
            "mask": generator.mask,
            "accepted_cells": int(comparison.accepted.sum()),
            "mantissa_bits": comparison.bits,
            "clusters": options.clusters,
            "prd_mode": options.prd_mode,
        },
        options,
        None if untrained is None else against(untrained),
        None if reference.training is None else reference.training.response,
        None if options.quick else _further(reference, generator, options.seed),
    )
    lines = [*report.table(result), *report.summary(result), *result.notes]
    return Outcome(lines, report.as_json(result), partial(report.write, result))


def _further(
    reference: Reference, generator: SavedSimulator | StoredResponses, seed: int
) -> Comparison | None:
    """Generates showers at the conditions of the other splits.

    Args:
        reference: The reference showers.
        generator: What has generated the showers that are compared, with `seed`; a file
            of responses has no others.
        seed: Every split is generated with another seed after it.

    Returns:
        Those showers beside the reference's; None if there are none.
    """
    if isinstance(generator, StoredResponses) or not reference.further:
        return None
    samples = reference.further.values()
    generated = [
        generator(sample.condition, seed + number)
        for number, sample in enumerate(samples, 1)
    ]
    return Comparison(
        reference.spec, generator.mask,
        np.concatenate([sample.condition for sample in samples]),
        np.concatenate([sample.response for sample in samples]),
        np.concatenate(generated), generator.trained_energies_gev,
    )  # fmt: skip


def of_tracks(
    reference: Reference,
    generated: Response,
    untrained: Response | None,
    facts: dict[str, Any],
    seed: int,
) -> Outcome:
    """Compares tracks, with the signed weights of the reference.

    Args:
        reference: The reference tracks.
        generated: Generated responses [spec.unit], [tracks, components].
        untrained: Those of the untrained network; None if there is none.
        facts: What was compared, for the head of the report.
        seed: Seed of splits and replicates.
    """

    def against(response: Response) -> Tracks:
        return Tracks(
            reference.spec, reference.condition, reference.response, response,
            reference.weight,
        )  # fmt: skip

    before = None if untrained is None else against(untrained)
    result = pid.everything(against(generated), facts, seed, before)
    lines = [*pid_report.table(result), *pid_report.summary(result), *result.notes]
    content = pid_report.as_json(result)
    return Outcome(lines, content, partial(pid_report.write, result))
