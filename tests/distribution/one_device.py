"""Small models that several replicas train as one device does, to the rounding."""

import keras
import numpy as np
import tensorflow as tf

from data import transforms
from models.gans.cramer_gan import CramerGAN
from models.networks import replicas
from models.networks.building_blocks import normal
from models.training.distributed.replica_loop import ReplicaLoop
from models.training.phases import Pretraining
from tests.models.gans import small_gan

EPOCHS, STEPS, ROWS = 2, 3, 8
TOLERANCE = 1e-5


class Regression(Pretraining):
    """Regresses a noisy label, in units of the first batch."""

    def __init__(self):
        keras.utils.set_random_seed(3)
        network = keras.Sequential([keras.Input((small_gan.CONDITIONS,))])
        network.add(keras.layers.Dense(2))
        super().__init__(network.variables, seed=4)
        self.network = network

    def names(self):
        """See `Pretraining.names`."""
        return ["loss", "width"]

    def terms(self, encoded, condition, seed, training):
        """See `Pretraining.terms`."""
        rows = tf.shape(encoded)[0]
        label = tf.reduce_sum(encoded, axis=(1, 2)) + normal(rows, 1, seed)
        mean, variance = replicas.moments(label)
        error = self.network(condition, training=training) - (label - mean) / variance
        return {
            "loss": tf.reduce_sum(error**2, 1),
            "width": variance + 0.0 * label[:, 0],
        }


def regression():
    model = Regression()
    model.compile(keras.optimizers.SGD(0.01))
    return model


def _with_sgd(model):
    sgd = keras.optimizers.SGD
    third = sgd(0.01) if model.constrainers else None
    model.compile(sgd(0.01), sgd(0.01), third)
    return model


def constrained_gan():
    keras.utils.set_random_seed(5)
    constrainers = [
        small_gan.constrainer("energy", [0], smooth=True),
        small_gan.constrainer("x", [1], smooth=True),
    ]
    settings = {"critic_steps": 2, "ema_decay": 0.9, "seed": 7}
    model = small_gan.gan(constrainers, smooth=True, **settings)
    return _with_sgd(model)


def cramer_gan():
    keras.utils.set_random_seed(6)
    condition = keras.Input((small_gan.CONDITIONS,))
    encoded = keras.Input(small_gan.SHAPE)
    x = keras.layers.Concatenate()([keras.layers.Flatten()(encoded), condition])
    critic = keras.Model([encoded, condition], keras.layers.Dense(4)(x))
    model = CramerGAN(
        small_gan.generator(smooth=True),
        critic,
        transforms.Identity(),
        objective="cramer",
        seed=8,
    )
    return _with_sgd(model)


MODELS = (regression, constrained_gan, cramer_gan)


def _elements(count, rows, seed):
    random = np.random.default_rng(seed)
    response = random.exponential(size=(count, rows, *small_gan.SHAPE))
    condition = random.normal(size=(count, rows, small_gan.CONDITIONS))
    arrays = np.log1p(response), condition, random.uniform(0.5, 1.5, (count, rows))
    slices = tuple(array.astype(np.float32) for array in arrays)
    return tf.data.Dataset.from_tensor_slices(slices)


def compare(build, strategy):
    """Trains a model on one device and on all replicas of a strategy."""
    with strategy.scope():
        spread = build()
    alone = build()
    parts = getattr(alone, "critic_steps", 1)
    elements = _elements(EPOCHS * STEPS, parts * ROWS, 1)
    measured = isinstance(alone, Pretraining)
    validation = _elements(3, ROWS, 2) if measured else None
    before = [np.array(one) for one in alone.state_variables()]
    expected = alone.fit(
        elements, epochs=EPOCHS, steps_per_epoch=STEPS, shuffle=False, verbose=0,
        validation_data=validation,
    )  # fmt: skip
    found = keras.callbacks.History()
    loop = ReplicaLoop(spread)
    loop.fit(
        lambda _: elements, whole=True, parts=parts, epochs=EPOCHS, initial_epoch=0,
        steps_per_epoch=STEPS, validation=validation, callbacks=[found],
    )  # fmt: skip
    states = [[np.array(x) for x in m.state_variables()] for m in (alone, spread)]
    for one, other in zip(*states, strict=True):
        np.testing.assert_allclose(other, one, rtol=TOLERANCE, atol=TOLERANCE)
    for one, other in zip(states[1], loop._of_chief(states[1]), strict=True):
        np.testing.assert_array_equal(other, one)
    changed = [not np.allclose(*pair) for pair in zip(before, states[0], strict=True)]
    assert np.mean(changed) > 0.5
    assert set(found.history) == set(expected.history)
    for name, numbers in expected.history.items():
        # The norm of the mean gradient is less than the mean of the norms.
        if not name.endswith("gradient_norm"):
            np.testing.assert_allclose(
                found.history[name], numbers, rtol=1e-4, atol=TOLERANCE, err_msg=name
            )
