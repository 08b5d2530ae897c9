"""Weighted tracks, their species and their bins."""

import numpy as np
import pytest

from data.detectors import particles
from metrics.pid import track_pairs
from metrics.pid.track_pairs import Tracks
from metrics.statistics import weighted
from tests.metrics import made_tracks

RICH = made_tracks.RICH


def test_effective_tracks():
    assert weighted.effective_tracks(np.full(7, 0.3)) == pytest.approx(7.0)
    assert weighted.effective_tracks(np.array([2.0, 1.0, -1.0])) == pytest.approx(
        4.0 / 6.0
    )
    assert weighted.effective_tracks(np.array([1.0, -2.0])) == 0.0
    assert weighted.effective_tracks(np.array([])) == 0.0


def test_quantiles_of_signed_weights():
    values = np.array([5.0, 1.0, 3.0, 4.0, 2.0])
    weight = np.array([1.0, 1.0, -0.5, 1.5, 1.0])
    # Cumulative, by value: 1, 2, 1.5, 3, 4.
    found = weighted.weighted_quantiles(values, weight, [0.0, 0.25, 0.5, 0.6, 1.0])
    np.testing.assert_array_equal(found, [1.0, 1.0, 2.0, 4.0, 5.0])


def test_a_standard_deviation_without_the_background():
    random = np.random.default_rng(1)
    background = random.random(200_000) < 0.5
    values = random.normal(0.0, np.where(background, 6.0, 2.0)) + 1000.0
    weight = made_tracks.sweights(background, 2)
    assert weighted.weighted_scale(values, weight) == pytest.approx(2.0, rel=0.05)
    assert weighted.weighted_scale(np.ones(3), np.ones(3)) == 1.0


def test_the_grid_holds_equal_fractions_of_every_species_and_prints_its_edges():
    tracks = made_tracks.compared(30_000)
    grid = tracks.grid(3)
    assert grid.shape == (3, 3)
    momentum = tracks.column("momentum_gev")
    assert grid.momentum_gev[[0, -1]].tolist() == [momentum.min(), momentum.max()]
    # Logarithmically uniform from 3 to 90 GeV.
    expected = 3.0 * 30.0 ** np.array([1.0 / 3.0, 2.0 / 3.0])
    np.testing.assert_allclose(grid.momentum_gev[1:-1], expected, rtol=0.05)
    for edge in [*grid.momentum_gev[1:-1], *grid.pseudorapidity[1:-1]]:
        assert float(f"{edge:.3g}") == edge
    place = grid.place(momentum, tracks.column("pseudorapidity"))
    assert set(place) == set(range(9))
    first = place // 3 == 0
    np.testing.assert_array_equal(first, momentum < grid.momentum_gev[1])
    np.testing.assert_array_equal(
        place % 3 == 2, tracks.column("pseudorapidity") >= grid.pseudorapidity[2]
    )
    assert grid.texts(5)[0].startswith(f"{grid.momentum_gev[1]:.3g} to ")
    assert grid.texts(5)[1].startswith(f"{grid.pseudorapidity[2]:.3g} to ")


def test_a_grid_of_the_middle_leaves_out_both_tails_equally():
    tracks = made_tracks.compared(20_000, weighted=False)
    grid = tracks.grid(2, central=0.5)
    # Logarithmically uniform from 3 to 90 GeV, and uniform from 2 to 4.8.
    np.testing.assert_allclose(
        grid.momentum_gev, 3.0 * 30.0 ** np.array([0.25, 0.5, 0.75]), rtol=0.05
    )
    np.testing.assert_allclose(grid.pseudorapidity, [2.7, 3.4, 4.1], rtol=0.02)
    low, _, high = grid.momentum_gev
    momentum = np.array([low, 0.99 * low, high, 1.01 * high, low])
    pseudorapidity = np.array([3.0, 3.0, 3.0, 3.0, 4.5])
    np.testing.assert_array_equal(
        grid.inside(momentum, pseudorapidity), [True, False, True, False, False]
    )


def test_the_mixture_of_species_does_not_move_the_grid():
    tracks = made_tracks.compared(4_000, weighted=False)
    pions = np.flatnonzero(tracks.condition[:, 3] == 211)
    more = np.concatenate([np.arange(len(tracks)), pions, pions])
    pair = tracks.reference[more], tracks.generated[more]
    again = Tracks(RICH, tracks.condition[more], *pair)
    for one, other in zip(
        (tracks.grid(3).momentum_gev, tracks.grid(3).pseudorapidity),
        (again.grid(3).momentum_gev, again.grid(3).pseudorapidity),
        strict=True,
    ):
        np.testing.assert_allclose(one, other, rtol=1e-2)


def test_species():
    sample = made_tracks.contaminated(2_000)
    few = np.flatnonzero(sample.condition[:, 3] == 13)[50:]
    kept = np.setdiff1d(np.arange(2_000), few)
    tracks = Tracks(
        RICH,
        sample.condition[kept],
        sample.response[kept],
        sample.response[kept],
        sample.weight[kept],
    )
    assert list(tracks.members) == ["electron", "pion", "kaon", "proton"]
    assert tracks.sparse == ["muon"]
    assert list(tracks.hypotheses) == ["kaon", "proton", "electron"]
    for name, members in tracks.members.items():
        assert set(tracks.condition[members, 3]) == {particles.pdg_code(name)}
        assert tracks.balanced_weight()[members].sum() == pytest.approx(1.0)
    of_kaons = track_pairs.of_species(RICH, ["kaon", "proton"])
    np.testing.assert_array_equal(
        of_kaons(tracks.condition), np.isin(tracks.condition[:, 3], [321, 2212])
    )
    assert track_pairs.of_species(RICH, None)(tracks.condition).all()


def test_without_pions_there_are_no_hypotheses():
    tracks = made_tracks.compared(1_000, species=["kaon"])
    assert tracks.hypotheses == {}


def test_mistakes_are_refused():
    condition = made_tracks.conditions(10)
    response = made_tracks.responses(condition, 1)
    with pytest.raises(ValueError, match="one shape"):
        Tracks(RICH, condition, response, response[:5])
    condition[3, 3] = 411.0
    with pytest.raises(ValueError, match="species_pdg 411 is not a species"):
        Tracks(RICH, condition, response, response)


def test_histograms_of_signed_weights():
    values = np.array([0.5, 0.5, 1.5, 9.0])
    weight = np.array([1.0, -0.5, 2.0, 1.5])
    fraction, error = weighted.normalised_histogram(values, weight, np.arange(3.0))
    np.testing.assert_allclose(fraction, [0.125, 0.5])
    np.testing.assert_allclose(error, [np.sqrt(1.25) / 4.0, 0.5])
