"""Figures of cells: mean images, occupancy maps and correlation matrices."""

from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure

from metrics.observables import calorimeter, layered
from metrics.report.figures import canvas, cell_drawing
from metrics.report.figures.canvas import Names
from metrics.showers.shower_pairs import Comparison, within_energy_bins
from metrics.statistics import arrays
from metrics.statistics.arrays import Array

_LARGE, _SMALL = 3.2, 1.9
_SCALE_ROOM = 1.75
_RATIO_LIMITS = (0.5, 2.0)
_KNOWN_EVENTS = 10
_MOST_WRITTEN = 12


def occupancy_map(comparison: Comparison, names: Names) -> Figure:
    """Draws how often each cell is hit: reference, generated and their difference.

    Args:
        comparison: The showers.
        names: Names of generated showers and reference.
    """
    generated, reference = comparison.both(calorimeter.cell_occupancies)
    difference = generated - reference
    shared = Normalize(0.0, float(max(generated.max(), reference.max())) or 1.0)
    limit = float(np.abs(difference).max()) or 1.0
    found = (
        (names[1], reference, ScalarMappable(shared, "viridis"), "fraction of events"),
        (names[0], generated, ScalarMappable(shared, "viridis"), "fraction of events"),
        ("difference", difference,
         ScalarMappable(Normalize(-limit, limit), "RdBu_r"), "fraction of events"),
    )  # fmt: skip
    figure = images(comparison, found)
    canvas.caption(
        figure, comparison, "Occupancy: fraction of events with a cell above 0"
    )
    return figure


def mean_images(comparison: Comparison, names: Names) -> Figure:
    """Draws the mean energy of each cell: reference, generated and their ratio.

    The ratio is left out where less than ten showers of the reference hit the cell.

    Args:
        comparison: The showers.
        names: Names of generated showers and reference.
    """
    generated, reference = comparison.both(
        lambda response: response.mean(axis=0, dtype=np.float64)
    )
    top = float(max(generated.max(), reference.max())) or 1.0
    shared = ScalarMappable(LogNorm(1e-5 * top, top), "viridis")
    hits = (comparison.reference > 0.0).sum(axis=0)
    ratio = np.where(hits >= _KNOWN_EVENTS, arrays.ratio(generated, reference), np.nan)
    colours: Any = matplotlib.colormaps["RdBu_r"]
    colours.colorbar_extend = "both"
    around = ScalarMappable(LogNorm(*_RATIO_LIMITS), colours)
    label = f"mean {comparison.spec.response_name} [{comparison.spec.unit}]"
    figure = images(
        comparison,
        (
            (names[1], reference, shared, label),
            (names[0], generated, shared, label),
            ("ratio", ratio, around, f"{names[0]} / {names[1]}"),
        ),
    )
    canvas.caption(figure, comparison, "Mean image")
    return figure


def correlation_matrices(comparison: Comparison, names: Names) -> Figure:
    """Draws the correlations of the layer energies among showers of equal energy.

    Args:
        comparison: The showers.
        names: Names of generated showers and reference.
    """
    generated, reference = (
        calorimeter.correlation_matrix(within_energy_bins(comparison, energies))
        for energies in comparison.both(
            lambda one: layered.layer_energies(one, comparison.spec.layer_shapes)
        )
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
        written = size if size <= _MOST_WRITTEN else 0
        painter = ScalarMappable(Normalize(-limit, limit), "RdBu_r")
        axes.imshow(
            matrix, cmap=painter.get_cmap(), norm=painter.norm, origin="lower",
            extent=(0.5, size + 0.5, 0.5, size + 0.5),
        )  # fmt: skip
        for (row, column), value in np.ndenumerate(matrix[:written, :written]):
            axes.text(
                column + 1, row + 1, f"{value:.2f}", ha="center", va="center",
                fontsize=8, color="white" if abs(value) > 0.6 * limit else "black",
            )  # fmt: skip
        axes.minorticks_off()
        axes.set_title(title, loc="left")
        axes.set_xlabel("layer")
        axes.set_ylabel("layer")
        cell_drawing.scale(figure, painter, (axes, axes), "")
    canvas.caption(
        figure, comparison, "Correlation of layer energies at equal incident energy"
    )
    return figure


def images(
    comparison: Comparison,
    found: Sequence[tuple[str, Array, ScalarMappable, str]],
) -> Figure:
    """Draws several images, each with its scale: layers in a line, images in a row.

    Args:
        comparison: The showers, for the cells and the acceptance.
        found: Of every image its title, numbers [*spec.shape], colours and what these
            mean, with the unit.
    """
    if comparison.layered:
        figure, grid = cell_drawing.sheet(
            [0.0, *[cell_drawing.GAP] * (len(found) - 1)],
            [cell_drawing.GAP] * len(cell_drawing.shown_layers(comparison.spec)),
            _SMALL,
        )
        lines = list(grid)
    else:
        figure, grid = cell_drawing.sheet(
            [0.35], [0.0, *[_SCALE_ROOM] * (len(found) - 1)], _LARGE
        )
        lines = [grid[:, number] for number in range(len(found))]
    x, y = (cell_drawing.axis_label(comparison.spec, name) for name in "xy")
    for line, (title, image, painter, label) in zip(lines, found, strict=True):
        cell_drawing.draw_layers(line, comparison, image, painter)
        if comparison.layered:
            line[0].set_ylabel(f"{title}\n{y}", loc="center")
        else:
            line[0].set_title(title, loc="left")
            line[0].set_ylabel(y, loc="center")
            line[0].tick_params(labelleft=True)
        cell_drawing.scale(figure, painter, (line[-1], line[-1]), label)
    for axes in grid[-1]:
        axes.set_xlabel(x, loc="center")
    return figure
