"""Ties: hits of one layer whose energies are exactly equal.

In a real shower two hits have equal energies by chance alone, which is as rare as
their numbers have bits. A network that gives many cells one energy, for instance the
lower end of its range, can be told from it by ties alone, whatever its distributions.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.rounding import FLOAT32_BITS
from data.detectors.flat_layers import LayerShapes, unfolded
from metrics.showers.shower_pairs import Comparison
from metrics.statistics.arrays import Array
from metrics.statistics.distances import weighted_mean
from metrics.statistics.resampling import Metric, Resampling, significance, spread


def tied_layers(response: NDArray[Any], shapes: LayerShapes = ()) -> Array:
    """Returns the fraction of the layers of each shower that hold a tie.

    Args:
        response: Cell energies [spec.unit], [batch, row, column] or [batch, row,
            column, layer]; or [batch, cell], and the shapes of the layers.
        shapes: Rows and columns of every layer, where these differ.

    Returns:
        Fractions between 0 and 1, float64 [batch]; 0 or 1 without layers.

    Source: this project.
    """
    tied = [_equal(one, 1).any(axis=1) for one in _ordered(response, shapes)]
    fractions: Array = np.concatenate(tied, axis=1).mean(axis=1)
    return fractions


def equal_pairs(response: NDArray[Any], shapes: LayerShapes = ()) -> Array:
    """Counts the pairs of hits of one layer that have exactly equal energies.

    Args:
        response: Cell energies [spec.unit], as of `tied_layers`.
        shapes: As of `tied_layers`.

    Returns:
        Pairs per layer, the mean over the layers of each shower, float64 [batch].

    Source: this project.
    """
    pairs = [_pairs(one) for one in _ordered(response, shapes)]
    mean: Array = np.concatenate(pairs, axis=1).mean(axis=1)
    return mean


def measure_ties(comparison: Comparison, resampling: Resampling) -> dict[str, Metric]:
    """Measures how often hits have exactly equal energies.

    Two numbers of the generated showers, each beside that of the reference:

    - `ties`, of both sides rounded alike;
    - `ties_unrounded`, of the generated showers as they came, where the reference was
      rounded. That of the reference before it was rounded is expected from its pairs
      of equal hits: every further bit halves the chance of a pair. It is left out where
      cells are summed: sums have more bits than what they are made of.

    Args:
        comparison: Generated and reference showers.
        resampling: Bootstrap weights.

    Returns:
        The metrics. Their floors are the reference's own numbers.
    """
    shapes = comparison.spec.layer_shapes
    generated, reference = comparison.both(lambda one: tied_layers(one, shapes))
    found = {"ties": _beside(generated, reference, resampling)}
    if comparison.bits < FLOAT32_BITS and comparison.cells_a_side == 1:
        lost = FLOAT32_BITS - comparison.bits
        found["ties_unrounded"] = _beside(
            tied_layers(comparison.unrounded, shapes),
            equal_pairs(comparison.reference, shapes) * 2.0**-lost,
            resampling,
        )
    return found


def _ordered(response: NDArray[Any], shapes: LayerShapes) -> list[NDArray[Any]]:
    """Sorts the cells of layers of one shape together, each [batch, cells, layers]."""
    number = len(response)
    if len(shapes):
        images = unfolded(response, shapes)
        return [np.sort(one.reshape(number, -1, 1), axis=1) for one in images]
    cells = response.shape[1] * response.shape[2]
    return [np.sort(response.reshape(number, cells, -1), axis=1)]


def _pairs(ordered: NDArray[Any]) -> Array:
    """Counts the pairs of equal hits of every layer, [batch, layers]."""
    pairs: Array = np.zeros((len(ordered), ordered.shape[2]))
    for apart in range(1, ordered.shape[1]):
        equal = _equal(ordered, apart)
        if not equal.any():
            break
        pairs += equal.sum(axis=1)
    return pairs


def _equal(ordered: NDArray[Any], apart: int) -> NDArray[np.bool_]:
    hit = ordered[:, apart:] > 0.0
    found: NDArray[np.bool_] = hit & (ordered[:, apart:] == ordered[:, :-apart])
    return found


def _beside(generated: Array, reference: Array, resampling: Resampling) -> Metric:
    """Sets the mean of the generated showers beside that of the reference."""
    value = weighted_mean(generated, resampling.generated)
    floor = weighted_mean(reference, resampling.reference)
    # No shower or all of them have no spread, but are not known better than to one.
    uncertainty = max(spread(value), 1.0 / len(generated))
    difference = float(value[0] - floor[0])
    return Metric(
        value=float(value[0]),
        uncertainty=uncertainty,
        floor=float(floor[0]),
        floor_uncertainty=spread(floor),
        z=significance(difference, float(np.hypot(uncertainty, spread(floor)))),
    )
