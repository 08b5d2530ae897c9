"""One level of a cascade: every block divides its energy among its children."""

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from losses import likelihood
from models.likelihood import energy_split
from models.likelihood.block_layout import BlockLayout, Halves, children_of
from models.likelihood.energy_split import encode
from models.likelihood.shower_moments import Moments
from models.likelihood.split_tree import Split

Tensor = Any
Divide = Callable[[Tensor, int, list[int], Tensor, Tensor], tuple[Tensor, Tensor]]

# TensorFlow may fuse a convolution, a sum and a LeakyReLU, and then takes this slope
# whatever it is told.
_SLOPE = 0.2


class SplitLevel(keras.layers.Layer):
    """Divides the energies of the blocks of one level.

    A block that is halved along both axes is divided three times: into rows, then each
    of these into columns. What a network sees of it are the energies of all layers in a
    neighbourhood of two 3x3 convolutions, the place of the block in the shower, the
    divisions of the block before, and by how much centroid and widths still have to
    change. Given these, all blocks of a turn are divided at once, independently of each
    other. With four turns, blocks of even and odd rows and columns take turns, and a
    block also sees the children of its neighbours that had theirs before. Along an axis
    that closes in a circle the last block is a neighbour of the first one.

    Args:
        plan: The level.
        width: Channels of the convolutions.
        components: Gaussians of a division.
        layer_groups: The layers are divided in so many interleaved groups, each seeing
            the results of those before.
        turns: 1 or 4.
    """

    def __init__(
        self,
        plan: Split,
        width: int,
        components: int,
        layer_groups: int,
        turns: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.plan = plan
        self.components = components
        self.layers = int(plan.exists.shape[2])
        count = min(layer_groups, self.layers)
        self.groups = [[*range(n, self.layers, count)] for n in range(count)]
        self.layout = BlockLayout(plan, turns)
        self.divisions = self.layout.divisions
        exist = self.layout.halves(plan.children_exist[None])
        self._allowed = [
            _if_any(energy_split.allowed(first[0], second[0], components))
            for first, second in exist
        ]
        kernel = 3 if max(plan.blocks) > 1 else 1
        self.first = keras.layers.Conv2D(width, kernel, padding="same")
        self.of_event = keras.layers.Dense(width, use_bias=False)
        self.second = keras.layers.Conv2D(width, kernel, padding="same")
        self.heads = keras.layers.Dense(width * self.divisions)
        small = keras.initializers.RandomNormal(stddev=0.02)
        size = energy_split.parameter_count(components)
        self.outputs = [
            [
                keras.layers.Dense(len(chosen) * size, kernel_initializer=small)
                for chosen in self.groups
            ]
            for _ in range(self.divisions)
        ]
        self.of_children = [
            keras.layers.Conv2D(width, 3, padding="same")
            for _ in range(1, self.layout.turns)
        ]
        self.joins = [
            keras.layers.Dense(width * self.divisions, use_bias=False)
            for _ in range(1, self.layout.turns)
        ]
        # Whatever comes first has seen no other division.
        self.of_results = [
            [
                keras.layers.Dense(width, use_bias=False)
                if division or number
                else None
                for number in range(count)
            ]
            for division in range(self.divisions)
        ]

    @property
    def noise_shape(self) -> tuple[int, ...]:
        """The standard normal numbers that an event needs, without the batch."""
        return (*self.plan.blocks, self.divisions, self.layers, 2)

    def sums(self, children: Tensor) -> Tensor:
        """Adds children up to blocks, [batch, row, column, layer]."""
        return self.layout.sums(children)

    def _features(
        self, energy: Tensor, maps: Tensor, wanted: Moments, event: Tensor,
        smallest: Tensor,
    ) -> Tensor:  # fmt: skip
        """Returns what the divisions are read off, [batch * row * column, width]."""
        image = ops.sum(energy, axis=-1)
        missing = wanted.missing(image, self.plan.centres_cm, self.plan.step_cm)
        total = ops.sum(image, axis=(1, 2))[:, None] + 1e-9
        fraction = (ops.reshape(image, (-1, self.layout.count)) / total)[:, None]
        event = ops.concatenate([event, missing, ops.tanh(4.0 * missing)], axis=1)
        of_layers = ops.reshape(energy, (-1, self.layout.count, self.layers))
        seen = encode(ops.transpose(of_layers, (0, 2, 1)), smallest, axis=1)
        # Long rows are put together faster than the channels of every block.
        maps = [seen, maps, fraction, fraction * missing[..., None]]
        x = ops.transpose(ops.concatenate(maps, axis=1), (0, 2, 1))
        x = ops.reshape(x, (-1, *self.plan.blocks, x.shape[-1]))
        x = self.first(_around(x, self.plan.periodic, 2))
        x = _active(x + self.of_event(event)[:, None, None])
        x = _inside(_active(self.second(x)), self.plan.periodic, 2)
        return ops.reshape(x, (-1, x.shape[-1]))

    def _run(
        self, energy: Tensor, features: Tensor, smallest: Tensor, divide: Divide
    ) -> list[tuple[Tensor, Halves]]:
        """Goes through the turns in their order; see `_turn`.

        Only blocks with energy are divided: at the finest level of a calorimeter these
        are a third.

        Returns:
            The numbers of the blocks of every turn among all blocks of the batch, and
            the parts of their divisions.
        """
        energy = ops.reshape(energy, (-1, self.layers))
        events = ops.floor_divide(ops.shape(energy)[0], self.layout.count)
        some = ops.nonzero(ops.any(energy > 0.0, axis=1))[0]
        done: list[tuple[Tensor, Halves]] = []
        images: list[Tensor] = []
        for turn, blocks in enumerate(
            self.layout.rows_of_turns(ops.cast(some, "int32"))
        ):
            own = ops.take(energy, blocks, axis=0)
            x = [ops.take(features, blocks, axis=0), encode(own, smallest)]
            x = self.heads(ops.concatenate(x, axis=-1))
            places = self.layout.number_in_turn(blocks)
            if turn:
                known = encode(ops.concatenate(images, axis=-1), smallest)
                known = _around(known, self.plan.periodic, 1)
                known = _active(self.of_children[turn - 1](known))
                known = _inside(known, self.plan.periodic, 1)
                known = ops.reshape(known, (-1, known.shape[-1]))
                x = x + self.joins[turn - 1](ops.take(known, places, axis=0))
            halves = self._turn(blocks, own, x, smallest, divide)
            done.append((blocks, halves))
            if turn + 1 < self.layout.turns:
                children = ops.concatenate(children_of(halves), axis=-1)
                size = (events * math.prod(self.layout.lattice), children.shape[-1])
                image = ops.scatter(places[:, None], children, size)
                images.append(ops.reshape(image, (-1, *self.layout.lattice, size[1])))
        return done

    def _turn(
        self, blocks: Tensor, energy: Tensor, features: Tensor, smallest: Tensor,
        divide: Divide,
    ) -> Halves:  # fmt: skip
        """Goes through the divisions in their order.

        Args:
            blocks: Numbers of the blocks among all blocks of the batch, int32 [blocks].
            energy: Their energies, [blocks, layer].
            features: What all divisions see, one after the other, [blocks, channels].
            smallest: See `energy_split.encode`.
            divide: Says how energies are divided: from the numbers of the blocks, the
                division, the layers, their energies and the output of the network.

        Returns:
            The parts of every division, each [blocks, layer].
        """
        halves: Halves = []
        size = energy_split.parameter_count(self.components)
        for division, head in enumerate(ops.split(features, self.divisions, axis=-1)):
            parent = halves[0][division - 1] if division else energy
            results = [x for pair in halves for x in pair]
            parts: list[tuple[Tensor, Tensor]] = []
            for number, chosen in enumerate(self.groups):
                x = head
                if (of_results := self.of_results[division][number]) is not None:
                    known = [*results, *[part for pair in parts for part in pair]]
                    x = x + of_results(
                        encode(ops.concatenate(known, axis=-1), smallest)
                    )
                x = self.outputs[division][number](_active(x))
                x = ops.reshape(x, (-1, len(chosen), size))
                own = self._pick(parent, chosen)
                parts.append(divide(blocks, division, chosen, own, x))
            halves.append(self._ungrouped(parts))
        return halves

    def _pick(self, x: Tensor, layers: list[int], axis: int = -1) -> Tensor:
        """Returns these layers, in this order."""
        if layers == [*range(self.layers)]:
            return x
        return ops.take(x, layers, axis=axis)

    def _ungrouped(self, parts: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
        """Puts the layers of all groups in their order."""
        if len(parts) == 1:
            return parts[0]
        order = [n for chosen in self.groups for n in chosen]
        back = [order.index(n) for n in range(self.layers)]
        first, second = (
            self._pick(ops.concatenate(side, axis=-1), back)
            for side in zip(*parts, strict=True)
        )
        return first, second

    def log_likelihood(
        self, energy: Tensor, children: Tensor, maps: Tensor, wanted: Moments,
        event: Tensor, smallest: Tensor,
    ) -> Tensor:  # fmt: skip
        """Returns ln p(children | blocks) of every event, [batch].

        Args:
            energy: Of the blocks [spec.unit], [batch, row, column, layer].
            children: Of their children, likewise.
            maps: What is known of the places, [batch, channel, row * column].
            wanted: The moments of the shower.
            event: What is known of the event, [batch, features].
            smallest: See `energy_split.encode`.
        """
        true = [
            [ops.reshape(part, (-1, self.layers)) for part in pair]
            for pair in self.layout.halves(children)
        ]
        found: list[Tensor] = []

        def divide(
            blocks: Tensor, division: int, layers: list[int], _: Tensor, x: Tensor
        ) -> tuple[Tensor, Tensor]:
            first, second = (
                self._pick(ops.take(part, blocks, axis=0), layers)
                for part in true[division]
            )
            logits, *gaussians = energy_split.described(x, self.components)
            if (allowed := self._allowed[division]) is not None:
                place = self.layout.number_in_event(blocks)
                logits = logits + ops.take(allowed[:, layers], place, axis=0)
            parameters = logits, *gaussians
            value = ops.sum(likelihood.split(first, second, *parameters), axis=1)
            found.append(ops.scatter(blocks[:, None], value, ops.shape(true[0][0])[:1]))
            return first, second

        features = self._features(energy, maps, wanted, event, smallest)
        self._run(energy, features, smallest, divide)
        of_blocks = ops.reshape(sum(found), (-1, self.layout.count))
        return ops.sum(of_blocks, axis=1)

    def draw(
        self, energy: Tensor, maps: Tensor, wanted: Moments, event: Tensor,
        smallest: Tensor, noise: Tensor,
    ) -> Tensor:  # fmt: skip
        """Draws the children, see `log_likelihood`.

        Args:
            energy: Of the blocks.
            maps: What is known of the places.
            wanted: The moments of the shower.
            event: What is known of the event.
            smallest: See `energy_split.encode`.
            noise: Standard normal numbers, [batch, *noise_shape].

        Returns:
            Energies of the children [spec.unit], [batch, row, column, layer].
        """
        noise = ops.reshape(noise, (-1, self.divisions, self.layers, 2))

        def divide(
            blocks: Tensor, division: int, layers: list[int], parent: Tensor, x: Tensor
        ) -> tuple[Tensor, Tensor]:
            random = ops.take(noise[:, division], blocks, axis=0)
            random = self._pick(random, layers, axis=1)
            if (allowed := self._allowed[division]) is not None:
                place = self.layout.number_in_event(blocks)
                of_layers = np.moveaxis(allowed[:, layers], -1, 0)
                allowed = ops.take(of_layers, place, axis=1)
            return energy_split.draw_split(parent, x, random, allowed)

        features = self._features(energy, maps, wanted, event, smallest)
        found = self._run(energy, features, smallest, divide)
        blocks = ops.concatenate([some for some, _ in found], axis=0)
        children = ops.concatenate(
            [ops.concatenate(children_of(halves), axis=-1) for _, halves in found],
            axis=0,
        )
        size = (ops.shape(noise)[0], children.shape[-1])
        return self.layout.image(ops.scatter(blocks[:, None], children, size))

    @property
    def noise_size(self) -> int:
        """How many standard normal numbers an event needs."""
        return math.prod(self.noise_shape)


def _around(x: Tensor, periodic: tuple[bool, bool], margin: int) -> Tensor:
    """Repeats the rows and columns of circles on their other sides."""
    for axis, closed in enumerate(periodic, start=1):
        if closed:
            size = x.shape[axis]
            x = ops.take(
                x, [n % size for n in range(-margin, size + margin)], axis=axis
            )
    return x


def _inside(x: Tensor, periodic: tuple[bool, bool], margin: int) -> Tensor:
    """Takes away what `_around` has added."""
    for axis, closed in enumerate(periodic, start=1):
        if closed:
            x = ops.take(x, [*range(margin, x.shape[axis] - margin)], axis=axis)
    return x


def _active(x: Tensor) -> Tensor:
    return ops.leaky_relu(x, negative_slope=_SLOPE)


def _if_any(logits: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """Returns what is added to logits, [block, layer, outcome]; None for zeros."""
    return logits.reshape(-1, *logits.shape[2:]) if np.any(logits) else None
