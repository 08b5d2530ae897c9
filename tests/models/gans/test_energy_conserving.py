"""The GAN that holds showers to their energy, and judges batches as a whole."""

import keras
import numpy as np
import tensorflow as tf

from data import transforms
from models.gans.energy_conserving import EnergyConservingGAN
from tests.models.gans import small_gan

PER_GEV = 4.0


def _gan(energy_weight=0.05):
    keras.utils.set_random_seed(5)
    return EnergyConservingGAN(
        small_gan.generator(),
        keras.Sequential([keras.layers.Dense(1)]),
        transforms.EnergyPerGev(PER_GEV),
        objective="bce",
        penalty_weight=0.0,
        energy_weight=energy_weight,
    )


def test_the_energy_error_is_in_gev():
    condition = tf.constant([[10.0, 0.0], [30.0, 0.0]])
    encoded = np.zeros((2, *small_gan.SHAPE), np.float32)
    encoded[:, 0, 0, 0] = 12.0
    encoded[1, 1, 1, 0] = 3.0
    error = _gan().energy_error(encoded, condition)
    np.testing.assert_allclose(error, [2.0, 15.0], rtol=1e-6)


def test_the_error_enters_the_loss_of_the_generator_with_its_weight():
    losses = {}
    for weight in (0.0, 0.5):
        gan = _gan(weight)
        gan._follow(gan._names())
        gan.judge = lambda encoded, condition, training: encoded[:, :1, 0, 0]
        real, condition, ones = small_gan.batch(gan)
        condition = tf.abs(condition)
        losses[weight] = float(gan.generator_loss(real, condition, ones))
    error = float(gan._trackers["energy_error_gev"].result())
    assert error > 0.0
    np.testing.assert_allclose(losses[0.5] - losses[0.0], 0.5 * error, rtol=1e-4)


def test_real_and_generated_showers_are_never_in_one_batch():
    gan, seen = _gan(), []
    gan._follow(gan._names())

    def judge(encoded, condition, training):
        seen.append((np.asarray(encoded), training))
        return tf.zeros((len(encoded), 1))

    gan.judge = judge
    real, condition, ones = small_gan.batch(gan)
    loss = gan.critic_loss(0, real, condition, ones)
    (first, in_training), (second, _) = seen
    np.testing.assert_array_equal(first, real)
    assert second.shape == first.shape
    assert in_training
    # A critic that says 0 of everything: twice the logarithm of 2.
    np.testing.assert_allclose(loss, 2.0 * np.log(2.0), rtol=1e-6)
