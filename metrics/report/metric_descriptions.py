"""The kinds of metrics: what each says in words and which number is ideal."""

import dataclasses
from collections.abc import Mapping

from metrics.statistics.resampling import Metric


@dataclasses.dataclass(frozen=True)
class Kind:
    """Metrics whose names begin alike.

    Attributes:
        prefix: How the names begin; the whole name where there is only one.
        label: What they are, in words.
        ideal: What a perfect model has with infinitely many events; None if that is
            known from the reference alone, as its floor.
        better: The direction in which a model becomes better.
        headline: Whether the metric is a verdict on its own: it is then printed and
            drawn, not only listed.
    """

    prefix: str
    label: str
    ideal: float | None = 0.0
    better: str = "smaller"
    headline: bool = True

    def shortfall(self, metric: Metric) -> float:
        """Returns z with the sign that makes positive worse.

        A ratio is bad on both sides of 1, a difference on both sides of 0, a fraction
        on both sides of that of the reference, a distance only above its floor.
        """
        return abs(metric.z) if self.better.startswith("near") else metric.z

    def away(self, metric: Metric) -> float:
        """Returns how far a metric is from what a perfect model has."""
        return abs(metric.value - (metric.floor if self.ideal is None else self.ideal))


_SIGMA = "\N{GREEK SMALL LETTER SIGMA}"
_FLOOR = "near the floor"

_KINDS = (
    Kind("wasserstein_", f"W1 / {_SIGMA}: "),
    Kind("separation_", "separation power: ", headline=False),
    Kind("separation_cell_energy", "separation power: energies of hits"),
    Kind("ties", "fraction of layers with equal hits", None, _FLOOR),
    Kind("ties_unrounded", "the same of unrounded showers", None, _FLOOR),
    Kind("width_ratio_", "ratio of widths: ", 1.0, "near 1", False),
    Kind("mean_ratio_", "ratio of means: ", 1.0, "near 1", False),
    Kind("response_ratio_", "ratio of mean energies at ", 1.0, "near 1"),
    Kind("resolution_ratio_", "ratio of resolutions at ", 1.0, "near 1"),
    Kind("profile_layer_occupancy", "profile: fraction of cells hit in each layer"),
    Kind("profile_longitudinal", "profile: fraction of the energy in each layer"),
    Kind("profile_radial", "profile: fraction of the energy around the impact point"),
    Kind("profile_cell_occupancy", "map: fraction of events in which a cell is hit"),
    Kind("profile_", "profile: "),
    Kind("correlation_layers", "correlations of layer energies, largest difference"),
    Kind("correlation_depth_energy", "correlation of depth and energy, difference"),
    Kind("correlation_observables", "correlations of observables, largest difference"),
    Kind("correlation_cells_", "correlations between distant cells, difference: "),
    Kind("correlation_", "correlations, largest difference: "),
    Kind("classifier_auc", "AUC of trees on all observables", 0.5),
    Kind("classifier_auc_network", "AUC of a network on all observables", 0.5),
    Kind("classifier_auc_cells", "AUC of a network on all cells", 0.5),
    Kind("classifier_auc_spectrum", "AUC of trees on hits in bins of energy", 0.5),
    Kind("classifier_auc_spectrum_layers",
         "AUC of trees on hits in bins of energy and layers", 0.5),
    Kind("classifier_auc_cells_half", "AUC on all cells, half the showers learnt", 0.5),
    Kind("classifier_auc_cells_quick", "AUC on all cells, small network, --quick", 0.5),
    Kind("classifier_auc_", "AUC of a classifier: ", 0.5),
    Kind("calochallenge_low", "AUC of the CaloChallenge's network on cells", 0.5),
    Kind("calochallenge_high", "AUC of the CaloChallenge's network on sums", 0.5),
    Kind("calochallenge_separation_", "CaloChallenge's separation power: "),
    Kind("calochallenge_fpd", "FPD of the CaloChallenge's features, scaled as there"),
    Kind("calochallenge_kpd", "KPD of the CaloChallenge's features, scaled as there"),
    Kind("prd_auc", "PRD-AUC, the smaller of both", 1.0, "larger"),
    Kind("prd_auc_raw", "PRD-AUC of the cells", 1.0, "larger"),
    Kind("prd_auc_physics", "PRD-AUC of physics features", 1.0, "larger"),
    Kind("prd_auc_", "PRD-AUC: ", 1.0, "larger"),
    Kind("density_physics", "density of observables (k = 5)", 1.0, "near 1"),
    Kind("coverage_physics", "coverage of observables (k = 5)", 1.0 - 2.0**-5,
         "larger"),
    Kind("fpd", "FPD, Fr\N{LATIN SMALL LETTER E WITH ACUTE}chet physics distance"),
    Kind("kpd", "KPD, kernel physics distance"),
    Kind("conditioning_", "conditioning: "),
    Kind("kolmogorov_", "Kolmogorov-Smirnov: ", headline=False),
    Kind("delta_auc_", "AUC, generated - reference: ", better="near 0"),
    Kind("delta_auc_bin_", "AUC, generated - reference: ", 0.0, "near 0", False),
    Kind("auc_bins_within_goal", "fraction of bins with small AUC difference", 1.0,
         "larger"),
    Kind("delta_efficiency_", "efficiency, generated - reference: ", 0.0, "near 0",
         False),
    Kind("delta_phi_", "phi to K+ K-, generated - reference: ", better="near 0"),
    Kind("near_training", "fraction of near copies of training showers", 0.01),
)  # fmt: skip


GROUPS = {
    "likelihoods": ("auc_bins", "delta_", "kolmogorov_", "dll_", "electron", "muon",
                    "kaon", "proton", "pion"),
    "conditioning": ("conditioning_",),
    "cells": ("classifier_", "calochallenge_", "prd_", "density_", "coverage_", "fpd",
              "kpd", "near_training", "correlation_observables", "correlation_cells"),
    "hits": ("hits", "occupanc", "ties", "cell_energy", "correlation_layers_hit"),
    "shape": ("radius", "radial", "width_along", "width_across", "asymmetry", "centre",
              "cell_fraction", "energy_fraction", "depth", "longitudinal"),
    "response": ("",),
}  # fmt: skip
"""The groups of a page, with parts of their metrics' names; the first that fits."""


def group(name: str) -> str:
    """Returns the group of `GROUPS` that a metric belongs to.

    Args:
        name: Name of the metric.
    """
    return next(
        one for one, parts in GROUPS.items() if any(part in name for part in parts)
    )


def kind(name: str) -> Kind:
    """Returns the kind of a metric.

    Args:
        name: Name of the metric.

    Returns:
        The kind with that very name, or the longest prefix of it; for an unknown name
        one that shows the name itself.
    """
    fitting = [
        one
        for one in _KINDS
        if name == one.prefix or (one.prefix[-1] == "_" and name.startswith(one.prefix))
    ]
    unknown = Kind(name, name.replace("_", " "), headline=False)
    return max(fitting, key=lambda one: len(one.prefix), default=unknown)


def label(name: str, observables: Mapping[str, str]) -> str:
    """Says what a metric is, in words.

    Args:
        name: Name of the metric.
        observables: Labels of the observables by name.

    Returns:
        A short text.
    """
    found = kind(name)
    rest = name.removeprefix(found.prefix)
    return found.label + observables.get(rest, rest.replace("_", " "))


def uncertain(value: float, uncertainty: float) -> str:
    """Writes a number with its uncertainty, both to two digits of the uncertainty.

    Args:
        value: The number.
        uncertainty: Its uncertainty.

    Returns:
        For instance "0.0417 ± 0.0036", or "(3.20 ± 0.11)e-05" for a tiny one.
    """
    exponent = 0
    if 0.0 < max(abs(value), uncertainty) < 1e-3 and uncertainty > 0.0:
        exponent = int(f"{max(abs(value), uncertainty):.1e}".partition("e")[2])
        value, uncertainty = value / 10.0**exponent, uncertainty / 10.0**exponent
    digits = 4
    if uncertainty > 0.0:
        leading = int(f"{uncertainty:.1e}".partition("e")[2])
        digits = min(max(1 - leading, 0), 6)
    text = f"{value:.{digits}f} \N{PLUS-MINUS SIGN} {uncertainty:.{digits}f}"
    return f"({text})e{exponent:03d}" if exponent else text
