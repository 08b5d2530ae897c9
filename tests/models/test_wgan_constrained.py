"""The WGAN with constrainers: the contract, the published preset, its own parts."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

import models
from data import detectors, transforms
from data.transforms.spectrum_table import SpectrumTable
from models import wgan_constrained
from models.gans.conditional import ConditionalGAN
from models.layers import filling
from models.training import config
from models.training.exports.simulator_export import export_simulator
from tests import contract
from tests.contract import check_entry
from tests.synthetic import TINY_WGAN

SPEC = detectors.get("hgcal")
TABLE = SpectrumTable(np.geomspace(1e-3, 1e3, 60), response_per_gev=40.0)
PUBLISHED_GENERATOR, PUBLISHED_CRITIC = 672e3, 477e3
VARIANT_GENERATOR, VARIANT_CRITIC = 694_476, 474_697
"""Free parameters of the near variant that its authors have made public."""


def _config(preset="cpu", **changes):
    entry = models.load("wgan_constrained")
    return dataclasses.replace(config.resolve(entry, preset), **changes)


def _tiny(**changes):
    return _config(**{**TINY_WGAN, **changes})


@pytest.fixture(scope="module")
def paper():
    """The published model, built but not trained."""
    settings = _config("paper")
    model = wgan_constrained.build(settings, SPEC, transforms.Identity())
    wgan_constrained.compile_model(model, settings)
    return model


def _layers(network, kind):
    return [layer for layer in network.layers if isinstance(layer, kind)]


def test_the_contract():
    check_entry("wgan_constrained", tiny=TINY_WGAN)


def test_normalisation_is_in_inference_mode_where_the_model_simulates(tmp_path):
    batch_norm = {
        "generator_normalisation": "batch",
        "constrainer_normalisation": "batch",
        "ema_decay": 0.0,
    }
    case = contract.make_case("wgan_constrained", {**TINY_WGAN, **batch_norm})
    model = case.build()
    contract.check_steps_keep_apart(case, model)
    elements = iter(case.data(model))
    for _ in range(3):
        model.train_step(next(elements))
    assert _layers(model.generator, keras.layers.BatchNormalization)
    condition = tf.constant(case.sample.condition)
    noise = tf.random.stateless_normal((len(condition), model.noise_size), (1, 2))
    answers = [
        np.asarray(model.generator([condition, noise], training=training))
        for training in (False, True)
    ]
    assert not np.allclose(*answers, rtol=1e-3)
    export_simulator(model, SPEC, "mask", tmp_path / "saved_model", {})
    loaded = tf.saved_model.load(str(tmp_path / "saved_model"))
    contract.check_rows_alone(case, model, loaded.signatures["simulate_from_noise"])


def _free(network):
    return sum(int(np.prod(one.shape)) for one in network.trainable_variables)


def test_the_published_sizes(paper):
    assert _free(paper.generator) == pytest.approx(PUBLISHED_GENERATOR, rel=0.03)
    assert _free(paper.critic) == pytest.approx(PUBLISHED_CRITIC, rel=0.03)


def test_the_sizes_of_the_public_variant(paper):
    """It is our network but for three kinds of biases of the generator."""
    rows, columns, layers = SPEC.shape
    locally_connected_twice = rows * columns * layers
    cropped_images_per_cell = layers * (20 * 24 - 1)
    before_a_normalisation = layers * 64
    more = locally_connected_twice + cropped_images_per_cell - before_a_normalisation
    assert _free(paper.generator) + more == VARIANT_GENERATOR
    assert _free(paper.critic) == VARIANT_CRITIC


def test_the_published_constants(paper):
    assert paper.penalty_weight == 5.0
    assert paper.penalty_centre == 1.0
    assert paper.penalty_interval == 1
    assert [constrainer.weight for constrainer in paper.constrainers] == [0.01, 0.01]
    # Labels in GeV and mm; our conditions are in GeV and cm.
    assert [one.label_scale for one in paper.constrainers] == [1.0, 10.0]
    assert paper.get_config()["objective"] == "wasserstein"
    assert type(paper.transform) is transforms.Identity
    assert not _layers(paper.constrainers[0].network, keras.layers.Dropout)


def test_the_published_optimizers(paper):
    optimizers = {
        "generator": (paper.generator_optimizer, [1e-3, 3.2e-4, 1e-4], 1),
        "critic": (paper.critic_optimizer, [5e-4, 1.6e-4, 5e-5], 9),
        "constrainers": (paper.constrainer_optimizer, [5e-5, 0.0, 0.0], 1),
    }
    settings = _config("paper")
    assert (settings.batch_size, settings.critic_steps) == (256, 9)
    for optimizer, rates, per_update in optimizers.values():
        assert type(optimizer) is keras.optimizers.Adam
        assert (optimizer.beta_1, optimizer.beta_2) == (0.0, 0.9)
        schedule = optimizer._learning_rate
        middles = [
            settings.steps * per_update * third for third in (1 / 6, 1 / 2, 5 / 6)
        ]
        np.testing.assert_allclose(
            [float(schedule(m)) for m in middles], rates, rtol=1e-5
        )


def test_the_published_networks(paper):
    normalised = keras.layers.BatchNormalization
    assert _layers(paper.generator, normalised)
    assert not _layers(paper.critic, normalised)
    assert len(_layers(paper.critic, keras.layers.GroupNormalization)) == 4
    assert not _layers(paper.critic, keras.layers.LayerNormalization)
    transposed = _layers(paper.generator, keras.layers.Conv2DTranspose)
    assert len(transposed) == 3 * SPEC.shape[2]
    assert paper.noise_size == 10
    energy, position = paper.constrainers
    assert energy.conditions == [0]
    assert position.conditions == [1, 2]
    response = tf.random.stateless_normal((8, *SPEC.shape), (1, 2))
    assert np.min(energy.network(response)) >= 0.0
    assert position.network(response).shape == (8, 2)


def _generated(settings):
    generator = wgan_constrained.build_generator(settings, SPEC, TABLE)
    noise = tf.random.stateless_normal((20, generator.inputs[1].shape[-1]), (1, 2))
    condition = tf.tile([[50.0, 0.5, -0.5]], (20, 1))
    return np.asarray(generator([condition, noise])).max(axis=0)


@pytest.mark.parametrize(
    ("switch", "mask", "dead_cells_are_empty"),
    [(True, "mask", True), (False, "mask", False), (True, "mask_full", False)],
)
def test_dead_cells_are_masked_if_they_should_be(switch, mask, dead_cells_are_empty):
    hottest = _generated(_tiny(mask_generator=switch, mask=mask))
    assert hottest[SPEC.dead_cells].any() != dead_cells_are_empty
    assert not hottest[~SPEC.cells].any()
    assert hottest[SPEC.cells & ~SPEC.dead_cells].any()


def test_an_impact_point_moves_the_maps_of_generator_and_critic():
    settings = _tiny()
    generator = wgan_constrained.build_generator(settings, SPEC, TABLE)
    critic = wgan_constrained.build(settings, SPEC, TABLE).critic
    noise = tf.random.stateless_normal((1, generator.inputs[1].shape[-1]), (1, 2))
    conditions = [tf.constant([[50.0, x, 0.0]]) for x in (-2.0, 2.0)]
    showers = [generator([condition, noise]) for condition in conditions]
    assert not np.array_equal(*showers)
    scores = [float(critic([showers[0], condition])[0, 0]) for condition in conditions]
    assert scores[0] != scores[1]


@pytest.mark.parametrize(
    ("changes", "pattern"),
    [
        ({}, "statistics_hidden needs transform=spectrum, received 'log'; change"),
        ({"statistics_hidden": 0}, "critic_summary needs transform=spectrum, root or"),
        (
            {"transform": "spectrum", "hit_gate": False},
            "statistics_hidden needs hit_gate=true",
        ),
    ],
)
def test_settings_that_exclude_each_other_are_refused(changes, pattern):
    settings = _tiny(**{"transform": "log", **changes})
    fitted = TABLE if settings.transform == "spectrum" else transforms.LogOnePlus()
    with pytest.raises(ValueError, match=pattern):
        wgan_constrained.build(settings, SPEC, fitted)


@pytest.mark.parametrize("gate", [True, False])
def test_without_statistics_the_hits_are_left_to_the_cells(gate):
    settings = _tiny(statistics_hidden=0, hit_gate=gate)
    model = wgan_constrained.build(settings, SPEC, TABLE)
    assert type(model) is ConditionalGAN
    assert wgan_constrained.phases(model, settings) == []
    assert bool(_layers(model.generator, filling.HitGate)) == gate


@pytest.mark.parametrize("name", ["identity", "log", "box_cox"])
def test_any_transform_goes_without_fractions(name):
    settings = _tiny(transform=name, statistics_hidden=0, critic_summary=0)
    fitted = transforms.TRANSFORMS[name]()
    model = wgan_constrained.build(settings, SPEC, fitted)
    response = model.simulate(tf.constant([[50.0, 0.0, 0.0]]), [1, 2])
    assert response.shape == (1, *SPEC.shape)
    assert np.min(response) >= 0.0


def test_a_detector_without_rows_columns_and_layers_is_refused():
    flat = dataclasses.replace(SPEC, shape=(504,))
    with pytest.raises(ValueError, match=r"needs \(row, column, layer\)"):
        wgan_constrained.build(_tiny(), flat, TABLE)


def test_a_detector_without_impact_point_is_refused():
    other = dataclasses.replace(SPEC, condition_names=("energy_gev", "x", "y"))
    with pytest.raises(ValueError, match="no conditions impact_x_cm"):
        wgan_constrained.build(_tiny(), other, TABLE)


@pytest.mark.parametrize(
    "name", ["generator_normalisation", "critic_normalisation", "objective"]
)
def test_unknown_names_are_refused(name):
    # The first convolution of a critic is not normalised.
    two = {"critic_filters": ((4, 3, 2), (4, 3, 1))}
    settings = _tiny(**{**two, name: "none of these"})
    with pytest.raises(ValueError, match=r"unknown .* 'none of these'; known: "):
        wgan_constrained.build(settings, SPEC, TABLE)
