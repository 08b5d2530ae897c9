"""Observables of any calorimeter: sums, hits, centre, radius, all free of NaN.

Every function takes responses to which the acceptance has been applied and sums in
float64. An empty shower has radius, offset and fraction 0: it shows in the visible
energy and in the number of hits.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrics.statistics.arrays import Array, ratio

_EVENTS_AT_ONCE = 1024


def visible_energy(response: NDArray[Any]) -> Array:
    """Sums all cells: E_vis = sum_i E_i.

    Args:
        response: Cell energies [spec.unit], [batch, ...].

    Returns:
        Visible energies [spec.unit], float64 [batch].

    Source: arXiv:1807.01954, section 5.
    """
    cells = tuple(range(1, response.ndim))
    total: Array = response.sum(axis=cells, dtype=np.float64)
    return total


def energy_response(response: NDArray[Any], energy_gev: NDArray[Any]) -> Array:
    """Divides the visible by the incident energy: R = E_vis / E.

    Args:
        response: Cell energies [spec.unit], [batch, ...].
        energy_gev: Incident energies [GeV], [batch].

    Returns:
        Responses [spec.unit / GeV], float64 [batch]; 0 at incident energy 0.

    Source: arXiv:1807.01954, section 5, as the visible energy.
    """
    return ratio(visible_energy(response), np.asarray(energy_gev, np.float64))


def number_of_hits(response: NDArray[Any], threshold: float = 0.0) -> Array:
    """Counts the cells above a threshold: N = number of cells with E_i > threshold.

    Args:
        response: Cell energies [spec.unit], [batch, ...].
        threshold: Energy that a hit exceeds [spec.unit].

    Returns:
        Numbers of hits, float64 [batch]. Divided by the number of cells it is the
            sparsity of the LHCb studies.

    Source: arXiv:1807.01954, section 5; with a cut of 10 MIP the 2019 talk; sparsity
    arXiv:1812.01319, section 5.
    """
    cells = tuple(range(1, response.ndim))
    counts: Array = (response > threshold).sum(axis=cells).astype(np.float64)
    return counts


def cell_occupancies(response: NDArray[Any], threshold: float = 0.0) -> Array:
    """Returns the fraction of events that hit each cell: o_i = N(E_i > threshold) / N.

    Args:
        response: Cell energies [spec.unit], [batch, ...].
        threshold: Energy that a hit exceeds [spec.unit].

    Returns:
        Fractions between 0 and 1, float64 [...]; 0 for an empty batch.

    Source: the 2019 talk, "Pixel occupancy".
    """
    fractions: Array = (response > threshold).sum(axis=0) / max(len(response), 1)
    return fractions


def maximum_cell_fraction(response: NDArray[Any]) -> Array:
    """Returns the fraction of the hottest cell: f = max_i E_i / sum_i E_i.

    Args:
        response: Cell energies [spec.unit], [batch, ...].

    Returns:
        Fractions, float64 [batch]; 0 for an empty shower.

    Source: this project.
    """
    hottest = response.max(axis=tuple(range(1, response.ndim)), initial=0.0)
    return ratio(hottest.astype(np.float64), visible_energy(response))


def correlation_matrix(features: Array) -> Array:
    """Returns Pearson's correlation of the columns: r_jk = cov(j, k) / (s_j s_k).

    Of layer energies it is the correlation from layer to layer.

    Args:
        features: Numbers, [batch, feature].

    Returns:
        Correlations, float64 [feature, feature]: 1 on the diagonal, 0 beside it where
        a feature does not vary.

    Source: the 2019 talk, "Correlation between layers".
    """
    centred = features - features.mean(axis=0) if len(features) else features
    width = np.sqrt((centred**2).sum(axis=0))
    scaled = ratio(centred, np.broadcast_to(width, centred.shape))
    matrix: Array = scaled.T @ scaled
    np.fill_diagonal(matrix, 1.0)
    return matrix


def centre_of_gravity(response: NDArray[Any], positions_cm: NDArray[Any]) -> Array:
    """Averages the cell centres: (x, y) = sum_i E_i (x_i, y_i) / sum_i E_i.

    Args:
        response: Cell energies [spec.unit], [batch, ...].
        positions_cm: Cell centres [cm], [..., 3].

    Returns:
        Reconstructed x and y [cm], float64 [batch, 2]; (0, 0) for an empty shower.

    Source: arXiv:1812.01319, section 5, the centre of mass.
    """
    cells = response.reshape(
        len(response), positions_cm.size // positions_cm.shape[-1]
    ).astype(np.float64)
    moments = cells @ positions_cm.reshape(-1, positions_cm.shape[-1])[:, :2]
    total = np.broadcast_to(cells.sum(axis=1)[:, None], moments.shape)
    return ratio(moments, total)


def centre_minus_impact(
    response: NDArray[Any], impact_cm: NDArray[Any], positions_cm: NDArray[Any]
) -> Array:
    """Subtracts the impact point from the centre of gravity: (x - x_0, y - y_0).

    Args:
        response: Cell energies [spec.unit], [batch, ...].
        impact_cm: Impact x and y [cm], [batch, 2].
        positions_cm: Cell centres [cm], [..., 3].

    Returns:
        Offsets in x and y [cm], float64 [batch, 2]; (0, 0) for an empty shower.

    Source: arXiv:1812.01319, section 5, for a particle without inclination.
    """
    lit = visible_energy(response)[:, None] > 0.0
    offset = centre_of_gravity(response, positions_cm) - impact_cm
    result: Array = np.where(lit, offset, 0.0)
    return result


def radial_profile(
    response: NDArray[Any],
    impact_cm: NDArray[Any],
    positions_cm: NDArray[Any],
    edges_cm: NDArray[Any],
) -> Array:
    """Returns the fraction of the energy in rings around the impact point.

    f_k = sum over cells with r_k <= r_i < r_(k+1) of E_i / sum_i E_i, where r_i is the
    transverse distance of a cell's centre to the impact point. Energy beyond the last
    edge is in no ring.

    Args:
        response: Cell energies [spec.unit], [batch, ...].
        impact_cm: Impact x and y [cm], [batch, 2].
        positions_cm: Cell centres [cm], [..., 3].
        edges_cm: Ascending edges of the rings [cm], [rings + 1].

    Returns:
        Fractions of the energy, float64 [batch, rings]; 0 for an empty shower.

    Source: the 2019 talk, "Radial development".
    """
    rings = len(edges_cm) - 1
    profile = np.zeros((len(response), rings))
    for start in range(0, len(response), _EVENTS_AT_ONCE):
        part = slice(start, start + _EVENTS_AT_ONCE)
        distance, energy = _distances(response[part], impact_cm[part], positions_cm)
        ring = np.searchsorted(edges_cm, distance, side="right") - 1
        inside = (ring >= 0) & (ring < rings) & (energy != 0.0)
        event = np.nonzero(inside)[0]
        profile[part] = np.bincount(
            event * rings + ring[inside], energy[inside], len(energy) * rings
        ).reshape(-1, rings)
    return ratio(profile, np.broadcast_to(visible_energy(response)[:, None],
                                           profile.shape))  # fmt: skip


def radius(
    response: NDArray[Any], impact_cm: NDArray[Any], positions_cm: NDArray[Any]
) -> Array:
    """Averages the distance to the impact point: r = sum_i E_i r_i / sum_i E_i.

    Args:
        response: Cell energies [spec.unit], [batch, ...].
        impact_cm: Impact x and y [cm], [batch, 2].
        positions_cm: Cell centres [cm], [..., 3].

    Returns:
        Energy-weighted radii [cm], float64 [batch]; 0 for an empty shower.

    Source: the mean of the 2019 talk's "Radial development".
    """
    moment = np.zeros(len(response))
    for start in range(0, len(response), _EVENTS_AT_ONCE):
        part = slice(start, start + _EVENTS_AT_ONCE)
        distance, energy = _distances(response[part], impact_cm[part], positions_cm)
        moment[part] = np.einsum("ij,ij->i", distance, energy)
    return ratio(moment, visible_energy(response))


def _distances(
    response: NDArray[Any], impact_cm: NDArray[Any], positions_cm: NDArray[Any]
) -> tuple[Array, Array]:
    """Returns distances to the impact point [cm] and energies, [batch, cells]."""
    cells = positions_cm.reshape(-1, positions_cm.shape[-1])[:, :2].astype(np.float64)
    offset_x = cells[:, 0] - impact_cm[:, :1]
    offset_y = cells[:, 1] - impact_cm[:, 1:2]
    energy = response.reshape(
        len(response), positions_cm.size // positions_cm.shape[-1]
    ).astype(np.float64)
    return np.hypot(offset_x, offset_y), energy
