"""Drawing of cells: sheets of maps, the outlines of cells, colour scales."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PolyCollection
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from data.detectors.spec import DetectorSpec
from metrics.showers.shower_pairs import Comparison

GAP = 0.07
"""Space between maps of one line [inch]."""

_LEFT, _RIGHT, _BOTTOM, _CAPTION = 0.9, 1.0, 0.6, 0.6
_LEAST_WIDTH = 7.0
_EMPTY = (1.0, 1.0, 1.0, 1.0)
_EDGE = "#cccccc"
_MOST_LAYERS = 9
_CORNERS_A_CIRCLE = 48


def sheet(
    above: Sequence[float], before: Sequence[float], side: float
) -> tuple[Figure, NDArray[Any]]:
    """Makes a figure of square maps with shared axes.

    Args:
        above: Space above each line of maps [inch].
        before: Space before each column of maps [inch].
        side: Side of a map [inch].

    Returns:
        The figure and its axes, [lines, columns].
    """
    width = _LEFT + sum(before) + side * len(before) + _RIGHT
    height = _CAPTION + sum(above) + side * len(above) + _BOTTOM
    figure = Figure(figsize=(max(width, _LEAST_WIDTH), height), dpi=100)
    grid = np.empty((len(above), len(before)), object)
    for line, column in np.ndindex(grid.shape):
        left = _LEFT + sum(before[: column + 1]) + side * column
        top = _CAPTION + sum(above[: line + 1]) + side * line
        axes = figure.add_axes(
            (
                left / figure.get_figwidth(),
                1.0 - (top + side) / height,
                side / figure.get_figwidth(),
                side / height,
            ),
            sharex=grid[0, 0],
            sharey=grid[0, 0],
        )
        axes.tick_params(labelbottom=line == len(above) - 1, labelleft=column == 0)
        grid[line, column] = axes
    return figure, grid


def scale(
    figure: Figure, painter: ScalarMappable, beside: tuple[Axes, Axes], label: str
) -> None:
    """Draws the colour scale to the right of some maps.

    Args:
        figure: The figure.
        painter: The colours.
        beside: The maps at the upper and at the lower end of the scale.
        label: What the colours mean, with its unit.
    """
    first, last = (axes.get_position() for axes in beside)
    inch = 1.0 / figure.get_figwidth()
    place = (first.x1 + 0.12 * inch, last.y0, 0.15 * inch, first.y1 - last.y0)
    # The label keeps apart what matplotlib would take for the same axes.
    axes = figure.add_axes(place, label=f"scale {place}")
    norm: Any = painter.norm
    low, high = norm.vmin, norm.vmax
    if isinstance(norm, LogNorm) and high > 10.0 * low:
        figure.colorbar(painter, cax=axes, label=label)
        return
    ticks = [low, (low * high) ** 0.5, high] if low > 0.0 else None
    # Without a factor above the scale, which would lie on another map.
    figure.colorbar(painter, cax=axes, label=label, ticks=ticks, format="%g")
    axes.minorticks_off()


def shown_layers(spec: DetectorSpec) -> list[int]:
    """Returns the layers that are drawn, from 0: nine at most, evenly chosen."""
    number = max(spec.layers, 1)
    chosen = np.linspace(0, number - 1, min(number, _MOST_LAYERS)).round()
    return [int(layer) for layer in chosen]


def axis_label(spec: DetectorSpec, name: str) -> str:
    """Returns what is written at the axis "x" or "y" of a map."""
    return f"{name} [rings]" if spec.ring_edges_cm else f"{name} [cm]"


def draw_layers(
    line: NDArray[Any],
    comparison: Comparison,
    image: NDArray[Any],
    painter: ScalarMappable,
    empty_up_to: float | None = None,
) -> None:
    """Draws one map per shown layer; cells that are not accepted have no outline.

    Args:
        line: The axes of `shown_layers`; one for an image without layers.
        comparison: The showers, for the cells and the acceptance.
        image: Numbers, [*spec.shape]; cells of NaN are white.
        painter: The colours.
        empty_up_to: Cells up to this number are white; None colours all.
    """
    spec = comparison.spec
    images, accepted = map(spec.layer_images, (image, comparison.accepted))
    cells = outlines(spec)
    shown = shown_layers(spec)
    corners = [cells[layer][accepted[layer]] for layer in shown]
    lows, highs = (
        np.array([getattr(one, end)(axis=(0, 1)) for one in corners if len(one)])
        for end in ("min", "max")
    )
    for layer, axes, cell in zip(shown, line, corners, strict=True):
        values = images[layer][accepted[layer]]
        safe = np.clip(values, painter.norm.vmin, None)
        colours = np.asarray(painter.get_cmap()(painter.norm(safe)))
        if empty_up_to is not None:
            colours[values <= empty_up_to] = _EMPTY
        axes.add_collection(
            PolyCollection(list(cell), facecolors=colours, edgecolors=_EDGE, lw=0.2)
        )
        _frame(axes, lows.min(axis=0), highs.max(axis=0))
        if comparison.layered:
            axes.text(
                0.04, 0.97, f"layer {spec.numbered_layers[layer]}", va="top",
                transform=axes.transAxes, fontsize=8,
            )  # fmt: skip


def _frame(axes: Axes, low: NDArray[Any], high: NDArray[Any]) -> None:
    centre, half = 0.5 * (low + high), 0.56 * float((high - low).max())
    axes.set_xlim(centre[0] - half, centre[0] + half)
    axes.set_ylim(centre[1] - half, centre[1] + half)
    axes.minorticks_off()
    for one in (axes.xaxis, axes.yaxis):
        # No number at an end: it would run into that of the next map.
        one.set_major_locator(MaxNLocator(4, prune="both"))
    axes.tick_params(length=3, labelsize=8)


def outlines(spec: DetectorSpec) -> list[NDArray[np.float64]]:
    """Returns the corners of the cells of each layer, [row, column, corner, 2].

    Cells are rectangles, or hexagons where every other column is shifted by half a
    cell; their size is the pitch of the grid [cm]. Bins of a cylinder are sectors of
    rings that are drawn equally wide, in units of this width: in their true size the
    innermost ones would not be seen.
    """
    if spec.ring_edges_cm:
        return [_sectors(*shape) for shape in spec.image_shapes]
    planes = np.moveaxis(spec.positions_cm[..., :2].astype(np.float64), -1, 0)
    pairs = zip(*map(spec.layer_images, planes), strict=True)
    return [_polygons(np.stack(pair, axis=-1)) for pair in pairs]


def _polygons(place: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the corners of rectangles or hexagons around centres."""
    pitch = [_pitch(place[..., axis]) for axis in range(2)]
    shifted = np.abs(np.diff(place[..., 1], axis=1))
    if place.shape[1] > 1 and np.isclose(np.median(shifted), 0.5 * pitch[1], rtol=0.1):
        corners = np.array(
            [[-2, 0], [-1, -1], [1, -1], [2, 0], [1, 1], [-1, 1]]
        ) * [pitch[0] / 3.0, pitch[1] / 2.0]  # fmt: skip
    else:
        corners = 0.5 * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * pitch
    outlines: NDArray[np.float64] = place[..., None, :] + corners
    return outlines


def _sectors(rows: int, columns: int) -> NDArray[np.float64]:
    """Returns the corners of the sectors of equally wide rings."""
    points = max(2, -(-_CORNERS_A_CIRCLE // rows) + 1)
    start, width = -np.pi, 2.0 * np.pi / rows
    angles = start + width * (np.arange(rows)[:, None] + np.linspace(0, 1, points))
    arc = np.stack([np.cos(angles), np.sin(angles)], axis=-1)[:, None]
    inner = np.arange(columns, dtype=np.float64)[:, None, None]
    return np.concatenate([(inner + 1.0) * arc, inner * arc[:, :, ::-1]], axis=2)


def _pitch(places: NDArray[np.float64]) -> float:
    """Returns the step between neighbours along the axis of the array it varies on."""
    steps = [np.abs(np.diff(places, axis=axis)) for axis in range(2)]
    return max(float(np.median(step)) for step in steps if step.size)
