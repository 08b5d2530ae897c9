"""The WGAN with an embedded regressor: the contract, the presets, its own parts."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

import models
from data import detectors, transforms
from models import wgan_regressor
from models.training import config
from tests import contract
from tests.contract import check_entry
from tests.models.gans.small_gan import same, values

SPEC = detectors.get("ecal")
TINY = {
    "noise": 3,
    "start_channels": 4,
    "filters": (2, 3),
    "kernel": 3,
    "critic_dense": (4,),
    "regressor_dense": (6, 4),
    "regressor_steps": 3,
    "batch_size": 8,
}


def _config(preset="cpu", **changes):
    entry = models.load("wgan_regressor")
    return dataclasses.replace(config.resolve(entry, preset), **changes)


def _build(settings):
    return wgan_regressor.build(settings, SPEC, transforms.BoxCox(0.2))


def _layers(network, kind):
    return [layer for layer in network.layers if isinstance(layer, kind)]


def test_the_contract():
    check_entry("wgan_regressor", TINY, detector="ecal")


@pytest.mark.parametrize(
    ("critic", "generator"), [("features", "errors"), ("none", "none")]
)
def test_the_other_ways_keep_the_contract(critic, generator, tmp_path):
    tf.config.experimental.enable_op_determinism()
    switches = {"critic_regressor": critic, "generator_regressor": generator}
    tiny = {**TINY, **switches, "critic_steps": 2, "ema_decay": 0.0}
    case = contract.make_case("wgan_regressor", tiny, detector="ecal")
    model = case.build()
    contract.check_shapes(case, model)
    contract.check_steps_keep_apart(case, model)
    contract.check_keras_file(case, model, tmp_path / "model.keras")


def test_the_regressor_is_saved_and_stays_frozen(tmp_path):
    case = contract.make_case("wgan_regressor", TINY, detector="ecal")
    model = case.build()
    [phase] = wgan_regressor.phases(model, case.settings)
    element = next(iter(case.data(model)))
    initial = values(model.regressor.variables)
    phase.model.train_step(element)
    trained = values(model.regressor.variables)
    assert not any(map(np.array_equal, initial, trained))
    model.train_step(element)
    assert same(trained, model.regressor.variables)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    loaded.train_step(element)
    assert same(trained, loaded.regressor.variables)


@pytest.mark.parametrize(
    ("critic", "generator", "count"),
    [("none", "none", 0), ("none", "errors", 1), ("features", "none", 1)],
)
def test_the_regressor_is_trained_where_something_uses_it(critic, generator, count):
    switches = {"critic_regressor": critic, "generator_regressor": generator}
    settings = _config(**{**TINY, **switches, "regressor_steps": 300, "seed": 7})
    model = _build(settings)
    phases = wgan_regressor.phases(model, settings)
    assert len(phases) == count
    for phase in phases:
        assert (phase.name, phase.steps) == ("regressor", 300)
        assert phase.model.regressor is model.regressor
        assert phase.model.seed == 7
        assert (phase.model.trainer.beta_1, phase.model.trainer.beta_2) == (0.9, 0.999)
        schedule = phase.model.trainer._learning_rate
        rates = [float(schedule(300 * part)) for part in (0.3, 0.7, 0.95)]
        np.testing.assert_allclose(rates, settings.regressor_learning_rates, rtol=1e-5)


@pytest.mark.parametrize("preset", sorted(wgan_regressor.PRESETS))
def test_every_preset_lets_the_regressor_into_both_gradients(preset):
    settings = _config(preset)
    model = _build(settings)
    assert model.critic_regressor == "errors"
    expected = "errors" if preset == "mse" else "features"
    assert model.generator_regressor == expected
    assert model.regressor_weight > 0.0
    assert len(wgan_regressor.phases(model, settings)) == 1
    assert model.get_config()["objective"] == "wasserstein"
    assert (model.simulator is model.generator) == (preset == "paper")


def test_the_published_networks_and_constants():
    settings = _config("paper")
    model = _build(settings)
    grow = _layers(model.generator, keras.layers.Conv2DTranspose)
    assert [layer.input.shape[1:] for layer in grow] == [
        (4, 4, 256), (8, 8, 128), (16, 16, 64),
    ]  # fmt: skip
    assert [layer.kernel_size for layer in grow] == [(4, 4)] * 3
    for network in (model.critic, model.regressor):
        shrink = _layers(network, keras.layers.Conv2D)
        shapes = [(layer.output.shape[1], layer.filters) for layer in shrink]
        assert shapes == [(16, 32), (8, 64), (4, 128)]
    assert model.noise_size == 512
    assert (model.penalty_weight, model.penalty_centre) == (10.0, 1.0)
    assert model.critic_steps == 5
    wgan_regressor.compile_model(model, settings)
    for optimizer in (model.generator_optimizer, model.critic_optimizer):
        assert (optimizer.beta_1, optimizer.beta_2) == (0.0, 0.9)
        for step in (0, 4 * settings.steps):
            rate = float(optimizer._learning_rate(step))
            assert rate == pytest.approx(1e-4, rel=1e-5)


def test_what_the_regressor_answers():
    regressor = wgan_regressor.build_regressor(_config(**TINY), SPEC)
    shapes = [output.shape[1:] for output in regressor.outputs]
    assert shapes == [(16, 16, 2), (8, 8, 3), (4,), (5,)]


@pytest.mark.parametrize(
    ("kind", "size"), [("errors", 5), ("none", 5), ("features", 4 + 5)]
)
def test_what_the_critic_receives(kind, size):
    critic = wgan_regressor.build_critic(_config(**TINY, critic_regressor=kind), SPEC)
    encoded, known = (one.shape[1:] for one in critic.inputs)
    assert encoded == SPEC.shape
    assert known == (size,)


@pytest.mark.parametrize(
    ("changes", "pattern"),
    [
        (
            {"critic_regressor": "all"},
            "critic_regressor must be one of errors, features, none, is 'all'",
        ),
        ({"generator_regressor": ""}, "generator_regressor must be one of .*, is ''"),
        ({"regressor_dense": ()}, r"regressor_dense needs at least one width, is \(\)"),
        ({"objective": "none"}, "unknown objective 'none'; known: "),
        ({"generator_normalisation": "all"}, "unknown normalisation 'all'; known: "),
    ],
)
def test_impossible_settings_are_refused(changes, pattern):
    with pytest.raises(ValueError, match=pattern):
        _build(_config(**{**TINY, **changes}))


def test_a_detector_without_images_is_refused():
    with pytest.raises(ValueError, match="wgan_regressor needs responses"):
        wgan_regressor.build(
            _config(**TINY), detectors.get("hgcal"), transforms.Identity()
        )
