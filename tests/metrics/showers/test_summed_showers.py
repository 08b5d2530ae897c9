"""Cells summed on both sides: after the rounding, before the threshold."""

import dataclasses

import numpy as np
import pytest

from common.rounding import rounded
from data.detectors.summed_cells import sum_cells, summed
from metrics.report.figures import event_displays
from metrics.showers import ties
from metrics.showers.nearest_neighbours import nearest_training_showers
from metrics.showers.shower_pairs import Comparison, profiles
from metrics.statistics.energy_bins import strata
from metrics.statistics.resampling import Resampling
from tests.metrics import small

BITS = 9


def _showers(spec, events=240):
    condition = small.conditions(events)
    return condition, *(small.showers(spec, condition, seed) for seed in (2, 3, 4))


@pytest.mark.parametrize("layers", [(), (2,)])
def test_everything_is_that_of_the_detector_of_the_sums(layers):
    fine = small.detector(*layers)
    condition, reference, generated, _ = _showers(fine, 40)
    found = Comparison(
        fine, "mask", condition, reference, generated, cell_cm=2.0, threshold=3.0
    )
    sums = (sum_cells(one, 2) for one in (reference, generated))
    expected = Comparison(summed(fine, 2.0), "mask", condition, *sums, threshold=3.0)
    assert found.spec.shape == (3, 3, *layers)
    # The threshold is one of the sums: some of them pass it with none of their cells.
    assert (
        (sum_cells(reference * (reference > 3.0), 2) == 0.0) & (found.reference > 0.0)
    ).any()
    for name in ("reference", "generated", "unrounded", "accepted"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    for side in range(2):
        for name, values in expected.values[side].items():
            np.testing.assert_array_equal(found.values[side][name], values)
    for name, pair in profiles(expected).items():
        np.testing.assert_array_equal(profiles(found)[name], pair)


def test_cells_are_rounded_before_they_are_summed():
    fine = small.detector()
    condition, reference, _, _ = _showers(fine, 60)
    stored = rounded(reference, BITS)
    found = Comparison(fine, "mask", condition, stored, reference, cell_cm=3.0)
    assert found.bits == BITS
    np.testing.assert_array_equal(found.generated, found.reference)
    # Rounding the sums instead would tell the two apart.
    late = rounded(sum_cells(reference, 3), BITS)
    assert (late != found.reference).mean() > 0.5
    resampling = Resampling(strata(found.energy), 0)
    assert set(ties.measure_ties(found, resampling)) == {"ties"}


def test_dead_cells_add_nothing_and_sums_of_them_are_left_out():
    dead = np.zeros((6, 6), bool)
    dead[:2, :2] = dead[2, 2] = True
    fine = dataclasses.replace(small.detector(), dead_cells=dead)
    condition, reference, generated, _ = _showers(fine, 12)
    masked = Comparison(fine, "mask", condition, reference, generated, cell_cm=2.0)
    assert masked.accepted.sum() == 8
    alive = sum_cells(np.where(dead, np.float32(0.0), reference), 2)
    np.testing.assert_array_equal(masked.reference, alive)
    full = Comparison(fine, "mask_full", condition, reference, generated, cell_cm=2.0)
    np.testing.assert_array_equal(full.reference, sum_cells(reference, 2))


def test_training_showers_are_summed_too():
    fine = small.detector()
    condition, reference, generated, training = _showers(fine)
    found = nearest_training_showers(
        Comparison(fine, "mask", condition, reference, generated, cell_cm=2.0),
        training,
        0,
    )
    assert found.closest_training.shape[1:] == (3, 3)
    sums = set(map(np.ndarray.tobytes, sum_cells(training, 2)))
    assert all(one.tobytes() in sums for one in found.closest_training)


def test_figures_name_the_cells():
    fine = small.detector()
    condition, *pair, _ = _showers(fine, 24)
    comparison = Comparison(fine, "mask", condition, *pair, None, 0.5, 2.0)
    figure = event_displays.gallery(comparison, ("a model", "Geant4"))
    texts = " ".join(text.get_text() for text in figure.texts)
    assert "(9 cells of 2 cm) and threshold 0.5 MeV on both sides" in texts
