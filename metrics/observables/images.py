"""Observables of calorimeter images, responses [batch, row, column], and of a track.

Widths, asymmetries and offsets refer to a direction in the x-y plane: `along` the
inclination of the particle or `across` it. Sums are made in float64. An empty shower
has width, asymmetry, offset and fraction 0: it shows in the visible energy.
"""

from typing import Any

import numpy as np
import scipy.optimize
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from metrics.observables import calorimeter
from metrics.statistics.arrays import Array, ratio

_EVENTS_AT_ONCE = 1024
_ON_THE_LINE_CM = 1e-5
_SMALLEST_ERROR_CM = 1e-3
_ROUNDS = 3


def along(momentum_gev: NDArray[Any]) -> Array:
    """Returns the direction of the inclination: u = (p_x, p_y) / |(p_x, p_y)|.

    Args:
        momentum_gev: Momenta [GeV], [batch, 2 or 3].

    Returns:
        Unit vectors in the x-y plane, float64 [batch, 2]; the x axis, (1, 0), for
        p_x = p_y = 0.
    """
    transverse = momentum_gev[:, :2].astype(np.float64)
    size = np.broadcast_to(np.hypot(*transverse.T)[:, None], transverse.shape)
    direction: Array = np.where(size > 0.0, ratio(transverse, size), (1.0, 0.0))
    return direction


def across(momentum_gev: NDArray[Any]) -> Array:
    """Returns the direction to the left of the inclination: n = (-u_y, u_x).

    Args:
        momentum_gev: Momenta [GeV], [batch, 2 or 3].

    Returns:
        Unit vectors in the x-y plane, float64 [batch, 2]; the y axis, (0, 1), for
        p_x = p_y = 0.
    """
    return along(momentum_gev)[:, ::-1] * (-1.0, 1.0)


def shower_depth(
    energy_gev: NDArray[Any], shower_depth_cm: tuple[float, float]
) -> Array:
    """Returns the depth of a shower along its track: s = a + b ln(E / GeV).

    Args:
        energy_gev: Incident energies [GeV], [batch].
        shower_depth_cm: a and b [cm], see `DetectorSpec.shower_depth_cm`.

    Returns:
        Depths [cm], float64 [batch]; 0 where the formula is negative and at energy 0.

    Source: Particle Data Group, Review of Particle Physics, "Electromagnetic cascades":
    the maximum of a shower lies at ln(E / E_c) + constant radiation lengths.
    """
    first, slope = shower_depth_cm
    energy = np.asarray(energy_gev, np.float64)
    logarithm = np.log(np.where(energy > 0.0, energy, 1.0))
    depth: Array = np.where(energy > 0.0, first + slope * logarithm, 0.0)
    return np.maximum(depth, 0.0)


def track_projection(
    impact_cm: NDArray[Any], momentum_gev: NDArray[Any], depth_cm: NDArray[Any]
) -> Array:
    """Follows the track from the impact point: (x, y) = (x_0, y_0) + s (p_x, p_y) / p.

    Args:
        impact_cm: Impact x and y [cm], [batch, 2].
        momentum_gev: Momenta [GeV], [batch, 3].
        depth_cm: Depth s along the track [cm], [batch].

    Returns:
        x and y [cm], float64 [batch, 2]; the impact point without a momentum.

    Source: arXiv:1812.01319, section 5, "track projection to the shower max depth".
    """
    momentum = momentum_gev.astype(np.float64)
    total = np.linalg.norm(momentum, axis=1, keepdims=True)
    transverse = momentum[:, :2]
    slope = ratio(transverse, np.broadcast_to(total, transverse.shape))
    return impact_cm + depth_cm[:, None] * slope


def width(
    response: NDArray[Any], direction: NDArray[Any], positions_cm: NDArray[Any]
) -> Array:
    """Returns the width along a direction: w^2 = sum_i E_i (t_i - t)^2 / sum_i E_i.

    t_i is the position of a cell's centre projected on the direction, t its mean
    sum_i E_i t_i / sum_i E_i.

    Args:
        response: Cell energies [spec.unit], [batch, row, column].
        direction: Unit vectors u in the x-y plane, [batch, 2].
        positions_cm: Cell centres [cm], [row, column, 3].

    Returns:
        Widths [cm], float64 [batch]; 0 for a single cell.

    Source: arXiv:1812.01319, section 5, "cluster width".
    """
    x, y = (_plane(positions_cm) - _plane(positions_cm).mean(axis=0)).T
    powers = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)
    moments = np.concatenate([_flat(part) @ powers for part in _parts(response)])
    total = np.broadcast_to(moments[:, :1], (len(moments), 5))
    mean_x, mean_y, xx, xy, yy = ratio(moments[:, 1:], total).T
    u_x, u_y = np.asarray(direction, np.float64).T
    square = u_x * u_x * xx + 2.0 * u_x * u_y * xy + u_y * u_y * yy
    # Rounding leaves a single cell with a square of the order of -1e-14.
    variance = np.maximum(square - (u_x * mean_x + u_y * mean_y) ** 2, 0.0)
    spread: Array = np.sqrt(variance)
    return spread


def asymmetry(
    response: NDArray[Any],
    direction: NDArray[Any],
    point_cm: NDArray[Any],
    positions_cm: NDArray[Any],
) -> Array:
    """Compares the two sides of a line: A = (E_ahead - E_behind) / sum_i E_i.

    The line goes through the point, at a right angle to the direction. A cell is on the
    side of its centre; one whose centre lies on the line counts half for each side.

    Args:
        response: Cell energies [spec.unit], [batch, row, column].
        direction: Unit vectors in the x-y plane that point ahead, [batch, 2].
        point_cm: x and y of a point of the line [cm], [batch, 2].
        positions_cm: Cell centres [cm], [row, column, 3].

    Returns:
        Asymmetries between -1 and 1, float64 [batch].

    Source: arXiv:1812.01319, section 5, and arXiv:2207.06329, "shower asymmetry along
    and across the direction of inclination".
    """
    cells = _plane(positions_cm)
    border = (np.asarray(direction, np.float64) * point_cm).sum(axis=1)
    difference = np.zeros(len(response))
    for start in range(0, len(response), _EVENTS_AT_ONCE):
        part = slice(start, start + _EVENTS_AT_ONCE)
        ahead_cm = direction[part] @ cells.T - border[part, None]
        side = np.where(np.abs(ahead_cm) > _ON_THE_LINE_CM, np.sign(ahead_cm), 0.0)
        difference[part] = np.einsum("ij,ij->i", side, _flat(response[part]))
    return ratio(difference, calorimeter.visible_energy(response))


def centre_minus_point(
    response: NDArray[Any],
    direction: NDArray[Any],
    point_cm: NDArray[Any],
    positions_cm: NDArray[Any],
) -> Array:
    """Projects the centre of gravity minus a point on a direction: d = (c - p) u.

    With the `track_projection` at the `shower_depth` as the point, its mean is the bias
    and its standard deviation the resolution of the position.

    Args:
        response: Cell energies [spec.unit], [batch, row, column].
        direction: Unit vectors u in the x-y plane, [batch, 2].
        point_cm: x and y of the point p [cm], [batch, 2].
        positions_cm: Cell centres [cm], [row, column, 3].

    Returns:
        Offsets [cm], float64 [batch].

    Source: arXiv:1812.01319, section 5, "spatial resolution".
    """
    offset = calorimeter.centre_minus_impact(response, point_cm, positions_cm)
    projected: Array = np.einsum("ij,ij->i", offset, direction)
    return projected


def central_energy_fraction(response: NDArray[Any]) -> Array:
    """Returns the fraction of 3 x 3 cells: f = E_(3x3 around the hottest) / sum_i E_i.

    The square surrounds the cell with the most energy, as clusters do that are built
    from what the calorimeter saw, not from where the particle went; beyond the border
    of the image there is no energy. Of equal cells the first counts.

    Args:
        response: Cell energies [spec.unit], [batch, row, column].

    Returns:
        Fractions, float64 [batch].

    Raises:
        ValueError: If `response` is not of rank 3.

    Source: R9 of the CMS collaboration, arXiv:1502.02702.
    """
    if response.ndim != 3:
        raise ValueError(
            f"an image has rank 3 [batch, row, column], received shape {response.shape}"
        )
    cells = response.reshape(len(response), response.shape[1] * response.shape[2])
    row, column = np.unravel_index(cells.argmax(axis=1), response.shape[1:])
    framed = np.pad(response, ((0, 0), (1, 1), (1, 1)))
    squares = sliding_window_view(framed, (3, 3), axis=(1, 2))
    core = squares[np.arange(len(response)), row, column]
    return ratio(
        core.sum(axis=(1, 2), dtype=np.float64), calorimeter.visible_energy(response)
    )


def fit_shower_depth(
    response: NDArray[Any],
    momentum_gev: NDArray[Any],
    impact_cm: NDArray[Any],
    positions_cm: NDArray[Any],
) -> tuple[float, float]:
    """Fits the depth that a detector's showers have along their tracks.

    Least squares of d_i = (a + b ln E_i) sin(theta_i): d_i is the centre of gravity
    minus the impact point along the inclination, theta_i the polar angle. An event
    weighs 1 / (v_1 / E + v_2 sin^2(theta) + v_3 sin^2(theta) / E), the variance of the
    transverse sampling and that of the depth; v is fitted to the squared residuals, in
    turn with a and b.

    Args:
        response: Cell energies [spec.unit], [batch, row, column].
        momentum_gev: Momenta [GeV], [batch, 3]; not all parallel to the z axis.
        impact_cm: Impact x and y [cm], [batch, 2].
        positions_cm: Cell centres [cm], [row, column, 3].

    Returns:
        a and b [cm] for `DetectorSpec.shower_depth_cm`.
    """
    momentum = momentum_gev.astype(np.float64)
    energy = np.linalg.norm(momentum, axis=1)
    sine = np.hypot(momentum[:, 0], momentum[:, 1]) / energy
    offset = centre_minus_point(response, along(momentum), impact_cm, positions_cm)
    design = sine[:, None] * np.stack([np.ones_like(energy), np.log(energy)], axis=1)
    terms = np.stack([1.0 / energy, sine**2, sine**2 / energy], axis=1)
    error = np.ones_like(energy)
    for _ in range(_ROUNDS):
        found = np.linalg.lstsq(design / error[:, None], offset / error)[0]
        square = (offset - design @ found) ** 2
        # A squared residual scatters by its own expectation.
        scale = error**2
        variance, _ = scipy.optimize.nnls(terms / scale[:, None], square / scale)
        error = np.maximum(np.sqrt(terms @ variance), _SMALLEST_ERROR_CM)
    return float(found[0]), float(found[1])


def _parts(response: NDArray[Any]) -> list[NDArray[Any]]:
    starts = range(0, max(len(response), 1), _EVENTS_AT_ONCE)
    return [response[start : start + _EVENTS_AT_ONCE] for start in starts]


def _flat(response: NDArray[Any]) -> Array:
    cells = int(np.prod(response.shape[1:]))
    return response.reshape(len(response), cells).astype(np.float64)


def _plane(positions_cm: NDArray[Any]) -> Array:
    """Returns x and y of the cells [cm], float64 [cells, 2]."""
    return positions_cm.reshape(-1, positions_cm.shape[-1])[:, :2].astype(np.float64)
