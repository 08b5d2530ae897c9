import contextlib
import dataclasses
import os
import resource

import h5py
import numpy as np
import pytest

from data import detectors
from data.files import readers, writers
from data.files.readers import DataError, Sample
from tests import synthetic
from tests.metrics import flat_showers


def test_writer_in_pieces(tmp_path, box, make_events):
    whole = make_events(600)
    with writers.Writer(tmp_path / "a.h5", box, compression=None) as writer:
        for start in (0, 250, 260):
            stop = {0: 250, 250: 260, 260: 600}[start]
            piece = Sample(whole.response[start:stop], whole.condition[start:stop])
            writer.append(piece, split="train")
    found = readers.read(tmp_path / "a.h5", box, split="train")
    np.testing.assert_array_equal(found.response, whole.response)


def test_same_content_same_bytes(tmp_path, box, make_events):
    for name in ("a.h5", "b.h5"):
        writers.write(tmp_path / name, box, make_events(20), attributes={"seed": 1})
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_failed_write_leaves_the_old_file(tmp_path, box, make_events):
    path = tmp_path / "old.h5"
    writers.write(path, box, make_events(10))
    before = path.read_bytes()
    with pytest.raises(DataError, match="split needs one of"):
        writers.write(path, box, make_events(10), split=["training"] * 10)
    with contextlib.suppress(KeyboardInterrupt), writers.Writer(path, box) as writer:
        writer.append(make_events(3))
        raise KeyboardInterrupt
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_writer_refuses_what_does_not_fit(tmp_path, box, make_events):
    with pytest.raises(DataError, match="do not fit detector 'hgcal'"):
        writers.write(tmp_path / "a.h5", detectors.get("hgcal"), make_events(3))
    events = make_events(3)
    two = Sample(events.response, events.condition[:, :2])
    with pytest.raises(DataError, match="do not fit the conditions"):
        writers.write(tmp_path / "a.h5", box, two)
    with writers.Writer(tmp_path / "a.h5", box) as writer:
        writer.append(events, split="train")
        with pytest.raises(DataError, match="same datasets"):
            writer.append(events)
    (tmp_path / "a.h5").unlink()
    with pytest.raises(DataError, match="one condition and one weight per event"):
        Sample(events.response, events.condition[:2])
    assert not os.listdir(tmp_path)


def test_full_disk(tmp_path, box, make_events):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    events = make_events(5000)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
        with pytest.raises(DataError, match=r"cannot be written .* has room") as caught:
            writers.write(tmp_path / "a.h5", box, events)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "\n" not in str(caught.value)
    assert not os.listdir(tmp_path)


def test_missing_folder(tmp_path, box, make_events):
    with pytest.raises(DataError, match="cannot be written"):
        writers.write(tmp_path / "none" / "a.h5", box, make_events(3))


def test_domain_that_no_file_can_hold(tmp_path, box, make_events):
    limits = dataclasses.replace(box.domain[1], name="impact_radius_cm")
    odd = dataclasses.replace(box, domain=(limits,))
    with pytest.raises(DataError, match=r"range of 'impact_radius_cm'.*data/detectors"):
        writers.write(tmp_path / "a.h5", odd, make_events(3))
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("shapes", [[(1, 3), (4, 2)], [(4, 2), (4, 2)]])
def test_layers_and_rings_come_back(tmp_path, shapes):
    spec = flat_showers.rings(shapes, numbers=(0, 12))
    sample = synthetic.sample(spec, 5)
    writers.write(tmp_path / "rings.h5", spec, sample)
    with readers.Dataset(tmp_path / "rings.h5") as dataset:
        found, again = dataset.spec, dataset.read()
    assert found.layers == 2
    for name in ("shape", "layer_shapes", "layer_numbers", "ring_edges_cm",
                 "periodic_axes"):  # fmt: skip
        assert getattr(found, name) == getattr(spec, name)
    np.testing.assert_array_equal(again.response, sample.response)


def test_a_shower_in_flat_layers_has_the_chunks_of_a_shower(tmp_path):
    spec = detectors.get("calogan")
    writers.write(tmp_path / "flat.h5", spec, synthetic.sample(spec, 2))
    with h5py.File(tmp_path / "flat.h5") as file:
        assert file["response"].chunks == (writers.CHUNK_EVENTS, 504)
        assert "layer_shapes" not in file.attrs


@pytest.mark.parametrize(
    ("attribute", "value", "message"),
    [
        ("layer_shapes", [[1, 3], [4, 3]], r"layer_shapes does not fit cells of shape"),
        ("layer_shapes", [[11, 1], [0, 4]], r"layer_shapes does not fit cells of"),
        ("layer_numbers", [0, 1, 2], r"layer_numbers does not fit cells of shape"),
        ("periodic_axes", [2], r"periodic_axes does not fit cells of shape"),
        ("ring_edges_cm", [0.0, 1.0, 2.0], r"7 for layers of 3, 2 rings, holds 3"),
        ("ring_edges_cm", [0, 1, 2, 2, 0, 1, 2], r"ring_edges_cm needs ascending"),
    ],
)
def test_layers_that_do_not_fit_are_refused(tmp_path, attribute, value, message):
    spec = flat_showers.rings([(1, 3), (4, 2)])
    writers.write(tmp_path / "a.h5", spec, synthetic.sample(spec, 2))
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file.attrs[attribute] = value
    with pytest.raises(DataError, match=message):
        readers.detect(tmp_path / "a.h5")
