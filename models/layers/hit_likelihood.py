"""Hits with a likelihood: whether a cell has one, and how large it is."""

import math
from typing import Any

import keras
import tensorflow as tf

Tensor = Any

PARAMETERS = 3
"""Numbers per cell: score of a hit, mean of its amplitude, raw value of its width."""

_SMALLEST_WIDTH = 0.02


def _unpacked(parameters: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Returns score, mean and width, each without the last axis."""
    score, mean, raw_width = tf.unstack(parameters, PARAMETERS, axis=-1)
    # Without a limit, cells that are always alike would have any likelihood.
    return score, mean, _SMALLEST_WIDTH + tf.nn.softplus(raw_width)


def negative_log_likelihood(encoded: Tensor, parameters: Tensor) -> Tensor:
    """Computes how unlikely responses are whose cells are independent of each other.

    A cell has a hit with the probability that the logistic function gives to its score.
    The encoded response x of a hit is positive, and log(exp(x) - 1) is normally
    distributed: for the transform `log` that is the logarithm of the energy.

    Args:
        encoded: Encoded responses, at least 0, [batch, row, column].
        parameters: See `PARAMETERS`, [batch, row, column, 3].

    Returns:
        The negative logarithm of the probability density [nat], that of a hit in
        log(exp(x) - 1), summed over the cells, [batch].
    """
    score, mean, width = _unpacked(parameters)
    hit = tf.cast(encoded > 0.0, score.dtype)
    of_hit = tf.nn.sigmoid_cross_entropy_with_logits(labels=hit, logits=score)
    # An empty cell has no amplitude; 1 keeps its logarithm and its gradient finite.
    amplitude = tf.where(encoded > 0.0, encoded, tf.ones_like(encoded))
    amplitude += tf.math.log(-tf.math.expm1(-amplitude))
    pull = (amplitude - mean) / width
    of_amplitude = 0.5 * pull**2 + tf.math.log(width) + 0.5 * math.log(2.0 * math.pi)
    cells = list(range(1, len(encoded.shape)))
    return tf.reduce_sum(of_hit + hit * of_amplitude, axis=cells)


@keras.saving.register_keras_serializable("fastsim_zoo")
class DrawHits(keras.layers.Layer):
    """Draws responses from the distribution of `negative_log_likelihood`.

    The step from score to hit has the gradient of the logistic function, so that a
    generator that ends in this layer can be trained on by a critic.

    Source: the straight-through estimator of Bengio et al., arXiv:1308.3432.
    """

    def call(self, parameters: Tensor, noise: Tensor) -> Tensor:
        """Draws one response per event.

        Args:
            parameters: See `PARAMETERS`, [batch, row, column, 3].
            noise: Standard normal numbers, [batch, row, column, 2].

        Returns:
            Encoded responses, [batch, row, column]; 0 without a hit.
        """
        score, mean, width = _unpacked(parameters)
        of_hit, of_amplitude = tf.unstack(noise, 2, axis=-1)
        smooth = tf.sigmoid(score + _logistic(of_hit))
        step = tf.cast(smooth > 0.5, smooth.dtype)
        hit = smooth + tf.stop_gradient(step - smooth)
        return tf.nn.softplus(mean + width * of_amplitude) * hit


def _logistic(noise: Tensor) -> Tensor:
    """Turns normal into logistic numbers by their quantiles, exact in both tails.

    Many cells are hit once in a hundred showers or less, so that tails count.
    """
    upper, lower = (tf.math.erfc(sign * noise / math.sqrt(2.0)) for sign in (1, -1))
    return tf.math.log(lower) - tf.math.log(upper)
