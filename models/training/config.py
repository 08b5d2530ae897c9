"""The configuration of a training, and how it is made from the command line."""

import dataclasses
import json
import math
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

PRECISIONS = ("float32", "bfloat16", "float16")


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """The hyper-parameters that every entry has; an entry's Config adds its own.

    Attributes:
        transform: Name of the transform, see `data.transforms.TRANSFORMS`.
        mask: Accepted cells on both sides: "mask" or "mask_full".
        augment: Whether responses are carried along by the symmetries of the detector.
        rotations: Whether rotations are among these, or x and y only change their
            signs.
        batch_size: Responses per optimizer step.
        steps: Steps of a full training.
        epoch_steps: Steps between two checkpoints.
        seed: Seed of initial weights, noise and the order of the events.
        precision: Of the products of matrices and convolutions in a training; sums,
            weights and all else are float32. "float32", "bfloat16" (CPUs) or "float16"
            (GPUs).
    """

    transform: str = "identity"
    mask: str = "mask"
    augment: bool = False
    rotations: bool = True
    batch_size: int = 128
    steps: int = 1
    epoch_steps: int = 500
    seed: int = 1
    precision: str = "float32"

    least_steps: ClassVar[int] = 1
    """0 where what is trained before the model is a whole training."""

    counts: ClassVar[tuple[str, ...]] = ("epoch_steps", "batch_size")
    """The settings that must be at least 1."""

    @property
    def step_events(self) -> int:
        """Number of responses that a step of the training reads."""
        return self.batch_size


class Presets(Protocol):
    """The hyper-parameters of an entry, and its presets.

    Attributes:
        Config: The hyper-parameters; the defaults are the preset "cpu".
        PRESETS: The fields in which a preset differs, by name of the preset.
    """

    Config: type[TrainingConfig]
    PRESETS: Mapping[str, Mapping[str, Any]]


def _matches(value: Any, kind: Any) -> Any:
    """Returns the value as the wanted type; raises TypeError if it is another."""
    origin = typing.get_origin(kind)
    if origin is tuple:
        arguments = typing.get_args(kind)
        if not isinstance(value, list | tuple):
            raise TypeError
        if arguments[-1] is Ellipsis:
            arguments = (arguments[0],) * len(value)
        if len(arguments) != len(value):
            raise TypeError
        return tuple(
            _matches(v, wanted) for v, wanted in zip(value, arguments, strict=True)
        )
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not kind or (kind is float and not math.isfinite(value)):
        raise TypeError
    return value


def _type_name(kind: Any) -> str:
    return str(kind) if isinstance(kind, types.GenericAlias) else str(kind.__name__)


def _parse(name: str, text: str, kind: Any) -> Any:
    try:
        return _matches(text if kind is str else json.loads(text), kind)
    except (TypeError, ValueError, RecursionError):
        raise ValueError(
            f"--set={name}: {text!r} is not of type {_type_name(kind)}; write numbers "
            "as 0.5, switches as true or false and tuples as [1,2]"
        ) from None


def resolve(
    entry: Presets,
    preset: str,
    assignments: Sequence[str] = (),
    saved: Mapping[str, Any] | None = None,
) -> TrainingConfig:
    """Makes an entry's Config from a preset and changes to it.

    Args:
        entry: The entry, from `models.load`.
        preset: Name of one of its presets.
        assignments: "name=value" texts, each changing one field.
        saved: Fields of another run, as `as_json` gives them; the assignments change
            these then, and the preset counts for fields only that the run had not.

    Returns:
        An instance of the entry's `Config`.

    Raises:
        ValueError: For an unknown preset or field, or a value of the wrong type or
            too small.

    Example:
        >>> import models
        >>> config = resolve(models.load("sagan"), "cpu", ["steps=10"])
        >>> config.steps, config.transform
        (10, 'log')
    """
    if preset not in entry.PRESETS:
        known = ", ".join(entry.PRESETS)
        raise ValueError(f"unknown preset {preset!r}; known: {known}")
    hints = typing.get_type_hints(entry.Config)
    kinds = {one.name: hints[one.name] for one in dataclasses.fields(entry.Config)}
    changes: dict[str, Any] = dict(entry.PRESETS[preset])
    for name, value in (saved or {}).items():
        if name in kinds:
            changes[name] = _matches(value, kinds[name])
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise ValueError(f"--set={assignment}: expected name=value")
        if name not in kinds:
            known = ", ".join(sorted(kinds))
            raise ValueError(f"--set={name}: no such setting; known: {known}")
        changes[name] = _parse(name, text, kinds[name])
    config = entry.Config(**changes)
    least = {"steps": config.least_steps, **dict.fromkeys(config.counts, 1)}
    for name, number in least.items():
        if getattr(config, name) < number:
            raise ValueError(
                f"{name} must be at least {number}, is {getattr(config, name)}"
            )
    if config.precision not in PRECISIONS:
        raise ValueError(
            f"precision must be one of {', '.join(PRECISIONS)}, is {config.precision!r}"
        )
    if not 0 <= config.seed < 2**31:
        raise ValueError(f"seed must be from 0 to 2147483647, is {config.seed}")
    return config


def as_json(config: TrainingConfig) -> dict[str, Any]:
    """Returns a configuration as plain JSON types."""
    return dict(json.loads(json.dumps(dataclasses.asdict(config))))
