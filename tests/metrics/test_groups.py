"""Groups of events of equal energy."""

import numpy as np

from metrics.groups import beams, choose, strata


def test_one_group_per_beam_energy():
    np.testing.assert_array_equal(strata(np.array([20.0, 90.0, 20.0])), [0, 1, 0])


def test_deciles_of_a_continuous_spectrum():
    groups = strata(np.random.default_rng(1).exponential(10.0, 1000))
    np.testing.assert_array_equal(np.bincount(groups), np.full(10, 100))


def test_equal_shares_as_far_as_they_go_round():
    groups = np.repeat([0, 1, 2], [5, 50, 50])
    chosen = choose(groups, 45, seed=3)
    assert np.all(np.diff(chosen) > 0)
    np.testing.assert_array_equal(np.bincount(groups[chosen]), [5, 20, 20])
    assert len(choose(groups, 1000, seed=3)) == 105
    np.testing.assert_array_equal(chosen, choose(groups, 45, seed=3))
    assert np.any(chosen != choose(groups, 45, seed=4))


def test_beams_know_what_was_trained():
    energy = np.array([20.0, 70.0, 20.0, 90.0])
    found = beams(energy, [20.0, 90.0])
    assert [(one.energy_gev, one.trained) for one in found] == [
        (20.0, True),
        (70.0, False),
        (90.0, True),
    ]
    np.testing.assert_array_equal(found[0].events, [0, 2])
    assert found[1].name == "70gev"
    assert found[1].label == "70 GeV, never trained on"
    assert found[0].label == "20 GeV"
    assert all(one.trained is None for one in beams(energy))


def test_a_detector_without_energy_has_one_beam():
    (beam,) = beams(np.zeros(4))
    assert (beam.name, beam.label, len(beam.events)) == ("all", "all events", 4)
