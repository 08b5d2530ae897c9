"""Events that are written to a file block by block, as often as the writer asks."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.detectors.spec import DetectorSpec
from data.events import SPLITS, DataError, Sample
from data.files import hdf5, readers
from data.files.event_files import is_archive
from data.files.sparse_responses import Hits

BLOCK_EVENTS = 512


@dataclasses.dataclass(frozen=True, eq=False)
class Block:
    """Some events of a stream.

    Attributes:
        sample: The events.
        split: Name of the split of each, [events]; None if they have none.
        hits: The responses as lists of hits, where somebody made these already.
        cpu_s: Processor time that each event took [s], [events]; None if unknown.
    """

    sample: Sample
    split: NDArray[np.str_] | None = None
    hits: Hits | None = None
    cpu_s: NDArray[np.float32] | None = None


_KEPT = (
    "generator", "generator_version", "physics_list", "production_cut_mm", "particle",
    "seed", "licence", "rounding",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class EventStream:
    """Events of one detector, more than memory may hold.

    Attributes:
        spec: The detector.
        events: Their number.
        blocks: Gives the events from the first one, block by block; each call begins
            anew.
        attributes: What else is known of them, e.g. generator and seed.
    """

    spec: DetectorSpec
    events: int
    blocks: Callable[[], Iterator[Block]]
    attributes: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def regrouped(blocks: Iterable[Block], events: int) -> Iterator[Block]:
    """Joins blocks to fewer and larger ones.

    Args:
        blocks: Blocks of any size; all have splits and weights or none has.
        events: Number of events at which a joined block is given on.
    """
    waiting: list[Block] = []
    count = 0
    for block in blocks:
        waiting.append(block)
        count += len(block.sample)
        if count >= events:
            yield _joined(waiting)
            waiting, count = [], 0
    if waiting:
        yield _joined(waiting)


def _joined(blocks: Sequence[Block]) -> Block:
    """Returns one block of the events of some.

    Args:
        blocks: At least one; all have splits and weights or none has.
    """
    if len(blocks) == 1:
        return blocks[0]
    samples = [block.sample for block in blocks]
    weights = [one.weight for one in samples if one.weight is not None]
    splits = [block.split for block in blocks if block.split is not None]
    sample = Sample(
        np.concatenate([one.response for one in samples]),
        np.concatenate([one.condition for one in samples]),
        np.concatenate(weights) if weights else None,
    )
    return Block(sample, np.concatenate(splits) if splits else None)


def stream_of(
    dataset: readers.Dataset, source: readers.Source, split: str | None
) -> EventStream:
    """Streams the events of opened files.

    Args:
        dataset: The files.
        source: The same files, opened with `readers.open_source`.
        split: "train", "validation" or "test"; None for all events, each with the
            split that its file says. Where one of the files has no split, none has;
            likewise processor times.

    Raises:
        DataError: If a file cannot be read.
    """
    cpu_s = _cpu_s(dataset.paths, split, len(source))
    codes = _split_codes(dataset.paths) if split is None else None
    attributes = {
        key: dataset.attributes[key] for key in _KEPT if key in dataset.attributes
    }

    def blocks() -> Iterator[Block]:
        for start in range(0, len(source), BLOCK_EVENTS):
            part = slice(start, start + BLOCK_EVENTS)
            sample = source.read(part.start, part.stop)
            names = None
            if split is not None:
                names = np.full(len(sample), split)
            elif codes is not None:
                names = np.asarray(SPLITS)[codes[part]]
            yield Block(sample, names, cpu_s=None if cpu_s is None else cpu_s[part])

    return EventStream(source.spec, len(source), blocks, attributes)


def _split_codes(paths: Sequence[str]) -> NDArray[np.uint8] | None:
    """Returns the index in `SPLITS` of every event; None if a file does not say it."""
    found = []
    for path in paths:
        if is_archive(path):
            return None
        with hdf5.open_file(path) as file:
            codes = hdf5.split_codes(path, file)
        if codes is None:
            return None
        found.append(codes)
    return np.concatenate(found)


def _cpu_s(
    paths: Sequence[str], split: str | None, events: int
) -> NDArray[np.float32] | None:
    """Returns the processor time of every event; None if a file does not say it."""
    found = []
    for path in paths:
        if is_archive(path):
            return None
        with hdf5.open_file(path) as file:
            if not hdf5.holds(path, file, "cpu_s"):
                return None
            values = hdf5.floats(path, hdf5.dataset(path, file, "cpu_s"))
            codes = hdf5.split_codes(path, file)
        if split is not None and codes is not None and len(codes) == len(values):
            values = values[codes == SPLITS.index(split)]
        found.append(values)
    times = np.concatenate(found)
    if times.shape != (events,):
        raise DataError(
            f"{', '.join(paths)}: cpu_s has shape {times.shape}, {events} events need "
            "one number each"
        )
    return times
