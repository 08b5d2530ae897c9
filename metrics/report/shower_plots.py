"""The figures of a report, with the sentence that explains each."""

import dataclasses
from collections.abc import Callable, Mapping
from functools import partial

from matplotlib.figure import Figure

from metrics.report.figures import (
    canvas,
    cell_maps,
    cell_pairs,
    condition_dependence,
    distributions,
    event_displays,
    roc_and_prd,
    spectra,
    training_curves,
)
from metrics.report.figures.canvas import Names
from metrics.showers import nearest_neighbours
from metrics.showers.conditioning import SliceSeries
from metrics.showers.shower_results import Report
from metrics.statistics.arrays import Array


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
    return [
        Plot(
            "summary",
            "Wasserstein distance of every observable in units of the reference's "
            "standard deviation. The bar ends at the floor: what the reference has "
            "against itself, at the same number of events.",
            lambda: distributions.summary(report, names),
        ),
        *_curve_plots(report, names),
        Plot(
            "gallery",
            "The first shower of a low, a middle and a high incident energy in the "
            "file, not selected, and a generated shower of the same condition below "
            "it. Colours are logarithmic; white cells are empty.",
            lambda: event_displays.gallery(comparison, names),
        ),
        *_condition_plots(report, names),
        *(
            Plot(
                one.name,
                f"Distribution of the {one.label}. Error bars and grey bands are "
                "statistical.",
                partial(distributions.histograms, comparison, names, one.name),
            )
            for one in comparison.observables
            if one.name in _HISTOGRAMS
        ),
        *_spectrum_plots(report, names),
        *_cell_plots(report, names),
        *_pair_plots(report, names),
        *(_layered_plots(report, names) if comparison.layered else []),
        *_neighbour_plots(report, names),
        *training_plots(report.history, model),
    ]


_HISTOGRAMS = (
    "visible_energy",
    "depth",
    "number_of_hits",
    "number_of_hits_10mip",
    "number_of_hits_10mev",
    "radius",
    "maximum_cell_fraction",
    "central_energy_fraction",
    "width_along",
    "width_across",
    "asymmetry_along",
    "asymmetry_across",
    "centre_along",
    "centre_across",
)


def _curve_plots(report: Report, names: Names) -> list[Plot]:
    found = []
    if report.prd:
        found.append(
            Plot(
                "precision_recall",
                "Precision: how much of the generated distribution lies where the "
                "reference does. Recall: how much of the reference the generated "
                "showers cover. The dashed curve is what the reference has against "
                "itself, at the same number of events and clusters; a perfect model "
                "lies on it.",
                lambda: roc_and_prd.precision_recall(report, names),
            )
        )
    if report.roc:
        found.append(
            Plot(
                "roc",
                "ROC curves of classifiers on showers that they have not seen. The "
                "dotted diagonal cannot tell generated from reference showers.",
                lambda: roc_and_prd.roc(report, names),
            )
        )
    return found


def _condition_plots(report: Report, names: Names) -> list[Plot]:
    comparison = report.comparison
    found = [
        Plot(
            "energy_dependence",
            "Mean visible energy and resolution against the incident energy. Error "
            "bars: bootstrap of both samples.",
            lambda: condition_dependence.energy_dependence(
                comparison, names, report.energy_bins
            ),
        )
    ]
    if comparison.has_impact:
        found += [
            Plot(
                f"position_dependence_{name}",
                f"Centre of gravity against impact point in {name}, mean and standard "
                "error; below the difference generated minus reference.",
                partial(
                    condition_dependence.position_dependence, comparison, names, axis
                ),
            )
            for axis, name in enumerate("xy")
        ]
    found += [
        Plot(
            f"conditioning_{name}",
            "Mean and width of response and reconstructed position in slices of the "
            f"{series[0].slices.label}: from moments, and from a regressor that was "
            "trained on the reference alone. Error bars and grey bands are "
            "statistical.",
            partial(condition_dependence.slices, comparison, names, series),
        )
        for name, series in _by_slices(report).items()
    ]
    return found


def _by_slices(report: Report) -> dict[str, list[SliceSeries]]:
    """Collects the numbers that were measured in the same slices."""
    found: dict[str, list[SliceSeries]] = {}
    for one in report.series:
        found.setdefault(one.slices.name, []).append(one)
    return found


def _spectrum_plots(report: Report, names: Names) -> list[Plot]:
    """Lists the spectra: of all cells, and of every layer at two incident energies."""
    comparison = report.comparison
    found = [
        Plot(
            "cell_energy",
            "Hits per shower in logarithmic bins of the cell energy. Error bars come "
            "from whole showers.",
            lambda: spectra.by_energy(comparison, names),
        )
    ]
    if comparison.spec.layers > 1:
        energy_bins = canvas.shown_energy_bins(comparison)
        ends = {"lowest": energy_bins[0], "highest": energy_bins[-1]}
        found += [
            Plot(
                f"cell_energy_layers_{name}",
                f"Hits per shower of each layer in logarithmic bins of the cell "
                f"energy, at the {name} incident energy.",
                partial(spectra.by_layer, comparison, names, energy_bin),
            )
            for name, energy_bin in ends.items()
        ]
    return found


def _cell_plots(report: Report, names: Names) -> list[Plot]:
    comparison = report.comparison
    found = [
        Plot(
            "occupancy_map",
            "Fraction of events in which each cell is hit, all incident energies "
            "together.",
            lambda: cell_maps.occupancy_map(comparison, names),
        )
    ]
    if not comparison.layered:
        found.append(
            Plot(
                "mean_image",
                "Mean energy of each cell, all incident energies together, on a "
                "logarithmic scale. The ratio is white where fewer than ten showers of "
                "the reference hit the cell.",
                lambda: cell_maps.mean_images(comparison, names),
            )
        )
    if comparison.has_impact:
        found.append(
            Plot(
                "radial_profile",
                "Fraction of the energy per centimetre of distance between the centre "
                "a cell and the impact point.",
                lambda: distributions.radial_profile(comparison, names),
            )
        )
    return found


def _pair_plots(report: Report, names: Names) -> list[Plot]:
    result = report.cell_correlations
    if result is None:
        return []
    first, second = (one.name for one in result.axes)
    return [
        Plot(
            "cell_correlations",
            "Correlation of two cells' residuals, which are what a cell has more or "
            "less than the reference has on average under this condition, against "
            f"their distance {first} and {second}"
            f"{' the inclination of the track' if first == 'along' else ''}. "
            "Neighbours are shown, but do not count as distant. Error bars and grey "
            "bands: bootstrap.",
            lambda: cell_pairs.correlations(report.comparison, result, names),
        )
    ]


def training_plots(history: Mapping[str, Array], model: str) -> list[Plot]:
    """Returns the figure of the training; none where nothing is known of it.

    Args:
        history: From `history.csv`, by name, each [epochs].
        model: What the model is called.
    """
    if not training_curves.of_panels(history):
        return []
    return [
        Plot(
            "training_curves",
            "What critic, generator and constrainers minimised during the training, "
            "means of every epoch. The scale is linear up to 1 and logarithmic beyond.",
            partial(training_curves.training_curves, history, model),
        )
    ]


def _neighbour_plots(report: Report, names: Names) -> list[Plot]:
    comparison, result = report.comparison, report.neighbours
    if result is None:
        return []
    return [
        Plot(
            "neighbours",
            "Distance to the nearest of "
            f"{result.training:,} training showers (0 equal, 1 disjoint). "
            "Copies of training showers would fill the left end; left of the dotted "
            f"line lies {nearest_neighbours.QUANTILE:.0%} of the reference, which "
            "was not trained on.",
            lambda: distributions.neighbours(comparison, result, names),
        ),
        Plot(
            "closest_pairs",
            "The generated showers that are nearest to a training shower, and these. "
            "Distances compare shapes only, so that the energies may differ.",
            lambda: event_displays.closest_pairs(comparison, result, names),
        ),
    ]


def _layered_plots(report: Report, names: Names) -> list[Plot]:
    comparison = report.comparison
    found = [
        Plot(
            "layer_occupancy",
            "Fraction of the accepted cells hit in each layer, mean over events.",
            lambda: distributions.layer_occupancy(comparison, names),
        )
    ]
    if comparison.spec.layers > 1:
        found += [
            Plot(
                "layer_correlation",
                "Energy of each layer against that of the layer before it, at one "
                "incident energy. Small points are single events, large ones the mean "
                "in bins.",
                lambda: distributions.layer_correlation(comparison, names),
            ),
            Plot(
                "correlation_matrices",
                "Pearson's correlation of the layer energies among showers of equal "
                "incident energy.",
                lambda: cell_maps.correlation_matrices(comparison, names),
            ),
        ]
    if comparison.has_depth:
        found.append(
            Plot(
                "depth_correlation",
                "Shower depth against visible energy. Small points are single events, "
                "large ones the mean in bins.",
                lambda: distributions.depth_correlation(comparison, names),
            )
        )
    return found
