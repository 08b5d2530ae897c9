"""sPlot: its identities, what it leaves of a sample, and the weights of hepstats."""

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from data.events import DataError
from data.simulation import splot

MODEL = splot.MassModel(1.865, 0.008, 5.0, 1.805, 1.925)
# Weights of hepstats 0.10.1, `splot.compute_sweights`, for the masses of `grid` and the
# yields below, with SciPy's densities.
HEPSTATS_YIELDS = (238.0307160425845, 161.9692839574155)
HEPSTATS_WEIGHTS = {
    0: 1.1229832616649786,
    37: 1.1114889718019527,
    74: -0.43746168423424747,
    111: 0.9347691150165112,
    148: -0.4376627180391136,
    185: 1.0405941038029414,
    222: 1.1029289805892457,
    259: 1.122393441469523,
    296: 1.1200714034436945,
    333: -0.4277758990329039,
    370: 1.031028540214713,
}


def masses_gev(uniform, is_signal):
    """Masses of MODEL from uniform numbers."""
    limits = np.array([MODEL.low_gev, MODEL.high_gev])
    low, high = stats.norm.cdf((limits - MODEL.peak_gev) / MODEL.width_gev)
    normal = stats.norm.ppf(low + uniform * (high - low))
    signal = MODEL.peak_gev + MODEL.width_gev * normal
    fall = np.expm1(-MODEL.slope_per_gev * (limits[1] - limits[0]))
    background = limits[0] - np.log1p(uniform * fall) / MODEL.slope_per_gev
    return np.where(is_signal, signal, background)


def grid():
    """400 masses without random numbers: multiples of the golden ratio."""
    number = np.arange(400)
    uniform = (0.5 + number * (np.sqrt(5) - 1) / 2) % 1
    return masses_gev(uniform, number % 5 < 3)


@pytest.fixture(scope="module")
def mixture():
    """14,000 signal and 6,000 background masses, and which is which."""
    random = np.random.default_rng(1)
    is_signal = np.arange(20_000) < 14_000
    return masses_gev(random.random(20_000), is_signal), is_signal


def test_densities_integrate_to_one():
    mass = np.linspace(MODEL.low_gev, MODEL.high_gev, 20_001)
    integral = integrate.simpson(MODEL.densities(mass), x=mass, axis=0)
    np.testing.assert_allclose(integral, 1.0, rtol=1e-9)
    narrow = splot.MassModel(1.8, 0.01, 0.0, 1.8, 1.81)
    mass = np.linspace(1.8, 1.81, 20_001)
    integral = integrate.simpson(narrow.densities(mass), x=mass, axis=0)
    np.testing.assert_allclose(integral, 1.0, rtol=1e-9)


def test_weights_are_those_of_hepstats():
    fitted = splot.fit(grid(), MODEL)
    np.testing.assert_allclose(fitted.yields, HEPSTATS_YIELDS, rtol=1e-9)
    found = fitted.weights(grid())[list(HEPSTATS_WEIGHTS), 0]
    np.testing.assert_allclose(found, list(HEPSTATS_WEIGHTS.values()), rtol=1e-8)


@pytest.mark.parametrize("shapes", [False, True])
def test_identities(mixture, shapes):
    """The sums of the weights and of their squares, and of each candidate's two."""
    fitted = splot.fit(mixture[0], MODEL, shapes=shapes)
    weights = fitted.weights(mixture[0])
    np.testing.assert_allclose(weights.sum(axis=0), fitted.yields, rtol=1e-9)
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, rtol=1e-9)
    np.testing.assert_allclose(weights.T @ weights, fitted.covariance, rtol=1e-9)
    np.testing.assert_allclose(fitted.covariance.sum(axis=1), fitted.yields, rtol=1e-9)


def test_yields_maximise_the_likelihood(mixture):
    fitted = splot.fit(mixture[0], MODEL)
    densities = MODEL.densities(mixture[0])

    def log_likelihood(yields):
        return np.sum(np.log(densities @ yields)) - np.sum(yields)

    best = log_likelihood(fitted.yields)
    for step in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, -1), (-1, 1)):
        assert log_likelihood(fitted.yields + step) < best


def test_yields_are_recovered(mixture):
    fitted = splot.fit(mixture[0], MODEL)
    pull = (fitted.yields[0] - 14_000) / np.sqrt(fitted.covariance[0, 0])
    assert abs(pull) < 3
    assert 0.15 < np.mean(fitted.weights(mixture[0])[:, 0] < 0) < 0.25


def test_shapes_are_recovered_from_a_start_elsewhere(mixture):
    start = splot.MassModel(1.862, 0.012, 0.0, MODEL.low_gev, MODEL.high_gev)
    found = splot.fit(mixture[0], start, shapes=True).model
    error_gev = MODEL.width_gev / np.sqrt(14_000)
    assert abs(found.peak_gev - MODEL.peak_gev) < 4 * error_gev
    assert abs(found.width_gev - MODEL.width_gev) < 4 * error_gev
    assert abs(found.slope_per_gev - MODEL.slope_per_gev) < 2.0
    assert type(found.peak_gev) is float


def test_control_variables_are_those_of_each_component(mixture):
    """A variable independent of the mass in each: mean and width are recovered."""
    mass, is_signal = mixture
    random = np.random.default_rng(2)
    signal, background = random.normal((2.0, -1.0), (0.5, 1.5), (len(mass), 2)).T
    control = np.where(is_signal, signal, background)
    weights = splot.fit(mass, MODEL).weights(mass)
    for column, (mean, width) in enumerate(((2.0, 0.5), (-1.0, 1.5))):
        weight = weights[:, column]
        for values, expected in ((control, mean), ((control - mean) ** 2, width**2)):
            found = np.average(values, weights=weight)
            error = np.sqrt(np.sum((weight * (values - found)) ** 2)) / weight.sum()
            assert abs(found - expected) < 4 * error
            assert abs(found - expected) < 0.1 * abs(values.mean() - expected)


def test_a_variable_that_depends_on_the_mass_is_biased(mixture):
    """Why independence matters: the background's slope with mass stays."""
    mass, is_signal = mixture
    control = np.where(is_signal, 0.0, 1.0 + 1e3 * (mass - MODEL.peak_gev) ** 2)
    weight = splot.fit(mass, MODEL).weights(mass)[:, 0]
    assert abs(np.average(control, weights=weight)) > 0.1


@pytest.mark.parametrize(
    ("mass", "message"),
    [
        (np.full(5, 1.865), "at least 20 candidates"),
        (np.full((20, 2), 1.865), r"shape \(20, 2\)"),
        (np.full(20, 1.7), "mass 1.7 GeV is outside 1.805 to 1.925"),
        (np.full(20, np.nan), "mass nan GeV is outside"),
        (np.full(50, 1.865), "without signal or without background"),
        (np.full(50, 1.81), "without signal or without background"),
    ],
)
def test_masses_without_weights_are_refused(mass, message):
    with pytest.raises(DataError, match=message):
        splot.fit(mass, MODEL)


def test_a_fit_that_does_not_end_is_refused(mixture, monkeypatch):
    stuck = optimize.OptimizeResult(status=1, fun=0.0, message="too many steps")
    monkeypatch.setattr(optimize, "minimize", lambda *_, **__: stuck)
    with pytest.raises(DataError, match=r"does not end \(too many steps\)"):
        splot.fit(mixture[0], MODEL, shapes=True)


@pytest.mark.parametrize(("width_gev", "high_gev"), [(0.0, 2.0), (0.1, 1.8)])
def test_shapes_that_are_none_are_refused(width_gev, high_gev):
    with pytest.raises(ValueError, match="needs low_gev < high_gev and width_gev > 0"):
        splot.MassModel(1.9, width_gev, 1.0, 1.8, high_gev)
