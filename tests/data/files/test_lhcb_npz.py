import os
import resource

import numpy as np
import pytest

from data import detectors
from data.files import lhcb_npz, readers
from data.files.readers import DataError, Sample

ECAL = detectors.get("ecal")


def make_events(count, *, shape=ECAL.shape, conditions=5, weighted=False):
    random = np.random.default_rng(1)
    return Sample(
        random.exponential(size=(count, *shape)).astype(np.float32),
        random.normal(size=(count, conditions)).astype(np.float32),
        np.ones(count, np.float32) if weighted else None,
    )


def test_round_trip_is_exact(tmp_path):
    events = make_events(7)
    path = tmp_path / "data_train.npz"
    lhcb_npz.write_lhcb(path, events)
    assert readers.detect(path).name == "ecal"
    found = readers.read(path, ECAL)
    np.testing.assert_array_equal(found.response, events.response)
    np.testing.assert_array_equal(found.condition, events.condition)
    assert os.listdir(tmp_path) == [path.name]


def test_arrays_are_those_of_the_layout(tmp_path):
    """Momentum and point are told apart; axis 0 of the image stays x."""
    image = np.zeros((1, 30, 30), np.float32)
    image[0, 20, 10] = 3
    events = Sample(image, np.float32([[1, 2, 3, 0.25, -0.5]]))
    lhcb_npz.write_lhcb(tmp_path / "a.npz", events)
    with np.load(tmp_path / "a.npz", allow_pickle=False) as arrays:
        assert {name: arrays[name].dtype for name in arrays} == {
            "EnergyDeposit": np.float32,
            "ParticleMomentum": np.float32,
            "ParticlePoint": np.float32,
        }
        assert np.argwhere(arrays["EnergyDeposit"]).tolist() == [[0, 20, 10]]
        assert arrays["ParticleMomentum"].tolist() == [[1, 2, 3]]
        assert arrays["ParticlePoint"].tolist() == [[0.25, -0.5]]


def test_same_content_same_bytes(tmp_path):
    for name in ("a.npz", "b.npz"):
        lhcb_npz.write_lhcb(tmp_path / name, make_events(3))
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_empty_cells_take_no_room(tmp_path):
    image = np.zeros((50, 30, 30), np.float32)
    lhcb_npz.write_lhcb(
        tmp_path / "a.npz", Sample(image, np.zeros((50, 5), np.float32))
    )
    assert (tmp_path / "a.npz").stat().st_size < image.nbytes / 50


REFUSED = {
    "hgcal": (
        {"shape": (12, 15, 7)},
        r"holds responses of shape \(30, 30\) per event, received \(12, 15, 7\); write",
    ),
    "channel axis": ({"shape": (30, 30, 1)}, r"received \(30, 30, 1\)"),
    "conditions": (
        {"conditions": 3},
        r"holds conditions of shape \(5,\) per event, received \(3,\)",
    ),
    "weights": ({"weighted": True}, "no place for weights"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_gives_one_line(tmp_path, name):
    changes, message = REFUSED[name]
    path = tmp_path / "a.npz"
    with pytest.raises(DataError, match=message) as caught:
        lhcb_npz.write_lhcb(path, make_events(2, **changes))
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    assert not os.listdir(tmp_path)


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"a\.h5: .* end it in '\.npz'"):
        lhcb_npz.write_lhcb(tmp_path / "a.h5", make_events(2))


def test_full_disk_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.npz"
    lhcb_npz.write_lhcb(path, make_events(2))
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    events = make_events(500)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
        with pytest.raises(DataError, match=r"cannot be written .* has room") as caught:
            lhcb_npz.write_lhcb(path, events)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == [path.name]


def test_interrupt_leaves_nothing_behind(tmp_path, monkeypatch):
    def interrupt(file, _):
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(np.lib.format, "write_array_header_1_0", interrupt)
    with pytest.raises(KeyboardInterrupt):
        lhcb_npz.write_lhcb(tmp_path / "a.npz", make_events(2))
    assert not os.listdir(tmp_path)


def test_missing_folder(tmp_path):
    with pytest.raises(DataError, match="cannot be written"):
        lhcb_npz.write_lhcb(tmp_path / "none" / "a.npz", make_events(2))
