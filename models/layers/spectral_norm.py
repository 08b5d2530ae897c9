"""Spectral normalisation that is trained as published."""

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("fastsim_zoo")
class SpectralNormalization(keras.layers.SpectralNormalization):
    """Divides the kernel W of a layer by its largest singular value sigma.

    A call's answer is that of `keras.layers.SpectralNormalization`, but in training the
    two differ. Keras, like tensorflow-addons, overwrites W by W / sigma at every call
    and takes sigma for a constant. Then a step of Adam is never small against W, most
    of it stretches the first singular direction, and the division shrinks all others:
    in the end little more than a matrix of rank one is left. Here W stays as it is and
    sigma = v^T W u is differentiated with it, so that a step cannot stretch that
    direction and counts for less against a W that has grown.

    Args:
        layer: A layer with a `kernel`, linear in its inputs but for its bias and
            activation.
        power_iterations: Of every call; u is stored by those with `training=True`.

    Source: T. Miyato et al., arXiv:1802.05957, equations 8 and 12, algorithm 1.
    """

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Applies the layer with W / sigma."""
        kernel = tf.reshape(self.kernel, [-1, self.kernel_shape[-1]])
        kernel = tf.cast(kernel, self.vector_u.dtype)
        constant = tf.stop_gradient(kernel)
        before = u = tf.cast(self.vector_u, self.vector_u.dtype)
        for _ in range(self.power_iterations):
            v = tf.math.l2_normalize(tf.matmul(u, constant, transpose_b=True))
            u = tf.math.l2_normalize(tf.matmul(v, constant))
        sigma = tf.reduce_sum(tf.matmul(v, kernel) * u)
        if training:
            # A kernel of zeros has no direction, and a u of zeros would stay so.
            self.vector_u.assign(tf.where(sigma > 0.0, u, before))
        normalised = tf.math.divide_no_nan(kernel, sigma)
        normalised = tf.reshape(normalised, self.kernel_shape)
        with keras.StatelessScope(state_mapping=[(self.kernel, normalised)]):
            return self.layer(inputs)
