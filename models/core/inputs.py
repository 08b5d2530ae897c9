"""What a training starts from: events, their detector and the fitted transform."""

import dataclasses
import types
from collections.abc import Callable, Sequence
from typing import Any

from data import readers, transform
from data.sample import Sample
from data.spec import DetectorSpec
from data.transform import Transform

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


def load(module: types.ModuleType, settings: Any, paths: Sequence[str]) -> Inputs:
    """Opens the training events of an entry and fits its transform.

    An entry that can train on a part of the events has two functions of its Config:
    `restricted` makes the detector of that part of a detector, `selected` tells from
    conditions which events belong to it.

    Args:
        module: The entry, from `models.load`.
        settings: Its Config.
        paths: Files to train on.

    Raises:
        ValueError: If the events do not fit the entry, or the transform cannot be
            fitted.
    """
    spec, select = readers.detect(paths), None
    # A detector that does not fit is refused by `build`, in the entry's words.
    if hasattr(module, "selected") and spec.name == module.DETECTOR:
        spec = module.restricted(settings, spec)

        def select(condition: Any) -> Any:
            return module.selected(settings, condition)

    source = readers.open_source(paths, spec, split="train", where=select)
    head = source.read(0, _NUMBERS_FOR_FIT // spec.cells.size)
    fitted = transform.fit(
        settings.transform, head.response, head.condition, spec, head.weight
    )
    return Inputs(spec, source, head, fitted, select)
