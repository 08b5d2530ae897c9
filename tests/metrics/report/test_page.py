"""What the page and the printed table say."""

import re

import pytest

from metrics.report import metric_descriptions, page, shower_report
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
    assert "PRD-AUC, the smaller of both" in rows
    assert "ratio of mean energies at 10 GeV" in rows
    assert len(rows) == listed + len(found.energy_bins)
    assert "<li>Too &lt;few&gt;.</li><li>Other.</li>" in text
    assert text.index("One &lt; two.") < text.index("Too &lt;few") < text.index("PRD")
    strong = re.findall('<td class="strong">(.*?)</td>', text)
    assert strong[0] == "-20.0"
    assert "30.0" in strong
    assert "1.5" not in strong
    assert "-6.0" not in strong


def test_metrics_stand_in_groups_the_worst_first(found):
    groups = page.grouped(found)
    assert list(groups) == ["response", "shape", "hits", "cells", "conditioning"]
    assert [name for name, _ in groups["cells"]] == ["prd_auc", "kpd"]
    assert groups["response"][0][0] == "mean_ratio_visible_energy"
    assert sum(map(len, groups.values())) == len(found.all_metrics)
    text = page.render(found, [], [])
    folded = re.findall("<details><summary>(.*?)</summary>", text)
    assert folded[3:] == [
        "Cells: 2 metrics, 1 of them off", "Conditioning: 1 metrics, 0 of them off",
    ]  # fmt: skip


def test_what_is_wrong_is_said_in_words(found):
    text = page.wrong(found)
    assert (
        "Cells: 1 of 2 metrics are off, above all PRD-AUC, the smaller of both" in text
    )
    assert "KPD" not in text
    assert "Conditioning: 0 of 1 metrics are off.</li>" in text


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("wasserstein_visible_energy", "response"),
        ("resolution_ratio_20gev", "response"),
        ("wasserstein_layer_energy_3", "response"),
        ("profile_longitudinal", "shape"),
        ("separation_centre_along", "shape"),
        ("wasserstein_central_energy_fraction", "shape"),
        ("separation_cell_energy", "hits"),
        ("profile_layer_occupancy", "hits"),
        ("ties", "hits"),
        ("classifier_auc_cells_half", "cells"),
        ("near_training", "cells"),
        ("conditioning_impact_x_mean_moments", "conditioning"),
        ("correlation_kaon", "likelihoods"),
        ("delta_auc_bin_kaon_1_1", "likelihoods"),
    ],
)
def test_every_metric_has_its_group(name, group):
    assert metric_descriptions.group(name) == group


def test_displays_and_summary_come_first(found, tmp_path):
    figures = []
    for name in ("radius", "summary", "gallery"):
        (tmp_path / f"{name}.png").write_bytes(b"picture")
        figures.append((tmp_path / f"{name}.png", f"About {name}."))
    text = page.render(found, ["A sentence."], figures)
    order = ["About gallery", "About summary", "A sentence", "What is wrong",
             "All metrics", "About radius", "What was compared"]  # fmt: skip
    places = [text.index(one) for one in order]
    assert places == sorted(places)


def test_a_small_screen_is_asked_for_its_own_width(found):
    text = page.render(found, [], [])
    assert '<meta name="viewport" content="width=device-width' in text
    assert "@media screen and (max-width: 40rem)" in text


def test_no_z_is_minus_zero():
    showers = made_up.comparison(small.detector(2))
    metrics = {"kpd": Metric(0.0, 1e-5, 0.0, 1e-5, -0.01)}
    text = page.render(made_up.report(showers, metrics=metrics, notes=[]), [], [])
    assert "<td>0.0</td>" in text
    assert "<td>-0.0</td>" not in text


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
