"""The numbers that a critic sees, against the observables of the evaluation."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from data import detectors, transforms
from losses import penalties
from metrics.observables import registry
from models.layers import tracks
from models.layers.image_summary import ImageSummary
from tests import synthetic

SPEC = detectors.get("ecal")
RESPONSE_PER_GEV = 150.0
THRESHOLDS_MEV = (1.0, 30.0)
EDGES_CM = (3.0, 8.0, 20.0)
PARTS = {
    "energy": 1, "centre": 2, "width": 2, "asymmetry": 2, "hottest": 1, "rings": 4,
    "counts": 8,
}  # fmt: skip
_CALIBRATION = {
    "response_per_gev": RESPONSE_PER_GEV,
    "energy_conditions": SPEC.energy_conditions,
}
TRANSFORMS = {
    "root": transforms.RootOfEnergy(1.2, **_CALIBRATION),
    "cubic root": transforms.RootOfEnergy(1.2, power=3.0, **_CALIBRATION),
    "power": transforms.PowerOfFraction(**_CALIBRATION),
    "spectrum": transforms.SpectrumTable(np.geomspace(1e-3, 1e4, 60), **_CALIBRATION),
}
ROOT = TRANSFORMS["root"]
# Added to the visible over the expected energy, by which moments are divided.
FADING = 1e-2


def _layer(fitted=ROOT):
    return ImageSummary(fitted, THRESHOLDS_MEV, EDGES_CM)


def _seen(condition):
    return tracks.Track(
        SPEC.positions_cm[..., :2], (0, 1, 2), (3, 4), SPEC.shower_depth_cm
    )(condition)


def _summary(response, condition, fitted=ROOT):
    encoded = fitted.encode(response, condition)
    numbers = np.asarray(_layer(fitted)(encoded, _seen(condition), condition))
    ends = np.cumsum(list(PARTS.values()))
    assert numbers.shape == (len(response), ends[-1])
    return dict(zip(PARTS, np.split(numbers, ends[:-1], axis=1), strict=True))


@pytest.fixture(scope="module")
def sample():
    return synthetic.sample(SPEC, 20)


@pytest.fixture(scope="module")
def values(sample):
    """The observables of the sample, by name."""
    known = registry.scalar_observables(SPEC)
    return registry.evaluate(known, sample.response, sample.condition)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_the_moments_are_those_of_the_evaluation(sample, values, name):
    found = _summary(sample.response, sample.condition, TRANSFORMS[name])
    energy = SPEC.incident_energy(sample.condition)
    total = values["visible_energy"] / (RESPONSE_PER_GEV * energy)
    fading = total / (total + FADING)
    expected = {"energy": 12.0 * (total - 1.0) * np.sqrt(energy)}
    expected["hottest"] = 16.0 * fading * values["maximum_cell_fraction"]
    for name, number in expected.items():
        np.testing.assert_allclose(found[name][:, 0], number, rtol=1e-3, atol=1e-3)
    for column, way in enumerate(("along", "across")):
        centre, width = values[f"centre_{way}"], values[f"width_{way}"]
        variance = fading * (width**2 + centre**2) - (fading * centre) ** 2
        expected = {
            "centre": 3.0 * fading * centre,
            "width": 3.5 * np.sqrt(variance + 1e-2),
            "asymmetry": 4.0 * fading * values[f"asymmetry_{way}"],
        }
        for name, number in expected.items():
            np.testing.assert_allclose(found[name][:, column], number, 1e-3, 6e-3)


def test_rings_share_energy_and_hits(sample):
    response, condition = sample.response, sample.condition
    found = _summary(response, condition)
    point = registry.track_point(SPEC, condition)
    displacement = SPEC.positions_cm[..., :2] - point[:, None, None]
    place = np.digitize(np.linalg.norm(displacement, axis=-1), EDGES_CM, right=True)
    energy = SPEC.incident_energy(condition)
    fraction = response / (RESPONSE_PER_GEV * energy)[:, None, None]
    borders = np.array([0.0, *THRESHOLDS_MEV]) ** 0.25
    root = response[..., None] ** 0.25
    steps = np.clip((root - borders[:-1]) / np.diff(borders), 0.0, 1.0)
    for ring in range(4):
        inside = place == ring
        assert inside.any()
        wanted = 16.0 * np.sqrt((fraction * inside).sum(axis=(1, 2)) + 1e-5)
        np.testing.assert_allclose(found["rings"][:, ring], wanted, rtol=1e-3)
        hits = (steps * inside[..., None]).sum(axis=(1, 2))
        counts = found["counts"].reshape(-1, 4, 2)[:, ring]
        np.testing.assert_allclose(counts, 2.0 * np.sqrt(hits + 0.5), rtol=1e-3)


def test_an_empty_image_has_finite_numbers_and_fades_to_zero():
    condition = np.array([[1.0, 2.0, 30.0, 0.1, 0.2]], np.float32)
    found = _summary(np.zeros((1, 30, 30), np.float32), condition)
    energy = np.linalg.norm(condition[:, :3])
    assert found["energy"][0, 0] == pytest.approx(-12.0 * np.sqrt(energy), rel=1e-5)
    for name in ("centre", "asymmetry", "hottest"):
        assert not found[name].any()
    np.testing.assert_allclose(found["width"], np.full((1, 2), 0.35), rtol=1e-5)
    no_hit = np.full((1, 8), 2.0 * np.sqrt(0.5))
    np.testing.assert_allclose(found["counts"], no_hit, 1e-5)


def _empty_and_full(sample):
    response = np.stack([np.zeros(SPEC.shape), *sample.response[:3]])
    return tf.constant(response, tf.float32), tf.constant(sample.condition[:4])


@pytest.mark.parametrize("name", TRANSFORMS)
def test_every_number_has_a_slope(sample, name):
    response, condition = _empty_and_full(sample)
    seen, layer = _seen(condition), _layer(TRANSFORMS[name])
    encoded = TRANSFORMS[name].encode(response, condition)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(encoded)
        numbers = tf.unstack(layer(encoded, seen, condition), axis=1)
    for number in numbers:
        slope = np.asarray(tape.gradient(number, encoded))
        assert np.isfinite(slope).all()
        assert slope[1:].any()


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("centre", [0.0, 1.0])
def test_the_slope_of_a_gradient_penalty_is_finite(sample, name, centre):
    response, condition = _empty_and_full(sample)
    seen, layer = _seen(condition), _layer(TRANSFORMS[name])
    encoded = TRANSFORMS[name].encode(response, condition)
    weight = tf.Variable(tf.ones(sum(PARTS.values())))
    with tf.GradientTape() as tape:
        tape.watch(encoded)
        penalty = penalties.gradient_penalty(
            lambda points: tf.linalg.matvec(layer(points, seen, condition), weight),
            encoded,
            tf.roll(encoded, 2, axis=0) * [[[0.0]], [[0.0]], [[1.0]], [[1.0]]],
            tf.constant([0.0, 0.3, 0.6, 1.0]),
            centre,
        )
    assert np.isfinite(penalty).all()
    for slope in tape.gradient(penalty, [weight, encoded]):
        assert np.isfinite(slope).all()
        assert np.any(slope)


def test_the_layer_is_made_again_from_its_configuration(sample):
    response, condition = sample.response[:2], sample.condition[:2]
    inputs = ROOT.encode(response, condition), _seen(condition), condition
    layer = _layer()
    saved = keras.saving.serialize_keras_object(layer)
    again = keras.saving.deserialize_keras_object(saved, safe_mode=True)
    np.testing.assert_array_equal(again(*inputs), layer(*inputs))
