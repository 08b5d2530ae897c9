"""The frame of the track: its origin, its axes, and cells seen from it."""

import numpy as np
import pytest

from data import detectors
from metrics.observables.registry import track_point
from metrics.observables.track_frame import track_frame
from models.layers.tracks import Track
from tests.metrics import made_up, small

ECAL, HGCAL = detectors.get("ecal"), detectors.get("hgcal")


def test_it_is_the_frame_that_networks_see():
    condition = made_up.ecal_conditions(20)
    frame = track_frame(ECAL, condition)
    centres = ECAL.positions_cm[..., :2]
    along, across = frame.seen(centres.reshape(-1, 2), slice(5, 20))
    layer = Track(centres, (0, 1, 2), (3, 4), ECAL.shower_depth_cm)
    expected = np.asarray(layer(condition[5:])).reshape(15, 900, 2)
    np.testing.assert_allclose(along, expected[..., 0], atol=1e-3)
    np.testing.assert_allclose(across, expected[..., 1], atol=1e-3)


def test_an_inclined_track():
    condition = np.array([[3.0, 4.0, 12.0, 0.1, 0.2]], np.float32)
    frame = track_frame(ECAL, condition)
    assert frame.axes == ("along", "across")
    np.testing.assert_allclose(frame.along, [[0.6, 0.8]])
    np.testing.assert_allclose(frame.across, [[-0.8, 0.6]])
    np.testing.assert_allclose(frame.inclination, [5.0 / 13.0])
    np.testing.assert_allclose(frame.origin_cm, track_point(ECAL, condition))
    ahead = frame.origin_cm + 2.0 * frame.along - 3.0 * frame.across
    along, across = frame.seen(ahead, slice(None))
    assert along.item() == pytest.approx(2.0)
    assert across.item() == pytest.approx(-3.0)


def test_a_vertical_beam_has_the_axes_of_the_detector():
    condition = small.conditions(3)
    frame = track_frame(HGCAL, condition[:, :3])
    assert frame.axes == ("x", "y")
    np.testing.assert_allclose(frame.origin_cm, condition[:, 1:3])
    np.testing.assert_array_equal(frame.along, [[1.0, 0.0]] * 3)
    np.testing.assert_array_equal(frame.inclination, 0.0)
    still = track_frame(ECAL, np.zeros((1, 5), np.float32))
    np.testing.assert_array_equal(still.inclination, 0.0)
    np.testing.assert_array_equal(still.along, [[1.0, 0.0]])
