"""The figures of several detectors, and what all figures share."""

import numpy as np
import pytest

from data import detectors
from metrics.report import shower_plots
from metrics.report.figures import (
    canvas,
    cell_drawing,
    cell_maps,
    condition_dependence,
    distributions,
    roc_and_prd,
)
from metrics.statistics.energy_bins import EnergyBin
from metrics.statistics.resampling import Metric
from tests.metrics import made_up, small

HGCAL = detectors.get("hgcal")
NAMES = ("made_up", "Geant4")
MOST = {
    "summary", "precision_recall", "roc", "gallery", "energy_dependence",
    "conditioning_incident_energy", "conditioning_slant", "visible_energy",
    "occupancy_map", "neighbours", "closest_pairs", "cell_energy",
    "cell_correlations",
}  # fmt: skip


@pytest.mark.parametrize(
    ("layers", "present", "absent"),
    [
        ((), {"mean_image"}, {"layer_occupancy", "depth_correlation"}),
        (
            (2,),
            {"layer_occupancy", "layer_correlation", "cell_energy_layers_lowest"},
            {"mean_image", "depth"},
        ),
    ],
)
def test_every_figure_is_drawn(tmp_path, layers, present, absent):
    condition = small.conditions(200)
    condition[:, 0] = np.where(condition[:, 0] > 20.0, 80.0, 10.0)
    showers = made_up.comparison(small.detector(*layers), condition=condition)
    found = shower_plots.plots(made_up.full_report(showers))
    names = [plot.name for plot in found]
    assert len(names) == len(set(names))
    assert MOST | present <= set(names)
    assert not absent & set(names)
    with canvas.style():
        for plot in found:
            plot.figure().savefig(tmp_path / "figure.png", dpi=20)
            assert plot.text.endswith(".")


def test_only_what_was_measured_is_drawn():
    showers = made_up.comparison(small.detector())
    names = {plot.name for plot in shower_plots.plots(made_up.report(showers))}
    assert {"summary", "gallery", "mean_image"} <= names
    assert not {"precision_recall", "roc", "neighbours", "closest_pairs"} & names
    assert not any(name.startswith("conditioning_") for name in names)


def test_areas_are_in_the_legends():
    report = made_up.full_report(made_up.comparison(small.detector(), events=200))
    for figure, first in ((roc_and_prd.precision_recall(report, NAMES), "PRD-AUC"),
                          (roc_and_prd.roc(report, NAMES), "AUC")):  # fmt: skip
        assert len(figure.axes) == 2
        for axes in figure.axes:
            texts = [text.get_text() for text in axes.get_legend().get_texts()]
            assert texts == [
                "Geant4 against itself: 0.900 ± 0.010", "made_up: 0.800 ± 0.010"
            ]  # fmt: skip
            assert axes.get_title(loc="left").startswith(first)
            box = axes.get_position()
            width, height = figure.get_size_inches() * (box.width, box.height)
            assert width == pytest.approx(height)
    lines = roc_and_prd.precision_recall(report, NAMES).axes[0].lines
    np.testing.assert_array_equal(lines[0].get_ydata(), made_up.curve().floor_y)
    np.testing.assert_array_equal(lines[1].get_ydata(), made_up.curve().y)


def test_five_roc_curves_stand_in_lines_of_three():
    found = made_up.comparison(small.detector(), events=200)
    names = [f"classifier_auc_{number}" for number in range(5)]
    report = made_up.report(
        found,
        metrics=dict.fromkeys(names, Metric(0.8, 0.01, 0.9, 0.01, 10.0)),
        roc=dict.fromkeys(names, made_up.curve()),
    )
    figure = roc_and_prd.roc(report, NAMES)
    boxes = [axes.get_position() for axes in figure.axes]
    assert [round(box.y0, 3) for box in boxes[:3]] == [round(boxes[0].y0, 3)] * 3
    assert [round(box.x0, 3) for box in boxes[3:]] == [
        round(box.x0, 3) for box in boxes[:2]
    ]
    assert boxes[0].y0 > boxes[3].y1
    assert 0.0 < boxes[3].y0 < boxes[0].y1 < 1.0
    for box in boxes:
        width, height = figure.get_size_inches() * (box.width, box.height)
        assert width == pytest.approx(height)


@pytest.mark.parametrize(("mean", "below"), [(5.0, "ratio"), (0.0, "diff. [cm]")])
def test_a_mean_near_zero_has_a_difference(mean, below):
    series = made_up.series("incident_energy", "impact_x_moments", mean)
    showers = made_up.comparison(small.detector())
    figure = condition_dependence.slices(showers, NAMES, [series])
    upper, lower = figure.axes[:2]
    assert upper.get_ylabel() == "mean [cm]"
    assert lower.get_ylabel() == below
    assert lower.get_xlabel() == "incident energy [GeV]"
    assert [axes.get_ylabel() for axes in figure.axes[2:]] == ["width [cm]", "ratio"]


def test_lines_of_means_and_widths_for_every_method():
    names = ("energy_moments", "impact_x_moments", "energy_regressor")
    series = [made_up.series("slant", name) for name in names]
    showers = made_up.comparison(small.detector())
    figure = condition_dependence.slices(showers, NAMES, series)
    shown = [(axes.get_title(loc="left"), axes.get_ylabel()) for axes in figure.axes]
    assert shown[::2] == [
        ("energy moments", "mean [cm]"),
        ("impact x moments", "mean [cm]"),
        ("energy moments", "width [cm]"),
        ("impact x moments", "width [cm]"),
        ("energy regressor", "mean [cm]"),
        ("energy regressor", "width [cm]"),
    ]
    assert figure.axes[1].get_xlabel() == "slant"


def test_the_ratio_of_mean_images():
    showers = made_up.comparison(small.detector())
    showers.generated[:] = 1.5 * showers.reference
    showers.reference[5:, 0, 0] = 0.0
    figure = cell_maps.mean_images(showers, NAMES)
    titles = [axes.get_title(loc="left") for axes in figure.axes[:3]]
    assert titles == ["Geant4", "made_up", "ratio"]
    (ratio,) = figure.axes[2].collections
    colours = ratio.get_facecolor()
    # White where too few showers hit the cell; else all have one ratio.
    assert colours[0, 3] == 0.0
    np.testing.assert_allclose(colours[1:], np.broadcast_to(colours[1], (35, 4)))
    assert colours[1, 0] > colours[1, 2]


def test_neighbours_mark_the_quantile():
    report = made_up.full_report(made_up.comparison(small.detector(), events=200))
    figure = distributions.neighbours(report.comparison, report.neighbours, NAMES)
    marked = figure.axes[0].lines[-1].get_xdata()[0]
    assert np.mean(report.neighbours.reference < marked) == pytest.approx(0.01)


def test_six_panels_at_most():
    condition = small.conditions(120)
    condition[:, 0] = np.random.default_rng(2).exponential(20.0, 120) + 1.0
    comparison = made_up.comparison(small.detector(3), condition=condition)
    assert len(comparison.energy_bins) == 10
    shown = canvas.shown_energy_bins(comparison)
    assert len(shown) == 6
    assert shown[0] is comparison.energy_bins[0]
    assert shown[-1] is comparison.energy_bins[-1]


def test_profile_of_a_line():
    x = np.linspace(0.0, 4.0, 400, endpoint=False)
    line = canvas.profile(x, 3.0 * x, np.array([0.0, 1.0, 2.0, 4.0, 5.0]))
    np.testing.assert_allclose(line.y[:3], [1.5, 4.5, 9.0], atol=0.02)
    # Uniform in a bin of width 3: sigma = 3 / sqrt 12, of 100 events.
    np.testing.assert_allclose(line.error[0], 3.0 / np.sqrt(12.0) / 10.0, rtol=1e-2)
    assert np.isnan(line.y[3])


def test_hexagons_of_the_hgcal_touch_and_squares_tile():
    hexagons, *others = cell_drawing.outlines(HGCAL)
    assert len(others) == 6
    assert hexagons.shape == (12, 15, 6, 2)
    sides = np.linalg.norm(np.diff(hexagons[5, 7], axis=0), axis=1)
    np.testing.assert_allclose(sides, 0.6496, rtol=1e-3)
    # The upper edge of a cell is the lower edge of the next one in its column.
    np.testing.assert_allclose(
        hexagons[5, 7][[5, 4]], hexagons[6, 7][[1, 2]], atol=1e-4
    )
    # Whichever of x and y is the first axis.
    for spec in (small.detector(), small.detector(2)):
        place = spec.positions_cm[2, 3].reshape(-1, 3)[0, :2]
        corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) / 2
        np.testing.assert_allclose(
            cell_drawing.outlines(spec)[0][2, 3], place + corners
        )


def test_an_energy_that_was_never_trained_on_is_marked():
    figure, [(upper, _)] = canvas.panels(1)
    canvas.tag(upper, EnergyBin(70.0, np.arange(3), trained=False))
    (text,) = upper.texts
    assert text.get_text() == "70 GeV\nnever trained on"
    assert text.get_color() == canvas.NEVER_TRAINED_COLOUR
    assert len(figure.axes) == 2
