"""Figures of the spectrum of cell energies, per incident energy and per layer."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from metrics.report.figures import canvas
from metrics.report.figures.canvas import Names, Series
from metrics.report.figures.cell_drawing import shown_layers
from metrics.showers.cell_spectrum import hits_per_bin
from metrics.showers.shower_pairs import Comparison
from metrics.statistics.arrays import Array
from metrics.statistics.energy_bins import EnergyBin

_BINS = 40
_LOWEST_QUANTILE = 2e-3
_DECADES_SHOWN = 5.0
_TITLE = "Hits per shower in logarithmic bins of their energy"


def by_energy(comparison: Comparison, names: Names) -> Figure:
    """Draws the spectrum of all cells at every incident energy.

    Args:
        comparison: The showers.
        names: Names in the legend.
    """
    energy_bins = canvas.shown_energy_bins(comparison)
    both = comparison.generated, comparison.reference
    edges = _edges(comparison.reference)
    figure, panels = canvas.panels(len(energy_bins))
    for energy_bin, axes in zip(energy_bins, panels, strict=True):
        _draw(axes, edges, [one[energy_bin.events] for one in both], comparison, names)
        canvas.tag(axes[0], energy_bin)
    canvas.caption(figure, comparison, f"{_TITLE}, all cells")
    return figure


def by_layer(comparison: Comparison, names: Names, energy_bin: EnergyBin) -> Figure:
    """Draws the spectrum of every layer at one incident energy.

    Args:
        comparison: The showers, of a detector with layers; of more than nine layers
            nine are drawn, evenly chosen.
        names: Names in the legend.
        energy_bin: The incident energy.
    """
    spec, shown = comparison.spec, shown_layers(comparison.spec)
    both = [
        one[energy_bin.events] for one in (comparison.generated, comparison.reference)
    ]
    images = [spec.layer_images(one) for one in both]
    edges = _edges(both[1])
    figure, panels = canvas.panels(len(shown))
    for layer, axes in zip(shown, panels, strict=True):
        _draw(axes, edges, [one[layer] for one in images], comparison, names)
        axes[0].text(
            0.04, 0.96, f"layer {spec.numbered_layers[layer]}", va="top",
            transform=axes[0].transAxes,
        )  # fmt: skip
    canvas.caption(
        figure, comparison, f"{_TITLE}, {len(energy_bin.events)} at {energy_bin.label}"
    )
    return figure


def _edges(reference: NDArray[np.float32]) -> Array:
    """Chooses logarithmic bins that hold nearly all hits of the reference."""
    hits = reference[reference > 0.0].astype(np.float64)
    if not hits.size:
        hits = np.ones(1)
    low, high = np.quantile(hits, _LOWEST_QUANTILE), 1.5 * hits.max()
    return np.geomspace(0.3 * low, high, _BINS + 1)


def _draw(
    panel: tuple[Axes, Axes],
    edges: Array,
    pair: Sequence[NDArray[np.float32]],
    comparison: Comparison,
    names: Names,
) -> None:
    """Draws one spectrum, generated and reference, with the ratio below."""
    upper, lower = panel
    centres = np.sqrt(edges[1:] * edges[:-1])
    made, outside = [], []
    for response in pair:
        counts = hits_per_bin(response, edges)
        error = counts.std(axis=0) / np.sqrt(max(len(counts), 1))
        made.append(Series(centres, counts.mean(axis=0)[1:-1], error[1:-1]))
        hits = counts.sum()
        outside.append((counts[:, 0].sum() + counts[:, -1].sum()) / max(hits, 1.0))
    generated, reference = made
    upper.set_xscale("log")
    upper.set_yscale("log")
    top = float(max(one.y.max(initial=0.0) for one in made)) or 1.0
    seen = reference.y[reference.y > 0.0]
    bottom = max(0.3 * float(seen.min(initial=top)), top * 10.0**-_DECADES_SHOWN)
    upper.set_xlim(edges[0], edges[-1])
    upper.set_ylim(bottom, 30.0 * top)
    canvas.draw_stairs(upper, edges, reference, bottom, names[1])
    canvas.draw_errors(upper, generated, label=names[0])
    canvas.draw_ratio(lower, generated, reference)
    if outside[0] > outside[1] + 0.005:
        upper.text(
            0.04, 0.72, f"{outside[0]:.1%} of generated\nhits outside",
            transform=upper.transAxes, fontsize=9, color=canvas.GENERATED_COLOUR,
            va="top",
        )  # fmt: skip
    upper.set_ylabel("hits / shower / bin")
    lower.set_xlabel(f"{comparison.spec.response_name} [{comparison.spec.unit}]")
    upper.legend(loc="upper right")
