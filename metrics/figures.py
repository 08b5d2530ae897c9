"""The figures of the report: distributions, profiles, dependence on the conditions."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from metrics import canvas, showers
from metrics.comparison import RING_EDGES_CM, Comparison, profiles
from metrics.groups import Beam
from metrics.observables import impact
from metrics.results import BeamResult
from metrics.showers import Array

Names = tuple[str, str]
"""How the legend calls the generated showers and the reference."""

_BINS = 36
_SCATTERED = 400


def histograms(comparison: Comparison, names: Names, name: str) -> Figure:
    """Draws one observable at every beam energy, with the ratio below.

    Args:
        comparison: The showers.
        names: Names in the legend.
        name: The observable.
    """
    one = comparison.observable(name)
    beams = canvas.shown_beams(comparison)
    figure, panels = canvas.panels(len(beams))
    for beam, (upper, lower) in zip(beams, panels, strict=True):
        generated, reference = (v[name][beam.events] for v in comparison.values)
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
        canvas.tag(upper, beam)
        upper.set_xlim(edges[0], edges[-1])
        upper.set_ylabel("events / bin [1/N]")
        lower.set_xlabel(one.axis)
        upper.legend(loc="upper right")
    canvas.caption(figure, comparison, one.label)
    return figure


def layer_occupancy(comparison: Comparison, names: Names) -> Figure:
    """Draws the share of cells hit in each layer at every beam energy.

    Args:
        comparison: The showers.
        names: Names in the legend.
    """
    layers = np.arange(1.0, comparison.spec.shape[2] + 1.0)
    return _event_profiles(
        comparison, names, "layer_occupancy", layers, 1.0,
        ("layer", "share of cells hit"), "Occupancy: share of cells above 0",
    )  # fmt: skip


def radial_profile(comparison: Comparison, names: Names) -> Figure:
    """Draws the share of the energy in rings around the impact point.

    Args:
        comparison: The showers.
        names: Names in the legend.
    """
    centres = 0.5 * (RING_EDGES_CM[1:] + RING_EDGES_CM[:-1])
    figure = _event_profiles(
        comparison, names, "radial", centres, float(np.diff(RING_EDGES_CM)[0]),
        ("distance to the impact point [cm]", "share of the energy [1/cm]"),
        "Energy-weighted radial profile",
    )  # fmt: skip
    for upper in figure.axes[::2]:
        upper.set_yscale("log")
        upper.set_ylim(1e-5, 1e2)
    return figure


def layer_correlation(comparison: Comparison, names: Names) -> Figure:
    """Draws each layer's energy against that of the layer before, at one beam energy.

    Args:
        comparison: The showers.
        names: Names in the legend.
    """
    beam = next((b for b in comparison.beams if b.trained is False), None)
    beam = beam or comparison.beams[len(comparison.beams) // 2]
    layers = comparison.spec.shape[2]
    figure, panels = canvas.panels(layers - 1)
    for layer, (upper, lower) in enumerate(panels, start=2):
        x, y = f"layer_energy_{layer - 1}", f"layer_energy_{layer}"
        _scatter_profile(comparison, names, (x, y), beam, (upper, lower))
        lower.set_xlabel(comparison.observable(x).axis)
        upper.set_ylabel(comparison.observable(y).axis)
        canvas.tag(upper, beam)
        upper.legend(loc="upper right")
    canvas.caption(figure, comparison, "Energy of each layer against the layer before")
    return figure


def depth_correlation(comparison: Comparison, names: Names) -> Figure:
    """Draws the shower depth against the visible energy at every beam energy.

    Args:
        comparison: The showers.
        names: Names in the legend.
    """
    beams = canvas.shown_beams(comparison)
    figure, panels = canvas.panels(len(beams))
    for beam, (upper, lower) in zip(beams, panels, strict=True):
        pair = ("visible_energy", "depth")
        _scatter_profile(comparison, names, pair, beam, (upper, lower))
        lower.set_xlabel(comparison.observable("visible_energy").axis)
        upper.set_ylabel(comparison.observable("depth").axis)
        canvas.tag(upper, beam)
        upper.legend(loc="upper right")
    canvas.caption(figure, comparison, "Shower depth against visible energy")
    return figure


def energy_dependence(
    comparison: Comparison, names: Names, results: list[BeamResult]
) -> Figure:
    """Draws mean visible energy and resolution against the beam energy.

    Args:
        comparison: The showers.
        names: Names in the legend.
        results: Response and resolution at every beam energy.
    """
    figure, panels = canvas.panels(2)
    energies = np.array([one.beam.energy_gev for one in results])
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
        lower.set_ylim(1.0 - half, 1.0 + half)
        pad = 0.08 * float(np.ptp(energies)) or 1.0
        upper.set_xlim(energies.min() - pad, energies.max() + pad)
        upper.set_ylim(0.0, 1.25 * max(*generated, *reference))
        for one in results:
            if one.beam.trained is False:
                for axes in (upper, lower):
                    axes.axvline(
                        one.beam.energy_gev, color=canvas.NEVER_TRAINED_COLOUR,
                        linestyle=":", zorder=0,
                    )  # fmt: skip
                upper.text(
                    one.beam.energy_gev, 0.03, "never trained on ", rotation=90,
                    color=canvas.NEVER_TRAINED_COLOUR, ha="right", va="bottom",
                    transform=upper.get_xaxis_transform(), fontsize=9,
                )  # fmt: skip
        upper.set_ylabel(label)
        lower.set_ylabel("ratio", loc="center")
        lower.set_xlabel("beam energy [GeV]")
        upper.legend(loc="best")
    canvas.caption(figure, comparison, "Dependence on the incident energy")
    return figure


def position_dependence(comparison: Comparison, names: Names, axis: int) -> Figure:
    """Draws the reconstructed centre of gravity against the impact point.

    Args:
        comparison: The showers.
        names: Names in the legend.
        axis: 0 for x, 1 for y.
    """
    spec = comparison.spec
    point = impact(spec, comparison.condition)[:, axis]
    centres = comparison.both(
        lambda response: showers.centre_of_gravity(response, spec.positions_cm)[:, axis]
    )
    limit = float(np.quantile(np.abs(point), 0.99))
    edges = np.linspace(-limit, limit, 13)
    beams = canvas.shown_beams(comparison)
    figure, panels = canvas.panels(len(beams))
    for beam, (upper, lower) in zip(beams, panels, strict=True):
        x = point[beam.events]
        made = [canvas.profile(x, y[beam.events], edges) for y in centres]
        canvas.draw_points(upper, made[0], made[1], names)
        canvas.draw_difference(lower, made[0], made[1], "mm", 10.0)
        canvas.tag(upper, beam)
        upper.set_ylabel(f"centre of gravity {'xy'[axis]} [cm]")
        lower.set_xlabel(f"impact {'xy'[axis]} [cm]")
        upper.legend(loc="lower right")
    canvas.caption(figure, comparison, f"Dependence on the impact point, {'xy'[axis]}")
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
    beams = canvas.shown_beams(comparison)
    figure, panels = canvas.panels(len(beams))
    for beam, (upper, lower) in zip(beams, panels, strict=True):
        pair = []
        for rows in (generated[beam.events], reference[beam.events]):
            error = rows.std(axis=0) / np.sqrt(len(rows))
            pair.append(canvas.Series(x, rows.mean(axis=0) / width, error / width))
        canvas.draw_points(upper, pair[0], pair[1], names)
        canvas.draw_ratio(lower, *pair)
        canvas.tag(upper, beam)
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
    beam: Beam,
    axes: tuple[Axes, Axes],
) -> None:
    """Draws single events lightly and the profile of y in bins of x above them."""
    upper, lower = axes
    points = [
        [values[name][beam.events] for name in observables]
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
