"""Events in memory, and the error that every bad file ends in."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from common.messages import one_line

SPLITS = ("train", "validation", "test")
"""The names that the `split` of a file may hold."""


class DataError(ValueError):
    """A file or its content cannot be used.

    The message is one line: what, which value or event, what to do. It may quote the
    file, see `common.messages.one_line`.

    Args:
        message: What was found.
    """

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


@dataclasses.dataclass(frozen=True, eq=False)
class Sample:
    """Events in memory, in physical units.

    Attributes:
        response: Unmasked responses [spec.unit], float32 [events, *spec.shape].
        condition: Conditions [spec.condition_units], float32 [events, conditions].
        weight: Weights of the events, float32 [events]; None where all are 1.

    Example:
        >>> response = np.zeros((5, 30, 30), np.float32)
        >>> condition = np.ones((5, 5), np.float32)
        >>> len(Sample(response, condition))
        5
    """

    response: NDArray[np.float32]
    condition: NDArray[np.float32]
    weight: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        """Checks that all arrays hold the same number of events."""
        weights = len(self.response) if self.weight is None else len(self.weight)
        if not len(self.response) == len(self.condition) == weights:
            raise DataError(
                f"a sample needs one condition and one weight per event, received "
                f"{len(self.response)} responses, {len(self.condition)} conditions and "
                f"{weights} weights"
            )

    def __len__(self) -> int:
        """Returns the number of events."""
        return len(self.response)
