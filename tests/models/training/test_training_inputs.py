"""What a training starts from."""

import numpy as np
import pytest

import models
from data import detectors
from data.detectors import particles
from data.files import readers
from models.training import config, training_inputs
from tests import synthetic

EVENTS = 400


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    return str(synthetic.write(folder / "rich.h5", detectors.get("rich"), EVENTS))


def _load(path, *assignments):
    module = models.load("cramer_rich")
    return training_inputs.load(
        module, config.resolve(module, "cpu", assignments), [path]
    )


def test_all_training_events(path):
    found = _load(path)
    with found.source:
        assert len(found.source) == readers.splits(path)["train"]
        assert len(np.unique(found.source.condition[:, 3])) == 5
        assert len(found.head) == len(found.source)


def test_one_species(path):
    """A network that knows kaons alone answers for them alone."""
    found = _load(path, "species=kaon")
    code = particles.pdg_code("kaon")
    with found.source:
        assert set(found.source.condition[:, 3]) == {code}
        rest = readers.read(path, found.spec, split="train").condition
        assert 0 < len(found.source) == np.sum(rest[:, 3] == code)
    inside = np.asarray(found.spec.in_domain(rest))
    np.testing.assert_array_equal(inside, rest[:, 3] == code)
    sample = readers.read(path, found.spec, split="validation", where=found.select)
    assert set(sample.condition[:, 3]) == {code}


def test_signed_weights_reach_the_transform(path):
    weighted = _load(path)
    sample = weighted.head
    weighted.source.close()
    plain = type(weighted.transform).fit(
        sample.response, sample.condition, weighted.spec
    )
    again = type(weighted.transform).fit(
        sample.response, sample.condition, weighted.spec, sample.weight
    )
    np.testing.assert_array_equal(weighted.transform.knots, again.knots)
    assert not np.array_equal(weighted.transform.knots, plain.knots)


def test_unknown_species(path):
    with pytest.raises(ValueError, match="unknown species 'muons'; known: electron"):
        _load(path, "species=muons")


def test_another_detector_is_left_to_the_entry(tmp_path):
    path = str(synthetic.write(tmp_path / "ecal.h5", detectors.get("ecal"), 40))
    module = models.load("cramer_rich")
    settings = config.resolve(module, "cpu", ["transform=log"])
    found = training_inputs.load(module, settings, [path])
    found.source.close()
    with pytest.raises(ValueError, match="cramer_rich simulates detector 'rich'"):
        module.build(settings, found.spec, found.transform)
