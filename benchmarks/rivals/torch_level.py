"""A PyTorch copy of the draw of `models.likelihood.split_level.SplitLevel`.

Names and formulas are those of `models.likelihood`. Images are tensors [batch, row,
column, channel], as in TensorFlow; PyTorch's convolutions see them as channels-last.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.nn import functional

Tensor = Any
Weights = Mapping[str, Tensor]
Step = Callable[[Tensor], Tensor]
Halves = list[tuple[Tensor, Tensor]]

_ATOMS = 2


def leaky(x: Tensor) -> Tensor:
    """Applies the LeakyReLU of slope 0.2 that all networks share."""
    return functional.leaky_relu(x, 0.2)


def dense(weights: Weights, name: str) -> Step:
    """Makes a dense layer.

    Args:
        weights: Tensors by name.
        name: That of the layer.
    """
    kernel = weights[f"{name}/kernel"].T.contiguous()
    bias = weights.get(f"{name}/bias")
    return lambda x: functional.linear(x, kernel, bias)


def _convolution(weights: Weights, name: str) -> Step:
    kernel = weights[f"{name}/kernel"].permute(3, 2, 0, 1)
    kernel = kernel.contiguous(memory_format=torch.channels_last)
    bias, margin = weights[f"{name}/bias"], kernel.shape[-1] // 2

    def step(x: Tensor) -> Tensor:
        image = x.permute(0, 3, 1, 2)
        return functional.conv2d(image, kernel, bias, padding=margin).permute(
            0, 2, 3, 1
        )

    return step


def chance_of(noise: Tensor) -> Tensor:
    """Turns standard normal numbers into uniform ones."""
    return 0.5 + 0.5 * torch.erf(noise * math.sqrt(0.5))


def encode(energy: Tensor, smallest: Tensor) -> Tensor:
    """Returns energies as networks see them, [..., 2 * energies]."""
    present = (energy > 0.0).to(energy.dtype)
    return torch.cat([0.2 * torch.log(energy + smallest), present], -1)


def allowed_outcomes(first: Tensor, second: Tensor, components: int) -> Tensor:
    """Returns what is added to logits so that a part without cells stays empty.

    Args:
        first: Whether the first part has a cell, bool [...].
        second: Whether the second one has, bool [...].
        components: Gaussians of the mixture.

    Returns:
        [..., 2 + components].
    """
    lacking = [first & ~second, second & ~first, ~(first & second)]
    one = torch.stack(lacking, -1).float() * -1e9
    return torch.cat([one[..., :_ATOMS], one[..., _ATOMS:].expand(
        *one.shape[:-1], components)], -1)  # fmt: skip


def draw_split(
    energy: Tensor, x: Tensor, allowed: Tensor, noise: Tensor
) -> tuple[Tensor, Tensor]:
    """Draws the two parts of energies.

    Args:
        energy: At least 0, [...].
        x: What a network says of the division, [..., 2 + 3 components].
        allowed: From `allowed_outcomes`, [..., 2 + components].
        noise: Standard normal numbers, [..., 2].

    Returns:
        The parts, each [...].
    """
    components = (x.shape[-1] - _ATOMS) // 3
    logits, mean, log_width = x.split([_ATOMS + components, components, components], -1)
    edges = torch.exp(logits.clamp(-30.0, 30.0) + allowed).cumsum(-1)
    chance = chance_of(noise[..., 0]).clamp(max=1.0 - 2.0**-22)
    passed = chance[..., None] * edges[..., -1:] >= edges[..., :-1]
    not_empty, not_full = passed[..., 0].to(x.dtype), passed[..., 1].to(x.dtype)
    chosen = passed[..., 1:].sum(-1, keepdim=True)
    # An atom multiplies its ratio by 0: the first Gaussian is as good as any.
    chosen = (chosen - 1).clamp(min=0)
    width = torch.exp(log_width.clamp(-6.0, 3.0).gather(-1, chosen)[..., 0])
    ratio = mean.gather(-1, chosen)[..., 0] + noise[..., 1] * width
    first = not_empty * (not_full * torch.sigmoid(ratio) + (1.0 - not_full))
    second = not_empty * not_full * torch.sigmoid(-ratio) + (1.0 - not_empty)
    return energy * first, energy * second


class TorchLevel:
    """The draw of a level, with the layout of its blocks.

    Args:
        plan: The fields of `split_tree.Split`, as plain numbers.
        weights: Tensors by name.
        name: That of the level.
        layers: Layers of the detector.
        groups: Groups of layers that are divided one after the other.
        components: Gaussians of a division.
        turns: 1 or 4.
    """

    def __init__(
        self, plan: dict[str, Any], weights: Weights, name: str, layers: int,
        groups: int, components: int, turns: int,
    ) -> None:  # fmt: skip
        self.plan, self.layers = plan, layers
        self.factors = [2 if halved else 1 for halved in plan["halved"]]
        self.divisions = 3 if all(plan["halved"]) else 1
        self.strides = [2 if turns == 4 and n > 1 else 1 for n in plan["blocks"]]
        order = ((0, 0), (1, 1), (0, 1), (1, 0))
        self.places = [
            place for place in order
            if all(a < b for a, b in zip(place, self.strides, strict=True))
        ]  # fmt: skip
        self.noise_size = 2 * math.prod(plan["blocks"]) * self.divisions * layers
        count = min(groups, layers)
        self.groups = [[*range(n, layers, count)] for n in range(count)]
        self.centres_cm = torch.tensor(plan["centres_cm"])
        self.child_centres_cm = torch.tensor(plan["child_centres_cm"])
        self.step_cm = torch.tensor(plan["step_cm"])
        exist = self.halves(torch.tensor(plan["children_exist"]).float()[None])
        self.allowed = [
            [
                allowed_outcomes(
                    self._of_turn(first, place)[0] > 0.0,
                    self._of_turn(second, place)[0] > 0.0,
                    components,
                )
                for first, second in exist
            ]
            for place in self.places
        ]
        self.first, self.second = (
            _convolution(weights, f"{name}/{n}") for n in ("first", "second")
        )
        self.of_event, self.heads = (
            dense(weights, f"{name}/{n}") for n in ("of_event", "heads")
        )
        later = range(len(self.places) - 1)
        self.of_children = [
            _convolution(weights, f"{name}/of_children/{n}") for n in later
        ]
        self.joins = [dense(weights, f"{name}/joins/{n}") for n in later]
        pairs = [(d, g) for d in range(self.divisions) for g in range(count)]
        self.outputs = {
            (d, g): dense(weights, f"{name}/outputs/{d}/{g}") for d, g in pairs
        }
        self.of_results = {
            (d, g): dense(weights, f"{name}/of_results/{d}/{g}") for d, g in pairs[1:]
        }

    def _beside(self, children: Tensor) -> Tensor:
        """Puts the children of a block beside each other, with empty ones outside."""
        margins = []
        for before, factor, blocks, kept in zip(
            self.plan["first"], self.factors, self.plan["blocks"],
            self.plan["children"], strict=True,
        ):  # fmt: skip
            margins.append((before, factor * blocks - before - kept))
        (top, bottom), (left, right) = margins
        padded = functional.pad(children, (0, 0, left, right, top, bottom))
        (rows, columns), (r, c) = self.plan["blocks"], self.factors
        return padded.reshape(-1, rows, r, columns, c, children.shape[-1])

    def halves(self, children: Tensor) -> Halves:
        """Returns the parts of every division: rows, then the columns of each."""
        beside = self._beside(children)
        r, c = self.factors
        parts = [[beside[:, :, i, :, j] for j in range(c)] for i in range(r)]
        if r == 1:
            return [(parts[0][0], parts[0][1])]
        if c == 1:
            return [(parts[0][0], parts[1][0])]
        rows = [one + other for one, other in parts]
        return [(rows[0], rows[1]), *[(one, other) for one, other in parts]]

    def sums(self, children: Tensor) -> Tensor:
        """Adds children up to blocks, [batch, row, column, layer]."""
        return self._beside(children).sum((2, 4))

    def _of_turn(self, x: Tensor, place: tuple[int, int]) -> Tensor:
        """Picks the blocks of a turn, of every turn as many."""
        down, right = (
            -size % stride
            for size, stride in zip(self.plan["blocks"], self.strides, strict=True)
        )
        inner = [0] * (2 * (x.ndim - 3))
        x = functional.pad(x, (*inner, 0, right, 0, down))
        return x[:, place[0] :: self.strides[0], place[1] :: self.strides[1]]

    def _merged(self, parts: list[Tensor]) -> Tensor:
        """Puts the blocks of all turns in their places."""
        if len(parts) == 1:
            return parts[0]
        (r, c), (rows, columns) = self.strides, parts[0].shape[1:3]
        x = parts[0].new_empty(len(parts[0]), rows * r, columns * c, self.layers)
        for (i, j), part in zip(self.places, parts, strict=True):
            x[:, i::r, j::c] = part
        return x[:, : self.plan["blocks"][0], : self.plan["blocks"][1]]

    def _image(self, turns: list[Halves]) -> Tensor:
        """Returns all children as one image, [batch, row, column, layer]."""
        of_turns = [_children_of(halves) for halves in turns]
        leaves = [self._merged([*parts]) for parts in zip(*of_turns, strict=True)]
        r, c = self.factors
        rows, columns = leaves[0].shape[1:3]
        x = leaves[0].new_empty(len(leaves[0]), rows * r, columns * c, self.layers)
        for number, leaf in enumerate(leaves):
            x[:, number // c :: r, number % c :: c] = leaf
        (top, left), kept = self.plan["first"], self.plan["children"]
        return x[:, top : top + kept[0], left : left + kept[1]]

    def draw(
        self, energy: Tensor, maps: Tensor, wanted: Any, event: Tensor,
        smallest: Tensor, noise: Tensor,
    ) -> Tensor:  # fmt: skip
        """Draws the children, see `SplitLevel.draw`.

        Args:
            energy: Of the blocks, [batch, row, column, layer].
            maps: What is known of the places, [batch, row, column, channels].
            wanted: The moments of the shower.
            event: What is known of the event, [batch, features].
            smallest: See `encode`.
            noise: Standard normal numbers, [batch, numbers].

        Returns:
            Energies of the children, [batch, row, column, layer].
        """
        noise = noise.reshape(-1, *self.plan["blocks"], self.divisions, self.layers, 2)
        missing = wanted.missing(energy.sum(-1), self)
        features = self._features(energy, maps, missing, event, smallest)
        done: list[Halves] = []
        for turn, place in enumerate(self.places):
            x = self._of_turn(features, place)
            if turn:
                known = [one for halves in done for one in _children_of(halves)]
                seen = encode(torch.cat(known, -1), smallest)
                seen = _around(seen, self.plan["periodic"], 1)
                seen = self.of_children[turn - 1](seen)
                seen = _inside(seen, self.plan["periodic"], 1)
                x = x + self.joins[turn - 1](leaky(seen))
            blocks = self._of_turn(energy, place)
            numbers = self._of_turn(noise, place)
            done.append(self._turn(turn, blocks, x, smallest, numbers))
        return self._image(done)

    def _features(
        self, energy: Tensor, maps: Tensor, missing: Tensor, event: Tensor,
        smallest: Tensor,
    ) -> Tensor:  # fmt: skip
        image = energy.sum(-1)
        fraction = (image / (image.sum((1, 2))[:, None, None] + 1e-9))[..., None]
        event = torch.cat([event, missing, torch.tanh(4.0 * missing)], 1)
        seen = encode(energy, smallest)
        inputs = [seen, maps, fraction, fraction * missing[:, None, None]]
        x = self.first(_around(torch.cat(inputs, -1), self.plan["periodic"], 2))
        x = leaky(x + self.of_event(event)[:, None, None])
        x = _inside(leaky(self.second(x)), self.plan["periodic"], 2)
        return self.heads(torch.cat([x, seen], -1))

    def _turn(
        self, turn: int, energy: Tensor, features: Tensor, smallest: Tensor,
        noise: Tensor,
    ) -> Halves:  # fmt: skip
        """Goes through the divisions in their order."""
        halves: Halves = []
        for division, head in enumerate(features.chunk(self.divisions, -1)):
            parent = halves[0][division - 1] if division else energy
            known = [part for pair in halves for part in pair]
            both = torch.empty_like(parent), torch.empty_like(parent)
            for number, chosen in enumerate(self.groups):
                x = head
                if known:
                    seen = encode(torch.cat(known, -1), smallest)
                    x = x + self.of_results[division, number](seen)
                x = self.outputs[division, number](leaky(x))
                x = x.reshape(*x.shape[:3], len(chosen), -1)
                allowed = self.allowed[turn][division][:, :, chosen]
                numbers = noise[:, :, :, division, chosen]
                parts = draw_split(parent[..., chosen], x, allowed, numbers)
                known += parts
                for side, part in zip(both, parts, strict=True):
                    side[..., chosen] = part
            halves.append(both)
        return halves


def _around(x: Tensor, periodic: list[bool], margin: int) -> Tensor:
    for axis, closed in enumerate(periodic, start=1):
        if closed:
            size = x.shape[axis]
            chosen = torch.arange(-margin, size + margin) % size
            x = x.index_select(axis, chosen)
    return x


def _inside(x: Tensor, periodic: list[bool], margin: int) -> Tensor:
    for axis, closed in enumerate(periodic, start=1):
        if closed:
            x = x.narrow(axis, margin, x.shape[axis] - 2 * margin)
    return x


def _children_of(halves: Halves) -> list[Tensor]:
    """Returns the children among the halves of blocks: the parts divided last."""
    return [part for pair in halves[1:] or halves for part in pair]
