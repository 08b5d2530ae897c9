"""The figures of the report: distributions, profiles and correlations."""

import itertools
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from metrics.observables.registry import LAYER_ENERGY
from metrics.report.figures import canvas
from metrics.report.figures.canvas import Names
from metrics.showers.nearest_neighbours import QUANTILE, NeighbourResult
from metrics.showers.shower_pairs import RING_EDGES_CM, Comparison, profiles
from metrics.showers.shower_results import Report
from metrics.statistics.arrays import Array
from metrics.statistics.energy_bins import EnergyBin
from metrics.statistics.measured import Measured

_BINS = 36
_SCATTERED = 400
_MOST_PAIRS = 9


def summary(report: Report, names: Names) -> Figure:
    """Draws W1 of every observable beside its floor.

    Args:
        report: What was measured.
        names: Names in the legend.
    """
    comparison = report.comparison
    rows = {one.name: one.label for one in comparison.observables}
    figure = distances_beside_floor(report, rows, names)
    canvas.caption(figure, comparison, "Distances of all observables")
    return figure


def distances_beside_floor(
    report: Measured, rows: Mapping[str, str], names: Names
) -> Figure:
    """Draws W1 of several numbers beside its floor, without a heading.

    Args:
        report: What was measured.
        rows: The numbers: the end of the metric's name, and what to call it.
        names: Names in the legend.
    """
    metrics = [report.all_metrics[f"wasserstein_{name}"] for name in rows]
    height = 0.34 * len(rows) + 1.8
    figure = Figure(figsize=(10.5, height), dpi=100)
    axes = figure.subplots()
    figure.subplots_adjust(
        left=0.4, right=0.97, top=1.0 - 1.05 / height, bottom=0.6 / height
    )
    places = np.arange(len(rows))[::-1]
    floor = [metric.floor for metric in metrics]
    axes.barh(
        places, floor, color=canvas.REFERENCE_FILL, height=0.8,
        label=f"floor ({names[1]} against itself)",
    )  # fmt: skip
    axes.errorbar(
        [metric.value for metric in metrics],
        places,
        xerr=[metric.uncertainty for metric in metrics],
        fmt="o",
        color=canvas.GENERATED_COLOUR,
        label=names[0],
    )
    if report.untrained:
        axes.plot(
            [report.untrained[name] for name in rows], places, "o",
            color=canvas.GENERATED_COLOUR, markerfacecolor="none", label="untrained",
        )  # fmt: skip
    axes.set_xscale("log")
    largest = [*(m.value for m in metrics), *report.untrained.values(), *floor]
    axes.set_xlim(0.5 * max(min(floor), 1e-4), 2.0 * max(*largest, 1e-3))
    axes.set_yticks(places, list(rows.values()))
    axes.tick_params(axis="y", which="both", length=0)
    axes.set_xlabel("Wasserstein distance / standard deviation of the reference")
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3)
    return figure


def neighbours(comparison: Comparison, result: NeighbourResult, names: Names) -> Figure:
    """Draws the distances of showers to their nearest training shower.

    Args:
        comparison: The showers.
        result: The search for memorised showers.
        names: Names in the legend.
    """
    figure, [(upper, lower)] = canvas.panels(1)
    figure.set_figwidth(7.5)
    top = 1.05 * float(max(result.generated.max(), result.reference.max()))
    edges = np.linspace(0.0, top, 2 * _BINS + 1)
    pair = canvas.draw_histograms(
        upper, edges, result.generated, result.reference, names
    )
    canvas.draw_ratio(lower, *pair)
    threshold = float(np.quantile(result.reference, QUANTILE))
    upper.axvline(threshold, color=canvas.REFERENCE_COLOUR, linestyle=":")
    upper.set_xlim(0.0, top)
    upper.set_yscale("log")
    upper.set_ylim(0.3 / len(result.reference), 5.0)
    upper.set_ylabel("events / bin [1/N]")
    lower.set_xlabel("distance to the nearest training shower")
    upper.legend(loc="upper left")
    canvas.caption(figure, comparison, "Nearest training showers")
    return figure


def histograms(comparison: Comparison, names: Names, name: str) -> Figure:
    """Draws one observable in every energy bin, with the ratio below.

    Args:
        comparison: The showers.
        names: Names in the legend.
        name: The observable.
    """
    one = comparison.observable(name)
    energy_bins = canvas.shown_energy_bins(comparison)
    figure, panels = canvas.panels(len(energy_bins))
    for energy_bin, (upper, lower) in zip(energy_bins, panels, strict=True):
        generated, reference = (v[name][energy_bin.events] for v in comparison.values)
        edges = _edges(reference)
        pair = canvas.draw_histograms(upper, edges, generated, reference, names)
        canvas.draw_ratio(lower, *pair)
        outside = float(np.mean((generated < edges[0]) | (generated > edges[-1])))
        if outside > 0.02:
            upper.text(
                0.96, 0.76, f"{outside:.0%} of generated\noutside",
                transform=upper.transAxes, fontsize=9, color=canvas.GENERATED_COLOUR,
                va="top", ha="right",
            )  # fmt: skip
        canvas.tag(upper, energy_bin)
        upper.set_xlim(edges[0], edges[-1])
        upper.set_ylabel("events / bin [1/N]")
        lower.set_xlabel(one.axis)
        upper.legend(loc="upper right")
    canvas.caption(figure, comparison, one.label)
    return figure


def layer_occupancy(comparison: Comparison, names: Names) -> Figure:
    """Draws the fraction of cells hit in each layer and energy bin.

    Args:
        comparison: The showers.
        names: Names in the legend.
    """
    layers = np.array(comparison.spec.numbered_layers, np.float64)
    return _event_profiles(
        comparison, names, "layer_occupancy", layers, 1.0,
        ("layer", "fraction of cells hit"), "Occupancy: fraction of cells above 0",
    )  # fmt: skip


def radial_profile(comparison: Comparison, names: Names) -> Figure:
    """Draws the fraction of the energy in rings around the impact point.

    Args:
        comparison: The showers.
        names: Names in the legend.
    """
    centres = 0.5 * (RING_EDGES_CM[1:] + RING_EDGES_CM[:-1])
    figure = _event_profiles(
        comparison, names, "radial", centres, float(np.diff(RING_EDGES_CM)[0]),
        ("distance to the impact point [cm]", "fraction of the energy [1/cm]"),
        "Energy-weighted radial profile",
    )  # fmt: skip
    for upper in figure.axes[::2]:
        upper.set_yscale("log")
        upper.set_ylim(1e-5, 1e2)
    return figure


def layer_correlation(comparison: Comparison, names: Names) -> Figure:
    """Draws each layer's energy against that of the layer before, in one energy bin.

    Of more than nine pairs of layers nine are drawn, evenly chosen.

    Args:
        comparison: The showers.
        names: Names in the legend.
    """
    energy_bin = next((b for b in comparison.energy_bins if b.trained is False), None)
    energy_bin = energy_bin or comparison.energy_bins[len(comparison.energy_bins) // 2]
    numbers = comparison.spec.numbered_layers
    pairs = list(itertools.pairwise(numbers))
    chosen = np.linspace(0, len(pairs) - 1, min(len(pairs), _MOST_PAIRS)).round()
    figure, panels = canvas.panels(len(chosen))
    for number, (upper, lower) in zip(chosen, panels, strict=True):
        x, y = (f"{LAYER_ENERGY}{layer}" for layer in pairs[int(number)])
        _scatter_profile(comparison, names, (x, y), energy_bin, (upper, lower))
        lower.set_xlabel(comparison.observable(x).axis)
        upper.set_ylabel(comparison.observable(y).axis)
        canvas.tag(upper, energy_bin)
        upper.legend(loc="upper right")
    canvas.caption(figure, comparison, "Energy of each layer against the layer before")
    return figure


def depth_correlation(comparison: Comparison, names: Names) -> Figure:
    """Draws the shower depth against the visible energy in every energy bin.

    Args:
        comparison: The showers.
        names: Names in the legend.
    """
    energy_bins = canvas.shown_energy_bins(comparison)
    figure, panels = canvas.panels(len(energy_bins))
    for energy_bin, (upper, lower) in zip(energy_bins, panels, strict=True):
        pair = ("visible_energy", "depth")
        _scatter_profile(comparison, names, pair, energy_bin, (upper, lower))
        lower.set_xlabel(comparison.observable("visible_energy").axis)
        upper.set_ylabel(comparison.observable("depth").axis)
        canvas.tag(upper, energy_bin)
        upper.legend(loc="upper right")
    canvas.caption(figure, comparison, "Shower depth against visible energy")
    return figure


def _event_profiles(
    comparison: Comparison,
    names: Names,
    name: str,
    x: Array,
    width: float,
    labels: Names,
    title: str,
) -> Figure:
    generated, reference = profiles(comparison)[name]
    energy_bins = canvas.shown_energy_bins(comparison)
    figure, panels = canvas.panels(len(energy_bins))
    for energy_bin, (upper, lower) in zip(energy_bins, panels, strict=True):
        pair = []
        for rows in (generated[energy_bin.events], reference[energy_bin.events]):
            error = rows.std(axis=0) / np.sqrt(len(rows))
            pair.append(canvas.Series(x, rows.mean(axis=0) / width, error / width))
        canvas.draw_points(upper, pair[0], pair[1], names)
        canvas.draw_ratio(lower, *pair)
        canvas.tag(upper, energy_bin)
        upper.set_ylim(0.0, 1.45 * float(max(one.y.max() for one in pair)) or 1.0)
        upper.set_ylabel(labels[1])
        lower.set_xlabel(labels[0])
        upper.legend(loc="upper right")
    canvas.caption(figure, comparison, title)
    return figure


def _scatter_profile(
    comparison: Comparison,
    names: Names,
    observables: Names,
    energy_bin: EnergyBin,
    axes: tuple[Axes, Axes],
) -> None:
    """Draws single events lightly and the profile of y in bins of x above them."""
    upper, lower = axes
    points = [
        [values[name][energy_bin.events] for name in observables]
        for values in comparison.values
    ]
    low, high = np.quantile(points[1][0], [0.03, 0.995])
    edges = np.linspace(low, high, 11)
    colours = (canvas.GENERATED_COLOUR, canvas.REFERENCE_COLOUR)
    for (x, y), colour in zip(points, colours, strict=True):
        upper.plot(
            x[:_SCATTERED], y[:_SCATTERED], ".", color=colour, alpha=0.12, markersize=3,
            rasterized=True, zorder=0,
        )  # fmt: skip
    made = [canvas.profile(x, y, edges) for x, y in points]
    canvas.draw_points(upper, made[0], made[1], names)
    canvas.draw_ratio(lower, *made)
    bottom, top = np.quantile(points[1][1], [0.005, 0.995])
    upper.set_xlim(low - 0.05 * (high - low), high + 0.05 * (high - low))
    upper.set_ylim(bottom - 0.1 * (top - bottom), top + 0.45 * (top - bottom))


def _edges(reference: Array) -> Array:
    """Chooses bins around the reference: whole numbers where its values are."""
    low, high = np.quantile(reference, [0.002, 0.998])
    low, high = low - 0.15 * (high - low), high + 0.3 * (high - low)
    if np.all(reference == np.round(reference)):
        width = max(1.0, np.ceil((high - low) / _BINS))
        low = np.floor(low) - 0.5
        return np.arange(low, high + width, width)
    if low == high:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, _BINS + 1)
