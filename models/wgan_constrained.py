"""WGAN with energy and position constrainer networks for the HGCAL prototype.

A generator with one branch per silicon layer and a locally connected last layer is
trained against a Wasserstein critic; two further networks, which learn to regress the
incident energy and the impact point from reference showers, make it respect both.

Source: Erdmann, Glombitza, Quast, arXiv:1807.01954; T. Quast, "Precise simulation of
electromagnetic calorimeter showers using a WGAN", talk of 19 February 2019.

    python train.py --model=wgan_constrained          # made for two cores
    python train.py --model=wgan_constrained/quick    # minutes, to see it work
    python train.py --model=wgan_constrained/paper    # the published networks

Published: generator of about 672k and critic of about 477k parameters (`paper`: 690k,
475k), lambda 5, both kappas 0.01; 52 ms a shower on one CPU. Physics: figures only.
"""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import keras

from data.detectors.spec import DetectorSpec
from data.transforms.base import Transform
from data.transforms.mean_response import Calibrated
from data.transforms.spectrum_table import SpectrumTable
from models.gans.conditional import ConditionalGAN
from models.gans.constrainer import Constrainer, volume_regressor
from models.gans.gan_config import AdamGANConfig
from models.gans.guided import GuidedGAN
from models.layers import filling, geometry, locally_connected
from models.layers.shower_statistics import LayeredStatistics
from models.likelihood import statistics_training
from models.networks import building_blocks, statistics_network
from models.networks.layered_critic import LayeredCritic
from models.training.optimizers import adam
from models.training.phases import Phase

DETECTOR = "hgcal"


@dataclasses.dataclass(frozen=True)
class Config(AdamGANConfig):
    """Hyper-parameters; the defaults are the preset `cpu`.

    Attributes:
        mask_generator: Whether the generator's dead cells are set to zero.
        noise: Noise dimension of a shower as a whole.
        noise_maps: Noise dimension of a cell of the image plane; with `hit_gate`, one
            or more per layer.
        branch_hidden: Width of the first dense layer of a layer's branch.
        branch_start: Rows and columns where a branch's image starts; () to derive them.
        branch_channels: Channels there.
        branch_filters: Widths of a branch's transposed convolutions; with () the dense
            layers draw the image at once and branch_start, branch_channels are unused.
        branch_outputs: Channels that a branch hands to the trunk.
        trunk: (filters, kernel rows, kernel columns) of the convolutions after it.
        trunk_padding: "valid" or "same", of all convolutions after the trunk's first.
        cell_embedding: Learned channels per cell in the trunk.
        impact_scales_cm: Widths of the maps of the impact point; () for none.
        hit_gate: Whether the last layer decides separately which cells are hit.
        statistics_hidden: Width of the hidden layers of the network that draws the
            shower's statistics, see `models.gans.guided`; 0 for none. Those that
            follow are of this network alone.
        statistics_thresholds: Energies above which hits are counted [MIP].
        statistics_steps: Steps in which it is trained.
        statistics_learning_rates: Piecewise constant rates of its training.
        guidance: Weight of the distance from the drawn statistics.
        core_mip: See `models.layers.filling.move_core`.
        generator_normalisation: "batch" or "none".
        critic_condition: Widths of the dense layers that draw the condition.
        critic_filters: (filters, kernel, stride) of the critic's convolutions.
        critic_dense: Width of the dense layer before the score.
        critic_normalisation: "layer" or "none"; not after the first convolution.
        critic_summary: Width of the dense layer over the shower's summary; 0 for none.
        summary_ring_edges_cm: Radii between the rings of the summary.
        summary_thresholds: Energies above which it counts hits [MIP].
        constrainer_filters: (filters, stride) of the constrainers' 3D convolutions.
        constrainer_normalisation: "batch" or "none".
        energy_label_scale: Multiplies the energy [GeV] that the constrainer learns.
        position_label_scale: Multiplies the impact point [cm] that it learns.
        energy_weight: kappa_e.
        position_weight: kappa_p.
        constrainer_learning_rates: Piecewise constant rates.
    """

    transform: str = "spectrum"
    mask_generator: bool = True
    noise: int = 16
    noise_maps: int = 7
    branch_hidden: int = 32
    branch_start: tuple[int, ...] = ()
    branch_channels: int = 8
    branch_filters: tuple[int, ...] = ()
    branch_outputs: int = 2
    trunk: tuple[tuple[int, int, int], ...] = ((64, 3, 3), (64, 3, 3), (16, 3, 3))
    trunk_padding: str = "same"
    cell_embedding: int = 4
    impact_scales_cm: tuple[float, ...] = (0.6, 1.2, 2.4)
    hit_gate: bool = True
    statistics_hidden: int = 0
    statistics_thresholds: tuple[float, ...] = (2.0, 10.0)
    statistics_steps: int = 4000
    statistics_learning_rates: tuple[float, ...] = (1e-3, 5e-4, 2e-4, 5e-5)
    guidance: float = 8.0
    core_mip: float = 15.0
    generator_normalisation: str = "none"
    critic_condition: tuple[int, ...] = ()
    critic_filters: tuple[tuple[int, int, int], ...] = (
        (32, 3, 1), (48, 3, 2), (64, 3, 2),
    )  # fmt: skip
    critic_dense: int = 128
    critic_normalisation: str = "none"
    critic_summary: int = 96
    summary_ring_edges_cm: tuple[float, ...] = (1.0, 2.2, 4.0)
    summary_thresholds: tuple[float, ...] = (
        0.1, 0.5, 1.0, 2.0, 4.0, 7.0, 12.0, 25.0, 60.0, 200.0,
    )  # fmt: skip
    constrainer_filters: tuple[tuple[int, int], ...] = ((4, 2), (8, 2))
    constrainer_normalisation: str = "none"
    energy_label_scale: float = 0.02
    position_label_scale: float = 0.5
    energy_weight: float = 1.0
    position_weight: float = 1.0
    penalty_weight: float = 1.0
    penalty_centre: float = 0.0
    penalty_interval: int = 4
    critic_learning_rates: tuple[float, ...] = (6e-4, 6e-4, 4e-4, 3e-4, 1.5e-4, 6e-5)
    generator_learning_rates: tuple[float, ...] = (4e-4, 3e-4, 2e-4, 1e-4, 5e-5, 2e-5)
    constrainer_learning_rates: tuple[float, ...] = (1e-3, 1e-3, 7e-4, 4e-4, 2e-4, 1e-4)
    learning_rate_changes: tuple[float, ...] = (0.08, 0.25, 0.5, 0.7, 0.85)
    beta_2: float = 0.99
    augment: bool = True
    steps: int = 6000


PRESETS: dict[str, dict[str, Any]] = {
    "cpu": {},
    "quick": {
        "critic_learning_rates": (6e-4, 6e-4, 3e-4),
        "generator_learning_rates": (3e-4, 2e-4, 1e-4),
        "constrainer_learning_rates": (1e-3, 1e-3, 5e-4),
        "learning_rate_changes": (0.6, 0.85),
        "ema_decay": 0.99,
        "steps": 1500,
    },
    "paper": {
        "transform": "identity",
        "noise": 10, "noise_maps": 0,
        "branch_hidden": 10,
        "branch_start": (3, 4),
        "branch_channels": 16,
        "branch_filters": (16, 32, 64),
        "branch_outputs": 1,
        "trunk": ((64, 3, 3), (128, 5, 6), (14, 3, 3)),
        "trunk_padding": "valid",
        "cell_embedding": 0,
        "impact_scales_cm": (),
        "hit_gate": False,
        "generator_normalisation": "batch",
        "critic_condition": (10,),
        "critic_filters": (
            (256, 5, 1), (128, 3, 1), (64, 3, 1), (32, 3, 1), (16, 3, 1),
        ),
        "critic_dense": 10,
        "critic_normalisation": "layer",
        "critic_summary": 0,
        "constrainer_filters": ((1, 1), (16, 1), (16, 2), (32, 1), (32, 2), (64, 2)),
        "constrainer_normalisation": "batch",
        "energy_label_scale": 1.0, "position_label_scale": 10.0,
        "energy_weight": 0.01, "position_weight": 0.01,
        "penalty_weight": 5.0, "penalty_centre": 1.0, "penalty_interval": 1,
        "critic_steps": 9, "batch_size": 256,
        "critic_learning_rates": (5e-4, 1.6e-4, 5e-5),
        "generator_learning_rates": (1e-3, 3.2e-4, 1e-4),
        "constrainer_learning_rates": (5e-5, 0.0, 0.0),
        "learning_rate_changes": (0.3333, 0.6667),
        "beta_2": 0.9,
        "ema_decay": 0.0,
        "augment": False,
        "steps": 39000, "epoch_steps": 260,
    },
}  # fmt: skip


def build_statistics(
    config: Config, spec: DetectorSpec, transform: Transform
) -> LayeredStatistics:
    """Builds what computes the statistics of a shower.

    Args:
        config: Hyper-parameters.
        spec: The detector, with responses [row, column, layer].
        transform: The transform of the encoded showers.
    """
    return LayeredStatistics(
        transform,
        spec.positions_cm[:, :, 0, :2],
        building_blocks.impact_conditions(spec),
        config.statistics_thresholds,
        spec.shape[2],
    )


def build_generator(
    config: Config, spec: DetectorSpec, transform: Transform
) -> keras.Model:
    """Builds the generator: [condition, noise] -> encoded showers.

    Args:
        config: Hyper-parameters.
        spec: The detector, with responses [row, column, layer].
        transform: The transform of the encoded showers.

    Returns:
        A functional model with inputs [batch, conditions] and [batch, noise] and
        outputs [batch, row, column, layer].
    """
    rows, columns, count = spec.shape
    if config.hit_gate and config.noise_maps < count:
        raise ValueError(
            f"hit_gate needs a noise map per layer: noise_maps={config.noise_maps} is "
            f"less than {count}; raise it or set hit_gate=false"
        )
    accepted = spec.acceptance(config.mask) if config.mask_generator else spec.cells
    condition = keras.Input((len(spec.condition_names),), name="condition")
    statistics = None
    if config.statistics_hidden:
        statistics = build_statistics(config, spec, transform)
    told = statistics_network.Told(
        condition,
        spec,
        statistics,
        config.statistics_hidden,
        config.noise,
        rows * columns * config.noise_maps,
    )
    x = told.shower
    valid = config.trunk_padding == "valid"
    shrink = [sum(k - 1 for k in kernels) for kernels in zip(
        (3, 3), *((height, width) for _, height, width in config.trunk[1:]), strict=True
    )]  # fmt: skip
    # With "valid" padding, all others eat a border that the branches provide.
    grid = (rows + shrink[0], columns + shrink[1]) if valid else (rows, columns)
    parts = building_blocks.layer_branches(
        x,
        count,
        grid,
        config.branch_hidden,
        config.branch_channels,
        config.branch_filters,
        config.branch_outputs,
        config.generator_normalisation,
        config.branch_start,
    )
    if config.impact_scales_cm:
        parts.append(
            building_blocks.impact_maps(condition, spec, config.impact_scales_cm)
        )
    if config.noise_maps:
        shape = (rows, columns, config.noise_maps)
        maps = keras.layers.Reshape(shape)(told.maps)
        parts.append(maps)
    y = keras.layers.Concatenate()(parts)
    if config.cell_embedding:
        y = geometry.CellEmbedding(config.cell_embedding)(y)
    for number, (filters, *kernel) in enumerate(config.trunk):
        padding = config.trunk_padding if number else "same"
        y = keras.layers.Conv2D(filters, kernel, padding=padding)(y)
        y = building_blocks.leaky(
            building_blocks.normalised(y, config.generator_normalisation)
        )
    outputs = 2 * count if config.hit_gate else count
    y = locally_connected.LocallyConnected2D(
        outputs, (3, 3), padding=config.trunk_padding
    )(y)
    if statistics is not None:
        y = filling.FillShower(statistics, accepted, config.core_mip)(
            y, maps[..., :count], told.drawn, condition
        )
    elif config.hit_gate:
        y = filling.HitGate()(y, maps[..., :count])
    else:
        y = keras.layers.ReLU()(y)
    y = geometry.CellMask(accepted)(y)
    return keras.Model([condition, told.noise], y, name="generator")


def build(config: Config, spec: DetectorSpec, transform: Transform) -> ConditionalGAN:
    """Builds the model, not yet compiled.

    Args:
        config: Hyper-parameters.
        spec: The detector, with responses [row, column, layer].
        transform: Between physical and encoded responses, fitted.

    Raises:
        ValueError: If the detector or the transform does not fit the configuration.
    """
    if len(spec.shape) != 3:
        raise ValueError(
            f"detector {spec.name!r} has responses of shape {spec.shape}; "
            "wgan_constrained needs (row, column, layer)"
        )
    if config.statistics_hidden and not isinstance(transform, SpectrumTable):
        raise ValueError(
            f"statistics_hidden needs transform=spectrum, received "
            f"{config.transform!r}; change it or set statistics_hidden=0"
        )
    if config.statistics_hidden and not config.hit_gate:
        raise ValueError("statistics_hidden needs hit_gate=true; set one of them to 0")
    if config.critic_summary and not isinstance(transform, Calibrated):
        raise ValueError(
            f"critic_summary needs transform=spectrum, root or power, received "
            f"{config.transform!r}; change it or set critic_summary=0"
        )
    regress = functools.partial(
        volume_regressor,
        spec.shape,
        config.constrainer_filters,
        config.constrainer_normalisation,
        config.transform != "identity",
    )
    energy = Constrainer(
        regress("relu", 1),
        spec.energy_conditions,
        config.energy_label_scale,
        config.energy_weight,
        name="energy",
    )
    position = Constrainer(
        regress(None, 2),
        building_blocks.impact_conditions(spec),
        config.position_label_scale,
        config.position_weight,
        name="position",
    )
    networks_ = (
        build_generator(config, spec, transform),
        LayeredCritic(
            config.critic_condition,
            config.impact_scales_cm,
            config.cell_embedding,
            config.critic_filters,
            config.critic_normalisation,
            config.critic_summary,
            config.summary_ring_edges_cm,
            config.summary_thresholds,
            config.critic_dense,
        ).build(spec, transform),
        transform,
        [energy, position],
    )
    settings = config.adversarial()
    if not config.statistics_hidden:
        return ConditionalGAN(*networks_, **settings)
    return GuidedGAN(
        *networks_,
        **settings,
        statistics=build_statistics(config, spec, transform),
        guidance=config.guidance,
    )


def compile_model(model: ConditionalGAN, config: Config) -> None:
    """Attaches the optimizers of the configuration."""
    changes, betas = config.learning_rate_changes, (config.beta_1, config.beta_2)
    critic_steps = config.steps * config.critic_steps
    kind = betas, config.precision
    model.compile(
        adam(config.generator_learning_rates, changes, config.steps, *kind),
        adam(config.critic_learning_rates, changes, critic_steps, *kind),
        adam(config.constrainer_learning_rates, changes, config.steps, *kind),
    )


def phases(model: ConditionalGAN, config: Config) -> Sequence[Phase]:
    """Returns the training of the drawing of the statistics; none without them."""
    if not isinstance(model, GuidedGAN):
        return []
    return [
        statistics_training.phase(
            model.draw, model.statistics, config.statistics_learning_rates,
            config.statistics_steps, config.seed, config.precision,
        )
    ]  # fmt: skip
