"""The objectives of the Cramer GAN, each against its own definition."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from losses import adversarial, cramer

RANDOM = np.random.default_rng(3)
REAL, FAKE, OTHER = RANDOM.normal(size=(3, 6, 4)).astype(np.float32)
WEIGHT = np.array([1.0, -0.4, 2.0, 0.0, -1.5, 0.3], np.float32)


def _length(vectors):
    return np.sqrt((vectors.astype(float) ** 2).sum(axis=1))


def test_surrogate_is_its_definition():
    def f(one, other):
        return _length(one - other) - _length(one)

    expected = WEIGHT * (f(REAL, OTHER) - f(FAKE, OTHER))
    found = cramer.surrogate(REAL, FAKE, OTHER, WEIGHT)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_energy_is_its_definition():
    expected = WEIGHT * (
        _length(REAL - FAKE) + _length(REAL - OTHER) - _length(FAKE - OTHER)
    )
    found = cramer.energy(REAL, FAKE, OTHER, WEIGHT)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_the_surrogate_is_not_the_energy_distance():
    """Reference 2, generated 1: the surrogate is 0, the energy distance 2."""
    real, fake, one = (np.full((1, 1), x, np.float32) for x in (2.0, 1.0, 1.0))
    weight = np.ones(1, np.float32)
    found = cramer.surrogate(real, fake, one, weight)
    np.testing.assert_allclose(found, 0.0, atol=2e-6)
    # Both reference events are 2, so that the term left out is 0.
    np.testing.assert_allclose(cramer.energy(real, fake, one, weight), 2.0, atol=2e-6)


def test_mean_energy_is_the_energy_distance_of_two_distributions():
    """Over all pairs it is 2 E|x-g| - E|g-g'|; only - E|x-x'| is missing."""
    real, fake = RANDOM.normal(size=(2, 30, 1)).astype(np.float32)

    def mean(one, other):
        return np.abs(one - other.T).mean()

    triples = np.array(list(itertools.product(range(30), repeat=3)))
    x, g, other = real[triples[:, 0]], fake[triples[:, 1]], fake[triples[:, 2]]
    found = np.mean(cramer.energy(x, g, other, np.ones(len(x), np.float32)))
    assert found == pytest.approx(2.0 * mean(real, fake) - mean(fake, fake), rel=1e-4)
    # The square of the difference of cumulative distributions, integrated, twice.
    points = np.sort(np.concatenate([real, fake]), axis=None)
    steps = [
        np.searchsorted(np.sort(s, None), points, "right") / 30 for s in (real, fake)
    ]
    integral = np.sum((steps[0] - steps[1])[:-1] ** 2 * np.diff(points))
    assert found - mean(real, real) == pytest.approx(2.0 * integral, rel=1e-3)


@pytest.mark.parametrize("name", ["cramer", "cramer_surrogate"])
def test_an_event_split_in_two_changes_nothing(name):
    objective = adversarial.get(name)
    fraction = np.array([0.7, 0.0, 0.0, 1.3, -0.5, 0.0], np.float32)
    for loss in (objective.critic, objective.generator):
        whole = np.sum(loss(REAL, FAKE, OTHER, WEIGHT))
        parts = [np.concatenate([values] * 2) for values in (REAL, FAKE, OTHER)]
        split = np.sum(loss(*parts, np.concatenate([fraction, WEIGHT - fraction])))
        assert split == pytest.approx(whole, rel=1e-5)


@pytest.mark.parametrize("name", ["cramer", "cramer_surrogate"])
def test_the_critic_maximises_the_surrogate(name):
    found = adversarial.get(name).critic(REAL, FAKE, OTHER, WEIGHT)
    np.testing.assert_array_equal(found, -cramer.surrogate(REAL, FAKE, OTHER, WEIGHT))


def test_gradients_with_negative_weights():
    """The gradient is linear in the weight; a negative one pushes away."""
    events = [tf.constant(values) for values in (REAL, FAKE, OTHER)]

    def gradient(weight):
        with tf.GradientTape() as tape:
            tape.watch(events[1])
            loss = cramer.energy(*events, tf.constant(weight))
        return tape.gradient(loss, events[1]).numpy()

    plain = gradient(np.ones(6, np.float32))
    np.testing.assert_allclose(gradient(WEIGHT), WEIGHT[:, None] * plain, rtol=1e-5)
    toward_real = (FAKE - REAL) / _length(FAKE - REAL)[:, None]
    from_other = (FAKE - OTHER) / _length(FAKE - OTHER)[:, None]
    np.testing.assert_allclose(plain, toward_real - from_other, rtol=1e-4, atol=1e-5)


def test_gradients_are_finite_where_events_agree():
    events = [tf.constant(REAL)] * 3
    with tf.GradientTape() as tape:
        tape.watch(events[0])
        loss = cramer.energy(*events, np.ones(6, np.float32))
    assert np.isfinite(tape.gradient(loss, events[0])).all()
