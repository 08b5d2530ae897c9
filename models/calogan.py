"""CaloGAN: the first GAN of showers in a calorimeter with several layers.

Noise, scaled by the energy, feeds one stream of locally connected layers for each layer
of the calorimeter. Every layer passes its image on to the next one. The critic sees
each layer, how many cells it hits, how similar the showers of a batch are to each
other, and energies; the generator is held to the total energy.

Source: M. Paganini, L. de Oliveira, B. Nachman, "CaloGAN: Simulating 3D High Energy
Particle Showers in Multi-Layer Electromagnetic Calorimeters with Generative Adversarial
Networks", arXiv:1712.10321. Sizes that it does not give are those of its public code
(hep-lbdl/CaloGAN).

    python train.py --model=calogan --data=FILE         # two hours on two cores
    python train.py --model=calogan/quick --data=FILE   # ten minutes
    python train.py --model=calogan/paper --data=FILE   # the published networks

Published: 100 to 1000 times faster than Geant4 on a CPU, up to 10^5 times on a GPU;
figures, no numbers, for the physics. `docs/calogan.md` says what differs here.
"""

import dataclasses
from typing import Any

from data.detectors.spec import DetectorSpec
from data.transforms.base import Transform
from models.gans import gan_config
from models.gans.energy_conserving import EnergyConservingGAN
from models.gans.gan_config import AdamGANConfig
from models.networks import lagan
from models.networks.lagan import LaganCritic, LaganGenerator

DETECTOR = "calogan"

compile_model = gan_config.compile_model


@dataclasses.dataclass(frozen=True)
class Config(AdamGANConfig):
    """Hyper-parameters; the defaults are the preset `cpu`.

    Attributes:
        noise: Noise dimension of a shower.
        start_channels: Channels of each layer's first image.
        generator_filters: Widths of the generator's convolution and locally connected
            layer.
        attention: Whether each layer passes its image on to the next one.
        carry_bias: Score of an image that is passed on, at first.
        critic_filters: Widths of the critic's convolution and locally connected layers.
        similarity: Features of each minibatch discrimination, and width of the vectors
            that it compares.
        occupancy_threshold: Energy of half a hit, see `Occupancy` [GeV].
        energy_weight: Weight of the error of the total energy [1 / GeV].
    """

    transform: str = "linear"
    noise: int = 64
    start_channels: int = 8
    generator_filters: tuple[int, int] = (8, 6)
    attention: bool = True
    carry_bias: float = -10.0
    critic_filters: tuple[int, int, int, int] = (8, 8, 8, 8)
    similarity: tuple[int, int] = (5, 5)
    occupancy_threshold: float = 1e-4
    energy_weight: float = 0.05
    objective: str = "bce"
    penalty_weight: float = 0.0
    critic_learning_rates: tuple[float, ...] = (1e-4, 5e-5, 2e-5)
    generator_learning_rates: tuple[float, ...] = (2e-4, 1e-4, 4e-5)
    learning_rate_changes: tuple[float, ...] = (0.5, 0.85)
    beta_1: float = 0.5
    beta_2: float = 0.999
    augment: bool = True
    steps: int = 16000
    epoch_steps: int = 500


PRESETS: dict[str, dict[str, Any]] = {
    "cpu": {},
    "quick": {"batch_size": 64, "steps": 2500, "epoch_steps": 250, "ema_decay": 0.99},
    "paper": {
        "noise": 1024,
        "start_channels": 36,
        "generator_filters": (16, 6),
        "similarity": (10, 10),
        "critic_filters": (64, 16, 8, 8),
        "occupancy_threshold": 0.0,
        "critic_learning_rates": (2e-5, 2e-5),
        "generator_learning_rates": (2e-4, 2e-4),
        "learning_rate_changes": (0.5,),
        "ema_decay": 0.0,
        "augment": False,
        "batch_size": 256,
        "steps": 39000,
    },
}  # fmt: skip


def build(
    config: Config, spec: DetectorSpec, transform: Transform
) -> EnergyConservingGAN:
    """Builds the model, not yet compiled.

    Args:
        config: Hyper-parameters.
        spec: The detector, its layers with shapes of their own.
        transform: Between physical and encoded responses, fitted.

    Raises:
        ValueError: If the detector or the transform does not fit.
    """
    lagan.require_layers(spec, transform, "calogan")
    generator = LaganGenerator(
        config.noise,
        config.start_channels,
        config.generator_filters,
        config.attention,
        config.carry_bias,
    )
    critic = LaganCritic(
        config.critic_filters, config.similarity, config.occupancy_threshold
    )
    return EnergyConservingGAN(
        generator.build(spec),
        critic.build(spec),
        transform,
        **config.adversarial(),
        energy_weight=config.energy_weight,
    )
