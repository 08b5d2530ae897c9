"""Figures of likelihoods: their distributions, and what cuts on them do."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from metrics.pid.efficiency import AGAINST, CUTS, EfficiencyCurve
from metrics.pid.track_pairs import CENTRAL, FEWEST_EFFECTIVE, PION, Grid, Tracks
from metrics.pid.track_results import PidReport, likelihood
from metrics.report.figures import canvas
from metrics.report.figures.canvas import Names
from metrics.statistics.arrays import Array
from metrics.statistics.weighted import (
    effective_tracks,
    normalised_histogram,
    weighted_quantiles,
)

SPECIES_COLOUR = canvas.GENERATED_COLOUR
PION_COLOUR = canvas.NEVER_TRAINED_COLOUR

_Limits = Callable[[Array, Array, Iterable[NDArray[np.intp]]], tuple[float, float]]
_BINS = 40
_TAIL = 0.005
_MOMENTUM_TICKS = (1, 2, 3, 5, 10, 20, 30, 50, 100, 200)
_MARKERS = ("o", "s")
_LINES = ("-", "--")
_AT_CUTS = f" > {CUTS[0]:g} (full, filled) and > {CUTS[1]:g} (dashed, open)"


def heading(figure: Figure, tracks: Tracks, what: str) -> None:
    """Writes above a figure what it shows, of how many tracks."""
    effective = sum(effective_tracks(tracks.weight[m]) for m in tracks.members.values())
    canvas.heading(
        figure, what, f"{len(tracks)} pairs of tracks, {effective:.0f} effective tracks"
    )


def histograms(
    tracks: Tracks, grid: Grid, names: Names, hypothesis: str, component: str
) -> Figure:
    """Draws a likelihood of a species and of pions in all bins of the kinematics.

    Args:
        tracks: The tracks.
        grid: The bins: momentum from left to right, pseudorapidity downwards.
        names: Names of the generated tracks and of the reference.
        hypothesis: The species.
        component: The likelihood.
    """
    what = "in bins of momentum and pseudorapidity"
    return _in_bins(tracks, grid, names, hypothesis, component, _whole, what)


def zoomed_histograms(
    tracks: Tracks, grid: Grid, names: Names, hypothesis: str, component: str
) -> Figure:
    """Draws the same where most tracks and likelihoods are.

    Args:
        tracks: The tracks.
        grid: Bins of the most populated region: momentum from left to right,
            pseudorapidity downwards.
        names: Names of the generated tracks and of the reference.
        hypothesis: The species.
        component: The likelihood; a panel shows from the lower to the upper end of the
            central fraction `CENTRAL` of the weights of either species.
    """
    inside = grid.inside(tracks.column("momentum_gev"), tracks.column("pseudorapidity"))
    share = tracks.balanced_weight() @ inside / len(tracks.members)
    what = f"in the most populated region, {share:.0%} of the weights"
    return _in_bins(tracks, grid, names, hypothesis, component, _core, what)


def efficiencies(report: PidReport, names: Names, against: str) -> Figure:
    """Draws efficiency and misidentification against the cut or a condition.

    Args:
        report: What was measured.
        names: Names of the generated tracks and of the reference.
        against: One of `AGAINST`.
    """
    tracks = report.tracks
    figure, panels = canvas.panels(len(tracks.hypotheses), above=0.3, columns=2)
    for (hypothesis, component), (upper, lower) in zip(
        tracks.hypotheses.items(), panels, strict=True
    ):
        shown = [
            one
            for one in report.curves
            if (one.hypothesis, one.against) == (hypothesis, against)
        ]
        for one in shown:
            _efficiency((upper, lower), one, names)
        upper.set_ylim(0.0, 1.35)
        upper.set_ylabel("fraction that passes")
        upper.set_title(
            likelihood(component) + ("" if against == "cut" else _AT_CUTS),
            loc="left",
            fontsize=11,
        )
        upper.legend(loc="upper center", ncols=2, fontsize=8, columnspacing=1.0)
        lower.axhline(0.0, color=canvas.REFERENCE_COLOUR, linewidth=0.8)
        lower.set_ylabel("diff.", loc="center")
        lower.set_xlabel(
            f"{likelihood(component)} cut" if against == "cut" else AGAINST[against]
        )
        _along(upper, np.concatenate([one.x for one in shown]), against)
    what = AGAINST[against].partition(" [")[0]
    heading(figure, tracks, f"Efficiency and misidentification against the {what}")
    return figure


def _in_bins(
    tracks: Tracks,
    grid: Grid,
    names: Names,
    hypothesis: str,
    component: str,
    limits: _Limits,
    what: str,
) -> Figure:
    along, across = grid.shape
    figure, panels = canvas.panels(along * across, above=0.3, columns=along)
    momentum, pseudorapidity = (
        tracks.column(name) for name in ("momentum_gev", "pseudorapidity")
    )
    place = grid.place(momentum, pseudorapidity)
    within = grid.inside(momentum, pseudorapidity)
    for number, (upper, lower) in enumerate(panels):
        row, column = divmod(number, along)
        inside = within & (place == column * across + row)
        members = {
            name: tracks.members[name][inside[tracks.members[name]]]
            for name in (hypothesis, PION)
        }
        _histograms((upper, lower), tracks, names, members, component, limits)
        first, second = grid.texts(column * across + row)
        upper.set_title(f"{first}, pseudorapidity {second}", loc="left", fontsize=10)
        upper.set_ylabel("fraction / bin")
        lower.set_xlabel(likelihood(component))
    heading(
        figure, tracks, f"{likelihood(component)} of {hypothesis}s and {PION}s, {what}"
    )
    return figure


def _whole(
    reference: Array, weight: Array, members: Iterable[NDArray[np.intp]]
) -> tuple[float, float]:
    """Returns where the likelihoods of all members are, without the last tails."""
    low, high = np.quantile(reference[np.concatenate([*members])], [_TAIL, 1.0 - _TAIL])
    return float(low), float(high)


def _core(
    reference: Array, weight: Array, members: Iterable[NDArray[np.intp]]
) -> tuple[float, float]:
    """Returns where the middle of the weights of every species is."""
    fractions = [0.5 - 0.5 * CENTRAL, 0.5 + 0.5 * CENTRAL]
    ends = [
        weighted_quantiles(reference[some], weight[some], fractions)
        for some in members
        if effective_tracks(weight[some]) >= FEWEST_EFFECTIVE
    ]
    return (float(np.min(ends)), float(np.max(ends))) if ends else (0.0, 1.0)


def _histograms(
    axes: tuple[Axes, Axes],
    tracks: Tracks,
    names: Names,
    members: dict[str, NDArray[np.intp]],
    component: str,
    limits: _Limits,
) -> None:
    upper, lower = axes
    generated, reference = tracks.pair(component)
    low, high = 0.0, 1.0
    if any(map(len, members.values())):
        low, high = limits(reference, tracks.weight, members.values())
    if low == high:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, _BINS + 1)
    centres = 0.5 * (edges[1:] + edges[:-1])
    lower.axhline(0.0, color=canvas.REFERENCE_COLOUR, linewidth=0.8)
    tallest = [1e-3]
    for (name, some), colour in zip(
        members.items(), (SPECIES_COLOUR, PION_COLOUR), strict=True
    ):
        weight = tracks.weight[some]
        if effective_tracks(weight) < FEWEST_EFFECTIVE:
            continue
        real, real_error = normalised_histogram(reference[some], weight, edges)
        made, made_error = normalised_histogram(generated[some], weight, edges)
        upper.stairs(real, edges, fill=True, color=colour, alpha=0.22)
        upper.stairs(
            real, edges, color=colour, linewidth=1.0, label=f"{name}, {names[1]}"
        )
        upper.errorbar(
            centres, made, made_error, fmt="o", markersize=2.5, color=colour,
            elinewidth=0.8, label=f"{name}, {names[0]}",
        )  # fmt: skip
        lower.errorbar(
            centres, made - real, np.hypot(made_error, real_error), fmt="o",
            markersize=2.5, color=colour, elinewidth=0.8,
        )  # fmt: skip
        tallest += [*real, *made]
    upper.set_ylim(min(0.0, min(tallest)), 1.5 * max(tallest))
    upper.set_xlim(edges[0], edges[-1])
    if upper.get_legend_handles_labels()[0]:
        upper.legend(loc="upper right", fontsize=8, ncols=2)
    lower.set_ylabel("diff.", loc="center")


def _efficiency(axes: tuple[Axes, Axes], one: EfficiencyCurve, names: Names) -> None:
    upper, lower = axes
    colour = PION_COLOUR if one.species == PION else SPECIES_COLOUR
    style = 0 if one.cut is None else CUTS.index(one.cut)
    label = f"{one.species}s" if style == 0 else None
    upper.fill_between(
        one.x, one.reference - one.reference_error, one.reference + one.reference_error,
        color=colour, alpha=0.3, linewidth=0,
    )  # fmt: skip
    upper.plot(
        one.x, one.reference, _LINES[style], color=colour, linewidth=1.0,
        label=label and f"{label}, {names[1]}",
    )  # fmt: skip
    points: dict[str, Any] = {
        "fmt": _MARKERS[style],
        "color": colour,
        "markersize": 3.5,
        "elinewidth": 0.8,
        "markerfacecolor": colour if style == 0 else "none",
    }
    upper.errorbar(
        one.x, one.generated, one.generated_error, **points,
        label=label and f"{label}, {names[0]}",
    )  # fmt: skip
    difference = one.generated - one.reference
    lower.errorbar(one.x, difference, one.difference_error, **points)


def _along(axes: Axes, x: Array, against: str) -> None:
    """Sets limits around the points, and a logarithmic axis of momenta."""
    shown = x[np.isfinite(x)]
    if not len(shown):
        return
    low, high = float(shown.min()), float(shown.max())
    if against == "momentum_gev":
        axes.set_xscale("log")
        axes.set_xlim(0.85 * low, 1.18 * high)
        ticks = [tick for tick in _MOMENTUM_TICKS if 0.85 * low < tick < 1.18 * high]
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
    else:
        pad = 0.04 * (high - low) or 1.0
        axes.set_xlim(low - pad, high + pad)
