"""CaloGAN: the contract, the published networks, what its losses ask for."""

import dataclasses

import keras
import numpy as np
import pytest

import models
from data import detectors, transforms
from models import calogan
from models.layers.lagan_layers import BatchSimilarity
from models.layers.locally_connected import LocallyConnected2D
from models.networks import lagan
from models.training import config
from tests.contract import check_entry

SPEC = detectors.get("calogan")
TINY = {
    "noise": 3,
    "start_channels": 2,
    "generator_filters": (2, 2),
    "critic_filters": (2, 2, 2, 2),
    "similarity": (2, 3),
    "batch_size": 8,
}


def _config(preset="cpu", **changes):
    return dataclasses.replace(
        config.resolve(models.load("calogan"), preset), **changes
    )


def _build(settings, response_per_gev=10.0):
    return calogan.build(settings, SPEC, transforms.EnergyPerGev(response_per_gev))


def test_the_contract():
    check_entry("calogan", TINY, detector="calogan")


def _shapes(network, kind):
    return [one.output.shape[1:] for one in network.layers if isinstance(one, kind)]


def test_the_published_networks():
    model = _build(_config("paper"))
    assert model.noise_size == 1024
    dense = [one for one in model.generator.layers if type(one) is keras.layers.Dense]
    # A margin of one cell on every side, and 36 channels.
    assert [one.units for one in dense] == [5 * 98 * 36, 14 * 14 * 36, 14 * 8 * 36]
    # Each layer's stream; the second and the third also have weights of two images.
    assert sorted(_shapes(model.generator, LocallyConnected2D)) == sorted([
        (4, 97, 6), (3, 96, 1),
        (13, 13, 6), (12, 12, 1), (12, 12, 2),
        (13, 7, 6), (12, 6, 1), (12, 6, 2),
    ])  # fmt: skip
    assert sorted(_shapes(model.critic, LocallyConnected2D)) == sorted([
        (3, 48, 16), (4, 49, 8), (5, 25, 8),
        (12, 6, 16), (13, 7, 8), (14, 4, 8),
        (12, 3, 16), (13, 4, 8), (14, 3, 8),
    ])  # fmt: skip
    assert len(_shapes(model.critic, BatchSimilarity)) == 2 * 3 + 1
    assert model.energy_weight == 0.05
    assert model.objective == "bce"
    assert model.simulator is model.generator


def test_the_optimizers():
    settings = _config("paper")
    model = _build(settings)
    calogan.compile_model(model, settings)
    assert settings.batch_size == 256
    for optimizer, rate in (
        (model.generator_optimizer, 2e-4), (model.critic_optimizer, 2e-5),
    ):  # fmt: skip
        assert optimizer.beta_1 == 0.5
        rates = [float(optimizer._learning_rate(step)) for step in (0, settings.steps)]
        np.testing.assert_allclose(rates, [rate, rate], rtol=1e-6)


def test_the_noise_is_scaled_by_the_energy():
    generator = _build(_config(**TINY)).generator
    noise = np.random.default_rng(1).normal(size=(1, 3)).astype(np.float32)
    half = generator([np.array([[50.0]], np.float32), noise])
    whole = generator([np.array([[100.0]], np.float32), 0.5 * noise])
    np.testing.assert_allclose(half, whole, rtol=1e-5, atol=1e-7)
    other = generator([np.array([[100.0]], np.float32), noise])
    assert not np.allclose(half, other)


def test_the_image_before_is_painted_into_the_next_one():
    """At first next to nothing of it; with the bias of its score at 0, about half."""
    image, carried = (np.full((1, 3, 4, 1), value, np.float32) for value in (0.0, 1.0))
    mixed = {
        bias: np.asarray(lagan.in_painted(image, carried, bias))
        for bias in (-1000.0, 0.0, 1000.0)
    }
    assert not np.any(mixed[-1000.0])
    assert np.all((mixed[0.0] > 0.0) & (mixed[0.0] < 1.0))
    assert np.all(mixed[1000.0] == 1.0)


@pytest.mark.parametrize("attention", [True, False])
def test_layers_know_of_each_other_only_by_attention(attention):
    """A change of the last stage of the first layer reaches the second one, or not."""
    keras.utils.set_random_seed(3)
    settings = _config(**TINY, attention=attention, carry_bias=0.0)
    generator = _build(settings).generator
    inputs = np.array([[50.0]], np.float32), np.ones((1, 3), np.float32)
    before = np.asarray(generator(inputs))
    last = next(
        layer for layer in generator.layers
        if isinstance(layer, LocallyConnected2D) and layer.filters == 1
    )  # fmt: skip
    assert last.output.shape[1:] == (3, 96, 1)
    last.kernel.assign(-last.kernel)
    after = np.asarray(generator(inputs))
    assert not np.array_equal(before[:, :288], after[:, :288])
    assert np.array_equal(before[:, 288:], after[:, 288:]) != attention


def test_the_critic_feels_the_total_energy():
    settings = _config(**TINY)
    keras.utils.set_random_seed(4)
    critic = _build(settings).critic
    showers = np.random.default_rng(1).exponential(size=(6, 504)).astype(np.float32)
    total = showers.sum(axis=1, keepdims=True)
    scores = (
        np.asarray(critic([showers, total])),
        np.asarray(critic([showers, 2 * total])),
    )
    assert np.all(scores[0] != scores[1])


@pytest.mark.parametrize(
    ("detector", "name", "pattern"),
    [
        ("hgcal", "linear", r"needs layers .* 'hgcal' has responses \(12, 15, 7\)"),
        ("calogan", "log", "needs transform=linear, received LogOnePlus"),
    ],
)
def test_what_does_not_fit_is_refused(detector, name, pattern):
    fitted = transforms.TRANSFORMS[name]()
    with pytest.raises(ValueError, match=pattern):
        calogan.build(_config(**TINY), detectors.get(detector), fitted)


def test_further_conditions_are_refused():
    spec = dataclasses.replace(
        SPEC,
        condition_names=("energy_gev", "angle_deg"),
        condition_units=("GeV", "deg"),
    )
    with pytest.raises(ValueError, match=r"one condition, energy_gev; .* angle_deg"):
        calogan.build(_config(**TINY), spec, transforms.EnergyPerGev())
