"""A GAN of a few dense layers, to look at single training steps."""

import keras
import numpy as np
import tensorflow as tf

from data import transforms
from models.gans.conditional import ConditionalGAN
from models.gans.constrainer import Constrainer

SHAPE = (3, 2, 1)
CONDITIONS = 2
NOISE = 3
BATCH = 4


def _dense(outputs, *sizes, normalised=False, smooth=False):
    inputs = [keras.Input(size) for size in sizes]
    x = [keras.layers.Flatten()(one) for one in inputs]
    x = keras.layers.Concatenate()(x) if len(x) > 1 else x[0]
    x = keras.layers.Dense(5, activation="tanh" if smooth else "leaky_relu")(x)
    if normalised:
        x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Dense(int(np.prod(outputs)))(x)
    return inputs if len(inputs) > 1 else inputs[0], keras.layers.Reshape(outputs)(x)


def generator(normalised=False, smooth=False):
    sizes = (CONDITIONS,), (NOISE,)
    inputs, x = _dense(SHAPE, *sizes, normalised=normalised, smooth=smooth)
    last = keras.layers.ReLU(negative_slope=0.1)
    return keras.Model(
        inputs, keras.layers.Activation("softplus" if smooth else last)(x)
    )


def constrainer(name, conditions, weight=1.0, smooth=False):
    network = keras.Model(*_dense((len(conditions),), SHAPE, smooth=smooth))
    return Constrainer(network, conditions, 0.5, weight, name=name)


class Task(keras.layers.Layer):
    """Regresses the mean of a response, and records what it is asked."""

    def __init__(self, weight, **kwargs):
        super().__init__(**kwargs)
        self.weight = weight
        self.asked = []

    def errors(self, predicted, response, condition):
        """See `AuxiliaryTask.errors`."""
        self.asked.append((predicted, response, condition))
        label = tf.reduce_mean(response, axis=[1, 2, 3])
        return (
            tf.reduce_mean(tf.abs(predicted - label)),
            tf.reduce_mean(tf.abs(label)),
        )


def gan(
    constrainers=(), tasks=(), normalised=False, rate=0.01, smooth=False, **settings
):
    """Builds and compiles it; smooth: without a kink, at which roundings count."""
    keras.utils.set_random_seed(5)
    model = ConditionalGAN(
        generator(normalised, smooth),
        keras.Model(*_dense((1 + len(tasks),), SHAPE, (CONDITIONS,), smooth=smooth)),
        transforms.LogOnePlus(),
        constrainers,
        tasks,
        **settings,
    )
    adam = keras.optimizers.Adam
    model.compile(adam(rate), adam(rate), adam(rate) if constrainers else None)
    return model


def batch(model, seed=1):
    """Draws an element of data: encoded responses, conditions and weights."""
    random = np.random.default_rng(seed)
    rows = BATCH * model.critic_steps
    response = random.exponential(size=(rows, *SHAPE))
    condition = random.normal(size=(rows, CONDITIONS))
    arrays = np.log1p(response), condition, np.ones(rows)
    return tuple(tf.constant(array, tf.float32) for array in arrays)


def values(variables):
    """Copies variables."""
    return [np.array(variable) for variable in variables]


def same(before, variables):
    """Tells whether variables still have exactly the values of a copy."""
    return all(map(np.array_equal, before, values(variables)))
