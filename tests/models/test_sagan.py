"""The self-attention GAN: the contract, the presets, its own parts."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

import models
from data import detectors, transforms
from models import sagan
from models.layers.attention import SelfAttention
from models.training import config
from tests import contract
from tests.contract import check_entry

SPEC = detectors.get("ecal")
TINY = {
    "noise": 3,
    "start_channels": 4,
    "generator_filters": (2, 3),
    "critic_filters": (2, 3),
    "critic_dense": (4,),
    "attention": (16,),
    "critic_steps": 1,
    "batch_size": 8,
}
# Rows of the attended maps in generator and critic; spectrally normalised layers of
# both, where attention counts as one of both; objective; weight of the penalty.
STRUCTURE = {
    "cpu": ([8, 16], [16, 8], 5, 7, "hinge", 0.0),
    "paper": ([8, 16], [16, 8], 5, 7, "hinge", 0.0),
    "wgan": ([], [], 0, 0, "wasserstein", 10.0),
    "sn_critic": ([8, 16], [16, 8], 0, 7, "hinge", 0.0),
    "sn_both": ([8, 16], [16, 8], 5, 7, "hinge", 0.0),
}


def _config(preset="cpu", **changes):
    return dataclasses.replace(config.resolve(models.load("sagan"), preset), **changes)


def _build(settings):
    return sagan.build(settings, SPEC, transforms.LogOnePlus())


def _layers(network, kind):
    return [layer for layer in network.layers if isinstance(layer, kind)]


def test_a_gain_lets_a_smooth_critic_tell_conditions_apart():
    """Spectral normalisation bounds the slope: beside an image conditions drown."""
    random = np.random.default_rng(3)
    image = np.repeat(random.exponential(1.0, (1, *SPEC.shape)), 8, axis=0)
    conditions = random.uniform(-10.0, 10.0, (8, 5)).astype(np.float32)
    conditions[:, 2] = 50.0
    spread = []
    for gain in (1.0, 10.0):
        keras.utils.set_random_seed(4)
        built = sagan.build_critic(_config(**TINY, critic_condition_gain=gain), SPEC)
        spread.append(np.std(built([image.astype(np.float32), conditions])))
    assert spread[1] > 3.0 * spread[0]


def test_the_contract():
    check_entry("sagan", TINY, detector="ecal")


@pytest.mark.parametrize("preset", ["wgan", "sn_critic"])
def test_the_other_rows_of_the_table_keep_the_contract(preset, tmp_path):
    tf.config.experimental.enable_op_determinism()
    tiny = dict(TINY)
    if preset == "wgan":
        del tiny["attention"]
    case = contract.make_case("sagan", tiny, "ecal", preset)
    model = case.build()
    contract.check_shapes(case, model)
    contract.check_steps_keep_apart(case, model)
    contract.check_keras_file(case, model, tmp_path / "model.keras")


def test_every_preset_has_its_row():
    assert set(STRUCTURE) == set(sagan.PRESETS)


@pytest.mark.parametrize("preset", STRUCTURE)
def test_a_preset_has_the_structure_it_is_named_for(preset):
    *attended, normed_generator, normed_critic, objective, weight = STRUCTURE[preset]
    model = _build(_config(preset))
    networks = model.generator, model.critic
    normed = normed_generator, normed_critic
    for network, rows, count in zip(networks, attended, normed, strict=True):
        attention = _layers(network, SelfAttention)
        assert [layer.input.shape[1] for layer in attention] == rows
        assert all(layer.spectral == (count > 0) for layer in attention)
        wrappers = _layers(network, keras.layers.SpectralNormalization)
        assert len(wrappers) == count
    assert model.get_config()["objective"] == objective
    assert model.penalty_weight == weight
    assert model.penalty_centre == 1.0
    assert (model.simulator is model.generator) == (preset != "cpu")


def test_the_published_networks():
    model = _build(_config("paper"))
    wrapped = [
        getattr(layer, "layer", layer)
        for network in (model.generator, model.critic)
        for layer in network.layers
    ]
    grow, shrink = (
        [layer.filters for layer in wrapped if type(layer) is kind]
        for kind in (keras.layers.Conv2DTranspose, keras.layers.Conv2D)
    )
    assert grow == [128, 64, 32]
    assert shrink == [1, 32, 64, 128, 256]
    assert model.noise_size == 256
    assert len(_layers(model.generator, keras.layers.BatchNormalization)) == 1 + 3
    assert not _layers(model.critic, keras.layers.BatchNormalization)


def test_the_optimizers():
    settings = _config("paper")
    model = _build(settings)
    sagan.compile_model(model, settings)
    assert (settings.batch_size, settings.critic_steps) == (256, 2)
    optimizers = {
        "generator": (model.generator_optimizer, 1e-4, 1),
        "critic": (model.critic_optimizer, 4e-4, 2),
    }
    for optimizer, rate, per_update in optimizers.values():
        assert (optimizer.beta_1, optimizer.beta_2) == (0.0, 0.999)
        end = settings.steps * per_update
        rates = [float(optimizer._learning_rate(0.9 * end * part)) for part in (0, 1)]
        np.testing.assert_allclose(rates, [rate, rate], rtol=1e-5)


def test_the_critic_knows_the_conditions():
    critic = sagan.build_critic(_config(**TINY), SPEC)
    random = np.random.default_rng(1)
    encoded = random.exponential(size=(1, 30, 30)).astype(np.float32)
    condition = np.array([[1.0, 2.0, 30.0, 0.1, 0.2]], np.float32)
    scores = [float(critic([encoded, one])[0, 0]) for one in (condition, -condition)]
    assert scores[0] != scores[1]


@pytest.mark.parametrize(
    ("changes", "pattern"),
    [
        ({"spectral_norm": "generator"}, "must be one of none, .* is 'generator'"),
        ({"objective": "none"}, "unknown objective 'none'; known: "),
        ({"generator_normalisation": "all"}, "unknown normalisation 'all'; known: "),
    ],
)
def test_impossible_settings_are_refused(changes, pattern):
    with pytest.raises(ValueError, match=pattern):
        _build(_config(**{**TINY, **changes}))


def test_a_detector_without_images_is_refused():
    with pytest.raises(ValueError, match="sagan needs responses"):
        sagan.build(_config(**TINY), detectors.get("hgcal"), transforms.LogOnePlus())
