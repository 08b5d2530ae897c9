"""Everything that is measured of tracks, together."""

import numpy as np
import pytest

from metrics.pid import measure_tracks
from metrics.pid.track_pairs import Tracks
from tests.metrics import made_tracks

TRACKS = 4_000


@pytest.fixture(scope="module")
def perfect():
    return [
        measure_tracks.everything(made_tracks.compared(TRACKS, 1_000 * seed), {}, 0)
        for seed in range(3)
    ]


def test_a_perfect_generator_stays_at_its_floor(perfect):
    kinds = {}
    for report in perfect:
        for name, metric in report.metrics.items():
            kinds.setdefault(name.partition("_")[0], []).append(metric.z)
    assert set(kinds) == {"wasserstein", "kolmogorov", "correlation", "delta"}
    for name, z in kinds.items():
        # Far fewer are independent than there are.
        assert abs(np.mean(z)) < 0.7, name
        assert np.std(z) < 1.4, name
        assert np.abs(z).max() < 5.0, name


def test_a_shift_of_half_the_width_is_seen(perfect):
    shifted = made_tracks.compared(TRACKS, shift=0.5 * made_tracks.WIDTH)
    metrics = measure_tracks.everything(shifted, {}, 0).metrics
    for species in shifted.members:
        for component in shifted.spec.component_names:
            name = f"wasserstein_{species}_{component}"
            assert metrics[name].value > perfect[0].metrics[name].value
    z = [m.z for n, m in metrics.items() if n.startswith("wasserstein_")]
    assert np.mean(z) > 3.0
    assert metrics["delta_efficiency_pion_dll_k_above_0"].value > 0.03
    # All likelihoods of all species move together: that separates as before.
    assert abs(metrics["delta_auc_kaon_pion"].z) < 4.0


def test_a_generator_that_separates_too_well_is_seen():
    tracks = made_tracks.compared(TRACKS)
    kaons = tracks.members["kaon"]
    tracks.generated[kaons, 0] += 3.0
    metrics = measure_tracks.everything(tracks, {}, 0).metrics
    assert metrics["delta_auc_kaon_pion"].value > 0.03
    assert metrics["delta_auc_kaon_pion"].z > 5.0
    assert abs(metrics["delta_auc_muon_pion"].z) < 4.0


def test_a_copy_of_the_mixture_is_not_the_signal():
    """A generator that learnt the background too is far from the weighted sample."""
    sample = made_tracks.contaminated(TRACKS)
    mixture = made_tracks.contaminated(TRACKS, seed=50).response
    tracks = Tracks(
        made_tracks.RICH, sample.condition, sample.response, mixture, sample.weight
    )
    metrics = measure_tracks.everything(tracks, {}, 0).metrics
    assert metrics["wasserstein_kaon_dll_k"].z > 2.0


def test_the_untrained_network_is_measured_in_the_same_halves():
    tracks = made_tracks.compared(TRACKS, weighted=False)
    report = measure_tracks.everything(tracks, {}, 3, tracks)
    assert len(report.untrained) == 25
    for name, value in report.untrained.items():
        assert report.metrics[f"wasserstein_{name}"].value == value
        assert report.factors[name] == 1.0


def test_what_is_measured_per_epoch_is_a_part_of_the_report():
    tracks = made_tracks.compared(TRACKS)
    report, quick = (
        measure_tracks.everything(tracks, {}, 5),
        measure_tracks.per_epoch(tracks, 5),
    )
    assert set(quick) <= set(report.metrics)
    assert {"wasserstein_pion_dll_bt", "correlation_muon", "delta_auc_proton_pion"} <= (
        set(quick)
    )
    for name, metric in quick.items():
        assert metric.value == pytest.approx(report.metrics[name].value, rel=1e-12)
        assert metric.floor == pytest.approx(report.metrics[name].floor, rel=1e-12)
        assert metric.uncertainty == 0.0


def test_one_species_alone():
    tracks = made_tracks.compared(600, species=["kaon"])
    report = measure_tracks.everything(tracks, {}, 0)
    assert len(report.metrics) == 2 * 5 + 1
    assert all("kaon" in name for name in report.metrics)
    assert report.curves == []
    assert report.bins == []
    assert report.notes == [
        "Not measured: AUCs and efficiencies need pions and another species."
    ]


def test_sparse_species_leave_a_note():
    tracks = made_tracks.compared(3_000, weighted=False)
    muons = tracks.members["muon"]
    kept = np.setdiff1d(np.arange(len(tracks)), muons[40:])
    fewer = Tracks(
        made_tracks.RICH,
        tracks.condition[kept],
        tracks.reference[kept],
        tracks.generated[kept],
    )
    report = measure_tracks.everything(fewer, {}, 0)
    assert report.notes == ["Not measured, fewer than 100 effective tracks: muon."]
    assert not any("muon" in name for name in report.metrics)


def test_too_few_tracks_are_refused():
    tracks = made_tracks.compared(80)
    with pytest.raises(ValueError, match=r"fewer than 100 effective tracks.*among 80"):
        measure_tracks.everything(tracks, {}, 0)
    assert measure_tracks.per_epoch(tracks, 0) == {}
