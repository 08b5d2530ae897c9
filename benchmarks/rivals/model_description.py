"""Descriptions of Keras models from which a program without Keras can rebuild them."""

import json
import pathlib
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from models.likelihood.energy_cascade import EnergyCascade
from models.likelihood.split_tree import Split

DESCRIPTION, WEIGHTS = "generator.json", "generator.npz"


def _tensors(value: Any) -> Iterator[str]:
    """Yields the names of the layers whose outputs occur in a call's arguments."""
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            yield value["config"]["keras_history"][0]
            return
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            yield from _tensors(item)


def _by_attribute(value: Any, name: str) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Yields the weights of a layer of layers by the attributes that lead to them."""
    if isinstance(value, keras.Variable):
        yield name, np.asarray(value)
    elif isinstance(value, list | keras.Sequential):
        parts = value if isinstance(value, list) else value.layers
        for number, part in enumerate(parts):
            yield from _by_attribute(part, f"{name}/{number}")
    elif isinstance(value, keras.layers.Layer):
        for attribute, part in vars(value).items():
            # Where Keras's layers keep what they call `kernel`.
            if attribute == "_kernel" or not attribute.startswith("_"):
                yield from _by_attribute(part, f"{name}/{attribute.lstrip('_')}")


def _plain(split: Split) -> dict[str, Any]:
    """Returns a level of a cascade's tree as plain numbers."""
    fields = {**vars(split), "step_cm": split.step_cm}
    return {name: np.asarray(value).tolist() for name, value in fields.items()}


def _config(model: keras.Model, name: str, config: dict[str, Any]) -> dict[str, Any]:
    """Returns the configuration of a layer; that of a cascade with its tree."""
    # An operation that is no layer, a slice, has no place among the layers.
    found = [one for one in model.layers if one.name == name]
    if found and isinstance(found[0], EnergyCascade):
        return {**config, "plan": [_plain(split) for split in found[0].plan]}
    return config


def describe(model: keras.Model) -> dict[str, Any]:
    """Lists the layers of a model in the order in which they are called.

    Args:
        model: A functional model; every layer called once.

    Returns:
        `layers`, each with name, kind (its class), inputs (names of layers), config
        and arguments of its call; `inputs` and `output`, names of layers.

    Raises:
        ValueError: If a layer is called more than once.
    """
    document = model.get_config()
    layers = []
    for layer in document["layers"]:
        calls = layer["inbound_nodes"]
        if len(calls) > 1:
            raise ValueError(f"layer {layer['name']!r} is called {len(calls)} times")
        layers.append(
            {
                "name": layer["name"],
                "kind": layer["class_name"],
                "inputs": list(_tensors(calls)),
                "config": _config(model, layer["name"], layer["config"]),
                "arguments": calls[0]["args"] if calls else [],
            }
        )
    return {
        "layers": layers,
        "inputs": [layer[0] for layer in document["input_layers"]],
        "output": document["output_layers"][0],
    }


def write(model: keras.Model, folder: pathlib.Path) -> None:
    """Writes the description and the weights of a model.

    The weights of layer `name` are called name/0, name/1, ... in the order of Keras,
    those of a cascade after their attributes, e.g. name/levels/0/first/kernel.

    Args:
        model: A functional model.
        folder: Where to write; it exists.
    """
    (folder / DESCRIPTION).write_text(json.dumps(describe(model)))
    weights: dict[str, Any] = {}
    for layer in model.layers:
        if isinstance(layer, EnergyCascade):
            weights |= _by_attribute(layer, layer.name)
        else:
            for number, value in enumerate(layer.get_weights()):
                weights[f"{layer.name}/{number}"] = value
    np.savez(folder / WEIGHTS, **weights)
