"""The zoo: every module of this package is one entry, found by its file name."""

import importlib
import pkgutil
from types import ModuleType


def names() -> tuple[str, ...]:
    """Returns the names of all entries."""
    found = pkgutil.iter_modules(__path__)
    return tuple(sorted(module.name for module in found if not module.ispkg))


def load(name: str) -> ModuleType:
    """Imports an entry.

    Args:
        name: One of `names()`.

    Returns:
        The module, with `Config`, `PRESETS`, `build` and `compile_model`.

    Raises:
        ValueError: If there is no such entry.
    """
    if name not in names():
        raise ValueError(f"unknown model {name!r}; known: {', '.join(names())}")
    return importlib.import_module(f"models.{name}")
