"""What the report of particle identification says, and its figures."""

import json

import numpy as np
import pytest

from metrics.pid import measure_tracks
from metrics.pid.track_pairs import CENTRAL, Tracks
from metrics.report import model_comparison
from metrics.report.figures import canvas
from metrics.report.pid import likelihoods, track_plots, track_report
from tests.metrics import made_tracks

FACTS = {
    "model": "made_up/test",
    "detector": "rich",
    "reference_name": "toy",
    "seed": 0,
}
FIGURES = {
    "summary",
    "delta_auc",
    "delta_auc_fine",
    "histograms_dll_k",
    "histograms_dll_mu",
    "histograms_dll_p",
    "histograms_dll_e",
    "zoom_dll_k",
    "zoom_dll_mu",
    "zoom_dll_p",
    "zoom_dll_e",
    "phi_selection",
    "efficiency_cut",
    "efficiency_momentum",
    "efficiency_number_of_tracks",
    "correlations",
}


@pytest.fixture(scope="module")
def found():
    tracks = made_tracks.compared(6_000, weighted=False)
    worse = Tracks(
        tracks.spec, tracks.condition, tracks.reference, 3.0 * tracks.generated
    )
    return measure_tracks.everything(tracks, FACTS, 0, worse)


@pytest.fixture
def judged(found, monkeypatch):
    monkeypatch.setattr("metrics.pid.separation_auc.JUDGED_EFFECTIVE", 130.0)
    return found


def test_the_table_has_metrics_and_bins(found):
    lines = track_report.table(found)
    rows = [line.split()[0] for line in lines if line]
    assert "wasserstein_kaon_dll_k" in rows
    assert "delta_auc_proton_pion" in rows
    assert not any(row.startswith(("kolmogorov", "delta_auc_bin")) for row in rows)
    bins = lines[lines.index("") + 2 :]
    assert len(bins) == 27
    measured = [line for line in bins if line.endswith("not judged")]
    assert len(measured) == sum(one.difference is not None for one in found.bins)
    assert len({len(line) for line in measured}) == 1


def test_the_summary_counts_judged_bins(judged):
    bins = [one for one in judged.bins if one.judged]
    good = sum(one.within_goal for one in bins)
    assert 0 < good < len(bins)
    [line] = [line for line in track_report.summary(judged) if "judged bins" in line]
    assert f"in {good} of {len(bins)} judged bins" in line
    worst = max(bins, key=lambda one: abs(one.difference.value))
    assert f"{worst.difference.value:+.4f} ({worst.species} against pion" in line
    verdicts = [line.rpartition("  ")[2] for line in track_report.table(judged)[-27:]]
    assert verdicts.count("good") == good
    assert verdicts.count("misses the goal") == len(bins) - good


def test_the_summary_says_that_nothing_was_judged(found):
    lines = track_report.summary(found)
    assert any(line.startswith("No bin is judged: none has at least") for line in lines)
    assert any(line.startswith("Beats the untrained network") for line in lines)


def test_metrics_json(found):
    content = json.loads(json.dumps(track_report.as_json(found), allow_nan=False))
    assert content["model"] == "made_up/test"
    assert content["metrics"].keys() == found.metrics.keys()
    assert set(content["metrics"]["correlation_pion"]) == {
        "value", "uncertainty", "floor", "floor_uncertainty", "z",
    }  # fmt: skip
    assert content["species"]["pion"]["effective"] == len(found.tracks.members["pion"])
    assert len(content["auc_bins"]) == 27
    first = content["auc_bins"][0]
    assert first["species"] == "kaon"
    assert first["momentum_gev"] == found.grid.momentum_gev[:2].tolist()
    assert first["difference"] == pytest.approx(
        first["generated"] - first["reference"], abs=1e-12
    )
    sparse = [one for one in content["auc_bins"] if "difference" not in one]
    assert len(sparse) == sum(one.difference is None for one in found.bins)
    first = content["phi_selection"]["cuts"][0]
    metric = found.metrics["delta_phi_fake_rate_above_0"]
    assert (
        metric.value
        == first["fake_rate"]["generated"] - (first["fake_rate"]["reference"])
    )
    assert first["efficiency"]["generated_uncertainty"] > 0.0
    assert content["untrained"]["wasserstein_kaon_dll_e"]["factor"] > 2.0
    assert "notes" not in content


def test_the_folder_of_a_report(found, tmp_path):
    track_report.write(found, tmp_path / "report")
    figures = {path.stem for path in (tmp_path / "report/figures").iterdir()}
    assert figures == FIGURES
    text = (tmp_path / "report/index.html").read_text()
    assert text.count("data:image/png;base64,") == len(FIGURES)
    assert "DLLk of kaons" in text
    assert "kaon against pion, " in text
    assert "<h2>A selection of phi to two kaons</h2>" in text
    assert "efficiency, pairs of kaons" in text
    assert "http" not in text
    assert (tmp_path / "report/metrics.json").exists()


def test_without_pions_the_figures_that_need_them_are_left_out():
    tracks = made_tracks.compared(800, species=["kaon", "proton"])
    report = measure_tracks.everything(tracks, FACTS, 0)
    names = {plot.name for plot in track_plots.plots(report)}
    assert names == {"summary", "correlations"}
    assert len(track_report.table(report)) == 1 + 10 + 2


def test_figures_of_empty_bins_and_constant_likelihoods():
    condition = made_tracks.conditions(900, species=["kaon", "pion"])
    # All at low momentum and pseudorapidity but for one track.
    condition[1:, 0], condition[0, 0] = 5.0, 80.0
    pair = [made_tracks.responses(condition, seed) for seed in (1, 2)]
    for response in pair:
        response[:, :3] = 0.0
    tracks = Tracks(made_tracks.RICH, condition, *pair)
    report = measure_tracks.everything(tracks, FACTS, 0)
    with canvas.style():
        for plot in track_plots.plots(report):
            plot.figure().canvas.draw()


def test_the_map_shows_differences_where_they_are(found):
    [plot] = [one for one in track_plots.plots(found) if one.name == "delta_auc"]
    panels = [axes for axes in plot.figure().axes if axes.images]
    assert len(panels) == 6
    image = panels[0].images[0].get_array()
    for one in found.bins[:9]:
        along, across = divmod(one.number, 3)
        if one.difference is None:
            assert np.ma.getmaskarray(np.ma.masked_invalid(image))[across, along]
        else:
            assert image[across, along] == pytest.approx(one.difference.value)


def test_a_zoomed_panel_shows_the_middle_of_both_species():
    tracks = made_tracks.compared(6_000, weighted=False, species=["kaon", "pion"])
    grid, names = tracks.grid(3, CENTRAL), ("made_up", "toy")
    figure = likelihoods.zoomed_histograms(tracks, grid, names, "kaon", "dll_k")
    # 68 % of momentum and of pseudorapidity, which are independent here.
    assert f"{0.68**2:.0%} of the weights" in figure.get_suptitle()
    # One standard deviation below the pions' mean to one above the kaons'.
    low, high = figure.axes[0].get_xlim()
    assert low == pytest.approx(-2.0 - made_tracks.WIDTH, abs=1.2)
    assert high == pytest.approx(2.0 + made_tracks.WIDTH, abs=1.2)


def test_side_by_side(found, tmp_path):
    content = track_report.as_json(found)
    runs = [("runs/a", content), ("runs/b", content)]
    assert any("delta_auc_kaon_pion" in line for line in model_comparison.table(runs))
    model_comparison.write(runs, tmp_path / "both")
    assert "DLLmu of muons" in (tmp_path / "both/index.html").read_text()
