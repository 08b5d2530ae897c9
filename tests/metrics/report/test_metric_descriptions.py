"""What the pages say about metrics."""

import pytest

from metrics.report.metric_descriptions import kind, label, uncertain
from metrics.statistics.resampling import Metric


@pytest.mark.parametrize(
    ("name", "text", "ideal", "better"),
    [
        (
            "wasserstein_depth",
            "W1 / \N{GREEK SMALL LETTER SIGMA}: shower depth",
            0.0,
            "smaller",
        ),
        ("width_ratio_depth", "ratio of widths: shower depth", 1.0, "near 1"),
        ("resolution_ratio_20gev", "ratio of resolutions at 20gev", 1.0, "near 1"),
        ("prd_auc", "PRD-AUC, the smaller of both", 1.0, "larger"),
        ("prd_auc_raw", "PRD-AUC of the cells", 1.0, "larger"),
        ("classifier_auc", "AUC of trees on all observables", 0.5, "smaller"),
        (
            "classifier_auc_cells_quick",
            "AUC on all cells, small network, --quick",
            0.5,
            "smaller",
        ),
        ("classifier_auc_new", "AUC of a classifier: new", 0.5, "smaller"),
        ("kpd", "KPD, kernel physics distance", 0.0, "smaller"),
        ("kpd_of_tomorrow", "kpd of tomorrow", 0.0, "smaller"),
    ],
)
def test_the_longest_prefix_wins(name, text, ideal, better):
    assert label(name, {"depth": "shower depth"}) == text
    assert kind(name).ideal == ideal
    assert kind(name).better == better


def test_ratios_are_bad_on_both_sides():
    low = Metric(0.9, 0.01, 1.0, 0.01, -10.0)
    assert kind("mean_ratio_depth").shortfall(low) == 10.0
    assert kind("wasserstein_depth").shortfall(low) == -10.0


def test_what_only_the_reference_knows_is_bad_on_both_sides_of_its_floor():
    rare = Metric(0.1, 0.01, 0.4, 0.01, -20.0)
    assert kind("ties").shortfall(rare) == 20.0
    assert kind("ties").away(rare) == pytest.approx(0.3)
    assert kind("coverage_physics").away(rare) == pytest.approx(0.86875)
    assert kind("classifier_auc_spectrum").away(rare) == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("value", "uncertainty", "text"),
    [
        (0.04171, 0.00362, "0.0417 ± 0.0036"),
        (123.4, 12.0, "123 ± 12"),
        (0.5, 0.0, "0.5000 ± 0.0000"),
        (3.2e-5, 1.1e-6, "(3.20 ± 0.11)e-05"),
        (-2e-7, 3e-6, "(-0.2 ± 3.0)e-06"),
        (0.0, 0.0, "0.0000 ± 0.0000"),
    ],
)
def test_digits_follow_the_uncertainty(value, uncertainty, text):
    assert uncertain(value, uncertainty) == text
