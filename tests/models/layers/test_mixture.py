"""The conditional density: what it draws is what it scores."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from models.layers.mixture import AutoregressiveMixture

LOCATION, WIDTH = [1.0, -2.0, 0.0], [2.0, 0.5, 1.0]


def _mixture(**changes):
    keras.utils.set_random_seed(3)
    layer = AutoregressiveMixture(LOCATION, WIDTH, hidden=5, components=3, **changes)
    layer.build((None, 2))
    return layer


def _draw(layer, features, seed=1):
    noise = np.random.default_rng(seed).normal(size=(len(features), layer.noise_size))
    return layer(tf.constant(features), tf.constant(noise, tf.float32))


@pytest.fixture(scope="module")
def many():
    """A mixture, features that are all equal, and many draws."""
    layer = _mixture()
    features = np.tile(np.float32([[0.3, -0.7]]), (40_000, 1))
    return layer, features, [np.asarray(part) for part in _draw(layer, features)]


def test_the_first_number_is_drawn_from_the_density_that_scores_it(many):
    layer, features, (values, _, _) = many
    grid = np.linspace(-12.0, 14.0, 2001, dtype=np.float32)
    points = np.zeros((len(grid), 3), np.float32)
    points[:, 0] = grid
    density = np.exp(layer.log_density(features[: len(grid)], points)[:, 0]) / WIDTH[0]
    assert np.trapezoid(density, grid) == pytest.approx(1.0, abs=1e-3)
    cumulative = np.cumsum(density) * (grid[1] - grid[0])
    drawn = np.searchsorted(np.sort(values[:, 0]), grid) / len(values)
    assert np.abs(drawn - cumulative).max() < 0.015


def test_the_mean_log_density_is_minus_the_entropy_of_the_draws(many):
    """By importance: the mean of q / p over draws of p is 1 for any density q."""
    layer, features, (values, _, _) = many
    shifted = values + np.float32([0.1, 0.02, 0.05])
    own, other = (
        np.asarray(layer.log_density(features, one)).sum(axis=1)
        for one in (values, shifted)
    )
    assert np.mean(np.exp(other - own)) == pytest.approx(1.0, abs=0.05)


def test_the_spread_is_that_of_the_draws(many):
    values, spread, standard = many[2]
    np.testing.assert_allclose(spread[:, 0], spread[0, 0], rtol=1e-5)
    assert values[:, 0].std() == pytest.approx(spread[0, 0], rel=0.02)
    np.testing.assert_allclose(values, standard * WIDTH + LOCATION, rtol=1e-5)


def test_a_number_depends_on_those_before_it_alone():
    layer = _mixture()
    features = np.random.default_rng(1).normal(size=(6, 2)).astype(np.float32)
    values = np.random.default_rng(2).normal(size=(6, 3)).astype(np.float32)
    before = np.asarray(layer.log_density(features, values))
    changed = values + np.float32([0.0, 1.0, 0.0])
    after = np.asarray(layer.log_density(features, changed))
    np.testing.assert_array_equal(after[:, 0], before[:, 0])
    assert (after[:, 1:] != before[:, 1:]).all()


def test_a_row_does_not_depend_on_its_batch():
    layer = _mixture()
    features = np.random.default_rng(1).normal(size=(6, 2)).astype(np.float32)
    whole = np.asarray(_draw(layer, features)[0])
    np.testing.assert_allclose(_draw(layer, features[:2])[0], whole[:2], rtol=1e-6)


def test_a_mixture_is_made_again_from_its_configuration():
    layer = _mixture()
    saved = keras.saving.serialize_keras_object(layer)
    again = keras.saving.deserialize_keras_object(saved, safe_mode=True)
    again.set_weights(layer.get_weights())
    features = np.ones((3, 2), np.float32)
    np.testing.assert_array_equal(_draw(again, features)[0], _draw(layer, features)[0])
