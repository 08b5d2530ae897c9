"""The selection of phi -> K+ K-: its figure, its table, and in metrics.json."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from metrics.pid.phi_selection import (
    NAMES,
    PHI_CUTS,
    SCANNED_CUTS,
    PassingPairs,
    PhiSelection,
    place_of_cut,
)
from metrics.pid.track_pairs import PION, Tracks
from metrics.pid.track_results import PidReport
from metrics.report import html
from metrics.report.figures import canvas
from metrics.report.figures.canvas import Names
from metrics.report.html import TableRow
from metrics.report.metric_descriptions import uncertain
from metrics.report.page import FAR
from metrics.report.pid.likelihoods import PION_COLOUR, SPECIES_COLOUR, heading
from metrics.statistics.arrays import Array

_DRAWN_CUTS = (PHI_CUTS[0], PHI_CUTS[-1])
_MARKERS = ("o", "s")
_LINES = ("-", "--")
_LEAST_KNOWN = 0.5

_MEANING = """
<p>A candidate passes if DLLk is above the cut for both tracks. Efficiency: pairs of
kaons from decays of phi mesons. Fake rate: pairs of pions at the same momenta. Every
kaon of a drawn decay stands for the tracks of its bin of momentum, pseudorapidity and
number of tracks ({bins} bins, {covered:.1%} of the decays). Generated and reference
likelihoods are those of the same tracks with the same weights. Differences of three
standard deviations are bold. Assumptions and formulas: docs/pid_report.md.</p>
"""


def figure(tracks: Tracks, phi: PhiSelection, names: Names) -> Figure:
    """Draws efficiency and fake rate against the cut and the momentum of the phi.

    Args:
        tracks: The tracks.
        phi: What was measured.
        names: Names of the generated tracks and of the reference.
    """
    drawing, panels = canvas.panels(4, above=0.3, columns=2)
    at_cuts = f"DLLk > {_DRAWN_CUTS[0]:g} (full, filled), > {_DRAWN_CUTS[1]:g} (open)"
    for column, species in enumerate(NAMES):
        passing = phi.passing[species]
        title = f"pairs of {species}s: {NAMES[species].replace('_', ' ')}"
        colour = PION_COLOUR if species == PION else SPECIES_COLOUR
        axes = panels[column]
        rows = passing.generated[0], passing.reference[0]
        _curve(axes, SCANNED_CUTS, *rows, colour, 0, names)
        _finish(axes, title, "cut on DLLk of both tracks", species == PION)
        axes = panels[2 + column]
        for style, cut in enumerate(_DRAWN_CUTS):
            place = place_of_cut(cut)
            rows = passing.generated[1:, place], passing.reference[1:, place]
            _curve(axes, phi.phi_momentum_gev, *rows, colour, style, names)
        _finish(axes, at_cuts, "momentum of the phi [GeV]", species == PION)
    heading(drawing, tracks, "Selection of phi to two kaons by DLLk of both tracks")
    return drawing


def section(found: PidReport) -> list[str]:
    """Writes the part of the page; nothing if it was not measured.

    Args:
        found: What was measured.
    """
    phi = found.phi
    if phi is None:
        return []
    name = found.facts["reference_name"]
    head = ("", "cut on DLLk", str(name), "generated", "difference", "floor", "z")
    rows = []
    for species, passing in phi.passing.items():
        for cut in PHI_CUTS:
            metric, ends = passing.difference(cut), passing.ends(cut)
            cells = (
                f"{NAMES[species].replace('_', ' ')}, pairs of {species}s",
                f"{cut:g}",
                uncertain(*ends["reference"]),
                uncertain(*ends["generated"]),
                uncertain(metric.value, metric.uncertainty),
                uncertain(metric.floor, metric.floor_uncertainty),
                f"{metric.z:.1f}",
            )
            strong = frozenset({4}) if abs(metric.z) >= FAR else frozenset[int]()
            rows.append(TableRow(cells, strong))
    return [
        "<h2>A selection of phi to two kaons</h2>",
        _MEANING.format(bins=phi.bins, covered=phi.covered),
        html.table(head, rows),
    ]


def sentence(phi: PhiSelection) -> str:
    """Says what the tightest cut does.

    Args:
        phi: What was measured.
    """
    said = [
        f"{NAMES[species].replace('_', ' ')} {uncertain(*ends['generated'])} "
        f"(reference {uncertain(*ends['reference'])})"
        for species, passing in phi.passing.items()
        for ends in [passing.ends(PHI_CUTS[-1])]
    ]
    return (
        f"phi to two kaons, DLLk > {PHI_CUTS[-1]:g} for both: {', '.join(said)}, "
        f"at {phi.covered:.0%} of the drawn decays."
    )


def as_json(phi: PhiSelection) -> dict[str, Any]:
    """Returns what metrics.json says about the selection.

    Args:
        phi: What was measured.
    """
    return {
        "bins": phi.bins,
        "covered": phi.covered,
        "cuts": [
            {"cut": cut}
            | {NAMES[one]: _ends_as_json(passing, cut)
               for one, passing in phi.passing.items()}
            for cut in PHI_CUTS
        ],
    }  # fmt: skip


def _ends_as_json(passing: PassingPairs, cut: float) -> dict[str, float]:
    content: dict[str, float] = {}
    for name, (value, uncertainty) in passing.ends(cut).items():
        content |= {name: value, f"{name}_uncertainty": uncertainty}
    return content


def _curve(
    axes: tuple[Axes, Axes],
    x: Array,
    generated: Array,
    reference: Array,
    colour: str,
    style: int,
    names: Names,
) -> None:
    """Draws rows of the sample and its replicates, [points, rows] each."""
    upper, lower = axes
    made, made_error = generated[:, 0], generated[:, 1:].std(axis=1)
    real, error = reference[:, 0], reference[:, 1:].std(axis=1)
    difference_error = (generated - reference)[:, 1:].std(axis=1)
    known = error < _LEAST_KNOWN * real
    x, made, made_error, real, error, difference_error = (
        one[known] for one in (x, made, made_error, real, error, difference_error)
    )
    labels = (names[0], names[1]) if style == 0 else (None, None)
    upper.fill_between(
        x, real - error, real + error, color=colour, alpha=0.3, linewidth=0
    )
    upper.plot(x, real, _LINES[style], color=colour, linewidth=1.0, label=labels[1])
    points: dict[str, Any] = {
        "fmt": _MARKERS[style],
        "color": colour,
        "markersize": 3.5,
        "elinewidth": 0.8,
        "markerfacecolor": colour if style == 0 else "none",
    }
    upper.errorbar(x, made, made_error, label=labels[0], **points)
    # Both share what fluctuates: the error is that of the difference.
    lower.errorbar(x, made / real, difference_error / real, **points)
    if len(x) and style == 0:
        pad = 0.04 * float(x[-1] - x[0]) or 1.0
        upper.set_xlim(float(x[0]) - pad, float(x[-1]) + pad)


def _finish(axes: tuple[Axes, Axes], title: str, along: str, rare: bool) -> None:
    upper, lower = axes
    upper.set_title(title, loc="left", fontsize=11)
    upper.set_ylabel("fraction that passes")
    if rare:
        upper.set_yscale("log")
    else:
        upper.set_ylim(0.0, 1.35)
    upper.legend(loc="upper right", fontsize=8)
    lower.axhline(1.0, color=canvas.REFERENCE_COLOUR, linewidth=0.8)
    lower.set_ylabel("ratio", loc="center")
    lower.set_xlabel(along)
