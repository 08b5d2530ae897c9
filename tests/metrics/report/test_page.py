"""What the page and the printed table say."""

import re

import pytest

from metrics.report import page, shower_report
from metrics.statistics.resampling import Metric
from tests.metrics import made_up, small

METRICS = {
    "kpd": Metric(1e-4, 1e-5, 0.0, 1e-5, 1.5),
    "prd_auc": Metric(0.5, 0.01, 0.9, 0.01, 30.0),
    "mean_ratio_visible_energy": Metric(0.9, 0.01, 1.0, 0.01, -20.0),
    "wasserstein_radius": Metric(0.01, 0.01, 0.05, 0.01, -6.0),
    "conditioning_impact_x_width_regressor_of_all_cells": Metric(0.1, 0, 0.1, 0, 0.0),
}


@pytest.fixture(scope="module")
def found():
    showers = made_up.comparison(small.detector(2))
    return made_up.report(showers, metrics=METRICS, notes=["Too <few>.", "Other."])


def test_the_worst_is_first_whatever_its_sign(found):
    names = [name for name, _ in page.worst_first(found)]
    assert names[:2] == ["prd_auc", "mean_ratio_visible_energy"]
    assert names[-1] == "wasserstein_radius"
    assert "response_ratio_10gev" in names


def test_the_page_has_all_metrics_and_the_notes(found):
    text = page.render(found, ["One < two."], [])
    rows = re.findall("<tr><td>(.*?)</td>", text)
    listed = len(found.all_metrics)
    assert f"<summary>{listed} metrics</summary>" in text
    assert rows[0] == "PRD-AUC, the smaller of both"
    assert "ratio of mean energies at 10 GeV" in rows
    assert len(rows) == listed + len(found.energy_bins)
    assert "<li>Too &lt;few&gt;.</li><li>Other.</li>" in text
    assert text.index("One &lt; two.") < text.index("Too &lt;few") < text.index("PRD")
    strong = re.findall('<td class="strong">(.*?)</td>', text)
    assert strong[:2] == ["30.0", "-20.0"]
    assert "1.5" not in strong
    assert "-6.0" not in strong


def test_no_box_without_notes(found):
    plain = made_up.report(found.comparison)
    assert '<aside class="notes">' not in page.render(plain, [], [])
    assert '<aside class="notes">' in page.render(found, [], [])


def test_the_columns_of_the_printed_table_stand_below_each_other(found):
    lines = shower_report.table(found)
    assert len(set(map(len, lines))) == 1
    assert lines[1].startswith("prd_auc ")
    assert not any(line.startswith("mean_ratio") for line in lines)
    assert any(line.startswith("conditioning_impact_x_width") for line in lines)


def test_the_summary_goes_without_what_was_not_measured(found):
    with_prd = shower_report.summary(found)
    assert any(line.startswith("PRD-AUC") and "0.500" in line for line in with_prd)
    assert not any("classifier" in line for line in with_prd)
    plain = shower_report.summary(made_up.report(found.comparison))
    assert not any(line.startswith("PRD-AUC") for line in plain)


def test_notes_are_in_metrics_json(found):
    content = shower_report.as_json(found)
    assert content["notes"] == ["Too <few>.", "Other."]
    assert content["metrics"].keys() == found.all_metrics.keys()


def test_the_auc_on_cells_stands_beside_what_was_learnt():
    full = made_up.full_report(made_up.comparison(small.detector(2), events=200))
    [line] = [line for line in shower_report.summary(full) if "has learnt from" in line]
    assert "from 18,000 showers a class, at half from 9,000" in line
    assert "0.8125 and 0.8000" in line
    text = page.render(full, shower_report.summary(full), [])
    assert "<td>AUC of a network on all cells</td>" in text
