"""The Cramer GAN: its pairs, its penalty, and what it learns from signed weights."""

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from data import transforms
from data.batches import pipeline
from data.events import Sample
from losses import penalties
from losses.cramer import potential
from models.gans import cramer_gan

BATCH = 512


def _model(**settings):
    """Builds a generator of one number and a critic of a few features."""
    keras.utils.set_random_seed(2)
    condition, noise = keras.Input((1,)), keras.Input((2,))
    x = keras.layers.Concatenate()([condition, noise])
    for _ in range(2):
        x = keras.layers.Dense(16, activation="relu")(x)
    generator = keras.Model([condition, noise], keras.layers.Dense(1)(x))
    encoded = keras.Input((1,))
    y = keras.layers.Concatenate()([encoded, condition])
    for _ in range(2):
        y = keras.layers.Dense(16, activation="relu")(y)
    critic = keras.Model([encoded, condition], keras.layers.Dense(8)(y))
    settings = {"objective": "cramer", "penalty_weight": 1.0, **settings}
    model = cramer_gan.CramerGAN(generator, critic, transforms.Identity(), **settings)
    model.compile(*(keras.optimizers.Adam(5e-3, 0.0, 0.99) for _ in range(2)))
    return model


def _batch(rows=6):
    random = np.random.default_rng(4)
    return [
        tf.constant(values, tf.float32)
        for values in (
            random.normal(size=(rows, 1)),
            random.uniform(size=(rows, 1)),
            random.normal(0.5, 1.0, rows),
        )
    ]


def _record(monkeypatch, model):
    """Records the arguments of the critic's objective."""
    calls = []
    objective = model.adversarial

    def recorded(*arguments):
        calls.append([np.array(values) for values in arguments])
        return objective.critic(*arguments)

    monkeypatch.setattr(
        model, "adversarial", type(objective)(recorded, objective.generator, True)
    )
    return calls


def test_events_of_a_pair_share_condition_and_weight(monkeypatch):
    model = _model()
    calls = _record(monkeypatch, model)
    real, condition, weight = _batch()
    twice = tf.concat([condition] * 2, 0)
    fakes = model.generator([twice, model._noise(12, 0)])
    expected = [
        model.judge(events, condition, training=False)
        for events in (real, *tf.split(fakes, 2))
    ]
    model.critic_step(0, real, condition, weight)
    for found, wanted in zip(calls[0], [*expected, weight], strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
    assert not np.allclose(calls[0][1], calls[0][2])


def test_independent_pairs_have_the_product_of_their_weights(monkeypatch):
    model = _model(pairs="independent", objective="cramer_surrogate")
    calls = _record(monkeypatch, model)
    real, condition, weight = _batch()
    partner = tf.roll(condition, 1, 0)
    fakes = model.generator([tf.concat([condition, partner], 0), model._noise(12, 0)])
    other = model.judge(tf.split(fakes, 2)[1], partner, training=False)
    model.critic_step(0, real, condition, weight)
    np.testing.assert_allclose(calls[0][2], other, rtol=1e-5, atol=1e-6)
    expected = np.array(weight) * np.roll(weight, 1)
    np.testing.assert_allclose(calls[0][3], expected, rtol=1e-6)


def test_the_penalty_is_that_of_the_potential(monkeypatch):
    model = _model()
    real, condition, _ = _batch()
    fake, other = real + 1.0, tf.ones((6, 8))
    found = model._pair_penalty(real, fake, condition, other, 0)
    points = real + model._mixing(real, 0)[:, None] * (fake - real)
    with tf.GradientTape() as tape:
        tape.watch(points)
        score = potential(model.judge(points, condition, training=False), other)
    norm = np.abs(tape.gradient(score, points))[:, 0]
    assert (norm < 1.0).any()
    np.testing.assert_allclose(
        found, np.maximum(norm - 1.0, 0.0) ** 2, rtol=1e-4, atol=1e-6
    )


def test_a_one_sided_penalty_spares_small_gradients():
    real, fake, mixing = np.zeros((2, 1)), np.ones((2, 1)), np.full(2, 0.5)
    arguments = [tf.constant(values, tf.float32) for values in (real, fake, mixing)]
    slopes = tf.constant([[0.5], [3.0]])

    def critic(points):
        return tf.reduce_sum(slopes * points, axis=1)

    found = penalties.gradient_penalty(critic, *arguments, 1.0, one_sided=True)
    np.testing.assert_allclose(found, [0.0, 4.0], rtol=1e-5, atol=1e-6)
    found = penalties.gradient_penalty(critic, *arguments, 1.0)
    np.testing.assert_allclose(found, [0.25, 4.0], rtol=1e-5)


@pytest.mark.parametrize(("updates", "fraction"), [(0, 0.0), (100, 0.5), (10**7, 1.0)])
def test_the_penalty_grows(updates, fraction):
    model = _model(penalty_weight=20.0, penalty_ramp_steps=100)
    model.updates.assign(updates)
    assert float(model._penalty_factor()) == pytest.approx(20.0 * fraction, abs=1e-3)


def test_the_penalty_is_constant_without_a_ramp():
    assert float(_model(penalty_weight=20.0)._penalty_factor()) == 20.0


def test_impossible_settings():
    with pytest.raises(ValueError, match="unknown pairs 'none'; known: same_event"):
        _model(pairs="none")
    with pytest.raises(ValueError, match="objective=cramer needs pairs=same_event"):
        _model(pairs="independent")
    with pytest.raises(ValueError, match="critic gives features; choose another"):
        _model(objective="hinge")


def _signal_and_background(events):
    """Draws a mixture, and weights whose background cancels as that of sWeights."""
    random = np.random.default_rng(6)
    is_signal = random.random(events) < 0.5
    value = np.where(
        is_signal, random.normal(2.0, 0.5, events), random.normal(-1.0, 1.0, events)
    )
    mass = np.where(
        is_signal, random.normal(0.0, 0.4, events), random.uniform(-2, 2, events)
    )
    # The weights of the sPlot of two known components of equal yield.
    densities = np.stack([scipy.stats.norm.pdf(mass, 0.0, 0.4), np.full(events, 0.25)])
    mixture = 0.5 * densities.sum(axis=0)
    overlaps = (densities[:, None] * densities[None] / mixture**2).mean(axis=2)
    weight = np.linalg.inv(overlaps)[0] @ densities / mixture
    return value, weight


def _mean_and_width(values, weight):
    mean = np.average(values, weights=weight)
    return mean, np.sqrt(np.average((values - mean) ** 2, weights=weight))


@pytest.mark.slow
@pytest.mark.parametrize(("weighted", "expected"), [(True, (2.0, 0.5)), (False, None)])
def test_signed_weights_teach_the_signal(weighted, expected):
    """Without the weights, the same training learns the mixture."""
    value, weight = _signal_and_background(40_000)
    assert 0.1 < np.mean(weight < 0.0) < 0.4
    assert _mean_and_width(value, weight) == pytest.approx((2.0, 0.5), abs=0.05)
    if not weighted:
        weight = np.ones_like(weight)
        expected = _mean_and_width(value, weight)
        assert expected[0] < 1.0
    model = _model(critic_steps=2, ema_decay=0.99)
    parts = (value[:, None], np.zeros((len(value), 1)), weight)
    sample = Sample(*(part.astype(np.float32) for part in parts))
    data = pipeline.batches(sample, rows=2 * BATCH, seed=1)
    model.fit(data, steps_per_epoch=600, shuffle=False, verbose=0)
    drawn = model.simulate(np.zeros((20_000, 1), np.float32), np.array([1, 2]))
    found = _mean_and_width(np.array(drawn)[:, 0], np.ones(20_000))
    assert found == pytest.approx(expected, abs=0.1)
