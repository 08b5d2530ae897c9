"""Figures of the dependence on the conditions."""

import itertools
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from metrics.observables import calorimeter
from metrics.observables.registry import track_displacement
from metrics.report.figures import canvas
from metrics.report.figures.canvas import Names
from metrics.showers.conditioning import SliceSeries
from metrics.showers.response_by_energy import EnergyBinResult
from metrics.showers.shower_pairs import Comparison

_SURE = 5.0


def energy_dependence(
    comparison: Comparison, names: Names, results: list[EnergyBinResult]
) -> Figure:
    """Draws mean visible energy and resolution against the incident energy.

    Args:
        comparison: The showers.
        names: Names in the legend.
        results: Response and resolution in every energy bin.
    """
    figure, panels = canvas.panels(2)
    energies = np.array([one.energy_bin.energy_gev for one in results])
    quantities = (
        ([one.generated_mean for one in results],
         [one.reference_mean for one in results], [one.response for one in results],
         comparison.observable("visible_energy").axis, 0.05),
        ([one.generated_resolution for one in results],
         [one.reference_resolution for one in results],
         [one.resolution for one in results], "resolution, sigma / mean", 0.25),
    )  # fmt: skip
    for (generated, reference, ratios, label, width), (upper, lower) in zip(
        quantities, panels, strict=True
    ):
        upper.plot(
            energies, reference, "s", color=canvas.REFERENCE_COLOUR, markersize=9,
            markerfacecolor="none", label=names[1],
        )  # fmt: skip
        upper.plot(
            energies, generated, "o", color=canvas.GENERATED_COLOUR, markersize=5,
            label=names[0],
        )  # fmt: skip
        values = np.array([one.value for one in ratios])
        error = np.array([one.uncertainty for one in ratios])
        lower.errorbar(energies, values, error, fmt="o", color=canvas.GENERATED_COLOUR)
        lower.axhline(1.0, color=canvas.REFERENCE_COLOUR, linewidth=0.8)
        half = max(width, 1.2 * float(np.max(np.abs(values - 1.0) + error)))
        lower.set_ylim(max(1.0 - half, 0.0), 1.0 + half)
        pad = 0.08 * float(np.ptp(energies)) or 1.0
        upper.set_xlim(energies.min() - pad, energies.max() + pad)
        upper.set_ylim(0.0, 1.25 * max(*generated, *reference))
        for one in results:
            if one.energy_bin.trained is False:
                for axes in (upper, lower):
                    axes.axvline(
                        one.energy_bin.energy_gev, color=canvas.NEVER_TRAINED_COLOUR,
                        linestyle=":", zorder=0,
                    )  # fmt: skip
                upper.text(
                    one.energy_bin.energy_gev, 0.03, "never trained on ", rotation=90,
                    color=canvas.NEVER_TRAINED_COLOUR, ha="right", va="bottom",
                    transform=upper.get_xaxis_transform(), fontsize=9,
                )  # fmt: skip
        upper.set_ylabel(label)
        lower.set_ylabel("ratio", loc="center")
        lower.set_xlabel("incident energy [GeV]")
        upper.legend(loc="best")
    canvas.caption(figure, comparison, "Dependence on the incident energy")
    return figure


def position_dependence(comparison: Comparison, names: Names, axis: int) -> Figure:
    """Draws the reconstructed centre of gravity against the impact point.

    For an inclined track the centre is moved back along it to the front face.

    Args:
        comparison: The showers.
        names: Names in the legend.
        axis: 0 for x, 1 for y.
    """
    spec = comparison.spec
    point = spec.impact(comparison.condition)[:, axis]
    moved = track_displacement(spec, comparison.condition)[:, axis]
    centres = comparison.both(
        lambda response: (
            calorimeter.centre_of_gravity(response, spec.positions_cm)[:, axis] - moved
        )
    )
    limit = float(np.quantile(np.abs(point), 0.99))
    edges = np.linspace(-limit, limit, 13)
    energy_bins = canvas.shown_energy_bins(comparison)
    figure, panels = canvas.panels(len(energy_bins))
    for energy_bin, (upper, lower) in zip(energy_bins, panels, strict=True):
        x = point[energy_bin.events]
        made = [canvas.profile(x, y[energy_bin.events], edges) for y in centres]
        canvas.draw_points(upper, made[0], made[1], names)
        canvas.draw_difference(lower, made[0], made[1], "mm", 10.0)
        canvas.tag(upper, energy_bin)
        upper.set_ylabel(f"centre of gravity {'xy'[axis]} [cm]")
        lower.set_xlabel(f"impact {'xy'[axis]} [cm]")
        upper.legend(loc="lower right")
    canvas.caption(figure, comparison, f"Dependence on the impact point, {'xy'[axis]}")
    return figure


def slices(
    comparison: Comparison, names: Names, series: Sequence[SliceSeries]
) -> Figure:
    """Draws means and widths of numbers in slices of one condition.

    Args:
        comparison: The showers.
        names: Names in the legend.
        series: Numbers in the same slices; for every method a line of means and then
            a line of widths.
    """
    shown = [
        (one, what)
        for _, same in itertools.groupby(series, lambda one: one.name.split("_")[-1])
        for what, one in itertools.product(("mean", "width"), tuple(same))
    ]
    figure, panels = canvas.panels(len(shown), above=0.3)
    for (one, what), axes in zip(shown, panels, strict=True):
        _slices(axes, one, what, names)
    canvas.caption(figure, comparison, f"Dependence on the {series[0].slices.label}")
    return figure


def _slices(
    axes: tuple[Axes, Axes], series: SliceSeries, what: str, names: Names
) -> None:
    upper, lower = axes
    generated, reference = (
        canvas.Series(
            series.slices.centres,
            getattr(series, f"{side}_{what}"),
            getattr(series, f"{side}_{what}_error"),
        )
        for side in ("generated", "reference")
    )
    canvas.draw_points(upper, generated, reference, names)
    if np.all(reference.y > _SURE * reference.error):
        canvas.draw_ratio(lower, generated, reference)
    else:
        canvas.draw_difference(lower, generated, reference, series.unit, 1.0)
    along = series.slices
    upper.set_ylabel(_axis(what, series.unit))
    upper.set_title(series.label, loc="left", fontsize=11)
    lower.set_xlabel(_axis(along.label, along.unit))
    upper.margins(y=0.25)
    upper.legend(loc="best")


def _axis(label: str, unit: str) -> str:
    return f"{label} [{unit}]" if unit else label
