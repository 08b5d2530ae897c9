"""Observables of layered calorimeters, responses [batch, row, column, layer]."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrics.statistics.arrays import Array, ratio


def _layered(response: NDArray[Any]) -> NDArray[Any]:
    if response.ndim != 4:
        raise ValueError(
            "a layered response has rank 4 [batch, row, column, layer], received shape "
            f"{response.shape}"
        )
    return response


def layer_energies(response: NDArray[Any]) -> Array:
    """Sums the response of each layer: E_l = sum over cells i of layer l of E_i.

    Args:
        response: Cell energies [spec.unit], [batch, row, column, layer].

    Returns:
        Layer energies [spec.unit], float64 [batch, layer].

    Raises:
        ValueError: If `response` is not of rank 4.

    Source: arXiv:1807.01954, section 5.
    """
    sums: Array = _layered(response).sum(axis=(1, 2), dtype=np.float64)
    return sums


def longitudinal_profile(response: NDArray[Any]) -> Array:
    """Returns the fraction of the energy in each layer: f_l = E_l / sum_k E_k.

    Args:
        response: Cell energies [spec.unit], [batch, row, column, layer].

    Returns:
        Fractions, float64 [batch, layer]; 0 for an empty shower.

    Raises:
        ValueError: If `response` is not of rank 4.

    Source: the layer energies of arXiv:1807.01954, section 5.
    """
    layers = layer_energies(response)
    total = np.broadcast_to(layers.sum(axis=1, keepdims=True), layers.shape)
    return ratio(layers, total)


def depth(response: NDArray[Any], layer_depths_x0: tuple[float, ...]) -> Array:
    """Averages the depth of the layers: t = sum_l E_l t_l / sum_l E_l.

    Args:
        response: Cell energies [spec.unit], [batch, row, column, layer].
        layer_depths_x0: Depth of each layer [X0], [layer].

    Returns:
        Shower depths [X0], float64 [batch]; 0 for an empty shower.

    Raises:
        ValueError: If `response` is not of rank 4.

    Source: arXiv:1807.01954, section 5.
    """
    layers = layer_energies(response)
    return ratio(layers @ np.asarray(layer_depths_x0), layers.sum(axis=1))


def layer_occupancies(
    response: NDArray[Any], accepted: NDArray[np.bool_], threshold: float = 0.0
) -> Array:
    """Returns the fraction of accepted cells above a threshold: o_l = N_l / M_l.

    N_l of the M_l accepted cells of layer l exceed the threshold. The occupancy of a
    layer is the mean of this over events.

    Args:
        response: Cell energies [spec.unit], [batch, row, column, layer].
        accepted: Cells taken into account, bool [row, column, layer].
        threshold: Energy that a hit exceeds [spec.unit].

    Returns:
        Fractions between 0 and 1, float64 [batch, layer]; 0 in a layer without
            accepted cells.

    Raises:
        ValueError: If `response` is not of rank 4.

    Source: the 2019 talk, "Pixel occupancy".
    """
    hits = ((_layered(response) > threshold) & accepted).sum(axis=(1, 2))
    cells = accepted.sum(axis=(0, 1)).astype(np.float64)
    return ratio(hits.astype(np.float64), np.broadcast_to(cells, hits.shape))
