"""The contract between an entry of the zoo and the training, as types.

An entry is a module; its model may be trained against a critic or by likelihood alone:
nothing here supposes one or the other.
"""

import pathlib
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import keras

from data.detectors.spec import DetectorSpec
from data.transforms.base import Transform
from models.training.config import Presets, TrainingConfig
from models.training.phases import Phase

Tensor = Any


class Trainable(Protocol):
    """What a training needs of a compiled model, `keras.Model.fit` aside.

    Attributes:
        updates: The number of steps taken.
        distribute_strategy: The `tf.distribute.Strategy` under which it was built.
    """

    updates: keras.Variable
    distribute_strategy: Any

    def state_variables(self) -> list[keras.Variable]:
        """Returns all that a resumed run needs: weights, optimizers, step."""

    def fit(self, *args: Any, **kwargs: Any) -> Any:
        """See `keras.Model.fit`."""


class Simulator(Trainable, Protocol):
    """What an entry's `build` returns: a model that answers with responses.

    Attributes:
        transform: Between physical and encoded responses.
        simulator: Maps [condition, noise] to encoded responses.
        noise_size: Noise dimension of an event.
    """

    transform: Transform
    simulator: keras.Model
    noise_size: int

    @property
    def trained_network(self) -> keras.Model:
        """The network whose weights are trained; an average of it may simulate."""

    def simulate(self, condition: Tensor, seed: Tensor) -> Tensor:
        """Draws responses.

        Args:
            condition: Conditions [spec.condition_units], [batch, conditions].
            seed: Seed of the noise, int32 [2].

        Returns:
            Responses [spec.unit], float32 [batch, *shape].
        """

    def save(self, filepath: pathlib.Path) -> None:
        """See `keras.Model.save`."""


@runtime_checkable
class LikelihoodModel(Protocol):
    """A model that says how likely events are, of those not trained on too."""

    def negative_log_likelihood(
        self, network: keras.Model, data: Sequence[Tensor], seed: Tensor
    ) -> dict[str, Tensor]:
        """Returns "loss" and its parts by name [nat], each [batch]."""


class Entry(Presets, Protocol):
    """A module of the zoo, see `models.load`.

    Attributes:
        DETECTOR: The detector whose sample is trained on if no data are named.
    """

    DETECTOR: str

    def build(self, config: Any, spec: DetectorSpec, transform: Transform) -> Any:
        """Builds the model, a `Simulator`, not yet compiled."""

    def compile_model(self, model: Any, config: Any) -> None:
        """Attaches the optimizers."""


@runtime_checkable
class PhasedEntry(Entry, Protocol):
    """An entry that trains something before its model."""

    def phases(self, model: Any, config: Any) -> Sequence[Phase]:
        """Returns what is trained before the model, in this order."""


@runtime_checkable
class SelectiveEntry(Entry, Protocol):
    """An entry that can be trained on a part of a detector's events."""

    def restricted(self, config: Any, spec: DetectorSpec) -> DetectorSpec:
        """Returns the detector with the domain of that part."""

    def selected(self, config: Any, condition: Any) -> Any:
        """Tells which events belong to that part, bool [events]."""


def phases_of(entry: Entry, model: Any, config: TrainingConfig) -> Sequence[Phase]:
    """Returns what an entry trains before its model; nothing for most.

    Args:
        entry: The entry, from `models.load`.
        model: From its `build`.
        config: Its Config.
    """
    return entry.phases(model, config) if isinstance(entry, PhasedEntry) else []
