"""Variational autoencoder, and GAN that goes on from it, for the LHCb calorimeter.

A conditional variational autoencoder comes first: an encoder turns showers into sixteen
latent variables, a decoder turns these into the distribution of showers, and both know
the conditions. Drawn from the prior, latent variables make new showers, whose cells are
then drawn independently of each other. What draws them goes on as the generator of a
GAN, whose critic sees what is missing.

Source: F. Sergeev, N. Jain, I. Knunyants, G. Kostenkov, E. Trofimova, "Fast simulation
of the LHCb electromagnetic calorimeter response using VAEs and GANs", J. Phys.: Conf.
Ser. 1740 (2021) 012028.

    python train.py --model=vae_gan               # two hours on two cores
    python train.py --model=vae_gan --steps=0     # its autoencoder alone
    python train.py --model=vae_gan/vae           # the autoencoder of published widths
    python train.py --model=vae_gan/vae_gan       # and the GAN after it
    python train.py --model=vae_gan/paper         # the same, trained for long

The number of adversarial steps is `steps`, that of the autoencoder `vae_steps`: without
the former its decoder is exported, without the latter the GAN starts from scratch. Its
history is `phases/vae/history.csv`.

Known of the publication are the latent variables, the order of the stages and that
conditions enter encoder and decoder. Widths, objective, rates and batch size of the
published presets are those of the first author's public GAN of the same showers
(TheodorSergeev/mlhep2019_2_phase), its instance noise and gradient penalty replaced by
the spectral normalisation of arXiv:2207.06329. Not known, and chosen here, are the
transform, beta, the encoder's dense layer, the length of both stages, and what the
decoder says of a cell: the probability of a hit and the mean and width of its
amplitude, see `models.layers.hit_likelihood`. The publication compares models by their
PRD-AUC; no number of it is at hand.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar

import keras

from data.detectors.spec import DetectorSpec
from data.transforms.base import Transform
from models.gans import gan_config
from models.gans.gan_config import AdamGANConfig
from models.gans.variational import VariationalGAN
from models.layers import hit_likelihood
from models.likelihood.vae import (
    VariationalAutoencoder,
    posterior_encoder,
    sampling_generator,
)
from models.networks import building_blocks, image_networks
from models.networks.image_networks import ImageLayers
from models.training.optimizers import adam
from models.training.phases import Phase

DETECTOR = "ecal"

compile_model = gan_config.compile_model


@dataclasses.dataclass(frozen=True)
class Config(AdamGANConfig):
    """Hyper-parameters; the defaults are the preset `cpu`.

    Attributes:
        latent: Latent dimensions; the GAN's noise has two more per cell.
        start_channels: Channels of the decoder's first image.
        generator_filters: Widths of its convolutions, from the image inwards.
        generator_normalisation: "batch" or "none".
        kernel: Size of the kernels of all networks.
        critic_filters: Widths of the strided convolutions of critic and encoder.
        critic_dense: Dense layers of the critic's tail.
        encoder_dense: Dense layers of the encoder's tail.
        spectral_norm: "none", "critic" or "both" critic and generator.
        beta: Weight of the divergence, see `VariationalAutoencoder`.
        vae_steps: Steps of the autoencoder's training; 0 for a GAN from scratch.
        vae_learning_rates: Piecewise constant rates.
        vae_learning_rate_changes: Fractions of the phase at which the rates change.
        vae_beta_1: Of the autoencoder's Adam optimizer.
        vae_beta_2: Of the autoencoder's Adam optimizer.
    """

    transform: str = "root"
    latent: int = 16
    start_channels: int = 128
    generator_filters: tuple[int, ...] = (32, 64, 128)
    generator_normalisation: str = "none"
    kernel: int = 3
    critic_filters: tuple[int, ...] = (32, 64, 128)
    critic_dense: tuple[int, ...] = (128,)
    encoder_dense: tuple[int, ...] = (128,)
    spectral_norm: str = "none"
    beta: float = 1.0
    vae_steps: int = 20000
    vae_learning_rates: tuple[float, ...] = (1e-3, 3e-4, 1e-4)
    vae_learning_rate_changes: tuple[float, ...] = (0.6, 0.9)
    vae_beta_1: float = 0.9
    vae_beta_2: float = 0.999
    penalty_weight: float = 0.02
    penalty_centre: float = 0.0
    critic_learning_rates: tuple[float, ...] = (6e-4, 6e-4, 4e-4, 1e-4)
    generator_learning_rates: tuple[float, ...] = (0.0, 2e-4, 1e-4, 3e-5)
    learning_rate_changes: tuple[float, ...] = (0.02, 0.55, 0.85)
    beta_2: float = 0.99
    augment: bool = True
    steps: int = 42000
    epoch_steps: int = 1000

    least_steps: ClassVar[int] = 0


_PUBLISHED: dict[str, Any] = {
    "transform": "log",
    "start_channels": 256,
    "generator_normalisation": "batch",
    "critic_filters": (32, 64, 128, 256),
    "critic_dense": (64, 32),
    "spectral_norm": "critic",
    "objective": "hinge",
    "penalty_weight": 0.0,
    "critic_steps": 2,
    "critic_learning_rates": (4e-4, 4e-4),
    "generator_learning_rates": (1e-4, 1e-4),
    "learning_rate_changes": (0.5,),
    "beta_2": 0.999,
    "ema_decay": 0.0,
    "augment": False,
    "batch_size": 256,
}

PRESETS: dict[str, dict[str, Any]] = {
    "cpu": {},
    "vae": {**_PUBLISHED, "steps": 0},
    "vae_gan": _PUBLISHED,
    "paper": {**_PUBLISHED, "vae_steps": 100000, "steps": 200000},
}


def _layers(config: Config, network: str) -> ImageLayers:
    generator = network == "generator"
    return ImageLayers(
        config.generator_filters if generator else config.critic_filters,
        config.kernel,
        config.generator_normalisation if generator else "none",
        spectral=config.spectral_norm == "both" or config.spectral_norm == network,
    )


def build_decoder(config: Config, spec: DetectorSpec) -> keras.Model:
    """Builds the decoder: [condition, latent] -> numbers per cell, see `hits`.

    Args:
        config: Hyper-parameters.
        spec: The detector, with responses [row, column].
    """
    layers = _layers(config, "generator")
    return image_networks.transposed_generator(
        spec, config.latent, config.start_channels, layers, hit_likelihood.PARAMETERS
    )


def build_encoder(config: Config, spec: DetectorSpec) -> keras.Model:
    """Builds the encoder, see `posterior_encoder`; it has the critic's convolutions.

    Args:
        config: Hyper-parameters.
        spec: The detector, with responses [row, column].
    """
    layers = dataclasses.replace(_layers(config, "critic"), spectral=False)
    return posterior_encoder(spec, config.latent, config.encoder_dense, layers)


def build_critic(config: Config, spec: DetectorSpec) -> keras.Model:
    """Builds the critic: [encoded showers, condition] -> scores.

    Args:
        config: Hyper-parameters.
        spec: The detector, with responses [row, column].
    """
    layers = _layers(config, "critic")
    encoded, condition = image_networks.encoded_input(spec)
    features = image_networks.strided_features(encoded, layers)[-1]
    scaled = building_blocks.scaled_condition(condition, spec)
    x = keras.layers.Concatenate()([keras.layers.Flatten()(features), scaled])
    score = image_networks.dense_tail(x, config.critic_dense, layers)
    return keras.Model([encoded, condition], score, name="critic")


def build(config: Config, spec: DetectorSpec, transform: Transform) -> VariationalGAN:
    """Builds the model, not yet compiled.

    Args:
        config: Hyper-parameters.
        spec: The detector, with responses [row, column].
        transform: Between physical and encoded responses, fitted.

    Raises:
        ValueError: If the detector does not fit, or a setting is impossible.
    """
    image_networks.require_images(spec, "vae_gan")
    image_networks.require_spectral_norm(config.spectral_norm)
    if config.latent < 1 or config.beta < 0.0 or config.vae_steps < 0:
        raise ValueError(
            "vae_gan needs latent of at least 1, beta and vae_steps of at least 0; "
            f"received {config.latent}, {config.beta:g} and {config.vae_steps}"
        )
    if config.steps == config.vae_steps == 0:
        raise ValueError("nothing to train: give steps or vae_steps of at least 1")
    return VariationalGAN(
        sampling_generator(build_decoder(config, spec), spec),
        build_critic(config, spec),
        transform,
        encoder=build_encoder(config, spec),
        **config.adversarial(),
    )


def phases(model: VariationalGAN, config: Config) -> Sequence[Phase]:
    """Returns the training of the autoencoder; none where it has no steps.

    Args:
        model: From `build`.
        config: Hyper-parameters.
    """
    if config.vae_steps == 0:
        return []
    autoencoder = VariationalAutoencoder(
        model.encoder, model.generator, model.transform, config.beta, config.seed
    )
    autoencoder.compile(
        adam(
            config.vae_learning_rates,
            config.vae_learning_rate_changes,
            config.vae_steps,
            (config.vae_beta_1, config.vae_beta_2),
            config.precision,
        )
    )
    return [
        Phase("vae", autoencoder, config.vae_steps, model.begin, autoencoder.simulate)
    ]
