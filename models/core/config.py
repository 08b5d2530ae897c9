"""From the command line to an entry's configuration."""

import dataclasses
import json
import math
import types
import typing
from collections.abc import Sequence
from typing import Any


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
    except (TypeError, json.JSONDecodeError):
        raise ValueError(
            f"--set={name}: {text!r} is not of type {_type_name(kind)}; write numbers "
            "as 0.5, switches as true or false and tuples as [1,2]"
        ) from None


def resolve(
    module: types.ModuleType, preset: str, assignments: Sequence[str] = ()
) -> Any:
    """Makes an entry's Config from a preset and changes to it.

    Args:
        module: The entry, from `models.load`; `steps` may be 0 if it has `phases`.
        preset: Name of one of its presets.
        assignments: "name=value" texts, each changing one field.

    Returns:
        An instance of the entry's `Config`.

    Raises:
        ValueError: For an unknown preset or field, or a value of the wrong type or
            too small.
    """
    if preset not in module.PRESETS:
        known = ", ".join(module.PRESETS)
        raise ValueError(f"unknown preset {preset!r}; known: {known}")
    kinds = typing.get_type_hints(module.Config)
    changes: dict[str, Any] = dict(module.PRESETS[preset])
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise ValueError(f"--set={assignment}: expected name=value")
        if name not in kinds:
            known = ", ".join(sorted(kinds))
            raise ValueError(f"--set={name}: no such setting; known: {known}")
        changes[name] = _parse(name, text, kinds[name])
    config = module.Config(**changes)
    for name in ("steps", "epoch_steps", "batch_size", "critic_steps"):
        # What is trained before the GAN can be a whole training.
        least = 0 if name == "steps" and hasattr(module, "phases") else 1
        if getattr(config, name) < least:
            raise ValueError(
                f"{name} must be at least {least}, is {getattr(config, name)}"
            )
    if not 0 <= config.seed < 2**31:
        raise ValueError(f"seed must be from 0 to 2147483647, is {config.seed}")
    return config


def as_json(config: Any) -> dict[str, Any]:
    """Returns a configuration as plain JSON types."""
    return dict(json.loads(json.dumps(dataclasses.asdict(config))))


def adversarial(config: Any) -> dict[str, Any]:
    """Returns the settings of a configuration that `ConditionalGAN` takes by name."""
    names = ("objective", "penalty_weight", "penalty_centre", "critic_steps")
    found = {name: getattr(config, name) for name in (*names, "averaging", "seed")}
    if hasattr(config, "penalty_interval"):
        found["penalty_interval"] = config.penalty_interval
    return found
