"""The frame of the track: cells as they are seen from the particle.

Its origin is the point where the track crosses the depth of the shower, its first axis
points along the inclination of the track and the second one to the left of it. Without
a momentum, as for a beam that falls in vertically, the axes are those of the detector
and the origin is the impact point.
"""

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.detectors.spec import IMPACT, MOMENTUM, DetectorSpec
from metrics.observables import images
from metrics.observables.registry import track_displacement
from metrics.statistics.arrays import Array


@dataclasses.dataclass(frozen=True, eq=False)
class TrackFrame:
    """The frames of the tracks of many events.

    Attributes:
        axes: Names of the two axes.
        origin_cm: x and y of the origins [cm], [events, 2].
        along: Unit vectors of the first axis, [events, 2].
        inclination: Sine of the angle between track and z axis, [events].
    """

    axes: tuple[str, str]
    origin_cm: Array
    along: Array
    inclination: Array

    @property
    def across(self) -> Array:
        """Unit vectors of the second axis, [events, 2]."""
        return self.along[:, ::-1] * (-1.0, 1.0)

    def seen(self, centres_cm: NDArray[Any], events: slice) -> tuple[Array, Array]:
        """Returns the displacements of cells from the origin along both axes.

        Args:
            centres_cm: Centres (x, y) of the cells [cm], [cells, 2].
            events: Which events.

        Returns:
            Displacements along the first and the second axis [cm], [events, cells]
            each.
        """
        origin = self.origin_cm[events]
        first, second = (
            axis @ np.asarray(centres_cm, np.float64).T
            - (axis * origin).sum(axis=1)[:, None]
            for axis in (self.along[events], self.across[events])
        )
        return first, second


def track_frame(spec: DetectorSpec, condition: NDArray[Any]) -> TrackFrame:
    """Returns the frames of the tracks that the conditions describe.

    Args:
        spec: The detector.
        condition: Conditions [spec.condition_units], [events, conditions].

    Returns:
        The frames; without an impact point their origin is x = y = 0.

    Source: the track projection to the shower-max depth of arXiv:1812.01319, section 5.
    """
    names, number = set(spec.condition_names), len(condition)
    origin = np.zeros((number, 2))
    if set(IMPACT) <= names:
        origin = spec.impact(condition)
        if set(MOMENTUM) <= names:
            origin = origin + track_displacement(spec, condition)
    if not set(MOMENTUM) <= names:
        upright = np.tile([1.0, 0.0], (number, 1))
        return TrackFrame(("x", "y"), origin, upright, np.zeros(number))
    momentum = spec.momentum(condition)
    size = np.linalg.norm(momentum, axis=1)
    inclination = np.hypot(momentum[:, 0], momentum[:, 1]) / np.where(size, size, 1.0)
    axes = ("along", "across")
    return TrackFrame(axes, origin, images.along(momentum), inclination)
