"""The task of a critic: labels, their scale, the error."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from data import detectors, transforms
from metrics.observables import registry
from models.gans.auxiliary_tasks import AuxiliaryTask, EnergyMoments, FixedInTraining
from tests import synthetic

SPEC = detectors.get("ecal")
EVENTS = 12


def _task(observable="asymmetry_along", weight=0.5):
    return AuxiliaryTask("ecal", observable, weight, name="regressor")


def _values(observable, sample):
    known = {one.name: one for one in registry.scalar_observables(SPEC)}
    return known[observable].function(sample.response, sample.condition)


def _error(task, predicted, sample):
    predicted = tf.constant(predicted, tf.float32)
    return float(task.errors(predicted, sample.response, sample.condition)[0])


@pytest.mark.parametrize(
    "observable", [one.name for one in registry.scalar_observables(SPEC)]
)
def test_the_labels_are_the_values_of_the_evaluation(observable):
    sample = synthetic.sample(SPEC, EVENTS)
    labels = _task(observable).labels(sample.response, sample.condition)
    assert labels.dtype == tf.float32
    assert labels.shape == (EVENTS,)
    np.testing.assert_allclose(labels, _values(observable, sample), rtol=1e-6)


def test_the_error_is_the_mean_of_the_absolute_ones_in_standard_deviations():
    task, sample = _task("width_along"), synthetic.sample(SPEC, EVENTS)
    values = _values("width_along", sample)
    standard = (values - values.mean()) / values.std()
    assert _error(task, standard, sample) == pytest.approx(0.0, abs=1e-4)
    zeros = np.zeros(EVENTS)
    wanted = np.abs(standard).mean()
    assert _error(task, zeros, sample) == pytest.approx(wanted, rel=1e-4)
    constant = task.errors(tf.ones(EVENTS), sample.response, sample.condition)[1]
    assert float(constant) == pytest.approx(wanted, rel=1e-4)
    shift = np.where(np.arange(EVENTS) % 2, 3.0, -1.0)
    assert _error(task, standard + shift, sample) == pytest.approx(2.0, rel=1e-4)


def test_the_first_batch_fixes_the_scale():
    task = _task("width_along")
    first, second = (synthetic.sample(SPEC, EVENTS, seed) for seed in (1, 2))
    _error(task, np.zeros(EVENTS), first)
    values = _values("width_along", first)
    scale = [values.mean(), values.std()]
    np.testing.assert_allclose([task.location, task.width], scale, rtol=1e-4)
    standard = (_values("width_along", second) - scale[0]) / scale[1]
    assert abs(standard.mean()) > 1e-2
    for _ in range(2):
        assert _error(task, standard, second) == pytest.approx(0.0, abs=1e-3)
    np.testing.assert_allclose([task.location, task.width], scale, rtol=1e-4)


def test_equal_labels_have_the_scale_of_their_own_unit():
    task, sample = _task("width_along"), synthetic.sample(SPEC, 1)
    assert _error(task, [3.0], sample) == pytest.approx(3.0)
    assert float(task.width) == 1.0


def test_only_the_regression_has_a_slope():
    task, sample = _task(), synthetic.sample(SPEC, EVENTS)
    response, predicted = tf.constant(sample.response), tf.zeros(EVENTS)
    with tf.GradientTape() as tape:
        tape.watch([response, predicted])
        error, _ = task.errors(predicted, response, sample.condition)
    slopes = tape.gradient(error, [response, predicted])
    assert slopes[0] is None
    np.testing.assert_allclose(np.abs(slopes[1]), np.full(EVENTS, 1 / EVENTS), 1e-5)
    assert task.trainable_variables == []


def test_a_graph_of_any_batch_size_computes_the_same():
    task, again = _task(), _task()
    sample = synthetic.sample(SPEC, EVENTS)
    shapes = (None,), (None, *SPEC.shape), (None, len(SPEC.condition_names))
    error = tf.function(
        task.errors, input_signature=[tf.TensorSpec(shape) for shape in shapes]
    )
    found, _ = error(tf.zeros(EVENTS), sample.response, sample.condition)
    assert float(found) == _error(again, np.zeros(EVENTS), sample)
    assert float(task.width) == float(again.width) > 0.0


def test_a_task_is_made_again_from_its_configuration():
    task = _task("radius", 0.25)
    saved = keras.saving.serialize_keras_object(task)
    again = keras.saving.deserialize_keras_object(saved, safe_mode=True)
    assert again.get_config() == task.get_config()
    assert (again.name, again.weight) == ("regressor", 0.25)
    sample = synthetic.sample(SPEC, EVENTS)
    np.testing.assert_array_equal(
        again.labels(sample.response, sample.condition), _values("radius", sample)
        .astype(np.float32)
    )  # fmt: skip


@pytest.mark.parametrize(
    ("detector", "observable", "pattern"),
    [
        (
            "ecal", "asymmetry",
            "unknown observable 'asymmetry' of detector 'ecal'; known: visible_energy,",
        ),
        ("hgcal", "asymmetry_along", "'asymmetry_along' of detector 'hgcal'; known: "),
        ("lhcb", "asymmetry_along", "unknown detector 'lhcb'; known: calogan, ecal"),
    ],
)  # fmt: skip
def test_unknown_names_are_refused(detector, observable, pattern):
    with pytest.raises(ValueError, match=pattern):
        AuxiliaryTask(detector, observable, 1.0)


def test_in_training_no_gradient_comes_back_and_the_generator_gets_one():
    layer, answer = FixedInTraining(), tf.ones((2, 1))
    for training in (True, False):
        with tf.GradientTape() as tape:
            tape.watch(answer)
            passed = layer(answer, training=training)
        np.testing.assert_array_equal(passed, answer)
        assert (tape.gradient(passed, answer) is None) == training


def test_moments_are_linear_in_the_energy():
    root = transforms.RootOfEnergy(2.0, response_per_gev=30.0)
    response = np.array([[[1.0, 3.0], [0.0, 4.0]], np.zeros((2, 2))], np.float32)
    condition = np.ones((2, 5), np.float32)
    seen = np.random.default_rng(1).normal(size=(2, 2, 2, 2)).astype(np.float32)
    layer = EnergyMoments(root, [0.5, 3.0])
    found = np.asarray(layer(root.encode(response, condition), seen, condition))
    steps = np.concatenate([np.tanh(seen[0] / 0.5), np.tanh(seen[0] / 3.0)], axis=-1)
    wanted = np.concatenate([steps, steps**2], axis=-1) * response[0][..., None]
    np.testing.assert_allclose(found[0], wanted.sum(axis=(0, 1)) / 8.0, 1e-4, 1e-5)
    assert not found[1].any()
    saved = keras.saving.serialize_keras_object(layer)
    again = keras.saving.deserialize_keras_object(saved, safe_mode=True)
    inputs = root.encode(response, condition), seen, condition
    np.testing.assert_array_equal(again(*inputs), found)
