"""The features of the 2019 competition, against their definition cell by cell."""

import numpy as np
import pytest

from metrics.observables import competition2019

CENTRES = np.linspace(-14.5, 14.5, 30)
COLUMNS = {name: number for number, name in enumerate(competition2019.FEATURES)}


def _events(seed, number=6):
    random = np.random.default_rng(seed)
    response = random.exponential(size=(number, 30, 30)) ** 6
    momentum = random.normal(size=(number, 3)) * [0.2, 0.2, 0.0] + [0.0, 0.0, 1.0]
    return response, momentum, random.uniform(-0.5, 0.5, (number, 2))


def _side(slope, x0, y0):
    """Returns for every cell whether it is not below a line, [x, y]."""
    return np.array([[y - (y0 + slope * (x - x0)) >= 0.0 for y in CENTRES]
                     for x in CENTRES])  # fmt: skip


def _definition(response, momentum, point):
    p_x, p_y, p_z = momentum
    x0, y0 = point[0] + 25.0 * p_x / p_z, point[1] + 25.0 * p_y / p_z
    total = response.sum()
    forward = _side(-p_x / p_y, x0, y0)
    if p_y < 0.0:
        forward = ~forward
    up = _side(p_y / p_x, x0, y0)
    found = [
        (response[side].sum() - response[~side].sum()) / total for side in (forward, up)
    ]
    for slope in (p_x / p_y, -p_y / p_x):
        side = _side(slope, x0, y0)
        stretched, energies = [], []
        for i in range(30):
            for j in range(30):
                next_x = i < 29 and side[i, j] != side[i + 1, j]
                next_y = j < 29 and side[i, j] != side[i, j + 1]
                if next_x or next_y:
                    stretched.append(CENTRES[i] * np.sqrt(1.0 + (p_y / p_x) ** 2))
                    energies.append(response[i, j])
        if energies:
            mean = np.average(stretched, weights=energies)
            variance = np.average((np.array(stretched) - mean) ** 2, weights=energies)
            found.append(np.sqrt(variance))
        else:
            found.append(0.0)
    for power in np.linspace(-5.0, -1.0, 20):
        found.append((response >= 10.0**power * total).sum() / 900.0)
    return found


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_features_are_the_published_definition(seed):
    events = _events(seed)
    found = competition2019.features(*events)
    assert found.shape == (6, 24)
    expected = [_definition(*event) for event in zip(*events, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_single_cells_are_ahead_and_behind_of_the_track():
    momentum = np.tile([0.08, 0.04, 1.0], (4, 1))
    # The track is projected to (2, 1); the cells lie at (2, 1) + 1.5 or 2.5 steps.
    response = np.zeros((4, 30, 30))
    for event, (x, y) in enumerate([(4.5, 2.5), (-0.5, -0.5), (0.5, 3.5), (3.5, -1.5)]):
        response[event, round(x + 14.5), round(y + 14.5)] = 7.0
    found = competition2019.features(response, momentum, np.zeros((4, 2)))
    np.testing.assert_array_equal(found[:2, COLUMNS["asymmetry_along"]], [1.0, -1.0])
    np.testing.assert_array_equal(found[2:, COLUMNS["asymmetry_across"]], [1.0, -1.0])
    np.testing.assert_array_equal(found[:, 4:], 1.0 / 900.0)
    np.testing.assert_array_equal(found[:, 2:4], 0.0)


def test_an_image_that_moves_with_its_impact_keeps_its_features():
    response, momentum, point = _events(5)
    response[:, 28:] = response[:, :, :2] = 0.0
    moved = np.roll(response, (2, -2), axis=(1, 2))
    one = competition2019.features(response, momentum, point)
    other = competition2019.features(moved, momentum, point + np.array([2.0, -2.0]))
    np.testing.assert_allclose(other[:, :2], one[:, :2], rtol=1e-9)
    np.testing.assert_array_equal(other[:, 4:], one[:, 4:])
    assert not np.allclose(
        competition2019.features(moved, momentum, point)[:, :2], one[:, :2]
    )


def test_features_do_not_depend_on_the_unit_of_energy():
    response, momentum, point = _events(6)
    np.testing.assert_allclose(
        competition2019.features(response, momentum, point),
        competition2019.features(1e-3 * response, momentum, point),
        rtol=1e-9,
    )


def test_a_uniform_image_has_its_cells_above_low_thresholds_only():
    found = competition2019.features(
        np.ones((1, 30, 30)), np.array([[0.0, 0.0, 1.0]]), np.zeros((1, 2))
    )
    # Each cell holds 1 / 900 = 10^-2.95 of the energy.
    expected = np.linspace(-5.0, -1.0, 20) < np.log10(1.0 / 900.0)
    np.testing.assert_array_equal(found[0, 4:], expected)
    np.testing.assert_allclose(found[0, :2], 0.0, atol=1e-12)


@pytest.mark.parametrize(
    "direction", [(0.0, 0.0), (0.0, 0.1), (0.1, 0.0), (0.0, -0.1), (-0.1, 0.0)]
)
def test_tracks_along_an_axis_and_empty_showers_are_finite(direction):
    response, _, point = _events(7)
    momentum = np.tile([*direction, 1.0], (6, 1))
    response[0] = 0.0
    found = competition2019.features(response.astype(np.float32), momentum, point)
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found[0], 0.0)
    if direction[0] == 0.0 and direction[1] != 0.0:
        np.testing.assert_array_equal(found[:, 2:4], 0.0)
    # Forward and backward are told apart by the one component that is there.
    track = point + 25.0 * momentum[:, :2]
    x, y = np.meshgrid(CENTRES, CENTRES, indexing="ij")
    forward = direction if any(direction) else (1.0, 0.0)
    for event in range(1, 6):
        ahead = (x - track[event, 0]) * forward[0] + (y - track[event, 1]) * forward[1]
        side = np.where(ahead >= 0.0, 1.0, -1.0)
        expected = (side * response[event]).sum() / response[event].sum()
        np.testing.assert_allclose(found[event, 0], expected, rtol=1e-6)


def test_many_events_are_computed_in_parts(monkeypatch):
    events = _events(8)
    whole = competition2019.features(*events)
    monkeypatch.setattr(competition2019, "_EVENTS_AT_ONCE", 4)
    np.testing.assert_array_equal(competition2019.features(*events), whole)


def test_other_shapes_and_directions_are_refused():
    response, momentum, point = _events(9)
    with pytest.raises(ValueError, match="30 x 30 cells"):
        competition2019.features(response[:, :12], momentum, point)
    with pytest.raises(ValueError, match="must be positive"):
        competition2019.features(response, -momentum, point)
