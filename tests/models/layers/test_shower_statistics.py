"""The statistics that are drawn, against the observables of the evaluation."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from data import detectors
from data.transforms.spectrum_table import SpectrumTable
from metrics.observables import registry
from models.layers.shower_statistics import LayeredStatistics
from models.networks import building_blocks
from models.networks.compact_generator import image_statistics
from tests import synthetic

KNOTS = np.geomspace(1e-3, 1e4, 60)
THRESHOLDS = {"hgcal": (2.0, 10.0), "ecal": (1.0, 10.0, 100.0)}
HALF = 0.5


def _statistics(name):
    spec = detectors.get(name)
    table = SpectrumTable(
        KNOTS, response_per_gev=30.0, energy_conditions=spec.energy_conditions
    )
    if name == "ecal":
        return spec, table, image_statistics(spec, table, THRESHOLDS[name])
    return spec, table, LayeredStatistics(
        table,
        spec.positions_cm[:, :, 0, :2],
        building_blocks.impact_conditions(spec),
        THRESHOLDS[name],
        spec.shape[2],
    )  # fmt: skip


def _found(name, events=12):
    spec, table, statistics = _statistics(name)
    sample = synthetic.sample(spec, events)
    response = np.where(sample.response > 0.3, sample.response, 0.0).astype(np.float32)
    counted = statistics.layers + len(statistics.thresholds)
    dither = np.full((events, counted), HALF, np.float32)
    encoded = table.encode(response, sample.condition)
    numbers = np.asarray(statistics(encoded, sample.condition, dither))
    known = registry.scalar_observables(spec) + registry.layer_observables(spec)
    values = registry.evaluate(known, response, sample.condition)
    return spec, statistics, sample.condition, response, numbers, values


@pytest.fixture(scope="module", params=["hgcal", "ecal"])
def found(request):
    return _found(request.param)


def test_energy_and_hits_are_those_of_the_evaluation(found):
    spec, statistics, condition, response, numbers, values = found
    energy = spec.incident_energy(condition)
    deviation = (values["visible_energy"] / (30.0 * energy) - 1.0) * np.sqrt(energy)
    np.testing.assert_allclose(numbers[:, 0], deviation, rtol=1e-3, atol=1e-3)
    layered = response.reshape(len(response), *spec.shape[:2], -1)
    hits = (layered > 0.0).sum(axis=(1, 2))
    layers = statistics.layers
    np.testing.assert_allclose(numbers[:, 1 : 1 + layers] ** 2 - HALF, hits, atol=1e-3)
    above = numbers[:, statistics.fixed :][:, : len(statistics.thresholds)] ** 2 - HALF
    for column, threshold in zip(above.T, statistics.thresholds, strict=True):
        wanted = (response > threshold).reshape(len(response), -1).sum(axis=1)
        np.testing.assert_allclose(column, wanted, atol=1e-3)


def test_drawn_statistics_give_energies_and_hits_back(found):
    spec, statistics, condition, response, numbers, _ = found
    energies, counts = statistics.layers_of(tf.constant(numbers), condition)
    layered = response.reshape(len(response), *spec.shape[:2], -1)
    np.testing.assert_array_equal(counts, (layered > 0.0).sum(axis=(1, 2)))
    wanted = layered.sum(axis=(1, 2))
    np.testing.assert_allclose(energies, wanted, rtol=1e-3, atol=1e-3)


def _shape(found):
    _, statistics, _, _, numbers, values = found
    return numbers[:, statistics.fixed + len(statistics.thresholds) :], values


def test_the_shape_in_layers():
    shape, values = _shape(_found("hgcal"))
    wanted = [
        np.log(values["radius"] + 1e-2),
        values["centre_x"],
        values["centre_y"],
        np.log(values["maximum_cell_fraction"] + 1e-3),
    ]
    # The centre of the evaluation is relative to the impact point too.
    np.testing.assert_allclose(shape, np.stack(wanted, axis=1), rtol=1e-3, atol=1e-3)


def test_the_shape_of_an_image():
    shape, values = _shape(_found("ecal"))
    wanted = [
        values["centre_along"],
        values["centre_across"],
        0.5 * np.log(values["width_along"] ** 2 + 1e-2),
        0.5 * np.log(values["width_across"] ** 2 + 1e-2),
        values["asymmetry_along"],
        values["asymmetry_across"],
        np.log(values["radius"] + 1e-2),
        np.log(values["maximum_cell_fraction"] + 1e-3),
        np.log(values["central_energy_fraction"] + 1e-3),
    ]
    np.testing.assert_allclose(shape, np.stack(wanted, axis=1), rtol=2e-3, atol=2e-3)


def test_layers_without_hits_have_no_energy_and_the_rest_is_shared():
    _, _, statistics = _statistics("hgcal")
    drawn = np.zeros((2, len(statistics.typical[0])), np.float32)
    drawn[0, [2, 4]] = 2.1
    drawn[:, 8:14] = np.random.default_rng(1).normal(size=(2, 6))
    condition = np.array([[20.0, 0.0, 0.0]] * 2, np.float32)
    energies, counts = (
        np.asarray(part) for part in statistics.layers_of(drawn, condition)
    )
    np.testing.assert_array_equal(counts, [[0, 4, 0, 4, 0, 0, 0], [0] * 7])
    np.testing.assert_array_equal(energies > 0.0, counts > 0.0)
    assert energies[0].sum() == pytest.approx(600.0, rel=1e-5)
    fraction = 1.0 / (1.0 + np.exp(-drawn[0, 9]))
    assert energies[0, 1] == pytest.approx(600.0 * fraction, rel=1e-4)


@pytest.mark.parametrize("name", ["hgcal", "ecal"])
def test_every_statistic_is_finite_for_an_empty_shower_and_has_a_slope(name):
    spec, table, statistics = _statistics(name)
    sample = synthetic.sample(spec, 3)
    response = np.stack([np.zeros(spec.shape), *sample.response[:2]])
    encoded = table.encode(tf.constant(response, tf.float32), sample.condition)
    counted = statistics.layers + len(statistics.thresholds)
    dither = np.full((3, counted), HALF, np.float32)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(encoded)
        numbers = statistics(encoded, sample.condition, dither)
        columns = tf.unstack(numbers, axis=1)
    assert np.isfinite(numbers).all()
    for number, column in enumerate(columns):
        slope = tape.gradient(column, encoded)
        if 1 <= number < 1 + statistics.layers:
            assert not np.any(slope)
            continue
        assert np.isfinite(slope).all()
        assert np.any(slope)


def test_the_layers_are_made_again_from_their_configuration(found):
    _, statistics, condition, response, numbers, _ = found
    saved = keras.saving.serialize_keras_object(statistics)
    again = keras.saving.deserialize_keras_object(saved, safe_mode=True)
    counted = statistics.layers + len(statistics.thresholds)
    dither = np.full((len(response), counted), HALF, np.float32)
    encoded = again.transform.encode(response, condition)
    np.testing.assert_array_equal(again(encoded, condition, dither), numbers)
