"""Figures of curves whose AUC is a metric: precision and recall, and ROC."""

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from metrics.report.figures import canvas
from metrics.report.figures.canvas import Names
from metrics.report.metric_descriptions import label, uncertain
from metrics.showers.shower_results import Report
from metrics.statistics.curves import Curve
from metrics.statistics.resampling import Metric

_LEGEND = "AUC"
_SIDE = 4.2
_LEFT, _RIGHT, _TOP, _BOTTOM, _BETWEEN = 0.75, 0.25, 0.95, 0.65, 0.95
_TITLE = 0.35
_COLUMNS = 3


def precision_recall(report: Report, names: Names) -> Figure:
    """Draws precision against recall for every set of features.

    Args:
        report: What was measured.
        names: Names of the generated showers and of the reference.
    """
    curves = {f"prd_auc_{name}": curve for name, curve in report.prd.items()}
    figure, panels = _panels(report, curves, names)
    for axes in panels:
        axes.set_xlabel("recall")
        axes.set_ylabel("precision")
        axes.legend(loc="lower left", title=_LEGEND, title_fontsize=10)
    canvas.caption(figure, report.comparison, "Precision and recall of distributions")
    return figure


def roc(report: Report, names: Names) -> Figure:
    """Draws for every classifier which showers it takes for generated.

    Args:
        report: What was measured.
        names: Names of the generated showers and of the reference.
    """
    figure, panels = _panels(report, report.roc, names)
    for axes in panels:
        axes.plot([0.0, 1.0], [0.0, 1.0], ":", color="black", linewidth=1.0, zorder=0)
        axes.set_xlabel("reference taken for generated")
        axes.set_ylabel("generated taken for generated")
        axes.legend(loc="lower right", title=_LEGEND, title_fontsize=10)
    canvas.caption(figure, report.comparison, "ROC curves of the classifiers")
    return figure


def _panels(
    report: Report, curves: Mapping[str, Curve], names: Names
) -> tuple[Figure, list[Axes]]:
    """Makes a figure of square panels, a curve and its floor in each.

    Args:
        report: What was measured.
        curves: The curves by the name of the metric that is their AUC.
        names: Names of the generated showers and of the reference.
    """
    columns = min(len(curves), _COLUMNS)
    lines = -(-len(curves) // _COLUMNS)
    width = _LEFT + columns * _SIDE + (columns - 1) * _BETWEEN + _RIGHT
    # The caption needs its room even above a single panel.
    width, height = max(width, 7.0), _TOP + lines * (_SIDE + _BOTTOM + _TITLE) - _TITLE
    figure = Figure(figsize=(width, height), dpi=100)
    found = []
    for number, (name, curve) in enumerate(curves.items()):
        line, column = divmod(number, _COLUMNS)
        left = _LEFT + column * (_SIDE + _BETWEEN)
        bottom = _BOTTOM + (lines - 1 - line) * (_SIDE + _BOTTOM + _TITLE)
        axes = figure.add_axes(
            (left / width, bottom / height, _SIDE / width, _SIDE / height)
        )
        _draw(axes, curve, report.metrics[name], names)
        axes.set_title(label(name, {}), loc="left", fontsize=11)
        axes.set_xlim(0.0, 1.0)
        axes.set_ylim(0.0, 1.02)
        found.append(axes)
    return figure, found


def _draw(axes: Axes, curve: Curve, metric: Metric, names: Names) -> None:
    floor = uncertain(metric.floor, metric.floor_uncertainty)
    value = uncertain(metric.value, metric.uncertainty)
    axes.plot(
        curve.floor_x, curve.floor_y, color=canvas.REFERENCE_COLOUR, linestyle="--",
        label=f"{names[1]} against itself: {floor}",
    )  # fmt: skip
    axes.plot(
        curve.x, curve.y, color=canvas.GENERATED_COLOUR, linewidth=2.0,
        label=f"{names[0]}: {value}",
    )  # fmt: skip
