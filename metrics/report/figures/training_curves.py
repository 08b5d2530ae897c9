"""The figure of a training: what critic, generator and constrainers minimised."""

from collections.abc import Mapping

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from metrics.report.figures import canvas
from metrics.statistics.arrays import Array

_PANELS = {
    "Objective": ("critic_loss", "generator_loss"),
    "Constrainers and regressors": ("_constraint", "_error", "energy_loss",
                                    "position_loss"),
    "Penalty and gradient norms": ("penalty", "_gradient_norm"),
}  # fmt: skip
_LINEAR = 1.0


def of_panels(history: Mapping[str, Array]) -> dict[str, list[str]]:
    """Returns which curves stand in which panel; no panel is empty.

    Args:
        history: From `history.csv`, by name, each [epochs].
    """
    found = {
        title: [name for name in history if name.endswith(ends)]
        for title, ends in _PANELS.items()
    }
    curves = {
        title: [name for name in names if not name.startswith("val_")]
        for title, names in found.items()
    }
    return {title: names for title, names in curves.items() if names}


def training_curves(history: Mapping[str, Array], model: str) -> Figure:
    """Draws the means of every epoch; the scale is linear up to 1, then logarithmic.

    Args:
        history: From `history.csv`, by name, each [epochs].
        model: What the model is called.
    """
    shown = of_panels(history)
    figure = Figure(figsize=(4.6 * len(shown), 4.4), dpi=100)
    width = figure.get_figwidth()
    grid = figure.subplots(
        1, len(shown), squeeze=False,
        gridspec_kw={"left": 0.75 / width, "right": 1.0 - 0.15 / width, "top": 0.8,
                     "bottom": 0.13, "wspace": 0.25},
    )  # fmt: skip
    for axes, (title, names) in zip(grid[0], shown.items(), strict=True):
        for name in names:
            axes.plot(range(1, len(history[name]) + 1), history[name],
                      label=name.replace("_", " "))  # fmt: skip
        axes.set_yscale("symlog", linthresh=_LINEAR)
        axes.set_title(title, loc="left", fontsize=11)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(fontsize=9)
    canvas.heading(figure, "Training curves", f"{model}: means of every epoch")
    return figure
