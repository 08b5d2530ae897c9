"""The ring-imaging toy: closed forms of its physics, and the tracks it is given."""

import numpy as np
import pytest
from scipy import stats

from common import rounding
from data import detectors
from data.detectors import particles
from data.simulation.rich import kinematics, toy
from data.simulation.rich.radiator import RADIATORS

C4F10, CF4 = RADIATORS
MASS_GEV = dict(zip(particles.NAMES, particles.MASSES_GEV, strict=True))
COLUMNS = ("kaon", "muon", "electron", "proton")
ONLY_RICH1, ONLY_RICH2, BOTH, NEITHER = 2.5, 4.6, 3.5, 4.899


def tracks(species, momentum_gev, pseudorapidity=BOTH, number_of_tracks=150, num=2000):
    """The same track many times."""
    code = particles.pdg_code(species)
    return np.tile([momentum_gev, pseudorapidity, number_of_tracks, code], (num, 1))


def auc(signal, background):
    ranks = stats.mannwhitneyu(signal, background).statistic
    return ranks / (len(signal) * len(background))


def expected_dll(radiator, species, hypothesis, condition):
    """The mean of log L_h - log L_pion, integrated over the density of photons."""
    momentum_gev, pseudorapidity, number_of_tracks = condition
    slope = radiator.background_per_mrad2(number_of_tracks, pseudorapidity)
    angle = np.linspace(1.0, radiator.window_mrad, 200_001)

    def signal(name):
        mass_gev = MASS_GEV.get(name, np.inf)
        mean = float(radiator.mean_photons(momentum_gev, mass_gev))
        ring = float(radiator.angle_mrad(momentum_gev, mass_gev))
        return mean, mean * stats.norm.pdf(angle, ring, radiator.resolution_mrad)

    background = slope * angle
    own, (mean, found), (pion_mean, pion) = map(signal, (species, hypothesis, "pion"))
    ratio = np.log((found + background) / (pion + background))
    integral = np.trapezoid((own[1] + background) * ratio, angle)
    return pion_mean - mean + integral


@pytest.fixture(scope="module")
def channels():
    """Conditions and likelihoods of the calibration channels."""
    found = {}
    for name in particles.NAMES:
        condition = kinematics.conditions(20_000, 1, name)
        found[name] = condition, toy.simulate(condition, 1)
    return found


@pytest.mark.parametrize(
    ("radiator", "species", "threshold_gev"),
    [
        (C4F10, "pion", 2.6),
        (C4F10, "kaon", 9.3),
        (C4F10, "proton", 17.7),
        (CF4, "pion", 4.4),
        (CF4, "kaon", 15.6),
        (CF4, "proton", 29.7),
    ],
)
def test_thresholds(radiator, species, threshold_gev):
    mass_gev = MASS_GEV[species]
    found = radiator.threshold_gev(mass_gev)
    assert found == pytest.approx(threshold_gev, abs=0.05)
    assert radiator.mean_photons(found * 0.999, mass_gev) == 0
    assert radiator.mean_photons(found * 1.001, mass_gev) > 0


@pytest.mark.parametrize(("radiator", "photons"), [(C4F10, 20), (CF4, 16)])
def test_angle_and_yield(radiator, photons):
    mass_gev, momentum_gev = MASS_GEV["kaon"], 35.0
    beta = momentum_gev / np.hypot(momentum_gev, mass_gev)
    angle = np.arccos(1 / (radiator.refractive_index * beta))
    saturated = np.arccos(1 / radiator.refractive_index)
    assert radiator.angle_mrad(momentum_gev, mass_gev) == pytest.approx(1e3 * angle)
    expected = photons * (np.sin(angle) / np.sin(saturated)) ** 2
    assert radiator.mean_photons(momentum_gev, mass_gev) == pytest.approx(expected)
    assert radiator.mean_photons(1e6, mass_gev) == pytest.approx(photons)


def test_acceptance():
    """Polar angles of 25 to 300 and of 15 to 120 mrad."""
    pseudorapidity = -np.log(
        np.tan(np.array([14, 16, 24, 26, 119, 121, 299, 301]) / 2e3)
    )
    assert C4F10.accepts(pseudorapidity).tolist() == [0, 0, 0, 1, 1, 1, 1, 0]
    assert CF4.accepts(pseudorapidity).tolist() == [0, 1, 1, 1, 1, 0, 0, 0]


@pytest.mark.parametrize(
    ("radiator", "pseudorapidity"), [(C4F10, ONLY_RICH1), (CF4, ONLY_RICH2)]
)
@pytest.mark.parametrize(
    ("species", "momentum_gev"),
    [("pion", 12.0), ("kaon", 30.0), ("kaon", 8.0), ("proton", 45.0), ("muon", 6.0)],
)
def test_mean_likelihoods(radiator, pseudorapidity, species, momentum_gev):
    """Yields, resolutions and background of the simulation, against an integral.

    Arcs, visible parts and common errors do not change the mean density of photons.
    """
    condition = (momentum_gev, pseudorapidity, 150)
    found = toy.simulate(tracks(species, *condition, num=20_000), 5)
    error = found.std(axis=0, dtype=np.float64) / np.sqrt(len(found))
    for column, hypothesis in enumerate((*COLUMNS, "below threshold")):
        expected = expected_dll(radiator, species, hypothesis, condition)
        difference = abs(found[:, column].mean(dtype=np.float64) - expected)
        assert difference < 4 * error[column] + 1e-3, hypothesis


@pytest.mark.parametrize("momentum_gev", [3.0, 8.0, 20.0, 50.0])
@pytest.mark.parametrize("species", COLUMNS)
def test_the_true_hypothesis_is_the_better_one(species, momentum_gev):
    """Gibbs: no other density describes the photons better, on average."""
    found = toy.simulate(tracks(species, momentum_gev), 2)
    mine = found[:, COLUMNS.index(species)].astype(np.float64)
    pions = toy.simulate(tracks("pion", momentum_gev), 2).astype(np.float64)
    error = 3 * mine.std() / np.sqrt(len(mine))
    assert mine.mean() > -error
    assert pions[:, COLUMNS.index(species)].mean() < error


def test_hypotheses_below_threshold_are_exactly_equal():
    found = toy.simulate(tracks("kaon", 8.0), 3)
    k, mu, e, p, bt = found.T
    np.testing.assert_array_equal(k, bt)
    np.testing.assert_array_equal(p, bt)
    assert (np.stack([mu, e, bt]) != 0).all()
    above = toy.simulate(tracks("kaon", 9.5), 3)
    assert (above[:, 0] != above[:, 4]).all()
    np.testing.assert_array_equal(above[:, 3], above[:, 4])


def test_nothing_to_distinguish_is_exactly_zero():
    below = toy.simulate(tracks("kaon", 2.5, ONLY_RICH1), 3)
    assert (below[:, [0, 3, 4]] == 0).all()
    assert (below[:, [1, 2]] != 0).all()
    assert not np.signbit(below[:, 0]).any()
    assert (toy.simulate(tracks("pion", 30.0, NEITHER), 3) == 0).all()


def test_one_gas_sees_what_the_other_does_not():
    """At 5 GeV a pion radiates in both gases; in RICH1 alone it does at 3 GeV too."""
    assert (toy.simulate(tracks("pion", 3.0, ONLY_RICH1), 3)[:, 4] != 0).all()
    assert (toy.simulate(tracks("pion", 3.0, ONLY_RICH2), 3)[:, 4] == 0).all()
    assert (toy.simulate(tracks("pion", 5.0, ONLY_RICH2), 3)[:, 4] != 0).all()


def test_background_hides_rings():
    separations = [
        auc(
            toy.simulate(tracks("kaon", 30.0, number_of_tracks=number), 4)[:, 0],
            toy.simulate(tracks("pion", 30.0, number_of_tracks=number), 5)[:, 0],
        )
        for number in (20, 200, 500)
    ]
    assert (np.diff(separations) < -0.003).all()


def test_rings_come_together(channels):
    """Kaons and pions, and much earlier muons and pions, at high momentum."""

    def separation(species, column, low_gev, high_gev):
        scores = []
        for name in (species, "pion"):
            condition, response = channels[name]
            chosen = (condition[:, 0] > low_gev) & (condition[:, 0] < high_gev)
            scores.append(response[chosen, column])
        return auc(*scores)

    assert separation("kaon", 0, 10, 40) > 0.99
    assert separation("kaon", 0, 80, 100) < 0.9
    assert separation("muon", 1, 2, 5) > 0.95
    assert abs(separation("muon", 1, 60, 100) - 0.5) < 0.05


def test_efficiencies_are_near_the_published_ones(channels):
    """95 % and 10 % at DLLk > 0, 85 % and 3 % at DLLk > 5."""
    kaons, pions = (channels[name][1][:, 0] for name in ("kaon", "pion"))
    assert (kaons > 0).mean() == pytest.approx(0.93, abs=0.01)
    assert (pions > 0).mean() == pytest.approx(0.07, abs=0.01)
    assert (kaons > 5).mean() == pytest.approx(0.825, abs=0.015)
    assert (pions > 5).mean() == pytest.approx(0.022, abs=0.005)


def test_pieces_and_jobs_change_nothing():
    condition = kinematics.conditions(2 * toy.CHUNK_TRACKS + 100, 7, "kaon")
    whole = toy.simulate(condition, 7)
    assert whole.dtype == np.float32
    np.testing.assert_array_equal(toy.simulate(condition, 7, jobs=3), whole)
    start = toy.CHUNK_TRACKS
    later = toy.simulate(condition[start:], 7, first_chunk=1)
    np.testing.assert_array_equal(later, whole[start:])
    assert (toy.simulate(condition[:100], 8) != whole[:100]).any()
    assert (toy.simulate(condition[:100], 7, first_chunk=1) != whole[:100]).any()


@pytest.mark.parametrize(
    ("column", "value", "shown"),
    [(0, 0.0, "0.0"), (1, np.nan, "nan"), (2, 0.0, "0.0"), (3, 22.0, "22.0")],
)
def test_impossible_tracks_are_refused(column, value, shown):
    condition = tracks("pion", 10.0, num=3)
    condition[1, column] = value
    with pytest.raises(ValueError, match="track 1 has") as caught:
        toy.simulate(condition, 1)
    assert shown in str(caught.value)


@pytest.mark.parametrize("shape", [(0, 4), (3, 3), (4,)])
def test_conditions_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"shape \(tracks, 4\), received"):
        toy.simulate(np.ones(shape), 1)


@pytest.mark.parametrize("options", [{"jobs": 0}, {"first_chunk": -1}])
def test_impossible_options_are_refused(options):
    with pytest.raises(ValueError, match="at least"):
        toy.simulate(tracks("pion", 10.0, num=3), 1, **options)


def test_tracks_are_those_of_the_domain(channels):
    detector = detectors.get("rich")
    for name, (condition, _) in channels.items():
        assert condition.dtype == np.float32
        assert np.asarray(detector.in_domain(condition)).all()
        assert (condition[:, 3] == particles.pdg_code(name)).all()
        assert 140 < condition[:, 2].mean() < 200
        assert len(np.unique(condition, axis=0)) > 0.99 * len(condition)


def test_channels_overlap_but_differ(channels):
    momenta = [condition[:, 0] for condition, _ in channels.values()]
    for first, one in enumerate(momenta):
        low, high = np.quantile(one, [0.05, 0.95])
        for other in momenta[first + 1 :]:
            assert stats.ks_2samp(one, other).pvalue < 0.05
            assert np.mean((other > low) & (other < high)) > 0.5


def test_tracks_are_rounded(channels):
    condition = channels["kaon"][0]
    momentum_gev = condition[:, 0]
    np.testing.assert_array_equal(rounding.rounded(momentum_gev, 9), momentum_gev)
    assert (rounding.rounded(momentum_gev, 8) != momentum_gev).any()
    assert (condition[:, 1] % 2.0**-8 == 0).all()
    assert (condition[:, 2] % 1 == 0).all()


def test_a_seed_gives_the_same_tracks():
    one = kinematics.conditions(300, 1, "muon")
    np.testing.assert_array_equal(kinematics.conditions(300, 1, "muon"), one)
    np.testing.assert_array_equal(kinematics.conditions(100, 1, "muon"), one[:100])
    assert (kinematics.conditions(300, 2, "muon") != one).any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((1, 1, "tau"), "unknown species 'tau'"), ((1, -1, "pion"), "received 1 and -1")],
)
def test_unknown_tracks_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        kinematics.conditions(*arguments)
