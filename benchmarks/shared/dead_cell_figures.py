"""Figures of trainings with and without a mask of the dead cells."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from metrics.observables import calorimeter, layered
from metrics.report.figures import canvas, cell_maps
from metrics.showers.shower_pairs import Comparison, within_energy_bins
from metrics.statistics.arrays import Array

_OCCUPANCY_GEV = 90.0
_COLOURS = (canvas.GENERATED_COLOUR, canvas.NEVER_TRAINED_COLOUR)
_MARKERS = "o^"
_LABELLED = ("visible_energy", "depth", "number_of_hits", "radius")


@dataclasses.dataclass(frozen=True)
class Trained:
    """A training.

    Attributes:
        comparison: Its showers beside Geant4's, all cells accepted.
        history: Content of its `history.csv`, by name, each [epochs].
    """

    comparison: Comparison
    history: Mapping[str, Array]


Found = Mapping[str, Trained]


def costs(found: Found) -> Figure:
    """Draws what critic, generator and constrainers minimised.

    Args:
        found: The trainings by name.
    """
    names = (
        "critic_loss",
        "generator_loss",
        "energy_constraint",
        "position_constraint",
    )
    shown = [n for n in names if all(n in one.history for one in found.values())]
    figure = Figure(figsize=(3.6 * len(shown), 3.6), layout="constrained")
    grid = figure.subplots(1, len(shown), squeeze=False)
    for axes, name in zip(grid[0], shown, strict=True):
        for colour, (label, one) in zip(_COLOURS, found.items(), strict=True):
            curve = one.history[name]
            axes.plot(range(1, len(curve) + 1), curve, color=colour, label=label)
        axes.set_yscale("symlog", linthresh=1.0)
        axes.set_title(name.replace("_", " "), loc="left")
        axes.set_xlabel("epoch")
    grid[0, 0].legend()
    return figure


def occupancy(found: Found) -> Figure:
    """Draws how often each cell is hit at 90 GeV.

    Args:
        found: The trainings by name.
    """
    first = next(iter(found.values())).comparison
    chosen = np.isclose(first.energy, _OCCUPANCY_GEV)
    maps = {"Geant4": calorimeter.cell_occupancies(first.reference[chosen])}
    for name, one in found.items():
        maps[name] = calorimeter.cell_occupancies(one.comparison.generated[chosen])
    top = max(float(one.max()) for one in maps.values()) or 1.0
    painter = ScalarMappable(Normalize(0.0, top), "viridis")
    label = "fraction of events"
    return cell_maps.images(
        first, [(name, image, painter, label) for name, image in maps.items()]
    )


def label_dependence(found: Found) -> Figure:
    """Draws means of observables against the beam energy, and their ratios.

    Args:
        found: The trainings by name.
    """
    comparison = next(iter(found.values())).comparison
    energies = np.unique(comparison.energy)
    figure = Figure(figsize=(3.6 * len(_LABELLED), 4.6), layout="constrained")
    grid = figure.subplots(2, len(_LABELLED), height_ratios=[2, 1], sharex=True)
    for (upper, lower), name in zip(grid.T, _LABELLED, strict=True):
        mean, error = _means(comparison.energy, comparison.values[1][name])
        upper.plot(
            energies, mean, "s", color=canvas.REFERENCE_COLOUR, markersize=9,
            markerfacecolor="none", label="Geant4",
        )  # fmt: skip
        lower.fill_between(
            energies, 1.0 - error / mean, 1.0 + error / mean,
            color=canvas.REFERENCE_FILL,
        )  # fmt: skip
        for colour, marker, (label, one) in zip(
            _COLOURS, _MARKERS, found.items(), strict=True
        ):
            drawn, spread = _means(comparison.energy, one.comparison.values[0][name])
            options: dict[str, Any] = {"color": colour, "marker": marker, "ls": "none"}
            upper.errorbar(energies, drawn, spread, label=label, **options)
            lower.errorbar(energies, drawn / mean, spread / mean, **options)
        upper.margins(0.08)
        lower.axhline(1.0, color=canvas.REFERENCE_COLOUR, linewidth=0.8)
        upper.set_ylabel(comparison.observable(name).axis)
        lower.set_ylabel("ratio", loc="center")
        lower.set_xlabel("beam energy [GeV]")
    grid[0, 0].legend()
    return figure


def _means(energy: Array, values: Array) -> tuple[Array, Array]:
    """Returns mean values at every energy and their standard errors."""
    parts = [values[energy == one] for one in np.unique(energy)]
    return (
        np.array([part.mean() for part in parts]),
        np.array([part.std() / np.sqrt(len(part)) for part in parts]),
    )


def observables(found: Found) -> Figure:
    """Draws the mean and the width of every observable relative to Geant4's.

    Args:
        found: The trainings by name.
    """
    comparison = next(iter(found.values())).comparison
    shown = comparison.observables
    figure = Figure(figsize=(10.0, 0.3 * len(shown) + 1.4), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    places = np.arange(len(shown))[::-1]
    shift = np.linspace(0.15, -0.15, len(found))
    for colour, marker, move, (label, one) in zip(
        _COLOURS, _MARKERS, shift, found.items(), strict=True
    ):
        pairs = [_shift_and_width(one.comparison, each.name) for each in shown]
        means, widths = np.transpose(pairs)
        left.plot(means, places + move, marker, color=colour, label=label)
        right.plot(widths, places + move, marker, color=colour, label=label)
    for axes in (left, right):
        axes.margins(0.08, 0.04)
    left.axvline(0.0, color=canvas.REFERENCE_COLOUR, linewidth=0.8)
    right.axvline(1.0, color=canvas.REFERENCE_COLOUR, linewidth=0.8)
    left.set_yticks(places, [one.label for one in shown])
    left.set_xlabel("difference of means / width, at equal energy")
    right.set_xlabel("width / width of Geant4's, at equal energy")
    left.legend()
    return figure


def _shift_and_width(comparison: Comparison, name: str) -> tuple[float, float]:
    """Returns how far a mean is off and the ratio of widths, mean of all energies."""
    generated, reference = (values[name] for values in comparison.values)
    found = []
    for energy_bin in comparison.energy_bins:
        ours, theirs = (one[energy_bin.events] for one in (generated, reference))
        width = theirs.std()
        found.append(((ours.mean() - theirs.mean()) / width, ours.std() / width))
    shift, ratio = np.mean(found, axis=0)
    return float(shift), float(ratio)


def correlations(found: Found) -> Figure:
    """Draws the correlations of the layer energies among showers of equal energy.

    Args:
        found: The trainings by name.
    """
    first = next(iter(found.values())).comparison
    matrices = {"Geant4": _correlations(first, first.reference)}
    for name, one in found.items():
        matrices[name] = _correlations(one.comparison, one.comparison.generated)
    figure = Figure(figsize=(4.2 * len(matrices), 4.2), layout="constrained")
    grid = figure.subplots(1, len(matrices))
    for axes, (title, matrix) in zip(grid, matrices.items(), strict=True):
        extent = (0.5, len(matrix) + 0.5) * 2
        image = axes.imshow(
            matrix, cmap="RdBu_r", vmin=-1.0, vmax=1.0, origin="lower", extent=extent
        )
        axes.minorticks_off()
        axes.set_title(title, loc="left")
        axes.set_xlabel("layer")
        axes.set_ylabel("layer")
    figure.colorbar(image, ax=list(grid), label="correlation")
    return figure


def _correlations(comparison: Comparison, response: NDArray[np.float32]) -> Array:
    energies = within_energy_bins(comparison, layered.layer_energies(response))
    return calorimeter.correlation_matrix(energies)


FIGURES: dict[str, Callable[[Found], Figure]] = {
    "costs": costs,
    "occupancy_90gev": occupancy,
    "label_dependence": label_dependence,
    "observables": observables,
    "correlations": correlations,
}
"""The figures by the names of their files."""
