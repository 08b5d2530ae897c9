"""The models that come with the repository."""

import dataclasses
import functools
import pathlib

import numpy as np
from numpy.typing import ArrayLike, NDArray

from data.detectors.exported_spec import spec_of_signature
from data.detectors.spec import DetectorSpec
from metrics.evaluation.saved_model import SavedSimulator, signature_of

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "pretrained"


def pretrained_names() -> tuple[str, ...]:
    """Returns the names of the models."""
    return tuple(sorted(path.parent.name for path in FOLDER.glob("*/saved_model")))


def pretrained_path(name: str) -> pathlib.Path:
    """Returns the folder of the SavedModel of a pretrained model.

    Args:
        name: One of `pretrained_names()`.

    Raises:
        ValueError: If there is none.

    Example:
        >>> pretrained_path("cascade_ecal").name
        'saved_model'
    """
    if name not in pretrained_names():
        raise ValueError(
            f"unknown pretrained model {name!r}; known: {', '.join(pretrained_names())}"
        )
    return FOLDER / name / "saved_model"


def open_model(path: pathlib.Path) -> SavedSimulator:
    """Loads a SavedModel for whatever detector it simulates.

    Args:
        path: Folder with `saved_model.pb` and `signature.json`.

    Raises:
        ValueError: If there is no such model, or its signature is incomplete.
    """
    return SavedSimulator(path, spec_of_signature(signature_of(path)))


@dataclasses.dataclass(frozen=True)
class PretrainedModel:
    """A model that comes with the repository, loaded when it first simulates.

    Attributes:
        name: Name of its folder in `pretrained/`.
    """

    name: str

    def __post_init__(self) -> None:
        """Refuses a name that is not known."""
        pretrained_path(self.name)

    @functools.cached_property
    def _simulator(self) -> SavedSimulator:
        return open_model(pretrained_path(self.name))

    @property
    def spec(self) -> DetectorSpec:
        """The detector that it simulates."""
        return spec_of_signature(signature_of(pretrained_path(self.name)))

    @property
    def card(self) -> str:
        """Its model card, Markdown: training, quality and known defects."""
        return (FOLDER / self.name / "README.md").read_text(encoding="utf-8")

    def simulate(self, condition: ArrayLike, seed: int) -> NDArray[np.float32]:
        """Simulates one response per condition.

        Args:
            condition: Conditions [spec.condition_units], [events, conditions].
            seed: Seed, at least 0; the same seed gives the same responses.

        Returns:
            Responses [spec.unit], float32 [events, *spec.shape].

        Raises:
            ValueError: If conditions have another shape or are not finite.
        """
        values = np.asarray(condition, np.float32)
        names = self.spec.condition_names
        if values.ndim != 2 or values.shape[1] != len(names) or not len(values):
            raise ValueError(
                f"conditions have shape {values.shape}, {self.name} needs one row of "
                f"{', '.join(names)} per event"
            )
        if not np.isfinite(values).all():
            raise ValueError("a condition is not finite; correct or remove it")
        return self._simulator(values, seed)
