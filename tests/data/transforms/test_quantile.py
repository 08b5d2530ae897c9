"""The quantile transform to normal numbers."""

import json

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from data import transforms
from data.detectors import get
from data.transforms import quantile
from data.transforms.quantile import QuantileNormal

SPEC = get("rich")
EVENTS = 20_000


def _response():
    """Five components: with an atom, skewed, normal, of one sign, and with a gap."""
    random = np.random.default_rng(1)
    atom = np.where(random.random(EVENTS) < 0.2, 0.0, random.normal(-5.0, 8.0, EVENTS))
    skewed = np.exp(random.normal(1.0, 1.0, EVENTS)) - 5.0
    normal = random.normal(3.0, 2.0, EVENTS)
    positive = 1.0 + random.exponential(2.0, EVENTS)
    gap = random.normal(0.0, 1.0, EVENTS)
    gap += 10.0 * np.sign(gap)
    columns = [atom, skewed, normal, positive, gap]
    return np.column_stack(columns).astype(np.float32)


RESPONSE = _response()
CONDITION = np.zeros((EVENTS, 4), np.float32)


@pytest.fixture(scope="module")
def fitted():
    return transforms.fit("quantile", RESPONSE, CONDITION, SPEC)


def test_encoded_numbers_are_standard_normal(fitted):
    encoded = np.array(fitted.encode(RESPONSE, CONDITION))
    for component in range(1, 5):
        distance = scipy.stats.kstest(encoded[:, component], "norm").statistic
        # Nothing lies in the gap, which takes up a knot on each side of 0.
        assert distance < (0.015 if component == 4 else 0.01), component
    not_zero = RESPONSE[:, 0] != 0.0
    fraction = np.mean(encoded[:, 0] < fitted.plateaus[0, 0])
    assert fraction == pytest.approx(np.mean(RESPONSE[:, 0] < 0.0), abs=0.005)
    assert len(np.unique(encoded[~not_zero, 0])) == 1


def test_decode_is_the_inverse_of_encode(fitted):
    encoded = fitted.encode(RESPONSE, CONDITION)
    decoded = np.array(fitted.decode(encoded, CONDITION))
    np.testing.assert_allclose(decoded, RESPONSE, rtol=1e-5, atol=2e-4)
    np.testing.assert_array_equal(decoded == 0.0, RESPONSE == 0.0)


def test_beyond_the_events_both_directions_go_on(fitted):
    far = 10.0 * RESPONSE[:100]
    back = fitted.decode(fitted.encode(far, CONDITION[:100]), CONDITION[:100])
    np.testing.assert_allclose(back, far, rtol=1e-4, atol=1e-3)
    ends = np.array(fitted.decode(np.full((1, 5), 30.0, np.float32), CONDITION[:1]))
    assert np.all(ends > RESPONSE.max(axis=0))


def test_decode_increases_outside_the_plateau_and_is_zero_inside(fitted):
    line = np.linspace(-9.0, 9.0, 3001, dtype=np.float32)
    decoded = np.array(fitted.decode(np.tile(line[:, None], (1, 5)), None))
    assert np.all(np.diff(decoded, axis=0) >= 0.0)
    low, high = fitted.plateaus.T
    inside = (line[:, None] >= low) & (line[:, None] <= high)
    np.testing.assert_array_equal(decoded == 0.0, inside)
    outside = ~inside[1:] & ~inside[:-1]
    assert np.all(np.diff(decoded, axis=0)[outside] > 0.0)


def test_the_plateau_is_as_wide_as_its_fraction(fitted):
    low, high = fitted.plateaus[0]
    fraction = scipy.stats.norm.cdf(high) - scipy.stats.norm.cdf(low)
    assert fraction == pytest.approx(0.2, abs=0.01)
    np.testing.assert_array_equal(fitted.plateaus[1:, 0], fitted.plateaus[1:, 1])


def test_a_small_atom_gets_a_plateau_that_can_be_hit():
    response = RESPONSE.copy()
    response[:20, 2] = 0.0
    low, high = transforms.fit("quantile", response, CONDITION, SPEC).plateaus[2]
    assert high - low == pytest.approx(0.03)


def test_signed_weights_fit_the_signal():
    random = np.random.default_rng(2)
    is_signal = random.random(EVENTS) < 0.5
    response = RESPONSE.copy()
    response[:, 2] = np.where(
        is_signal, random.normal(4.0, 1.0, EVENTS), random.normal(-4.0, 3.0, EVENTS)
    )
    weight = np.where(is_signal, 1.0, 0.0) + random.normal(0.0, 0.7, EVENTS)
    assert np.mean(weight < 0.0) > 0.2
    fitted = transforms.fit("quantile", response, CONDITION, SPEC, weight)
    encoded = np.array(fitted.encode(response, CONDITION))[is_signal, 2]
    assert encoded.mean() == pytest.approx(0.0, abs=0.06)
    assert encoded.std() == pytest.approx(1.0, abs=0.06)
    decoded = fitted.decode(fitted.encode(response, CONDITION), CONDITION)
    np.testing.assert_allclose(decoded, response, rtol=1e-5, atol=2e-4)


def test_constants_survive_the_configuration(fitted):
    text = json.dumps(fitted.get_config())
    loaded = QuantileNormal.from_config(json.loads(text))
    np.testing.assert_array_equal(loaded.knots, fitted.knots)
    encoded = fitted.encode(RESPONSE[:50], None)
    np.testing.assert_array_equal(loaded.encode(RESPONSE[:50], None), encoded)
    archived = keras.saving.serialize_keras_object(fitted)
    again = keras.saving.deserialize_keras_object(archived)
    np.testing.assert_array_equal(
        again.decode(encoded, None), loaded.decode(encoded, None)
    )


def test_gradients_of_decode_are_the_slopes(fitted):
    encoded = tf.constant([[1.0, -1.3, 0.4, 2.0, -0.7]])
    with tf.GradientTape() as tape:
        tape.watch(encoded)
        total = tf.reduce_sum(fitted.decode(encoded, None))
    step = 1e-3
    higher, lower = (fitted.decode(encoded + sign * step, None) for sign in (1, -1))
    expected = (higher - lower) / (2.0 * step)
    np.testing.assert_allclose(tape.gradient(total, encoded), expected, rtol=0.05)


def test_what_cannot_be_fitted():
    with pytest.raises(ValueError, match="fewer than three different values besides 0"):
        transforms.fit("quantile", 0.0 * RESPONSE, CONDITION, SPEC)
    with pytest.raises(ValueError, match="must be positive, is -20000"):
        transforms.fit("quantile", RESPONSE, CONDITION, SPEC, -np.ones(EVENTS))


def test_impossible_constants():
    grid = quantile._grid()
    QuantileNormal([grid], [(0.0, 0.0)])
    with pytest.raises(ValueError, match=r"knots need shape \(components, 449\)"):
        QuantileNormal([grid[1:]], [(0.0, 0.0)])
    with pytest.raises(ValueError, match=r"plateaus need shape \(1, 2\)"):
        QuantileNormal([grid], [(0.0, 0.0)] * 2)
    with pytest.raises(ValueError, match="knots must increase strictly"):
        QuantileNormal([np.abs(grid)], [(0.0, 0.0)])
    with pytest.raises(ValueError, match="knots must increase strictly, through 0"):
        QuantileNormal([grid + 1.0], [(0.0, 0.0)])
    with pytest.raises(ValueError, match="must not end before it begins"):
        QuantileNormal([grid], [(0.5, 0.0)])


def test_cells_are_refused():
    spec = get("ecal")
    response = np.ones((4, *spec.shape), np.float32)
    with pytest.raises(ValueError, match=r"transform=quantile.*have shape \(30"):
        QuantileNormal.fit(response, np.ones((4, 5), np.float32), spec)
