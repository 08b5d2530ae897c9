import contextlib
import dataclasses
import os
import resource

import numpy as np
import pytest

from data import detectors
from data.files import readers, writers
from data.files.readers import DataError, Sample


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
