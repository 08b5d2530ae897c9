"""A selection of phi -> K+ K- with generated and reference likelihoods."""

import numpy as np
import pytest
from scipy.stats import norm

from metrics.pid import measure_tracks
from metrics.pid.phi_decays import phi_decays
from metrics.pid.phi_selection import (
    DECAY_SEED,
    NAMES,
    NUMBER_OF_DECAYS,
    PHI_CUTS,
    SCANNED_CUTS,
    phi_selection,
)
from metrics.pid.track_pairs import Tracks
from metrics.pid.track_resampling import PairResampling
from tests.metrics import made_tracks

BOTH = ("kaon", "pion")


def _measured(tracks, replicates=10):
    resampling = PairResampling(tracks.weight, tracks.group, 1, replicates=replicates)
    return phi_selection(tracks, resampling)


def test_every_pair_of_two_different_tracks_by_hand():
    """With few tracks there is one bin, and every decay the same."""
    tracks = made_tracks.compared(600, shift=1.0, species=BOTH)
    found = _measured(tracks)
    assert found.bins == 1
    assert (tracks.weight < 0.0).any()
    for species in NAMES:
        members = tracks.members[species]
        pairs = np.outer(tracks.weight[members], tracks.weight[members])
        np.fill_diagonal(pairs, 0.0)
        for values, name in zip(
            tracks.pair("dll_k"), ("generated", "reference"), strict=True
        ):
            passed = values[members] > 2.0
            expected = (pairs * np.outer(passed, passed)).sum() / pairs.sum()
            value, uncertainty = found.passing[species].ends(2.0)[name]
            assert value == pytest.approx(expected, abs=1e-12)
            assert uncertainty > 0.0


def test_closed_forms_with_signed_weights(monkeypatch):
    monkeypatch.setattr("metrics.pid.phi_selection.TRACKS_IN_BIN", 300)
    shift = 0.9
    found = _measured(made_tracks.compared(16_000, shift=shift, species=BOTH), 20)
    assert found.bins >= 16
    assert found.covered > 0.9
    metrics = found.metrics
    for species, mean in (("kaon", 2.0), ("pion", -2.0)):
        for cut in PHI_CUTS:
            ends = found.passing[species].ends(cut)
            truth = {
                "reference": norm.sf(cut, mean, made_tracks.WIDTH) ** 2,
                "generated": norm.sf(cut, mean + shift, made_tracks.WIDTH) ** 2,
            }
            for name, (value, uncertainty) in ends.items():
                assert abs(value - truth[name]) < 5.0 * uncertainty + 1e-3
            metric = metrics[f"delta_phi_{NAMES[species]}_above_{cut:g}"]
            assert metric.value == ends["generated"][0] - ends["reference"][0]
            assert metric.z == pytest.approx(metric.value / metric.uncertainty)
            assert metric.floor == 0.0
            assert metric.floor_uncertainty == pytest.approx(
                np.sqrt(2.0) * ends["reference"][1]
            )
    assert metrics["delta_phi_efficiency_above_2"].z > 3.0


def test_the_reference_against_itself_is_at_the_floor():
    tracks = made_tracks.compared(1_000, species=BOTH)
    same = tracks.reference
    copy = Tracks(tracks.spec, tracks.condition, same, same, tracks.weight)
    for metric in _measured(copy).metrics.values():
        assert metric.value == metric.uncertainty == metric.z == 0.0
        assert metric.floor_uncertainty > 0.0


def test_kaons_are_looked_up_at_their_own_momenta(monkeypatch):
    """Only fast tracks pass: the fraction is that of decays with two such."""
    monkeypatch.setattr("metrics.pid.phi_selection.TRACKS_IN_BIN", 60)
    tracks = made_tracks.compared(8_000, weighted=False, species=BOTH)
    momentum = tracks.column("momentum_gev")
    # An even number of bins has an edge here.
    fast = float(np.median(momentum))
    tracks.reference[:, 0] = np.where(momentum > fast, 9.0, -9.0)
    tracks.generated[:, 0] = -tracks.reference[:, 0]
    found = _measured(tracks, 2)
    momenta = phi_decays(NUMBER_OF_DECAYS, DECAY_SEED).momentum_gev
    for name, both in (("reference", momenta > fast), ("generated", momenta < fast)):
        value, _ = found.passing["kaon"].ends(0.0)[name]
        assert value == pytest.approx(both.all(axis=1).mean(), abs=0.03)
    place = list(SCANNED_CUTS).index(0.0)
    by_momentum = found.passing["kaon"].reference[1:, place, 0]
    assert (np.diff(found.phi_momentum_gev) > 0.0).all()
    assert by_momentum[0] == pytest.approx(0.0, abs=1e-12)
    assert by_momentum[-1] > 0.8


def test_nothing_without_tracks_where_the_kaons_are():
    assert _measured(made_tracks.compared(600, species=["kaon"])) is None
    tracks = made_tracks.compared(1_500, weighted=False, species=BOTH)
    kept = tracks.column("momentum_gev") > 50.0
    fast = Tracks(
        tracks.spec,
        tracks.condition[kept],
        tracks.reference[kept].astype(np.float32),
        tracks.generated[kept].astype(np.float32),
    )
    report = measure_tracks.everything(fast, {}, 0)
    assert report.phi is None
    assert not any("phi" in name for name in report.metrics)
    [note] = report.notes
    assert note.startswith("Not measured: the selection of phi -> K+ K-")
