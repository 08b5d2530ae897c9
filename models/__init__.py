"""The zoo: every module of this package is one entry, found by its file name."""

import importlib
import pkgutil
from typing import cast

from metrics.evaluation.pretrained_models import PretrainedModel
from models.training.contract import Entry


def names() -> tuple[str, ...]:
    """Returns the names of all entries."""
    found = pkgutil.iter_modules(__path__)
    return tuple(sorted(module.name for module in found if not module.ispkg))


def load(name: str) -> Entry:
    """Imports an entry.

    Args:
        name: One of `names()`.

    Returns:
        The module, see `models.training.contract.Entry`.

    Raises:
        ValueError: If there is no such entry.

    Example:
        >>> sorted(load("sagan").PRESETS)
        ['cpu', 'paper', 'sn_both', 'sn_critic', 'wgan']
    """
    if name not in names():
        raise ValueError(f"unknown model {name!r}; known: {', '.join(names())}")
    return cast(Entry, importlib.import_module(f"models.{name}"))


def pretrained(name: str) -> PretrainedModel:
    """Returns a model that comes with the repository.

    Args:
        name: Name of its folder in `pretrained/`.

    Raises:
        ValueError: If there is none.

    Example:
        >>> model = pretrained("wgan_constrained")
        >>> model.simulate([[50.0, 0.0, 0.0]], seed=1).shape
        (1, 12, 15, 7)
        >>> model.spec.unit, model.card.splitlines()[0]
        ('MIP', '# Model card: `wgan_constrained`')
    """
    return PretrainedModel(name)
