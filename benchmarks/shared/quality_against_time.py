"""The figure of the zoo: how well showers are generated, and how fast."""

import dataclasses
import pathlib
from collections.abc import Iterator, Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.shared import reference_time, setup
from benchmarks.shared.zoo_rows import DETECTORS, ROWS
from metrics.report.figures import canvas

BATCH = 512
"""Showers per call in the figure."""

_AUC = "classifier_auc_cells"
_LOWEST, _HIGHEST, _STRIP = 0.45, 1.13, 1.065


@dataclasses.dataclass(frozen=True)
class ZooPoint:
    """A pretrained model in the figure.

    Attributes:
        name: The entry.
        ms: First quartile, median and third quartile of its time for a shower in a
            batch of `BATCH` [ms].
        threads: Threads that it was measured with.
        auc: AUC of the strong classifier on the cells; the floor is 0.5.
        uncertainty: Its standard error.
    """

    name: str
    ms: tuple[float, float, float]
    threads: int
    auc: float
    uncertainty: float


def points(folder: pathlib.Path) -> dict[str, list[ZooPoint]]:
    """Reads the models whose quality and time are stored.

    Args:
        folder: Holds NAME/metrics.json and NAME/speed.json of pretrained entries.

    Returns:
        The points by name of the detector; rows without a model, without cells or
        without a time at `BATCH` have none.
    """
    found: dict[str, list[ZooPoint]] = {}
    for row in ROWS:
        metric = row.stored(folder, "metrics.json").get("metrics", {}).get(_AUC)
        speed = row.stored(folder, "speed.json")
        batch = speed.get("batches", {}).get(str(BATCH))
        if metric is None or batch is None:
            continue
        time = batch["ms_per_shower"][setup.SIMULATE]
        found.setdefault(row.detector, []).append(
            ZooPoint(
                row.name,
                (time["low"], time["median"], time["high"]),
                speed["threads"],
                metric["value"],
                metric["uncertainty"],
            )
        )
    return found


def texts(found: Mapping[str, Sequence[ZooPoint]]) -> dict[str, str]:
    """Returns what the file of the figure says about its numbers, for PNG.

    Args:
        found: From `points`.
    """
    return {
        f"zoo {detector} {point.name}": f"{dataclasses.astuple(point)}"
        for detector, some in found.items()
        for point in some
    }


def _references(detector: str, threads: int) -> Iterator[tuple[str, float, bool]]:
    """Yields name and time [ms] of Geant4 and of a publication, and if it is that."""
    geant4 = reference_time.recorded(detector)
    if geant4 is not None:
        yield f"Geant4, {threads} cores", geant4.ms_per_shower / threads, False
        label, published_ms = reference_time.PUBLISHED[detector]
        yield label, published_ms, True


def _draw_panel(axes: Axes, detector: str, some: Sequence[ZooPoint]) -> None:
    (threads,) = {point.threads for point in some}
    axes.axhline(0.5, color=canvas.REFERENCE_COLOUR, linestyle="--", linewidth=1.0)
    axes.text(0.03, 0.49, "floor: Geant4 against Geant4", va="top",
              fontsize=9, transform=axes.get_yaxis_transform())  # fmt: skip
    # Above 1 there is no AUC: the strip of those whose time alone is known.
    axes.axhspan(1.0, _HIGHEST, color="0.95", zorder=-2)
    for label, ms, published in _references(detector, threads):
        if published:
            axes.plot(ms, _STRIP, "s", markerfacecolor="none", markersize=7,
                      color=canvas.REFERENCE_COLOUR)  # fmt: skip
            axes.annotate(f"published, time only:\n{label}", (ms, _STRIP), (-7, 0),
                          textcoords="offset points", ha="right", va="center",
                          fontsize=9)  # fmt: skip
        else:
            axes.axvline(ms, color=canvas.REFERENCE_COLOUR, linestyle=":")
            axes.annotate(label, (ms, 0.75), (-4, 0), textcoords="offset points",
                          rotation=90, ha="right", va="center", fontsize=9)  # fmt: skip
    for point in some:
        low, median, high = point.ms
        axes.errorbar(
            median, point.auc, point.uncertainty, [[median - low], [high - median]],
            fmt="o", markersize=4, color=canvas.GENERATED_COLOUR, elinewidth=1.0,
            capsize=2.5,
        )  # fmt: skip
        # Near the floor its own label is below.
        below = point.auc > 0.6
        axes.annotate(point.name, (median, point.auc), (0, -9 if below else 9),
                      ha="center", va="top" if below else "bottom",
                      textcoords="offset points", fontsize=10)  # fmt: skip
    axes.set_title(DETECTORS[detector], loc="left", fontsize=11)
    axes.set_xlabel(f"time per shower, batch {BATCH} [ms]")
    axes.set_ylabel("AUC of the classifier on cells")
    axes.set_xscale("log")
    axes.set_xlim(0.01, 1000.0)
    axes.set_ylim(_LOWEST, _HIGHEST)
    axes.set_yticks([0.5, 0.6, 0.7, 0.8, 0.9, 1.0])


def quality_against_time(found: Mapping[str, Sequence[ZooPoint]]) -> Figure:
    """Draws the AUC on cells against the time of a shower, a panel per detector.

    Points have the quartiles of the time and the standard error of the AUC. A dotted
    line is the time of Geant4 on as many cores. Open symbols are published times of
    another data set and machine, whose AUC nobody knows.

    Args:
        found: From `points`.

    Raises:
        ValueError: If models of a detector were timed with different threads, or there
            are no points.
    """
    if not found:
        raise ValueError("no pretrained model has an AUC on cells and a time")
    for detector, some in found.items():
        if len({point.threads for point in some}) > 1:
            raise ValueError(
                f"the models of {detector} were timed with different threads; run "
                "benchmarks.inference with the same --threads"
            )
    width = 5.2 * len(found)
    figure = Figure(figsize=(width, 4.8), dpi=100)
    grid = figure.subplots(
        1, len(found), squeeze=False,
        gridspec_kw={"left": 0.75 / width, "right": 1.0 - 0.15 / width, "top": 0.81,
                     "bottom": 0.12, "wspace": 0.2},
    )  # fmt: skip
    for axes, (detector, some) in zip(grid[0], found.items(), strict=True):
        _draw_panel(axes, detector, some)
    canvas.heading(figure, "Quality against time", "lower and further left is better")
    return figure
