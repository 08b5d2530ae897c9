"""The GAN with an auxiliary regressor: the contract, the presets, its own parts."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

import models
from data import detectors, transforms
from data.transforms.spectrum_table import SpectrumTable
from models import aux_regressor
from models.layers.attention import SelfAttention
from models.layers.filling import FillShower
from models.layers.image_summary import ImageSummary
from models.training import config
from tests import contract
from tests.contract import check_entry

SPEC = detectors.get("ecal")
TABLE = SpectrumTable(
    np.geomspace(1e-3, 1e4, 60),
    response_per_gev=34.0,
    energy_conditions=SPEC.energy_conditions,
)
FITTED = {"spectrum": TABLE, "log": transforms.LogOnePlus()}
TINY = {
    "noise": 3,
    "noise_maps": 1,
    "generator_dense": (4,),
    "start_channels": 2,
    "generator_filters": (3,),
    "statistics_hidden": 4,
    "statistics_steps": 2,
    "track_scales_cm": (2.0,),
    "critic_filters": (2, 4),
    "critic_dense": (4,),
    "critic_summary": 4,
    "summary_ring_edges_cm": (3.0,),
    "summary_thresholds": (1.0,),
    "regressor_scales_cm": (1.0,),
    "regressor_dense": (4,),
    "batch_size": 8,
}
TRANSPOSED = {
    **TINY,
    "transform": "log",
    "generator": "transposed",
    "generator_filters": (2, 3),
    "generator_normalisation": "batch",
    "track_scales_cm": (),
    "critic_summary": 0,
    "attention": (16,),
    "spectral_norm": "both",
    "objective": "hinge",
    "penalty_weight": 0.0,
    "critic_steps": 2,
}
# Outputs of the critic; rows of the maps that are attended, in generator and critic;
# spectrally normalised layers, where attention counts as one of both.
STRUCTURE = {
    "cpu": (2, [], [8], 0, 0),
    "paper": (2, [8, 16], [16, 8], 5, 9),
    "cnn": (1, [], [], 0, 0),
    "cnn_regressor": (2, [], [], 0, 0),
    "cnn_regressor_sn": (2, [], [], 5, 9),
    "cnn_sa": (1, [8, 16], [16, 8], 0, 0),
    "cnn_regressor_sa_sn": (2, [8, 16], [16, 8], 5, 9),
}


def _config(preset="cpu", **changes):
    entry = models.load("aux_regressor")
    return dataclasses.replace(config.resolve(entry, preset), **changes)


def _build(settings):
    return aux_regressor.build(settings, SPEC, FITTED[settings.transform])


def _layers(network, kind):
    return [layer for layer in network.layers if isinstance(layer, kind)]


def _critic(**changes):
    settings = _config(**{**TINY, **changes})
    return aux_regressor.build_critic(settings, SPEC, FITTED[settings.transform])


def test_the_contract():
    check_entry("aux_regressor", TINY, detector="ecal")


@pytest.mark.parametrize("changes", [{}, {"regressor_weight": 0.0, "ema_decay": 0.0}])
def test_the_published_networks_keep_the_contract(changes, tmp_path):
    tf.config.experimental.enable_op_determinism()
    tiny = {**TRANSPOSED, **changes}
    case = contract.make_case("aux_regressor", tiny, detector="ecal")
    model = case.build()
    contract.check_shapes(case, model)
    contract.check_steps_keep_apart(case, model)
    contract.check_keras_file(case, model, tmp_path / "model.keras")
    assert len(model.tasks) == (0 if changes else 1)


def test_every_preset_has_its_row():
    assert set(STRUCTURE) == set(aux_regressor.PRESETS)


@pytest.mark.parametrize("preset", STRUCTURE)
def test_a_preset_has_the_structure_it_is_named_for(preset):
    outputs, *attended, normed_generator, normed_critic = STRUCTURE[preset]
    model = _build(_config(preset))
    assert model.critic.output.shape == (None, outputs)
    assert len(model.tasks) == outputs - 1
    networks = model.generator, model.critic
    normed = normed_generator, normed_critic
    for network, rows, count in zip(networks, attended, normed, strict=True):
        attention = _layers(network, SelfAttention)
        assert [layer.input.shape[1] for layer in attention] == rows
        assert all(layer.spectral == (count > 0) for layer in attention)
        wrappers = _layers(network, keras.layers.SpectralNormalization)
        assert len(wrappers) == count


@pytest.mark.parametrize("preset", [name for name in STRUCTURE if name != "cpu"])
def test_the_published_constants(preset):
    settings = _config(preset)
    model = _build(settings)
    assert model.get_config()["objective"] == "hinge"
    assert model.penalty_weight == 0.0
    assert model.critic_steps == 2
    assert model.noise_size == 256
    assert model.simulator is model.generator
    assert [task.observable for task in model.tasks] == ["asymmetry_along"] * (
        "regressor" in preset or preset == "paper"
    )
    assert all(task.weight == 1.0 for task in model.tasks)
    grow = [
        getattr(layer, "layer", layer)
        for layer in model.generator.layers
        if isinstance(getattr(layer, "layer", layer), keras.layers.Conv2DTranspose)
    ]
    assert [layer.filters for layer in grow] == [128, 64, 32]
    assert _layers(model.generator, keras.layers.BatchNormalization)
    assert not _layers(model.critic, keras.layers.BatchNormalization)


def test_the_paper_is_the_best_row_of_its_table():
    best, paper = _config("cnn_regressor_sa_sn"), _config("paper")
    assert paper == dataclasses.replace(best, batch_size=256, steps=200_000)


def test_the_default_knows_track_and_energy():
    model = _build(_config())
    assert len(_layers(model.generator, FillShower)) == 1
    assert len(_layers(model.critic, ImageSummary)) == 1
    assert model.simulator is not model.generator
    statistics = model.draw.output[0].shape[-1]
    assert model.noise_size == 2 * statistics + 16 + 2 * 900


def test_the_optimizers():
    settings = _config("paper")
    model = _build(settings)
    aux_regressor.compile_model(model, settings)
    optimizers = {
        "generator": (model.generator_optimizer, 1e-4, 1),
        "critic": (model.critic_optimizer, 4e-4, 2),
    }
    for optimizer, rate, per_update in optimizers.values():
        assert (optimizer.beta_1, optimizer.beta_2) == (0.0, 0.999)
        end = settings.steps * per_update
        rates = [float(optimizer._learning_rate(0.9 * end * part)) for part in (0, 1)]
        np.testing.assert_allclose(rates, [rate, rate], rtol=1e-5)


@pytest.mark.parametrize(
    ("changes", "branch"),
    [
        ({"attention": (16, 8), "critic_filters": (2, 3, 4)}, (8, 8, 3)),
        ({"attention": (4,), "critic_filters": (2, 3, 4)}, (4, 4, 4)),
        ({"attention": (), "critic_filters": (2, 3, 4)}, (8, 8, 3)),
        ({"attention": (), "critic_filters": (2, 3)}, (16, 16, 2)),
    ],
)
def test_where_the_branch_of_the_regressor_starts(changes, branch):
    published = {**changes, "regressor_scales_cm": ()}
    flat = _layers(_critic(**published), keras.layers.Flatten)
    filters = changes["critic_filters"]
    rows = 32 // 2 ** len(filters)
    # The other one is what the score starts from.
    expected = {(rows, rows, filters[-1]), branch}
    assert {layer.input.shape[1:] for layer in flat} == expected
    assert len(flat) == 2


@pytest.fixture(scope="module")
def showers():
    """Encoded showers and their conditions."""
    random = np.random.default_rng(1)
    encoded = 0.2 * random.exponential(size=(4, 30, 30)).astype(np.float32)
    condition = np.array([[1.0, 2.0, 30.0, 0.1, 0.2]] * 4, np.float32)
    return tf.constant(encoded), tf.constant(condition)


def test_the_regression_is_one_of_the_things_that_the_score_rests_on(showers):
    critic = _critic()
    before = np.asarray(critic(showers))
    score, regressed = critic.layers[-1].input
    output = regressed._keras_history.operation
    output.bias.assign(output.bias + 1.0)
    after = np.asarray(critic(showers))
    np.testing.assert_allclose(after[:, 1], before[:, 1] + 1.0, rtol=1e-4)
    assert np.abs(after[:, 0] - before[:, 0]).min() > 0.0
    # And not the other way round.
    other = score._keras_history.operation
    other.bias.assign(other.bias + 1.0)
    np.testing.assert_array_equal(critic(showers)[:, 1], after[:, 1])


@pytest.mark.parametrize("changes", [{}, {"critic_summary": 0}])
def test_the_critic_sees_condition_and_shower(showers, changes):
    critic = _critic(**changes)
    encoded, condition = showers
    before = np.asarray(critic([encoded, condition]))
    moved = condition + tf.constant([0.0, 0.0, 0.0, 0.2, 0.0])
    others = [encoded, moved], [tf.reverse(encoded, [1]), condition]
    for other in others:
        assert not np.array_equal(critic(other), before)


def test_any_transform_goes_with_the_published_networks():
    for name in ("identity", "box_cox", "power", "root"):
        settings = _config(**{**TRANSPOSED, "transform": name})
        fitted = transforms.TRANSFORMS[name]()
        model = aux_regressor.build(settings, SPEC, fitted)
        assert model.transform is fitted


@pytest.mark.parametrize(
    ("changes", "pattern"),
    [
        ({"generator": "dense"}, "unknown generator 'dense'; known: compact, transp"),
        ({"transform": "log"}, "needs transform=spectrum, .* received LogOnePlus"),
        (
            {**TRANSPOSED, "critic_summary": 4},
            "critic_summary needs transform=spectrum, root or power, received 'log'",
        ),
        ({"spectral_norm": "all"}, "spectral_norm must be one of none, critic, both"),
        ({"observable": "mass"}, "unknown observable 'mass' of detector 'ecal'; known"),
        ({"objective": "none"}, "unknown objective 'none'; known: "),
        ({"noise_maps": 0}, "at least one noise map"),
        (
            {**TRANSPOSED, "generator_normalisation": "all"},
            "unknown normalisation 'all'; known: ",
        ),
    ],
)  # fmt: skip
def test_impossible_settings_are_refused(changes, pattern):
    with pytest.raises(ValueError, match=pattern):
        _build(_config(**{**TINY, **changes}))


def test_a_detector_without_images_is_refused():
    with pytest.raises(ValueError, match="aux_regressor needs responses"):
        aux_regressor.build(_config(**TINY), detectors.get("hgcal"), TABLE)
