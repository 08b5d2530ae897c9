"""What networks see of a track, against the observables of the evaluation."""

import keras
import numpy as np
import pytest

from data import detectors
from metrics.observables import images, registry
from models.layers import tracks
from tests import synthetic

SPEC = detectors.get("ecal")
POSITIONS_CM = SPEC.positions_cm[..., :2]
MOMENTUM, IMPACT = (0, 1, 2), (3, 4)
SPECIAL = {
    "parallel to the axis": [0.0, 0.0, 30.0, 0.3, -0.4],
    "at rest": [0.0, 0.0, 0.0, 0.3, -0.4],
    "so slow that the depth would be negative": [1e-3, 0.0, 1e-3, 0.3, -0.4],
    "along x": [3.0, 0.0, 4.0, 0.3, -0.4],
    "against y": [0.0, -3.0, 4.0, 0.3, -0.4],
    "in the plane": [6.0, 8.0, 0.0, 0.3, -0.4],
}


def _seen(condition):
    layer = tracks.Track(POSITIONS_CM, MOMENTUM, IMPACT, SPEC.shower_depth_cm)
    return np.asarray(layer(np.asarray(condition, np.float32)))


def _check(condition):
    condition = np.asarray(condition, np.float32)
    seen = _seen(condition)
    point = registry.track_point(SPEC, condition)
    momentum = SPEC.momentum(condition)
    displacement = POSITIONS_CM - point[:, None, None]
    for channel, direction in enumerate((images.along, images.across)):
        wanted = np.einsum("brck,bk->brc", displacement, direction(momentum))
        np.testing.assert_allclose(seen[..., channel], wanted, rtol=0.0, atol=2e-5)


def test_cells_are_seen_from_the_track_as_by_the_observables():
    _check(synthetic.conditions(SPEC, 50, np.random.default_rng(1)))


@pytest.mark.parametrize("name", SPECIAL)
def test_special_tracks(name):
    _check([SPECIAL[name]])


def test_a_track_of_five_gev():
    layer = tracks.Track([[[1.0, 2.0]]], (2, 3, 4), (1, 0), (10.0, 2.0))
    # Components (0, 3, 4): at s cm along the track it has moved by 0.6 s in y.
    condition = np.array([[0.5, 0.25, 0.0, 3.0, 4.0]], np.float32)
    moved = 0.6 * (10.0 + 2.0 * np.log(5.0))
    expected = [[[[2.0 - (0.5 + moved), -(1.0 - 0.25)]]]]
    np.testing.assert_allclose(layer(condition), expected, rtol=1e-6)


def test_a_deeper_shower_is_seen_farther_along_the_track():
    layer = tracks.Track([[[1.0, 2.0]]], (2, 3, 4), (1, 0), (10.0, 2.0))
    condition = np.array([[0.5, 0.25, 0.0, 3.0, 4.0]] * 3, np.float32)
    shift_cm = np.array([[0.0], [2.5], [-1e3]], np.float32)
    seen = np.asarray(layer(condition, shift_cm))[:, 0, 0]
    np.testing.assert_array_equal(seen[0], np.asarray(layer(condition))[0, 0, 0])
    np.testing.assert_allclose(seen[1], seen[0] - [0.6 * 2.5, 0.0], rtol=1e-6)
    # No shower is in front of the calorimeter.
    np.testing.assert_allclose(seen[2], [2.0 - 0.5, -(1.0 - 0.25)], rtol=1e-6)


def test_the_energy_ends_at_minus_one_and_one():
    layer = tracks.MomentumFeatures((1, 2, 3), 2.0, 50.0)
    energies = np.array([2.0, 10.0, 50.0, 250.0, 0.0])
    direction = np.array([0.48, -0.36, 0.8])
    condition = np.concatenate([np.full((5, 1), 7.0), np.outer(energies, direction)], 1)
    features = np.asarray(layer(condition.astype(np.float32)))
    # Without a momentum, the energy counts as a thousandth of the lowest.
    lowest = -1.0 + 2.0 * np.log(1e-3) / np.log(25.0)
    np.testing.assert_allclose(
        features[:, 0], [-1.0, 0.0, 1.0, 2.0, lowest], rtol=1e-5, atol=1e-6
    )
    np.testing.assert_allclose(features[:4, 1:], [[0.96, -0.72]] * 4, rtol=1e-5)
    np.testing.assert_array_equal(features[4, 1:], [0.0, 0.0])


def test_maps_of_a_track():
    seen = np.array([[[[3.0, -4.0], [0.0, 0.0], [100.0, -100.0]]]], np.float32)
    maps = np.asarray(tracks.TrackMaps((2.0, 5.0))(seen))
    expected = [
        [0.6, -0.8, 1.0 / (1.0 + 25.0 / 4.0), 0.5],
        [0.0, 0.0, 1.0, 1.0],
        [3.0, -3.0, 1.0 / 5001.0, 1.0 / 801.0],
    ]
    np.testing.assert_allclose(maps[0, 0], expected, rtol=1e-5)


CONDITION = np.array([[1.0, 2.0, 20.0, 0.1, 0.2]], np.float32)
SERIALISED = {
    "momentum": (tracks.MomentumFeatures(MOMENTUM, 1.0, 100.0), CONDITION),
    "track": (
        tracks.Track(POSITIONS_CM[:2, :3], MOMENTUM, IMPACT, (9.0, 2.0)),
        CONDITION,
    ),
    "maps": (tracks.TrackMaps((2.0, 5.0)), np.ones((1, 3, 4, 2), np.float32)),
}


@pytest.mark.parametrize("name", SERIALISED)
def test_a_layer_is_made_again_from_its_configuration(name):
    layer, inputs = SERIALISED[name]
    saved = keras.saving.serialize_keras_object(layer)
    again = keras.saving.deserialize_keras_object(saved, safe_mode=True)
    np.testing.assert_array_equal(again(inputs), layer(inputs))
