"""Drawn statistics in the generator: what they fix, learn and pull towards."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

import models
from models.gans.guided import GuidedGAN
from tests import contract
from tests.synthetic import TINY_WGAN

TINY = {**TINY_WGAN, "critic_steps": 1, "statistics_steps": 4}


@pytest.fixture(scope="module")
def case():
    return contract.make_case("wgan_constrained", TINY)


@pytest.fixture(scope="module")
def model(case):
    built = case.build()
    assert type(built) is GuidedGAN
    return built


def _noise(model, events, seed=1):
    return tf.random.stateless_normal((events, model.noise_size), (seed, 2))


def test_a_shower_has_the_numbers_of_hits_that_were_drawn(case, model):
    condition = tf.constant(case.sample.condition[:5])
    noise = _noise(model, 5)
    size = model.draw.inputs[1].shape[-1]
    drawn, _, _ = model.draw([condition, noise[:, :size]])
    _, counts = model.statistics.layers_of(drawn, condition)
    response = np.asarray(model([condition, noise]))
    np.testing.assert_array_equal((response > 0.0).sum(axis=(1, 2)), counts)


def test_the_adversarial_training_leaves_the_draw_as_it_is(case, model):
    mixture = model.draw.get_layer("mixture")
    ours = {variable.path for variable in mixture.variables}
    assert not ours & {one.path for one in model.generator.trainable_variables}
    before = [np.array(one) for one in mixture.variables]
    model.train_step(next(iter(case.data(model))))
    for one, other in zip(before, mixture.variables, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_phase_trains_the_draw_of_the_generator(case):
    model = case.build()
    settings = dataclasses.replace(case.settings, statistics_steps=60)
    [phase] = models.load("wgan_constrained").phases(model, settings)
    assert (phase.name, phase.steps) == ("statistics", 60)
    mixture = model.generator.get_layer("draw").get_layer("mixture")
    kernel = np.array(mixture.kernels[1])
    element = next(iter(case.data(model)))
    losses = []
    for _ in range(30):
        phase.model.train_step(element)
        terms = phase.model.terms(*element[:2], tf.constant([1, 2]), training=False)
        losses.append(float(tf.reduce_mean(terms["loss"])))
    assert losses[-1] < losses[0] - 1.0
    assert not np.array_equal(mixture.kernels[1], kernel)
    # The standardisation is that of the first batch.
    first = next(iter(case.data(model)))
    dither = tf.random.stateless_uniform(
        [len(first[0]), 7 + 2], tf.constant([case.settings.seed, 0]), alg="philox"
    )
    values = model.statistics(first[0], first[1], dither)
    np.testing.assert_allclose(mixture.location, np.mean(values, axis=0), 1e-4, 1e-4)


def test_the_guidance_is_the_distance_in_units_of_the_spread(case, model, monkeypatch):
    condition = tf.constant(case.sample.condition[:6])
    noise = _noise(model, 6)
    size = model.draw.inputs[1].shape[-1]
    wanted, spread, _ = model.draw([condition, noise[:, :size]])
    spread = np.maximum(
        spread, 0.15 * np.asarray(model.draw.get_layer("mixture").width)
    )
    monkeypatch.setattr(model, "_noise", lambda count, part: noise)
    monkeypatch.setattr(
        model, "statistics", _Found(model.statistics, wanted + 2.0 * spread)
    )
    for constrainer in model.constrainers:
        monkeypatch.setattr(constrainer, "weight", 0.0)
    encoded = tf.zeros((6, *case.spec.shape))
    loss = model._constraint_loss(encoded, encoded, condition)
    assert float(loss) == pytest.approx(
        case.settings.guidance * (np.sqrt(5.0) - 1.0), rel=1e-4
    )


class _Found:
    """Stands for statistics of a known distance from the drawn ones."""

    def __init__(self, statistics, values):
        self.layers, self.thresholds = statistics.layers, statistics.thresholds
        self.fixed, self._values = statistics.fixed, values

    def __call__(self, encoded, condition, dither):
        return self._values


def test_a_loaded_model_trains_the_draw_of_its_generator(case, tmp_path):
    model = case.build()
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    assert loaded.draw is loaded.generator.get_layer("draw")
    [phase] = models.load("wgan_constrained").phases(loaded, case.settings)
    assert phase.model.mixture is loaded.draw.get_layer("mixture")
