"""The page of a report: one HTML file that needs nothing else."""

import pathlib
from collections.abc import Sequence

from metrics.report import html
from metrics.report.html import TableRow
from metrics.report.metric_descriptions import group, kind, label, uncertain
from metrics.showers.shower_results import Report
from metrics.statistics.measured import Measured
from metrics.statistics.resampling import Metric

FAR = 3.0
"""From this z on a number tells generated showers from the reference."""

_FIRST = ("gallery", "summary")
_ORDER = ("response", "shape", "hits", "cells", "conditioning", "likelihoods")
_SAID = 3

MEANING = """
<p>Each number stands beside its <em>floor</em>: what the reference gives when compared
with itself in the same way, on disjoint halves. <em>z</em> is the distance from the
floor in standard deviations, positive where the model is worse: up to about 3 the
generated showers cannot be told from the reference by this number, beyond that it is
bold. For ratios both directions are worse. Uncertainties are standard deviations of a
bootstrap of the events. Formulas: docs/physics_report.md.</p>
"""


def render(
    report: Report,
    sentences: Sequence[str],
    figures: Sequence[tuple[pathlib.Path, str]],
) -> str:
    """Writes the page.

    Args:
        report: What was measured.
        sentences: The summary.
        figures: PNG files and their captions.

    Returns:
        A complete HTML document with the pictures inside.
    """
    first = [one for name in _FIRST for one in figures if one[0].stem == name]
    others = [one for one in figures if one not in first]
    return html.document(
        f"{report.facts['model']} against {report.facts['reference_name']}",
        [
            *(html.picture(path, text) for path, text in first),
            "<h2>Summary</h2>",
            html.bullets(sentences),
            html.notes(report.notes),
            "<h2>What is wrong</h2>",
            wrong(report),
            "<h2>All metrics</h2>",
            MEANING,
            metrics_tables(report),
            "<h2>Incident energies</h2>",
            _energies(report),
            "<h2>Further figures</h2>",
            *(html.picture(path, text) for path, text in others),
            "<h2>What was compared</h2>",
            facts(report),
        ],
    )


def facts(report: Measured) -> str:
    """Writes what was compared."""
    return html.facts(
        (name.replace("_", " "), value) for name, value in report.facts.items()
    )


def worst_first(report: Measured) -> list[tuple[str, Metric]]:
    """Sorts all metrics, those of single energies too.

    Args:
        report: What was measured.

    Returns:
        Names and metrics, those farthest from their floor first.
    """
    return sorted(
        report.all_metrics.items(), key=lambda item: -kind(item[0]).shortfall(item[1])
    )


def grouped(report: Measured) -> dict[str, list[tuple[str, Metric]]]:
    """Sorts all metrics into the groups that occur, each with its worst first.

    Args:
        report: What was measured.
    """
    items = worst_first(report)
    groups = {name: [one for one in items if group(one[0]) == name] for name in _ORDER}
    return {name: found for name, found in groups.items() if found}


def wrong(report: Measured) -> str:
    """Says in words what tells generated events from the reference, group by group.

    Args:
        report: What was measured.
    """
    lines = []
    for name, items in grouped(report).items():
        far = [item for item in items if kind(item[0]).shortfall(item[1]) >= FAR]
        line = f"{name.capitalize()}: {len(far)} of {len(items)} metrics are off"
        if far:
            said = [
                f"{label(one, report.labels)} "
                f"{uncertain(metric.value, metric.uncertainty)} (floor "
                f"{uncertain(metric.floor, metric.floor_uncertainty)})"
                for one, metric in far[:_SAID]
            ]
            line += f", above all {'; '.join(said)}"
        lines.append(f"{line}.")
    return html.bullets(lines)


def metrics_tables(report: Measured) -> str:
    """Writes all metrics as folded tables, one for each group.

    Args:
        report: What was measured.
    """
    head = ["", "better", "value", "floor", "z"]
    if report.untrained:
        head += ["untrained", "factor"]
    found = []
    for name, items in grouped(report).items():
        rows = [_row(report, *item) for item in items]
        far = sum(bool(row.strong) for row in rows)
        found.append(
            f"<details><summary>{name.capitalize()}: {len(rows)} metrics, {far} of "
            f"them off</summary>{html.table(head, rows)}</details>"
        )
    return "\n".join(found)


def _row(report: Measured, name: str, metric: Metric) -> TableRow:
    found = kind(name)
    cells = [
        label(name, report.labels),
        found.better,
        uncertain(metric.value, metric.uncertainty),
        uncertain(metric.floor, metric.floor_uncertainty),
        f"{metric.z:z.1f}",
    ]
    observable = name.removeprefix("wasserstein_")
    if name.startswith("wasserstein_") and observable in report.untrained:
        cells.append(f"{report.untrained[observable]:.3f}")
        cells.append(f"{report.factors[observable]:.1f}")
    elif report.untrained:
        cells += ["", ""]
    far = found.shortfall(metric) >= FAR
    return TableRow(cells, frozenset({4}) if far else frozenset())


def _energies(report: Report) -> str:
    unit = report.comparison.spec.unit
    name = report.facts["reference_name"]
    head = ("energy", "events", f"mean, {name} [{unit}]", f"mean, generated [{unit}]",
            "ratio", f"\N{GREEK SMALL LETTER SIGMA}/mean, {name}",
            "\N{GREEK SMALL LETTER SIGMA}/mean, generated", "ratio")  # fmt: skip
    rows = []
    for one in report.energy_bins:
        cells = (
            one.energy_bin.label,
            str(len(one.energy_bin.events)),
            f"{one.reference_mean:.1f}",
            f"{one.generated_mean:.1f}",
            uncertain(one.response.value, one.response.uncertainty),
            f"{one.reference_resolution:.2%}",
            f"{one.generated_resolution:.2%}",
            uncertain(one.resolution.value, one.resolution.uncertainty),
        )
        rows.append(TableRow(cells, new=one.energy_bin.trained is False))
    return html.table(head, rows)
