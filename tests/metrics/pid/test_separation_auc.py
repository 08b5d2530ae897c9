"""The AUC with signed weights, overall and in bins."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from metrics.pid import separation_auc
from metrics.pid.separation_auc import (
    WITHIN_GOAL,
    AucBin,
    auc_bins,
    in_bins,
    weighted_auc,
)
from metrics.pid.track_resampling import PairResampling
from metrics.statistics.resampling import Metric
from tests.metrics import made_tracks

NUMBERS = st.lists(
    st.tuples(st.integers(-3, 3), st.floats(-1.0, 2.0)), min_size=1, max_size=12
)


def _by_definition(positive, negative, w, v):
    steps = (positive[:, None] > negative) + 0.5 * (positive[:, None] == negative)
    return (w @ steps @ v) / (w.sum() * v.sum())


def _sample(seed, events, means):
    random = np.random.default_rng(seed)
    return random.normal(means, 1.0, events)


@given(NUMBERS, NUMBERS)
def test_it_is_the_double_sum_with_ties_and_signed_weights(first, second):
    # The first track keeps the sums away from 0.
    x, w = np.array([(0, 15.0), *first], float).T
    y, v = np.array([(1, 15.0), *second], float).T
    expected = _by_definition(x, y, w, v)
    assert weighted_auc(x, y, w, v) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_with_positive_weights_it_is_that_of_scikit_learn():
    random = np.random.default_rng(1)
    x = np.round(random.normal(0.5, 1.0, 300), 1)
    y = np.round(random.normal(0.0, 1.0, 200), 1)
    w, v = random.uniform(0.1, 2.0, 300), random.uniform(0.1, 2.0, 200)
    expected = roc_auc_score(
        np.repeat([1, 0], [300, 200]),
        np.concatenate([x, y]),
        sample_weight=np.concatenate([w, v]),
    )
    assert weighted_auc(x, y, w, v) == pytest.approx(expected, rel=1e-12)


def test_of_shifted_normal_distributions():
    x, y = _sample(1, 100_000, 1.2), _sample(2, 100_000, 0.0)
    found = weighted_auc(x, y, np.ones(len(x)), np.ones(len(y)))
    assert found == pytest.approx(norm.cdf(1.2 / np.sqrt(2.0)), abs=0.004)


def test_splitting_a_track_changes_nothing():
    random = np.random.default_rng(3)
    x, y = random.normal(1.0, 1.0, 50), random.normal(0.0, 1.0, 40)
    w, v = random.normal(0.5, 1.0, 50), random.normal(0.7, 1.0, 40)
    whole = weighted_auc(x, y, w, v)
    part = random.normal(0.0, 2.0, 50)
    twice = np.concatenate([x, x]), np.concatenate([part, w - part])
    assert weighted_auc(twice[0], y, twice[1], v) == pytest.approx(whole, rel=1e-10)


def test_negative_weights_remove_the_background():
    events = 400_000
    background = np.random.default_rng(4).random(events) < 0.4
    x = _sample(5, events, np.where(background, -3.0, 1.0))
    y = _sample(6, events, 0.0)
    expected = norm.cdf(1.0 / np.sqrt(2.0))
    weight = made_tracks.sweights(background, 7)
    assert (weight < 0.0).mean() > 0.1
    ones = np.ones(events)
    assert weighted_auc(x, y, weight, ones) == pytest.approx(expected, abs=0.005)
    assert weighted_auc(x, y, ones, ones) < expected - 0.2


def test_the_bins_of_a_grid_are_those_areas():
    tracks = made_tracks.compared(8_000)
    grid = tracks.grid(2)
    resampling = PairResampling(tracks.weight, tracks.group, 1, replicates=3)
    bins = auc_bins(tracks, resampling, grid)
    assert [one.species for one in bins[::4]] == ["kaon", "muon", "proton"]
    place = grid.place(tracks.column("momentum_gev"), tracks.column("pseudorapidity"))
    one = bins[2]
    assert (one.species, one.number) == ("kaon", 2)
    chosen = [
        tracks.members[name][place[tracks.members[name]] == 2]
        for name in ("kaon", "pion")
    ]
    weights = [tracks.weight[some] for some in chosen]
    for row in range(4):
        counted = [
            weight * resampling.counts[row, some]
            for weight, some in zip(weights, chosen, strict=True)
        ]
        for values, found in zip(
            tracks.pair("dll_k"), (one.generated, one.reference), strict=True
        ):
            expected = weighted_auc(*(values[some] for some in chosen), *counted)
            assert found[row] == pytest.approx(expected, rel=1e-9)
    assert one.difference.value == one.generated[0] - one.reference[0]
    assert one.effective == pytest.approx(
        [weight.sum() ** 2 / (weight**2).sum() for weight in weights]
    )


def test_all_tracks_together_are_one_bin():
    tracks = made_tracks.compared(8_000, shift=0.0, weighted=False)
    resampling = PairResampling(tracks.weight, tracks.group, 1)
    found = separation_auc.overall(auc_bins(tracks, resampling, None))
    assert list(found) == [f"delta_auc_{s}_pion" for s in ("kaon", "muon", "proton")]
    kaon = auc_bins(tracks, resampling, None)[0]
    # Means of 2 and -2, widths of 3.
    expected = norm.cdf(4.0 / 3.0 / np.sqrt(2.0))
    assert kaon.reference[0] == pytest.approx(expected, abs=0.015)
    assert all(abs(metric.z) < 3.5 for metric in found.values())
    assert all(metric.floor == 0.0 for metric in found.values())


def test_the_uncertainty_is_the_spread_of_independent_samples():
    differences, claimed = [], []
    for seed in range(60):
        tracks = made_tracks.compared(1_500, 1_000 * seed, species=["kaon", "pion"])
        resampling = PairResampling(tracks.weight, tracks.group, 1, replicates=40)
        [one] = auc_bins(tracks, resampling, None)
        differences.append(one.difference.value)
        claimed.append(one.difference.uncertainty)
    # 60 samples know their spread to 9 %.
    assert np.mean(claimed) == pytest.approx(np.std(differences), rel=0.3)
    assert abs(np.mean(differences)) < 4.0 * np.std(differences) / np.sqrt(60)


def test_sparse_bins_are_not_measured():
    tracks = made_tracks.compared(1_500, weighted=False)
    resampling = PairResampling(tracks.weight, tracks.group, 1, replicates=2)
    bins = auc_bins(tracks, resampling, tracks.grid(3))
    assert len(bins) == 27
    assert all(one.difference is None and not one.judged for one in bins)
    assert in_bins(bins, tracks.grid(3)) == {}


def _made_bin(number, difference, effective=6_000.0, auc=0.9):
    reference = np.full(5, auc)
    metric = Metric(difference, 0.001, 0.0, 0.001, difference / 0.001)
    return AucBin(
        "kaon", number, (effective, 9_000.0), reference, reference + difference, metric
    )


def test_the_goal_counts_judged_bins_only():
    grid = made_tracks.compared(2_000).grid(2)
    bins = [
        _made_bin(0, 0.0099),
        _made_bin(1, -0.0101),
        _made_bin(2, 0.05, effective=4_999.0),
        _made_bin(3, 0.002, auc=0.99),
    ]
    assert [one.judged for one in bins] == [True, True, False, False]
    assert [one.within_goal for one in bins] == [True, False, False, True]
    found = in_bins(bins, grid)
    assert found[WITHIN_GOAL].value == 0.5
    assert found[WITHIN_GOAL].floor == 1.0
    assert list(found)[:2] == ["delta_auc_bin_kaon_1_1", "delta_auc_bin_kaon_1_2"]
    assert WITHIN_GOAL not in in_bins(bins[2:], grid)


def test_too_few_good_bins_have_a_positive_z():
    random = np.random.default_rng(1)
    bins = []
    for number in range(4):
        reference = 0.9 + 0.001 * random.normal(size=50)
        generated = reference + 0.011 + 0.002 * random.normal(size=50)
        metric = Metric(0.011, 0.002, 0.0, 0.001, 5.5)
        pair = (6_000.0, 6_000.0)
        bins.append(AucBin("kaon", number, pair, reference, generated, metric))
    found = in_bins(bins, made_tracks.compared(2_000).grid(2))[WITHIN_GOAL]
    assert found.floor == 1.0
    assert found.value < 1.0
    assert found.z > 0.0
