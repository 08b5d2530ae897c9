"""The division of an energy in two: what is drawn is what is scored."""

import numpy as np
import pytest
import scipy.special
import tensorflow as tf

from losses import likelihood
from models.likelihood import energy_split

DRAWS = 100_000
LOGITS = np.float32([-1.0, -0.5, 0.2, 0.6])
MEAN = np.float32([-2.0, 1.5])
LOG_WIDTH = np.float32([-1.5, -0.7])
CHANCE = scipy.special.softmax(LOGITS)


def _draw(energy, noise, logits=LOGITS, mean=MEAN, log_width=LOG_WIDTH):
    """Draws the parts of energies, all divided alike."""
    limited = np.clip(logits, -30.0, 30.0)
    x = np.tile(np.concatenate([limited, mean, log_width]), (len(noise), 1))
    energy, x, noise = (tf.constant(one, tf.float32) for one in (energy, x, noise))
    parts = energy_split.draw_split(energy, x, noise, (logits - limited)[:, None])
    return [np.asarray(part) for part in parts]


def _far_noise():
    """Noise of up to 8 standard deviations, in both numbers."""
    grid = np.linspace(-8.0, 8.0, 65)
    return np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)


@pytest.fixture(scope="module")
def many():
    """Energies and many draws of their parts."""
    random = np.random.default_rng(1)
    energy = random.exponential(50.0, DRAWS).astype(np.float32)
    return energy, *_draw(energy, random.normal(size=(DRAWS, 2)))


def test_energies_are_seen_as_a_logarithm_and_whether_there_is_any():
    energy = tf.constant([[0.0, 2.0], [1e-3, 0.5]])
    expected = [
        [0.2 * np.log(0.5), 0.2 * np.log(2.5), 0.0, 1.0],
        [0.2 * np.log(0.501), 0.0, 1.0, 1.0],
    ]
    found = energy_split.encode(energy, 0.5)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


def test_an_output_is_taken_apart_in_order_and_widths_are_limited():
    count = energy_split.parameter_count(2)
    assert count == 2 + 2 + 2 + 2
    x = tf.constant([[1.0, 2.0, 3.0, 4.0, 50.0, -60.0, 7.0, -8.0]])
    assert x.shape[1] == count
    logits, mean, log_width = energy_split.described(x, 2)
    np.testing.assert_array_equal(logits, [[1.0, 2.0, 3.0, 4.0]])
    np.testing.assert_array_equal(mean, [[50.0, -60.0]])
    np.testing.assert_array_equal(log_width, [[3.0, -6.0]])


def test_what_is_allowed_follows_from_the_cells():
    first, second = np.array([True, True, False]), np.array([True, False, True])
    found = energy_split.allowed(first, second, 2)
    assert found.dtype == np.float32
    # First part empty, second part empty, both Gaussians.
    possible = [[1, 1, 1, 1], [0, 1, 0, 0], [1, 0, 0, 0]]
    np.testing.assert_array_equal(found == 0.0, np.array(possible, bool))
    assert (found[found != 0.0] <= -1e8).all()


def test_a_block_without_cells_has_an_outcome_that_scores_zero():
    nowhere = np.zeros((2, 3), bool)
    logits = energy_split.allowed(nowhere, nowhere, 2)
    assert logits.shape == (2, 3, 4)
    assert (logits[..., 2:] < -1e8).all()
    zeros = np.zeros((2, 3), np.float32)
    value = likelihood.split(zeros, zeros, logits, *np.zeros((2, 2), np.float32))
    np.testing.assert_array_equal(value, zeros)


def test_the_parts_add_up_and_are_not_negative(many):
    energy, first, second = many
    np.testing.assert_allclose(first + second, energy, rtol=1e-6)
    assert min(first.min(), second.min()) >= 0.0


def test_nothing_is_divided_into_nothing():
    noise = _far_noise()
    for part in _draw(np.zeros(len(noise)), noise):
        np.testing.assert_array_equal(part, np.zeros(len(noise)))


@pytest.mark.parametrize("there", [0, 1])
@pytest.mark.parametrize("logits", [LOGITS, 9.0 * LOGITS, -9.0 * LOGITS])
def test_a_half_without_cells_stays_empty_whatever_the_noise(there, logits):
    cells = np.arange(2) == there
    logits = logits + energy_split.allowed(*cells, 2)
    noise = _far_noise()
    energy = np.full(len(noise), 3.7, np.float32)
    parts = _draw(energy, noise, logits)
    np.testing.assert_array_equal(parts[there], energy)
    np.testing.assert_array_equal(parts[1 - there], np.zeros(len(noise)))


def test_what_is_impossible_is_not_drawn_whatever_the_noise():
    """No outcome of probability 0, though probabilities add up to 1 but roughly."""
    random = np.random.default_rng(2)
    noise = _far_noise()
    for impossible in ([0], [1], [0, 1], [2, 3]):
        for _ in range(20):
            logits = random.normal(0.0, 2.0, 4).astype(np.float32)
            logits[impossible] = -1e9
            first, second = _draw(np.ones(len(noise)), noise, logits)
            drawn = [first == 0.0, second == 0.0, (first > 0.0) & (second > 0.0)]
            excluded = {min(n, 2) for n in impossible}
            assert not any(drawn[n].any() for n in excluded), (impossible, logits)


def test_the_outcomes_have_their_probabilities(many):
    _, first, second = many
    inside = (first > 0.0) & (second > 0.0)
    ratio = np.log(first[inside] / second[inside])
    # Narrow enough to be told apart.
    low = np.sum(ratio < 0.0)
    counts = np.array([np.sum(first == 0.0), np.sum(second == 0.0), low])
    error = np.sqrt(DRAWS * CHANCE[:3] * (1.0 - CHANCE[:3]))
    # Of the higher Gaussian, so much lies below 0, and nothing of the lower above.
    below = CHANCE[3] * scipy.special.ndtr(-MEAN[1] / np.exp(LOG_WIDTH[1]))
    expected = DRAWS * np.array([*CHANCE[:2], CHANCE[2] + below])
    assert (np.abs(counts - expected) < 5.0 * error).all()


def test_the_ratio_has_mean_and_variance_of_the_mixture(many):
    _, first, second = many
    inside = (first > 0.0) & (second > 0.0)
    ratio = np.log(first[inside].astype(float) / second[inside])
    weight = CHANCE[2:] / CHANCE[2:].sum()
    mean = float(weight @ MEAN)
    variance = float(weight @ (np.exp(2.0 * LOG_WIDTH) + (MEAN - mean) ** 2))
    error = float(np.sqrt(variance / len(ratio)))
    assert ratio.mean() == pytest.approx(mean, abs=5.0 * error)
    squared = (ratio - mean) ** 2
    error = squared.std() / np.sqrt(len(ratio))
    assert squared.mean() == pytest.approx(variance, abs=5.0 * error)


def test_the_mean_likelihood_of_draws_is_the_entropy(many):
    _, first, second = many
    nll = -np.asarray(likelihood.split(first, second, LOGITS, MEAN, LOG_WIDTH))
    grid = np.linspace(-8.0, 8.0, 8001, dtype=np.float32)
    parts = scipy.special.expit(grid), scipy.special.expit(-grid)
    log_density = np.asarray(likelihood.split(*parts, LOGITS, MEAN, LOG_WIDTH), float)
    entropy = -np.trapezoid(np.exp(log_density) * log_density, grid)
    entropy -= CHANCE[:2] @ np.log(CHANCE[:2])
    error = nll.std() / np.sqrt(DRAWS)
    assert nll.mean() == pytest.approx(entropy, abs=5.0 * error)


@pytest.mark.parametrize("mean", [-22.0, 22.0])
def test_an_uneven_division_leaves_no_false_zero(mean):
    logits = np.float32([-1e9, -1e9, 0.0])
    noise = np.random.default_rng(3).normal(size=(100, 2))
    first, second = _draw(
        np.full(100, 5.0), noise, logits, np.float32([mean]), np.float32([-3.0])
    )
    found = np.log(first.astype(float)) - np.log(second.astype(float))
    np.testing.assert_allclose(found, mean + np.exp(-3.0) * noise[:, 1], rtol=1e-5)
