"""The likelihood of hits, and that they are drawn from it."""

import numpy as np
import pytest
import scipy.special
import scipy.stats
import tensorflow as tf

from models.layers import hit_likelihood
from models.networks.building_blocks import normal

EVENTS = 40_000


def _parameters(score, mean, width, events=1):
    """Returns parameters [events, row, column, 3] of the widths that are wanted."""
    raw = np.log(np.expm1(np.asarray(width) - hit_likelihood._SMALLEST_WIDTH))
    values = np.broadcast_arrays(*map(np.atleast_2d, (score, mean, raw)))
    one = np.stack(values, axis=-1).astype(np.float32)
    return tf.constant(np.repeat(one[None], events, axis=0))


def _drawn(parameters):
    rows, columns = parameters.shape[1:3]
    noise = normal(len(parameters), rows * columns * 2, (1, 2))
    noise = tf.reshape(noise, (-1, rows, columns, 2))
    return np.asarray(hit_likelihood.DrawHits()(parameters, noise))


def test_the_likelihood_is_that_of_its_definition():
    random = np.random.default_rng(1)
    score, mean = random.normal(0.0, 2.0, (2, 3, 4))
    width = random.uniform(0.1, 2.0, (3, 4))
    encoded = random.exponential(2.0, (3, 4)) * (random.random((3, 4)) < 0.5)
    hit = encoded > 0.0
    expected = np.where(hit, -np.log(scipy.special.expit(score)), 0.0)
    expected += np.where(hit, 0.0, -np.log(scipy.special.expit(-score)))
    density = scipy.stats.norm(mean[hit], width[hit])
    expected[hit] -= density.logpdf(np.log(np.expm1(encoded[hit])))
    found = hit_likelihood.negative_log_likelihood(
        tf.constant(encoded[None], tf.float32), _parameters(score, mean, width)
    )
    np.testing.assert_allclose(found, [expected.sum()], rtol=1e-5)


@pytest.mark.parametrize("energy", [1e-6, 1e-2, 1.0, 30.0])
def test_for_the_transform_log_an_amplitude_is_the_logarithm_of_the_energy(energy):
    encoded = tf.fill((1, 1, 1), np.float32(np.log1p(energy)))
    parameters = _parameters(0.0, np.log(energy), 0.02 + 1e-3)
    nothing = np.log(2.0) + np.log(0.021) + 0.5 * np.log(2.0 * np.pi)
    found = hit_likelihood.negative_log_likelihood(encoded, parameters)
    np.testing.assert_allclose(found, [nothing], atol=1e-3)


def test_a_hit_has_the_probability_that_its_score_says_in_the_tails_too():
    score = np.array([[-7.0, -4.0, -1.0, 0.0, 3.0]])
    drawn = _drawn(_parameters(score, 0.0, 0.5, EVENTS)) > 0.0
    expected = scipy.special.expit(score) * EVENTS
    error = np.sqrt(expected * scipy.special.expit(-score))
    assert np.all(np.abs(drawn.sum(axis=0) - expected) < 4.0 * error + 1.0)


def test_amplitudes_are_drawn_from_their_distribution_and_hardly_ever_equal():
    drawn = _drawn(_parameters(1.0, -0.7, 0.6, EVENTS)).ravel()
    drawn = drawn[drawn > 0.0]
    normal_numbers = (np.log(np.expm1(drawn.astype(float))) + 0.7) / 0.6
    assert scipy.stats.kstest(normal_numbers, "norm").pvalue > 1e-3
    assert len(np.unique(drawn)) > 0.95 * len(drawn)


def test_the_drawn_responses_are_likeliest_under_their_own_parameters():
    """The likelihood is largest where the draws come from."""
    true = (-1.0, 0.5, 0.4)
    drawn = tf.constant(_drawn(_parameters(*true, EVENTS)))

    def mean(*values):
        parameters = _parameters(*values, EVENTS)
        return float(
            tf.reduce_mean(hit_likelihood.negative_log_likelihood(drawn, parameters))
        )

    best = mean(*true)
    for number in range(3):
        for change in (-0.1, 0.1):
            moved = [v + change * (i == number) for i, v in enumerate(true)]
            assert mean(*moved) > best


def test_a_critic_can_train_every_parameter():
    parameters = tf.Variable(_parameters(0.3, 0.5, 0.4, 100))
    noise = tf.reshape(normal(100, 2, (3, 4)), (-1, 1, 1, 2))
    with tf.GradientTape() as tape:
        drawn = hit_likelihood.DrawHits()(parameters, noise)
        total = tf.reduce_sum(drawn)
    slope = np.asarray(tape.gradient(total, parameters))[:, 0, 0]
    hit = np.asarray(drawn)[:, 0, 0] > 0.0
    assert 0 < hit.sum() < 100
    assert np.all(slope[:, 0] > 0.0)
    assert np.all(slope[hit, 1] > 0.0)
    assert np.all(slope[~hit, 1:] == 0.0)
    assert np.all(np.isfinite(slope))


def test_extreme_noise_stays_finite():
    parameters = tf.Variable(_parameters([[-80.0, 80.0]], 0.0, 0.5))
    noise = tf.constant([[[[-9.0, 9.0], [9.0, -9.0]]]])
    with tf.GradientTape() as tape:
        drawn = hit_likelihood.DrawHits()(parameters, noise)
    assert np.isfinite(drawn).all()
    assert np.isfinite(tape.gradient(drawn, parameters)).all()
    np.testing.assert_array_equal(np.asarray(drawn)[0, 0] > 0.0, [False, True])
