"""The spectrum of cell energies: closed forms, and spectra that differ."""

import numpy as np
import pytest

from metrics.report.figures import canvas, spectra
from metrics.showers import cell_spectrum
from metrics.showers.shower_pairs import Comparison
from metrics.statistics.energy_bins import strata
from metrics.statistics.resampling import Resampling
from tests.metrics import made_up, small

EVENTS = 120


def _comparison(change, layers=(2,)):
    """Compares showers of exponential cells, half of them empty, with changed ones."""
    random = np.random.default_rng(3)
    spec = small.detector(*layers)
    condition = small.conditions(EVENTS)
    pair = random.exponential(2.0, (2, EVENTS, *spec.shape)).astype(np.float32)
    pair *= random.random(pair.shape) < 0.5
    return Comparison(spec, "mask", condition, pair[0], change(pair[1]))


def _resampling(comparison):
    return Resampling(strata(comparison.energy), seed=1, splits=2)


def test_hits_are_counted_in_open_bins():
    response = np.float32([[0.0, 0.5, 1.0, 9.0], [0.0, 0.0, 2.0, 2.0]])
    edges = np.array([1.0, 2.0, 3.0])
    expected = [[1, 1, 0, 1], [0, 0, 2, 0]]
    np.testing.assert_array_equal(cell_spectrum.hits_per_bin(response, edges), expected)
    many = np.tile(response, (700, 1))
    np.testing.assert_array_equal(
        cell_spectrum.hits_per_bin(many, edges), np.tile(expected, (700, 1))
    )


def test_bins_are_logarithmic_and_hold_all_but_the_tails():
    hits = np.float32(10.0 ** np.linspace(-3.0, 2.0, 100_001))
    edges = cell_spectrum.energy_edges(np.stack([hits, np.zeros_like(hits)]), 50)
    assert len(edges) == 49
    np.testing.assert_allclose(np.diff(np.log10(edges)), 5.0 * 0.996 / 48, rtol=1e-3)
    assert np.mean(hits < edges[0]) == pytest.approx(0.002, rel=0.01)
    with pytest.raises(ValueError, match="needs a hit"):
        cell_spectrum.energy_edges(np.zeros((2, 3), np.float32), 50)


def test_separation_of_known_spectra():
    first, second = np.array([[2.0, 0.0], [4.0, 0.0]]), np.array([[1.0, 1.0]])
    statistic = cell_spectrum.weighted_spectrum_separation(first, second)
    # h1 = (1, 0) and h2 = (1/2, 1/2): (1/4) / (3/2) + (1/4) / (1/2), halved.
    weights = np.array([[0.5, 0.5], [1.0, 0.0]])
    np.testing.assert_allclose(statistic(weights, np.ones((2, 1))), 1.0 / 3.0)
    none = cell_spectrum.weighted_spectrum_separation(0.0 * first, second)
    assert none(weights[:1], np.ones((1, 1)))[0] == pytest.approx(0.5)


def test_equal_spectra_reach_the_floor():
    comparison = _comparison(lambda response: response)
    metric = cell_spectrum.separation_cell_energy(comparison, _resampling(comparison))
    assert abs(metric.z) < 3.0
    assert 0.0 < metric.floor < 0.02


def test_hits_that_pile_up_are_seen():
    def pile_up(response):
        return np.where((response > 0.0) & (response < 0.4), 0.1, response)

    comparison = _comparison(pile_up)
    resampling = _resampling(comparison)
    metric = cell_spectrum.separation_cell_energy(comparison, resampling)
    assert metric.z > 10.0
    tests = cell_spectrum.spectrum_tests(comparison, resampling, seed=1)
    assert set(tests) == {"classifier_auc_spectrum", "classifier_auc_spectrum_layers"}
    for test in tests.values():
        assert test.metric.value > 0.9
        assert abs(test.metric.floor - 0.5) < 0.1


def test_layers_that_are_exchanged_are_seen_only_apart():
    def exchange(response):
        response[..., 0] *= 3.0
        return response[..., ::-1]

    comparison = _comparison(exchange)
    comparison.reference[..., 0] *= 3.0
    tests = cell_spectrum.spectrum_tests(comparison, _resampling(comparison), seed=1)
    assert tests["classifier_auc_spectrum"].metric.value < 0.65
    assert tests["classifier_auc_spectrum_layers"].metric.value > 0.95


def test_an_image_has_no_layers_to_tell_apart():
    comparison = _comparison(lambda response: response, layers=())
    tests = cell_spectrum.spectrum_tests(comparison, _resampling(comparison), seed=1)
    assert set(tests) == {"classifier_auc_spectrum"}


def test_figures_show_hits_a_shower():
    showers = made_up.comparison(small.detector(3))
    with canvas.style():
        figure = spectra.by_layer(showers, ("a", "b"), showers.energy_bins[0])
    uppers = figure.axes[::2]
    assert [axes.texts[0].get_text() for axes in uppers] == [
        f"layer {layer}" for layer in (1, 2, 3)
    ]
    chosen = showers.reference[showers.energy_bins[0].events]
    for layer, axes in enumerate(uppers):
        (stairs, _) = axes.patches
        hits = (chosen[..., layer] > stairs.get_data().edges[0]).sum() / len(chosen)
        assert stairs.get_data().values.sum() == pytest.approx(hits)


def test_hits_below_the_bins_are_told():
    showers = made_up.comparison(small.detector())
    showers.generated[showers.generated > 0.0] *= 1e-6
    figure = spectra.by_energy(showers, ("a", "b"))
    assert any("outside" in text.get_text() for text in figure.axes[0].texts)
