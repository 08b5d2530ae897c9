"""Rounding, and telling to how many bits numbers were rounded."""

import numpy as np
import pytest

from common import rounding


def test_rounding_is_to_nearest():
    values = np.float32([0, 1, 1 + 2**-12, 1 + 3 * 2**-12, 1 + 2**-13, -3.7, 1e-30])
    expected = [0, 1, 1, 1 + 2 * 2**-11, 1, -3.7, 1e-30]
    found = rounding.rounded(values, 11)
    np.testing.assert_allclose(found, expected, rtol=2**-12)
    np.testing.assert_array_equal(found[:5], np.float32(expected[:5]))
    random = np.random.default_rng(1).lognormal(sigma=9, size=10_000).astype("f4")
    error = np.abs(rounding.rounded(random, 11) - random) / random
    assert 2**-13 < error.max() <= 2**-12


@pytest.mark.parametrize("bits", [7, 11, 16, 22])
def test_the_bits_of_rounded_numbers_are_found(bits):
    values = np.random.default_rng(2).lognormal(sigma=5, size=(50, 8)).astype("f4")
    values[::2] = 0.0
    assert rounding.stored_bits(values) == 23
    found = rounding.rounded(values, bits)
    assert rounding.stored_bits(found) == bits
    np.testing.assert_array_equal(rounding.rounded(found, bits), found)
    assert (found[::2] == 0.0).all()


def test_numbers_of_all_bits_stay():
    values = np.float32([0.1, -0.2, 0.0])
    np.testing.assert_array_equal(rounding.rounded(values, 23), values)


@pytest.mark.parametrize("values", [[], [0.0, 0.0], [1.0, 3.0, 96.0]])
def test_a_few_whole_numbers_are_not_taken_for_rounded(values):
    assert rounding.stored_bits(np.float32(values)) == 23
