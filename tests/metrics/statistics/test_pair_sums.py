"""Sums over pairs, against a double loop over all cells."""

import numpy as np
import pytest

from data import detectors
from metrics.statistics.pair_sums import PairSums

HGCAL = detectors.get("hgcal")
SQUARES = np.stack(np.meshgrid([0.0, 2.0, 4.0, 6.0], [1.0, 3.0, 5.0]), -1).reshape(
    -1, 2
)
HEXAGONS = HGCAL.positions_cm[:, :, 0, :2][HGCAL.cells[:, :, 0]]


def _directions(degrees):
    angle = np.radians(degrees)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _naive(centres, cell, values, direction, farthest):
    """Sums one event, pair by pair."""
    sums = np.zeros((2, farthest + 1))
    axes = np.array([direction, (-direction[1], direction[0])])
    for i in range(len(centres)):
        for j in range(i, len(centres)):
            away = np.abs(axes @ (centres[i] - centres[j])) / cell
            for axis in (0, 1):
                distance = int(np.floor(away[axis] + 0.5))
                if away[1 - axis] <= 0.501 and distance <= farthest:
                    sums[axis, distance] += values[i] * values[j]
    return sums


@pytest.mark.parametrize(
    ("centres", "cell"), [(SQUARES, 2.0), (HEXAGONS, 0.6496 * np.sqrt(3.0))]
)
@pytest.mark.parametrize("farthest", [2, 8])
def test_every_pair_of_a_double_loop(centres, cell, farthest):
    pairs = PairSums(centres, farthest)
    assert pairs.cell_cm == pytest.approx(cell, rel=1e-4)
    direction = _directions([0.0, 90.0, 45.0, 17.0, 200.0])
    values = np.random.default_rng(1).normal(size=(5, len(centres)))
    expected = [
        _naive(centres, pairs.cell_cm, *event, farthest)
        for event in zip(values, direction, strict=True)
    ]
    np.testing.assert_allclose(pairs(values, direction), expected, atol=1e-9)
    single = pairs(values.astype(np.float32), direction)
    np.testing.assert_allclose(single, expected, atol=1e-4)


def test_a_row_of_cells_has_no_pairs_across():
    pairs = PairSums(np.array([[0.0, 1.0], [3.0, 1.0], [9.0, 1.0]]), farthest=3)
    sums = pairs(np.array([[1.0, 2.0, 5.0]] * 2), np.array([[1.0, 0.0], [0.0, 1.0]]))
    np.testing.assert_allclose(sums[0], [[30, 2, 10, 5], [30, 0, 0, 0]], atol=1e-12)
    np.testing.assert_allclose(sums[1], sums[0, ::-1], atol=1e-12)


@pytest.mark.parametrize(
    ("centres", "message"),
    [
        ([[0.0, 0.0]], "at least two cells"),
        ([[0.0, 0.0], [1.0, 0.0], [1.0, 0.0]], "no two may be at one place"),
        ([[0.0, 0.0], [1.0, 0.0], [2.4, 0.0], [3.0, 0.0]], "common steps"),
        (np.random.default_rng(1).uniform(0.0, 9.0, (30, 2)), "common steps"),
    ],
)
def test_cells_without_a_grid_are_refused(centres, message):
    with pytest.raises(ValueError, match=message):
        PairSums(np.array(centres), farthest=4)
