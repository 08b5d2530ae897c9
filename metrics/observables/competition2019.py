"""The physics features of the 2019 competition, for comparison with its literature.

The machine learning school in high energy physics 2019 (MLHEP, second phase) scored
models of the LHCb calorimeter by the PRD-AUC of these 24 features. They are defined as
they were published, peculiarities included: the track is projected to a constant depth
of 25 cells, and the lines of the widths are those of the asymmetries with the sign of
p_y turned. To judge a model take the observables of this project.

With (x0, y0) = impact + 25 (p_x, p_y) / p_z, the centre (x, y) of a cell and all
lengths in units of a cell:

- asymmetry along: (E_f - E_b) / E, forward where (x - x0) p_x + (y - y0) p_y >= 0;
- asymmetry across: (E_u - E_d) / E, up where y - y0 >= (x - x0) p_y / p_x;
- width along and across: sqrt(<u^2> - <u>^2) with u = x sqrt(1 + p_y^2 / p_x^2),
  weighted with the energies of the cells on a line through (x0, y0), of slope p_x / p_y
  for "along" and -p_y / p_x for "across". A cell is on the line if its centre is on the
  other side than that of its next neighbour in x or in y;
- the fraction of the 900 cells with at least a x E, for 20 factors a = 10^-5 ... 10^-1.

Source: github.com/SchattenGenie/mlhep2019_2_phase (analysis/calogan_metrics.py), with
the 20 factors and the treatment of undefined widths as 0 that
github.com/TheodorSergeev/mlhep2019_2_phase used.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrics.statistics.arrays import Array, ratio

DEPTH = 25.0
"""Depth to which the track is projected, in units of a cell."""

FACTORS = np.logspace(-5.0, -1.0, 20)
"""Thresholds of the cell counts, in units of the total energy."""

FEATURES = (
    "asymmetry_along",
    "asymmetry_across",
    "width_along",
    "width_across",
    *(f"fraction_of_cells_{number}" for number in range(len(FACTORS))),
)
"""Names of the columns."""

_CELLS = 30
_EVENTS_AT_ONCE = 1024


def features(
    response: NDArray[Any], momentum: NDArray[Any], point: NDArray[Any]
) -> Array:
    """Computes the features of the competition, all finite.

    What is undefined as published is 0: asymmetries and fractions of an empty shower,
    the width where no energy lies on the line, and the widths at p_x = 0, whose unit of
    length is infinite. A track with p_x = p_y = 0 counts as inclined along x.

    Args:
        response: Cell energies of any unit, [batch, 30 along x, 30 along y].
        momentum: p_x, p_y and p_z of any unit, [batch, 3].
        point: Impact x and y in units of a cell, from the centre, [batch, 2].

    Returns:
        Features in the order of `FEATURES`, float64 [batch, 24].

    Raises:
        ValueError: If the responses do not have 30 x 30 cells, or a p_z is not
            positive.
    """
    if response.shape[1:] != (_CELLS, _CELLS):
        raise ValueError(
            f"the competition's features need responses of {_CELLS} x {_CELLS} cells, "
            f"received {response.shape[1:]}: use the observables of this project"
        )
    if not np.all(momentum[:, 2] > 0.0):
        raise ValueError(
            "the competition's features project the track along p_z, which must be "
            f"positive; received {np.min(momentum[:, 2]):g}"
        )
    found = np.empty((len(response), len(FEATURES)))
    for start in range(0, len(response), _EVENTS_AT_ONCE):
        part = slice(start, start + _EVENTS_AT_ONCE)
        found[part] = _features(
            response[part].astype(np.float64),
            momentum[part].astype(np.float64),
            point[part].astype(np.float64),
        )
    return found


def _features(response: Array, momentum: Array, point: Array) -> Array:
    total = response.sum(axis=(1, 2))
    border = (_CELLS - 1) / 2.0
    centres = np.linspace(-border, border, _CELLS)
    track = point + DEPTH * momentum[:, :2] / momentum[:, 2:]
    x = (centres - track[:, :1])[:, :, np.newaxis]
    y = (centres - track[:, 1:])[:, np.newaxis, :]
    inclined = np.any(momentum[:, :2] != 0.0, axis=1, keepdims=True)
    direction = np.where(inclined, momentum[:, :2], [1.0, 0.0])
    p_x, p_y = direction.T[:, :, np.newaxis, np.newaxis]
    # The published inequalities hold slopes; times p_x or p_y they have no poles.
    upward = np.where(p_x < 0.0, -1.0, 1.0)
    length = np.hypot(*direction.T)
    scale = ratio(length, np.abs(direction[:, 0]))
    columns = [
        _asymmetry(response, total, x * p_x + y * p_y >= 0.0),
        _asymmetry(response, total, (y * p_x - x * p_y) * upward >= 0.0),
        _width(response, centres, y * p_y - x * p_x <= 0.0) * scale,
        _width(response, centres, (y * p_x + x * p_y) * upward >= 0.0) * scale,
        *(_fraction_of_cells(response, total, factor) for factor in FACTORS),
    ]
    return np.stack(columns, axis=1)


def _asymmetry(response: Array, total: Array, positive: NDArray[np.bool_]) -> Array:
    one_side = np.einsum("eij,eij->e", response, positive)
    return ratio(2.0 * one_side - total, total)


def _width(response: Array, centres: Array, positive: NDArray[np.bool_]) -> Array:
    """Returns the spread in x of the energy beside the border of a half-plane."""
    border = np.zeros(response.shape, bool)
    border[:, :-1] |= positive[:, :-1] != positive[:, 1:]
    border[:, :, :-1] |= positive[:, :, :-1] != positive[:, :, 1:]
    energy = np.einsum("eij,eij->ei", response, border)
    on_line = energy.sum(axis=1)
    mean = ratio(energy @ centres, on_line)
    square = ratio(energy @ centres**2, on_line)
    return np.sqrt(np.maximum(square - mean**2, 0.0))


def _fraction_of_cells(response: Array, total: Array, factor: float) -> Array:
    above = response >= factor * total[:, np.newaxis, np.newaxis]
    fraction: Array = (above & (response > 0.0)).mean(axis=(1, 2))
    return fraction
