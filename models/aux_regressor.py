"""GAN whose critic also regresses an observable, for the LHCb calorimeter.

A branch of the critic learns an observable of the shower, e.g. the asymmetry along the
inclination, and its answer joins the conditions in the critic's last layers: so the
critic notices showers whose observable is wrong, and the generator learns of it through
the branch even where the observable itself has no gradient.

Source: A. Rogachev, F. Ratnikov, "GAN with an Auxiliary Regressor for the Fast
Simulation of the Electromagnetic Calorimeter Response", arXiv:2207.06329.

    python train.py --model=aux_regressor         # made for two cores
    python train.py --model=aux_regressor/paper          # the published one
    python train.py --model=aux_regressor/cnn_sa         # a row of its table

Published (raw / physics PRD-AUC with 400 clusters): `cnn` 0.669 / 0.877,
`cnn_regressor` 0.822 / 0.950, `cnn_regressor_sn` 0.908 / 0.957, `cnn_sa` 0.989 / 0.983,
`cnn_regressor_sa_sn` 0.994 / 0.992.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras

from data.detectors.spec import DetectorSpec
from data.transforms.base import Transform
from data.transforms.mean_response import Calibrated
from models.gans import auxiliary_tasks, gan_config
from models.gans.auxiliary_tasks import AuxiliaryTask
from models.gans.conditional import ConditionalGAN
from models.gans.gan_config import ImageGANConfig
from models.gans.guided import GuidedGAN
from models.layers.image_summary import ImageSummary
from models.layers.shower_summary import FractionRoots
from models.layers.tracks import TrackMaps
from models.likelihood import statistics_training
from models.networks import building_blocks, image_networks
from models.networks.compact_generator import CompactGenerator, image_statistics
from models.networks.image_networks import ImageLayers
from models.training.phases import Phase

DETECTOR = "ecal"

compile_model = gan_config.compile_model


@dataclasses.dataclass(frozen=True)
class Config(ImageGANConfig):
    """Hyper-parameters; the defaults are the preset `cpu`.

    Attributes:
        generator: "compact", see `models.networks.compact_generator`, or "transposed",
            see `image_networks.transposed_generator`.
        noise: Noise dimension of a shower as a whole.
        noise_maps: Noise dimension of a cell; compact generator only.
        generator_dense: Dense layers that draw the first image; compact only.
        start_channels: Channels of the first image.
        generator_filters: Widths of the convolutions; of a transposed generator from
            the image inwards.
        statistics_hidden: Width of the hidden layers of the network that draws the
            shower's statistics, see `models.gans.guided`; compact only, as those of
            this name that follow.
        statistics_thresholds: Energies above which hits are counted [spec.unit].
        statistics_steps: Steps in which it is trained.
        statistics_learning_rates: Piecewise constant rates of its training.
        guidance: Weight of the distance from the drawn statistics; compact only.
        core: See `models.layers.filling.move_core` [spec.unit]; compact only.
        track_scales_cm: Widths of the maps of the track; () for none.
        generator_normalisation: "batch" or "none"; transposed only.
        kernel: Size of the kernels of critic and transposed generator.
        critic_filters: Widths of the critic's strided convolutions.
        critic_dense: Dense layers of the critic's tail.
        critic_summary: Width of the dense layers over the shower's summary; 0 for none.
        summary_ring_edges_cm: See `ImageSummary`.
        summary_thresholds: See `ImageSummary` [spec.unit].
        attention: Rows of the feature maps that are followed by self-attention.
        spectral_norm: "none", "critic" or "both".
        observable: What the branch regresses, a name of `metrics.observables.registry`.
        regressor_scales_cm: Scales of the moments in which the branch sees the cells
            linear in energy, see `auxiliary.EnergyMoments`; () for none.
        regressor_dense: Dense layers of the branch.
        regressor_weight: Weight w of its mean absolute error; 0 for no branch.
    """

    transform: str = "spectrum"
    generator: str = "compact"
    noise: int = 16
    noise_maps: int = 2
    generator_dense: tuple[int, ...] = (128, 128)
    start_channels: int = 8
    generator_filters: tuple[int, ...] = (32, 32)
    statistics_hidden: int = 48
    statistics_thresholds: tuple[float, ...] = (1.0, 10.0, 100.0)
    statistics_steps: int = 8000
    statistics_learning_rates: tuple[float, ...] = (1e-3, 5e-4, 2e-4, 5e-5)
    guidance: float = 3.0
    core: float = 10.0
    track_scales_cm: tuple[float, ...] = (1.5, 4.0, 10.0)
    generator_normalisation: str = "none"
    kernel: int = 3
    critic_filters: tuple[int, ...] = (32, 64, 96)
    critic_dense: tuple[int, ...] = (128,)
    critic_summary: int = 96
    summary_ring_edges_cm: tuple[float, ...] = (1.5, 3.0, 5.0, 8.0, 12.0, 18.0)
    summary_thresholds: tuple[float, ...] = (
        0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0,
    )  # fmt: skip
    attention: tuple[int, ...] = (8,)
    spectral_norm: str = "none"
    observable: str = "asymmetry_along"
    regressor_scales_cm: tuple[float, ...] = (0.5, 1.5, 4.0, 12.0)
    regressor_dense: tuple[int, ...] = (64,)
    regressor_weight: float = 0.1
    penalty_weight: float = 1.0
    penalty_centre: float = 0.0
    penalty_interval: int = 4
    critic_learning_rates: tuple[float, ...] = (
        4e-4, 3e-4, 2e-4, 1.5e-4, 8e-5, 4e-5,
    )  # fmt: skip
    generator_learning_rates: tuple[float, ...] = (
        2e-4, 1e-4, 7e-5, 5e-5, 3e-5, 1e-5,
    )  # fmt: skip
    learning_rate_changes: tuple[float, ...] = (0.08, 0.25, 0.5, 0.7, 0.85)
    beta_2: float = 0.99
    augment: bool = True
    steps: int = 4000


_PUBLISHED: dict[str, Any] = {
    "transform": "log",
    "generator": "transposed",
    "noise": 256,
    "start_channels": 256,
    "generator_filters": (32, 64, 128),
    "track_scales_cm": (),
    "generator_normalisation": "batch",
    "critic_filters": (32, 64, 128, 256),
    "critic_dense": (64, 32),
    "critic_summary": 0,
    "regressor_scales_cm": (),
    "objective": "hinge",
    "penalty_weight": 0.0,
    "penalty_interval": 1,
    "critic_steps": 2,
    "critic_learning_rates": (4e-4, 4e-4),
    "generator_learning_rates": (1e-4, 1e-4),
    "learning_rate_changes": (0.5,),
    "beta_2": 0.999,
    "ema_decay": 0.0,
    "augment": False,
}
_ATTENTION = {"attention": (16, 8)}
_PLAIN = {"attention": (), "regressor_weight": 0.0}
_REGRESSOR = {"regressor_weight": 1.0}

PRESETS: dict[str, dict[str, Any]] = {
    "cpu": {},
    "paper": {
        **_PUBLISHED, **_ATTENTION, **_REGRESSOR,
        "spectral_norm": "both", "batch_size": 256, "steps": 200000,
    },
    "cnn": {**_PUBLISHED, **_PLAIN},
    "cnn_regressor": {**_PUBLISHED, **_PLAIN, **_REGRESSOR},
    "cnn_regressor_sn": {
        **_PUBLISHED, **_PLAIN, **_REGRESSOR, "spectral_norm": "both",
    },
    "cnn_sa": {**_PUBLISHED, **_PLAIN, **_ATTENTION},
    "cnn_regressor_sa_sn": {
        **_PUBLISHED, **_ATTENTION, **_REGRESSOR, "spectral_norm": "both",
    },
}  # fmt: skip


def _layers(config: Config, filters: tuple[int, ...], network: str) -> ImageLayers:
    normalisation = "none" if network == "critic" else config.generator_normalisation
    spectral = config.spectral_norm in ("both", network)
    return ImageLayers(
        filters,
        config.kernel,
        normalisation,
        spectral,
        config.attention,
        config.attention_gamma,
    )


def build_generator(
    config: Config, spec: DetectorSpec, transform: Transform
) -> keras.Model:
    """Builds the generator: [condition, noise] -> encoded showers.

    Args:
        config: Hyper-parameters.
        spec: The detector, with responses [row, column].
        transform: Of the encoded showers.
    """
    if config.generator == "transposed":
        return image_networks.transposed_generator(
            spec,
            config.noise,
            config.start_channels,
            _layers(config, config.generator_filters, "generator"),
            **config.conditioned(),
        )
    if config.generator != "compact":
        raise ValueError(
            f"unknown generator {config.generator!r}; known: compact, transposed"
        )
    return CompactGenerator(
        config.noise,
        config.noise_maps,
        config.generator_dense,
        config.start_channels,
        config.generator_filters,
        config.statistics_hidden,
        config.track_scales_cm,
        config.core,
    ).build(spec, image_statistics(spec, transform, config.statistics_thresholds))


def build_critic(
    config: Config, spec: DetectorSpec, transform: Transform
) -> keras.Model:
    """Builds the critic: [encoded showers, condition] -> score and regression.

    The branch of the regressor starts after the last self-attention, or after the last
    but one convolution where there is none.

    Args:
        config: Hyper-parameters.
        spec: The detector, with responses [row, column].
        transform: Of the encoded showers.

    Returns:
        A functional model with outputs [batch, 1], or [batch, 2] with a regressor.
    """
    if config.critic_summary and not isinstance(transform, Calibrated):
        raise ValueError(
            "critic_summary needs transform=spectrum, root or power, received "
            f"{config.transform!r}; set critic_summary=0 or another transform"
        )
    convolutions = _layers(config, config.critic_filters, "critic")
    encoded, condition = image_networks.encoded_input(spec)
    scaled = building_blocks.scaled_condition(condition, spec)
    seen = building_blocks.track(condition, spec)
    maps = [TrackMaps(config.track_scales_cm)(seen)] if config.track_scales_cm else []
    cells = [*maps]
    if config.critic_summary:
        roots = FractionRoots(transform)(encoded, condition)
        cells.append(keras.layers.Reshape((*spec.shape, 1))(roots))
    features = image_networks.strided_features(encoded, convolutions, cells)
    known = image_networks.multiplied(scaled, config.critic_condition_gain)
    tail = [keras.layers.Flatten()(features[-1]), known]
    if config.critic_summary:
        summary = ImageSummary(
            transform, config.summary_thresholds, config.summary_ring_edges_cm
        )(encoded, seen, condition)
        summary = keras.layers.Concatenate()([summary, scaled])
        for _ in range(2):
            dense = convolutions.wrapped(keras.layers.Dense(config.critic_summary))
            summary = building_blocks.leaky(dense(summary))
        tail.append(summary)
    regressed = []
    if config.regressor_weight > 0.0:
        attended = [x for x in features if x.shape[1] in config.attention]
        last = (attended or features[:-1])[-1]
        if config.regressor_scales_cm:
            moments = auxiliary_tasks.EnergyMoments(
                transform, config.regressor_scales_cm
            )
            # Thousands of features that the score trains would drown the moments.
            seen_by_branch = [
                keras.layers.GlobalAveragePooling2D()(last),
                moments(encoded, seen, condition),
            ]
        else:
            seen_by_branch = [keras.layers.Flatten()(last)]
        branch = [*seen_by_branch, scaled]
        regressed.append(
            image_networks.dense_tail(
                keras.layers.Concatenate()(branch),
                config.regressor_dense,
                convolutions,
            )
        )
    # The score must not train the branch: its answer is an input of the tail alone.
    told = [auxiliary_tasks.FixedInTraining()(answer) for answer in regressed]
    x = keras.layers.Concatenate()([*tail, *told])
    score = image_networks.dense_tail(x, config.critic_dense, convolutions)
    outputs = keras.layers.Concatenate()([score, *regressed]) if regressed else score
    return keras.Model([encoded, condition], outputs, name="critic")


def build(config: Config, spec: DetectorSpec, transform: Transform) -> ConditionalGAN:
    """Builds the model, not yet compiled.

    Args:
        config: Hyper-parameters.
        spec: The detector, with responses [row, column].
        transform: Between physical and encoded responses, fitted.

    Raises:
        ValueError: If the detector or the transform does not fit the configuration.
    """
    image_networks.require_images(spec, "aux_regressor")
    image_networks.require_spectral_norm(config.spectral_norm)
    tasks = []
    if config.regressor_weight > 0.0:
        tasks.append(
            AuxiliaryTask(
                spec.name, config.observable, config.regressor_weight, name="regressor"
            )
        )
    parts = (
        build_generator(config, spec, transform),
        build_critic(config, spec, transform),
        transform,
    )
    if config.generator != "compact":
        return ConditionalGAN(*parts, tasks=tasks, **config.adversarial())
    return GuidedGAN(
        *parts,
        tasks=tasks,
        **config.adversarial(),
        statistics=image_statistics(spec, transform, config.statistics_thresholds),
        guidance=config.guidance,
    )


def phases(model: ConditionalGAN, config: Config) -> Sequence[Phase]:
    """Returns the training of the drawing of the statistics; none without them.

    Args:
        model: From `build`.
        config: Hyper-parameters.
    """
    if not isinstance(model, GuidedGAN):
        return []
    return [
        statistics_training.phase(
            model.draw, model.statistics, config.statistics_learning_rates,
            config.statistics_steps, config.seed, config.precision,
        )
    ]  # fmt: skip
