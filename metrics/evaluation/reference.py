"""The events that a generator is compared with."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from data.detectors.spec import DetectorSpec
from data.events import Sample
from metrics.statistics.energy_bins import choose


@dataclasses.dataclass(frozen=True, eq=False)
class Reference:
    """The reference events of a split, and those of them that are compared.

    Attributes:
        paths: Their files.
        spec: The detector.
        generator: The program that made them, as the first file says.
        whole: All events of the split.
        chosen: Numbers of those that are compared.
        split: The split; "all" for files without.
        further: The showers of other splits that a classifier may learn from, by split:
            never those of the test split. Empty for tracks.
    """

    paths: Sequence[str]
    spec: DetectorSpec
    generator: str
    whole: Sample
    chosen: NDArray[np.intp]
    split: str
    further: Mapping[str, Sample] = dataclasses.field(default_factory=dict)

    @property
    def training(self) -> Sample | None:
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


def chosen(
    groups: NDArray[np.int64], number: int | None, seed: int, event: str, split: str
) -> NDArray[np.intp]:
    """Chooses some events of a split, as many of each group as there are.

    Args:
        groups: The group of every event, [events].
        number: How many to choose; None takes all.
        seed: Seed of the choice.
        event: What an event is, "shower" or "track".
        split: The split, for the error.

    Raises:
        ValueError: If there are fewer events.
    """
    events = len(groups)
    number = events if number is None else number
    if not 2 <= number <= events:
        raise ValueError(
            f"--num={number}: the reference has {events} {event}s in split "
            f"{split!r}; give 2 to {events} or a larger --reference"
        )
    return choose(groups, number, seed)
