"""The cascade: a shower's energy, divided among layers and then down to the cells."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike

from losses import likelihood
from models.layers.mixture import AutoregressiveMixture
from models.likelihood import energy_split, shower_moments, split_tree
from models.likelihood.adjusted_moments import adjusted
from models.likelihood.block_places import BlockPlaces
from models.likelihood.energy_split import draw_split, encode
from models.likelihood.shower_axis import Axis, ShowerAxis
from models.likelihood.shower_moments import Moments
from models.likelihood.split_level import SplitLevel

Tensor = Any

MOMENTS = 5
"""How many moments are drawn: centroid, widths and core."""

_COMPONENTS = 5
_FARTHEST = 5.0
_SHRINK = 0.4
_DITHERED_WIDTH = 0.01
_LEAST_CORE = 1e-3
_LOWEST_QUANTILE = 0.01


@keras.saving.register_keras_serializable("fastsim_zoo")
class EnergyCascade(keras.layers.Layer):
    """The density of showers, as a chain of divisions of their energy.

    p(shower | c) = p(total | c) p(layers | total, c) p(moments | ...) times the product
    over levels of p(children | blocks, moments, ...). The moments, centroid, widths
    and the fraction in the core, are those of the shower, blurred a little: with the
    entropy of the blur the likelihood is a lower bound, and the divisions, which are
    drawn independently of each other within a level, agree about where the shower is
    and how wide.

    Args:
        cells: The cells that exist, bool [row, column] or [row, column, layer].
        positions_cm: Their centres (x, y), [row, column, 2].
        axis: Constructor's arguments of `ShowerAxis`.
        widths: Channels of the levels, fine ones last; the first value is repeated.
        components: Gaussians of the divisions, likewise.
        layer_groups: See `SplitLevel`, one number per level, likewise.
        turns: See `SplitLevel`, likewise.
        hidden: Width of the dense networks of total energy, layers and moments.
        dither_cm: Standard deviation of the blur of the centroid [cm].
        adjust: Whether energy moves between the cells of a drawn shower until it has
            the moments that were drawn, see `adjusted_moments.adjusted`.
        periodic: Whether rows and columns close in a circle.
    """

    def __init__(
        self,
        cells: ArrayLike,
        positions_cm: ArrayLike,
        axis: dict[str, Any],
        widths: Sequence[int],
        components: Sequence[int],
        layer_groups: Sequence[int],
        turns: Sequence[int],
        hidden: int,
        dither_cm: float,
        adjust: bool,
        periodic: Sequence[bool] = (False, False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.cells = np.asarray(cells, bool)
        self.positions_cm = np.asarray(positions_cm, np.float32)
        self.axis = ShowerAxis(**axis)
        self.settings: dict[str, Any] = {
            "widths": [*widths],
            "components": [*components],
            "layer_groups": [*layer_groups],
            "turns": [*turns],
            "hidden": hidden,
            "dither_cm": dither_cm,
            "adjust": adjust,
            "periodic": [*periodic],
        }
        layered = self.cells.reshape(*self.cells.shape[:2], -1)
        self.layers = int(layered.shape[2])
        self.plan = split_tree.splits(layered, self.positions_cm, periodic=periodic)
        self.levels = [
            SplitLevel(*sizes, name=f"level_{number}")
            for number, sizes in enumerate(
                zip(
                    self.plan,
                    _spread(widths, len(self.plan)),
                    _spread(components, len(self.plan)),
                    _spread(layer_groups, len(self.plan)),
                    _spread(turns, len(self.plan)),
                    strict=True,
                )
            )
        ]
        self.places = BlockPlaces(layered, self.positions_cm, self.plan, self._pitch)
        self.total = AutoregressiveMixture([0.0], [1.0], hidden, _COMPONENTS)
        self.moments = AutoregressiveMixture(
            [0.0] * MOMENTS, [1.0] * MOMENTS, hidden, _COMPONENTS
        )
        self.of_layers = [_dense(hidden) for _ in range(self.layers - 1)]
        used = np.asarray(layered.any(axis=(0, 1)))
        self._allowed = [
            energy_split.allowed(
                used[n], np.any(used[n + 1 :], keepdims=True)[0], _COMPONENTS
            )
            for n in range(self.layers - 1)
        ]
        self._sizes = [
            self.total.noise_size,
            self.moments.noise_size,
            2 * (self.layers - 1),
            *[level.noise_size for level in self.levels],
        ]

    @property
    def noise_size(self) -> int:
        """How many standard normal numbers an event needs."""
        return sum(self._sizes)

    @property
    def names(self) -> list[str]:
        """The names of the factors of the likelihood."""
        layers = ["layers"] if self.layers > 1 else []
        levels = [f"level_{number}" for number in range(len(self.levels))]
        return ["total", *layers, "moments", *levels]

    def build(self, *_: Any) -> None:
        """Makes the scales, which the first showers set."""
        self.per_gev, self.smallest = (
            self.add_weight(
                shape=(),
                initializer="ones",
                trainable=False,
                # Every replica sees showers of its own.
                aggregation="mean",
                name=name,
            )
            for name in ("response_per_gev", "smallest")
        )

    @property
    def _pitch(self) -> float:
        steps = [np.diff(self.positions_cm, axis=axis) for axis in (0, 1)]
        sizes = [np.linalg.norm(step, axis=-1).ravel() for step in steps]
        return float(np.median(np.concatenate(sizes)))

    @property
    def _reach(self) -> float:
        """How far the core of a shower reaches [cm]."""
        return shower_moments.CORE_PITCHES * self._pitch

    @property
    def scale_weights(self) -> list[Any]:
        """The weights that are not trained but set by `scales`."""
        mixtures = [self.total, self.moments]
        of_mixtures = [w for one in mixtures for w in (one.location, one.width)]
        return [self.per_gev, self.smallest, *of_mixtures]

    def scales(self, response: Tensor, condition: Tensor) -> list[Tensor]:
        """Returns values of `scale_weights` from some showers.

        Args:
            response: Showers [spec.unit], [batch, row, column] or [..., layer].
            condition: Their conditions, [batch, conditions].
        """
        axis = self.axis(condition)
        response = self._layered(response)
        total = ops.sum(response, axis=(1, 2, 3))
        per_gev = ops.sum(total) / ops.sum(axis.energy_gev)
        flat = ops.sort(ops.reshape(response, (-1,)))
        hits = ops.sum(ops.cast(flat > 0.0, "int32"))
        above = ops.cast(_LOWEST_QUANTILE * ops.cast(hits, "float32"), "int32")
        least = ops.take(flat, ops.shape(flat)[0] - ops.maximum(hits, 1) + above)
        total = self._total_value(total, axis, per_gev)
        moments = self._moments_of(ops.sum(response, axis=-1), axis)
        middle = ops.mean(moments, axis=0) * [0.0, 0.0, 1.0, 1.0, 1.0]
        return [
            per_gev,
            ops.maximum(least, 1e-12),
            ops.mean(total, axis=0),
            ops.std(total, axis=0) + 1e-3,
            middle,
            ops.std(moments, axis=0) + 1e-3,
        ]

    def _layered(self, response: Tensor) -> Tensor:
        return response if len(response.shape) == 4 else response[..., None]

    @staticmethod
    def _total_value(total: Tensor, axis: Axis, per_gev: Tensor) -> Tensor:
        """Returns the relative deviation from the mean, times the root of energy."""
        ratio = total / (per_gev * axis.energy_gev)
        return ((ratio - 1.0) * ops.sqrt(axis.energy_gev))[:, None]

    def _moments_of(self, image: Tensor, axis: Axis) -> Tensor:
        """Returns the moments as they are drawn, [batch, 5].

        How far the centroid is along and across [cm], ln(width^2 / cm^2), and the logit
        of the fraction in the core.
        """
        centre = shower_moments.centroid(image, self.positions_cm)
        squared = shower_moments.widths(image, self.positions_cm, centre, axis)
        core = shower_moments.core_fraction(
            image, self.positions_cm, centre, self._reach
        )
        core = ops.clip(core, _LEAST_CORE, 1.0 - _LEAST_CORE)
        shift = axis.turned(centre - axis.core_cm)
        logit = ops.log(core) - ops.log(1.0 - core)
        return ops.concatenate(
            [shift, ops.log(squared + shower_moments.FEWEST_CM2), logit], axis=1
        )

    def _seen_total(self, total: Tensor, axis: Axis) -> Tensor:
        value = self._total_value(total, axis, self.per_gev) - self.total.location
        value = ops.clip(value / self.total.width, -_FARTHEST, _FARTHEST)
        return ops.concatenate([axis.features, _SHRINK * value], axis=1)

    def _seen_layers(
        self, seen: Tensor, total: Tensor, layers: Sequence[Tensor]
    ) -> Tensor:
        energies = ops.stack([total, *layers], axis=1)
        return ops.concatenate([seen, encode(energies, self.smallest)], axis=1)

    def _seen_by_moments(self, seen: Tensor, axis: Axis) -> Tensor:
        cells = shower_moments.seen_by_cells(
            axis, self.positions_cm, self._pitch, self.axis.length_cm
        )
        return ops.concatenate([seen, cells], axis=1)

    def _wanted(self, moments: Tensor, axis: Axis) -> Moments:
        centre = axis.core_cm + axis.turned_back(moments[:, :2])
        squared = ops.exp(moments[:, 2:4]) - shower_moments.FEWEST_CM2
        return Moments(centre, squared, ops.sigmoid(moments[:, 4:]), axis, self._reach)

    def _event(self, seen: Tensor, moments: Tensor, axis: Axis) -> Tensor:
        """Returns what every level is told of an event."""
        value = (moments - self.moments.location) / self.moments.width
        value = _SHRINK * ops.clip(value, -_FARTHEST, _FARTHEST)
        return ops.concatenate([seen, axis.direction, value], axis=1)

    def log_likelihood(
        self, response: Tensor, condition: Tensor, dither: Tensor
    ) -> dict[str, Tensor]:
        """Returns the logarithms of the factors of the likelihood.

        Args:
            response: Showers [spec.unit], [batch, row, column] or [..., layer].
            condition: Conditions [spec.condition_units], [batch, conditions].
            dither: Standard normal numbers that blur the moments, [batch, 5].

        Returns:
            By name, see `names`, each [batch].
        """
        axis = self.axis(condition)
        pyramid = [self._layered(response)]
        for level in reversed(self.levels):
            pyramid.append(level.sums(pyramid[-1]))
        pyramid.reverse()
        layers = [pyramid[0][:, 0, 0, number] for number in range(self.layers)]
        total = sum(layers)
        value = self._total_value(total, axis, self.per_gev)
        found = {"total": _log_density(self.total, axis.features, value)}
        seen = self._seen_total(total, axis)
        if self.layers > 1:
            found["layers"] = 0.0
            for number, network in enumerate(self.of_layers):
                x = network(self._seen_layers(seen, total, layers[:number]))
                rest = sum(layers[number + 1 :])
                logits, *gaussians = energy_split.described(x, _COMPONENTS)
                found["layers"] += likelihood.split(
                    layers[number], rest, logits + self._allowed[number], *gaussians
                )
            seen = self._seen_layers(seen, total, layers)
        image = ops.sum(pyramid[-1], axis=-1)
        blur = np.array([self.settings["dither_cm"]] * 2 + [_DITHERED_WIDTH] * 3)
        moments = self._moments_of(image, axis) + dither * blur.astype(np.float32)
        found["moments"] = _log_density(
            self.moments, self._seen_by_moments(seen, axis), moments
        )
        event = self._event(seen, moments, axis)
        wanted = self._wanted(moments, axis)
        maps = self.places(wanted)
        for number, level in enumerate(self.levels):
            blocks, children = pyramid[number : number + 2]
            found[f"level_{number}"] = level.log_likelihood(
                blocks, children, maps[number], wanted, event, self.smallest
            )
        return found

    def call(self, condition: Tensor, noise: Tensor) -> Tensor:
        """Draws showers.

        Args:
            condition: Conditions [spec.condition_units], [batch, conditions].
            noise: Standard normal numbers, [batch, noise_size].

        Returns:
            Showers [spec.unit], [batch, *shape].
        """
        axis = self.axis(condition)
        edges = [int(edge) for edge in np.cumsum(self._sizes)]
        random = [
            noise[:, edge - size : edge]
            for edge, size in zip(edges, self._sizes, strict=True)
        ]
        value, _, _ = self.total(axis.features, random[0])
        ratio = 1.0 + value[:, 0] / ops.sqrt(axis.energy_gev)
        total = self.per_gev * axis.energy_gev * ops.maximum(ratio, 1e-3)
        seen = self._seen_total(total, axis)
        layers: list[Tensor] = []
        rest = total
        for number, network in enumerate(self.of_layers):
            x = network(self._seen_layers(seen, total, layers))
            numbers = random[2][:, 2 * number : 2 * number + 2]
            allowed = self._allowed[number][:, None]
            first, rest = draw_split(rest, x, numbers, allowed)
            layers.append(first)
        layers.append(rest)
        if self.layers > 1:
            seen = self._seen_layers(seen, total, layers)
        moments, _, _ = self.moments(self._seen_by_moments(seen, axis), random[1])
        event = self._event(seen, moments, axis)
        wanted = self._wanted(moments, axis)
        x = ops.stack(layers, axis=1)[:, None, None]
        for level, maps, numbers in zip(
            self.levels, self.places(wanted), random[3:], strict=True
        ):
            numbers = ops.reshape(numbers, (-1, *level.noise_shape))
            x = level.draw(x, maps, wanted, event, self.smallest, numbers)
        if self.settings["adjust"]:
            x = adjusted(x, self.positions_cm, wanted, self._pitch)
        return x if self.cells.ndim == 3 else x[..., 0]

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "cells": self.cells.astype(int).tolist(),
            "positions_cm": self.positions_cm.tolist(),
            "axis": self.axis.get_config(),
            **self.settings,
        }


def _log_density(
    mixture: AutoregressiveMixture, features: Tensor, values: Tensor
) -> Tensor:
    """Returns the logarithm of the density in the numbers' own units, [batch]."""
    standard = ops.sum(mixture.log_density(features, values), axis=1)
    return standard - ops.sum(ops.log(mixture.width))


def _dense(hidden: int) -> keras.Sequential:
    small = keras.initializers.RandomNormal(stddev=0.02)
    size = energy_split.parameter_count(_COMPONENTS)
    return keras.Sequential(
        [
            keras.layers.Dense(hidden, activation="leaky_relu"),
            keras.layers.Dense(hidden, activation="leaky_relu"),
            keras.layers.Dense(size, kernel_initializer=small),
        ]
    )


def _spread(values: Sequence[int], count: int) -> list[int]:
    """Returns one value per level, the first one repeated at the coarse levels."""
    return [values[0]] * (count - len(values)) + [*values][
        max(len(values) - count, 0) :
    ]
