"""The embedded regressor: what the networks learn from it, and how it learns."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from data import detectors, transforms
from losses import constraints
from models.gans import conditional, embedded_regressor
from models.gans.embedded_regressor import EmbeddedRegressorGAN, RegressorTraining
from models.networks import building_blocks
from tests import synthetic
from tests.models.gans.small_gan import same, values

SPEC = detectors.get("ecal")
CONDITIONS, FEATURES, NOISE = 5, 3, 2
KNOWN = {"errors": CONDITIONS, "features": FEATURES + CONDITIONS, "none": CONDITIONS}
EVENTS = 6


def _regressor():
    encoded = keras.Input(SPEC.shape)
    x = keras.layers.Flatten()(encoded)
    maps = keras.layers.Dense(4, activation="tanh")(x)
    features = keras.layers.Dense(FEATURES)(maps)
    parameters = keras.layers.Dense(CONDITIONS)(features)
    return keras.Model(encoded, [maps, features, parameters])


def _generator():
    inputs = [keras.Input((CONDITIONS,)), keras.Input((NOISE,))]
    x = keras.layers.Dense(900, activation="softplus")(inputs[1])
    return keras.Model(inputs, keras.layers.Reshape(SPEC.shape)(x))


def _critic(size):
    """Passes on what it is told, after a score."""
    inputs = [keras.Input(SPEC.shape), keras.Input((size,))]
    seen = keras.layers.Concatenate()([keras.layers.Flatten()(inputs[0]), inputs[1]])
    score = keras.layers.Dense(1)(seen)
    return keras.Model(inputs, keras.layers.Concatenate()([score, inputs[1]]))


def _gan(critic_regressor="errors", generator_regressor="none", weight=0.5):
    keras.utils.set_random_seed(3)
    model = EmbeddedRegressorGAN(
        _generator(),
        _critic(KNOWN[critic_regressor]),
        transforms.LogOnePlus(),
        penalty_weight=1.0,
        regressor=_regressor(),
        scaling=embedded_regressor.scaling(SPEC),
        critic_regressor=critic_regressor,
        generator_regressor=generator_regressor,
        regressor_weight=weight,
    )
    model.compile(keras.optimizers.Adam(0.01), keras.optimizers.Adam(0.01))
    return model


@pytest.fixture(scope="module")
def element():
    """Encoded responses, conditions and weights."""
    sample = synthetic.sample(SPEC, EVENTS)
    arrays = np.log1p(sample.response), sample.condition, np.ones(EVENTS)
    return tuple(tf.constant(array, tf.float32) for array in arrays)


def test_the_labels_are_the_scaled_conditions(element):
    inputs = keras.Input((CONDITIONS,))
    scaled = keras.Model(inputs, building_blocks.scaled_condition(inputs, SPEC))
    labels = np.asarray(embedded_regressor.scaling(SPEC)(element[1]))
    np.testing.assert_array_equal(labels, scaled(element[1]))
    assert labels.shape == (EVENTS, CONDITIONS)
    assert not embedded_regressor.scaling(SPEC).variables


@pytest.mark.parametrize("kind", embedded_regressor.KINDS)
def test_what_the_critic_is_told(element, kind):
    encoded, condition, _ = element
    model = _gan(critic_regressor=kind)
    told = model.judge(encoded, condition, training=True)[:, 1:]
    _, features, parameters = map(np.asarray, model.regressor(encoded))
    scaled = np.asarray(model.scaling(condition))
    expected = {
        "errors": parameters - scaled,
        "features": np.concatenate([features, scaled], axis=1),
        "none": scaled,
    }[kind]
    np.testing.assert_allclose(told, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("kind", "learns"), [("errors", True), ("none", False)])
def test_gradients_pass_through_the_regressor(element, kind, learns):
    encoded, condition, _ = element
    model = _gan(critic_regressor=kind)
    with tf.GradientTape() as tape:
        tape.watch(encoded)
        told = model.judge(encoded, condition, training=True)[:, 1:]
    slope = tape.gradient(told, encoded, unconnected_gradients="zero")
    assert np.any(slope) == learns


def _term(model, real, fake, condition):
    """The generator's loss from the regressor, and what is reported of it."""
    for tracker in model.metrics:
        tracker.reset_state()
    loss = float(model._constraint_loss(real, fake, condition))
    return loss, {one.name: float(one.result()) for one in model.metrics}


def test_the_generator_is_drawn_to_the_errors_on_real_showers(element):
    real, condition, _ = element
    model = _gan(generator_regressor="errors", weight=0.5)
    fake = 0.5 * real
    scaled = np.asarray(model.scaling(condition))
    errors = [
        np.mean(np.sum((np.asarray(model.regressor(one)[-1]) - scaled) ** 2, axis=1))
        for one in (real, fake)
    ]
    loss, report = _term(model, real, fake, condition)
    assert report["regressor_constraint"] == pytest.approx(
        abs(errors[0] - errors[1]), rel=1e-4
    )
    assert loss == pytest.approx(0.5 * abs(errors[0] - errors[1]), rel=1e-4)
    # Other showers of the same errors cost nothing.
    assert _term(model, real, real, condition)[0] == 0.0


def test_the_generator_is_drawn_to_the_features_of_real_showers(element):
    real, condition, _ = element
    model = _gan(generator_regressor="features", weight=0.5)
    fake = 0.5 * real
    pairs = zip(model.regressor(real)[:2], model.regressor(fake)[:2], strict=True)
    distance = np.mean([constraints.feature_distance(*pair) for pair in pairs])
    loss, report = _term(model, real, fake, condition)
    assert report["regressor_constraint"] == pytest.approx(distance, rel=1e-4)
    assert loss == pytest.approx(0.5 * distance, rel=1e-4)
    assert loss > 0.01
    assert _term(model, real, real, condition)[0] == 0.0


def test_without_a_term_there_is_nothing_to_report(element):
    real, condition, _ = element
    loss, report = _term(_gan(), real, 0.5 * real, condition)
    assert loss == 0.0
    assert "regressor_constraint" not in report


def test_the_term_is_part_of_the_loss_of_the_generator_alone(element, monkeypatch):
    losses = []
    for weight in (0.0, 0.5):
        model = _gan(generator_regressor="features", weight=weight)
        monkeypatch.setattr(
            conditional,
            "minimise",
            lambda loss, optimizer, variables: losses.append(float(loss())) or 0.0,
        )
        report = model.train_step(element)
    critic, generator, same_critic, other = losses
    assert critic == same_critic
    term = 0.5 * float(report["regressor_constraint"])
    assert other - generator == pytest.approx(term, rel=1e-3)


@pytest.mark.parametrize(
    ("critic_regressor", "generator_regressor"),
    [("errors", "features"), ("features", "errors")],
)
def test_the_frozen_regressor_never_changes(
    element, critic_regressor, generator_regressor
):
    model = _gan(critic_regressor, generator_regressor)
    trained = {"generator": model.generator, "critic": model.critic}
    before = {name: values(one.variables) for name, one in trained.items()}
    frozen = values(model.regressor.variables)
    for _ in range(2):
        report = model.train_step(element)
    assert all(np.isfinite(float(value)) for value in report.values())
    assert len(frozen) == 6
    assert same(frozen, model.regressor.variables)
    for name, network in trained.items():
        assert not same(before[name], network.variables)
    trainable = {id(variable) for variable in model.trainable_variables}
    assert trainable.isdisjoint(id(one) for one in model.regressor.variables)


def _training(model=None, rate=0.01):
    keras.utils.set_random_seed(4)
    regressor = model.regressor if model else _regressor()
    trained = RegressorTraining(regressor, embedded_regressor.scaling(SPEC), seed=1)
    trained.compile(keras.optimizers.Adam(rate))
    return trained


def test_the_terms_of_the_regressor_are_its_mean_squared_errors(element):
    encoded, condition, _ = element
    trained = _training()
    terms = trained.terms(encoded, condition, tf.constant([1, 2]), training=False)
    difference = np.asarray(trained.regressor(encoded)[-1]) - np.asarray(
        trained.scaling(condition)
    )
    assert set(terms) == {"loss", *(f"condition_{n}_loss" for n in range(CONDITIONS))}
    wanted = np.mean(difference**2, axis=1)
    np.testing.assert_allclose(terms["loss"], wanted, rtol=1e-5)
    for number in range(CONDITIONS):
        np.testing.assert_allclose(
            terms[f"condition_{number}_loss"],
            difference[:, number] ** 2,
            rtol=1e-3,
        )


def test_the_regressor_learns_though_a_gan_has_frozen_it():
    model = _gan()
    trained = _training(model)
    random = np.random.default_rng(1)
    condition = tf.constant(synthetic.conditions(SPEC, 64, random))
    images = np.zeros((64, *SPEC.shape), np.float32)
    # The answers can be read off five of the cells.
    images[:, 3, :CONDITIONS] = 2.0 * model.scaling(condition)
    element = tf.constant(images), condition, tf.ones(64)
    before = values(model.regressor.variables)

    def error():
        terms = trained.terms(*element[:2], tf.constant([1, 2]), False)
        return float(tf.reduce_mean(terms["loss"]))

    first = error()
    step = tf.function(trained.train_step)
    for _ in range(150):
        step(element)
    assert error() < 0.2 * first
    for old, variable in zip(before, model.regressor.variables, strict=True):
        assert not np.array_equal(old, variable), variable.path
    assert not model.regressor.trainable_variables


def test_a_model_is_made_again_from_its_configuration(element):
    encoded, condition, _ = element
    model = _gan("features", "errors", weight=0.25)
    saved = keras.saving.serialize_keras_object(model)
    again = keras.saving.deserialize_keras_object(saved, safe_mode=True)
    again.set_weights(model.get_weights())
    for name in ("critic_regressor", "generator_regressor", "regressor_weight"):
        assert getattr(again, name) == getattr(model, name)
    assert not again.regressor.trainable_variables
    np.testing.assert_array_equal(
        again.judge(encoded, condition, training=False),
        model.judge(encoded, condition, training=False),
    )
