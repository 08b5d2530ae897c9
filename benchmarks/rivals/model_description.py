"""Descriptions of Keras models from which a program without Keras can rebuild them."""

import json
import pathlib
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

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
                "config": layer["config"],
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

    The weights of layer `name` are called name/0, name/1, ... in the order of Keras.

    Args:
        model: A functional model.
        folder: Where to write; it exists.
    """
    (folder / DESCRIPTION).write_text(json.dumps(describe(model)))
    weights = {
        f"{layer.name}/{number}": value
        for layer in model.layers
        for number, value in enumerate(layer.get_weights())
    }
    np.savez(folder / WEIGHTS, **weights)
