"""Which cells are hit, how much energy they get, and that nothing piles up."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from data import detectors
from data.transforms.spectrum_table import SpectrumTable
from models.layers import filling
from models.layers.shower_statistics import LayeredStatistics

SHAPE = (3, 4, 2)
ACCEPTED = np.ones(SHAPE, bool)
ACCEPTED[0, :, 1] = False
TABLE = SpectrumTable(np.geomspace(0.01, 100.0, 40), response_per_gev=0.25)


def _normal(*shape, seed=1):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("noise", [0.0, 1.0])
@pytest.mark.parametrize("score", [-3.0, -0.5, 0.0, 0.5, 3.0])
@pytest.mark.parametrize("amplitude", [-1.0, -0.1, 2.0])
def test_the_gate_opens_for_positive_scores(amplitude, score, noise):
    inputs = tf.constant([amplitude, score], shape=(1, 1, 1, 2))
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        cell = filling.HitGate()(inputs, tf.fill((1, 1, 1, 1), noise))
    score += 1.702 * noise
    height = 0.1 * np.exp(0.5 * min(amplitude, 0.0)) + max(amplitude, 0.0)
    is_open = score > 0.0
    assert cell.shape == (1, 1, 1, 1)
    np.testing.assert_allclose(cell, np.full(cell.shape, height * is_open), rtol=1e-6)
    assert float(cell[0, 0, 0, 0]) > 0.0 or not is_open
    assert float(cell[0, 0, 0, 0]) == 0.0 or is_open
    smooth = 1.0 / (1.0 + np.exp(-score))
    rise = 1.0 if amplitude > 0.0 else 0.05 * np.exp(0.5 * amplitude)
    slopes = [rise * is_open, height * smooth * (1.0 - smooth)]
    np.testing.assert_allclose(
        np.ravel(tape.gradient(cell, inputs)), slopes, rtol=1e-5, atol=1e-7
    )


def test_a_score_sets_the_probability_of_a_hit():
    noise = _normal(1, 100, 1000, 1)
    score = np.full_like(noise, -3.0)
    cells = filling.HitGate()(np.concatenate([np.ones_like(noise), score], -1), noise)
    # The normal stands in for the logistic distribution, whose 4.7 % it makes 3.9 %.
    assert abs(np.mean(np.asarray(cells) > 0.0) - 0.039) < 0.002


def test_the_gate_takes_amplitudes_first():
    inputs = np.arange(1.0, 9.0, dtype=np.float32).reshape(1, 1, 1, 8)
    cells = np.ravel(filling.HitGate()(inputs, np.zeros((1, 1, 1, 4), np.float32)))
    np.testing.assert_allclose(cells, [1.1, 2.1, 3.1, 4.1], rtol=1e-6)


def test_no_two_hits_are_equal_and_none_pile_up():
    """Amplitudes of any size, rounded as float32 are, through table and root."""
    amplitude = 4.0 * _normal(200_000)
    encoded = np.asarray(filling.positive(amplitude))
    assert encoded.min() > 0.0
    assert len(np.unique(encoded)) > 0.999 * len(np.unique(amplitude))
    for energy in (TABLE.decode(encoded, None), encoded**4):
        decade = np.floor(np.log10(energy))
        numbers = np.unique(decade, return_counts=True)[1]
        assert numbers[0] < 0.01 * len(amplitude)


def _counted(counts, seed=1):
    inputs, noise = (
        _normal(len(counts), 3, 4, 4, seed=seed),
        _normal(len(counts), *SHAPE),
    )
    cells = filling.counted(inputs, noise, np.array(counts, np.float32), ACCEPTED, 1.0)
    return inputs, noise, np.asarray(cells)


def test_the_highest_scores_are_hit():
    counts = [[0, 0], [1, 2], [5, 8], [12, 7], [3, 0]]
    inputs, noise, cells = _counted(counts)
    np.testing.assert_array_equal((cells > 0.0).sum(axis=(1, 2)), counts)
    assert not cells[:, ~ACCEPTED].any()
    score = np.where(ACCEPTED, inputs[..., 2:] + 1.702 * noise, -np.inf)
    for event, layer in np.ndindex(5, 2):
        hit = cells[event, ..., layer] > 0.0
        if 0 < hit.sum() < hit.size:
            scores = score[event, ..., layer]
            assert scores[hit].min() > scores[~hit].max()
    amplitude = np.asarray(filling.positive(inputs[..., :2] + 1.0))
    np.testing.assert_allclose(cells[cells > 0], amplitude[cells > 0.0], rtol=1e-5)


def test_more_hits_than_cells_are_all_cells():
    cells = _counted([[40, 40]])[2]
    np.testing.assert_array_equal(cells[0] > 0.0, ACCEPTED)


def test_the_gradient_says_which_cells_and_not_how_many():
    inputs, noise = tf.constant(_normal(4, 3, 4, 4)), _normal(4, *SHAPE)
    counts = np.full((4, 2), 3.0, np.float32)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        cells = filling.counted(inputs, noise, counts, ACCEPTED, 1.0)
    slope = np.asarray(tape.gradient(cells, inputs))
    assert np.isfinite(slope).all()
    assert (slope[..., 2:][:, ACCEPTED] > 0.0).all()
    assert not slope[..., 2:][:, ~ACCEPTED].any()


def test_layers_get_their_energy_from_their_cores():
    response = np.zeros((1, 3, 4, 2), np.float32)
    response[0, 0, 0] = [1.0, 0.0]
    response[0, 1, 1] = [100.0, 3.0]
    moved = np.asarray(filling.move_core(response, np.array([[120.0, 3.0]]), 10.0))
    np.testing.assert_allclose(moved.sum(axis=(1, 2)), [[120.0, 3.0]], rtol=1e-5)
    # lambda = 19 / (100 * 100 / 110 + 1 * 1 / 11).
    assert moved[0, 0, 0, 0] == pytest.approx(1.0 + 0.20879 / 11.0, rel=1e-4)
    assert moved[0, 1, 1, 0] == pytest.approx(100.0 * (1.0 + 0.20879 / 1.1), rel=1e-4)
    np.testing.assert_allclose(moved[..., 1], response[..., 1], rtol=1e-6)


@pytest.mark.parametrize("wanted", [5.0, 40.0])
def test_what_the_cores_cannot_give_all_cells_give(wanted):
    response = np.random.default_rng(1).exponential(size=(2, 3, 4, 2))
    response = response.astype(np.float32)
    moved = filling.move_core(response, np.full((2, 2), wanted, np.float32), 10.0)
    total = np.sum(moved, axis=(1, 2))
    np.testing.assert_allclose(total, np.full((2, 2), wanted), rtol=1e-4)
    assert np.min(moved) > 0.0


@pytest.mark.parametrize("factor", [1e-3, 1e3])
def test_energies_far_off_stay_so_and_have_a_slope(factor):
    response = tf.constant([[[[3.0]], [[5.0]]]])
    with tf.GradientTape() as tape:
        tape.watch(response)
        moved = filling.move_core(response, tf.constant([[8.0 * factor]]), 10.0)
        total = tf.reduce_sum(moved)
    core = 9.0 / 13.0 + 25.0 / 15.0
    limits = {1e-3: (8.0 - 0.5 * core) / 4.0, 1e3: (8.0 + core) * 4.0}
    assert float(total) == pytest.approx(limits[factor], rel=1e-5)
    assert (np.asarray(tape.gradient(total, response)) > 0.0).all()


def test_an_empty_layer_stays_empty_and_has_a_slope():
    response, wanted = tf.zeros((2, 3, 4, 2)), tf.ones((2, 2))
    with tf.GradientTape() as tape:
        tape.watch([response, wanted])
        moved = filling.move_core(response, wanted, 10.0)
    assert not np.any(moved)
    slopes = tape.gradient(moved, [response, wanted])
    assert all(np.isfinite(slope).all() for slope in slopes)


def _filled(layer, statistics, condition):
    drawn = np.zeros((3, len(statistics.typical[0])), np.float32)
    # 3 + u hits and 0 + u; 5 and 2; 1 and 1, with the energies shared in two ways.
    drawn[:, 1:3] = np.sqrt([[3.5, 0.3], [5.1, 2.9], [1.2, 1.0]])
    drawn[:, 3] = [0.0, 1.0, -0.5]
    inputs = 0.1 * _normal(3, 3, 4, 4), _normal(3, *SHAPE)
    return drawn, np.asarray(layer(*inputs, drawn, condition))


def test_a_shower_has_the_drawn_energies_and_numbers_of_hits():
    positions = np.zeros((3, 4, 2), np.float32)
    statistics = LayeredStatistics(TABLE, positions, [1, 2], [1.0], 2)
    layer = filling.FillShower(statistics, ACCEPTED, 5.0)
    condition = np.array([[20.0, 0.0, 0.0]] * 3, np.float32)
    drawn, encoded = _filled(layer, statistics, condition)
    np.testing.assert_array_equal(
        (encoded > 0.0).sum(axis=(1, 2)), [[3, 0], [5, 2], [1, 1]]
    )
    fraction = 1.0 / (1.0 + np.exp(-drawn[:, 3]))
    fraction[0] = 1.0
    energies = 5.0 * np.stack([fraction, 1.0 - fraction], axis=1)
    total = np.asarray(TABLE.decode(encoded, condition)).sum(axis=(1, 2))
    np.testing.assert_allclose(total, energies, rtol=1e-4)
    saved = keras.saving.serialize_keras_object(layer)
    again = keras.saving.deserialize_keras_object(saved, safe_mode=True)
    np.testing.assert_array_equal(_filled(again, statistics, condition)[1], encoded)


def test_the_gate_is_made_again_from_its_configuration():
    layer, inputs = filling.HitGate(), (_normal(1, 3, 4, 2), _normal(1, 3, 4, 1))
    saved = keras.saving.serialize_keras_object(layer)
    again = keras.saving.deserialize_keras_object(saved, safe_mode=True)
    np.testing.assert_array_equal(again(*inputs), layer(*inputs))


def test_a_detector_that_is_known_fits():
    spec = detectors.get("hgcal")
    counts = np.array([[30.0] * 7], np.float32)
    inputs, noise = _normal(1, 12, 15, 14), _normal(1, *spec.shape)
    accepted = spec.acceptance("mask")
    cells = np.asarray(filling.counted(inputs, noise, counts, accepted, 1.0))
    np.testing.assert_array_equal((cells > 0.0).sum(axis=(1, 2)), counts)
    assert not cells[:, ~accepted].any()
