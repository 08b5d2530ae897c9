"""WGAN-GP with an embedded, pre-trained regressor for the LHCb calorimeter.

A regressor learns to tell the particle's parameters from the shower. Then it is frozen,
and what it sees enters the gradients of both networks: of the critic as inputs of its
last layers, of the generator as a further loss, too. The critic has no other knowledge
of the conditions.

The publication leaves the details open. This is a reading of it: the regressor has the
critic's convolutions and is pre-trained on the parameters (mean squared error, scaled
as in `networks.scaled_condition`); its perceptual loss (Johnson et al.,
arXiv:1603.08155) is the distance between its features of a real and of a generated
shower of equal conditions. `critic_regressor` and `generator_regressor` switch how
its information enters:

- `errors`: regressed minus true parameters. The critic gets these five numbers; the
  generator's loss is the difference of the squared errors on real and on generated
  showers, as in arXiv:1807.01954;
- `features`: the critic gets the regressor's last features and the conditions; the
  generator's loss is the perceptual one. Since two real showers of equal conditions
  differ too, it is smallest for showers that vary too little: a small weight is in
  order;
- `none`: nothing; the critic gets the conditions instead.

Source: V. Chekalina et al., "Generative Models for Fast Calorimeter Simulation: the
LHCb case", arXiv:1812.01319.

    python train.py --model=wgan_regressor            # two hours on two cores
    python train.py --model=wgan_regressor/mse        # squared errors, not features
    python train.py --model=wgan_regressor/paper      # the published networks

Published: 3000 epochs in 70 hours on a K80; 0.07 ms a shower on a GPU, 4.9 ms on a CPU.
Figures only, no numbers, for the physics.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras

from data.detectors.spec import DetectorSpec
from data.transforms.base import Transform
from models.gans import embedded_regressor, gan_config
from models.gans.embedded_regressor import EmbeddedRegressorGAN, RegressorTraining
from models.gans.gan_config import ImageGANConfig
from models.networks import image_networks
from models.networks.image_networks import ImageLayers
from models.training.optimizers import adam
from models.training.phases import Phase

DETECTOR = "ecal"

compile_model = gan_config.compile_model


@dataclasses.dataclass(frozen=True)
class Config(ImageGANConfig):
    """Hyper-parameters; the defaults are the preset `cpu`.

    Attributes:
        noise: Noise dimension of a shower.
        start_channels: Channels of the generator's first image.
        filters: Widths of the convolutions of all networks, from the image inwards.
        kernel: Size of their kernels.
        generator_normalisation: "batch" or "none".
        critic_dense: Dense layers of the critic's tail.
        regressor_dense: Dense layers of the regressor's tail.
        regressor_steps: Steps of the phase that trains the regressor.
        regressor_learning_rates: Piecewise constant rates of that phase.
        critic_regressor: "errors", "features" or "none", see the module.
        generator_regressor: "errors", "features" or "none", see the module.
        regressor_weight: Weight of the generator's loss from the regressor.
    """

    transform: str = "box_cox"
    noise: int = 128
    start_channels: int = 128
    filters: tuple[int, ...] = (16, 32, 64)
    kernel: int = 4
    generator_normalisation: str = "none"
    critic_dense: tuple[int, ...] = (128,)
    regressor_dense: tuple[int, ...] = (64,)
    regressor_steps: int = 3000
    regressor_learning_rates: tuple[float, ...] = (1e-3, 3e-4, 1e-4)
    critic_regressor: str = "errors"
    generator_regressor: str = "features"
    regressor_weight: float = 0.1
    penalty_weight: float = 1.0
    penalty_centre: float = 0.0
    critic_learning_rates: tuple[float, ...] = (6e-4, 4e-4, 1e-4)
    generator_learning_rates: tuple[float, ...] = (3e-4, 1e-4, 3e-5)
    learning_rate_changes: tuple[float, ...] = (0.55, 0.85)
    beta_2: float = 0.99
    augment: bool = True
    steps: int = 60000
    epoch_steps: int = 1000


PRESETS: dict[str, dict[str, Any]] = {
    "cpu": {},
    "mse": {"generator_regressor": "errors"},
    "paper": {
        "noise": 512,
        "start_channels": 256,
        "filters": (32, 64, 128),
        "penalty_weight": 10.0, "penalty_centre": 1.0,
        "critic_steps": 5,
        "critic_learning_rates": (1e-4, 1e-4, 1e-4),
        "generator_learning_rates": (1e-4, 1e-4, 1e-4),
        "beta_2": 0.9,
        "ema_decay": 0.0,
        "augment": False,
        "steps": 234000,
    },
}  # fmt: skip


def _convolutions(config: Config) -> ImageLayers:
    return ImageLayers(config.filters, config.kernel, "none", spectral=False)


def build_generator(config: Config, spec: DetectorSpec) -> keras.Model:
    """Builds the generator: [condition, noise] -> encoded showers.

    Args:
        config: Hyper-parameters.
        spec: The detector, with responses [row, column].
    """
    layers = dataclasses.replace(
        _convolutions(config), normalisation=config.generator_normalisation
    )
    return image_networks.transposed_generator(
        spec, config.noise, config.start_channels, layers, **config.conditioned()
    )


def build_regressor(config: Config, spec: DetectorSpec) -> keras.Model:
    """Builds the regressor: encoded showers -> features and scaled conditions.

    Args:
        config: Hyper-parameters.
        spec: The detector, with responses [row, column].

    Returns:
        A functional model whose outputs are the feature maps of the convolutions, the
        last dense features and the parameters [batch, conditions].
    """
    encoded = keras.Input(spec.shape, name="encoded")
    maps = image_networks.strided_features(encoded, _convolutions(config))
    x = keras.layers.Flatten()(maps[-1])
    features = image_networks.hidden(x, config.regressor_dense, _convolutions(config))
    parameters = keras.layers.Dense(len(spec.condition_names))(features)
    return keras.Model(encoded, [*maps, features, parameters], name="regressor")


def build_critic(config: Config, spec: DetectorSpec) -> keras.Model:
    """Builds the critic: [encoded showers, knowledge of the conditions] -> scores.

    Args:
        config: Hyper-parameters.
        spec: The detector, with responses [row, column].
    """
    encoded = keras.Input(spec.shape, name="encoded")
    size = len(spec.condition_names)
    if config.critic_regressor == "features":
        size += config.regressor_dense[-1]
    known = keras.Input((size,), name="known")
    maps = image_networks.strided_features(encoded, _convolutions(config))
    told = image_networks.multiplied(known, config.critic_condition_gain)
    x = keras.layers.Concatenate()([keras.layers.Flatten()(maps[-1]), told])
    score = image_networks.dense_tail(x, config.critic_dense, _convolutions(config))
    return keras.Model([encoded, known], score, name="critic")


def build(
    config: Config, spec: DetectorSpec, transform: Transform
) -> EmbeddedRegressorGAN:
    """Builds the model, not yet compiled.

    Args:
        config: Hyper-parameters.
        spec: The detector, with responses [row, column].
        transform: Between physical and encoded responses, fitted.

    Raises:
        ValueError: If the detector does not fit, or a switch has an unknown value.
    """
    image_networks.require_images(spec, "wgan_regressor")
    if not config.regressor_dense:
        raise ValueError("regressor_dense needs at least one width, is ()")
    for name in ("critic_regressor", "generator_regressor"):
        if getattr(config, name) not in embedded_regressor.KINDS:
            raise ValueError(
                f"{name} must be one of {', '.join(embedded_regressor.KINDS)}, is "
                f"{getattr(config, name)!r}"
            )
    return EmbeddedRegressorGAN(
        build_generator(config, spec),
        build_critic(config, spec),
        transform,
        **config.adversarial(),
        regressor=build_regressor(config, spec),
        scaling=embedded_regressor.scaling(spec),
        critic_regressor=config.critic_regressor,
        generator_regressor=config.generator_regressor,
        regressor_weight=config.regressor_weight,
    )


def phases(model: EmbeddedRegressorGAN, config: Config) -> Sequence[Phase]:
    """Returns the pre-training of the regressor; none where nothing uses it.

    Args:
        model: From `build`.
        config: Hyper-parameters.
    """
    if config.critic_regressor == config.generator_regressor == "none":
        return []
    trained = RegressorTraining(model.regressor, model.scaling, seed=config.seed)
    trained.compile(
        adam(
            config.regressor_learning_rates,
            config.learning_rate_changes,
            config.regressor_steps,
            (0.9, 0.999),
            config.precision,
        )
    )
    return [Phase("regressor", trained, config.regressor_steps, lambda: None)]
