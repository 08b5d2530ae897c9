"""Which figures a report has, with the sentence that explains each."""

import dataclasses
from collections.abc import Callable
from functools import partial

import numpy as np
from matplotlib.figure import Figure

from metrics import canvas, figures, maps
from metrics.figures import Names
from metrics.results import Report


@dataclasses.dataclass(frozen=True)
class Plot:
    """A figure of the report.

    Attributes:
        name: File name without suffix.
        text: What it shows and how to read it.
        figure: The drawing.
    """

    name: str
    text: str
    figure: Callable[[], Figure]


def plots(report: Report) -> list[Plot]:
    """Lists the figures that a report of this detector has.

    Args:
        report: What was measured.

    Returns:
        The figures in the order of the page.
    """
    comparison = report.comparison
    model = str(report.facts["model"]).partition("/")[0]
    names = (model, str(report.facts["reference_name"]))
    found = [
        Plot(
            "summary",
            "Wasserstein distance of every observable in units of the reference's "
            "standard deviation. The bar ends at the floor: what the reference has "
            "against itself, at the same number of events.",
            lambda: _summary(report, names),
        ),
        Plot(
            "energy_dependence",
            "Mean visible energy and resolution against the incident energy. Error "
            "bars: bootstrap of both samples.",
            lambda: figures.energy_dependence(comparison, names, report.beams),
        ),
    ]
    if comparison.has_impact:
        found += [
            Plot(
                f"position_dependence_{name}",
                f"Centre of gravity against impact point in {name}, mean and standard "
                "error; below the difference generated minus reference.",
                partial(figures.position_dependence, comparison, names, axis),
            )
            for axis, name in enumerate("xy")
        ]
    found += [
        Plot(
            one.name,
            f"Distribution of the {one.label}. Error bars and grey bands are "
            "statistical.",
            partial(figures.histograms, comparison, names, one.name),
        )
        for one in comparison.observables
        if one.name in _HISTOGRAMS
    ]
    found.append(
        Plot(
            "occupancy_map",
            "Share of events in which each cell is hit, all incident energies "
            "together.",
            lambda: maps.occupancy_map(comparison, names),
        )
    )
    if comparison.has_impact:
        found.append(
            Plot(
                "radial_profile",
                "Share of the energy per centimetre of distance between the centre of "
                "a cell and the impact point.",
                lambda: figures.radial_profile(comparison, names),
            )
        )
    if comparison.layered:
        found += _layered_plots(report, names)
    found.append(
        Plot(
            "gallery",
            "The first shower of each incident energy in the file, not selected, and a "
            "generated shower of the same condition below it. Colours are logarithmic; "
            "grey cells are empty.",
            lambda: maps.gallery(comparison, names),
        )
    )
    return found


_HISTOGRAMS = (
    "visible_energy",
    "depth",
    "number_of_hits",
    "number_of_hits_10mip",
    "radius",
    "maximum_cell_fraction",
)


def _layered_plots(report: Report, names: Names) -> list[Plot]:
    comparison = report.comparison
    found = [
        Plot(
            "layer_occupancy",
            "Share of the accepted cells of each layer that are hit, mean over events.",
            lambda: figures.layer_occupancy(comparison, names),
        )
    ]
    if comparison.spec.shape[2] > 1:
        found += [
            Plot(
                "layer_correlation",
                "Energy of each layer against that of the layer before it, at one "
                "incident energy. Small points are single events, large ones the mean "
                "in bins.",
                lambda: figures.layer_correlation(comparison, names),
            ),
            Plot(
                "correlation_matrices",
                "Pearson's correlation of the layer energies among showers of equal "
                "incident energy.",
                lambda: maps.correlation_matrices(comparison, names),
            ),
        ]
    if comparison.has_depth:
        found.append(
            Plot(
                "depth_correlation",
                "Shower depth against visible energy. Small points are single events, "
                "large ones the mean in bins.",
                lambda: figures.depth_correlation(comparison, names),
            )
        )
    return found


def _summary(report: Report, names: Names) -> Figure:
    """Draws W1 of every observable beside its floor."""
    comparison = report.comparison
    rows = [
        (one.label, report.metrics[f"wasserstein_{one.name}"], one.name)
        for one in comparison.observables
    ]
    height = 0.34 * len(rows) + 1.8
    figure = Figure(figsize=(9.5, height), dpi=100)
    axes = figure.subplots()
    figure.subplots_adjust(
        left=0.34, right=0.97, top=1.0 - 1.05 / height, bottom=0.6 / height
    )
    places = np.arange(len(rows))[::-1]
    floor = [metric.floor for _, metric, _ in rows]
    axes.barh(
        places, floor, color=canvas.REFERENCE_FILL, height=0.8,
        label=f"floor ({names[1]} against itself)",
    )  # fmt: skip
    axes.errorbar(
        [metric.value for _, metric, _ in rows],
        places,
        xerr=[metric.uncertainty for _, metric, _ in rows],
        fmt="o",
        color=canvas.GENERATED_COLOUR,
        label=names[0],
    )
    if report.untrained:
        axes.plot(
            [report.untrained[name] for _, _, name in rows], places, "o",
            color=canvas.GENERATED_COLOUR, markerfacecolor="none", label="untrained",
        )  # fmt: skip
    axes.set_xscale("log")
    largest = [*(m.value for _, m, _ in rows), *report.untrained.values(), *floor]
    axes.set_xlim(0.5 * max(min(floor), 1e-4), 2.0 * max(*largest, 1e-3))
    axes.set_yticks(places, [label for label, _, _ in rows])
    axes.tick_params(axis="y", which="both", length=0)
    axes.set_xlabel("Wasserstein distance / standard deviation of the reference")
    axes.legend(loc="upper right", bbox_to_anchor=(1.0, 1.11), ncols=3)
    canvas.caption(figure, comparison, "Distances of all observables")
    return figure
