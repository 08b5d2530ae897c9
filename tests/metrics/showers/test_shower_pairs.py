"""The readout threshold: both sides, before anything is computed."""

import numpy as np
import pytest

from data import detectors
from metrics.report.figures import event_displays
from metrics.showers.nearest_neighbours import nearest_training_showers
from metrics.showers.shower_pairs import Comparison
from tests.metrics import small

HGCAL = detectors.get("hgcal")


def _showers(events=240):
    condition = small.conditions(events)
    return condition, *(small.showers(HGCAL, condition, seed) for seed in (2, 3, 4))


def test_cells_up_to_the_threshold_are_empty_on_both_sides():
    condition, reference, generated, _ = _showers()
    threshold = float(np.quantile(reference[reference > 0.0], 0.5))
    plain = Comparison(HGCAL, "mask", condition, reference, generated)
    above = Comparison(HGCAL, "mask", condition, reference, generated, None, threshold)
    for found, whole in zip(
        (above.reference, above.generated, above.unrounded),
        (plain.reference, plain.generated, plain.unrounded),
        strict=True,
    ):
        np.testing.assert_array_equal(found, np.where(whole > threshold, whole, 0.0))
        assert 0 < (found > 0.0).sum() < (whole > 0.0).sum()
    hits = above.values[1]["number_of_hits"]
    np.testing.assert_array_equal(
        hits, (plain.reference > threshold).sum(axis=(1, 2, 3))
    )
    assert above.bits == plain.bits


def test_training_showers_are_read_out_alike():
    condition, reference, generated, training = _showers()
    threshold = float(np.quantile(reference[reference > 0.0], 0.5))
    above = Comparison(HGCAL, "mask", condition, reference, generated, None, threshold)
    found = nearest_training_showers(above, training, 0)
    cut = nearest_training_showers(above, above.read_out(training), 0)
    np.testing.assert_array_equal(found.closest_training, cut.closest_training)
    assert found.metric == cut.metric


def test_figures_name_the_threshold():
    condition, *showers, _ = _showers(24)
    above = Comparison(HGCAL, "mask", condition, *showers, None, 0.5)
    figure = event_displays.gallery(above, ("a model", "Geant4"))
    texts = [text.get_text() for text in figure.texts]
    assert any("and threshold 0.5 MIP on both sides" in text for text in texts)


@pytest.mark.parametrize("threshold", [-1.0, np.inf, np.nan])
def test_an_impossible_threshold_is_refused(threshold):
    condition, *showers, _ = _showers(8)
    with pytest.raises(ValueError, match="threshold must be finite and at least 0 MIP"):
        Comparison(HGCAL, "mask", condition, *showers, None, threshold)
