"""Pictures of showers beside each other."""

import io

import matplotlib
import numpy as np
import pytest

from data import detectors
from metrics.report.figures import event_displays
from tests.metrics import made_up, small

NAMES = ("made_up", "Geant4")


@pytest.mark.parametrize(
    ("name", "condition", "text"),
    [
        ("hgcal", [20.0, 1.234, -0.4], "20 GeV; impact (1.23, -0.40) cm"),
        (
            "ecal",
            [3.0, 0.0, 4.0, 0.1, 0.2],
            "5 GeV; momentum (3.00, 0.00, 4.00) GeV; impact (0.10, 0.20) cm",
        ),
    ],
)
def test_a_condition_in_words(name, condition, text):
    condition = np.array(condition, np.float32)
    assert event_displays.condition_text(detectors.get(name), condition) == text


def test_a_condition_that_is_no_vector():
    text = event_displays.condition_text(small.detector(), np.array([10, 0, 1, 990]))
    assert text == "10 GeV; impact (0.00, 1.00) cm; pressure 990.00 hPa"


@pytest.mark.parametrize("layers", [(), (2,)])
def test_pairs_of_low_middle_and_high_energy(layers):
    showers = made_up.comparison(small.detector(*layers))
    figure = event_displays.gallery(showers, NAMES)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    energies = [title.split()[0] for title in titles if title]
    assert energies == ["10", "40", "80"]
    labels = [axes.get_ylabel() for axes in figure.axes]
    assert sum(label.startswith("made_up") for label in labels) == (3 if layers else 1)
    scale = figure.axes[-1]
    assert scale.get_ylabel() == "cell energy [MeV]"
    assert len(figure.axes) == 2 * 3 * len(range(*layers or (1,))) + 1


def test_equal_colours_mean_equal_energies_and_empty_cells_are_white():
    showers = made_up.comparison(small.detector())
    showers.reference[:] = 0.0
    showers.generated[:] = 0.0
    showers.reference[:, 1, 2] = 5.0
    showers.generated[:, 3, 4] = 5.0
    showers.generated[:, 0, 0] = 50.0
    figure = event_displays.gallery(showers, NAMES)
    colours = [
        axes.collections[0].get_facecolor().reshape(6, 6, 4) for axes in figure.axes[:6]
    ]
    # Lines of the grid: the reference first.
    reference, generated = colours[0], colours[3]
    np.testing.assert_array_equal(reference[1, 2], generated[3, 4])
    np.testing.assert_array_equal(reference[0, 0], (1.0, 1.0, 1.0, 1.0))
    hottest = matplotlib.colormaps["plasma_r"](1.0)
    np.testing.assert_allclose(generated[0, 0], hottest)
    assert (reference != 1.0).any(axis=-1).sum() == 1


def test_closest_pairs_show_the_training():
    report = made_up.full_report(made_up.comparison(small.detector(2), events=200))
    figure = event_displays.closest_pairs(report.comparison, report.neighbours, NAMES)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    starts = [f"distance {distance:.3f};" for distance in report.neighbours.closest]
    assert [title[:15] for title in titles if title] == starts
    labels = [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel()]
    assert labels[:2] == ["made_up\ny [cm]", "training\ny [cm]"]


def test_empty_showers_are_drawn():
    showers = made_up.comparison(small.detector())
    showers.reference[:] = 0.0
    showers.generated[:] = 0.0
    event_displays.gallery(showers, NAMES).savefig(io.BytesIO(), dpi=20)
