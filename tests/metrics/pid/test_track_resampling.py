"""Bootstrap of pairs and random halves."""

import numpy as np

from metrics.pid import track_resampling
from metrics.pid.track_resampling import PairResampling, sums

GROUPS = np.repeat([0, 3, 4], [200, 50, 51])
WEIGHT = np.random.default_rng(1).normal(0.5, 1.0, len(GROUPS))


def test_replicates_draw_within_a_species():
    resampling = PairResampling(WEIGHT, GROUPS, 1, replicates=30)
    assert resampling.rows == 31
    np.testing.assert_array_equal(resampling.counts[0], 1)
    for group, size in ((0, 200), (3, 50), (4, 51)):
        drawn = resampling.counts[:, group == GROUPS].sum(axis=1)
        np.testing.assert_array_equal(drawn, size)
    assert np.unique(resampling.counts[1:], axis=0).shape[0] == 30


def test_halves_share_every_species():
    resampling = PairResampling(WEIGHT, GROUPS, 1, splits=5, replicates=0)
    assert resampling.halves.shape == (5, len(GROUPS))
    for group, size in ((0, 100), (3, 25), (4, 25)):
        chosen = resampling.halves[:, group == GROUPS].sum(axis=1)
        np.testing.assert_array_equal(chosen, size)
    assert np.unique(resampling.halves, axis=0).shape[0] == 5


def test_the_splits_do_not_depend_on_the_number_of_replicates():
    some = PairResampling(WEIGHT, GROUPS, 7, replicates=0)
    more = PairResampling(WEIGHT, GROUPS, 7, replicates=9)
    np.testing.assert_array_equal(some.halves, more.halves)
    other = PairResampling(WEIGHT, GROUPS, 8, replicates=0)
    assert (some.halves != other.halves).any()


def test_weights_come_in_pieces(monkeypatch):
    resampling = PairResampling(WEIGHT, GROUPS, 1, replicates=6)
    tracks = np.array([250, 3, 17])
    expected = resampling.counts[:, tracks] * WEIGHT[tracks]
    for numbers in (1, 7, 10**6):
        monkeypatch.setattr(track_resampling, "_NUMBERS_AT_ONCE", numbers)
        pieces = list(resampling.weights(tracks))
        assert pieces[0][0].start == 0
        np.testing.assert_array_equal(
            np.concatenate([weights for _, weights in pieces]), expected
        )
        for some, weights in pieces:
            np.testing.assert_array_equal(weights, expected[some])


def test_sums_by_key():
    found = sums(np.array([2, 0, 2]), np.array([1.0, -0.5, 0.25]), 4)
    np.testing.assert_array_equal(found, [-0.5, 0.0, 1.25, 0.0])
