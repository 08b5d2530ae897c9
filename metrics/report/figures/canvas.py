"""The common parts of all figures: style, colours, panels with a second one below."""

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any

import matplotlib.style
import mplhep
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from metrics.showers.shower_pairs import Comparison
from metrics.statistics.arrays import Array, ratio
from metrics.statistics.energy_bins import EnergyBin

Names = tuple[str, str]
"""How the legend calls the generated showers and the reference."""

GENERATED_COLOUR = "#d55e00"
REFERENCE_COLOUR = "#333333"
REFERENCE_FILL = "#cfcfcf"
NEVER_TRAINED_COLOUR = "#0072b2"

_MOST_ENERGY_BINS = 6
_COLUMNS = 3
_STYLE = {
    "font.size": 11,
    "axes.labelsize": 12,
    "axes.titlesize": 12,
    "axes.labelpad": 4,
    "axes.autolimit_mode": "data",
    # No common factor or offset above an axis, where titles are.
    "axes.formatter.limits": (-4, 5),
    "axes.formatter.useoffset": False,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "ytick.major.size": 6,
    "ytick.minor.size": 3,
    # Ticks take half the time of drawing: one between two numbers is enough.
    "xtick.minor.ndivs": 2,
    "ytick.minor.ndivs": 2,
    "lines.linewidth": 1.5,
    "lines.markersize": 3.5,
    "legend.fontsize": 10,
    "legend.borderpad": 0.3,
}


@dataclasses.dataclass(frozen=True)
class Series:
    """Points with errors.

    Attributes:
        x: Abscissae.
        y: Ordinates.
        error: Standard errors of the ordinates.
    """

    x: Array
    y: Array
    error: Array


@contextlib.contextmanager
def style() -> Iterator[None]:
    """Draws in the style of the field inside the context."""
    with matplotlib.style.context([mplhep.style.ATLAS, _STYLE]):
        yield


def shown_energy_bins(comparison: Comparison) -> list[EnergyBin]:
    """Returns the energy bins that have a panel: six at most, evenly chosen."""
    energy_bins = comparison.energy_bins
    chosen = np.linspace(
        0, len(energy_bins) - 1, min(len(energy_bins), _MOST_ENERGY_BINS)
    ).round()
    return [energy_bins[int(number)] for number in chosen]


def panels(
    count: int, above: float = 0.0, columns: int = _COLUMNS
) -> tuple[Figure, list[tuple[Axes, Axes]]]:
    """Makes a figure of panels with a smaller one below each.

    Args:
        count: Number of panels.
        above: Room above the first line of panels, for titles [inch].
        columns: Number of panels in a row.

    Returns:
        The figure and for each panel its upper axes and the flat ones below, for a
        ratio or a difference.
    """
    columns = min(count, columns)
    rows = -(-count // columns)
    height = 4.4 * rows + 0.5 + above
    figure = Figure(figsize=(4.6 * columns, height), dpi=100)
    outer = figure.add_gridspec(
        rows,
        columns,
        left=0.75 / (4.6 * columns),
        right=1.0 - 0.15 / (4.6 * columns),
        top=1.0 - (0.55 + above) / height,
        bottom=0.5 / height,
        hspace=0.2,
        wspace=0.25,
    )
    found = []
    for number in range(count):
        cell = outer[number // columns, number % columns]
        inner = cell.subgridspec(2, 1, height_ratios=[3, 1], hspace=0.06)
        upper = figure.add_subplot(inner[0])
        lower = figure.add_subplot(inner[1], sharex=upper)
        upper.tick_params(labelbottom=False)
        found.append((upper, lower))
    return figure, found


def caption(figure: Figure, comparison: Comparison, what: str) -> None:
    """Writes above a figure what it shows, under which acceptance, of how many."""
    accepted = int(comparison.accepted.sum())
    heading(
        figure,
        what,
        f"{len(comparison)} pairs of showers, acceptance '{comparison.mask}' "
        f"({accepted} cells{_side(comparison)}){_threshold(comparison)} on both sides",
    )


def _side(comparison: Comparison) -> str:
    return "" if comparison.cell_cm is None else f" of {comparison.cell_cm:g} cm"


def _threshold(comparison: Comparison) -> str:
    if comparison.threshold == 0.0:
        return ""
    return f" and threshold {comparison.threshold:g} {comparison.spec.unit}"


def heading(figure: Figure, what: str, of_what: str) -> None:
    """Writes above a figure what it shows, and below that of which events."""
    figure.suptitle(
        f"{what}\n{of_what}",
        x=0.01,
        y=0.995,
        ha="left",
        va="top",
        fontsize=12,
        linespacing=1.3,
    )


def tag(axes: Axes, energy_bin: EnergyBin) -> None:
    """Writes the incident energy into a panel."""
    axes.text(
        0.04,
        0.96,
        energy_bin.label.replace(", ", "\n"),
        transform=axes.transAxes,
        va="top",
        color=NEVER_TRAINED_COLOUR if energy_bin.trained is False else "black",
    )


def draw_points(axes: Axes, generated: Series, reference: Series, names: Names) -> None:
    """Draws two profiles: the reference as a band, the generated one as points.

    Args:
        axes: Where to draw.
        generated: Profile of the generated showers.
        reference: Profile of the reference.
        names: Names of both in the legend, generated first.
    """
    axes.fill_between(
        reference.x,
        reference.y - reference.error,
        reference.y + reference.error,
        color=REFERENCE_FILL,
        linewidth=0,
    )
    axes.plot(reference.x, reference.y, color=REFERENCE_COLOUR, label=names[1])
    draw_errors(axes, generated, label=names[0])
    half = 0.5 * (reference.x[1] - reference.x[0]) if len(reference.x) > 1 else 0.5
    axes.set_xlim(reference.x[0] - half, reference.x[-1] + half)


def draw_histograms(
    axes: Axes, edges: Array, generated: Array, reference: Array, names: Names
) -> tuple[Series, Series]:
    """Draws two normalised histograms.

    Args:
        axes: Where to draw.
        edges: Edges of the bins.
        generated: Values of the generated events.
        reference: Values of the reference events.
        names: Names of both in the legend, generated first.

    Returns:
        Fractions of the events in each bin, generated and reference.
    """
    centres = 0.5 * (edges[1:] + edges[:-1])
    made = []
    for values in (generated, reference):
        counts = np.histogram(values, edges)[0].astype(np.float64)
        size = max(len(values), 1)
        made.append(Series(centres, counts / size, np.sqrt(counts) / size))
    draw_stairs(axes, edges, made[1], 0.0, names[1])
    draw_errors(axes, made[0], label=names[0])
    axes.set_ylim(0.0, 1.35 * float(max((one.y + one.error).max() for one in made)))
    return made[0], made[1]


def draw_stairs(
    axes: Axes, edges: Array, reference: Series, bottom: float, name: str
) -> None:
    """Draws a histogram of the reference, filled, with its errors.

    Args:
        axes: Where to draw.
        edges: Edges of the bins.
        reference: Content of the bins.
        bottom: Where the filling begins; above 0 on a logarithmic axis.
        name: Name in the legend.
    """
    axes.stairs(
        reference.y, edges, baseline=bottom, fill=True, color=REFERENCE_FILL, label=name
    )
    axes.stairs(
        reference.y, edges, baseline=bottom, color=REFERENCE_COLOUR, linewidth=1.0
    )
    axes.errorbar(
        reference.x, reference.y, reference.error, fmt="none", ecolor=REFERENCE_COLOUR,
        elinewidth=0.8,
    )  # fmt: skip


def draw_ratio(axes: Axes, generated: Series, reference: Series) -> None:
    """Draws generated / reference, with the reference's errors as a band around 1.

    Triangles stand for points outside the panel. There are no points where the
    reference is known to less than 50 %.
    """
    band = ratio(reference.error, reference.y)
    known = (band < 0.5) & (reference.y > 0.0)
    axes.fill_between(
        reference.x, 1.0 - band, 1.0 + band, where=known, color=REFERENCE_FILL,
        linewidth=0,
    )  # fmt: skip
    axes.axhline(1.0, color=REFERENCE_COLOUR, linewidth=0.8)
    quotient = Series(
        generated.x[known],
        ratio(generated.y, reference.y)[known],
        ratio(generated.error, reference.y)[known],
    )
    draw_errors(axes, quotient)
    low, high = _ratio_limits(quotient, band[known])
    axes.set_ylim(low, high)
    margin = 0.07 * (high - low)
    for marker, outside, place in (
        ("^", quotient.y > high, high - margin),
        ("v", quotient.y < low, low + margin),
    ):
        x = quotient.x[outside]
        axes.plot(
            x, np.full(len(x), place), marker, color=GENERATED_COLOUR,
            markerfacecolor="none", markersize=5,
        )  # fmt: skip
    axes.set_ylabel("ratio", loc="center")


def draw_difference(
    axes: Axes, generated: Series, reference: Series, unit: str, factor: float
) -> None:
    """Draws generated - reference, with the reference's errors as a band around 0.

    Args:
        axes: Where to draw.
        generated: Profile of the generated showers.
        reference: Profile of the reference, at the same abscissae.
        unit: Unit of the difference.
        factor: What the ordinates are multiplied with to have that unit.
    """
    band = factor * reference.error
    axes.fill_between(reference.x, -band, band, color=REFERENCE_FILL, linewidth=0)
    axes.axhline(0.0, color=REFERENCE_COLOUR, linewidth=0.8)
    shift = factor * (generated.y - reference.y)
    draw_errors(axes, Series(generated.x, shift, factor * generated.error))
    axes.set_ylabel(f"diff. [{unit}]" if unit else "diff.", loc="center")


def profile(x: Array, y: Array, edges: Array) -> Series:
    """Averages y in bins of x.

    Args:
        x: Abscissae of the events.
        y: Ordinates of the events.
        edges: Edges of the bins.

    Returns:
        Mean and standard error in each bin at its centre; NaN where a bin holds fewer
        than five events.
    """
    place = np.searchsorted(edges, x, side="right") - 1
    inside = (place >= 0) & (place < len(edges) - 1)
    place, y = place[inside], y[inside]
    number = np.bincount(place, minlength=len(edges) - 1).astype(np.float64)
    mean = ratio(np.bincount(place, y, len(edges) - 1), number)
    square = ratio(np.bincount(place, (y - mean[place]) ** 2, len(edges) - 1), number)
    error = np.sqrt(ratio(square, number))
    few = number < 5
    mean[few], error[few] = np.nan, np.nan
    return Series(0.5 * (edges[1:] + edges[:-1]), mean, error)


def _ratio_limits(quotient: Series, band: Array) -> tuple[float, float]:
    """Chooses limits that show most points: from 2 % to 60 % around 1."""
    away = np.abs(quotient.y - 1.0)
    typical = np.nanquantile(np.concatenate([away, band]), 0.8) if len(away) else 0.0
    width = next((w for w in (0.02, 0.05, 0.1, 0.25) if typical < 0.6 * w), 0.6)
    return 1.0 - width, 1.0 + width


def draw_errors(axes: Axes, series: Series, **options: Any) -> None:
    """Draws points with errors in the colour of the generated showers.

    Args:
        axes: Where to draw.
        series: The points.
        options: Further options of matplotlib, e.g. a label.
    """
    axes.errorbar(
        series.x, series.y, series.error, fmt="o", color=GENERATED_COLOUR,
        elinewidth=1.0, **options,
    )  # fmt: skip
