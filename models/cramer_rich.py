"""Cramer GAN for the likelihoods of ring-imaging Cherenkov detectors.

It draws the differences of log-likelihoods of a track (as a kaon, muon, electron,
proton, below threshold, each against the pion) from its momentum, pseudorapidity,
species and the number of tracks of the event. It learns from calibration samples, in
which background is subtracted by sWeights: signed weights enter every loss as they are.

Source: Maevskiy et al., "Fast Data-Driven Simulation of Cherenkov Detectors Using
Generative Adversarial Networks", arXiv:1905.11825.

    python train.py --model=cramer_rich                          # on two cores
    python train.py --model=cramer_rich/paper                    # the published one
    python train.py --model=cramer_rich --set=species=kaon       # one species

Published: differences of AUC between generated and real, in bins of momentum and
pseudorapidity, mostly of 0.001 to 0.01.
"""

import dataclasses
from typing import Any

import keras
import numpy as np

from data.detectors import particles
from data.detectors.spec import Condition, DetectorSpec, DomainRange
from data.simulation.rich.radiator import RADIATORS
from data.transforms.base import Transform
from models.gans.conditional import ConditionalGAN
from models.gans.cramer_gan import CramerGAN
from models.gans.gan_config import GANConfig
from models.layers.track_features import TrackFeatures
from models.training.optimizers import scaled

DETECTOR = "rich"

_ALL = "all"
_SPECIES_RANGE = "species_index"


@dataclasses.dataclass(frozen=True)
class Config(GANConfig):
    """Hyper-parameters; the defaults are the preset `cpu`.

    Attributes:
        species: "all", or the name of one species to train on, see
            `data.detectors.particles`.
        noise: Noise dimension of a track.
        generator_dense: Widths of the generator's hidden layers, ReLU.
        critic_dense: Widths of the critic's hidden layers, ReLU.
        critic_outputs: Number of the critic's features.
        radiators: (refractive index, resolution of a photon [mrad], smallest, largest
            polar angle [mrad]) of the radiators that the networks are told of, see
            `TrackFeatures`; () for none.
        pairs: Condition of the second generated event, see `CramerGAN`.
        penalty_ramp_steps: See `CramerGAN`.
        learning_rate: Of both RMSProp optimizers at first.
        learning_rate_decay: Factor by which the rate falls, gradually, in every
        learning_rate_steps: generator steps.
    """

    transform: str = "quantile"
    species: str = _ALL
    noise: int = 16
    generator_dense: tuple[int, ...] = (128,) * 10
    critic_dense: tuple[int, ...] = (128, 128, 128)
    critic_outputs: int = 64
    radiators: tuple[tuple[float, ...], ...] = tuple(
        (one.refractive_index, one.resolution_mrad, *one.acceptance_mrad)
        for one in RADIATORS
    )
    objective: str = "cramer"
    pairs: str = "same_event"
    penalty_weight: float = 1.0
    penalty_ramp_steps: int = 0
    batch_size: int = 2048
    learning_rate: float = 1e-3
    learning_rate_decay: float = 0.98
    learning_rate_steps: int = 130
    steps: int = 30000


PRESETS: dict[str, dict[str, Any]] = {
    "cpu": {},
    "paper": {
        "radiators": (),
        "noise": 64,
        "critic_dense": (128,) * 10,
        "critic_outputs": 256,
        "objective": "cramer_surrogate",
        "pairs": "independent",
        "penalty_weight": 20.0,
        "penalty_ramp_steps": 10000,
        "learning_rate_steps": 200,
        "critic_steps": 15,
        "batch_size": 50000,
        "ema_decay": 0.0,
        "steps": 100000,
    },
}


def _codes(config: Config) -> tuple[int, ...]:
    if config.species == _ALL:
        return particles.PDG_CODES
    return (particles.pdg_code(config.species),)


def restricted(config: Config, spec: DetectorSpec) -> DetectorSpec:
    """Returns the detector for the species that are trained.

    Args:
        config: Hyper-parameters.
        spec: The detector `rich`.

    Raises:
        ValueError: If the species is unknown.
    """
    indices = [particles.PDG_CODES.index(code) for code in _codes(config)]
    domain = tuple(
        dataclasses.replace(one, low=float(min(indices)), high=float(max(indices)))
        if one.name == _SPECIES_RANGE
        else one
        for one in spec.domain
    )
    return dataclasses.replace(spec, domain=domain)


def selected(config: Config, condition: Condition) -> Any:
    """Tells which events are trained on, bool [events].

    Args:
        config: Hyper-parameters.
        condition: Conditions of the detector `rich`, [events, 4].
    """
    return np.isin(condition[:, 3], np.array(_codes(config), np.float32))


def _features(config: Config, spec: DetectorSpec, condition: Any) -> Any:
    limits: dict[str, DomainRange] = {one.name: one for one in spec.domain}
    ranges = [
        (limits[name].low, limits[name].high) for name in spec.condition_names[:3]
    ]
    return TrackFeatures(ranges, _codes(config), config.radiators)(condition)


def _dense(x: Any, widths: tuple[int, ...], outputs: int) -> Any:
    for width in widths:
        # He's initialisation: ten layers of ReLU hardly pass a signal on otherwise.
        x = keras.layers.Dense(
            width, activation="relu", kernel_initializer="he_normal"
        )(x)
    return keras.layers.Dense(outputs)(x)


def build_generator(config: Config, spec: DetectorSpec) -> keras.Model:
    """Builds the generator: [condition, noise] -> encoded responses.

    Args:
        config: Hyper-parameters.
        spec: The detector.
    """
    condition = keras.Input((len(spec.condition_names),), name="condition")
    noise = keras.Input((config.noise,), name="noise")
    x = keras.layers.Concatenate()([_features(config, spec, condition), noise])
    outputs = _dense(x, config.generator_dense, spec.shape[0])
    return keras.Model([condition, noise], outputs, name="generator")


def build_critic(config: Config, spec: DetectorSpec) -> keras.Model:
    """Builds the critic: [encoded responses, condition] -> features.

    Args:
        config: Hyper-parameters.
        spec: The detector.
    """
    encoded = keras.Input(spec.shape, name="encoded")
    condition = keras.Input((len(spec.condition_names),), name="condition")
    x = keras.layers.Concatenate()([encoded, _features(config, spec, condition)])
    outputs = _dense(x, config.critic_dense, config.critic_outputs)
    return keras.Model([encoded, condition], outputs, name="critic")


def build(config: Config, spec: DetectorSpec, transform: Transform) -> CramerGAN:
    """Builds the model, not yet compiled.

    Args:
        config: Hyper-parameters.
        spec: The detector `rich`.
        transform: Between physical and encoded responses, fitted.

    Raises:
        ValueError: If the detector does not fit, or a setting is impossible.
    """
    if spec.name != DETECTOR:
        raise ValueError(
            f"cramer_rich simulates detector {DETECTOR!r}, received {spec.name!r}; "
            "choose another model or other data"
        )
    if config.augment:
        raise ValueError("augment must be false: likelihoods have no symmetry")
    return CramerGAN(
        build_generator(config, spec),
        build_critic(config, spec),
        transform,
        pairs=config.pairs,
        penalty_ramp_steps=config.penalty_ramp_steps,
        **config.adversarial(),
    )


def _optimizer(config: Config, steps_per_update: int) -> keras.optimizers.Optimizer:
    rate = keras.optimizers.schedules.ExponentialDecay(
        config.learning_rate,
        config.learning_rate_steps * steps_per_update,
        config.learning_rate_decay,
    )
    return scaled(keras.optimizers.RMSprop(rate), config.precision)


def compile_model(model: ConditionalGAN, config: Config) -> None:
    """Attaches RMSProp optimizers with exponentially falling learning rates.

    Args:
        model: From `build`.
        config: Hyper-parameters.
    """
    model.compile(_optimizer(config, 1), _optimizer(config, config.critic_steps))
