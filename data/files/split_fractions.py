"""The fractions of the splits, and the split of each event."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data.events import SPLITS

USUAL_FRACTIONS = (0.6, 0.1, 0.3)
"""Fractions of train, validation and test where nobody says others."""

_SUM_TOLERANCE = 1e-6


def check_fractions(fractions: Sequence[float]) -> None:
    """Refuses fractions of the splits that are no fractions.

    Raises:
        ValueError: If they are not three numbers from 0 to 1 that add up to 1.
    """
    if (
        len(fractions) != len(SPLITS)
        or not all(0.0 <= fraction <= 1.0 for fraction in fractions)
        or abs(sum(fractions) - 1.0) > _SUM_TOLERANCE
    ):
        raise ValueError(
            f"--splits={','.join(f'{one:g}' for one in fractions)}: needs fractions of "
            f"{', '.join(SPLITS)} that add up to 1, e.g. 0.6,0.1,0.3"
        )


def draw_splits(
    random: np.random.Generator, count: int, fractions: Sequence[float]
) -> NDArray[np.intp]:
    """Draws the index in `SPLITS` of each of some events.

    Args:
        random: Draws a number for each.
        count: Number of events.
        fractions: Fractions of train, validation and test.

    Returns:
        Indices, [count].
    """
    # Without the last edge: rounding may leave it a little below 1.
    edges = np.cumsum(fractions)[:-1]
    return np.searchsorted(edges, random.random(count), side="right")
