"""How the weight of the auxiliary regressor changes the distribution that it learns.

    python -m benchmarks.regressor_weight --steps=3000 --folder=runs/regressor_weight

Trains `aux_regressor/cnn_regressor` once for every weight with the same seed, data and
number of steps, then draws the regressed observable of generated and of Geant4's
showers into `FOLDER/regressor_weight.png` and prints its Wasserstein distances. With
weight 0 there is no regressor. The same command goes on where it was stopped. Another
`--seed` in another `--folder` says how far trainings of one weight lie apart.

It repeats figure 3 of arXiv:2207.06329.
"""

import pathlib

from benchmarks.shared import setup  # First: it silences the start of TensorFlow.

# isort: split

import matplotlib
import numpy as np
from absl import flags
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.shared import trained
from common.atomic_files import replacing
from metrics.report.figures import canvas
from metrics.showers.shower_pairs import Comparison

_MODEL = "aux_regressor/cnn_regressor"
_BINS = 40
_TAILS = 0.002


def _draw(axes: list[Axes], compared: Comparison, name: str, title: str) -> None:
    generated, reference = (values[name] for values in compared.values)
    low, high = np.quantile(reference, [_TAILS, 1.0 - _TAILS])
    edges = np.linspace(low, high, _BINS + 1)
    names = ("generated", "Geant4")
    pair = canvas.draw_histograms(axes[0], edges, generated, reference, names)
    canvas.draw_ratio(axes[1], *pair)
    axes[0].set_title(title)
    axes[0].legend(loc="upper right")
    axes[0].set_ylabel("fraction of showers")
    axes[1].set_xlabel(compared.observable(name).axis)
    axes[0].tick_params(labelbottom=False)
    for one in axes:
        one.set_xlim(edges[0], edges[-1])


def figure(compared: dict[float, Comparison], name: str) -> Figure:
    """Draws the observable for every weight beside each other.

    Args:
        compared: Generated and reference showers for every weight.
        name: Name of the observable.
    """
    drawing = Figure(figsize=(4.2 * len(compared), 4.6), layout="constrained")
    grid = drawing.subplots(
        2, len(compared), height_ratios=[3, 1], squeeze=False, sharex="col"
    )
    for column, (weight, one) in zip(grid.T, compared.items(), strict=True):
        _draw(list(column), one, name, f"w = {weight:g}")
    return drawing


def _weights() -> list[float]:
    try:
        weights = [float(text) for text in flags.FLAGS.weights]
    except ValueError:
        weights = []
    if not weights or min(weights) < 0.0 or len(set(weights)) < len(weights):
        raise ValueError(
            f"--weights={','.join(flags.FLAGS.weights)}: give different numbers of at "
            "least 0, e.g. 0,0.1,1,10"
        )
    return weights


def _run() -> None:
    setup.use_threads(2)
    folder = pathlib.Path(flags.FLAGS.folder)
    name = flags.FLAGS.observable
    compared = {}
    for weight in _weights():
        workdir = folder / f"weight_{weight:g}"
        settings = {
            "regressor_weight": weight,
            "observable": name,
            "steps": flags.FLAGS.steps,
        }
        trained.train(_MODEL, workdir, flags.FLAGS.seed, settings)
        compared[weight] = trained.comparison(workdir, "validation", 3000)
    metrics = {weight: trained.distance(one, name) for weight, one in compared.items()}
    print(f"W1 of {name} in standard deviations, 3,000 validation showers")
    for weight, metric in metrics.items():
        print(
            f"w = {weight:<6g} {metric.value:.3f} ± {metric.uncertainty:.3f}"
            f" (floor {metric.floor:.3f} ± {metric.floor_uncertainty:.3f})"
        )
    matplotlib.use("Agg")
    path = folder / "regressor_weight.png"
    with replacing(path) as temporary, canvas.style():
        figure(compared, name).savefig(temporary, format="png", dpi=110)
    print(f"figure: {path}")
    values = {f"{weight:g}": metric.value for weight, metric in metrics.items()}
    setup.write_json(flags.FLAGS.json, {"observable": name, "wasserstein": values})


if __name__ == "__main__":
    flags.DEFINE_list("weights", ["0", "0.1", "1", "10"], "Weights of the regressor.")
    flags.DEFINE_integer("steps", 3000, "Generator steps of each.", lower_bound=1)
    flags.DEFINE_integer("seed", 1, "Of every training.", lower_bound=0)
    flags.DEFINE_string("observable", "asymmetry_along", "What is regressed.")
    flags.DEFINE_string("folder", "runs/regressor_weight", "Folder of all runs.")
    flags.DEFINE_string("json", None, "File to write the result to.")
    setup.run(_run)
