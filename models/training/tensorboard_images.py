"""Pictures of showers as arrays of colours, for TensorBoard."""

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
    real: NDArray[Any], generated: NDArray[Any], accepted: NDArray[np.bool_]
) -> Image:
    """Draws a real shower above a generated one, layer beside layer.

    The colour is the logarithm of the energy; both share one scale, which ends at the
    hottest real cell and spans four decades.

    Args:
        real: Cell energies, [row, column, layer] or [row, column].
        generated: The same for the generated shower.
        accepted: The cells taken into account; the others are grey.

    Returns:
        Colours, uint8 [height, width, 3].
    """
    top = float(real.max(initial=0.0)) or 1.0
    rows = [_strip(shower, accepted, top) for shower in (real, generated)]
    line = np.full((_PIXELS_PER_CELL, *rows[0].shape[1:]), _BORDER, np.uint8)
    return np.concatenate([rows[0], line, rows[1]])


def _strip(shower: NDArray[Any], accepted: NDArray[np.bool_], top: float) -> Image:
    layers = shower.reshape(*shower.shape[:2], -1)
    cells = accepted.reshape(layers.shape)
    safe = np.maximum(layers / top, 10.0**-_DECADES)
    level = np.clip(1.0 + np.log10(safe) / _DECADES, 0.0, 1.0)
    colour = matplotlib.colormaps["magma"](level, bytes=True)[..., :3]
    colour[~cells] = _OUTSIDE
    padded = np.pad(colour, ((0, 0), (0, 1), (0, 0), (0, 0)), constant_values=_BORDER)[
        ::-1
    ]
    side_by_side = np.concatenate(np.moveaxis(padded, 2, 0), axis=1)
    large: Image = side_by_side.repeat(_PIXELS_PER_CELL, 0).repeat(_PIXELS_PER_CELL, 1)
    return large
