"""The PyTorch copy of a cascade draws the same showers."""

import dataclasses
import importlib.util
import json

import keras
import numpy as np
import pytest

from benchmarks.rivals import model_description
from data import detectors, transforms
from models import cascade
from tests import synthetic

HAS_TORCH = importlib.util.find_spec("torch") is not None
EVENTS = 8


def drawn_by(detector, periodic_axes=(), **changes):
    """Returns a tiny network with scales and weights that matter, and showers of it."""
    settings = cascade.Config(
        widths=(4, 3), components=(3, 2), hidden=4, ema_decay=0.0, **changes
    )
    spec = detectors.get(detector)
    spec = dataclasses.replace(spec, periodic_axes=periodic_axes)
    network = cascade.build(settings, spec, transforms.Identity()).network
    sample = synthetic.sample(spec, EVENTS)
    layer = network.get_layer("energy_cascade")
    scales = layer.scales(sample.response, sample.condition)
    for weight, value in zip(layer.scale_weights, scales, strict=True):
        weight.assign(value)
    random = np.random.default_rng(1)
    for weight in network.trainable_variables:
        # No bias stays 0, and no division without preference.
        weight.assign(weight + 0.1 * random.normal(size=weight.shape))
    noise = random.normal(size=(EVENTS, layer.noise_size)).astype(np.float32)
    return network, sample.condition, noise


def test_a_description_has_every_weight_and_level_of_a_cascade(tmp_path):
    keras.utils.set_random_seed(1)
    network, _, _ = drawn_by("hgcal", turns=(1, 4))
    model_description.write(network, tmp_path)
    with np.load(tmp_path / model_description.WEIGHTS) as stored:
        weights = dict(stored)
    layer = network.get_layer("energy_cascade")
    assert len(weights) == len(network.weights)
    assert sum(x.size for x in weights.values()) == network.count_params()
    head = weights["energy_cascade/levels/3/outputs/1/0/kernel"]
    np.testing.assert_array_equal(head, layer.levels[3].outputs[1][0].kernel)
    described = json.loads((tmp_path / model_description.DESCRIPTION).read_text())
    (config,) = (
        one["config"] for one in described["layers"] if one["kind"] == "EnergyCascade"
    )
    assert [one["blocks"] for one in config["plan"]] == [
        list(split.blocks) for split in layer.plan
    ]


@pytest.mark.skipif(not HAS_TORCH, reason="torch is not installed")
@pytest.mark.parametrize(
    ("detector", "changes"),
    [
        ("hgcal", {"turns": (1, 4), "periodic_axes": (1,)}),
        ("ecal", {"turns": (1,), "layer_groups": (1,), "adjust": False}),
    ],
)
def test_the_pytorch_copy_draws_the_same_showers(detector, changes, tmp_path):
    import torch

    from benchmarks.rivals.torch_generator import TorchGenerator

    keras.utils.set_random_seed(1)
    network, condition, noise = drawn_by(detector, **changes)
    model_description.write(network, tmp_path)
    with np.load(tmp_path / model_description.WEIGHTS) as weights:
        module = TorchGenerator(model_description.describe(network), dict(weights))
    with torch.inference_mode():
        found = module(torch.from_numpy(condition), torch.from_numpy(noise)).numpy()
    expected = np.asarray(network([condition, noise], training=False))
    assert 0.01 < np.mean(expected > 0.0) < 0.9
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)
