"""Pictures of showers as arrays of colours, for TensorBoard."""

from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

_BORDER = 255
_OUTSIDE = 224
_PIXELS_PER_CELL = 6
_DECADES = 4.0


def pair(
    real: Sequence[NDArray[Any]],
    generated: Sequence[NDArray[Any]],
    accepted: Sequence[NDArray[np.bool_]],
) -> Image:
    """Draws a real shower above a generated one, layer beside layer.

    The colour is the logarithm of the energy; both share one scale, which ends at the
    hottest real cell and spans four decades.

    Args:
        real: Cell energies, [row, column] of each layer.
        generated: The same for the generated shower.
        accepted: The cells taken into account; the others are grey.

    Returns:
        Colours, uint8 [height, width, 3].
    """
    top = max(float(image.max(initial=0.0)) for image in real) or 1.0
    rows = [_strip(shower, accepted, top) for shower in (real, generated)]
    line = np.full((_PIXELS_PER_CELL, *rows[0].shape[1:]), _BORDER, np.uint8)
    return np.concatenate([rows[0], line, rows[1]])


def _strip(
    shower: Sequence[NDArray[Any]], accepted: Sequence[NDArray[np.bool_]], top: float
) -> Image:
    high = max(len(image) for image in shower)
    side_by_side = []
    for image, cells in zip(shower, accepted, strict=True):
        safe = np.maximum(image / top, 10.0**-_DECADES)
        level = np.clip(1.0 + np.log10(safe) / _DECADES, 0.0, 1.0)
        colour = matplotlib.colormaps["magma"](level, bytes=True)[..., :3]
        colour[~cells] = _OUTSIDE
        room = ((0, high - len(image)), (0, 1), (0, 0))
        side_by_side.append(np.pad(colour, room, constant_values=_BORDER)[::-1])
    strip = np.concatenate(side_by_side, axis=1)
    large: Image = strip.repeat(_PIXELS_PER_CELL, 0).repeat(_PIXELS_PER_CELL, 1)
    return large
