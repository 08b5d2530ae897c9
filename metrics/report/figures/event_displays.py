"""Pictures of showers: generated beside real ones of equal conditions."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from data.detectors.spec import DetectorSpec
from metrics.report.figures import canvas, cell_drawing
from metrics.report.figures.canvas import Names
from metrics.showers.nearest_neighbours import NeighbourResult
from metrics.showers.shower_pairs import Comparison

_CONDITIONS = 3
_LOWEST = 0.03
_LARGE, _SMALL = 3.0, 1.6
_TITLE, _HIGH_TITLE = 0.32, 0.75


@dataclasses.dataclass(frozen=True, eq=False)
class Pair:
    """Two showers that are drawn beside each other.

    Attributes:
        title: What is written above them.
        first: Cell energies [spec.unit], [*spec.shape].
        second: The same for the other shower.
    """

    title: str
    first: NDArray[np.float32]
    second: NDArray[np.float32]


def gallery(comparison: Comparison, names: Names) -> Figure:
    """Draws the first shower of a low, a middle and a high energy, not selected.

    Args:
        comparison: The showers.
        names: Names of generated showers and reference.
    """
    energy_bins = comparison.energy_bins
    numbers = np.linspace(
        0, len(energy_bins) - 1, min(len(energy_bins), _CONDITIONS)
    ).round()
    events = [int(energy_bins[int(number)].events[0]) for number in numbers]
    pairs = [
        Pair(
            condition_text(comparison.spec, comparison.condition[event]),
            comparison.reference[event],
            comparison.generated[event],
        )
        for event in events
    ]
    figure = _pairs(comparison, pairs, names[::-1])
    canvas.caption(figure, comparison, "Showers of equal conditions, not selected")
    return figure


def closest_pairs(
    comparison: Comparison, result: NeighbourResult, names: Names
) -> Figure:
    """Draws the generated showers that are nearest to a training shower.

    Args:
        comparison: The showers.
        result: The search for memorised showers.
        names: Names of generated showers and reference.
    """
    pairs = [
        Pair(
            f"distance {distance:.3f}; " + condition_text(comparison.spec, condition),
            first,
            second,
        )
        for distance, condition, first, second in zip(
            result.closest,
            result.closest_condition,
            result.closest_generated,
            result.closest_training,
            strict=True,
        )
    ]
    figure = _pairs(comparison, pairs, (names[0], "training"))
    canvas.caption(
        figure, comparison, "Generated showers and their nearest training shower"
    )
    return figure


def condition_text(spec: DetectorSpec, condition: NDArray[Any]) -> str:
    """Writes a condition: the incident energy, then all that is not this energy.

    Args:
        spec: The detector.
        condition: A condition [spec.condition_units], [conditions].

    Returns:
        For instance "20 GeV; impact (1.23, -0.40) cm".
    """
    columns = spec.energy_conditions
    found = []
    if columns:
        found.append(f"{float(spec.incident_energy(condition[None])[0]):.3g} GeV")
    numbers: dict[tuple[str, str], list[str]] = {}
    for column, (name, unit) in enumerate(
        zip(spec.condition_names, spec.condition_units, strict=True)
    ):
        if columns != (column,):
            words = name.removesuffix(f"_{unit.lower()}")
            # The components of a vector stand together.
            stem = words[:-2] if words[-2:] in ("_x", "_y", "_z") else words
            numbers.setdefault((stem, unit), []).append(f"{condition[column]:.2f}")
    for (stem, unit), values in numbers.items():
        text = f"({', '.join(values)})" if len(values) > 1 else values[0]
        found.append(f"{stem.replace('_', ' ')} {text} {unit}".rstrip())
    return "; ".join(found)


def _pairs(comparison: Comparison, pairs: Sequence[Pair], names: Names) -> Figure:
    """Draws pairs on one logarithmic scale, one shower above the other.

    The layers of a shower stand in a line; images without layers have a column each.
    """
    spec = comparison.spec
    shown = np.stack([(one.first, one.second) for one in pairs])
    low, top = (
        np.quantile(shown[shown > 0.0], [_LOWEST, 1.0]) if shown.any() else (1, 2)
    )
    norm = LogNorm(low, top)
    colours: Any = matplotlib.colormaps["plasma_r"]
    colours.colorbar_extend = "min"
    painter = ScalarMappable(norm, colours)
    if comparison.layered:
        above, before = (
            [_TITLE, cell_drawing.GAP] * len(pairs),
            [cell_drawing.GAP] * len(cell_drawing.shown_layers(spec)),
        )
        figure, grid = cell_drawing.sheet(above, before, _SMALL)
        lines = grid.reshape(len(pairs), 2, len(before))
    else:
        above, before = [_HIGH_TITLE, cell_drawing.GAP], [cell_drawing.GAP] * len(pairs)
        figure, grid = cell_drawing.sheet(above, before, _LARGE)
        lines = grid.T[:, :, None]
    for one, two in zip(pairs, lines, strict=True):
        title = one.title if comparison.layered else one.title.replace("; ", "\n")
        two[0, 0].set_title(title, loc="left", fontsize=10, linespacing=1.3)
        for line, shower in zip(two, (one.first, one.second), strict=True):
            cell_drawing.draw_layers(line, comparison, shower, painter, empty_up_to=0.0)
    for number, line in enumerate(grid):
        label = f"{names[number % 2]}\n{cell_drawing.axis_label(spec, 'y')}"
        line[0].set_ylabel(label, loc="center")
    for axes in grid[-1]:
        axes.set_xlabel(cell_drawing.axis_label(spec, "x"), loc="center")
    label = f"{spec.response_name} [{spec.unit}]"
    cell_drawing.scale(figure, painter, (grid[0, -1], grid[-1, -1]), label)
    return figure
