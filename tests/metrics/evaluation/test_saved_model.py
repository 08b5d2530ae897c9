"""Saved models as functions of conditions."""

import dataclasses

import numpy as np
import pytest

from data import detectors
from metrics.evaluation.saved_model import CHUNK_EVENTS, SavedSimulator
from tests import synthetic
from tests.metrics import stand_in

HGCAL = detectors.get("hgcal")


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("stand_in")
    return stand_in.export(path, HGCAL, trained_energies_gev=[20.0])


def test_chunks_have_seeds_of_their_own(saved):
    simulator = SavedSimulator(saved, HGCAL)
    condition = np.repeat([[50.0, 0.0, 0.0]], CHUNK_EVENTS + 5, axis=0)
    condition = condition.astype(np.float32)
    response = simulator(condition, seed=3)
    assert response.shape == (CHUNK_EVENTS + 5, *HGCAL.shape)
    np.testing.assert_array_equal(response, simulator(condition, seed=3))
    assert np.any(response[:5] != response[CHUNK_EVENTS:])
    assert np.any(response != simulator(condition, seed=4))


def test_signature(saved):
    simulator = SavedSimulator(saved, HGCAL)
    assert simulator.name == "stand_in/test"
    assert simulator.mask == "mask"
    assert simulator.trained_energies_gev == [20.0]


def test_another_detector_is_refused(saved):
    with pytest.raises(ValueError, match="simulates detector 'hgcal'"):
        SavedSimulator(saved, dataclasses.replace(HGCAL, name="image"))


def test_responses_that_are_not_finite_are_counted(tmp_path):
    stand_in.export(tmp_path, HGCAL, value=np.nan)
    simulator = SavedSimulator(tmp_path, HGCAL)
    condition = synthetic.sample(HGCAL, 30).condition
    bad = int((condition[:, 0] > 60.0).sum())
    assert 0 < bad < 30
    with pytest.raises(ValueError, match=rf"{bad} of 30 responses are not finite.*90"):
        simulator(condition, seed=1)


@pytest.mark.parametrize("missing", ["saved_model.pb", "signature.json"])
def test_incomplete_folders_are_refused(tmp_path, missing):
    for name in {"saved_model.pb", "signature.json"} - {missing}:
        (tmp_path / name).write_text("{}")
    with pytest.raises(ValueError, match=f"no saved model here .{missing}"):
        SavedSimulator(tmp_path, HGCAL)


def test_a_damaged_model_is_refused(saved, tmp_path):
    (tmp_path / "signature.json").write_text((saved / "signature.json").read_text())
    (tmp_path / "saved_model.pb").write_bytes(b"not a model")
    with pytest.raises(ValueError, match="does not run"):
        SavedSimulator(tmp_path, HGCAL)
