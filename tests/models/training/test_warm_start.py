"""The weights of a pretrained model as the start of a training."""

import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from models.training.warm_start import begin_with, saved_settings


def _network(units, seed):
    network = keras.Sequential(
        [
            keras.Input((3,)),
            keras.layers.Dense(units, kernel_initializer=_start(seed)),
            keras.layers.BatchNormalization(),
        ]
    )
    return types.SimpleNamespace(
        simulator=network, trained_network=keras.models.clone_model(network)
    )


def _start(seed):
    return keras.initializers.RandomNormal(seed=seed)


@pytest.fixture
def saved(tmp_path):
    model = _network(2, 1)
    archive = keras.export.ExportArchive()
    archive.track(model.simulator)
    signature = [tf.TensorSpec([None, 3], tf.float32)]
    archive.add_endpoint("simulate", model.simulator.call, input_signature=signature)
    archive.write_out(str(tmp_path / "saved_model"), verbose=False)
    return model, tmp_path / "saved_model"


def test_both_networks_begin_there(saved):
    expected, path = saved
    model = _network(2, 2)
    begin_with(model, path)
    for network in (model.simulator, model.trained_network):
        pairs = zip(network.variables, expected.simulator.variables, strict=True)
        for one, other in pairs:
            np.testing.assert_array_equal(one, other, err_msg=one.path)


def test_a_network_of_another_shape_is_refused_and_stays(saved):
    _, path = saved
    model = _network(4, 2)
    before = model.simulator.get_weights()
    with pytest.raises(ValueError, match="6 weights, this one 6, 6 of another shape"):
        begin_with(model, path)
    for one, other in zip(before, model.simulator.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_settings_are_those_of_its_entry(tmp_path):
    text = '{"model": "sagan", "config": {"steps": 7}}'
    (tmp_path / "config.json").write_text(text)
    assert saved_settings(tmp_path, "sagan") == {"steps": 7}
    with pytest.raises(ValueError, match="is a 'sagan'; give --model=sagan"):
        saved_settings(tmp_path, "vae_gan")
