"""A transform of cell energies by a table of their own spectrum."""

from collections.abc import Sequence
from typing import Any, Self

import keras
import numpy as np
import scipy.stats
import tensorflow as tf

from data.detectors.spec import DetectorSpec
from data.transforms.base import Array
from data.transforms.mean_response import Calibrated

# Knots at quantiles of the hits' energies, equally spaced as normal numbers.
_LOWEST, _HIGHEST, _SPACING = -3.6, 4.0, 0.08
_LEAST_STEP = 1e-3  # Of ln E between knots, where a quantile repeats.
_FIRST = 0.2  # Encoded energy of the lowest knot.
_UNIT = 0.25  # Encoded distance of one standard deviation of the normal number.
_BEYOND = 1.0  # Encoded energies are cut that far above `highest`.
_CELLS = 4096  # Of the grid in ln E in which `encode` finds its knot.


def _rows(table: Any, place: Any) -> Any:
    """Picks rows of a table; where the place is not a number, the first."""
    number = tf.clip_by_value(tf.cast(place, tf.int32), 0, len(table) - 1)
    return tf.gather(table, number)


@keras.saving.register_keras_serializable("fastsim_zoo")
class SpectrumTable(Calibrated):
    """Maps the energies of hits to nearly normal numbers by a fixed monotone table.

    The knots of the table are quantiles of the energies of all hits of the training
    events [spec.unit], not relative to the incident energy: an edge of the spectrum,
    e.g. that of one minimum ionising particle in a silicon sensor, lies at the same
    encoded energy in every shower. A generator whose encoded energies have a smooth
    density thus has that edge in its spectrum.

    Between knots ln E is linear in the encoded energy, and beyond the last one.
    Below the first one E itself is: 0 stays 0, and no two encoded energies give the
    same energy.

    Args:
        knots: Energies [spec.unit] at encoded energies 0.2, 0.22, ...; strictly
            increasing, at least two.
        **kwargs: See `Calibrated`.

    Raises:
        ValueError: If the knots are fewer, not positive or do not increase.
    """

    def __init__(self, knots: Sequence[float] = (0.1, 10.0), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.knots = [float(value) for value in knots]
        if len(self.knots) < 2 or not self.knots[0] > 0.0:
            raise ValueError(
                f"knots must be two or more positive energies, received {self.knots}"
            )
        logarithm = np.log(self.knots)
        steps = np.diff(logarithm)
        if not (steps > 0.0).all():
            raise ValueError("knots must increase strictly: fit them to more hits")
        # ln E = intercept + slope * encoded in each segment, and the inverse.
        slopes = steps / (_UNIT * _SPACING)
        start = _FIRST + _UNIT * _SPACING * np.arange(len(steps))
        intercepts = logarithm[:-1] - slopes * start
        self._decoding = np.stack([intercepts, slopes], axis=1).astype(np.float32)
        # A grid so fine that no cell holds two knots finds a segment without a search:
        # a row has the knot inside the cell and the lines before and behind it.
        cells = max(_CELLS, int(np.ceil(np.ptp(logarithm) / steps.min())) + 1)
        self._origin = np.float32(logarithm[0])
        self._per_log = np.float32(cells / np.ptp(logarithm))
        lower = logarithm[0] + np.arange(cells) * np.ptp(logarithm) / cells
        before = np.searchsorted(logarithm, lower, side="right") - 1
        before = np.clip(before, 0, len(steps) - 1)
        behind = np.minimum(before + 1, len(steps) - 1)
        lines = np.stack([-intercepts / slopes, 1.0 / slopes], axis=1)
        self._encoding = np.column_stack(
            [logarithm[before + 1], lines[before], lines[behind]]
        ).astype(np.float32)

    def encode(self, response: Any, condition: Any) -> Any:
        """See `Transform.encode`."""
        first = self.knots[0]
        response = tf.convert_to_tensor(response)
        logarithm = tf.math.log(tf.maximum(response, first))
        cell = (logarithm - self._origin) * self._per_log
        cell = tf.clip_by_value(cell, 0.0, len(self._encoding) - 1.0)
        row = _rows(self._encoding, cell)
        knot, before, slope_before, behind, slope_behind = tf.unstack(row, axis=-1)
        encoded = tf.where(
            logarithm < knot,
            before + slope_before * logarithm,
            behind + slope_behind * logarithm,
        )
        return tf.where(response < first, response * (_FIRST / first), encoded)

    def decode(self, encoded: Any, condition: Any) -> Any:
        """See `Transform.decode`."""
        # No shower is beyond; energies that overflow would be lost for good.
        encoded = tf.minimum(encoded, self.highest + _BEYOND)
        segment = (encoded - _FIRST) * (1.0 / (_UNIT * _SPACING))
        segment = tf.clip_by_value(segment, 0.0, len(self._decoding) - 1.0)
        row = _rows(self._decoding, segment)
        intercept, slope = tf.unstack(row, axis=-1)
        first = self.knots[0]
        energy = tf.exp(intercept + slope * tf.maximum(encoded, _FIRST))
        return tf.where(encoded < _FIRST, encoded * (first / _FIRST), energy)

    @property
    def median(self) -> float:
        """Encoded energy of the median hit, for knots at the quantiles of a fit."""
        length = _UNIT * _SPACING * (len(self.knots) - 1)
        return _FIRST + length * _LOWEST / (_LOWEST - _HIGHEST)

    @property
    def highest(self) -> float:
        """Encoded energy that no hit exceeds by itself: a standard deviation more."""
        return _FIRST + _UNIT * (_SPACING * (len(self.knots) - 1) + 1.0)

    @classmethod
    def fit(
        cls,
        response: Array,
        condition: Array,
        spec: DetectorSpec,
        weight: Array | None = None,
    ) -> Self:
        """See `Transform.fit`."""
        hits = response[response > 0.0]
        if hits.size == 0:
            raise ValueError("cannot fit a spectrum: the training responses are all 0")
        number = round((_HIGHEST - _LOWEST) / _SPACING) + 1
        normal = np.linspace(_LOWEST, _HIGHEST, number)
        logarithm = np.quantile(
            np.log(hits.astype(np.float64)), scipy.stats.norm.cdf(normal)
        )
        steps = np.maximum(np.diff(logarithm), _LEAST_STEP)
        knots = np.exp(logarithm[0] + np.concatenate([[0.0], np.cumsum(steps)]))
        rounded = [float(f"{value:.6g}") for value in knots]
        return cls(rounded, **cls.calibration(response, condition, spec))

    def get_config(self) -> dict[str, Any]:
        """Returns the constants."""
        return {**super().get_config(), "knots": self.knots}
