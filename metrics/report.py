"""The report of an evaluation: what is in it, and how it is written to a folder."""

import dataclasses
import json
import pathlib
from typing import Any

from metrics import canvas, page
from metrics.plots import plots
from metrics.results import Report

FILES = frozenset({"index.html", "metrics.json", "figures"})
"""What a folder of a report holds."""


def check_folder(folder: pathlib.Path) -> None:
    """Refuses a folder that holds anything but an earlier report.

    Args:
        folder: Where a report shall be written, replacing what is there.

    Raises:
        ValueError: If it holds other files.
    """
    if folder.exists():
        found = {path.name for path in folder.iterdir()} if folder.is_dir() else {""}
        if not found <= FILES:
            raise ValueError(
                f"{folder}: holds something else than a report; give another folder "
                "with --report"
            )


def table(report: Report) -> list[str]:
    """Writes the main numbers as lines of text.

    Args:
        report: What was measured.

    Returns:
        The lines of a table, its head first.
    """
    rows = [(n, m) for n, m in report.metrics.items() if n.startswith(page.HEADLINE)]
    rows += [(f"response_ratio_{one.beam.name}", one.response) for one in report.beams]
    rows += [
        (f"resolution_ratio_{one.beam.name}", one.resolution) for one in report.beams
    ]
    more = f"{'untrained':>11}{'factor':>8}" if report.untrained else ""
    lines = [f"{'':36}{'value':>19}{'floor':>19}{'z':>7}{more}"]
    for name, metric in rows:
        value = page.uncertain(metric.value, metric.uncertainty)
        floor = page.uncertain(metric.floor, metric.floor_uncertainty)
        line = f"{name:36}{value:>19}{floor:>19}{metric.z:7.1f}"
        observable = name.removeprefix("wasserstein_")
        if name.startswith("wasserstein_") and observable in report.untrained:
            line += f"{report.untrained[observable]:11.3f}"
            line += f"{report.factors[observable]:8.1f}"
        lines.append(line)
    return lines


def summary(report: Report) -> list[str]:
    """Says in a few sentences how the generated showers compare.

    Args:
        report: What was measured.

    Returns:
        Plain sentences.
    """
    lines = []
    for what, name in (("Mean visible energy", "response"),
                       ("Resolution", "resolution")):  # fmt: skip
        worst = max(report.beams, key=lambda one: abs(getattr(one, name).value - 1.0))
        metric = getattr(worst, name)
        lines.append(
            f"{what}: at most {abs(metric.value - 1.0):.1%} from the reference "
            f"(at {worst.beam.label}: ratio {metric.value:.3f} "
            f"\N{PLUS-MINUS SIGN} {metric.uncertainty:.3f})."
        )
    distances = [report.metrics[f"wasserstein_{one.name}"]
                 for one in report.comparison.observables]  # fmt: skip
    agreeing = sum(metric.z < 3.0 for metric in distances)
    lines.append(
        f"Wasserstein distance within three standard deviations of its floor: "
        f"{agreeing} of {len(distances)} observables."
    )
    auc = report.metrics["classifier_auc"]
    lines.append(
        f"A classifier separates generated from reference showers with AUC "
        f"{auc.value:.3f} \N{PLUS-MINUS SIGN} {auc.uncertainty:.3f} (ideal 0.5)."
    )
    if report.factors:
        weakest = min(report.factors, key=lambda name: report.factors[name])
        better = sum(factor > 1.0 for factor in report.factors.values())
        lines.append(
            f"Beats the untrained network on {better} of {len(report.factors)} "
            f"observables; smallest factor {report.factors[weakest]:.1f} ({weakest})."
        )
    return lines


def as_json(report: Report) -> dict[str, Any]:
    """Returns the content of metrics.json.

    Args:
        report: What was measured.

    Returns:
        Numbers and texts that JSON can hold.
    """
    content: dict[str, Any] = {
        **report.facts,
        "metrics": {n: dataclasses.asdict(m) for n, m in report.metrics.items()},
        "beam_energies": [
            {
                "energy_gev": one.beam.energy_gev,
                "events": len(one.beam.events),
                "trained": one.beam.trained,
                "reference_mean": one.reference_mean,
                "generated_mean": one.generated_mean,
                "reference_resolution": one.reference_resolution,
                "generated_resolution": one.generated_resolution,
            }
            for one in report.beams
        ],
    }
    for one in report.beams:
        for what in ("response", "resolution"):
            name = f"{what}_ratio_{one.beam.name}"
            content["metrics"][name] = dataclasses.asdict(getattr(one, what))
    if report.untrained:
        content["untrained"] = {
            f"wasserstein_{name}": {"value": value, "factor": report.factors[name]}
            for name, value in report.untrained.items()
        }
    return content


def write(report: Report, folder: pathlib.Path) -> None:
    """Writes metrics.json, the figures and index.html.

    Args:
        report: What was measured.
        folder: An empty or missing folder.
    """
    (folder / "figures").mkdir(parents=True)
    text = json.dumps(as_json(report), indent=1, allow_nan=False)
    (folder / "metrics.json").write_text(text + "\n")
    shown = []
    with canvas.style():
        for plot in plots(report):
            path = folder / "figures" / f"{plot.name}.png"
            plot.figure().savefig(path)
            shown.append((path, plot.text))
    (folder / "index.html").write_text(page.render(report, summary(report), shown))
