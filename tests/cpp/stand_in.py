"""A small SavedModel with the zoo's two signatures, to call without training."""

import keras
import tensorflow as tf

CONDITION = tf.TensorSpec([None, 3], tf.float32, "condition")
NOISE = tf.TensorSpec([None, 6], tf.float32, "noise")
SEED = tf.TensorSpec([2], tf.int32, "seed")


def _generator():
    condition = keras.Input((3,))
    noise = keras.Input((6,))
    x = keras.layers.Concatenate()([condition, noise])
    x = keras.layers.Dense(6 * 5 * 4, activation="leaky_relu")(x)
    x = keras.layers.Reshape((6, 5, 4))(x)
    x = keras.layers.Conv2D(2, 3, padding="same", activation="softplus")(x)
    return keras.Model([condition, noise], x)


def export_stand_in(path, rename=None):
    """Exports an untrained generator.

    It takes three conditions, "trained" between -1 and 1, and six noise values, and
    returns responses of 6 x 5 x 2.

    Args:
        path: Directory of the SavedModel.
        rename: The signatures' names, if they are to differ from the zoo's: a
            mapping of the zoo's names.
    """
    generator = _generator()

    def respond(condition, noise):
        condition = tf.ensure_shape(condition, CONDITION.shape)
        condition = tf.debugging.assert_all_finite(condition, "condition not finite")
        return generator([condition, noise])

    def simulate(condition, seed):
        shape = [tf.shape(condition)[0], NOISE.shape[1]]
        seed = tf.ensure_shape(seed, SEED.shape)
        noise = tf.random.stateless_normal(shape, seed, alg="philox")
        in_domain = tf.reduce_all(tf.abs(condition) < 1.0, axis=1)
        return {"response": respond(condition, noise), "in_domain": in_domain}

    def simulate_from_noise(condition, noise):
        noise = tf.ensure_shape(noise, NOISE.shape)
        noise = tf.debugging.assert_all_finite(noise, "noise not finite")
        return {"response": respond(condition, noise)}

    archive = keras.export.ExportArchive()
    archive.track(generator)
    endpoints = {
        "simulate": (simulate, [CONDITION, SEED]),
        "simulate_from_noise": (simulate_from_noise, [CONDITION, NOISE]),
    }
    for name, (function, specs) in endpoints.items():
        name = (rename or {}).get(name, name)
        archive.add_endpoint(name, function, input_signature=specs)
    archive.write_out(str(path), verbose=False)
