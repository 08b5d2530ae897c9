"""What is measured of layers with different shapes, and of bins of a cylinder."""

import numpy as np
import pytest

from data import detectors
from data.detectors.flat_layers import folded
from metrics.report import shower_plots
from metrics.report.figures import canvas, cell_drawing
from metrics.showers import measure_showers, ties
from metrics.showers.cell_correlations import measure_cell_correlations
from metrics.showers.cell_spectrum import energy_edges, hits_per_bin
from metrics.showers.classifiers import cell_network
from metrics.showers.classifiers.calochallenge_features import (
    high_level,
    low_level,
    shower_shapes,
)
from metrics.showers.shower_pairs import Comparison, profiles
from metrics.statistics.energy_bins import strata
from metrics.statistics.resampling import Resampling
from tests import synthetic
from tests.metrics import flat_showers, made_up, small

CALOGAN = detectors.get("calogan")
RINGS = flat_showers.rings([(1, 3), (4, 5), (1, 2)], numbers=(0, 1, 12))
EVENTS = 60


def _comparison(spec, factor=1.0):
    sample = synthetic.sample(spec, EVENTS)
    generated = np.float32(factor) * sample.response
    return Comparison(spec, "mask", sample.condition, sample.response, generated)


@pytest.mark.parametrize("spec", [CALOGAN, RINGS], ids=lambda spec: spec.name)
def test_all_metrics_of_an_epoch_are_measured(spec):
    found = measure_showers.per_epoch(_comparison(spec, 1.1), seed=1)
    assert found["response_ratio_50gev"].value == pytest.approx(1.1)
    last = spec.layer_numbers[-1]
    assert found[f"mean_ratio_layer_energy_{last}"].value == pytest.approx(1.1)
    assert found["wasserstein_mean_layer"].value == pytest.approx(
        found["wasserstein_mean_layer"].floor
    )
    for name in ("profile_layer_occupancy", "profile_longitudinal", "prd_auc_raw",
                 "correlation_layers", "ties", "separation_cell_energy"):  # fmt: skip
        assert name in found


def test_layers_of_one_shape_have_the_same_profiles_ties_and_spectra():
    spec = small.detector(3)
    flat = flat_showers.flat(spec)
    condition = small.conditions(20)
    pair = [small.showers(spec, condition, seed).round(1) for seed in (1, 2)]
    folds = [flat_showers.fold_showers(spec, one) for one in pair]
    image = Comparison(spec, "mask", condition, *pair)
    cells = Comparison(flat, "mask", condition, *folds)
    of_image, of_cells = profiles(image), profiles(cells)
    for name in ("layer_occupancy", "longitudinal", "radial"):
        np.testing.assert_allclose(of_image[name], of_cells[name])
    shapes = flat.layer_shapes
    for function in (ties.tied_layers, ties.equal_pairs):
        np.testing.assert_allclose(function(pair[0]), function(folds[0], shapes))
    assert ties.equal_pairs(pair[0]).sum() > 0
    edges = energy_edges(pair[0], 4)
    for layer, unfolded in enumerate(flat.layer_images(folds[0])):
        np.testing.assert_array_equal(
            hits_per_bin(pair[0][..., layer], edges), hits_per_bin(unfolded, edges)
        )
    np.testing.assert_allclose(high_level(image), high_level(cells), rtol=1e-5)


def test_distances_between_cells_of_different_layers_have_no_meaning():
    comparison = _comparison(CALOGAN)
    resampling = Resampling(strata(comparison.energy), seed=1, replicates=2)
    with pytest.raises(ValueError, match="layers with cells of one shape"):
        measure_cell_correlations(comparison, resampling, seed=1)


def test_the_high_level_features_of_rings():
    # Layer 1: 2 MeV at the angle of -135 degrees, 6 MeV at +45, in the second ring.
    images = [np.zeros((2, *shape), np.float32) for shape in RINGS.layer_shapes]
    images[1][0, 0, 1], images[1][0, 2, 1] = 2.0, 6.0
    images[2][0, 0] = 3.0, 1.0
    response = folded(images)
    condition = np.full((2, 1), 10.0, np.float32)
    comparison = Comparison(RINGS, "mask", condition, response, response)
    found, _ = shower_shapes(comparison)
    # Their showers are in MeV: none is calibrated.
    np.testing.assert_allclose(found["layer_energy"], [[0, 8, 4], [0, 0, 0]])
    np.testing.assert_allclose(found["total_energy"], [[12.0], [0.0]])
    away = 15.0 / 2**0.5
    # Only the layer with angles has centres in x and y.
    for axis in "xy":
        np.testing.assert_allclose(found[f"centre_{axis}"], [[away / 2], [0]], 1e-6)
        width = 2.0 * away * (0.25 * 0.75) ** 0.5
        np.testing.assert_allclose(found[f"width_{axis}"], [[width], [0]], 1e-6)
    np.testing.assert_allclose(found["centre_r"], [[0, 15.0, 7.5], [0, 0, 0]])
    radial = 10.0 * (0.25 * 0.75) ** 0.5
    np.testing.assert_allclose(found["width_r"][0], [0, 0, radial], atol=1e-6)
    np.testing.assert_allclose(found["sparsity"], [[1, 0.9, 0], [1, 1, 1]])
    assert high_level(comparison)[0].shape == (2, 1 + 3 + 4 * 1 + 1 + 3 + 2 * 3)
    np.testing.assert_allclose(low_level(comparison)[0][0].sum(), 4.0 + 12.0 / 1e4)


def test_a_dense_network_sees_cells_that_are_no_image():
    comparison = _comparison(RINGS, 2.0)
    sides = comparison.generated, comparison.reference
    network = cell_network.CellNetwork(*sides, [np.zeros((EVENTS, 1))] * 2)
    generated, reference = network.predict(np.arange(2 * EVENTS)).reshape(2, EVENTS)
    assert np.all(generated != reference)


@pytest.mark.parametrize("spec", [CALOGAN, RINGS], ids=lambda spec: spec.name)
def test_figures_of_layers_are_drawn(spec):
    report = made_up.report(_comparison(spec))
    plots = {plot.name: plot for plot in shower_plots.plots(report)}
    assert {"gallery", "occupancy_map", "layer_occupancy"} <= plots.keys()
    with canvas.style():
        figure = plots["gallery"].figure()
        spectra = plots["cell_energy_layers_lowest"].figure()
    for one in (figure, spectra):
        texts = {text.get_text() for axes in one.axes for text in axes.texts}
        assert {f"layer {number}" for number in spec.layer_numbers} <= texts
    (cells,) = figure.axes[1].collections
    rows, columns = spec.layer_shapes[1]
    assert len(cells.get_paths()) == rows * columns


def test_sectors_fill_rings_of_equal_width():
    whole, sectors, _ = cell_drawing.outlines(RINGS)
    assert whole.shape[:2] == (1, 3)
    assert sectors.shape[:2] == (4, 5)
    radius = np.hypot(*np.moveaxis(sectors, -1, 0))
    expected = np.broadcast_to(np.arange(5), (4, 5))
    np.testing.assert_allclose(radius.min(axis=-1), expected, atol=1e-12)
    np.testing.assert_allclose(radius.max(axis=-1), expected + 1)
    # The first bin of the angle begins at -pi, and holds the centre of its cells.
    np.testing.assert_allclose(sectors[0, 0, 0], [-1.0, 0.0], atol=1e-12)
    assert np.all(sectors[0, 0] < 1e-12)


def test_of_many_layers_nine_are_drawn():
    assert cell_drawing.shown_layers(flat_showers.rings([(4, 2)] * 45)) == [
        0, 6, 11, 16, 22, 28, 33, 38, 44,
    ]  # fmt: skip
    assert cell_drawing.shown_layers(detectors.get("ecal")) == [0]
