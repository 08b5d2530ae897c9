"""How the weight of the auxiliary regressor changes the distribution that it learns.

    python -m benchmarks.regressor_weight --steps=3000 --folder=runs/regressor_weight

Trains `aux_regressor/cnn_regressor` for every weight with the same data and number of
steps, once per seed, then draws the regressed observable of generated and of Geant4's
showers into `FOLDER/regressor_weight.png` and prints its Wasserstein distances. With
weight 0 there is no regressor. A weight differs from 0 if the means of their distances
are further apart than three standard errors, which come from the scatter of the seeds.
The same command goes on where it was stopped.

It repeats figure 3 of arXiv:2207.06329.
"""

import pathlib
from collections.abc import Mapping, Sequence

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
from metrics.statistics.resampling import Metric

_MODEL = "aux_regressor/cnn_regressor"
_BINS = 40
_TAILS = 0.002
_SIGNIFICANT = 3.0


def _draw(
    axes: list[Axes], compared: Sequence[Comparison], name: str, title: str
) -> None:
    reference = compared[0].values[1][name]
    low, high = np.quantile(reference, [_TAILS, 1.0 - _TAILS])
    edges = np.linspace(low, high, _BINS + 1)
    names = ("generated", "Geant4")
    for number, one in enumerate(compared):
        generated = one.values[0][name]
        pair = canvas.draw_histograms(axes[0], edges, generated, reference, names)
        canvas.draw_ratio(axes[1], *pair)
        if not number:
            axes[0].legend(loc="upper right")
    axes[0].set_title(title)
    axes[0].set_ylabel("fraction of showers")
    axes[1].set_xlabel(compared[0].observable(name).axis)
    axes[0].tick_params(labelbottom=False)
    for axis in axes:
        axis.set_xlim(edges[0], edges[-1])


def figure(compared: Mapping[float, Sequence[Comparison]], name: str) -> Figure:
    """Draws the observable for every weight beside each other, all seeds in one.

    Args:
        compared: Generated and reference showers of every seed, for every weight.
        name: Name of the observable.
    """
    drawing = Figure(figsize=(4.2 * len(compared), 4.6), layout="constrained")
    grid = drawing.subplots(
        2, len(compared), height_ratios=[3, 1], squeeze=False, sharex="col"
    )
    for column, (weight, pairs) in zip(grid.T, compared.items(), strict=True):
        _draw(list(column), pairs, name, f"w = {weight:g}")
    return drawing


def lines(found: Mapping[float, Sequence[Metric]]) -> list[str]:
    """Writes the table and what it says about the weights.

    The standard error of a mean is taken from the scatter of the seeds of all weights,
    since three seeds of one weight hardly have one.

    Args:
        found: Distances of every seed, for every weight.
    """
    seeds = max(len(one) for one in found.values())
    head = ["weight", *(f"seed {n + 1}" for n in range(seeds)), "mean", "floor"]
    rows = [head, ["---"] * len(head)]
    values = {w: np.array([m.value for m in one]) for w, one in found.items()}
    for weight, one in found.items():
        cells = [f"{m.value:.3f} ± {m.uncertainty:.3f}" for m in one]
        cells += [""] * (seeds - len(one))
        mean = f"{values[weight].mean():.3f}"
        floor = f"{one[0].floor:.3f} ± {one[0].floor_uncertainty:.3f}"
        rows.append([f"{weight:g}", *cells, mean, floor])
    table = [f"| {' | '.join(row)} |" for row in rows]
    freedom = sum(len(one) - 1 for one in values.values())
    if 0.0 not in values or freedom < 1:
        return [*table, "", "Inconclusive: needs weight 0 and more than one seed."]
    squares = sum(float(np.sum((one - one.mean()) ** 2)) for one in values.values())
    spread = np.sqrt(squares / freedom)
    table += ["", f"Standard deviation of trainings of one weight: {spread:.3f}"]
    zero = values[0.0]
    for weight, others in values.items():
        if weight:
            error = spread * np.sqrt(1.0 / len(others) + 1.0 / len(zero))
            change = float(others.mean() - zero.mean())
            differs = abs(change) > _SIGNIFICANT * error
            table.append(
                f"w = {weight:g} against 0: {change:+.3f} ± {error:.3f}, "
                f"{'differs' if differs else 'inconclusive'}"
            )
    return table


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
    compared: dict[float, list[Comparison]] = {weight: [] for weight in _weights()}
    for seed in range(1, flags.FLAGS.seeds + 1):
        for weight, pairs in compared.items():
            workdir = folder / f"weight_{weight:g}_{seed}"
            settings = {
                "regressor_weight": weight,
                "observable": name,
                "steps": flags.FLAGS.steps,
                "batch_size": flags.FLAGS.batch_size,
            }
            trained.train(_MODEL, workdir, seed, settings)
            pairs.append(trained.comparison(workdir, "validation", 3000))
    metrics = {
        weight: [trained.distance(one, name) for one in pairs]
        for weight, pairs in compared.items()
    }
    print(f"W1 of {name} in standard deviations, 3,000 validation showers")
    print("\n".join(lines(metrics)))
    matplotlib.use("Agg")
    path = folder / "regressor_weight.png"
    with replacing(path) as temporary, canvas.style():
        figure(compared, name).savefig(temporary, format="png", dpi=110)
    print(f"figure: {path}")
    values = {f"{w:g}": [m.value for m in found] for w, found in metrics.items()}
    setup.write_json(flags.FLAGS.json, {"observable": name, "wasserstein": values})


if __name__ == "__main__":
    flags.DEFINE_list("weights", ["0", "0.1", "1", "10"], "Weights of the regressor.")
    flags.DEFINE_integer("steps", 3000, "Generator steps of each.", lower_bound=1)
    flags.DEFINE_integer("batch_size", 32, "Showers of a step.", lower_bound=1)
    flags.DEFINE_integer("seeds", 3, "Trainings of every weight.", lower_bound=1)
    flags.DEFINE_string("observable", "asymmetry_along", "What is regressed.")
    flags.DEFINE_string("folder", "runs/regressor_weight", "Folder of all runs.")
    flags.DEFINE_string("json", None, "File to write the result to.")
    setup.run(_run)
