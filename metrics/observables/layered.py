"""Observables of layered calorimeters.

Responses are [batch, row, column, layer], or, where layers have different shapes,
[batch, cell], and the shapes are given.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.detectors.flat_layers import LayerShapes, layer_starts
from metrics.statistics.arrays import Array, ratio


def _summed(cells: NDArray[Any], shapes: LayerShapes, dtype: Any) -> NDArray[Any]:
    """Sums the cells of every layer, [batch, layer]."""
    if not len(shapes):
        sums: NDArray[Any] = cells.sum(axis=(1, 2), dtype=dtype)
        return sums
    return np.add.reduceat(cells, layer_starts(shapes)[:-1], axis=1, dtype=dtype)


def _layered(response: NDArray[Any], shapes: LayerShapes) -> NDArray[Any]:
    if len(shapes):
        cells = int(layer_starts(shapes)[-1])
        if response.shape[1:] != (cells,):
            raise ValueError(
                f"layers of {cells} cells in all need responses [batch, {cells}], "
                f"received shape {response.shape}"
            )
    elif response.ndim != 4:
        raise ValueError(
            "a layered response has rank 4 [batch, row, column, layer], received shape "
            f"{response.shape}"
        )
    return response


def layer_energies(response: NDArray[Any], shapes: LayerShapes = ()) -> Array:
    """Sums the response of each layer: E_l = sum over cells i of layer l of E_i.

    Args:
        response: Cell energies [spec.unit], [batch, row, column, layer] or [batch,
            cell].
        shapes: Rows and columns of every layer where the response is [batch, cell].

    Returns:
        Layer energies [spec.unit], float64 [batch, layer].

    Raises:
        ValueError: If `response` has another shape.

    Source: arXiv:1807.01954, section 5.
    """
    return _summed(_layered(response, shapes), shapes, np.float64)


def longitudinal_profile(response: NDArray[Any], shapes: LayerShapes = ()) -> Array:
    """Returns the fraction of the energy in each layer: f_l = E_l / sum_k E_k.

    Args:
        response: Cell energies [spec.unit], [batch, row, column, layer] or [batch,
            cell].
        shapes: Rows and columns of every layer where the response is [batch, cell].

    Returns:
        Fractions, float64 [batch, layer]; 0 for an empty shower.

    Raises:
        ValueError: If `response` has another shape.

    Source: the layer energies of arXiv:1807.01954, section 5.
    """
    layers = layer_energies(response, shapes)
    total = np.broadcast_to(layers.sum(axis=1, keepdims=True), layers.shape)
    return ratio(layers, total)


def depth(
    response: NDArray[Any],
    layer_depths_x0: tuple[float, ...],
    shapes: LayerShapes = (),
) -> Array:
    """Averages the depth of the layers: t = sum_l E_l t_l / sum_l E_l.

    Args:
        response: Cell energies [spec.unit], [batch, row, column, layer] or [batch,
            cell].
        layer_depths_x0: Depth of each layer [X0], [layer].
        shapes: Rows and columns of every layer where the response is [batch, cell].

    Returns:
        Shower depths [X0], float64 [batch]; 0 for an empty shower.

    Raises:
        ValueError: If `response` has another shape.

    Source: arXiv:1807.01954, section 5.
    """
    layers = layer_energies(response, shapes)
    return ratio(layers @ np.asarray(layer_depths_x0), layers.sum(axis=1))


def layer_occupancies(
    response: NDArray[Any],
    accepted: NDArray[np.bool_],
    threshold: float = 0.0,
    shapes: LayerShapes = (),
) -> Array:
    """Returns the fraction of accepted cells above a threshold: o_l = N_l / M_l.

    N_l of the M_l accepted cells of layer l exceed the threshold. The occupancy of a
    layer is the mean of this over events.

    Args:
        response: Cell energies [spec.unit], [batch, row, column, layer] or [batch,
            cell].
        accepted: Cells taken into account, bool, of the shape of one response.
        threshold: Energy that a hit exceeds [spec.unit].
        shapes: Rows and columns of every layer where the response is [batch, cell].

    Returns:
        Fractions between 0 and 1, float64 [batch, layer]; 0 in a layer without
            accepted cells.

    Raises:
        ValueError: If `response` has another shape.

    Source: the 2019 talk, "Pixel occupancy".
    """
    lit = (_layered(response, shapes) > threshold) & accepted
    hits = _summed(lit, shapes, np.int64)
    cells = _summed(accepted[None], shapes, np.int64)[0].astype(np.float64)
    return ratio(hits.astype(np.float64), np.broadcast_to(cells, hits.shape))
