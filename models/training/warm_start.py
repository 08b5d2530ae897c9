"""The start of a training from the weights of a pretrained model."""

import json
import pathlib
from typing import Any

import tensorflow as tf

from models.training.contract import Simulator


def saved_settings(folder: pathlib.Path, entry: str) -> dict[str, Any]:
    """Reads the settings of the training that made a pretrained model.

    Args:
        folder: Its folder, with `config.json`.
        entry: Name of the entry that shall begin with its weights.

    Returns:
        The fields of the entry's Config, see `config.as_json`.

    Raises:
        ValueError: If it is a model of another entry.
    """
    document = json.loads((folder / "config.json").read_text())
    if document["model"] != entry:
        raise ValueError(
            f"--pretrained={folder.name}: is a {document['model']!r}; give "
            f"--model={document['model']}"
        )
    return dict(document["config"])


def begin_with(model: Simulator, saved_model: pathlib.Path) -> None:
    """Gives the network that simulates, and the trained one, the weights of another.

    A critic, constrainers and the optimizers begin as in any other training: a
    SavedModel holds none. Scales that a model takes from its first batch are those of
    the new showers.

    Args:
        model: The model, as `build` returns it.
        saved_model: Folder of a SavedModel of the same entry, from `export_simulator`.

    Raises:
        ValueError: If the networks have other shapes.
    """
    stored = tf.saved_model.load(str(saved_model)).variables
    shapes = [tuple(one.shape) for one in stored]
    for network in (model.simulator, model.trained_network):
        own = [tuple(one.shape) for one in network.variables]
        if own != shapes:
            differing = sum(a != b for a, b in zip(own, shapes, strict=False))
            raise ValueError(
                f"{saved_model}: its network has {len(shapes)} weights, this one "
                f"{len(own)}, {differing} of another shape; train for a detector of "
                "the same shape and leave out --set of the network"
            )
        for variable, value in zip(network.variables, stored, strict=True):
            variable.assign(value)
