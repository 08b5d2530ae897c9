"""Ties of hits: what is counted, and that made-up ties are found."""

import numpy as np
import pytest

from common.rounding import rounded
from data import detectors
from metrics.showers import ties
from metrics.showers.shower_pairs import Comparison
from metrics.statistics.resampling import Resampling
from tests.metrics import small

SPEC = small.detector(2)
EVENTS = 300


def test_empty_cells_are_not_equal_hits():
    response = np.zeros((3, 2, 3, 2), np.float32)
    response[1, :, :, 0] = [[1, 2, 1], [3, 4, 1]]
    response[2, 0, :, 0], response[2, 1, :, 1] = [5, 5, 6], [5, 7, 7]
    np.testing.assert_array_equal(ties.tied_layers(response), [0.0, 0.5, 1.0])
    # Three equal hits make three pairs; a hit of another layer makes none.
    np.testing.assert_array_equal(ties.equal_pairs(response), [0.0, 1.5, 1.0])
    np.testing.assert_array_equal(ties.tied_layers(response[..., 0]), [0.0, 1.0, 1.0])


def _measured(change=None, bits=23, spec=SPEC):
    random = np.random.default_rng(4)
    condition = small.conditions(EVENTS)
    reference, generated = random.exponential(2.0, (2, EVENTS, *spec.shape))
    reference = rounded(reference.astype(np.float32), bits)
    generated = generated.astype(np.float32)
    if change is not None:
        change(generated)
    comparison = Comparison(spec, "mask", condition, reference, generated)
    return ties.measure_ties(comparison, Resampling(np.zeros(EVENTS, np.int64), 1))


@pytest.mark.parametrize("layers", [(), (2,)])
def test_rounded_alike_both_sides_have_as_many_ties(layers):
    found = _measured(bits=7, spec=small.detector(*layers))
    assert found["ties"].floor > 0.3
    assert abs(found["ties"].z) < 3.0
    assert found["ties_unrounded"].value < 0.01
    assert 0.0 < found["ties_unrounded"].floor < 1e-3
    assert abs(found["ties_unrounded"].z) < 3.0


def test_what_is_not_rounded_is_measured_once():
    assert set(_measured()) == {"ties"}


def test_a_gate_that_gives_many_cells_one_energy_is_seen():
    def clip(generated):
        np.maximum(generated, 0.2, out=generated)

    for bits in (9, 23):
        for metric in _measured(clip, bits).values():
            assert metric.value > 0.8
            assert metric.z > 20.0


def test_a_tie_in_every_layer_is_as_sure_as_one_shower():
    def fill(generated):
        generated[...] = 1.0

    metric = _measured(fill)["ties"]
    assert (metric.value, metric.floor) == (1.0, 0.0)
    assert metric.uncertainty == pytest.approx(1.0 / EVENTS)
    assert metric.z == pytest.approx(EVENTS)


def test_the_acceptance_hides_ties_of_dead_cells():
    hgcal = detectors.get("hgcal")
    response = np.zeros((4, *hgcal.shape), np.float32)
    response[:, hgcal.dead_cells & hgcal.cells] = 1.0
    condition = np.tile(np.float32([20.0, 0.0, 0.0]), (4, 1))
    resampling = Resampling(np.zeros(4, np.int64), 1)
    for mask, expected in (("mask", False), ("mask_full", True)):
        comparison = Comparison(hgcal, mask, condition, response, response)
        found = ties.measure_ties(comparison, resampling)["ties"]
        assert (found.value > 0.0) is expected
