"""The figure of the correlations between distant cells."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from metrics.report.figures import canvas
from metrics.report.figures.canvas import Names, Series
from metrics.showers.cell_correlations import FARTHEST, NEAREST, CellCorrelations
from metrics.showers.shower_pairs import Comparison


def correlations(
    comparison: Comparison, found: CellCorrelations, names: Names
) -> Figure:
    """Draws correlations against the distance, a row of panels for each axis.

    Args:
        comparison: The showers.
        found: Their correlations.
        names: Names in the legend.
    """
    ranges = found.ranges
    figure, panels = canvas.panels(len(found.axes) * len(ranges), columns=len(ranges))
    distance = np.arange(1.0, FARTHEST + 1.0)
    for number, (upper, lower) in enumerate(panels):
        axis, place = found.axes[number // len(ranges)], number % len(ranges)
        seen = axis.pairs[place, 1:] > 0.0
        generated, reference = (
            Series(distance[seen], value[place, 1:][seen], error[place, 1:][seen])
            for value, error in (
                (axis.generated, axis.generated_error),
                (axis.reference, axis.reference_error),
            )
        )
        if seen.any():
            canvas.draw_points(upper, generated, reference, names)
            canvas.draw_difference(lower, generated, reference, "", 1.0)
        for one in (upper, lower):
            one.axvspan(0.0, NEAREST - 0.5, color="0.95", zorder=-2)
            one.set_xlim(0.5, FARTHEST + 0.5)
        # The first point is the highest: room above it for energy and legend.
        low, high = upper.get_ylim()
        upper.set_ylim(low, high + 0.3 * (high - low))
        upper.axhline(0.0, color=canvas.REFERENCE_COLOUR, linewidth=0.5, zorder=-1)
        upper.xaxis.set_major_locator(MultipleLocator(1.0))
        upper.set_ylabel("correlation of residuals")
        lower.set_xlabel(f"distance {axis.name} [cells of {found.cell_cm:.3g} cm]")
        upper.legend(loc="upper right")
        canvas.tag(upper, ranges[place])
    canvas.caption(figure, comparison, "Correlations between cells")
    return figure
