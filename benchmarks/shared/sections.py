"""Sections of a generator, to see where its time goes."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from benchmarks.shared import flops, timing
from models.layers.locally_connected import LocallyConnected2D
from models.networks.building_blocks import normal
from models.training.seeded_model import SimulatingModel


@dataclasses.dataclass(frozen=True, eq=False)
class Section:
    """A part of a simulation that can be timed on its own.

    Attributes:
        name: What it does.
        action: Does it for a batch.
        flops: Operations of its matrix products, per batch.
    """

    name: str
    action: timing.Action
    flops: int


def cut(generator: keras.Model) -> list[tuple[str, keras.Model]]:
    """Cuts a generator where its image is put together and at its last special layer.

    Args:
        generator: A functional model.

    Returns:
        Names and models. The first maps the generator's inputs to one tensor, the
        next ones one tensor to one tensor, and the last one a tensor and the
        generator's inputs to its output; a single model if there is nowhere to cut.
    """
    images = [
        layer
        for layer in generator.layers
        if isinstance(layer, keras.layers.Concatenate) and len(layer.output.shape) == 4
    ]
    local = [x for x in generator.layers if isinstance(x, LocallyConnected2D)]
    if not images:
        return [("generator", generator)]
    image = images[-1].output
    pieces = [("branches and maps", keras.Model(generator.inputs, image))]
    if local:
        before, after = local[-1].input, local[-1].output
        pieces.append(("trunk", keras.Model(image, before)))
        pieces.append(("locally connected", keras.Model(before, after)))
        last = keras.Model([after, *generator.inputs], generator.outputs[0])
        pieces.append(("gate, energies, mask", last))
    else:
        last = keras.Model([image, *generator.inputs], generator.outputs[0])
        pieces.append(("trunk", last))
    return pieces


def _section(name: str, call: Callable[..., Any], *arguments: Any) -> Section:
    function = tf.function(call, autograph=False)
    counted = flops.of(function.get_concrete_function(*arguments))
    return Section(name, timing.stopwatch(lambda: function(*arguments)), counted)


def of_simulation(model: SimulatingModel, condition: Any, cells: Any) -> list[Section]:
    """Makes the sections of a model's simulation, from noise to physical units.

    Args:
        model: The model.
        condition: Conditions [spec.condition_units], float32 [batch, conditions].
        cells: The cells that exist, [*spec.shape].
    """
    condition = tf.constant(condition)
    count, size, seed = condition.shape[0], model.noise_size, tf.constant([1, 2])
    noise = normal(count, size, seed)
    result = [_section("noise", lambda s: normal(count, size, s), seed)]
    inputs = [condition, noise]
    arguments: list[Any] = inputs
    for number, (name, piece) in enumerate(cut(model.simulator)):
        if number:
            takes_inputs = len(piece.inputs) > 1
            arguments = [arguments[0], *inputs] if takes_inputs else arguments[:1]

        def call(*tensors: Any, piece: keras.Model = piece) -> Any:
            return piece(list(tensors) if len(tensors) > 1 else tensors[0])

        result.append(_section(name, call, *arguments))
        arguments = [tf.constant(np.asarray(call(*arguments)))]
    existing = tf.constant(cells, tf.float32)

    def decode(encoded: Any, conditions: Any) -> Any:
        response = model.transform.decode(encoded, conditions)
        return tf.maximum(response, 0.0) * existing

    result.append(_section("decode", decode, arguments[0], condition))
    return result
