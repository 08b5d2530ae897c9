"""Figures of cells: occupancy maps, correlation matrices and a gallery of showers."""

from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PolyCollection
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from data.spec import DetectorSpec
from metrics import canvas, layered, showers
from metrics.comparison import Comparison, within_beams

Names = tuple[str, str]

_DECADES = 3.5
_NOTHING = (0.93, 0.93, 0.93, 1.0)


def occupancy_map(comparison: Comparison, names: Names) -> Figure:
    """Draws how often each cell is hit: reference, generated and their difference.

    Args:
        comparison: The showers.
        names: Names of generated showers and reference.
    """
    generated, reference = comparison.both(showers.cell_occupancies)
    difference = generated - reference
    shared = Normalize(0.0, float(max(generated.max(), reference.max())) or 1.0)
    limit = float(np.abs(difference).max()) or 1.0
    rows = (
        (names[1], reference, shared, "viridis"),
        (names[0], generated, shared, "viridis"),
        ("difference", difference, Normalize(-limit, limit), "RdBu_r"),
    )
    figure, grid = _grid(comparison, len(rows), 1.9)
    for (title, image, norm, colours), line in zip(rows, grid, strict=True):
        painter = ScalarMappable(norm, matplotlib.colormaps[colours])
        _draw_layers(line, comparison, image, painter)
        line[0].set_ylabel(f"{title}\ny [cm]", loc="center")
        _scale(figure, painter, (line[-1], line[-1]), "share of events")
    canvas.caption(figure, comparison, "Occupancy: share of events with a cell above 0")
    return figure


def gallery(comparison: Comparison, names: Names) -> Figure:
    """Draws the first shower of every beam energy, reference above generated.

    Args:
        comparison: The showers.
        names: Names of generated showers and reference.
    """
    beams = canvas.shown_beams(comparison)
    top = float(max(comparison.reference[beam.events[0]].max() for beam in beams))
    norm = LogNorm((top or 1.0) * 10.0**-_DECADES, top or 1.0)
    painter = ScalarMappable(norm, matplotlib.colormaps["plasma_r"])
    figure, grid = _grid(comparison, 2 * len(beams), 1.4)
    for number, beam in enumerate(beams):
        event = beam.events[0]
        for offset, (title, response) in enumerate(
            ((names[1], comparison.reference), (names[0], comparison.generated))
        ):
            line = grid[2 * number + offset]
            _draw_layers(line, comparison, response[event], painter, dark_above=0.0)
            line[0].set_ylabel(f"{beam.energy_label}\n{title}", loc="center")
    label = f"{comparison.spec.response_name} [{comparison.spec.unit}]"
    _scale(figure, painter, (grid[0, -1], grid[-1, -1]), label)
    canvas.caption(
        figure, comparison, "The first shower of every beam energy, equal conditions"
    )
    return figure


def correlation_matrices(comparison: Comparison, names: Names) -> Figure:
    """Draws the correlations of the layer energies among showers of equal energy.

    Args:
        comparison: The showers.
        names: Names of generated showers and reference.
    """
    generated, reference = (
        showers.correlation_matrix(within_beams(comparison, energies))
        for energies in comparison.both(layered.layer_energies)
    )
    figure = Figure(figsize=(14.4, 5.0), dpi=100)
    panels = figure.subplots(1, 3)
    figure.subplots_adjust(left=0.04, right=0.95, top=0.83, bottom=0.1, wspace=0.3)
    images = (
        (names[1], reference, 1.0),
        (names[0], generated, 1.0),
        ("difference", generated - reference, 0.3),
    )
    for (title, matrix, limit), axes in zip(images, panels, strict=True):
        size = len(matrix)
        painter = ScalarMappable(Normalize(-limit, limit), "RdBu_r")
        axes.imshow(
            matrix, cmap=painter.get_cmap(), norm=painter.norm, origin="lower",
            extent=(0.5, size + 0.5, 0.5, size + 0.5),
        )  # fmt: skip
        for (row, column), value in np.ndenumerate(matrix):
            axes.text(
                column + 1, row + 1, f"{value:.2f}", ha="center", va="center",
                fontsize=8, color="white" if abs(value) > 0.6 * limit else "black",
            )  # fmt: skip
        axes.minorticks_off()
        axes.set_title(title, loc="left")
        axes.set_xlabel("layer")
        axes.set_ylabel("layer")
        _scale(figure, painter, (axes, axes), "")
    canvas.caption(
        figure, comparison, "Correlation of layer energies at equal beam energy"
    )
    return figure


def _grid(
    comparison: Comparison, rows: int, side: float
) -> tuple[Figure, NDArray[Any]]:
    """Makes a figure of square maps with the given side [inch], a layer a column."""
    layers = comparison.spec.shape[2] if len(comparison.spec.shape) > 2 else 1
    left, right, top, bottom = 0.85, 0.95, 0.6, 0.5
    width, height = side * layers + left + right, side * rows + top + bottom
    figure = Figure(figsize=(width, height), dpi=100)
    grid = figure.subplots(rows, layers, squeeze=False, sharex=True, sharey=True)
    figure.subplots_adjust(
        left=left / width, right=1.0 - right / width, top=1.0 - top / height,
        bottom=bottom / height, wspace=0.05, hspace=0.05,
    )  # fmt: skip
    grid[-1, layers // 2].set_xlabel("x [cm]", loc="center")
    return figure, grid


def _scale(
    figure: Figure, painter: ScalarMappable, beside: tuple[Axes, Axes], label: str
) -> None:
    """Draws the colour scale to the right of some maps, the first above the last."""
    figure.canvas.draw_idle()
    first, last = (axes.get_position() for axes in beside)
    place = figure.add_axes(
        (first.x1 + 0.01, last.y0, 0.012, first.y1 - last.y0), label=f"{last.y0}"
    )
    figure.colorbar(painter, cax=place, label=label)


def _draw_layers(
    line: NDArray[Any],
    comparison: Comparison,
    image: NDArray[Any],
    painter: ScalarMappable,
    dark_above: float | None = None,
) -> None:
    """Draws one map per layer; cells that are not accepted stay white.

    Args:
        line: The axes of the layers.
        comparison: The showers, for the cells and the acceptance.
        image: Numbers, [*spec.shape].
        painter: The colours.
        dark_above: Cells up to this number are light grey; None colours all.
    """
    layers = image.reshape(*image.shape[:2], -1)
    accepted = comparison.accepted.reshape(layers.shape)
    cells = outlines(comparison.spec)
    for layer, axes in enumerate(line):
        chosen = accepted[:, :, layer]
        values = layers[:, :, layer][chosen]
        safe = np.clip(values, painter.norm.vmin, None)
        colours = np.asarray(painter.get_cmap()(painter.norm(safe)))
        if dark_above is not None:
            colours[values <= dark_above] = _NOTHING
        corners = list(cells[:, :, layer][chosen])
        axes.add_collection(
            PolyCollection(corners, facecolors=colours, edgecolors="white", lw=0.2)
        )
        _frame(axes, cells[accepted])
        axes.text(
            0.04, 0.97, f"layer {layer + 1}", transform=axes.transAxes, va="top",
            fontsize=8,
        )  # fmt: skip


def _frame(axes: Axes, cells: NDArray[Any]) -> None:
    low, high = cells.min(axis=(0, 1)), cells.max(axis=(0, 1))
    centre, half = 0.5 * (low + high), 0.56 * float((high - low).max())
    axes.set_xlim(centre[0] - half, centre[0] + half)
    axes.set_ylim(centre[1] - half, centre[1] + half)
    axes.minorticks_off()
    axes.tick_params(length=3, labelsize=8)


def outlines(spec: DetectorSpec) -> NDArray[np.float64]:
    """Returns the corners of the cells, [row, column, layer, corner, 2].

    Cells are rectangles, or hexagons where every other column is shifted by half a
    cell. Their size is the pitch of the grid.
    """
    place = spec.positions_cm[..., :2].astype(np.float64)
    place = place.reshape(*spec.shape[:2], -1, 2)
    pitch = [_pitch(place[..., axis]) for axis in range(2)]
    shifted = np.abs(np.diff(place[..., 1], axis=1))
    if place.shape[1] > 1 and np.median(shifted) > 0.25 * pitch[1]:
        corners = np.array(
            [[-2, 0], [-1, -1], [1, -1], [2, 0], [1, 1], [-1, 1]]
        ) * [pitch[0] / 3.0, pitch[1] / 2.0]  # fmt: skip
    else:
        corners = 0.5 * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * pitch
    outlines: NDArray[np.float64] = place[..., None, :] + corners
    return outlines


def _pitch(places: NDArray[np.float64]) -> float:
    """Returns the step between neighbours along the axis of the array it varies on."""
    steps = [np.abs(np.diff(places, axis=axis)) for axis in range(2)]
    return max(float(np.median(step)) for step in steps if step.size)
