"""The likelihoods of mixtures and of splits against closed forms and integrals."""

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from losses import likelihood

LOGITS = np.array([0.3, -1.0, 2.0])
MEAN = np.array([-1.0, 0.5, 2.0])
LOG_WIDTH = np.array([-0.5, 0.2, -2.0])
ATOMS = np.array([-1.0, 0.4])
EMPTY = np.array([[0.0, 2.0], [3.0, 0.0], [0.0, 0.0]])
IMPOSSIBLE = -1e9


def _density(values):
    values = tf.constant(values, tf.float64)
    return np.exp(likelihood.gaussian_mixture(values, LOGITS, MEAN, LOG_WIDTH))


def test_one_component_is_a_normal_density():
    values = np.linspace(-3.0, 3.0, 7)
    found = likelihood.gaussian_mixture(
        values, np.zeros(1), np.array([0.4]), np.log([0.7])
    )
    np.testing.assert_allclose(found, scipy.stats.norm.logpdf(values, 0.4, 0.7))


def test_components_add_up():
    values = np.linspace(-3.0, 3.0, 7)
    weights = np.exp(LOGITS) / np.exp(LOGITS).sum()
    parts = scipy.stats.norm.pdf(values[:, None], MEAN, np.exp(LOG_WIDTH))
    np.testing.assert_allclose(_density(values), parts @ weights, rtol=1e-12)


def test_the_density_integrates_to_one():
    values = np.linspace(-12.0, 12.0, 20_001)
    assert np.trapezoid(_density(values), values) == pytest.approx(1.0, abs=1e-9)


def test_far_off_it_stays_finite_and_has_a_slope():
    value = tf.constant([1e4], tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(value)
        logarithm = likelihood.gaussian_mixture(
            value, *(np.float32(part) for part in (LOGITS, MEAN, LOG_WIDTH))
        )
    assert np.isfinite(logarithm).all()
    assert np.isfinite(tape.gradient(logarithm, value)).all()


def _softmax(logits):
    return np.exp(logits) / np.exp(logits).sum()


def _split(first, second, logits=(*ATOMS, *LOGITS)):
    parts = (tf.constant(part, tf.float64) for part in (first, second))
    found = likelihood.split(*parts, np.array(logits), MEAN, LOG_WIDTH)
    return np.asarray(found)


def test_a_part_that_is_empty_has_the_probability_of_its_atom():
    atoms = _softmax([*ATOMS, *LOGITS])[:2]
    expected = [*np.log(atoms), 0.0]
    np.testing.assert_allclose(_split(*EMPTY.T), expected, rtol=1e-12)


def test_two_parts_have_the_density_of_the_logarithm_of_their_ratio():
    first, second = np.array([2.0, 0.3, 7.0]), np.array([5.0, 0.3, 0.1])
    ratio = np.log(first / second)
    weights = _softmax([*ATOMS, *LOGITS])[2:]
    parts = scipy.stats.norm.pdf(ratio[:, None], MEAN, np.exp(LOG_WIDTH))
    np.testing.assert_allclose(_split(first, second), np.log(parts @ weights))


def test_atoms_and_ratios_have_a_probability_of_one_together():
    ratio = np.linspace(-12.0, 12.0, 20_001)
    first = 1.0 / (1.0 + np.exp(-ratio))
    inside = np.trapezoid(np.exp(_split(first, 1.0 - first)), ratio)
    atoms = np.exp(_split(*EMPTY[:2].T)).sum()
    assert inside + atoms == pytest.approx(1.0, abs=1e-9)
    assert 0.1 < atoms < 0.9


@pytest.mark.parametrize("impossible", [0, 1])
def test_an_atom_of_logit_minus_infinity_is_impossible(impossible):
    logits = np.array([*ATOMS, *LOGITS])
    logits[impossible] = -np.inf
    chance = np.exp(_split(*EMPTY[:2].T, logits))
    assert chance[impossible] == 0.0
    expected = _softmax(logits)[1 - impossible]
    assert chance[1 - impossible] == pytest.approx(expected, rel=1e-12)


def test_without_gaussians_the_atoms_are_all_there_is():
    logits = [*ATOMS, *[-np.inf] * 3]
    found = _split([0.0, 3.0, 1.0], [2.0, 0.0, 1.0], logits)
    np.testing.assert_allclose(np.exp(found), [*_softmax(ATOMS), 0.0], rtol=1e-12)


def test_the_gradients_of_empty_parts_are_those_of_their_atoms():
    logits = np.tile(np.float32([*ATOMS, *LOGITS]), (3, 1))
    watched = [
        *map(tf.constant, np.float32(EMPTY).T),
        *(tf.constant(np.float32(x)) for x in (logits, [MEAN] * 3, [LOG_WIDTH] * 3)),
    ]
    with tf.GradientTape() as tape:
        tape.watch(watched)
        value = likelihood.split(*watched)
    first, second, of_logits, mean, log_width = tape.gradient(value, watched)
    expected = np.eye(5)[:2] - _softmax(logits[0])
    np.testing.assert_allclose(of_logits[:2], expected, rtol=1e-5)
    for part in (first, second, of_logits[2], mean, log_width):
        np.testing.assert_array_equal(part, np.zeros_like(part))


def test_a_slope_is_finite_where_all_but_one_outcome_is_excluded():
    """As for a block with cells in one half only, and for one without any."""
    excluded = np.float32([[0, 1, 1, 1, 1], [1, 0, 1, 1, 1], [0, 0, 1, 1, 1]])
    logits = tf.constant(np.float32([*ATOMS, *LOGITS]) + IMPOSSIBLE * excluded)
    parameters = [tf.constant(np.float32(x)) for x in ([MEAN] * 3, [LOG_WIDTH] * 3)]
    with tf.GradientTape() as tape:
        tape.watch([logits, *parameters])
        value = likelihood.split(*np.float32(EMPTY).T, logits, *parameters)
    np.testing.assert_array_equal(value, np.zeros(3))
    for slope in tape.gradient(value, [logits, *parameters]):
        np.testing.assert_array_equal(slope, np.zeros_like(slope))


def test_the_logarithm_of_a_ratio_is_zero_where_a_part_is_empty_and_limited():
    first = tf.constant([6.0, 1.5, 0.0, 4.0, 0.0, 1.0, 1e-30])
    second = tf.constant([2.0, 3.0, 4.0, 0.0, 0.0, 1e-30, 1.0])
    with tf.GradientTape() as tape:
        tape.watch([first, second])
        ratio = likelihood.log_ratio(first, second)
    expected = [np.log(3.0), -np.log(2.0), 0.0, 0.0, 0.0, 25.0, -25.0]
    np.testing.assert_allclose(ratio, expected, rtol=1e-6)
    slopes = tape.gradient(ratio, [first, second])
    np.testing.assert_allclose(slopes[0], [1 / 6, 1 / 1.5, *[0.0] * 5], rtol=1e-6)
    np.testing.assert_allclose(slopes[1], [-1 / 2, -1 / 3, *[0.0] * 5], rtol=1e-6)
