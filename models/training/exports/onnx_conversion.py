"""The conversion of a SavedModel of the zoo to ONNX."""

import contextlib
import logging
import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.framework import convert_to_constants

OPSET = 18
"""The version of ONNX's operations: onnxruntime 1.14 and later run it."""

INPUTS = ("condition", "noise")
OUTPUTS = ("response", "in_domain")

Graph = Any

# Of the powers of t = 1 / (1 + |x| / 2) in ln(erfc(|x|) / t) + x^2.
_ERFC = (
    -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807,
    -1.13520398, 1.48851587, -0.82215223, 0.17087277,
)  # fmt: skip

# What changes the graph is otherwise repeated until nothing changes, on a copy each
# time: minutes for a cascade. onnxruntime does the same when it loads a model.
_OPTIMIZERS = ("fold_constants", "merge_duplication", "remove_identity")


def convert(saved_model: pathlib.Path) -> Any:
    """Converts `simulate_from_noise`, with the domain check of `simulate`.

    The outcome takes `condition` and `noise`, float32 [batch, ...], and returns
    `response`, float32 [batch, ...], and `in_domain`, bool [batch].

    Args:
        saved_model: Folder of a SavedModel, from `export_simulator`.

    Returns:
        The model, an `onnx.ModelProto`.

    Raises:
        ValueError: If the folder holds no such SavedModel, or one with an operation
            that ONNX does not have.
    """
    import onnx
    import tf2onnx

    graph, inputs, outputs = _frozen(saved_model)
    names = dict(zip([*inputs, *outputs], [*INPUTS, *OUTPUTS], strict=True))
    with _silent(), tf.Graph().as_default() as imported:
        tf.import_graph_def(graph, name="")
        converted = tf2onnx.tfonnx.process_tf_graph(
            imported,
            # It would name the first operation that is missing alone.
            continue_on_error=True,
            opset=OPSET,
            input_names=inputs,
            output_names=outputs,
            tensors_to_rename=names,
            custom_op_handlers={
                "ArgMax": (_argmax, []),
                "Erfc": (_erfc, []),
                "Expm1": (_expm1, []),
                "Log1p": (_log1p, []),
                "Sigmoid": (_sigmoid, []),
            },
        )
        known = tf2onnx.optimizer._get_optimizers()
        converted = tf2onnx.optimizer.optimize_graph(
            converted, optimizers={name: known[name] for name in _OPTIMIZERS}
        )
    model = converted.make_model("fastsim-zoo", producer_name="fastsim-zoo")
    found = {node.op_type for node in model.graph.node}
    unknown = sorted(name for name in found if not onnx.defs.has(name))
    if unknown:
        raise ValueError(
            f"{saved_model}: ONNX has no {', '.join(unknown)}; export the model again, "
            "with the command that trained it"
        )
    return model


def _frozen(saved_model: pathlib.Path) -> tuple[Graph, list[str], list[str]]:
    """Returns the graph with its weights as constants, and its inputs and outputs."""
    loaded = tf.saved_model.load(str(saved_model))
    simulate, from_noise = (
        loaded.signatures[name] for name in ("simulate", "simulate_from_noise")
    )
    shapes = from_noise.structured_input_signature[1]

    @tf.function(
        # Keras 3 tells tf2onnx neither shapes nor names.
        input_signature=[
            tf.TensorSpec(shapes[name].shape, tf.float32, name) for name in INPUTS
        ]
    )
    def both(condition: Any, noise: Any) -> tuple[Any, Any]:
        response = from_noise(condition=condition, noise=noise)["response"]
        # The response of this seed is not asked for, and its graph falls away.
        seed = tf.zeros([2], tf.int32)
        return response, simulate(condition=condition, seed=seed)["in_domain"]

    frozen = convert_to_constants.convert_variables_to_constants_v2(
        both.get_concrete_function(), lower_control_flow=False, aggressive_inlining=True
    )
    outputs = [tensor.name for tensor in frozen.outputs]
    graph = _needed(frozen.graph.as_graph_def(add_shapes=True), outputs)
    return graph, [tensor.name for tensor in frozen.inputs], outputs


def _needed(graph: Graph, outputs: list[str]) -> Graph:
    """Returns the part of a graph that its outputs are computed from.

    Whatever only has to happen before is left out: ONNX knows no checks.
    """
    nodes = {node.name: node for node in graph.node}
    needed: set[str] = set()
    found = [name.partition(":")[0] for name in outputs]
    while found:
        name = found.pop()
        if name in needed:
            continue
        needed.add(name)
        inputs = [one for one in nodes[name].input if not one.startswith("^")]
        nodes[name].ClearField("input")
        nodes[name].input.extend(inputs)
        found.extend(one.partition(":")[0] for one in inputs)
    part = tf.compat.v1.GraphDef(versions=graph.versions)
    part.node.extend(node for node in graph.node if node.name in needed)
    return part


def _log1p(graph: Graph, node: Any, *_: Any) -> Any:
    """Replaces ln(1 + x), of which ONNX has no operation of its own."""
    one = graph.make_const(f"{node.name}_one", np.ones([], np.float32))
    added = graph.make_node("Add", [node.input[0], one.output[0]])
    graph.remove_node(node.name)
    return graph.make_node(
        "Log", [added.output[0]], name=node.name, outputs=node.output
    )


def _expm1(graph: Graph, node: Any, *_: Any) -> Any:
    """Replaces exp(x) - 1, of which ONNX has no operation of its own."""
    one = graph.make_const(f"{node.name}_one", np.ones([], np.float32))
    power = graph.make_node("Exp", [node.input[0]])
    graph.remove_node(node.name)
    return graph.make_node(
        "Sub", [power.output[0], one.output[0]], name=node.name, outputs=node.output
    )


def _erfc(graph: Graph, node: Any, *_: Any) -> Any:
    """Replaces erfc, whose tail 1 - erf(x) would lose, to 1.2e-7 of its value.

    Source: Press et al., Numerical Recipes, second edition, section 6.2.
    """
    names = iter(range(len(_ERFC) + 4))

    def number(value: float) -> str:
        name = f"{node.name}_number_{next(names)}"
        return str(graph.make_const(name, np.array(value, np.float32)).output[0])

    def step(operation: str, *inputs: str) -> str:
        return str(graph.make_node(operation, list(inputs)).output[0])

    x = node.input[0]
    size = step("Abs", x)
    one, two = number(1.0), number(2.0)
    t = step("Reciprocal", step("Add", one, step("Mul", size, number(0.5))))
    total = number(_ERFC[-1])
    for coefficient in _ERFC[-2::-1]:
        total = step("Add", step("Mul", total, t), number(coefficient))
    exponent = step("Sub", total, step("Mul", size, size))
    above = step("Mul", t, step("Exp", exponent))
    negative = step("Less", x, number(0.0))
    graph.remove_node(node.name)
    return graph.make_node(
        "Where",
        [negative, step("Sub", two, above), above],
        name=node.name,
        outputs=node.output,
    )


def _sigmoid(graph: Graph, node: Any, *_: Any) -> Any:
    """Replaces 1 / (1 + exp(-x)), of which onnxruntime makes 0 below x = -18.

    An energy that is divided would have no second part, where others see one.
    """
    one = graph.make_const(f"{node.name}_one", np.ones([], np.float32))
    negative = graph.make_node("Neg", [node.input[0]])
    power = graph.make_node("Exp", [negative.output[0]])
    added = graph.make_node("Add", [power.output[0], one.output[0]])
    graph.remove_node(node.name)
    return graph.make_node(
        "Reciprocal", [added.output[0]], name=node.name, outputs=node.output
    )


def _argmax(graph: Graph, node: Any, *_: Any) -> Any:
    """Replaces the index of the largest element, which ONNX does not find of bools."""
    from onnx import TensorProto

    axis = int(node.inputs[1].get_tensor_value())
    numbers, dtype = node.input[0], graph.get_dtype(node.output[0])
    if graph.get_dtype(numbers) == TensorProto.BOOL:
        cast = graph.make_node("Cast", [numbers], attr={"to": TensorProto.INT32})
        numbers = cast.output[0]
    attributes = {"axis": axis, "keepdims": 0}
    found = graph.make_node("ArgMax", [numbers], attr=attributes)
    graph.remove_node(node.name)
    return graph.make_node(
        "Cast",
        [found.output[0]],
        name=node.name,
        outputs=node.output,
        attr={"to": dtype},
        shapes=[graph.get_shape(node.output[0])],
        dtypes=[dtype],
    )


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Keeps tf2onnx from telling every step."""
    logger = logging.getLogger("tf2onnx")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)
