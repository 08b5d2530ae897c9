"""Layers of different shapes, whose cells stand behind each other in one axis."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

LayerShapes = Sequence[tuple[int, int]]
"""Rows and columns of every layer's image."""


def layer_starts(shapes: LayerShapes) -> NDArray[np.intp]:
    """Returns the number of each layer's first cell and, at the end, that of cells.

    Args:
        shapes: Rows and columns of every layer.

    Returns:
        Numbers, [layers + 1].

    Example:
        >>> layer_starts([(3, 96), (12, 12), (12, 6)]).tolist()
        [0, 288, 432, 504]
    """
    return np.cumsum([0, *(rows * columns for rows, columns in shapes)], dtype=np.intp)


def unfolded(values: NDArray[Any], shapes: LayerShapes) -> list[NDArray[Any]]:
    """Unfolds the cells of layers, row by row, into the image of each.

    Args:
        values: Numbers of the cells of all layers, [..., cell].
        shapes: Rows and columns of every layer.

    Returns:
        Images [..., row, column], no copies.
    """
    borders = itertools.pairwise(layer_starts(shapes))
    return [
        values[..., first:last].reshape(*values.shape[:-1], *shape)
        for (first, last), shape in zip(borders, shapes, strict=True)
    ]


def folded(images: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Puts the cells of the layers' images behind each other, see `unfolded`.

    Args:
        images: Numbers of the cells, [events, row, column] of each layer.

    Returns:
        The same numbers, [events, cell].
    """
    flat = [image.reshape(len(image), -1) for image in images]
    return np.concatenate(flat, axis=1)
