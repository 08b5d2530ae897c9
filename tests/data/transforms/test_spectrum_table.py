"""The table of a spectrum: its fit, its edges, its slopes."""

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from data import detectors, transforms
from data.transforms.spectrum_table import SpectrumTable

SPEC = detectors.get("hgcal")


@pytest.fixture(scope="module")
def fitted():
    """A table of log-normal hits, and these."""
    random = np.random.default_rng(1)
    response = np.exp(0.5 + 1.3 * random.normal(size=(200, *SPEC.shape)))
    response = (response * (random.random(response.shape) < 0.3)).astype(np.float32)
    condition = np.tile(np.float32([[50.0, 0.0, 0.0]]), (200, 1))
    return transforms.fit("spectrum", response, condition, SPEC), response, condition


def test_encoded_hits_are_nearly_normal(fitted):
    table, response, condition = fitted
    encoded = np.asarray(table.encode(response, condition))[response > 0.0]
    normal = (encoded - table.median) / 0.25
    assert scipy.stats.kstest(normal, "norm").statistic < 0.005
    # The logarithm of a log-normal number is linear in it.
    wanted = (np.log(response[response > 0.0]) - 0.5) / 1.3
    np.testing.assert_allclose(normal[np.abs(wanted) < 3], wanted[np.abs(wanted) < 3],
                               atol=0.1)  # fmt: skip


def test_smooth_numbers_have_an_edge_where_the_spectrum_has_one():
    random = np.random.default_rng(2)
    hits = np.concatenate(
        [random.uniform(0.0, 0.8, 1000), random.uniform(0.8, 2, 9000)]
    )
    response = np.zeros((100, *SPEC.shape), np.float32)
    response.reshape(100, -1)[:, :100] = hits.reshape(100, 100)
    condition = np.tile(np.float32([[50.0, 0.0, 0.0]]), (100, 1))
    table = transforms.fit("spectrum", response, condition, SPEC)
    smooth = (table.median + 0.25 * random.normal(size=100_000)).astype(np.float32)
    drawn = np.asarray(table.decode(smooth, None))
    below, above = (
        np.mean((drawn > low) & (drawn < low + 0.1)) for low in (0.65, 0.85)
    )
    assert above / below == pytest.approx((0.9 / 1.2) / (0.1 / 0.8), rel=0.2)


def test_the_response_per_gev_is_that_of_the_events(fitted):
    table, response, _ = fitted
    wanted = response.sum(dtype=np.float64) / (200 * 50.0)
    assert table.response_per_gev == pytest.approx(wanted, rel=1e-5)


def test_the_slope_is_that_of_the_logarithm(fitted):
    table, _, _ = fitted
    # In the middle of segments: at a knot the slope changes.
    encoded = tf.constant([0.05, 0.31, 1.01, 1.97, 2.6])
    with tf.GradientTape() as tape:
        tape.watch(encoded)
        energy = table.decode(encoded, None)
    slope = np.asarray(tape.gradient(energy, encoded))
    step = 1e-3
    higher, lower = (np.asarray(table.decode(encoded + s, None)) for s in (step, -step))
    np.testing.assert_allclose(slope, (higher - lower) / (2 * step), rtol=0.05)
    assert (slope > 0.0).all()


def test_few_hits_give_a_table_all_the_same():
    response = np.zeros((2, *SPEC.shape), np.float32)
    response[0, 5, 5, 0] = 3.0
    condition = np.tile(np.float32([[50.0, 0.0, 0.0]]), (2, 1))
    table = transforms.fit("spectrum", response, condition, SPEC)
    decoded = table.decode(table.encode(response, condition), condition)
    np.testing.assert_allclose(decoded, response, rtol=1e-5)


def test_no_hits_are_refused():
    with pytest.raises(ValueError, match="the training responses are all 0"):
        transforms.fit("spectrum", np.zeros((2, *SPEC.shape)), np.ones((2, 3)), SPEC)


@pytest.mark.parametrize(
    ("knots", "pattern"),
    [
        ([1.0], "two or more positive energies, received"),
        ([0.0, 1.0], "two or more positive energies, received"),
        ([1.0, 1.0], "knots must increase strictly"),
        ([2.0, 1.0], "knots must increase strictly"),
    ],
)
def test_impossible_knots_are_refused(knots, pattern):
    with pytest.raises(ValueError, match=pattern):
        SpectrumTable(knots)
