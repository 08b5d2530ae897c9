"""Transforms: invertible, zero stays zero, constants from the training data."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from data import detectors, transforms
from data.transforms.quantile import QuantileNormal
from data.transforms.spectrum_table import SpectrumTable

SPEC = detectors.get("hgcal")
TYPICAL_CELL_MIP = 1.0
EVENTS = 3

# Numbers like those of a fit to the showers of the HGCAL prototype.
INSTANCES = {
    "identity": transforms.Identity(),
    "linear": transforms.EnergyPerGev(48.0),
    "log": transforms.LogOnePlus(),
    "box_cox": transforms.BoxCox(0.3),
    "box_cox, almost a logarithm": transforms.BoxCox(0.01),
    "box_cox, almost linear": transforms.BoxCox(0.99),
    "box_cox, linear": transforms.BoxCox(1.0),
    "power": transforms.PowerOfFraction(48.0),
    "power of a momentum": transforms.PowerOfFraction(0.2, (0, 1, 2), power=3.0),
    "root": transforms.RootOfEnergy(1.5, response_per_gev=48.0),
    "cubic root": transforms.RootOfEnergy(0.8, power=3.0),
    "spectrum": SpectrumTable(np.geomspace(1e-3, 1e3, 50), response_per_gev=48.0),
    "steep and flat spectrum": SpectrumTable([0.01, 0.011, 5.0, 5.05, 700.0]),
}

# At a knot, a rounding of 2e-7 of a flat line is read off a line 300 times as steep.
RELATIVE = {"steep and flat spectrum": 1e-4}

cells = st.just(0.0) | st.floats(2.0**-20, 2.0**14, width=32)
responses = hnp.arrays(np.float32, (EVENTS, 3, 2, 2), elements=cells)
energies = hnp.arrays(np.float32, EVENTS, elements=st.floats(1.0, 200.0, width=32))


def _conditions(energy):
    return np.stack([energy, 0.5 * energy, np.full_like(energy, -1.0)], axis=1)


def test_every_transform_is_tested():
    # Of likelihoods, not of cells: in a file of its own.
    tested = {type(instance) for instance in INSTANCES.values()} | {QuantileNormal}
    assert tested == set(transforms.TRANSFORMS.values())


@pytest.mark.parametrize("name", INSTANCES)
@given(response=responses, energy=energies)
def test_decode_inverts_encode_and_zero_stays_zero(name, response, energy):
    condition = _conditions(energy)
    encoded = np.asarray(INSTANCES[name].encode(response, condition))
    decoded = np.asarray(INSTANCES[name].decode(encoded, condition))
    relative = RELATIVE.get(name, 1e-5)
    np.testing.assert_allclose(
        decoded, response, rtol=relative, atol=1e-6 * TYPICAL_CELL_MIP
    )
    np.testing.assert_array_equal(encoded == 0.0, response == 0.0)
    np.testing.assert_array_equal(decoded == 0.0, response == 0.0)


@pytest.mark.parametrize("name", INSTANCES)
def test_encoding_keeps_the_order(name):
    energies = np.geomspace(1e-3, 1e4, 50, dtype=np.float32).reshape(1, 50, 1, 1)
    condition = _conditions(np.array([32.0], np.float32))
    encoded = np.asarray(INSTANCES[name].encode(energies, condition))
    assert np.all(np.diff(encoded.ravel()) > 0.0)


def test_closed_forms():
    response = np.array([[1.0, 15.0]], np.float32)
    condition = np.array([[20.0, 0.0, 0.0]], np.float32)
    expected = {
        "identity": response,
        "log": np.log([[2.0, 16.0]]),
        "box_cox": (np.array([[2.0, 16.0]]) ** 0.3 - 1.0) / 0.3,
        "power": (response / (48.0 * 20.0)) ** 0.25,
        "root": (response / 1.5) ** 0.25,
        "cubic root": (response / 0.8) ** (1.0 / 3.0),
    }
    for name, wanted in expected.items():
        encoded = INSTANCES[name].encode(response, condition)
        np.testing.assert_allclose(encoded, wanted, rtol=1e-5)


def test_the_power_takes_the_norm_of_a_momentum():
    response = np.array([[2.0]], np.float32)
    condition = np.array([[2.0, 3.0, 6.0]], np.float32)
    encoded = INSTANCES["power of a momentum"].encode(response, condition)
    np.testing.assert_allclose(encoded, (2.0 / (0.2 * 7.0)) ** (1.0 / 3.0), rtol=1e-6)


def _showers(random, events=200):
    condition = np.zeros((events, 3), np.float32)
    condition[:, 0] = random.choice([20.0, 50.0, 90.0], events)
    response = random.exponential(1.0, (events, *SPEC.shape)) * SPEC.cells
    return response.astype(np.float32), condition


def test_the_power_transform_knows_the_mean_response_per_gev():
    response, condition = _showers(np.random.default_rng(1))
    fitted = transforms.fit("power", response, condition, SPEC)
    wanted = response.sum(dtype=np.float64) / condition[:, 0].sum(dtype=np.float64)
    assert fitted.response_per_gev == pytest.approx(wanted, rel=1e-5)
    encoded = np.asarray(fitted.encode(response, condition))
    fractions = np.sum(encoded.astype(np.float64) ** 4, axis=(1, 2, 3))
    mean_fraction = np.average(fractions, weights=condition[:, 0])
    assert mean_fraction == pytest.approx(1.0, rel=1e-4)


def test_the_root_knows_the_typical_hit_and_the_mean_response_per_gev():
    response, condition = _showers(np.random.default_rng(1))
    # The median of an exponential distribution is its mean times ln 2.
    fitted = transforms.fit("root", 2.5 * response, condition, SPEC)
    assert fitted.hit == pytest.approx(2.5 * np.log(2.0), rel=0.02)
    fractions = transforms.fit("power", 2.5 * response, condition, SPEC)
    assert fitted.response_per_gev == fractions.response_per_gev
    assert fitted.energy_conditions == SPEC.energy_conditions


def test_the_root_of_a_hit_is_the_same_in_every_shower():
    response = np.full((2, 1, 1), 24.0, np.float32)
    condition = _conditions(np.array([1.0, 90.0], np.float32))
    encoded = np.asarray(INSTANCES["root"].encode(response, condition))
    np.testing.assert_allclose(encoded, np.full((2, 1, 1), 2.0), rtol=1e-6)


@pytest.mark.parametrize("rank", [2, 3, 4])
@pytest.mark.parametrize(
    "kind", [transforms.PowerOfFraction, transforms.RootOfEnergy, SpectrumTable]
)
def test_the_expected_response(kind, rank):
    fitted = kind(response_per_gev=30.0, energy_conditions=(2, 0, 1))
    condition = np.array([[3.0, 0.0, 4.0], [2.0, 3.0, 6.0]], np.float32)
    expected = np.asarray(fitted.expected_response(condition, rank))
    assert expected.shape == (2,) + (1,) * (rank - 1)
    np.testing.assert_allclose(np.ravel(expected), [150.0, 210.0], rtol=1e-6)


@pytest.mark.parametrize("exponent", [0.1, 0.3, 0.7])
def test_box_cox_finds_the_exponent_that_makes_cells_normal(exponent):
    random = np.random.default_rng(1)
    normal = random.normal(4.0, 0.8, 20_000)
    response = np.expm1(np.log1p(exponent * normal) / exponent)
    response = np.concatenate([response, np.zeros(20_000)]).astype(np.float32)
    fitted = transforms.BoxCox.fit(response, np.zeros((40_000, 3)), SPEC)
    assert fitted.exponent == pytest.approx(exponent, abs=0.03)


@pytest.mark.parametrize("name", ["identity", "log"])
def test_transforms_without_constants_fit_anything(name):
    response, condition = _showers(np.random.default_rng(1), 2)
    fitted = transforms.fit(name, response, condition, SPEC)
    assert type(fitted) is transforms.TRANSFORMS[name]


@pytest.mark.parametrize("name", INSTANCES)
def test_a_saved_transform_is_the_same_transform(name):
    saved = keras.saving.serialize_keras_object(INSTANCES[name])
    restored = keras.saving.deserialize_keras_object(saved, safe_mode=True)
    response = np.linspace(0.0, 500.0, 24, dtype=np.float32).reshape(EVENTS, 2, 2, 2)
    condition = _conditions(np.array([20.0, 50.0, 90.0], np.float32))
    encoded = np.asarray(INSTANCES[name].encode(response, condition))
    np.testing.assert_array_equal(restored.encode(response, condition), encoded)
    np.testing.assert_array_equal(
        restored.decode(encoded, condition), INSTANCES[name].decode(encoded, condition)
    )


def test_an_unknown_transform_is_refused_with_the_known_ones():
    response, condition = _showers(np.random.default_rng(1), 2)
    with pytest.raises(ValueError, match="unknown transform 'sine'; known: identity"):
        transforms.fit("sine", response, condition, SPEC)


@pytest.mark.parametrize("name", ["box_cox", "power", "root"])
def test_empty_showers_fix_no_constants(name):
    response, condition = _showers(np.random.default_rng(1), 2)
    with pytest.raises(ValueError, match=r"are all zero|are the training responses"):
        transforms.fit(name, 0.0 * response, condition, SPEC)


@pytest.mark.parametrize("exponent", [0.0, -0.5, 1.5])
def test_an_exponent_without_an_inverse_is_refused(exponent):
    with pytest.raises(ValueError, match=r"exponent must be in \(0, 1\]"):
        transforms.BoxCox(exponent)


@pytest.mark.parametrize("hit", [0.0, -1.0, np.nan])
def test_a_hit_without_energy_is_refused(hit):
    with pytest.raises(ValueError, match="hit must be positive, received"):
        transforms.RootOfEnergy(hit)


@pytest.mark.parametrize(
    "kind", [transforms.PowerOfFraction, transforms.RootOfEnergy, SpectrumTable]
)
def test_a_calibration_without_response_is_refused(kind):
    with pytest.raises(ValueError, match="response_per_gev must be positive, received"):
        kind(response_per_gev=0.0)
