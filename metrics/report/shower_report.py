"""The report of an evaluation: what is in it, and how it is written to a folder."""

import dataclasses
import json
import pathlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from metrics.report import page
from metrics.report.figures import canvas
from metrics.report.metric_descriptions import kind, uncertain
from metrics.report.shower_plots import Plot, plots
from metrics.showers.shower_results import Report
from metrics.statistics.measured import Measured
from metrics.statistics.resampling import Metric

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


def table(report: Measured) -> list[str]:
    """Writes the main numbers as lines of text.

    Args:
        report: What was measured.

    Returns:
        The lines of a table, its head first, then the metrics, the worst first.
    """
    rows = [item for item in page.worst_first(report) if kind(item[0]).headline]
    wide = max((len(name) for name, _ in rows), default=0)
    more = f"{'untrained':>11}{'factor':>8}" if report.untrained else ""
    lines = [f"{'':{wide}}{'value':>22}{'floor':>22}{'z':>8}{more}"]
    for name, metric in rows:
        value = uncertain(metric.value, metric.uncertainty)
        floor = uncertain(metric.floor, metric.floor_uncertainty)
        line = f"{name:{wide}}{value:>22}{floor:>22}{metric.z:8.1f}"
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
        worst = max(
            report.energy_bins, key=lambda one: abs(getattr(one, name).value - 1.0)
        )
        metric = getattr(worst, name)
        lines.append(
            f"{what}: at most {abs(metric.value - 1.0):.1%} from the reference "
            f"(at {worst.energy_bin.label}: ratio {metric.value:.3f} "
            f"\N{PLUS-MINUS SIGN} {metric.uncertainty:.3f})."
        )
    distances = [report.metrics[f"wasserstein_{one.name}"]
                 for one in report.comparison.observables]  # fmt: skip
    agreeing = sum(metric.z < 3.0 for metric in distances)
    lines.append(
        f"Wasserstein distance within three standard deviations of its floor: "
        f"{agreeing} of {len(distances)} observables."
    )
    lines += [
        text.format(uncertain(metric.value, metric.uncertainty),
                    uncertain(metric.floor, metric.floor_uncertainty))
        for name, text in _SENTENCES.items()
        if (metric := report.metrics.get(name)) is not None
    ]  # fmt: skip
    if "classifier_auc_cells" in report.metrics:
        lines.append(_strength(report.facts))
    if report.factors:
        weakest = min(report.factors, key=lambda name: report.factors[name])
        better = sum(factor > 1.0 for factor in report.factors.values())
        lines.append(
            f"Beats the untrained network on {better} of {len(report.factors)} "
            f"observables; smallest factor {report.factors[weakest]:.1f} ({weakest})."
        )
    return lines


_SENTENCES = {
    "prd_auc": "PRD-AUC, the smaller of cells and physics features: {} (floor {}, "
    "ideal 1).",
    "classifier_auc": "A classifier separates generated from reference showers with "
    "AUC {} (ideal 0.5).",
    "classifier_auc_cells": "A network that sees the cells does so with AUC {} (ideal "
    "0.5).",
    "classifier_auc_cells_half": "After learning from half as many showers it does so "
    "with AUC {} (floor {}).",
    "classifier_auc_cells_quick": "A small network that sees the cells (--quick) does "
    "so with AUC {} (ideal 0.5); the strong one, without --quick, may see more.",
    "near_training": "Nearer to a training shower than 99 % of the reference are {} "
    "of the generated showers (floor {}).",
}


def _strength(facts: Mapping[str, Any]) -> str:
    """Says how much the network on cells has learnt."""
    whole, half = (facts[f"classifier_showers_per_class{end}"] for end in ("", "_half"))
    trainings = " and ".join(f"{auc:.4f}" for auc in facts["classifier_two_trainings"])
    return (
        f"The network on cells has learnt from {whole:,} showers a class, at half from "
        f"{half:,}; two trainings, of the first fold, have AUC {trainings}."
    )


def as_json(report: Report) -> dict[str, Any]:
    """Returns the content of metrics.json.

    Args:
        report: What was measured.

    Returns:
        Numbers and texts that JSON can hold.
    """
    energies = {
        "beam_energies": [
            {
                "energy_gev": one.energy_bin.energy_gev,
                "events": len(one.energy_bin.events),
                "trained": one.energy_bin.trained,
                "reference_mean": one.reference_mean,
                "generated_mean": one.generated_mean,
                "reference_resolution": one.reference_resolution,
                "generated_resolution": one.generated_resolution,
            }
            for one in report.energy_bins
        ]
    }
    return document(report, report.all_metrics, energies)


def document(
    found: Any, metrics: Mapping[str, Metric], parts: dict[str, Any]
) -> dict[str, Any]:
    """Returns the content of metrics.json for a report of any kind of detector.

    Args:
        found: The report; of it `facts`, `untrained`, `factors` and `notes`.
        metrics: Every metric by its name.
        parts: What only this kind of detector has.
    """
    content: dict[str, Any] = {
        **found.facts,
        "metrics": {name: dataclasses.asdict(one) for name, one in metrics.items()},
        **parts,
    }
    if found.untrained:
        content["untrained"] = {
            f"wasserstein_{name}": {"value": value, "factor": found.factors[name]}
            for name, value in found.untrained.items()
        }
    if found.notes:
        content["notes"] = list(found.notes)
    return content


def write(report: Report, folder: pathlib.Path) -> None:
    """Writes metrics.json, the figures and index.html.

    Args:
        report: What was measured.
        folder: An empty or missing folder.
    """
    write_folder(
        folder,
        as_json(report),
        plots(report),
        lambda shown: page.render(report, summary(report), shown),
    )


def write_folder(
    folder: pathlib.Path,
    content: dict[str, Any],
    drawings: Iterable[Plot],
    render: Callable[[list[tuple[pathlib.Path, str]]], str],
) -> None:
    """Writes the files of a report of any kind of detector.

    Args:
        folder: An empty or missing folder.
        content: What metrics.json shall hold.
        drawings: The figures.
        render: Makes the page of the figures' PNG files and captions.
    """
    (folder / "figures").mkdir(parents=True)
    text = json.dumps(content, indent=1, allow_nan=False)
    (folder / "metrics.json").write_text(text + "\n")
    shown = []
    with canvas.style():
        for plot in drawings:
            path = folder / "figures" / f"{plot.name}.png"
            plot.figure().savefig(path)
            shown.append((path, plot.text))
    (folder / "index.html").write_text(render(shown))
