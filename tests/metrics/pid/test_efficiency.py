"""Efficiency and misidentification."""

import numpy as np
import pytest
from scipy.stats import norm

from metrics.pid.efficiency import CUTS, SLICES, efficiency_curves, efficiency_metrics
from metrics.pid.track_pairs import Tracks
from metrics.pid.track_resampling import PairResampling
from metrics.statistics.weighted import weighted_quantiles
from tests.metrics import made_tracks


@pytest.fixture(scope="module")
def tracks():
    return made_tracks.compared(40_000, shift=0.6)


@pytest.fixture(scope="module")
def curves(tracks):
    resampling = PairResampling(tracks.weight, tracks.group, 1, replicates=40)
    return efficiency_curves(tracks, resampling)


def _one(curves, hypothesis, species, against, cut=None):
    [found] = [
        one
        for one in curves
        if (one.hypothesis, one.species, one.against, one.cut)
        == (hypothesis, species, against, cut)
    ]
    return found


def test_against_the_cut(curves):
    for species, mean in (("kaon", 2.0), ("pion", -2.0)):
        one = _one(curves, "kaon", species, "cut")
        assert one.component == "dll_k"
        width = made_tracks.WIDTH
        np.testing.assert_allclose(
            one.reference, norm.sf(one.x, mean, width), atol=0.06
        )
        np.testing.assert_allclose(
            one.generated, norm.sf(one.x, mean + 0.6, width), atol=0.06
        )
        # In the tails a few tracks decide, whose spread the bootstrap does not know.
        known = np.abs(one.reference - 0.5) < 0.4
        away = one.reference - norm.sf(one.x, mean, width)
        assert np.abs(away / one.reference_error)[known].max() < 5.0
        assert (np.diff(one.x) > 0.0).all()


def test_against_momentum_and_tracks(tracks, curves):
    for against in ("momentum_gev", "number_of_tracks"):
        for cut in CUTS:
            one = _one(curves, "proton", "proton", against, cut)
            assert len(one.x) == SLICES
            assert (np.diff(one.x) > 0.0).all()
            # The made-up likelihoods do not depend on the conditions.
            expected = norm.sf(cut, 3.0, made_tracks.WIDTH)
            away = np.abs(one.reference - expected) / one.reference_error
            assert away.max() < 5.0


def test_by_hand():
    """Fractions of signed weights, counted slice by slice."""
    tracks = made_tracks.compared(3_000, species=["muon", "pion"])
    resampling = PairResampling(tracks.weight, tracks.group, 1, replicates=2)
    one = _one(efficiency_curves(tracks, resampling), "muon", "pion", "momentum_gev", 5)
    fractions = list(np.arange(1, SLICES) / SLICES)
    momentum = tracks.column("momentum_gev")
    edges = weighted_quantiles(momentum, tracks.balanced_weight(), fractions)
    pions = np.isin(np.arange(len(tracks)), tracks.members["pion"])
    limits = np.array([0.0, *edges, np.inf])
    for number in range(SLICES):
        inside = pions & (momentum >= limits[number]) & (momentum < limits[number + 1])
        weight = tracks.weight[inside]
        assert one.x[number] == pytest.approx(
            (weight * momentum[inside]).sum() / weight.sum()
        )
        for values, found in zip(
            tracks.pair("dll_mu"), (one.generated, one.reference), strict=True
        ):
            passed = weight[values[inside] > 5.0].sum()
            assert found[number] == pytest.approx(passed / weight.sum(), abs=1e-12)


def test_metrics_at_the_cuts(tracks):
    resampling = PairResampling(tracks.weight, tracks.group, 1, replicates=20)
    found = efficiency_metrics(tracks, resampling)
    assert len(found) == 4 * 2 * len(CUTS)
    metric = found["delta_efficiency_pion_dll_k_above_5"]
    pions = tracks.members["pion"]
    weight = tracks.weight[pions]
    fractions = [
        (weight * (one[pions] > 5.0)).sum() / weight.sum()
        for one in tracks.pair("dll_k")
    ]
    assert metric.value == pytest.approx(fractions[0] - fractions[1], rel=1e-9)
    assert metric.z == pytest.approx(metric.value / metric.uncertainty)
    assert metric.floor == 0.0


def test_a_track_exactly_at_the_cut_does_not_pass():
    condition = made_tracks.conditions(400, species=["kaon", "pion"])
    zeros = np.zeros((400, 5), np.float32)
    tracks = Tracks(made_tracks.RICH, condition, zeros, zeros + 1e-6)
    resampling = PairResampling(tracks.weight, tracks.group, 1, replicates=2)
    found = efficiency_metrics(tracks, resampling)
    assert found["delta_efficiency_kaon_dll_k_above_0"].value == 1.0
    assert found["delta_efficiency_kaon_dll_k_above_5"].value == 0.0
