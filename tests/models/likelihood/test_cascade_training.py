"""Single training steps of a small cascade: scales, averaged weights, likelihood."""

import dataclasses
import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from data import detectors
from data.transforms import Identity
from models.likelihood.cascade_training import CascadeModel, cascade_network
from models.networks.building_blocks import normal
from tests.models.gans.small_gan import same, values
from tests.models.likelihood import small_cascade

EVENTS = 16
SEED = 3
CELLS = np.ones((2, 2), bool)
CELLS[1, 0] = False


def _spec(cells=CELLS):
    """A detector of a few cells; energies and impact points are those of `hgcal`."""
    positions = np.zeros((*cells.shape, 3), np.float32)
    places = small_cascade.positions_cm(*cells.shape[:2])
    positions[..., :2] = places.reshape(*places.shape[:2], *[1] * (cells.ndim - 2), 2)
    return dataclasses.replace(
        detectors.get("hgcal"), shape=cells.shape, cells=cells, positions_cm=positions
    )


@functools.cache
def _network():
    """Returns the network, which takes a while to build, and its first weights."""
    keras.utils.set_random_seed(1)
    network = cascade_network(_spec(), **small_cascade.SETTINGS)
    return network, network.get_weights()


def _model(ema_decay=0.0, rate=1e-2, seed=SEED):
    """Makes a model with the first weights; it takes them away from any other one."""
    network, weights = _network()
    network.set_weights(weights)
    model = CascadeModel(network, Identity(), ema_decay, seed)
    model.compile(keras.optimizers.Adam(rate))
    return model


def _element(seed=5, events=EVENTS):
    condition = small_cascade.conditions(events, seed)
    response = small_cascade.showers(CELLS, condition, seed)
    return tf.constant(response), condition, tf.ones(events)


def _cascade(network):
    return network.get_layer("energy_cascade")


def _step(model, element):
    """Returns what one step alone reports."""
    for metric in model.metrics:
        metric.reset_state()
    return {name: float(value) for name, value in model.train_step(element).items()}


@pytest.mark.parametrize("shape", [(3, 4), (3, 4, 2)])
def test_a_network_has_the_shapes_of_its_detector(shape):
    network = cascade_network(_spec(np.ones(shape, bool)), **small_cascade.SETTINGS)
    conditions, noise = network.inputs
    assert conditions.shape == (None, 3)
    assert noise.shape == (None, _cascade(network).noise_size)
    assert network.outputs[0].shape == (None, *shape)


def test_without_an_average_the_trained_weights_simulate():
    model = _model()
    assert model.simulator is model.network
    element, seed = _element(), tf.constant([1, 2])
    before = np.asarray(model.simulate(element[1], seed))
    model.train_step(element)
    after = np.asarray(model.simulate(element[1], seed))
    noise = normal(EVENTS, model.noise_size, seed)
    expected = model.network([element[1], noise], training=False)
    np.testing.assert_array_equal(after, expected)
    assert not np.allclose(after, before, rtol=1e-2)


@pytest.mark.parametrize(
    ("decay", "kept"), [(0.999, [1 / 10, 2 / 11, 3 / 12]), (0.15, [0.1, 0.15, 0.15])]
)
def test_the_average_has_a_short_memory_at_first(decay, kept):
    model = _model(decay)
    trained = {id(variable) for variable in model.trainable_variables}
    assert trained == {id(variable) for variable in model.network.trainable_variables}
    assert same(values(model.network.variables), model.simulator.variables)
    expected = values(model.simulator.variables)
    for keep in kept:
        model.train_step(_element())
        pairs = zip(expected, model.network.variables, strict=True)
        expected = [
            keep * old + (1.0 - keep) * np.asarray(new)
            if new.trainable
            else np.asarray(new)
            for old, new in pairs
        ]
        for found, value in zip(model.simulator.variables, expected, strict=True):
            np.testing.assert_allclose(found, value, rtol=1e-5, atol=1e-6)
    assert not same(values(model.network.variables), model.simulator.variables)


def test_the_first_batch_sets_the_scales_and_no_other_one_does():
    model = _model(0.9)
    first, second = _element(5), _element(6)
    model.train_step(first)
    for network in (model.network, model.simulator):
        cascade = _cascade(network)
        scales = cascade.scales(*first[:2])
        assert len(scales) == 6
        for weight, value in zip(cascade.scale_weights, scales, strict=True):
            np.testing.assert_array_equal(weight, value)
    before = values(model.network.non_trainable_variables)
    model.train_step(second)
    assert same(before, model.network.non_trainable_variables)
    cascade = _cascade(model.network)
    scales = cascade.scales(*second[:2])[:2]
    for weight, value in zip(cascade.scale_weights[:2], scales, strict=True):
        assert abs(float(value) / float(weight) - 1.0) > 1e-3


def test_the_loss_is_the_sum_of_the_parts_of_the_likelihood():
    model = _model()
    response, condition, _ = element = _element()
    model.train_step(element)
    seed = tf.constant([4, 5])
    found = model.negative_log_likelihood(model.network, element[:2], seed)
    cascade = _cascade(model.network)
    parts = cascade.log_likelihood(response, condition, normal(EVENTS, 5, seed))
    assert [*found] == ["loss", *cascade.names]
    for name, value in parts.items():
        np.testing.assert_array_equal(found[name], -value)
    total = np.sum([*map(np.asarray, parts.values())], axis=0)
    np.testing.assert_allclose(found["loss"], -total, rtol=1e-5)


def test_total_energy_and_moments_alone_are_decayed():
    cells = np.ones((2, 2, 2), bool)
    condition = small_cascade.conditions(EVENTS)
    response = small_cascade.showers(cells, condition)
    element = tf.constant(response), condition, tf.ones(EVENTS)
    network = cascade_network(_spec(cells), **small_cascade.SETTINGS)
    weights, cascade = network.get_weights(), _cascade(network)
    decayed = [*cascade.total.trainable_variables]
    decayed += cascade.moments.trainable_variables
    ids = {id(one) for one in decayed}
    others = [one for one in network.trainable_variables if id(one) not in ids]
    assert len(others) > len(decayed)
    found = []
    for decay in (0.0, 0.5):
        network.set_weights(weights)
        model = CascadeModel(network, Identity(), 0.0, SEED)
        model.compile(keras.optimizers.AdamW(1e-2, weight_decay=decay))
        # Also after a detour through the configuration, which does not say so.
        model.compile_from_config(model.get_compile_config())
        # Twice: the first biases are 0.
        for _ in range(2):
            model.train_step(element)
        found.append([values(others), values(decayed)])
    for one, two in zip(found[0][0], found[1][0], strict=True):
        np.testing.assert_array_equal(one, two)
    for one, two in zip(found[0][1], found[1][1], strict=True):
        assert np.any(one != two)


def test_the_dither_is_drawn_by_seed_and_step_alone():
    model, element = _model(rate=0.0), _element()
    model.train_step(element)

    def moments(step, model=model):
        model.updates.assign(step)
        return _step(model, element)["moments"]

    first, second = moments(1), moments(2)
    assert first != second
    assert moments(1) == first
    other = _model(rate=0.0, seed=SEED + 1)
    other.train_step(element)
    assert moments(1, other) != first


def test_a_step_reports_its_loss_parts_and_gradient():
    model, element = _model(), _element()
    model.train_step(element)
    seed = tf.constant([SEED, 1])
    terms = model.negative_log_likelihood(model.network, element[:2], seed)
    expected = {name: np.mean(value) for name, value in terms.items()}
    values = [variable.value for variable in model.network.trainable_variables]
    with tf.GradientTape() as tape:
        tape.watch(values)
        found = model.negative_log_likelihood(model.network, element[:2], seed)
        loss = tf.reduce_mean(found["loss"])
    norm = tf.linalg.global_norm(tape.gradient(loss, values))
    expected["gradient_norm"] = float(norm)
    assert _step(model, element) == pytest.approx(expected, rel=1e-4)
    assert [metric.name for metric in model.metrics] == [*expected]


def test_events_count_by_their_weight():
    """Two of weight 2 and 0 train like the first one alone."""
    response, condition, _ = _element()
    half = EVENTS // 2
    weight = tf.constant(np.repeat([2.0, 0.0], half), tf.float32)
    every = tf.ones(EVENTS)

    def trained(*element):
        model = _model()
        model.train_step((response, condition, every))
        before = values(model.network.variables)
        model.train_step(element)
        return before, values(model.network.variables)

    start, alone = trained(response[:half], condition[:half], every[:half])
    same_start, both = trained(response, condition, weight)
    assert same(start, same_start)
    for one, other in zip(alone, both, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)
    # All events alike lead elsewhere.
    _, unweighted = trained(response, condition, every)
    gaps = [np.abs(one - x).max() for one, x in zip(alone, unweighted, strict=True)]
    assert max(gaps) > 3e-3


def test_validation_measures_the_average_and_changes_nothing():
    model = _model(0.9)
    for _ in range(3):
        model.train_step(_element())
    element = _element(seed=8)
    seed = tf.constant([SEED, -1])
    before = values(model.state_variables())
    for metric in model.metrics:
        metric.reset_state()
    found = model.test_step(element)
    assert same(before, model.state_variables())
    averaged, trained = (
        model.negative_log_likelihood(network, element[:2], seed)
        for network in (model.simulator, model.network)
    )
    assert set(found) == set(averaged)
    for name, value in averaged.items():
        assert float(found[name]) == pytest.approx(np.mean(value), rel=1e-5)
    assert abs(float(found["loss"]) - np.mean(trained["loss"])) > 1e-2


def test_the_loss_falls_within_thirty_steps():
    model = _model(rate=1e-2)
    step = tf.function(model.train_step, autograph=False)
    losses = []
    for number in range(30):
        for metric in model.metrics:
            metric.reset_state()
        losses.append(float(step(_element(10 + number, 64))["loss"]))
    assert np.isfinite(losses).all()
    # Most of it is the scale of the ratios, a nat per cell at least.
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) - 3.0
