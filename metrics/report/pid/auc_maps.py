"""Maps: differences of the AUCs, and correlations."""

from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from metrics.pid.likelihood_distances import correlation_matrix
from metrics.pid.separation_auc import SPECIES, AucBin
from metrics.pid.track_pairs import LIKELIHOODS, PION, Grid, Tracks
from metrics.pid.track_results import likelihood
from metrics.report.figures.canvas import Names
from metrics.report.pid.likelihoods import heading
from metrics.statistics.arrays import Array

_LIMITS = (0.02, 5.0)
_SIDE, _LEFT, _RIGHT, _BETWEEN = 3.6, 0.9, 1.3, 0.75
_TOP, _BOTTOM, _ROW_GAP = 1.15, 0.75, 1.1
_MOST_ANNOTATED = 9
_CORRELATION_LIMITS = (1.0, 1.0, 0.2)


def auc_differences(tracks: Tracks, bins: Sequence[AucBin], grid: Grid) -> Figure:
    """Draws generated - reference, absolute and divided by its uncertainty.

    Bins that are not judged are hatched, those with too few tracks empty.

    Args:
        tracks: The tracks.
        bins: The AUCs in the bins.
        grid: The bins.
    """
    shown = [name for name in SPECIES if any(one.species == name for one in bins)]
    count = len(shown)
    width = _LEFT + count * _SIDE + (count - 1) * _BETWEEN + _RIGHT
    height = _TOP + 2 * _SIDE + _ROW_GAP + _BOTTOM
    figure = Figure(figsize=(width, height), dpi=100)
    titles = ("AUC, generated - reference", "the same / uncertainty")
    for row, (title, limit) in enumerate(zip(titles, _LIMITS, strict=True)):
        bottom = _BOTTOM + (1 - row) * (_SIDE + _ROW_GAP)
        painter = ScalarMappable(Normalize(-limit, limit), _colours())
        for column, name in enumerate(shown):
            left = _LEFT + column * (_SIDE + _BETWEEN)
            axes = figure.add_axes(
                (left / width, bottom / height, _SIDE / width, _SIDE / height)
            )
            some = [one for one in bins if one.species == name]
            _draw(axes, some, grid, limit, absolute=row == 0)
            text = f"{name} against {PION}, {likelihood(LIKELIHOODS[name])}"
            axes.set_title(text, loc="left", fontsize=11)
            axes.set_xlabel("momentum [GeV]")
            if column == 0:
                axes.set_ylabel("pseudorapidity")
        bar = figure.add_axes(
            (1.0 - (_RIGHT - 0.2) / width, bottom / height, 0.2 / width, _SIDE / height)
        )
        figure.colorbar(painter, cax=bar, extend="both", label=title)
    heading(figure, tracks, "Differences of AUC (area under the ROC curve)")
    return figure


def correlations(tracks: Tracks, names: Names) -> Figure:
    """Draws the weighted correlations of the likelihoods for every species.

    Args:
        tracks: The tracks.
        names: Names of the generated tracks and of the reference.
    """
    species = list(tracks.members)
    width, height = 3.0 * len(species) + 1.4, 9.8
    figure = Figure(figsize=(width, height), dpi=100)
    panels = figure.subplots(3, len(species), squeeze=False)
    figure.subplots_adjust(
        left=0.75 / width, right=1.0 - 0.9 / width, top=1.0 - 0.95 / height,
        bottom=0.45 / height, wspace=0.12, hspace=0.12,
    )  # fmt: skip
    texts = [likelihood(one) for one in tracks.spec.component_names]
    for column, name in enumerate(species):
        members = tracks.members[name]
        generated, reference = (
            correlation_matrix(one[members], tracks.weight[members])
            for one in (tracks.generated, tracks.reference)
        )
        panels[0, column].set_title(f"{name}s", loc="left", fontsize=11)
        images = (reference, generated, generated - reference)
        for axes, matrix, limit in zip(
            panels[:, column], images, _CORRELATION_LIMITS, strict=True
        ):
            _matrix(axes, matrix, limit)
        panels[2, column].set_xticks(range(len(texts)), texts, fontsize=8)
    for line, title, limit in zip(
        panels, (names[1], names[0], "difference"), _CORRELATION_LIMITS, strict=True
    ):
        line[0].set_yticks(range(len(texts)), texts, fontsize=8)
        line[0].set_ylabel(title, loc="center")
        painter = ScalarMappable(Normalize(-limit, limit), "RdBu_r")
        box = line[-1].get_position()
        bar = figure.add_axes((box.x1 + 0.2 / width, box.y0, 0.15 / width, box.height))
        figure.colorbar(painter, cax=bar)
    heading(figure, tracks, "Correlations of the likelihoods")
    return figure


def _colours() -> Any:
    return matplotlib.colormaps["RdBu_r"].with_extremes(bad="#ededed")


def _draw(
    axes: Axes,
    bins: Sequence[AucBin],
    grid: Grid,
    limit: float,
    *,
    absolute: bool,
) -> None:
    along, across = grid.shape
    image: Array = np.full((across, along), np.nan)
    for one in bins:
        if one.difference is None:
            continue
        x, y = divmod(one.number, across)
        metric = one.difference
        image[y, x] = metric.value if absolute else metric.z
        behind = _colours()(0.5 + 0.5 * image[y, x] / limit)
        if not one.judged:
            axes.add_patch(
                Rectangle((x, y), 1.0, 1.0, fill=False, hatch="////", linewidth=0,
                          edgecolor="#999999", alpha=0.6)
            )  # fmt: skip
        text = f"{metric.value:+.4f}" if absolute else f"{metric.z:+.1f}"
        if absolute and along * across <= _MOST_ANNOTATED:
            text += f"\n\N{PLUS-MINUS SIGN}{metric.uncertainty:.4f}"
        elif absolute:
            text = f"{1e3 * metric.value:+.0f}"
        axes.text(
            x + 0.5, y + 0.5, text, ha="center", va="center", fontsize=9,
            color="white" if abs(image[y, x]) > 0.6 * limit else "black",
            bbox={"facecolor": behind, "edgecolor": "none", "pad": 1.0},
        )  # fmt: skip
    axes.imshow(
        image, cmap=_colours(), vmin=-limit, vmax=limit, origin="lower",
        extent=(0.0, along, 0.0, across), aspect="auto",
    )  # fmt: skip
    axes.set_xticks(range(along + 1), [f"{edge:.3g}" for edge in grid.momentum_gev])
    axes.set_yticks(range(across + 1), [f"{edge:.3g}" for edge in grid.pseudorapidity])
    axes.tick_params(labelsize=9)
    axes.minorticks_off()


def _matrix(axes: Axes, matrix: Array, limit: float) -> None:
    axes.imshow(matrix, cmap="RdBu_r", vmin=-limit, vmax=limit)
    for (row, column), value in np.ndenumerate(matrix):
        axes.text(
            column, row, f"{value:.2f}", ha="center", va="center", fontsize=8,
            color="white" if abs(value) > 0.6 * limit else "black",
        )  # fmt: skip
    axes.minorticks_off()
    axes.set_xticks([])
    axes.set_yticks([])
