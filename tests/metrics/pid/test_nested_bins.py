"""Bins of momentum, and of pseudorapidity in each of them."""

import numpy as np

from metrics.pid.nested_bins import OUTSIDE, NestedBins, nested_bins
from metrics.pid.track_pairs import Tracks
from tests.metrics import made_tracks


def test_by_hand():
    bins = NestedBins(
        np.array([1.0, 2.0, 4.0]), [np.array([2.0, 3.0]), np.array([2.0, 2.5, 5.0])]
    )
    assert bins.number == 3
    momentum = np.array([[1.5, 1.5, 2.0], [4.0, 3.0, 4.1]])
    pseudorapidity = np.array([[2.5, 3.5, 2.4], [2.5, 5.0, 3.0]])
    expected = [[0, OUTSIDE, 1], [2, 2, OUTSIDE]]
    np.testing.assert_array_equal(bins.place(momentum, pseudorapidity), expected)


def test_bins_of_correlated_conditions_hold_equal_weights():
    condition = made_tracks.conditions(8_000)
    condition[:, 1] = 2.0 + 2.0 * np.log(condition[:, 0] / 3.0) / np.log(30.0)
    condition[:, 1] += 0.1 * np.random.default_rng(1).random(8_000)
    response = made_tracks.responses(condition, 2)
    weight = made_tracks.sweights(np.zeros(8_000, bool), 3)
    tracks = Tracks(made_tracks.RICH, condition, response, response, weight)
    bins = nested_bins(tracks, 4, 3)
    place = bins.place(tracks.column("momentum_gev"), tracks.column("pseudorapidity"))
    share = np.bincount(place, tracks.balanced_weight()) / len(tracks.members)
    assert len(share) == bins.number == 12
    np.testing.assert_allclose(share, 1.0 / 12.0, rtol=0.03)


def test_equal_conditions_make_fewer_bins():
    condition = made_tracks.conditions(1_000)
    condition[:, 0] = np.where(condition[:, 0] < 20.0, 5.0, 50.0)
    response = made_tracks.responses(condition, 2)
    bins = nested_bins(Tracks(made_tracks.RICH, condition, response, response), 6, 2)
    np.testing.assert_array_equal(bins.momentum_gev, [5.0, 50.0, 50.0])
    assert bins.number == 4
