"""Curves whose AUC is a metric."""

import dataclasses

from metrics.statistics.arrays import Array


@dataclasses.dataclass(frozen=True, eq=False)
class Curve:
    """A curve of generated against reference showers, beside its floor.

    Attributes:
        x: Of the points, ascending or descending, [points]: recall, or the fraction of
            reference showers taken for generated.
        y: Of the points, [points]: precision, or the fraction of generated showers
            found.
        floor_x: As x, for the reference against itself.
        floor_y: As y, for the reference against itself.
    """

    x: Array
    y: Array
    floor_x: Array
    floor_y: Array
