"""The figures of a report of particle identification, and what each shows."""

from functools import partial

from matplotlib.figure import Figure

from metrics.pid.efficiency import AGAINST, CUTS
from metrics.pid.separation_auc import JUDGED_AUC, JUDGED_EFFECTIVE
from metrics.pid.track_pairs import CENTRAL, PION
from metrics.pid.track_results import PidReport, likelihood
from metrics.report.figures.canvas import Names
from metrics.report.figures.distributions import distances_beside_floor
from metrics.report.pid import auc_maps, likelihoods, phi_candidates
from metrics.report.shower_plots import Plot, training_plots

_FULL_AND_OPEN = (
    f"Filled points and full lines: cut at {CUTS[0]:g}; open points and dashed lines: "
    f"at {CUTS[1]:g}. "
)


def plots(report: PidReport) -> list[Plot]:
    """Lists the figures of a report.

    Args:
        report: What was measured.

    Returns:
        The figures in the order of the page.
    """
    tracks, grid = report.tracks, report.grid
    model = str(report.facts["model"]).partition("/")[0]
    names = (model, str(report.facts["reference_name"]))
    found = [
        Plot(
            "summary",
            "Wasserstein distance of every likelihood and species in weighted standard "
            "deviations of the reference. The bar ends at the floor: what the "
            "reference has against itself, at the same number of tracks.",
            partial(_summary, report, names),
        )
    ]
    if report.bins:
        found.append(
            Plot(
                "delta_auc",
                "Separation from pions in bins of momentum and pseudorapidity: "
                "AUC (area under the ROC curve), generated minus reference, absolute "
                "and in standard deviations of a bootstrap of pairs. Hatched bins are "
                f"not judged: fewer than {JUDGED_EFFECTIVE:,.0f} effective tracks, or "
                f"an AUC of at least {JUDGED_AUC:g}. Grey bins have too few tracks.",
                partial(auc_maps.auc_differences, tracks, report.bins, grid),
            )
        )
    if report.fine_grid is not None and report.fine_bins:
        found.append(
            Plot(
                "delta_auc_fine",
                "The same in finer bins, absolute differences in units of 0.001.",
                partial(
                    auc_maps.auc_differences, tracks, report.fine_bins, report.fine_grid
                ),
            )
        )
    found += [
        Plot(
            f"histograms_{component}",
            f"{likelihood(component)} of {hypothesis}s and {PION}s: fractions of the "
            "signed weights, areas for the reference and points for generated tracks; "
            "errors are sqrt(sum of squared weights). A species with too few tracks in "
            "a bin is left out there. Below: generated minus reference.",
            partial(likelihoods.histograms, tracks, grid, names, hypothesis, component),
        )
        for hypothesis, component in tracks.hypotheses.items()
    ]
    if report.zoom_grid is not None:
        found += [
            Plot(
                f"zoom_{component}",
                f"The same, zoomed: the bins hold the central {CENTRAL:.0%} of the "
                "weighted reference in momentum and in pseudorapidity, every species "
                f"counting the same. A panel shows {likelihood(component)} from the "
                f"lower to the upper end of the central {CENTRAL:.0%} of either "
                "species; fractions are still those of all tracks in the bin.",
                partial(
                    likelihoods.zoomed_histograms, tracks, report.zoom_grid, names,
                    hypothesis, component,
                ),
            )
            for hypothesis, component in tracks.hypotheses.items()
        ]  # fmt: skip
    if report.phi is not None:
        found.append(
            Plot(
                "phi_selection",
                "A selection of phi to two kaons: both tracks have DLLk above the cut. "
                "Efficiency for pairs of kaons, fake rate for pairs of pions at the "
                "same momenta, against the cut and, at fixed cuts, against the "
                "momentum of the phi. Lines with bands for the reference, points for "
                "generated tracks; errors: bootstrap of pairs. Below: generated / "
                "reference, where the reference is known to 50 %.",
                partial(phi_candidates.figure, tracks, report.phi, names),
            )
        )
    if report.curves:
        found += [
            Plot(
                f"efficiency_{against.removesuffix('_gev')}",
                "Fraction of the species (efficiency) and of pions (misidentification) "
                "above a cut on the likelihood: lines with bands for the reference, "
                "points for generated tracks. "
                + ("" if against == "cut" else _FULL_AND_OPEN)
                + "Below: generated minus reference. Errors and bands: bootstrap of "
                "pairs.",
                partial(likelihoods.efficiencies, report, names, against),
            )
            for against in AGAINST
        ]
    found.append(
        Plot(
            "correlations",
            "Weighted correlations of the likelihoods for every species, and their "
            "difference, generated minus reference.",
            partial(auc_maps.correlations, tracks, names),
        )
    )
    return [*found, *training_plots(report.history, model)]


def _summary(report: PidReport, names: Names) -> Figure:
    rows = {
        f"{species}_{component}": report.labels[f"{species}_{component}"]
        for species in report.tracks.members
        for component in report.tracks.spec.component_names
    }
    figure = distances_beside_floor(report, rows, names)
    likelihoods.heading(figure, report.tracks, "Distances of all likelihoods")
    return figure
