"""The page of a report: one HTML file that needs nothing else."""

import base64
import html
import pathlib
from collections.abc import Iterable, Sequence

from metrics.resampling import Metric
from metrics.results import Report

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; margin: 0 auto;
       max-width: 72rem; padding: 1rem 2rem 4rem; }
h1 { font-size: 1.6rem; margin-bottom: .2rem; }
h2 { font-size: 1.2rem; margin-top: 2.5rem; border-bottom: 1px solid #ccc; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .15rem .7rem; border-bottom: 1px solid #e4e4e4; }
td { white-space: nowrap; }
th { border-bottom: 1px solid #888; font-weight: 600; vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; }
tr.new td { color: #0072b2; }
dl { display: grid; grid-template-columns: max-content auto; gap: 0 1.2rem; }
dt { color: #666; } dd { margin: 0; overflow-wrap: anywhere; }
figure { margin: 1.5rem 0; } figure img { max-width: 100%; height: auto; }
figcaption { color: #444; max-width: 48rem; }
summary { cursor: pointer; margin: 1rem 0; }
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  figure, tr { break-inside: avoid; } h2 { break-after: avoid; }
  figure img { max-height: 24cm; }
}
"""

HEADLINE = ("wasserstein_", "profile_", "correlation_", "classifier_auc")
"""Beginnings of the names of the metrics that the first table shows."""

_MEANING = """
<p>Each number stands beside its <em>floor</em>: what the reference gives when compared
with itself in the same way, on disjoint halves. <em>z</em> is the distance from the
floor in standard deviations: up to about 3 the generated showers cannot be told from
the reference by this number. Uncertainties are standard deviations of a bootstrap of
the events. Formulas: docs/physics_report.md.</p>
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
    title = f"{report.facts['model']} against {report.facts['reference_name']}"
    body = [
        f"<h1>{_text(title)}</h1>",
        _facts(report),
        "<h2>Summary</h2>",
        "<ul>" + "".join(f"<li>{_text(line)}</li>" for line in sentences) + "</ul>",
        "<h2>Distances, worst first</h2>",
        _MEANING,
        _distances(report),
        "<h2>Incident energies</h2>",
        _energies(report),
        "<h2>Figures</h2>",
        *(_figure(path, text) for path, text in figures),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{_text(title)}</title><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(body)
        + "\n</body></html>\n"
    )


def uncertain(value: float, uncertainty: float) -> str:
    """Writes a number with its uncertainty, both to two digits of the uncertainty.

    Args:
        value: The number.
        uncertainty: Its uncertainty.

    Returns:
        For instance "0.0417 ± 0.0036".
    """
    digits = 4
    if uncertainty > 0.0:
        leading = int(f"{uncertainty:.1e}".partition("e")[2])
        digits = min(max(1 - leading, 0), 6)
    return f"{value:.{digits}f} \N{PLUS-MINUS SIGN} {uncertainty:.{digits}f}"


def label(report: Report, name: str) -> str:
    """Says what a metric is, in words.

    Args:
        report: What was measured.
        name: Name of the metric.

    Returns:
        A short text.
    """
    for prefix, text in (
        ("wasserstein_", "W1 / \N{GREEK SMALL LETTER SIGMA}: "),
        ("separation_", "separation power: "),
        ("width_ratio_", "ratio of standard deviations: "),
        ("mean_ratio_", "ratio of means: "),
    ):
        if name.startswith(prefix):
            return text + report.comparison.observable(name.removeprefix(prefix)).label
    return _NAMES.get(name, name)


_NAMES = {
    "profile_layer_occupancy": "profile: share of cells hit in each layer",
    "profile_longitudinal": "profile: share of the energy in each layer",
    "profile_radial": "profile: share of the energy around the impact point",
    "profile_cell_occupancy": "map: share of events in which a cell is hit",
    "correlation_layers": "correlation of layer energies, largest difference",
    "correlation_depth_energy": "correlation of depth and visible energy, difference",
    "classifier_auc": "AUC of a classifier on all observables",
}


def _text(value: object) -> str:
    return html.escape(str(value))


def _facts(report: Report) -> str:
    rows = "".join(
        f"<dt>{_text(name.replace('_', ' '))}</dt><dd>{_text(value)}</dd>"
        for name, value in report.facts.items()
    )
    return f"<dl>{rows}</dl>"


def _table(head: Sequence[str], rows: Iterable[tuple[Sequence[str], bool]]) -> str:
    """Writes a table; marked rows stand out."""
    cells = "".join(f"<th>{_text(text)}</th>" for text in head)
    lines = [f"<tr>{cells}</tr>"]
    for row, marked in rows:
        cells = "".join(f"<td>{_text(text)}</td>" for text in row)
        lines.append(f'<tr class="new">{cells}</tr>' if marked else f"<tr>{cells}</tr>")
    return "<table>" + "\n".join(lines) + "</table>"


def _distances(report: Report) -> str:
    ordered = sorted(report.metrics.items(), key=lambda item: -abs(item[1].z))
    first = [item for item in ordered if item[0].startswith(HEADLINE)]
    others = [item for item in ordered if not item[0].startswith(HEADLINE)]
    head = ["", "value", "floor", "z"]
    if report.untrained:
        head += ["untrained", "factor"]
    return (
        _table(head, ((_row(report, *item), False) for item in first))
        + "<details><summary>Separation powers and ratios</summary>"
        + _table(head[:4], ((_row(report, *item)[:4], False) for item in others))
        + "</details>"
    )


def _row(report: Report, name: str, metric: Metric) -> list[str]:
    row = [
        label(report, name),
        uncertain(metric.value, metric.uncertainty),
        uncertain(metric.floor, metric.floor_uncertainty),
        f"{metric.z:.1f}",
    ]
    observable = name.removeprefix("wasserstein_")
    if name.startswith("wasserstein_") and observable in report.untrained:
        row.append(f"{report.untrained[observable]:.3f}")
        row.append(f"{report.factors[observable]:.1f}")
    elif report.untrained:
        row += ["", ""]
    return row


def _energies(report: Report) -> str:
    unit = report.comparison.spec.unit
    name = report.facts["reference_name"]
    head = ("energy", "events", f"mean, {name} [{unit}]", f"mean, generated [{unit}]",
            "ratio", f"\N{GREEK SMALL LETTER SIGMA}/mean, {name}",
            "\N{GREEK SMALL LETTER SIGMA}/mean, generated", "ratio")  # fmt: skip
    rows = []
    for one in report.beams:
        cells = (
            one.beam.label,
            str(len(one.beam.events)),
            f"{one.reference_mean:.1f}",
            f"{one.generated_mean:.1f}",
            uncertain(one.response.value, one.response.uncertainty),
            f"{one.reference_resolution:.2%}",
            f"{one.generated_resolution:.2%}",
            uncertain(one.resolution.value, one.resolution.uncertainty),
        )
        rows.append((cells, one.beam.trained is False))
    return _table(head, rows)


def _figure(path: pathlib.Path, text: str) -> str:
    picture = base64.b64encode(path.read_bytes()).decode()
    return (
        f'<figure id="{_text(path.stem)}"><img alt="{_text(text)}" '
        f'src="data:image/png;base64,{picture}"><figcaption>{_text(text)}</figcaption>'
        "</figure>"
    )
