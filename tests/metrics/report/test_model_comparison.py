"""Several evaluations side by side."""

import re

import pytest

from metrics.report import model_comparison
from metrics.statistics.resampling import Metric

FACTS = {
    "model": "made_up/test",
    "detector": "hgcal",
    "reference": "showers.h5",
    "split": "test",
    "events": 600,
    "mask": "mask",
    "seed": 0,
}


def _metric(value, uncertainty=0.01, z=1.0):
    return {
        "value": value,
        "uncertainty": uncertainty,
        "floor": 0.05,
        "floor_uncertainty": 0.002,
        "z": z,
    }


def _run(facts=(), **metrics):
    return FACTS | dict(facts) | {"metrics": metrics}


RUNS = [
    ("runs/a", _run(
        wasserstein_depth=_metric(0.10, z=5.0), fpd=_metric(0.2, z=9.0),
        separation_depth=_metric(0.3),
    )),
    ("runs/<b>", _run(wasserstein_depth=_metric(0.30, z=25.0), kpd=_metric(0.1))),
    ("runs/c", _run(wasserstein_depth=_metric(0.40, z=35.0), fpd=_metric(0.21, z=8.0))),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "values", "winner"),
    [
        ("wasserstein_depth", (0.1, 0.3, 0.2), "a"),
        ("wasserstein_depth", (0.1, 0.3, 0.113), None),
        ("wasserstein_depth", (0.1, 0.3, 0.115), "a"),
        ("prd_auc_raw", (0.7, 0.9, 0.8), "b"),
        ("mean_ratio_depth", (0.7, 1.1, 1.2), "b"),
        ("classifier_auc", (0.48, 0.6, 0.7), "a"),
    ],
)
def test_the_best_is_named_only_if_certain(name, values, winner):
    metrics = (Metric(value, 0.01, 0.0, 0.0, 0.0) for value in values)
    assert model_comparison.best(name, dict(zip("abc", metrics, strict=True))) == winner


def test_nobody_wins_alone():
    assert model_comparison.best("fpd", {"a": Metric(0.1, 0.01, 0.0, 0.0, 0.0)}) is None


def test_table_has_a_line_per_metric_and_the_worst_first():
    head, *lines, last = model_comparison.table(RUNS)
    assert [line.split()[0] for line in lines] == ["wasserstein_depth", "fpd", "kpd"]
    assert all(name in head for name, _ in RUNS)
    assert lines[0].count("*") == 1
    assert re.search(r"0\.100 ± 0\.010 +5\.0\*", lines[0])
    assert "*" not in lines[1]
    # A run without this metric.
    assert lines[2].split()[-1] == "-"
    assert last.startswith("* best")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reference": "other.h5"}, "reference is 'showers.h5' and 'other.h5'"),
        ({"events": 500}, "events is 600 and 500"),
        ({"split": "all"}, "split is 'test' and 'all'"),
        ({"seed": 3}, "seed is 0 and 3"),
    ],
)
def test_different_references_are_refused(tmp_path, changes, message):
    runs = [RUNS[0], ("runs/d", _run(changes, fpd=_metric(0.1)))]
    with pytest.raises(ValueError, match=f"runs/a and runs/d cannot.*{message}"):
        model_comparison.table(runs)
    with pytest.raises(ValueError, match="cannot be compared"):
        model_comparison.write(runs, tmp_path / "report")
    assert not (tmp_path / "report").exists()


def test_fewer_than_two_runs_or_equal_names_are_refused():
    with pytest.raises(ValueError, match="two runs or more"):
        model_comparison.table(RUNS[:1])
    with pytest.raises(ValueError, match="own name"):
        model_comparison.table([RUNS[0], RUNS[0]])


def test_the_page_needs_nothing_else(tmp_path):
    noted = [(name, one | {"notes": ["too few"]}) for name, one in RUNS[:2]] + RUNS[2:]
    model_comparison.write(noted, tmp_path / "report")
    text = (tmp_path / "report/index.html").read_text()
    assert "data:image/png;base64," in text
    assert "runs/&lt;b&gt;" in text
    assert "runs/<b>" not in text
    assert "runs/a, runs/&lt;b&gt;: too few" in text
    assert "W1 / \N{GREEK SMALL LETTER SIGMA}: shower depth" in text
    assert text.count('class="strong"') == 1
    for forbidden in ("http:", "https:", "<script", "<link", "@import", "url("):
        assert forbidden not in text
    picture = tmp_path / "report/figures/z.png"
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_the_figure_has_every_z():
    axes = model_comparison.significances(RUNS).axes[0]
    points = {line.get_label(): line.get_xdata() for line in axes.lines}
    assert list(points["runs/a"]) == [5.0, 9.0]
    assert list(points["runs/<b>"]) == [25.0, 1.0]
    low, high = axes.get_xlim()
    assert low < -3.0
    assert high > 35.0
