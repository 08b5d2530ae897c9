"""What networks see of a track."""

import keras
import numpy as np
import pytest

from data.detectors import particles
from models.layers.track_features import TrackFeatures

RANGES = ((2.0, 100.0), (2.0, 5.0), (0.0, 400.0))
GAS = (1.0014, 1.62, 25.0, 300.0)
KAON, PION = particles.pdg_code("kaon"), particles.pdg_code("pion")


def _features(condition, radiators=(GAS,), species=particles.PDG_CODES):
    layer = TrackFeatures(RANGES, species, radiators)
    return np.array(layer(np.array(condition, np.float32)))


def test_ends_of_the_ranges_are_one():
    found = _features([[2.0, 5.0, 0.0, KAON], [100.0, 2.0, 400.0, KAON]], ())
    np.testing.assert_allclose(found[:, :3], [[-1, 1, -1], [1, -1, 1]], atol=1e-6)
    middle = _features([[np.sqrt(200.0), 3.5, 200.0, KAON]], ())
    np.testing.assert_allclose(middle[:, :3], 0.0, atol=1e-6)


def test_species_are_told_apart():
    found = _features([[10.0, 3.0, 100.0, code] for code in particles.PDG_CODES], ())
    np.testing.assert_array_equal(found[:, 3:], np.eye(5))
    alone = _features([[10.0, 3.0, 100.0, KAON], [10.0, 3.0, 100.0, PION]], (), (KAON,))
    assert alone[:, 3:].tolist() == [[1.0], [0.0]]


@pytest.mark.parametrize("name", ["pion", "kaon", "proton"])
def test_a_ring_begins_at_its_threshold(name):
    """A particle radiates from m / sqrt(n^2 - 1) on, and a light one radiates fully."""
    number = particles.NAMES.index(name)
    threshold = particles.MASSES_GEV[number] / np.sqrt(GAS[0] ** 2 - 1.0)
    momenta = [0.99 * threshold, 1.01 * threshold, 1e4]
    found = _features([[momentum, 3.0, 100.0, KAON] for momentum in momenta])
    below, above, far = found[:, 8 + number]
    assert below == 0.0
    assert 0.0 < above < 0.05
    assert far == pytest.approx(1.0, abs=1e-3)


def test_separation_from_the_pion():
    momentum = 20.0
    (found,) = _features([[momentum, 3.0, 100.0, KAON]])
    masses = np.array(particles.MASSES_GEV)
    cosine = np.sqrt(1.0 + (masses / momentum) ** 2) / GAS[0]
    angle_mrad = 1e3 * np.arccos(cosine)
    kaon, pion = (particles.NAMES.index(name) for name in ("kaon", "pion"))
    expected = np.log1p(((angle_mrad[kaon] - angle_mrad[pion]) / GAS[1]) ** 2)
    # The pion itself has no column.
    assert found[8 + 5 + kaon - 1] == pytest.approx(0.2 * expected, rel=1e-3)


def test_outside_the_acceptance_there_is_nothing_to_see():
    pseudorapidity = -np.log(np.tan(0.5e-3 * np.array([24.0, 26.0, 299.0, 301.0])))
    found = _features([[20.0, one, 100.0, KAON] for one in pseudorapidity])[:, 8:]
    assert found.any(axis=1).tolist() == [False, True, True, False]


def test_configuration():
    layer = TrackFeatures(RANGES, particles.PDG_CODES, (GAS,))
    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(layer)
    )
    condition = np.array([[12.0, 2.5, 80.0, PION]], np.float32)
    np.testing.assert_array_equal(again(condition), layer(condition))
