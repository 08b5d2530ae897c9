"""Cascade: a shower's energy, divided again and again, trained by likelihood.

The total energy of a shower is divided among the layers of the detector, then every
layer's plane in halves, and these again, down to the cells. Every division of a block
in two parts is a distribution of one fraction: everything to one part, everything to
the other, or between them a mixture of Gaussians in the logarithm of the ratio. Its
parameters are read off the energies of all blocks in a neighbourhood by convolutions.
There is no critic: what is minimised is the negative logarithm of the likelihood.

    python train.py --model=cascade               # the LHCb calorimeter
    python train.py --model=cascade --data=data/samples/hgcal_geant4.h5
    python train.py --model=cascade/fast          # narrower networks
    python train.py --model=cascade/quick         # an eighth of the steps

An entry of this project; `docs/cascade.md` says what is assumed and what was measured.
"""

import dataclasses
import itertools
from typing import Any

import keras

from data.detectors.spec import DetectorSpec
from data.transforms.base import Transform
from models.likelihood.cascade_training import CascadeModel, cascade_network
from models.training.config import TrainingConfig
from models.training.optimizers import scaled

DETECTOR = "ecal"

_WARM_UP_STEPS = 200
_LAST_RATE = 2e-3


@dataclasses.dataclass(frozen=True)
class Config(TrainingConfig):
    """Hyper-parameters; the defaults are the preset `cpu`.

    Attributes:
        widths: Channels of the levels, fine ones last; the first is repeated.
        components: Gaussians of a division, likewise.
        layer_groups: The layers are divided in so many groups, one after the other,
            likewise; at most one group per layer.
        turns: 4 where blocks of even and odd rows and columns are divided one after the
            other, likewise.
        hidden: Width of the dense networks of total energy, layers and moments.
        dither_cm: Blur of the centroid that is drawn first [cm].
        adjust: Whether drawn showers are adjusted to the moments.
        learning_rate: Largest rate; it rises in 200 steps and falls along a cosine.
        weight_decay: Of the networks of total energy and moments, relative to the rate;
            layers and levels have none.
        clip_norm: Largest norm of a gradient [nat].
        ema_decay: Decay of the exponential moving average of the weights; 0 for none.
    """

    mask: str = "mask_full"
    augment: bool = True
    widths: tuple[int, ...] = (128, 128, 96, 64, 48)
    components: tuple[int, ...] = (6, 6, 5, 4)
    layer_groups: tuple[int, ...] = (8, 2, 2)
    turns: tuple[int, ...] = (1, 4, 4)
    hidden: int = 96
    dither_cm: float = 0.02
    adjust: bool = True
    learning_rate: float = 1e-3
    weight_decay: float = 0.3
    clip_norm: float = 100.0
    ema_decay: float = 0.999
    steps: int = 24000
    epoch_steps: int = 1000


PRESETS: dict[str, dict[str, Any]] = {
    "cpu": {},
    "fast": {
        "widths": (64, 64, 48, 24, 16),
        "components": (5, 5, 4, 3),
        "turns": (1,),
        "steps": 12000,
    },
    "quick": {"steps": 1500, "epoch_steps": 500},
}


def build(config: Config, spec: DetectorSpec, transform: Transform) -> CascadeModel:
    """Builds the model, not yet compiled.

    Args:
        config: Hyper-parameters.
        spec: The detector, with responses [row, column] or [row, column, layer].
        transform: Fitted; "identity", for the cascade divides physical energies.

    Raises:
        ValueError: If the detector does not fit, or a setting is impossible.
    """
    if config.transform != "identity":
        raise ValueError(
            f"cascade divides physical energies: transform must be 'identity', is "
            f"{config.transform!r}"
        )
    lists = (config.widths, config.components, config.layer_groups)
    sizes = [*itertools.chain(*lists), config.hidden]
    if not all(lists) or min(sizes) < 1:
        raise ValueError(
            "cascade needs widths, components, layer_groups and hidden of at least 1; "
            f"received {list(config.widths)}, {list(config.components)}, "
            f"{list(config.layer_groups)} and {config.hidden}"
        )
    if not config.turns or not set(config.turns) <= {1, 4}:
        raise ValueError(f"turns must be 1 or 4, received {list(config.turns)}")
    network = cascade_network(
        spec,
        widths=config.widths,
        components=config.components,
        layer_groups=config.layer_groups,
        turns=config.turns,
        hidden=config.hidden,
        dither_cm=config.dither_cm,
        adjust=config.adjust,
    )
    return CascadeModel(network, transform, config.ema_decay, config.seed)


def compile_model(model: CascadeModel, config: Config) -> None:
    """Attaches the optimizer.

    Args:
        model: From `build`.
        config: Hyper-parameters.
    """
    warm_up = min(_WARM_UP_STEPS, config.steps // 2)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0 if warm_up else config.learning_rate,
        max(config.steps - warm_up, 1),
        alpha=_LAST_RATE,
        warmup_target=config.learning_rate if warm_up else None,
        warmup_steps=warm_up,
    )
    optimizer = keras.optimizers.AdamW(
        rate, weight_decay=config.weight_decay, global_clipnorm=config.clip_norm
    )
    model.compile(scaled(optimizer, config.precision))
