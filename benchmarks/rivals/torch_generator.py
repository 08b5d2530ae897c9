"""A PyTorch copy of a Keras generator, channels-last, built from its description.

Images are tensors [batch, channel, row, column] in the memory format channels_last, so
that all layouts in memory are those of TensorFlow and no weight changes its meaning.

    module = TorchGenerator(description, weights)     # see
    `benchmarks.rivals.model_description` encoded = module(condition, noise)           #
    [batch, row, column, layer]
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from benchmarks.rivals.torch_cascade import TorchCascade

Tensor = Any
Weights = list[Tensor]
Config = dict[str, Any]
Step = Callable[..., Tensor]


def _image(x: Tensor) -> Tensor:
    """Sees [batch, row, column, channel] as [batch, channel, row, column]."""
    return x.permute(0, 3, 1, 2)


def _rows(x: Tensor) -> Tensor:
    """The inverse of `_image`."""
    return x.permute(0, 2, 3, 1)


def _activation(name: str) -> Callable[[Tensor], Tensor]:
    known = {
        "linear": lambda x: x,
        "relu": functional.relu,
    }
    if name not in known:
        raise NotImplementedError(f"activation {name!r}")
    return known[name]


def _dense(config: Config, weights: Weights) -> Step:
    kernel = weights[0].T.contiguous()
    activation = _activation(config["activation"])
    return lambda x: activation(functional.linear(x, kernel, weights[1]))


def _leaky_relu(config: Config, weights: Weights) -> Step:
    slope = config["negative_slope"]
    return lambda x: functional.leaky_relu(x, slope)


def _relu(config: Config, weights: Weights) -> Step:
    return lambda x: functional.relu(x)


def _reshape(config: Config, weights: Weights) -> Step:
    shape = config["target_shape"]
    if len(shape) != 3:
        raise NotImplementedError(f"a reshape to {shape}")
    return lambda x: _image(x.reshape(-1, *shape))


def _concatenate(config: Config, weights: Weights) -> Step:
    return lambda *parts: torch.cat(parts, 1)


def _scale_conditions(config: Config, weights: Weights) -> Step:
    offset, scale = torch.tensor(config["offset"]), torch.tensor(config["scale"])
    return lambda x: (x - offset) / scale


def _convolution(config: Config, weights: Weights) -> Step:
    kernel = weights[0].permute(3, 2, 0, 1)
    kernel = kernel.contiguous(memory_format=torch.channels_last)
    bias = weights[1]
    sizes, activation = config["kernel_size"], _activation(config["activation"])
    margins = [0, 0, 0, 0]
    if config["padding"] == "same":
        if set(config["strides"]) != {1}:
            raise NotImplementedError("a strided convolution with padding 'same'")
        margins = [m for size in sizes[::-1] for m in ((size - 1) // 2, size // 2)]
    stride, groups = config["strides"], config["groups"]
    if margins[::2] == margins[1::2]:
        padding = margins[::-2]
        return lambda x: activation(
            functional.conv2d(x, kernel, bias, stride, padding, groups=groups)
        )
    return lambda x: activation(
        functional.conv2d(
            functional.pad(x, margins), kernel, bias, stride, groups=groups
        )
    )


def _transposed_convolution(config: Config, weights: Weights) -> Step:
    if config["padding"] != "same":
        raise NotImplementedError("a transposed convolution with padding 'valid'")
    kernel = weights[0].permute(3, 2, 0, 1)
    kernel = kernel.contiguous(memory_format=torch.channels_last)
    strides, activation = config["strides"], _activation(config["activation"])
    # TensorFlow crops the larger half of the surplus at the end.
    starts = [
        max(0, size - step) // 2
        for size, step in zip(config["kernel_size"], strides, strict=True)
    ]

    def step(x: Tensor) -> Tensor:
        rows, columns = x.shape[2] * strides[0], x.shape[3] * strides[1]
        y = functional.conv_transpose2d(x, kernel, weights[1], strides)
        y = y[:, :, starts[0] : starts[0] + rows, starts[1] : starts[1] + columns]
        return activation(y)

    return step


def _batch_normalisation(config: Config, weights: Weights) -> Step:
    gamma, beta, mean, variance = weights
    epsilon = config["epsilon"]
    return lambda x: functional.batch_norm(x, mean, variance, gamma, beta, eps=epsilon)


def _locally_connected(config: Config, weights: Weights) -> Step:
    kernel, bias = weights
    height, width = config["kernel_size"]
    margins = [0, 0, 0, 0]
    if config["padding"] == "same":
        margins = [(width - 1) // 2, width // 2, (height - 1) // 2, height // 2]
    rows, columns, filters = bias.shape
    # [i, place, filter, (j, channel)] -> [place, (i, j, channel), filter]
    kernel = kernel.permute(1, 0, 3, 2).reshape(rows * columns, -1, filters)

    def step(x: Tensor) -> Tensor:
        padded = _rows(functional.pad(x, margins)).contiguous()
        patches = padded.unfold(1, height, 1).unfold(2, width, 1)
        # [batch, row, column, channel, i, j] -> [place, batch, (i, j, channel)]
        patches = patches.permute(1, 2, 0, 4, 5, 3)
        patches = patches.reshape(rows * columns, x.shape[0], kernel.shape[1])
        y = torch.bmm(patches, kernel).permute(1, 0, 2)
        return _image(y.reshape(-1, rows, columns, filters) + bias)

    return step


def _dense_branches(config: Config, weights: Weights) -> Step:
    hidden_kernel, hidden_bias, image_kernel, image_bias = weights
    outputs, grid = config["outputs"], config["grid"]

    def step(x: Tensor) -> Tensor:
        hidden = functional.leaky_relu(x @ hidden_kernel + hidden_bias, 0.2)
        images = functional.leaky_relu(hidden @ image_kernel + image_bias, 0.2)
        images = images.reshape(config["branches"], len(x), -1, outputs)
        return _image(images.permute(1, 2, 0, 3).reshape(len(x), *grid, -1))

    return step


def _impact_maps(config: Config, weights: Weights) -> Step:
    positions = torch.tensor(config["positions_cm"]).permute(2, 0, 1)
    indices, scales = config["impact_conditions"], config["scales_cm"]

    def step(condition: Tensor) -> Tensor:
        displacement = positions - condition[:, indices, None, None]
        squared = (displacement**2).sum(1, keepdim=True)
        maps = [(displacement / max(scales)).clamp(-3.0, 3.0)]
        maps += [torch.exp(-0.5 * squared / scale**2) for scale in scales]
        drawn = torch.cat(maps, 1)
        return drawn.contiguous(memory_format=torch.channels_last)

    return step


def _cell_embedding(config: Config, weights: Weights) -> Step:
    embedding = _image(weights[0][None])
    return lambda x: torch.cat([x, embedding.expand(len(x), -1, -1, -1)], 1)


def _hit_gate(config: Config, weights: Weights) -> Step:
    def step(x: Tensor, noise: Tensor) -> Tensor:
        amplitude, score = x.chunk(2, 1)
        hit = score + 1.702 * noise > 0.0
        below = 0.1 * torch.exp(0.5 * amplitude.clamp(max=0.0))
        return torch.where(hit, below + functional.relu(amplitude), 0.0)

    return step


def _cell_mask(config: Config, weights: Weights) -> Step:
    accepted = _image(torch.tensor(config["accepted"], dtype=torch.float32)[None])
    return lambda x: x * accepted


KINDS: Mapping[str, Callable[[Config, Weights], Step]] = {
    "BatchNormalization": _batch_normalisation,
    "CellEmbedding": _cell_embedding,
    "CellMask": _cell_mask,
    "Concatenate": _concatenate,
    "Conv2D": _convolution,
    "Conv2DTranspose": _transposed_convolution,
    "Dense": _dense,
    "DenseBranches": _dense_branches,
    "HitGate": _hit_gate,
    "ImpactMaps": _impact_maps,
    "LeakyReLU": _leaky_relu,
    "LocallyConnected2D": _locally_connected,
    "ReLU": _relu,
    "Reshape": _reshape,
    "ScaleConditions": _scale_conditions,
}
"""How to make a step of the calculation, by the class of the Keras layer."""


def _part(described: Any) -> Any:
    """Reads a part of an index as Keras writes it."""
    if described == Ellipsis or described.get("class_name") == "__ellipsis__":
        return Ellipsis
    limits = described["config"]
    return slice(limits["start"], limits["stop"], limits["step"])


def _slice(arguments: list[Any]) -> Step:
    """Makes the step of `x[:, a:b]` or `x[..., a:b]`, on TensorFlow's axes."""
    index = tuple(_part(described) for described in arguments[1])
    return lambda x: _image(_rows(x)[index]) if x.ndim == 4 else x[index]


class TorchGenerator(torch.nn.Module):
    """The copy.

    Args:
        description: From `benchmarks.rivals.model_description.describe`.
        weights: Arrays by the names that `benchmarks.rivals.model_description.write`
            gives them.
    """

    def __init__(
        self, description: dict[str, Any], weights: Mapping[str, NDArray[np.float32]]
    ) -> None:
        super().__init__()
        self._inputs: list[str] = description["inputs"]
        self._output: str = description["output"]
        self._kinds = {one["name"]: one["kind"] for one in description["layers"]}
        self._steps: list[tuple[str, list[str], Step]] = []
        for layer in description["layers"]:
            name, kind = layer["name"], layer["kind"]
            if kind == "InputLayer":
                continue
            if kind == "GetItem":
                step = _slice(layer["arguments"])
            elif kind == "EnergyCascade":
                own = {
                    path.removeprefix(f"{name}/"): torch.from_numpy(value)
                    for path, value in weights.items()
                    if path.startswith(f"{name}/")
                }
                step = TorchCascade(layer["config"], own)
            elif kind in KINDS:
                names = [n for n in weights if n.rpartition("/")[0] == name]
                tensors = [torch.from_numpy(weights[n]) for n in sorted(names)]
                step = KINDS[kind](layer["config"], tensors)
            else:
                raise NotImplementedError(f"layer {name!r} of class {kind}")
            self._steps.append((name, layer["inputs"], step))

    def forward(self, condition: Tensor, noise: Tensor) -> Tensor:
        """Maps [condition, noise] to encoded responses [batch, row, column, layer]."""
        values = dict(zip(self._inputs, (condition, noise), strict=True))
        for name, inputs, step in self._steps:
            values[name] = step(*(values[source] for source in inputs))
        drawn = values[self._output]
        return drawn if self._kinds[self._output] == "EnergyCascade" else _rows(drawn)
