"""The report of particle identification: what it says, and how it is written."""

import pathlib
from collections.abc import Sequence
from typing import Any

from metrics.pid.separation_auc import (
    GOAL_DIFFERENCE,
    GOAL_FRACTION,
    JUDGED_AUC,
    JUDGED_EFFECTIVE,
    AucBin,
)
from metrics.pid.track_pairs import PION
from metrics.pid.track_results import PidReport
from metrics.report import html, page, shower_report
from metrics.report.html import TableRow
from metrics.report.pid import auc_tables, phi_candidates
from metrics.report.pid.track_plots import plots
from metrics.statistics.weighted import effective_tracks

_JUDGED = (
    f"at least {JUDGED_EFFECTIVE:,.0f} effective tracks of both species and an AUC of "
    f"the reference below {JUDGED_AUC:g}"
)

_BINS = f"""
<p>Area under the ROC curve (AUC) of the likelihood that tells the species from pions,
in bins of momentum and pseudorapidity. A bin is judged if it has {_JUDGED}; the goal is
an absolute difference below {GOAL_DIFFERENCE:g} in {GOAL_FRACTION:.0%} of these.
Differences that miss it are bold, bins that are not judged are marked. The uncertainty
is that of a bootstrap of pairs. Formulas: docs/pid_report.md.</p>
"""


def table(found: PidReport) -> list[str]:
    """Writes the main numbers as lines of text.

    Args:
        found: What was measured.

    Returns:
        The lines of a table of metrics, then one of the AUCs in bins.
    """
    return [*shower_report.table(found), *auc_tables.auc_lines(found)]


def summary(found: PidReport) -> list[str]:
    """Says in a few sentences how the generated tracks compare.

    Args:
        found: What was measured.

    Returns:
        Plain sentences.
    """
    lines = []
    distances = [
        metric
        for name, metric in found.metrics.items()
        if name.startswith("wasserstein_")
    ]
    agreeing = sum(metric.z < page.FAR for metric in distances)
    lines.append(
        f"Wasserstein distance within three standard deviations of its floor: "
        f"{agreeing} of {len(distances)} distributions."
    )
    measured = [one for one in found.bins if one.difference is not None]
    judged = [one for one in measured if one.judged]
    if judged:
        good = sum(one.within_goal for one in judged)
        worst = max(judged, key=lambda one: abs(_difference(one)))
        where = ", pseudorapidity ".join(found.grid.texts(worst.number))
        lines.append(
            f"AUC within {GOAL_DIFFERENCE:g} of the reference in {good} of "
            f"{len(judged)} judged bins ({good / len(judged):.0%}, goal "
            f"{GOAL_FRACTION:.0%}); largest difference {_difference(worst):+.4f} "
            f"({worst.species} against {PION}, {where})."
        )
    elif measured:
        lines.append(
            f"No bin is judged: none has {_JUDGED}. Give more tracks with --reference."
        )
    if measured:
        sure = sum(abs(one.difference.z) < page.FAR for one in measured
                   if one.difference is not None)  # fmt: skip
        lines.append(
            f"AUC within three standard deviations of the reference: {sure} of "
            f"{len(measured)} bins, judged or not."
        )
    if found.phi is not None:
        lines.append(phi_candidates.sentence(found.phi))
    if found.factors:
        weakest = min(found.factors, key=lambda name: found.factors[name])
        better = sum(factor > 1.0 for factor in found.factors.values())
        lines.append(
            f"Beats the untrained network on {better} of {len(found.factors)} "
            f"distributions; smallest factor {found.factors[weakest]:.1f} "
            f"({found.labels[weakest]})."
        )
    return lines


def as_json(found: PidReport) -> dict[str, Any]:
    """Returns the content of metrics.json.

    Args:
        found: What was measured.

    Returns:
        Numbers and texts that JSON can hold.
    """
    parts: dict[str, Any] = {
        "species": {
            name: {
                "tracks": len(members),
                "sum_of_weights": float(found.tracks.weight[members].sum()),
                "effective": effective_tracks(found.tracks.weight[members]),
            }
            for name, members in found.tracks.members.items()
        },
        "auc_bins": [auc_tables.bin_as_json(one, found.grid) for one in found.bins],
    }
    if found.phi is not None:
        parts["phi_selection"] = phi_candidates.as_json(found.phi)
    return shower_report.document(found, found.metrics, parts)


def write(found: PidReport, folder: pathlib.Path) -> None:
    """Writes metrics.json, the figures and index.html.

    Args:
        found: What was measured.
        folder: An empty or missing folder.
    """
    shower_report.write_folder(
        folder, as_json(found), plots(found), lambda shown: render(found, shown)
    )


def render(found: PidReport, figures: Sequence[tuple[pathlib.Path, str]]) -> str:
    """Writes the page.

    Args:
        found: What was measured.
        figures: PNG files and their captions.

    Returns:
        A complete HTML document with the pictures inside.
    """
    return html.document(
        f"{found.facts['model']} against {found.facts['reference_name']}",
        [
            "<h2>Summary</h2>",
            html.bullets(summary(found)),
            html.notes(found.notes),
            "<h2>What is wrong</h2>",
            page.wrong(found),
            "<h2>Species</h2>",
            _species(found),
            "<h2>Separation in bins</h2>",
            _BINS,
            auc_tables.auc_table(found),
            *phi_candidates.section(found),
            "<h2>All metrics</h2>",
            page.MEANING,
            page.metrics_tables(found),
            "<h2>Figures</h2>",
            *(html.picture(path, text) for path, text in figures),
            "<h2>What was compared</h2>",
            page.facts(found),
        ],
    )


def _difference(one: AucBin) -> float:
    return 0.0 if one.difference is None else one.difference.value


def _species(found: PidReport) -> str:
    tracks = found.tracks
    rows = []
    for name, members in tracks.members.items():
        weight = tracks.weight[members]
        cells = (
            name,
            str(len(members)),
            f"{weight.sum():.1f}",
            f"{effective_tracks(weight):.0f}",
            f"{(weight < 0.0).mean():.1%}",
        )
        rows.append(TableRow(cells))
    head = ("", "tracks", "sum of weights", "effective tracks", "negative weights")
    return html.table(head, rows)
