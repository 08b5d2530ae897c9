"""Self-attention GAN for the LHCb calorimeter.

Self-attention in generator and critic relates distant parts of a shower, which small
kernels cannot; spectral normalisation keeps critic, or critic and generator, smooth;
the hinge loss trains both.

Source: A. Rogachev, F. Ratnikov, "Fast simulation of the electromagnetic calorimeter
response using Self-Attention Generative Adversarial Networks", EPJ Web Conf. 251 (2021)
03043; H. Zhang et al., arXiv:1805.08318.

    python train.py --model=sagan                 # two hours on two cores
    python train.py --model=sagan/sn_critic       # a row of its table

Published (physics / raw PRD-AUC): `wgan` 0.936 / 0.971, `sn_critic` 0.895 / 0.901,
`sn_both` 0.948 / 0.975.
"""

import dataclasses
from typing import Any

import keras

from data.detectors.spec import DetectorSpec
from data.transforms.base import Transform
from models.gans import gan_config
from models.gans.conditional import ConditionalGAN
from models.gans.gan_config import ImageGANConfig
from models.networks import building_blocks, image_networks
from models.networks.image_networks import ImageLayers

DETECTOR = "ecal"

compile_model = gan_config.compile_model


@dataclasses.dataclass(frozen=True)
class Config(ImageGANConfig):
    """Hyper-parameters; the defaults are the preset `cpu`.

    Attributes:
        noise: Noise dimension of a shower.
        start_channels: Channels of the generator's first image.
        generator_filters: Widths of its convolutions, from the image inwards.
        generator_normalisation: "batch" or "none".
        kernel: Size of all kernels.
        critic_filters: Widths of the critic's convolutions.
        critic_dense: Dense layers of the critic's tail.
        attention: Rows of the feature maps that are followed by self-attention.
        spectral_norm: "none", "critic" or "both".
    """

    transform: str = "log"
    noise: int = 256
    start_channels: int = 256
    generator_filters: tuple[int, ...] = (32, 64, 128)
    generator_normalisation: str = "batch"
    kernel: int = 3
    critic_filters: tuple[int, ...] = (32, 64, 128, 256)
    critic_dense: tuple[int, ...] = (64, 32)
    attention: tuple[int, ...] = (16, 8)
    spectral_norm: str = "both"
    objective: str = "hinge"
    penalty_weight: float = 0.0
    critic_steps: int = 2
    critic_learning_rates: tuple[float, ...] = (4e-4, 4e-4, 1e-4)
    generator_learning_rates: tuple[float, ...] = (1e-4, 1e-4, 3e-5)
    learning_rate_changes: tuple[float, ...] = (0.5, 0.85)
    beta_2: float = 0.999
    steps: int = 14000


_PUBLISHED: dict[str, Any] = {
    "critic_learning_rates": (4e-4, 4e-4),
    "generator_learning_rates": (1e-4, 1e-4),
    "learning_rate_changes": (0.5,),
    "ema_decay": 0.0,
}

PRESETS: dict[str, dict[str, Any]] = {
    "cpu": {},
    "paper": {**_PUBLISHED, "batch_size": 256, "steps": 200000},
    "wgan": {
        **_PUBLISHED, "attention": (), "spectral_norm": "none",
        "objective": "wasserstein", "penalty_weight": 10.0,
    },
    "sn_critic": {**_PUBLISHED, "spectral_norm": "critic"},
    "sn_both": {**_PUBLISHED},
}  # fmt: skip


def _layers(config: Config, network: str) -> ImageLayers:
    critic = network == "critic"
    return ImageLayers(
        filters=config.critic_filters if critic else config.generator_filters,
        kernel=config.kernel,
        normalisation="none" if critic else config.generator_normalisation,
        spectral=config.spectral_norm in ("both", network),
        attention=config.attention,
        gamma=config.attention_gamma,
    )


def build_critic(config: Config, spec: DetectorSpec) -> keras.Model:
    """Builds the critic: [encoded showers, condition] -> scores [batch, 1].

    Args:
        config: Hyper-parameters.
        spec: The detector, with responses [row, column].
    """
    layers = _layers(config, "critic")
    encoded, condition = image_networks.encoded_input(spec)
    maps = image_networks.strided_features(encoded, layers)
    scaled = building_blocks.scaled_condition(condition, spec)
    scaled = image_networks.multiplied(scaled, config.critic_condition_gain)
    x = keras.layers.Concatenate()([keras.layers.Flatten()(maps[-1]), scaled])
    score = image_networks.dense_tail(x, config.critic_dense, layers)
    return keras.Model([encoded, condition], score, name="critic")


def build(config: Config, spec: DetectorSpec, transform: Transform) -> ConditionalGAN:
    """Builds the model, not yet compiled.

    Args:
        config: Hyper-parameters.
        spec: The detector, with responses [row, column].
        transform: Between physical and encoded responses, fitted.

    Raises:
        ValueError: If the detector does not fit the configuration.
    """
    image_networks.require_images(spec, "sagan")
    image_networks.require_spectral_norm(config.spectral_norm)
    generator = image_networks.transposed_generator(
        spec,
        config.noise,
        config.start_channels,
        _layers(config, "generator"),
        **config.conditioned(),
    )
    return ConditionalGAN(
        generator,
        build_critic(config, spec),
        transform,
        **config.adversarial(),
    )
