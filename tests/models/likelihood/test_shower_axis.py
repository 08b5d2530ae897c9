"""The axis of showers, computed again with NumPy."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from data import detectors
from models.likelihood import shower_axis
from models.likelihood.shower_axis import ShowerAxis
from tests import synthetic

EVENTS = 50
ECAL, HGCAL = detectors.get("ecal"), detectors.get("hgcal")


def _axis(spec, condition):
    return shower_axis.of_detector(spec)(tf.constant(condition, tf.float32))


def _conditions(spec):
    return synthetic.conditions(spec, EVENTS, np.random.default_rng(1))


def _scaled_energy(energy, low, high):
    """Returns -1 at the lowest energy and 1 at the highest, linear in ln E."""
    return 2.0 * np.log(energy / low) / np.log(high / low) - 1.0


def _vectors(axis, *values):
    size = len(axis.core_cm)
    return tf.constant(np.tile(np.float32(values), (size, 1)))


def test_an_inclined_shower_is_expected_where_the_line_reaches_its_depth():
    condition = _conditions(ECAL)
    momentum, impact = condition[:, :3].astype(float), condition[:, 3:]
    energy = np.linalg.norm(momentum, axis=1)
    direction = momentum[:, :2] / energy[:, None]
    a, b = ECAL.shower_depth_cm
    core = impact + (a + b * np.log(energy))[:, None] * direction
    features = np.column_stack(
        [_scaled_energy(energy, 1.0, 100.001), impact / 0.5, 2.0 * direction]
    )
    axis = _axis(ECAL, condition)
    assert np.linalg.norm(core - impact, axis=1).max() > 3.0
    np.testing.assert_allclose(axis.energy_gev, energy, rtol=1e-6)
    np.testing.assert_allclose(axis.direction, direction, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(axis.core_cm, core, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(axis.features, features, rtol=1e-5, atol=1e-5)


def test_without_a_momentum_a_shower_is_upright():
    condition = _conditions(HGCAL)
    axis = _axis(HGCAL, condition)
    np.testing.assert_allclose(axis.energy_gev, condition[:, 0], rtol=1e-6)
    np.testing.assert_array_equal(axis.core_cm, condition[:, 1:])
    np.testing.assert_array_equal(axis.direction, np.zeros((EVENTS, 2)))
    expected = np.column_stack(
        [_scaled_energy(condition[:, 0], 20.0, 90.0), condition[:, 1:] / 4.0]
    )
    np.testing.assert_allclose(axis.features, expected, rtol=1e-5, atol=1e-5)


def test_without_an_impact_point_a_shower_is_expected_at_the_origin():
    spec = dataclasses.replace(
        HGCAL, condition_names=("energy_gev",), condition_units=("GeV",)
    )
    axis = _axis(spec, [[30.0], [60.0]])
    np.testing.assert_array_equal(axis.core_cm, np.zeros((2, 2)))
    assert axis.features.shape == (2, 1)


def test_a_shower_does_not_begin_before_the_calorimeter():
    axis = ShowerAxis([0, 1, 2], [], [1.0, 100.0], [], [], [-5.0, 2.0])
    momentum = 10.0 * np.float32([[0.6, 0.0, 0.8]])
    core = axis(tf.constant(momentum)).core_cm
    np.testing.assert_array_equal(core, [[0.0, 0.0]])
    later = ShowerAxis([0, 1, 2], [], [1.0, 100.0], [], [], [5.0, 0.0])
    found = later(tf.constant(momentum)).core_cm
    np.testing.assert_allclose(found, [[3.0, 0.0]], rtol=1e-6)


def test_far_outside_the_domain_features_stop_and_stay_finite():
    condition = np.float32([[1e9, 40.0, -40.0], [0.0, 0.0, 0.0]])
    axis = _axis(HGCAL, condition)
    np.testing.assert_array_equal(axis.features[0], [2.0, 2.0, -2.0])
    np.testing.assert_array_equal(axis.features[1], [-2.0, 0.0, 0.0])
    assert float(axis.energy_gev[1]) > 0.0


def test_conditions_that_never_vary_are_not_scaled():
    limits = tuple(dataclasses.replace(limit, low=limit.high) for limit in HGCAL.domain)
    axis = _axis(dataclasses.replace(HGCAL, domain=limits), [[90.0, 4.0, 5.0]])
    np.testing.assert_allclose(axis.features, [[0.0, 0.0, 1.0]], atol=1e-6)


def test_the_direction_is_what_along_means():
    axis = _axis(ECAL, _conditions(ECAL))
    size = np.linalg.norm(axis.direction, axis=1)
    along = axis.turned(axis.direction)
    np.testing.assert_allclose(along[:, 0], size, rtol=1e-5)
    np.testing.assert_allclose(along[:, 1], np.zeros(EVENTS), atol=1e-6)
    # Across is a quarter turn to the left.
    left = np.asarray(axis.direction)[:, ::-1] * [-1.0, 1.0]
    across = axis.turned(tf.constant(left, tf.float32))
    np.testing.assert_allclose(across[:, 0], np.zeros(EVENTS), atol=1e-6)
    np.testing.assert_allclose(across[:, 1], size, rtol=1e-5)


def test_turning_back_undoes_turning():
    axis = _axis(ECAL, _conditions(ECAL))
    shift = tf.constant(np.random.default_rng(2).normal(size=(EVENTS, 2)), tf.float32)
    turned = axis.turned(shift)
    assert np.abs(turned - shift).max() > 0.5
    np.testing.assert_allclose(axis.turned_back(turned), shift, atol=1e-6)
    np.testing.assert_allclose(axis.turned(axis.turned_back(shift)), shift, atol=1e-6)
    lengths = [np.linalg.norm(vector, axis=1) for vector in (turned, shift)]
    np.testing.assert_allclose(*lengths, rtol=1e-5)


def test_upright_showers_are_not_turned():
    axis = _axis(HGCAL, _conditions(HGCAL))
    shift = _vectors(axis, 0.3, -0.7)
    np.testing.assert_array_equal(axis.turned(shift), shift)
    np.testing.assert_array_equal(axis.turned_back(shift), shift)


@pytest.mark.parametrize("spec", [ECAL, HGCAL], ids=lambda spec: spec.name)
def test_an_axis_is_made_again_from_its_configuration(spec):
    axis = shower_axis.of_detector(spec)
    again = ShowerAxis(**axis.get_config())
    condition = tf.constant(_conditions(spec))
    for name in ("features", "energy_gev", "core_cm", "direction"):
        one, other = (getattr(made(condition), name) for made in (axis, again))
        np.testing.assert_array_equal(one, other)


def _without(spec, name):
    return tuple(limit for limit in spec.domain if limit.name != name)


def _changed(spec, name, **limits):
    return tuple(
        dataclasses.replace(one, **limits) if one.name == name else one
        for one in spec.domain
    )


@pytest.mark.parametrize(
    ("spec", "changes", "pattern"),
    [
        (HGCAL, {"domain": ()}, "no finite domain for energy_gev"),
        (ECAL, {"domain": _without(ECAL, "energy_gev")}, "domain for energy_gev"),
        (ECAL, {"domain": _without(ECAL, "impact_y_cm")}, "domain for impact_y_cm"),
        (
            HGCAL,
            {"domain": _changed(HGCAL, "impact_x_cm", high=np.inf)},
            "no finite domain for impact_x_cm.*add one",
        ),
        (
            HGCAL,
            {"domain": _changed(HGCAL, "energy_gev", low=0.0)},
            "has energies from 0 GeV.*needs more than 0",
        ),
        (
            ECAL,
            {"domain": _changed(ECAL, "energy_gev", low=-2.5)},
            "has energies from -2.5 GeV",
        ),
        (ECAL, {"shower_depth_cm": None}, "'ecal' has no shower_depth_cm"),
    ],
)
def test_a_detector_that_says_too_little_is_refused(spec, changes, pattern):
    with pytest.raises(ValueError, match=pattern):
        shower_axis.of_detector(dataclasses.replace(spec, **changes))


def test_an_upright_shower_needs_no_depth():
    assert HGCAL.shower_depth_cm is None
    assert shower_axis.of_detector(HGCAL).depth_cm == [0.0, 0.0]
