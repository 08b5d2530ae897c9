"""Conversion of files of events from one kind to another, block by block."""

import dataclasses
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from common.rounding import rounded
from data.events import SPLITS, DataError
from data.files.event_stream import Block, EventStream, stream_of
from data.files.readers import Dataset, open_source
from data.files.shower_formats.binning_xml import Binning
from data.files.split_fractions import (
    USUAL_FRACTIONS,
    check_fractions,
    draw_splits,
)
from data.production.output_kinds import KINDS, kind_of


@dataclasses.dataclass(frozen=True)
class Conversion:
    """What becomes of events on their way into another file.

    Attributes:
        kind: One of `output_kinds.KINDS`; None: as the name of the file ends.
        split: Takes the events of this split only.
        fractions: Fractions of train, validation and test, to which events go by a
            random number each; None keeps what a file says, and takes 0.6, 0.1 and 0.3
            for the public layouts of showers, which say nothing.
        seed: Seed of these random numbers.
        binning: The voxels of files of the CaloChallenge or of Par04.
        compression: Level, 1 to 9; None for plain numbers.
        mantissa_bits: Rounds responses to so many bits of the mantissa, for smaller
            files; None leaves them as they are.
    """

    kind: str | None = None
    split: str | None = None
    fractions: Sequence[float] | None = None
    seed: int = 0
    binning: Binning | None = None
    compression: int | None = 4
    mantissa_bits: int | None = None


def convert_events(
    output: Path,
    inputs: Sequence[str],
    how: Conversion,
    progress: Callable[[int], None],
) -> dict[str, int]:
    """Writes the events of some files into one.

    Args:
        output: The file, replaced if it exists; whole or not there.
        inputs: Files of one detector, one after the other.
        how: What becomes of them.
        progress: Called after each block with the number of events so far.

    Returns:
        The number of events of each split; of "events" where they have none.

    Raises:
        DataError: If a file is bad, one of the output, or has no place in this kind;
            no file is left behind then.
        ValueError: If the fractions do not add up to 1.
    """
    for path in inputs:
        exist = os.path.exists(output) and os.path.exists(path)
        if exist and os.path.samefile(output, path):
            raise DataError(f"{output}: is one of the inputs; choose another name")
    with Dataset(inputs, how.binning) as dataset:
        kind = KINDS[kind_of(output, how.kind, dataset.spec)]
        fractions = how.fractions
        if fractions is None and dataset.layout is not None and kind.canonical:
            fractions = USUAL_FRACTIONS
        if fractions is not None:
            check_fractions(fractions)
            if not kind.canonical:
                raise DataError(f"{output}: has no place for splits; leave them out")
        with open_source(dataset.paths, dataset.spec, split=how.split) as source:
            stream = stream_of(dataset, source, how.split)
            if how.mantissa_bits is not None:
                stream = _rounded(stream, how.mantissa_bits)
            if fractions is not None:
                stream = _with_splits(stream, fractions, how.seed)
            sources = ", ".join(Path(path).name for path in inputs)
            known = dict(stream.attributes) | {"sources": sources}
            counts: Counter[str] = Counter()
            stream = dataclasses.replace(
                stream,
                blocks=_counted(stream, kind.canonical, counts, progress),
                attributes=known,
            )
            kind.write(output, stream, how.compression)
    return {name: counts[name] for name in (*SPLITS, "events") if name in counts}


def _with_splits(
    stream: EventStream, fractions: Sequence[float], seed: int
) -> EventStream:
    """Returns the events with splits of their own."""

    def blocks() -> Iterator[Block]:
        random = np.random.default_rng(seed)
        for block in stream.blocks():
            codes = draw_splits(random, len(block.sample), fractions)
            names = np.asarray(SPLITS)[codes]
            yield dataclasses.replace(block, split=names)

    drawn = {"split_shares": list(fractions), "split_seed": seed}
    return dataclasses.replace(
        stream, blocks=blocks, attributes=dict(stream.attributes) | drawn
    )


def _rounded(stream: EventStream, bits: int) -> EventStream:
    """Returns the events with rounded responses."""

    def blocks() -> Iterator[Block]:
        for block in stream.blocks():
            response = rounded(block.sample.response, bits)
            sample = dataclasses.replace(block.sample, response=response)
            yield dataclasses.replace(block, sample=sample)

    note = f"{bits} bits of mantissa, relative error below 2**-{bits + 1}"
    return dataclasses.replace(
        stream, blocks=blocks, attributes=dict(stream.attributes) | {"rounding": note}
    )


def _counted(
    stream: EventStream,
    with_splits: bool,
    counts: Counter[str],
    progress: Callable[[int], None],
) -> Callable[[], Iterator[Block]]:
    """Counts the events of each split as they are written."""

    def blocks() -> Iterator[Block]:
        counts.clear()
        for block in stream.blocks():
            if block.split is None or not with_splits:
                counts["events"] += len(block.sample)
            else:
                counts.update(block.split.tolist())
            yield block
            progress(counts.total())

    return blocks
