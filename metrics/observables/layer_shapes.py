"""Observables of layers with cells of different sizes, and of the depth of a shower.

They are those of the CaloGAN paper. Every function of layers returns a column for each.
Sums are made in float64. An empty layer, or shower, has 0 everywhere.

Source: Paganini, de Oliveira, Nachman, arXiv:1712.10321, section 4.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.detectors.flat_layers import LayerShapes, unfolded
from metrics.observables.layered import layer_energies
from metrics.statistics.arrays import Array, ratio

_EVENTS_AT_ONCE = 1024


def hottest_cells_ratio(response: NDArray[Any], shapes: LayerShapes) -> Array:
    """Compares the two hottest cells of a layer: (E_1 - E_2) / (E_1 + E_2).

    Args:
        response: Cell energies [spec.unit], [batch, cell].
        shapes: Rows and columns of every layer.

    Returns:
        Ratios between 0 and 1, float64 [batch, layer]; 1 if a single cell is hit.
    """

    def measure(image: NDArray[Any], _: int) -> Array:
        cells = image.reshape(len(image), -1)
        if cells.shape[1] == 1:
            cells = np.pad(cells, ((0, 0), (0, 1)))
        second, first = np.partition(cells, -2, axis=1)[:, -2:].T.astype(np.float64)
        return ratio(first - second, first + second)

    return _of_layers(response, shapes, measure)


def layer_sparsities(
    response: NDArray[Any], accepted: NDArray[np.bool_], shapes: LayerShapes
) -> Array:
    """Returns the fraction of the accepted cells of each layer without energy.

    Args:
        response: Cell energies [spec.unit], [batch, cell].
        accepted: Cells taken into account, bool [cell].
        shapes: Rows and columns of every layer.

    Returns:
        Fractions between 0 and 1, float64 [batch, layer].
    """
    used = unfolded(accepted, shapes)

    def measure(image: NDArray[Any], layer: int) -> Array:
        cells = image[:, used[layer]] > 0.0
        return 1.0 - cells.sum(axis=1) / max(cells.shape[1], 1)

    return _of_layers(response, shapes, measure)


def layer_widths(
    response: NDArray[Any], places_cm: NDArray[Any], shapes: LayerShapes
) -> Array:
    """Returns the width of each layer: w^2 = sum_i E_i (t_i - t)^2 / sum_i E_i.

    t_i is a coordinate of a cell's centre, t its mean sum_i E_i t_i / sum_i E_i.

    Args:
        response: Cell energies [spec.unit], [batch, cell].
        places_cm: The coordinate of every cell [cm], [cell].
        shapes: Rows and columns of every layer.

    Returns:
        Widths [cm], float64 [batch, layer].
    """
    places = [one.ravel().astype(np.float64) for one in unfolded(places_cm, shapes)]

    def measure(image: NDArray[Any], layer: int) -> Array:
        away = places[layer] - places[layer].mean()
        powers = np.stack([np.ones_like(away), away, away**2], axis=1)
        moments = image.reshape(len(image), -1).astype(np.float64) @ powers
        total = np.broadcast_to(moments[:, :1], (len(moments), 2))
        mean, square = ratio(moments[:, 1:], total).T
        return np.sqrt(np.maximum(square - mean**2, 0.0))

    return _of_layers(response, shapes, measure)


def depth_spread(
    response: NDArray[Any], depths: Sequence[float], shapes: LayerShapes = ()
) -> Array:
    """Returns the width in depth: s^2 = sum_l E_l (d_l - d)^2 / sum_l E_l.

    Args:
        response: Cell energies [spec.unit], [batch, cell] or [batch, row, column,
            layer].
        depths: Depth d_l of each layer, in any unit; d is their mean, weighted by E_l.
        shapes: Rows and columns of every layer where the response is [batch, cell].

    Returns:
        Widths in the unit of the depths, float64 [batch].
    """
    layers = layer_energies(response, shapes)
    away = np.asarray(depths, np.float64) - np.mean(depths)
    total = layers.sum(axis=1)
    mean, square = (ratio(layers @ powers, total) for powers in (away, away**2))
    return np.sqrt(np.maximum(square - mean**2, 0.0))


def deepest_layer(
    response: NDArray[Any], depths: Sequence[float], shapes: LayerShapes = ()
) -> Array:
    """Returns the depth of the last layer with energy.

    Args:
        response: Cell energies [spec.unit], as of `depth_spread`.
        depths: Depth of each layer, ascending.
        shapes: As of `depth_spread`.

    Returns:
        Depths, float64 [batch]; that of the first layer for an empty shower.
    """
    hit = layer_energies(response, shapes) > 0.0
    last = np.where(hit, np.arange(hit.shape[1]), 0).max(axis=1)
    deepest: Array = np.asarray(depths, np.float64)[last]
    return deepest


def _of_layers(
    response: NDArray[Any],
    shapes: LayerShapes,
    measure: Callable[[NDArray[Any], int], Array],
) -> Array:
    """Measures every layer, some events at a time, float64 [batch, layer]."""
    found = np.zeros((len(response), len(shapes)))
    for start in range(0, len(response), _EVENTS_AT_ONCE):
        part = slice(start, start + _EVENTS_AT_ONCE)
        for layer, image in enumerate(unfolded(response[part], shapes)):
            found[part, layer] = measure(image, layer)
    return found
