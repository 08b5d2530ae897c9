"""Objectives against their definitions."""

import dataclasses

import numpy as np
import pytest

from losses import adversarial

REAL = np.array([-2.0, 0.0, 0.5, 3.0])
FAKE = np.array([1.0, -0.5, 0.0, -4.0])
WEIGHT = np.array([1.0, 2.0, 0.5, -1.0])


def _sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


CLOSED_FORMS = {
    "wasserstein": (FAKE - REAL, -FAKE),
    "bce": (
        -np.log(_sigmoid(REAL)) - np.log(1.0 - _sigmoid(FAKE)),
        -np.log(_sigmoid(FAKE)),
    ),
    "hinge": (np.maximum(0.0, 1.0 - REAL) + np.maximum(0.0, 1.0 + FAKE), -FAKE),
}


def _float32(*arrays):
    return [array.astype(np.float32) for array in arrays]


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_closed_forms(name):
    objective = adversarial.get(name)
    critic, generator = CLOSED_FORMS[name]
    real, fake, one = _float32(REAL, FAKE, np.ones(4))
    np.testing.assert_allclose(objective.critic(real, fake, one), critic, rtol=1e-5)
    np.testing.assert_allclose(objective.generator(fake, one), generator, rtol=1e-5)


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_signed_weights_multiply_each_event(name):
    objective = adversarial.get(name)
    critic, generator = CLOSED_FORMS[name]
    real, fake, weight = _float32(REAL, FAKE, WEIGHT)
    np.testing.assert_allclose(
        objective.critic(real, fake, weight), WEIGHT * critic, rtol=1e-5
    )
    np.testing.assert_allclose(
        objective.generator(fake, weight), WEIGHT * generator, rtol=1e-5
    )


@pytest.mark.parametrize("name", ["bce"])
def test_large_scores_stay_finite(name):
    objective = adversarial.get(name)
    large, one = _float32(np.array([-1e4, 1e4]), np.ones(2))
    assert np.isfinite(objective.critic(large, large, one)).all()
    assert np.isfinite(objective.generator(large, one)).all()


def test_an_unknown_objective_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="unknown objective 'lsgan'; known: wass"):
        adversarial.get("lsgan")


def test_an_objective_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        adversarial.get("hinge").critic = None
