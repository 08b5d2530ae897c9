"""The compact generator and the layers of its own."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from data import spec as detectors
from data import transform
from models.core.compact import CompactGenerator, DepthToSpace, ScaleToEnergy

SPEC = detectors.get("ecal")
RESPONSE_PER_GEV = 34.0
ROOT, CUBE = (
    transform.RootOfEnergy(
        1.2, response_per_gev=RESPONSE_PER_GEV, energy_conditions=(0, 1, 2), power=power
    )
    for power in (4.0, 3.0)
)
SIZES = CompactGenerator(
    noise=3, noise_maps=2, dense=(4,), channels=2, filters=(4, 3), fluctuations=(4,),
    scales_cm=(2.0,),
)  # fmt: skip
# The middle of the domain, which reaches the dense layers as zeros.
MIDDLE_GEV = np.sqrt(100.001)
MIDDLE = np.array([[0.0, 0.0, MIDDLE_GEV, 0.0, 0.0]], np.float32)
CONDITION = np.array(
    [[3.0, 0.0, 4.0, 0.1, 0.2], [2.0, 3.0, 6.0, -0.3, 0.4]], np.float32
)
ENERGY_GEV = np.array([5.0, 7.0])


def _cells(seed=1):
    return np.random.default_rng(seed).exponential(size=(2, 3, 4)).astype(np.float32)


@pytest.mark.parametrize("fitted", [ROOT, CUBE])
def test_showers_get_the_energy_that_was_asked_for(fitted):
    deviation = np.array([[-0.5], [1.5]], np.float32)
    cells = _cells()
    scaled = np.asarray(ScaleToEnergy(fitted)(cells, deviation, CONDITION))
    total = np.asarray(fitted.decode(scaled, CONDITION)).sum(axis=(1, 2))
    wanted = 1.0 + deviation[:, 0] * 0.1 / np.sqrt(ENERGY_GEV)
    wanted *= RESPONSE_PER_GEV * ENERGY_GEV
    np.testing.assert_allclose(total, wanted, rtol=1e-4)
    ratio = scaled / cells
    np.testing.assert_allclose(ratio, ratio[:, :1, :1] * np.ones_like(cells), rtol=1e-5)


def test_hardly_any_energy_is_left_far_below_the_expected_one():
    deviation = np.full((2, 1), -1e3, np.float32)
    scaled = np.asarray(ScaleToEnergy(ROOT)(_cells(), deviation, CONDITION))
    total = np.asarray(ROOT.decode(scaled, CONDITION)).sum(axis=(1, 2))
    np.testing.assert_allclose(total, 1e-3 * RESPONSE_PER_GEV * ENERGY_GEV, rtol=1e-4)


def test_an_empty_shower_stays_empty_and_has_a_slope():
    cells, deviation = tf.zeros((2, 3, 4)), tf.ones((2, 1))
    with tf.GradientTape() as tape:
        tape.watch([cells, deviation])
        scaled = ScaleToEnergy(ROOT)(cells, deviation, CONDITION)
    assert not np.any(scaled)
    slopes = tape.gradient(scaled, [cells, deviation])
    assert all(np.isfinite(slope).all() for slope in slopes)


def test_every_block_spreads_over_its_four_cells():
    blocks = np.arange(2 * 3 * 8, dtype=np.float32).reshape(1, 2, 3, 8)
    cells = np.asarray(DepthToSpace()(blocks))
    assert cells.shape == (1, 4, 6, 2)
    for row, column, i, j in np.ndindex(2, 3, 2, 2):
        first = 2 * (2 * i + j)
        np.testing.assert_array_equal(
            cells[0, 2 * row + i, 2 * column + j],
            blocks[0, row, column, first : first + 2],
        )


def test_the_layers_are_made_again_from_their_configuration():
    inputs = _cells(), np.ones((2, 1), np.float32), CONDITION
    layer = ScaleToEnergy(CUBE)
    saved = keras.saving.serialize_keras_object(layer)
    again = keras.saving.deserialize_keras_object(saved, safe_mode=True)
    np.testing.assert_array_equal(again(*inputs), layer(*inputs))


def test_a_generator_gives_images_of_the_energy_it_was_asked_for():
    generator = SIZES.build(SPEC, ROOT)
    # Three numbers of a shower as a whole, and two per cell.
    assert generator.inputs[1].shape == (None, 3 + 2 * 900)
    noise = np.random.default_rng(1).normal(size=(1, 1803)).astype(np.float32)
    noise[:, :3] = 0.0
    encoded = np.asarray(generator([MIDDLE, noise]))
    assert encoded.shape == (1, *SPEC.shape)
    assert encoded.min() == 0.0
    assert 0.1 < np.mean(encoded > 0.0) < 0.9
    # Before any training the visible energy is the expected one.
    total = np.asarray(ROOT.decode(encoded, MIDDLE)).sum()
    assert total == pytest.approx(RESPONSE_PER_GEV * MIDDLE_GEV, rel=1e-4)


def test_one_number_of_the_noise_decides_on_one_cell():
    generator = SIZES.build(SPEC, ROOT)
    for layer in generator.layers:
        if isinstance(layer, keras.layers.Conv2D):
            layer.kernel.assign(tf.zeros(layer.kernel.shape))
    for cell in ((0, 0), (7, 12), (29, 28)):
        (row, i), (column, j) = (divmod(index, 2) for index in cell)
        maps = np.full((15, 15, 8), -1.0, np.float32)
        maps[row, column, 2 * i + j] = 1.0
        noise = np.concatenate([np.zeros((1, 3)), maps.reshape(1, -1)], axis=1)
        encoded = np.asarray(generator([MIDDLE, noise.astype(np.float32)]))
        np.testing.assert_array_equal(np.argwhere(encoded[0]), [cell])


def test_a_generator_follows_track_and_noise():
    generator = SIZES.build(SPEC, ROOT)
    noise = np.random.default_rng(1).normal(size=(2, 1803)).astype(np.float32)
    same_noise = np.asarray(generator([CONDITION, noise[[0, 0]]]))
    same_track = np.asarray(generator([CONDITION[[0, 0]], noise]))
    for pair in (same_noise, same_track):
        assert not np.array_equal(*pair)


@pytest.mark.parametrize(
    ("sizes", "shape", "fitted", "pattern"),
    [
        (SIZES, (29, 30), ROOT, r"an even number of rows .* received \(29, 30\) and 2"),
        (SIZES, (30, 29), ROOT, r"an even number .* received \(30, 29\) and 2"),
        (
            dataclasses.replace(SIZES, noise_maps=0), (30, 30), ROOT,
            r"at least one noise map, received \(30, 30\) and 0",
        ),
        (
            SIZES, (30, 30), transform.PowerOfFraction(34.0, (0, 1, 2)),
            "needs transform=root, .* received PowerOfFraction",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(sizes, shape, fitted, pattern):
    with pytest.raises(ValueError, match=pattern):
        sizes.build(dataclasses.replace(SPEC, shape=shape), fitted)
