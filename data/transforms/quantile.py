"""The quantile transform to normal numbers, for responses that are not cells."""

from collections.abc import Sequence
from typing import Any, Self

import keras
import numpy as np
import scipy.stats
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression

from data.detectors.spec import DetectorSpec
from data.transforms.base import Array, Transform

_SPACING = 1.0 / 32.0
_REACH = 7.0
_QUANTILES = 1000
_TAIL = 0.01
# Of the unweighted distribution, in the one that is fitted: where signed weights leave
# no slope at all, events still must be told apart.
_FRACTION_UNWEIGHTED = 0.02
# A fraction of zeros from which on a generator must be able to hit them, and the least
# width of the plateau. All numbers in it become 0: what is made wider for tracks that
# have zeros is lost to those that have none.
_LEAST_ATOM = 1e-3
_LEAST_PLATEAU = 0.03
# In standard deviations per knot: more than float32 rounds.
_LEAST_STEP = 1e-4


@keras.saving.register_keras_serializable("fastsim_zoo")
class QuantileNormal(Transform):
    """Maps every component of a response to a nearly standard normal number.

    An exact 0 is special: a log-likelihood difference vanishes where nothing tells two
    hypotheses apart, e.g. below both Cherenkov thresholds, and no invertible map makes
    such an atom normal. It becomes a plateau as wide as its fraction of the events:
    `encode` puts 0 into its middle, `decode` maps all of the plateau to exactly 0. A
    generator thus makes exact zeros by hitting an interval, and both directions are
    deterministic.

    Away from 0 the map is linear between knots that are equally spaced in the encoded
    number, and linear beyond them; `decode` therefore needs no search.

    Args:
        knots: Values of each component [spec.unit] at equally spaced distances from
            the plateau, -7 to 7; strictly increasing, the middle one 0.
        plateaus: Ends (low, high) of the plateau of each component [1].

    Raises:
        ValueError: If knots and plateaus do not fit together or do not increase.
    """

    def __init__(
        self,
        knots: Sequence[Sequence[float]] = (),
        plateaus: Sequence[Sequence[float]] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.knots = np.asarray(knots, np.float32)
        self.plateaus = np.asarray(plateaus, np.float32)
        components = len(self.knots)
        if self.knots.shape != (components, len(_grid())) or not components:
            raise ValueError(
                f"knots need shape (components, {len(_grid())}), received "
                f"{self.knots.shape}"
            )
        if self.plateaus.shape != (components, 2):
            raise ValueError(
                f"plateaus need shape ({components}, 2), received {self.plateaus.shape}"
            )
        if not (np.diff(self.knots) > 0.0).all() or self.knots[:, _middle()].any():
            raise ValueError("knots must increase strictly, through 0 in the middle")
        if not (self.plateaus[:, 0] <= self.plateaus[:, 1]).all():
            raise ValueError("a plateau must not end before it begins")

    def encode(self, response: Any, condition: Any) -> Any:
        """See `Transform.encode`."""
        columns = []
        for component, knots in enumerate(self.knots):
            value = response[:, component]
            below = keras.ops.searchsorted(knots, value, side="right") - 1
            segment = keras.ops.clip(below, 0, len(knots) - 2)
            start = keras.ops.take(knots, segment)
            width = keras.ops.take(np.diff(knots), segment)
            place = keras.ops.cast(segment, "float32") + (value - start) / width
            distance = (place - _middle()) * _SPACING
            low, high = (float(end) for end in self.plateaus[component])
            outside = distance + keras.ops.where(value > 0.0, high, low)
            encoded = keras.ops.where(value == 0.0, 0.5 * (low + high), outside)
            columns.append(encoded)
        return keras.ops.stack(columns, axis=1)

    def decode(self, encoded: Any, condition: Any) -> Any:
        """See `Transform.decode`."""
        low, high = self.plateaus[:, 0], self.plateaus[:, 1]
        distance = encoded - keras.ops.clip(encoded, low, high)
        place = distance / _SPACING + _middle()
        last = self.knots.shape[1] - 2
        segment = keras.ops.clip(keras.ops.floor(place), 0.0, float(last))
        # All components in one table: one look-up instead of one per component.
        index = keras.ops.cast(segment, "int32") + self._offsets()
        start = keras.ops.take(self.knots.ravel(), index)
        # The last knot begins no segment; its width of 0 is never looked up.
        widths = np.diff(self.knots, append=self.knots[:, -1:])
        slope = keras.ops.take(widths.ravel(), index)
        value = start + (place - segment) * slope
        return keras.ops.where(distance == 0.0, 0.0, value)

    def _offsets(self) -> NDArray[np.int32]:
        components, knots = self.knots.shape
        return np.arange(components, dtype=np.int32) * knots

    @classmethod
    def fit(
        cls,
        response: Array,
        condition: Array,
        spec: DetectorSpec,
        weight: Array | None = None,
    ) -> Self:
        """See `Transform.fit`.

        With signed weights the cumulative distribution need not increase. It is
        replaced by the increasing function nearest to it (isotonic regression), with a
        fraction of 2 % of the unweighted distribution.

        Raises:
            ValueError: If responses are not vectors, a component has too few different
                values, or the sum of the weights is not positive.
        """
        if len(spec.shape) != 1:
            raise ValueError(
                "transform=quantile needs responses that are vectors; of detector "
                f"{spec.name!r} they have shape {spec.shape}: choose other data or "
                "another model"
            )
        signed = np.ones(len(response)) if weight is None else weight.astype(np.float64)
        if not signed.sum() > 0.0:
            raise ValueError(
                f"the sum of the training weights must be positive, is {signed.sum():g}"
            )
        fitted = [_fit_component(values, signed) for values in response.T]
        return cls([knots for knots, _ in fitted], [ends for _, ends in fitted])

    def get_config(self) -> dict[str, Any]:
        """Returns the constants."""
        return {
            **super().get_config(),
            "knots": self.knots.astype(float).tolist(),
            "plateaus": self.plateaus.astype(float).tolist(),
        }


def _grid() -> NDArray[np.float64]:
    return np.linspace(-_REACH, _REACH, 2 * _middle() + 1)


def _middle() -> int:
    return round(_REACH / _SPACING)


def _cumulative(
    values: NDArray[np.float64], weight: NDArray[np.float64], points: Any
) -> NDArray[np.float64]:
    """Returns the fraction of the weight at or below each point."""
    order = np.argsort(values, kind="stable")
    sums = np.concatenate([[0.0], np.cumsum(weight[order])])
    fraction: NDArray[np.float64] = sums[
        np.searchsorted(values[order], points, side="right")
    ]
    return fraction / weight.sum()


def _normal_scores(
    exact: NDArray[np.float64], weight: NDArray[np.float64], points: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Returns the normal number of the fraction of events at or below each point."""
    monotonic = IsotonicRegression(y_min=0.0, y_max=1.0).fit_transform(
        np.arange(len(points)), _cumulative(exact, weight, points)
    )
    plain = _cumulative(exact, np.ones(len(exact)), points)
    fraction = (1.0 - _FRACTION_UNWEIGHTED) * monotonic + _FRACTION_UNWEIGHTED * plain
    # The outermost points stay finite.
    margin = 0.5 / _QUANTILES
    scores: NDArray[np.float64] = scipy.stats.norm.ppf(
        margin + (1.0 - 2.0 * margin) * fraction
    )
    return scores


def _fit_component(
    values: Array, weight: NDArray[np.float64]
) -> tuple[list[float], list[float]]:
    """Returns knots and plateau of one component."""
    exact = values.astype(np.float64)
    others = exact[exact != 0.0]
    levels = (np.arange(_QUANTILES) + 0.5) / _QUANTILES
    # Points are events: between them no distribution rises.
    points = np.unique(
        np.quantile(others, levels, method="higher") if len(others) else others
    )
    if len(points) < 3:
        raise ValueError(
            "cannot fit quantiles: a component of the training responses has fewer "
            "than three different values besides 0"
        )
    # The atom lies between the largest number below 0 and 0 itself.
    ends = np.array([np.nextafter(0.0, -1.0), 0.0])
    points = np.union1d(points, ends)
    scores = _normal_scores(exact, weight, points)
    low, high = (float(scores[points == end][0]) for end in ends)
    grid = _grid()
    table = np.zeros(len(grid))
    for inside, outside, end in ((points < 0.0, grid < 0.0, low),
                                 (points > 0.0, grid > 0.0, high)):  # fmt: skip
        away = inside & (scores != end)
        table[outside] = _curve(scores[away] - end, points[away], grid[outside])
    middle, half = 0.5 * (low + high), 0.5 * (high - low)
    if np.mean(exact == 0.0) >= _LEAST_ATOM:
        half = max(half, 0.5 * _LEAST_PLATEAU)
    return _increasing(table, float(others.std())), [middle - half, middle + half]


def _curve(
    distances: NDArray[np.float64],
    values: NDArray[np.float64],
    wanted: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Returns values on one side of 0 at wanted distances from the plateau."""
    if len(distances) == 0:
        return wanted
    order = np.argsort(np.abs(distances))
    # Mirrored, both sides are a curve that rises from the origin.
    far = np.concatenate([[0.0], np.abs(distances)[order]])
    high = np.concatenate([[0.0], np.abs(values)[order]])
    tail = max(1, round(_TAIL * len(far)))
    slope = (high[-1] - high[-1 - tail]) / (far[-1] - far[-1 - tail])
    beyond = np.maximum(np.abs(wanted) - far[-1], 0.0)
    curve = np.interp(np.abs(wanted), far, high) + slope * beyond
    result: NDArray[np.float64] = np.sign(wanted) * curve
    return result


def _increasing(table: NDArray[np.float64], scale: float) -> list[float]:
    """Makes knots increase by at least a little, away from the middle."""
    step = _LEAST_STEP * scale * np.arange(_middle() + 1)
    upper = table[_middle() :]
    lower = -table[_middle() :: -1]
    upper, lower = (np.maximum.accumulate(side - step) + step
                    for side in (upper, lower))  # fmt: skip
    return np.concatenate([-lower[:0:-1], upper]).tolist()
