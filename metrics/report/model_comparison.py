"""Several evaluations side by side: which model is better, and is it sure?"""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from data import detectors
from metrics.observables.registry import layer_observables, scalar_observables
from metrics.pid import track_results
from metrics.report import html
from metrics.report.figures import canvas
from metrics.report.html import TableRow
from metrics.report.metric_descriptions import kind, label, uncertain
from metrics.report.page import FAR
from metrics.statistics.resampling import Metric

Runs = Sequence[tuple[str, Mapping[str, Any]]]
"""Names of runs, each with the content of its metrics.json."""

SAME = (
    "detector", "reference", "split", "events", "mask", "seed", "clusters", "prd_mode",
    "threshold", "cell_cm",
)  # fmt: skip
"""What has to be equal for numbers to be comparable."""

_COLOURS = ("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_MARKERS = "osD^vP"
_TICKS = (-30, -10, -3, 0, 3, 10, 30, 100, 300, 1000)

_MEANING = """
<p>Every number compares a run with one and the same reference; the <em>floor</em> is
what that reference gives when compared with itself, and <em>z</em> the distance from it
in standard deviations. The best value of a line is bold if the second best is farther
from the ideal by more than the uncertainty of their difference. Lines are sorted by the
largest z.</p>
"""


def check(runs: Runs) -> None:
    """Refuses runs that cannot be compared.

    Args:
        runs: The runs.

    Raises:
        ValueError: If there are fewer than two runs, two have one name, or they were
            evaluated with different references, events or seeds.
    """
    names = [name for name, _ in runs]
    if len(runs) < 2:
        raise ValueError(f"a comparison needs two runs or more, received {names}")
    if len(set(names)) < len(names):
        raise ValueError(f"every run needs its own name, received {', '.join(names)}")
    first, expected = runs[0]
    for name, content in runs[1:]:
        for key in SAME:
            if content.get(key) != expected.get(key):
                raise ValueError(
                    f"{first} and {name} cannot be compared: {key} is "
                    f"{expected.get(key)!r} and {content.get(key)!r}; evaluate both "
                    "with the same options"
                )


def table(runs: Runs) -> list[str]:
    """Writes the main numbers as lines of text.

    Args:
        runs: The runs.

    Returns:
        The lines of a table: the head, then the metrics, the largest z first. An
        asterisk marks the best value of a line where it is certain.

    Raises:
        ValueError: If the runs cannot be compared.
    """
    check(runs)
    rows = [(n, found) for n, found in _metrics(runs).items() if kind(n).headline]
    wide = max((len(name) for name, _ in rows), default=0)
    columns = [max(len(name), 18) for name, _ in runs]
    head = "".join(
        f"  {name:>{column}}{'z':>8} "
        for (name, _), column in zip(runs, columns, strict=True)
    )
    lines = [f"{'':{wide}}{'floor':>22}{head}"]
    for name, found in rows:
        line = f"{name:{wide}}{_floor(found):>22}"
        winner = best(name, found)
        for (run, _), column in zip(runs, columns, strict=True):
            one = found.get(run)
            value = uncertain(one.value, one.uncertainty) if one else "-"
            z = f"{one.z:z.1f}" if one else ""
            mark = "*" if run == winner else " "
            line += f"  {value:>{column}}{z:>8}{mark}"
        lines.append(line.rstrip())
    return [*lines, "* best by more than the uncertainty of the difference"]


def best(name: str, found: Mapping[str, Metric]) -> str | None:
    """Returns the run that is certainly the best in a metric.

    Args:
        name: Name of the metric.
        found: The metric of each run that has it.

    Returns:
        The run nearest to the ideal; None if the second is farther by no more than the
        combined uncertainty, or if there is no second.
    """
    if len(found) < 2:
        return None
    away = {run: kind(name).away(one) for run, one in found.items()}
    first, second = sorted(away, key=lambda run: away[run])[:2]
    combined = np.hypot(found[first].uncertainty, found[second].uncertainty)
    return first if away[second] - away[first] > combined else None


def write(runs: Runs, folder: pathlib.Path) -> None:
    """Writes index.html and its figure.

    Args:
        runs: The runs.
        folder: An empty or missing folder.

    Raises:
        ValueError: If the runs cannot be compared.
    """
    check(runs)
    path = folder / "figures/z.png"
    path.parent.mkdir(parents=True)
    with canvas.style():
        significances(runs).savefig(path)
    (folder / "index.html").write_text(_page(runs, path))


def significances(runs: Runs) -> Figure:
    """Draws z of the main metrics of all runs.

    Args:
        runs: The runs.
    """
    labels = _labels(runs)
    rows = [(n, found) for n, found in _metrics(runs).items() if kind(n).headline]
    height = 0.26 * len(rows) + 0.26 * len(runs) + 1.6
    figure = Figure(figsize=(10.5, height), dpi=100)
    axes = figure.subplots()
    top = (0.26 * len(runs) + 0.7) / height
    figure.subplots_adjust(left=0.42, right=0.97, top=1.0 - top, bottom=0.7 / height)
    places = np.arange(len(rows))[::-1]
    axes.axvspan(-FAR, FAR, color=canvas.REFERENCE_FILL, linewidth=0, zorder=0)
    for number, (run, _) in enumerate(runs):
        points = [
            (kind(name).shortfall(found[run]), place)
            for (name, found), place in zip(rows, places, strict=True)
            if run in found
        ]
        axes.plot(
            *np.array(points).reshape(-1, 2).T,
            _MARKERS[number % len(_MARKERS)],
            color=_COLOURS[number % len(_COLOURS)],
            markersize=5,
            label=run,
        )
    axes.set_xscale("symlog", linthresh=10.0, linscale=1.0)
    low, high = axes.get_xlim()
    low, high = min(low, -FAR) - 1.0, 1.3 * max(high, 10.0)
    axes.set_xlim(low, high)
    ticks = [tick for tick in _TICKS if low < tick < high]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_ylim(-0.8, len(rows) - 0.2)
    axes.set_yticks(places, [label(name, labels) for name, _ in rows], fontsize=9)
    axes.tick_params(axis="y", which="both", length=0)
    axes.grid(axis="y", color="#e4e4e4", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_xlabel("z: distance from the floor [standard deviations]")
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0))
    figure.suptitle(
        "Distances from the floor, linear up to 10;\nwithin the grey band a run "
        "cannot be told from the reference",
        x=0.01, y=1.0 - 0.1 / height, ha="left", va="top", fontsize=11,
    )  # fmt: skip
    return figure


def _page(runs: Runs, picture: pathlib.Path) -> str:
    content = runs[0][1]
    facts = [(key, content[key]) for key in SAME if key in content]
    noted: dict[str, list[str]] = {}
    for name, one in runs:
        for note in one.get("notes", ()):
            noted.setdefault(note, []).append(name)
    return html.document(
        "Side by side: " + ", ".join(name for name, _ in runs),
        [
            html.facts(facts),
            html.facts((name, content.get("model", "")) for name, content in runs),
            html.notes([f"{', '.join(on)}: {note}" for note, on in noted.items()]),
            "<h2>Metrics</h2>",
            _MEANING,
            _table(runs),
            "<h2>Distances from the floor</h2>",
            html.picture(
                picture,
                "z of the main metrics, sorted as the table. The axis is linear up to "
                "10 and logarithmic beyond.",
            ),
        ],
    )


def _table(runs: Runs) -> str:
    labels = _labels(runs)
    head = ["", "better", "floor"]
    for name, _ in runs:
        head += [name, "z"]
    rows = []
    for name, found in _metrics(runs).items():
        cells = [label(name, labels), kind(name).better, _floor(found)]
        strong = set()
        winner = best(name, found)
        for run, _ in runs:
            one = found.get(run)
            if run == winner:
                strong.add(len(cells))
            cells.append(uncertain(one.value, one.uncertainty) if one else "")
            cells.append(f"{one.z:z.1f}" if one else "")
        rows.append(TableRow(cells, frozenset(strong)))
    return html.table(head, rows)


def _floor(found: Mapping[str, Metric]) -> str:
    """Writes the floor, which depends on reference and seed but not on the run."""
    one = next(iter(found.values()))
    return uncertain(one.floor, one.floor_uncertainty)


def _metrics(runs: Runs) -> dict[str, dict[str, Metric]]:
    """Collects for every metric what each run has, the largest z first."""
    found: dict[str, dict[str, Metric]] = {}
    for run, content in runs:
        for name, numbers in content["metrics"].items():
            found.setdefault(name, {})[run] = Metric(**numbers)
    return dict(
        sorted(
            found.items(),
            key=lambda item: -max(map(kind(item[0]).shortfall, item[1].values())),
        )
    )


def _labels(runs: Runs) -> dict[str, str]:
    """Returns the labels of the observables and of the energy bins, or of tracks."""
    content = runs[0][1]
    energies = (one["energy_gev"] for one in content.get("beam_energies", ()))
    found = {f"{energy:.3g}gev": f"{energy:.3g} GeV" for energy in energies}
    name = content.get("detector")
    if name in detectors.names():
        spec = detectors.get(name)
        if spec.component_names:
            return track_results.labels(spec)
        observables = scalar_observables(spec) + layer_observables(spec)
        found |= {one.name: one.label for one in observables}
    return found
