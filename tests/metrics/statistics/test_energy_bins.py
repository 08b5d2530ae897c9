"""Groups of events of equal energy."""

import numpy as np
import pytest

from metrics.statistics.energy_bins import (
    EnergyBin,
    choose,
    energy_bins,
    merged,
    strata,
)


def test_one_group_per_energy():
    np.testing.assert_array_equal(strata(np.array([20.0, 90.0, 20.0])), [0, 1, 0])


def test_deciles_of_a_continuous_spectrum():
    groups = strata(np.random.default_rng(1).exponential(10.0, 1000))
    np.testing.assert_array_equal(np.bincount(groups), np.full(10, 100))


def test_equal_numbers_as_far_as_they_go_round():
    groups = np.repeat([0, 1, 2], [5, 50, 50])
    chosen = choose(groups, 45, seed=3)
    assert np.all(np.diff(chosen) > 0)
    np.testing.assert_array_equal(np.bincount(groups[chosen]), [5, 20, 20])
    assert len(choose(groups, 1000, seed=3)) == 105
    np.testing.assert_array_equal(chosen, choose(groups, 45, seed=3))
    assert np.any(chosen != choose(groups, 45, seed=4))


def test_energy_bins_know_what_was_trained():
    energy = np.array([20.0, 70.0, 20.0, 90.0])
    found = energy_bins(energy, [20.0, 90.0])
    assert [(one.energy_gev, one.trained) for one in found] == [
        (20.0, True),
        (70.0, False),
        (90.0, True),
    ]
    np.testing.assert_array_equal(found[0].events, [0, 2])
    assert found[1].name == "70gev"
    assert found[1].label == "70 GeV, never trained on"
    assert found[0].label == "20 GeV"
    assert all(one.trained is None for one in energy_bins(energy))


def test_a_detector_without_energy_has_one_energy_bin():
    (energy_bin,) = energy_bins(np.zeros(4))
    assert (energy_bin.name, energy_bin.label, len(energy_bin.events)) == (
        "all",
        "all events",
        4,
    )


def test_energy_bins_of_a_continuous_spectrum_say_their_ranges():
    # From 1 to 100 GeV, uniform in the logarithm.
    energy = np.geomspace(1.0, 100.0, 1000)
    found = energy_bins(np.random.default_rng(1).permutation(energy))
    assert [one.energy_label for one in found] == [
        "1.0 to 1.6 GeV",
        "1.6 to 2.5 GeV",
        "2.5 to 4.0 GeV",
        "4.0 to 6.3 GeV",
        "6.3 to 10.0 GeV",
        "10 to 16 GeV",
        "16 to 25 GeV",
        "25 to 40 GeV",
        "40 to 63 GeV",
        "63 to 100 GeV",
    ]
    # The keys of metrics.json go on naming the mean.
    mean = energy[:100].mean()
    assert found[0].name == f"{mean:.3g}gev" == "1.27gev"
    assert found[0].range_gev == pytest.approx((1.0, energy[99]))


@pytest.mark.parametrize(
    ("ends", "label"),
    [
        ((40.0, 40.5), "40.0 to 40.5 GeV"),
        ((0.0, 0.25), "0.00 to 0.25 GeV"),
        ((99.6, 250.0), "100 to 250 GeV"),
    ],
)
def test_the_ends_of_a_range_are_told_apart(ends, label):
    energy_bin = EnergyBin(sum(ends) / 2, np.arange(3), trained=False, range_gev=ends)
    assert energy_bin.energy_label == label
    assert energy_bin.label == f"{label}, never trained on"


def test_momenta_of_one_beam_are_one_group():
    random = np.random.default_rng(1)
    direction = random.normal(size=(300, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    momentum = (np.repeat([20.0, 90.0], 150)[:, None] * direction).astype(np.float32)
    energy = np.linalg.norm(momentum.astype(np.float64), axis=1)
    assert len(np.unique(energy)) > 20
    assert [one.label for one in energy_bins(energy)] == ["20 GeV", "90 GeV"]


def test_merged_bins_know_their_energies_and_events():
    energy = np.array([20.0, 30.0, 50.0, 70.0, 20.0])
    found = energy_bins(energy, [20.0, 30.0, 50.0])
    low, high = merged(found, 2)
    np.testing.assert_array_equal(low.events, [0, 1, 4])
    assert low.energy_gev == pytest.approx(70.0 / 3.0)
    assert low.label == "20 to 30 GeV"
    assert (low.trained, high.trained) == (True, None)
    assert high.range_gev == (50.0, 70.0)
    assert merged(found, 9) == found
    sizes = [len(one.events) for one in merged(energy_bins(np.arange(1.0, 91.0)), 3)]
    assert sizes == [36, 27, 27]
