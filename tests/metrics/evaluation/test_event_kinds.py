"""What a classifier may learn from beside the showers that are compared."""

from types import SimpleNamespace

import numpy as np
import pytest

from data import detectors
from data.events import Sample
from data.files.readers import Dataset
from metrics.evaluation import event_kinds
from metrics.evaluation.reference import Reference
from metrics.evaluation.saved_model import SavedSimulator
from metrics.evaluation.stored_file import StoredResponses
from metrics.showers import measure_showers
from metrics.showers.classifiers import cell_classifier
from tests import synthetic
from tests.metrics import stand_in

HGCAL = detectors.get("hgcal")
FACTS = {"model": "stand_in/test", "reference_name": "Geant4"}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("outcome") / "reference.h5"
    synthetic.write(path, HGCAL, 100)
    return path


@pytest.fixture(scope="module")
def simulator(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stand_in") / "saved_model"
    return SavedSimulator(stand_in.export(folder, HGCAL), HGCAL)


def _read(path, split):
    with Dataset(path) as dataset:
        return event_kinds.of(dataset.spec).read(dataset, event_kinds.Selection(split))


@pytest.mark.parametrize(
    ("split", "others"),
    [
        ("test", ["train", "validation"]),
        ("validation", ["train"]),
        ("train", ["validation"]),
        ("all", []),
    ],
)
def test_nobody_learns_from_the_test_split(path, split, others):
    found = _read(path, split)
    assert list(found.further) == others
    assert (found.training is None) == ("train" not in others)
    asked = {one.tobytes() for one in found.response}
    for sample in found.further.values():
        assert not asked & {one.tobytes() for one in sample.response}


def _further(monkeypatch, found, generator, **options):
    """Returns what `everything` is given as further showers."""
    return _given(monkeypatch, found, generator, **options)[5]


def _given(monkeypatch, found, generator, **options):
    """Returns what `everything` is given."""
    given = []

    def everything(*arguments):
        given.extend(arguments)
        raise InterruptedError

    monkeypatch.setattr(measure_showers, "everything", everything)
    options = measure_showers.MeasurementOptions(seed=7, **options)
    with pytest.raises(InterruptedError):
        event_kinds.of(HGCAL).compare(found, generator, None, FACTS, options)
    return given


def test_every_split_is_generated_with_a_seed_of_its_own(path, simulator, monkeypatch):
    found = _read(path, "test")
    further = _further(monkeypatch, found, simulator)
    train, validation = found.further.values()
    assert len(further) == len(train) + len(validation)
    np.testing.assert_array_equal(
        further.condition, np.concatenate([train.condition, validation.condition])
    )
    accepted = HGCAL.acceptance("mask")
    for sample, part, seed in (
        (train, further.generated[: len(train)], 8),
        (validation, further.generated[len(train) :], 9),
    ):
        expected = simulator(sample.condition, seed) * accepted
        np.testing.assert_array_equal(part, expected)
    assert _further(monkeypatch, found, simulator, quick=True) is None


def test_a_file_of_responses_has_no_others(path, monkeypatch):
    found = _read(path, "test")
    stored = StoredResponses([str(path)], HGCAL)
    monkeypatch.setattr(stored, "generate", lambda one, seed: one.response)
    assert _further(monkeypatch, found, stored) is None
    assert "no showers generated" in cell_classifier.ALONE


def test_the_threshold_holds_for_all_showers_and_is_named(path, simulator, monkeypatch):
    found = _read(path, "test")
    given = _given(monkeypatch, found, simulator, threshold=0.3)
    for comparison in (given[0], given[5]):
        assert comparison.threshold == 0.3
    assert given[1]["threshold"] == 0.3
    assert "threshold" not in _given(monkeypatch, found, simulator)[1]


def test_cells_are_summed_for_all_showers_and_their_side_is_named(monkeypatch):
    ecal = detectors.get("ecal")
    condition = np.ones((8, 5), np.float32)
    sample = Sample(np.ones((8, 30, 30), np.float32), condition)
    found = Reference(
        ["file"], ecal, "Geant4", sample, np.arange(4), "test", {"train": sample}
    )
    generator = SimpleNamespace(
        mask="mask",
        trained_energies_gev=None,
        generate=lambda reference, seed: reference.response,
        generate_further=lambda reference, seed: [sample.response],
    )
    given = _given(monkeypatch, found, generator, cell_cm=4.0)
    for comparison in (given[0], given[5]):
        assert (comparison.generated == 4.0).all()
        assert comparison.spec.name == "ecal_4cm"
    assert given[1]["cell_cm"] == 4.0
    assert "cell_cm" not in _given(monkeypatch, found, generator)[1]
