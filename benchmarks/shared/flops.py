"""Counts of the multiplications and additions in the matrix products of a graph.

A product of m x k and k x n matrices counts 2 m k n. A convolution counts as the
product of its patches with its kernel, zeros of the padding included, and so does each
of its gradients; a transposed convolution is the gradient of one. Everything else, from
biases to random numbers, counts nothing: that is what the bound leaves out.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

Shape = tuple[int, ...]
Shapes = dict[str, list[Shape]]


def _matmul(node: Any, inputs: list[Shape], output: Shape) -> int:
    rows, columns = inputs[0]
    inner = rows if node.attr["transpose_a"].b else columns
    return 2 * math.prod(output) * inner


def _batch_matmul(node: Any, inputs: list[Shape], output: Shape) -> int:
    inner = inputs[0][-2] if node.attr["adj_x"].b else inputs[0][-1]
    return 2 * math.prod(output) * inner


def _einsum(node: Any, inputs: list[Shape], output: Shape) -> int:
    terms = node.attr["equation"].s.decode().partition("->")[0].split(",")
    sizes: dict[str, int] = {}
    for term, shape in zip(terms, inputs, strict=True):
        sizes.update(zip(term, shape, strict=True))
    return 2 * math.prod(sizes.values()) if len(terms) > 1 else 0


def _convolution(node: Any, inputs: list[Shape], output: Shape) -> int:
    # The last axis of the kernel is that of the output's channels.
    return 2 * math.prod(output) * math.prod(inputs[1][:-1])


def _input_gradient(node: Any, inputs: list[Shape], output: Shape) -> int:
    _, kernel, gradient = inputs
    return 2 * math.prod(gradient) * math.prod(kernel[:-1])


def _kernel_gradient(node: Any, inputs: list[Shape], output: Shape) -> int:
    return 2 * math.prod(inputs[2]) * math.prod(output[:-1])


def _depthwise(node: Any, inputs: list[Shape], output: Shape) -> int:
    rows, columns = inputs[1][:2]
    return 2 * math.prod(output) * rows * columns


COUNTED: Mapping[str, Callable[[Any, list[Shape], Shape], int]] = {
    "MatMul": _matmul,
    "BatchMatMul": _batch_matmul,
    "BatchMatMulV2": _batch_matmul,
    "BatchMatMulV3": _batch_matmul,
    "Einsum": _einsum,
    "Conv2D": _convolution,
    "Conv2DBackpropInput": _input_gradient,
    "Conv2DBackpropFilter": _kernel_gradient,
    "Conv3D": _convolution,
    "Conv3DBackpropInputV2": _input_gradient,
    "Conv3DBackpropFilterV2": _kernel_gradient,
    "DepthwiseConv2dNative": _depthwise,
}
"""How to count, by type of operation."""


def _shapes(attribute: Any, batch: int) -> list[Shape]:
    """Reads shapes; the unknown size of a batch becomes `batch`."""
    return [
        tuple(batch if d.size < 0 else d.size for d in shape.dim)
        for shape in attribute.list.shape
    ]


def _in_nodes(
    nodes: Any, known: Shapes, functions: Mapping[str, Any], batch: int
) -> dict[str, int]:
    """Counts by type of operation in the nodes of a graph or of a function."""
    for node in nodes:
        known[node.name] = _shapes(node.attr["_output_shapes"], batch)
    total: dict[str, int] = {}
    for node in nodes:
        if node.op in COUNTED:
            sources = [name.split(":") for name in node.input if name[0] != "^"]
            # All that feeds a counted operation has one output, or is its first.
            inputs = [known[source[0]][int(source[-1]) if len(source) > 2 else 0]
                      for source in sources]  # fmt: skip
            count = COUNTED[node.op](node, inputs, known[node.name][0])
            total[node.op] = total.get(node.op, 0) + count
        for attribute in node.attr.values():
            function = functions.get(attribute.func.name)
            if function is None:
                continue
            arguments = {
                argument.name: _shapes(
                    function.arg_attr[index].attr["_output_shapes"], batch
                )
                for index, argument in enumerate(function.signature.input_arg)
            }
            inner = _in_nodes(function.node_def, arguments, functions, batch)
            for name, count in inner.items():
                total[name] = total.get(name, 0) + count
    return total


def by_operation(function: Any, batch: int = 1) -> dict[str, int]:
    """Counts the floating-point operations of one call, by type of operation.

    The body of a loop counts once.

    Args:
        function: A `tf.function`'s concrete function, or a signature of a SavedModel.
        batch: Stands for every size that the graph leaves open.

    Returns:
        Operations of a call by TensorFlow's name of their type.
    """
    graph = function.graph.as_graph_def(add_shapes=True)
    functions = {f.signature.name: f for f in graph.library.function}
    return _in_nodes(graph.node, {}, functions, batch)


def of(function: Any, batch: int = 1) -> int:
    """Counts all floating-point operations of one call, see `by_operation`."""
    return sum(by_operation(function, batch).values())


def of_call(call: Callable[..., Any], *shapes: Shape) -> int:
    """Counts the operations of a function of float32 tensors.

    Args:
        call: Is traced, not called.
        *shapes: Of its arguments.
    """
    signature = [tf.TensorSpec(shape, tf.float32) for shape in shapes]
    return of(tf.function(call, autograph=False).get_concrete_function(*signature))
