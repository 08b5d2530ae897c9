"""A conditional variational autoencoder."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from data.detectors.spec import DetectorSpec
from data.transforms.base import Transform
from models.layers import hit_likelihood
from models.networks import building_blocks, image_networks
from models.networks.image_networks import ImageLayers
from models.training.phases import Pretraining

Tensor = Any


def posterior_encoder(
    spec: DetectorSpec, latent: int, dense: Sequence[int], layers: ImageLayers
) -> keras.Model:
    """Builds an encoder: [encoded responses, condition] -> normal distributions.

    Before any training all variances are 1, those of the prior.

    Args:
        spec: The detector, with responses [row, column].
        latent: Number of latent dimensions.
        dense: Widths of the dense layers that see features and conditions.
        layers: The convolutions.

    Returns:
        A functional model whose outputs are the means and the logarithms of the
        variances of the latent variables, each [batch, latent].

    Source: Kingma and Welling, arXiv:1312.6114, appendix C.2.
    """
    encoded, condition = image_networks.encoded_input(spec)
    features = image_networks.strided_features(encoded, layers)[-1]
    x = keras.layers.Concatenate()(
        [
            keras.layers.Flatten()(features),
            building_blocks.scaled_condition(condition, spec),
        ]
    )
    x = image_networks.hidden(x, dense, layers)
    mean = keras.layers.Dense(latent, name="mean")(x)
    # A variance far from 1 would let the exponential drown the first steps in noise.
    log_variance = keras.layers.Dense(
        latent, kernel_initializer="zeros", name="log_variance"
    )(x)
    return keras.Model([encoded, condition], [mean, log_variance], name="encoder")


def sampling_generator(decoder: keras.Model, spec: DetectorSpec) -> keras.Model:
    """Builds a generator that draws responses from what a decoder says of their cells.

    The mean of that distribution is no shower: it has a little energy in every cell
    that is hit at times.

    Args:
        decoder: Maps [condition, latent] to `hits.PARAMETERS` numbers per cell; named
            "decoder".
        spec: The detector, with responses [row, column].

    Returns:
        A functional model with inputs [batch, conditions] and [batch, noise], the
        latent variables and two numbers per cell, and outputs [batch, row, column].
    """
    latent = int(decoder.inputs[1].shape[-1])
    maps = (*spec.shape, 2)
    condition = keras.Input((len(spec.condition_names),), name="condition")
    noise = keras.Input((latent + math.prod(maps),), name="noise")
    parameters = decoder([condition, noise[:, :latent]])
    of_cells = keras.layers.Reshape(maps)(noise[:, latent:])
    encoded = hit_likelihood.DrawHits()(parameters, of_cells)
    return keras.Model([condition, noise], encoded, name="generator")


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Computes the Kullback-Leibler divergence to the standard normal distribution.

    Args:
        mean: Means of independent normal variables, [batch, variables].
        log_variance: Logarithms of their variances, [batch, variables].

    Returns:
        Divergence per event [nat], [batch]; 0 for means of 0 and variances of 1.

    Source: Kingma and Welling, arXiv:1312.6114, appendix B.
    """
    parts = tf.exp(log_variance) + mean**2 - 1.0 - log_variance
    return 0.5 * tf.reduce_sum(parts, axis=-1)


class VariationalAutoencoder(Pretraining):
    """Trains a GAN's generator as the decoder of a conditional autoencoder.

    The loss is the mean over the events of the negative logarithm of the likelihood of
    the encoded response, see `hits.negative_log_likelihood`, plus beta times the
    divergence: with beta = 1, the negative lower bound of the evidence.

    Args:
        encoder: Maps [encoded response, condition] to means and logarithms of the
            variances, see `posterior_encoder`.
        generator: See `sampling_generator`.
        transform: Between physical and encoded responses.
        beta: Weight of the divergence.
        seed: See `Pretraining`.

    Source: Sohn, Lee, Yan, "Learning Structured Output Representation using Deep
    Conditional Generative Models", NIPS 2015; beta: Higgins et al., ICLR 2017.
    """

    def __init__(
        self,
        encoder: keras.Model,
        generator: keras.Model,
        transform: Transform,
        beta: float,
        seed: int,
    ) -> None:
        # The encoder's flags are off: it takes no part in a GAN that holds it.
        trained = [*encoder.variables, *generator.trainable_variables]
        super().__init__(trained, seed, name="variational_autoencoder")
        self.encoder = encoder
        self.generator = generator
        self.transform = transform
        self.beta = beta

    def names(self) -> list[str]:
        """See `Pretraining.names`."""
        return ["loss", "reconstruction", "divergence"]

    def terms(
        self, encoded: Tensor, condition: Tensor, seed: Tensor, training: bool
    ) -> dict[str, Tensor]:
        """See `Pretraining.terms`; the parts are reconstruction and divergence."""
        mean, log_variance = self.encoder([encoded, condition], training=training)
        noise = building_blocks.normal(tf.shape(mean)[0], mean.shape[1], seed)
        latent = mean + tf.exp(0.5 * log_variance) * noise
        decoder = self.generator.get_layer("decoder")
        parameters = decoder([condition, latent], training=training)
        parts = {
            "reconstruction": hit_likelihood.negative_log_likelihood(
                encoded, parameters
            ),
            "divergence": divergence(mean, log_variance),
        }
        loss = parts["reconstruction"] + self.beta * parts["divergence"]
        return {"loss": loss, **parts}

    def simulate(self, condition: Tensor, seed: Tensor) -> Tensor:
        """Simulates physical responses with the generator, from the prior.

        Args:
            condition: Conditions [spec.condition_units], float32 [batch, conditions].
            seed: Seed of all noise, int32 [2]; a shorter batch is a prefix.

        Returns:
            Responses [spec.unit], float32 [batch, *shape].
        """
        condition = tf.convert_to_tensor(condition)
        size = self.generator.inputs[1].shape[-1]
        noise = building_blocks.normal(tf.shape(condition)[0], size, seed)
        encoded = self.generator([condition, noise], training=False)
        return self.transform.decode(encoded, condition)
