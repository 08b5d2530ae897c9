"""Figures of detectors other than the HGCAL, and what all figures share."""

import dataclasses

import numpy as np
import pytest

from data import spec as detectors
from metrics import canvas, maps, measure, plots, report
from metrics.comparison import Comparison
from metrics.groups import Beam

HGCAL = detectors.get("hgcal")
EVENTS = 120


def _grid(shape):
    """A detector of square cells of 2 cm."""
    positions = np.zeros((*shape, 3), np.float32)
    positions[..., 0] = np.arange(shape[1]).reshape(1, -1, *[1] * (len(shape) - 2)) * 2
    positions[..., 1] = np.arange(shape[0]).reshape(-1, *[1] * (len(shape) - 1)) * 2
    return dataclasses.replace(
        HGCAL,
        name="grid",
        shape=shape,
        unit="MeV",
        cells=np.ones(shape, bool),
        dead_cells=np.zeros(shape, bool),
        positions_cm=positions,
        layer_depths_x0=(),
    )


def _comparison(spec, energies):
    random = np.random.default_rng(1)
    condition = np.column_stack([energies, random.normal(5.0, 1.0, (EVENTS, 2))])
    size = (2, EVENTS, *spec.shape)
    response = random.gamma(1.0, size=size) * (random.random(size) < 0.3)
    pair = response.astype(np.float32)
    return Comparison(spec, "mask_full", condition.astype(np.float32), *pair)


CONTINUOUS = np.random.default_rng(2).exponential(20.0, EVENTS) + 1.0


@pytest.mark.parametrize(
    ("shape", "energies", "absent"),
    [
        ((6, 5), CONTINUOUS, {"layer_occupancy", "depth", "depth_correlation"}),
        ((4, 5, 2), np.full(EVENTS, 30.0), {"depth", "depth_correlation"}),
    ],
)
def test_every_figure_of_another_detector(tmp_path, shape, energies, absent):
    comparison = _comparison(_grid(shape), energies)
    facts = {"model": "made_up", "reference_name": "Geant4"}
    report.write(measure.everything(comparison, facts, seed=1), tmp_path / "report")
    drawn = {path.stem for path in (tmp_path / "report/figures").iterdir()}
    assert {"visible_energy", "gallery", "occupancy_map", "energy_dependence"} <= drawn
    assert not absent & drawn
    assert ("layer_correlation" in drawn) == (len(shape) == 3)


def test_names_of_figures_differ():
    comparison = _comparison(_grid((4, 5, 3)), CONTINUOUS)
    facts = {"model": "made_up", "reference_name": "Geant4"}
    names = [plot.name for plot in plots.plots(_report(comparison, facts))]
    assert len(names) == len(set(names))


def _report(comparison, facts):
    return measure.Report(comparison, facts, {}, [], {})


def test_six_panels_at_most():
    comparison = _comparison(_grid((4, 5, 3)), CONTINUOUS)
    assert len(comparison.beams) == 10
    shown = canvas.shown_beams(comparison)
    assert len(shown) == 6
    assert shown[0] is comparison.beams[0]
    assert shown[-1] is comparison.beams[-1]


def test_profile_of_a_line():
    x = np.linspace(0.0, 4.0, 400, endpoint=False)
    line = canvas.profile(x, 3.0 * x, np.array([0.0, 1.0, 2.0, 4.0, 5.0]))
    np.testing.assert_allclose(line.y[:3], [1.5, 4.5, 9.0], atol=0.02)
    # Uniform in a bin of width 3: sigma = 3 / sqrt 12, of 100 events.
    np.testing.assert_allclose(line.error[0], 3.0 / np.sqrt(12.0) / 10.0, rtol=1e-2)
    assert np.isnan(line.y[3])


def test_hexagons_of_the_hgcal_touch_and_squares_tile():
    hexagons = maps.outlines(HGCAL)
    assert hexagons.shape == (*HGCAL.shape, 6, 2)
    sides = np.linalg.norm(np.diff(hexagons[5, 7, 0], axis=0), axis=1)
    np.testing.assert_allclose(sides, 0.6496, rtol=1e-3)
    # The upper edge of a cell is the lower edge of the next one in its column.
    np.testing.assert_allclose(
        hexagons[5, 7, 0][[5, 4]], hexagons[6, 7, 0][[1, 2]], atol=1e-4
    )
    squares = maps.outlines(_grid((6, 5)))
    np.testing.assert_allclose(
        squares[2, 3, 0], [[5.0, 3.0], [7.0, 3.0], [7.0, 5.0], [5.0, 5.0]]
    )


def test_a_beam_that_was_never_trained_on_is_marked():
    figure, [(upper, _)] = canvas.panels(1)
    canvas.tag(upper, Beam(70.0, np.arange(3), trained=False))
    (text,) = upper.texts
    assert text.get_text() == "70 GeV\nnever trained on"
    assert text.get_color() == canvas.NEVER_TRAINED_COLOUR
    assert len(figure.axes) == 2
