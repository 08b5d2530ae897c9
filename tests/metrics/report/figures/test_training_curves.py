"""Training curves: which are drawn where, and only what is known."""

import dataclasses

import numpy as np
import pytest

from data import detectors
from metrics.evaluation.saved_model import SavedSimulator
from metrics.report import shower_plots
from metrics.report.figures import training_curves
from tests.metrics import made_up, small, stand_in

HISTORY = {
    name: np.arange(3.0)
    for name in (
        "critic_loss", "generator_loss", "penalty", "critic_gradient_norm",
        "energy_loss", "energy_constraint", "val_wasserstein_radius",
    )
}  # fmt: skip


def test_every_curve_has_its_panel():
    assert training_curves.of_panels(HISTORY) == {
        "Objective": ["critic_loss", "generator_loss"],
        "Constrainers and regressors": ["energy_loss", "energy_constraint"],
        "Penalty and gradient norms": ["penalty", "critic_gradient_norm"],
    }
    assert training_curves.of_panels({"val_wasserstein_radius": np.ones(2)}) == {}


def test_the_curves_are_drawn_over_epochs():
    figure = training_curves.training_curves(HISTORY, "a model")
    [axes, _, last] = figure.axes
    assert [line.get_label() for line in axes.lines] == [
        "critic loss",
        "generator loss",
    ]
    np.testing.assert_array_equal(last.lines[0].get_xdata(), [1, 2, 3])
    np.testing.assert_array_equal(last.lines[0].get_ydata(), [0.0, 1.0, 2.0])


@pytest.mark.parametrize("history", [{}, HISTORY])
def test_a_report_has_the_figure_where_the_history_is_known(history):
    report = made_up.report(made_up.comparison(small.detector(2)))
    report = dataclasses.replace(report, history=history)
    names = [plot.name for plot in shower_plots.plots(report)]
    assert ("training_curves" in names) == bool(history)


def test_the_history_lies_beside_the_model(tmp_path):
    spec = detectors.get("hgcal")
    stand_in.export(tmp_path / "saved_model", spec)
    assert SavedSimulator(tmp_path / "saved_model", spec).history == {}
    (tmp_path / "history.csv").write_text("epoch,critic_loss\n0,1.5\n1,-2\n")
    found = SavedSimulator(tmp_path / "saved_model", spec).history
    np.testing.assert_array_equal(found["critic_loss"], [1.5, -2.0])
    for text in ("", "epoch,critic_loss\n0,much\n", "epoch,critic_loss\n0\n"):
        (tmp_path / "history.csv").write_text(text)
        with pytest.raises(ValueError, match="is not the history of a training"):
            SavedSimulator(tmp_path / "saved_model", spec)
