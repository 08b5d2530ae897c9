"""The AUCs in bins: as text, on the page, and in metrics.json."""

from typing import Any

from metrics.pid.separation_auc import AucBin
from metrics.pid.track_pairs import Grid
from metrics.pid.track_results import PidReport
from metrics.report import html
from metrics.report.html import TableRow
from metrics.report.metric_descriptions import uncertain


def auc_lines(found: PidReport) -> list[str]:
    """Writes the AUCs in bins as lines of text, their head first.

    Args:
        found: What was measured.

    Returns:
        The lines after an empty one; none if there are no bins.
    """
    if not found.bins:
        return []
    head = f"{'momentum':>20}{'pseudorapidity':>16}{'effective tracks':>20}"
    head += f"{'reference':>11}{'generated':>11}{'difference':>20}{'z':>7}"
    lines = ["", f"{'AUC':8}{head}"]
    for one in found.bins:
        momentum, pseudorapidity = found.grid.texts(one.number)
        effective = " / ".join(f"{number:.0f}" for number in one.effective)
        line = f"{one.species:8}{momentum:>20}{pseudorapidity:>16}{effective:>20}"
        if one.reference is None or one.generated is None or one.difference is None:
            lines.append(f"{line}  too few tracks")
            continue
        difference = uncertain(one.difference.value, one.difference.uncertainty)
        line += f"{one.reference[0]:11.4f}{one.generated[0]:11.4f}{difference:>20}"
        lines.append(f"{line}{one.difference.z:7.1f}  {_verdict(one)}")
    return lines


def _verdict(one: AucBin) -> str:
    if not one.judged:
        return "not judged"
    return "good" if one.within_goal else "misses the goal"


def auc_table(found: PidReport) -> str:
    """Writes the AUCs in bins as a table of the page.

    Args:
        found: What was measured.
    """
    head = ("against pions", "momentum", "pseudorapidity", "effective tracks",
            "effective pions", f"AUC, {found.facts['reference_name']}",
            "AUC, generated", "difference", "z", "")  # fmt: skip
    rows = []
    for one in found.bins:
        cells = [one.species, *found.grid.texts(one.number)]
        cells += [f"{number:.0f}" for number in one.effective]
        if one.reference is None or one.generated is None or one.difference is None:
            cells += ["", "", "", "", "too few tracks"]
        else:
            cells += [
                f"{one.reference[0]:.4f}",
                f"{one.generated[0]:.4f}",
                uncertain(one.difference.value, one.difference.uncertainty),
                f"{one.difference.z:.1f}",
                _verdict(one),
            ]
        missed = one.judged and not one.within_goal
        rows.append(TableRow(cells, frozenset({7}) if missed else frozenset()))
    return html.table(head, rows)


def bin_as_json(one: AucBin, grid: Grid) -> dict[str, Any]:
    """Returns what metrics.json says about a bin.

    Args:
        one: The bin.
        grid: Its grid.
    """
    along, across = divmod(one.number, grid.shape[1])
    content: dict[str, Any] = {
        "species": one.species,
        "momentum_gev": [float(edge) for edge in grid.momentum_gev[along:][:2]],
        "pseudorapidity": [float(edge) for edge in grid.pseudorapidity[across:][:2]],
        "effective": one.effective[0],
        "effective_pions": one.effective[1],
        "judged": one.judged,
    }
    if one.reference is not None and one.generated is not None:
        content["reference"] = float(one.reference[0])
        content["generated"] = float(one.generated[0])
    if one.difference is not None:
        content |= {
            "difference": one.difference.value,
            "uncertainty": one.difference.uncertainty,
        }
    return content
