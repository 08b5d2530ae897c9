"""The compact generator and the layers of its own."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from data import detectors, transforms
from data.transforms.spectrum_table import SpectrumTable
from models.networks.compact_generator import (
    CompactGenerator,
    DepthToSpace,
    image_statistics,
)

SPEC = detectors.get("ecal")
TABLE = SpectrumTable(
    np.geomspace(1e-3, 1e4, 60), response_per_gev=34.0, energy_conditions=(0, 1, 2)
)
SIZES = CompactGenerator(
    noise=3, noise_maps=2, dense=(4,), channels=2, filters=(4, 3),
    statistics_hidden=4, scales_cm=(2.0,), core=5.0,
)  # fmt: skip
# The middle of the domain, which reaches the dense layers as zeros.
MIDDLE_GEV = np.sqrt(100.001)
MIDDLE = np.array([[0.0, 0.0, MIDDLE_GEV, 0.0, 0.0]], np.float32)
CONDITION = np.array(
    [[3.0, 0.0, 4.0, 0.1, 0.2], [2.0, 3.0, 6.0, -0.3, 0.4]], np.float32
)


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


def _built():
    keras.utils.set_random_seed(1)
    return SIZES.build(SPEC, image_statistics(SPEC, TABLE, (1.0,)))


def _noise(generator, rows, seed=1):
    shape = rows, generator.inputs[1].shape[-1]
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_a_generator_gives_images_of_the_hits_that_were_drawn():
    generator = _built()
    # Two numbers of each statistic, three of a shower as a whole, two per cell.
    draw = generator.get_layer("draw")
    statistics = draw.output[0].shape[-1]
    assert generator.inputs[1].shape == (None, 2 * statistics + 3 + 2 * 900)
    noise = _noise(generator, 2)
    drawn, _, _ = draw([CONDITION, noise[:, : 2 * statistics]])
    _, hits = image_statistics(SPEC, TABLE, (1.0,)).layers_of(drawn, CONDITION)
    encoded = np.asarray(generator([CONDITION, noise]))
    assert encoded.shape == (2, *SPEC.shape)
    np.testing.assert_array_equal((encoded > 0.0).sum(axis=(1, 2)), hits[:, 0])


def test_one_number_of_the_noise_decides_on_one_cell():
    """Where all scores are equal, the cells of the largest noise are hit."""
    generator = _built()
    for layer in generator.layers:
        if isinstance(layer, keras.layers.Conv2D):
            layer.kernel.assign(tf.zeros(layer.kernel.shape))
    for cell in ((0, 0), (7, 12), (29, 28)):
        (row, i), (column, j) = (divmod(index, 2) for index in cell)
        noise = _noise(generator, 1)
        maps = np.full((15, 15, 8), -1.0, np.float32)
        maps[row, column, 2 * i + j] = 1.0
        noise[:, -1800:] = maps.ravel()
        encoded = np.asarray(generator([MIDDLE, noise]))
        assert encoded[0][cell] > 0.0


def test_a_generator_follows_track_and_noise():
    generator = _built()
    noise = _noise(generator, 2)
    same_noise = np.asarray(generator([CONDITION, noise[[0, 0]]]))
    same_track = np.asarray(generator([CONDITION[[0, 0]], noise]))
    for pair in (same_noise, same_track):
        assert not np.array_equal(*pair)


@pytest.mark.parametrize(
    ("sizes", "shape", "pattern"),
    [
        (SIZES, (29, 30), r"an even number of rows .* received \(29, 30\) and 2"),
        (SIZES, (30, 29), r"an even number .* received \(30, 29\) and 2"),
        (
            dataclasses.replace(SIZES, noise_maps=0), (30, 30),
            r"at least one noise map, received \(30, 30\) and 0",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(sizes, shape, pattern):
    statistics = image_statistics(SPEC, TABLE, (1.0,))
    with pytest.raises(ValueError, match=pattern):
        sizes.build(dataclasses.replace(SPEC, shape=shape), statistics)


def test_statistics_need_the_table_of_a_spectrum():
    with pytest.raises(ValueError, match=r"transform=spectrum, .* PowerOfFraction"):
        image_statistics(SPEC, transforms.PowerOfFraction(34.0, (0, 1, 2)), (1.0,))
