"""The inputs of a training: events, their detector and the fitted transform."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from data import transforms
from data.detectors import symmetry
from data.detectors.spec import DetectorSpec
from data.events import Sample
from data.files import readers
from data.transforms.base import Transform
from models.training.config import TrainingConfig
from models.training.contract import Entry, SelectiveEntry

_NUMBERS_FOR_FIT = 20_000_000


@dataclasses.dataclass(frozen=True, eq=False)
class Inputs:
    """Events, detector and transform of a training.

    Attributes:
        spec: The detector, its domain that of the events.
        source: The training events; the caller closes it.
        head: The first of them, to fit constants to.
        transform: Fitted to them.
        select: Picks the events that this training is about; None takes all.
    """

    spec: DetectorSpec
    source: readers.Source
    head: Sample
    transform: Transform
    select: Callable[[Any], Any] | None


def load(entry: Entry, settings: TrainingConfig, paths: Sequence[str]) -> Inputs:
    """Opens the training events of an entry and fits its transform.

    An entry that can train on a part of the events has two functions of its Config:
    `restricted` makes the detector of that part of a detector, `selected` tells from
    conditions which events belong to it.

    Args:
        entry: The entry, from `models.load`.
        settings: Its Config.
        paths: Files to train on.

    Raises:
        ValueError: If the events do not fit the entry, or the transform cannot be
            fitted.
    """
    spec, select = readers.detect(paths), None
    # A detector that does not fit is refused by `build`, in the entry's words.
    if isinstance(entry, SelectiveEntry) and spec.name == entry.DETECTOR:
        spec = entry.restricted(settings, spec)

        def select(condition: Any) -> Any:
            return entry.selected(settings, condition)

    source = readers.open_source(paths, spec, split="train", where=select)
    head = source.read(0, _NUMBERS_FOR_FIT // spec.cells.size)
    fitted = transforms.fit(
        settings.transform, head.response, head.condition, spec, head.weight
    )
    return Inputs(spec, source, head, fitted, select)


def augmentation(
    settings: TrainingConfig, spec: DetectorSpec
) -> symmetry.SymmetryGroup | None:
    """Returns the operations that carry training events along; None for none.

    Args:
        settings: The entry's Config.
        spec: The detector.
    """
    return symmetry.symmetries(spec, settings.rotations) if settings.augment else None
