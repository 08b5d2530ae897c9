import dataclasses

import h5py
import numpy as np
import pytest

from data import detectors
from data.files import readers, writers
from data.files.readers import DataError, Sample

SPLIT = ["train"] * 6 + ["validation"] * 2 + ["test"] * 2


@pytest.fixture
def path(tmp_path, box, make_events):
    target = tmp_path / "box.h5"
    writers.write(target, box, make_events(10), split=SPLIT, cpu_s=0.5)
    return target


@pytest.fixture
def hgcal():
    return detectors.get("hgcal")


def change(path, name, value):
    with h5py.File(path, "r+") as file:
        del file[name]
        file[name] = value


def write_shard(path, detector, **changes):
    showers = np.ones((4, *detector.shape), np.float32) * detector.cells
    arrays = {
        "showers": showers * np.arange(1, 5)[:, None, None, None],
        "energy": np.full(4, 50.0, np.float32),
        "impact": np.full((4, 2), 0.5, np.float32),
        "mask_full": detector.cells[..., 0],
    }
    np.savez(path, **{**arrays, **changes})
    return path


def write_test_beam(path, detector):
    hits = np.zeros((5, 7, 12, 15, 3), np.float32)
    hits[..., 0] = (
        np.moveaxis(detector.cells, -1, 0) * np.arange(5)[:, None, None, None]
    )
    hits[:, 3, ..., 0] *= 10
    hits[..., 1:] = -7
    track = np.zeros((5, 4, 3))
    track[:, 0, 0] = [13, 12, 15, 13, 13]
    track[:, 1, 0:2] = [[10, -20], [1, 1], [30, 40], [np.nan, 0], [5, 5]]
    track[:, -1, 0:2] = [[4.9, 0], [0, 0], [1, 1], [5, 0], [0, 7]]
    event = np.zeros((5, 6))
    event[:, 3] = [20, 32, 50, 80, 90]
    np.savez(path, rechits=hits, dwcReference=track, event=event)
    return path


def test_canonical_round_trip(path, box, make_events):
    written, found = make_events(10), readers.read(path, box)
    np.testing.assert_array_equal(found.response, written.response)
    np.testing.assert_array_equal(found.condition, written.condition)
    assert found.response.dtype == found.condition.dtype == np.float32
    assert found.weight is None
    with h5py.File(path) as file:
        assert file["cpu_s"][:].tolist() == [0.5] * 10


def test_weights_may_be_negative(tmp_path, box, make_events):
    written = make_events(10, weighted=True)
    writers.write(tmp_path / "w.h5", box, written)
    found = readers.read(tmp_path / "w.h5", box)
    assert found.weight.min() < 0
    np.testing.assert_array_equal(found.weight, written.weight)


def test_split_selects_its_events(path, box):
    energies = {
        split: readers.read(path, box, split=split).condition[:, 0].tolist()
        for split in readers.SPLITS
    }
    assert energies == {
        "train": [1, 2, 3, 4, 5, 6],
        "validation": [7, 8],
        "test": [9, 10],
    }
    assert readers.splits([path, path]) == {"train": 12, "validation": 4, "test": 4}


def test_only_wanted_events(tmp_path, box, make_events):
    """Those a training is about, by their conditions, with their own weights."""
    target, events = tmp_path / "box.h5", make_events(600, weighted=True)
    writers.write(target, box, events)

    def even(condition):
        return condition[:, 0] % 2 == 0

    found = readers.read([target, target], box, where=even)
    assert found.condition[:, 0].tolist() == [*range(2, 601, 2)] * 2
    np.testing.assert_array_equal(found.response[:300], events.response[1::2])
    np.testing.assert_array_equal(found.weight[300:], events.weight[1::2])
    with pytest.raises(DataError, match="no events; choose another file"):
        readers.read(target, box, where=lambda condition: condition[:, 0] < 0)


def test_only_wanted_events_of_an_archive(tmp_path, hgcal):
    path = write_shard(tmp_path / "shard.npz", hgcal)
    chosen = np.array([False, True, False, True])
    found = readers.read(path, hgcal, where=lambda condition: chosen)
    assert found.response.max(axis=(1, 2, 3)).tolist() == [2, 4]


def test_limit_and_several_files(path, box):
    assert len(readers.read(path, box, limit=3)) == 3
    energies = readers.read([path, str(path)], box, limit=12).condition[:, 0]
    assert energies.tolist() == [*range(1, 11), 1, 2]
    with pytest.raises(DataError, match="at least 1"):
        readers.read(path, box, limit=0)
    with pytest.raises(DataError, match="no data file"):
        readers.read([], box)


def test_ranges_equal_the_whole(tmp_path, box, make_events):
    path = tmp_path / "long.h5"
    names = np.asarray(readers.SPLITS)[np.random.default_rng(1).integers(3, size=900)]
    writers.write(path, box, make_events(900), split=names)
    whole = readers.read(path, box, split="train")
    with readers.open_source([path, path], box, split="train") as source:
        assert len(source) == 2 * len(whole)
        assert len(source.offsets) > 4
        piece = source.read(100, len(whole) + 50)
    expected = np.concatenate([whole.response[100:], whole.response[:50]])
    np.testing.assert_array_equal(piece.response, expected)
    assert piece.condition[-1, 0] == whole.condition[49, 0]


def test_detect_builds_a_foreign_detector(path, box):
    found = readers.detect(path)
    for name in ("cells", "dead_cells", "positions_cm"):
        np.testing.assert_array_equal(getattr(found, name), getattr(box, name))
    same = (
        "name shape response_name unit lower_bound condition_names condition_units "
        "plane_vectors energy_conditions layer_depths_x0 shower_depth_cm periodic_axes"
    )
    for name in same.split():
        assert getattr(found, name) == getattr(box, name)
    inside = found.in_domain(np.array([[50, 0, 0], [50, 2, 0], [0.5, 0, 0]], "f4"))
    assert np.asarray(inside).tolist() == [True, False, False]


def test_events_outside_the_domain_are_counted(tmp_path, box, make_events):
    events = make_events(10)
    events.condition[:3, 1] = 7.0
    writers.write(tmp_path / "out.h5", box, events)
    with readers.open_source(tmp_path / "out.h5", box) as source:
        assert source.outside_domain == 3


def test_detector_without_bound(tmp_path, box, make_events):
    unbounded = dataclasses.replace(box, lower_bound=None)
    events = make_events(3)
    events.response[:] *= -1
    writers.write(tmp_path / "dll.h5", unbounded, events)
    found = readers.detect(tmp_path / "dll.h5")
    assert found.lower_bound is None
    assert readers.read(tmp_path / "dll.h5", found).response.min() < 0


def test_shard(tmp_path, hgcal):
    path = write_shard(tmp_path / "shard.npz", hgcal)
    assert readers.detect(path).name == "hgcal"
    assert readers.splits(path) == {}
    found = readers.read(path, hgcal)
    assert found.response.shape == (4, 12, 15, 7)
    assert found.response[2].max() == 3
    assert found.condition.tolist() == [[50, 0.5, 0.5]] * 4


def test_public_layout_keeps_good_tracks_and_turns_mm_into_cm(tmp_path, hgcal):
    path = write_test_beam(tmp_path / "beam.npz", hgcal)
    assert readers.detect(path).name == "hgcal"
    found = readers.read(path, hgcal)
    np.testing.assert_allclose(found.condition, [[20, 1, -2], [50, 3, 4]], rtol=1e-6)
    assert found.response[1, 5, 7].tolist() == [2, 2, 2, 20, 2, 2, 2]


def test_event_numbers_count_unselected_events_too(tmp_path, hgcal):
    path = write_test_beam(tmp_path / "beam.npz", hgcal)
    with np.load(path) as arrays:
        arrays = dict(arrays)
    arrays["rechits"][2, 0, 5, 7, 0] = -1
    np.savez(path, **arrays)
    with pytest.raises(DataError, match=r"event 2: .* -1 MIP in cell \(5, 7, 0\)"):
        readers.read(path, hgcal)


def bad_response(value, cell):
    def spoil(path):
        with h5py.File(path, "r+") as file:
            file["response"][(4, *cell)] = value

    return spoil


def attribute(name, value):
    def spoil(path):
        with h5py.File(path, "r+") as file:
            file.attrs[name] = value

    return spoil


def without(name):
    def spoil(path):
        with h5py.File(path, "r+") as file:
            if name in file.attrs:
                del file.attrs[name]
            else:
                del file[name]

    return spoil


def replaced(name, value):
    return lambda path: change(path, name, value)


BAD = {
    "nan": (bad_response(np.nan, (1, 1, 0)), r"event 4: cell energy nan MeV .*finite"),
    "infinite": (bad_response(np.inf, (1, 1, 0)), "event 4: .*inf MeV .*not finite"),
    "negative": (
        bad_response(-2.5, (1, 0, 1)),
        r"-2.5 MeV in cell \(1, 0, 1\) .*below",
    ),
    "no such cell": (bad_response(1, (0, 0, 0)), r"cell \(0, 0, 0\) which does not ex"),
    "unit": (attribute("response_unit", "GeV"), "response_unit is 'GeV'.*'MeV'"),
    "condition unit": (
        attribute("condition_units", ["MeV", "cm", "cm"]),
        "condition_units is 'MeV, cm, cm'",
    ),
    "condition name": (
        attribute("condition_names", ["energy_gev", "impact_y_cm", "impact_x_cm"]),
        "condition_names",
    ),
    "detector": (attribute("detector", "hgcal"), "holds detector 'hgcal', not 'box'"),
    "no detector": (without("detector"), "attribute 'detector' is missing"),
    "no response": (without("response"), "dataset 'response' is missing"),
    "no condition": (without("condition"), "dataset 'condition' is missing"),
    "shape": (replaced("response", np.zeros((10, 3, 2))), "response has shape"),
    "text": (replaced("response", np.full((10, 3, 3, 2), b"a")), "not numbers"),
    "overflow": (replaced("response", np.full((10, 3, 3, 2), 1e300)), "not finite"),
    "empty": (replaced("response", np.zeros((0, 3, 3, 2))), "condition has shape"),
    "condition shape": (replaced("condition", np.zeros((10, 2))), "condition has sha"),
    "nan condition": (
        replaced("condition", np.full((10, 3), np.nan)),
        "event 0: condition .* not finite",
    ),
    "split name": (
        replaced("split", np.asarray(["train"] * 9 + ["validation2"], "S")),
        "event 9: unknown split 'validation2'",
    ),
    "split kind": (replaced("split", np.arange(10)), "split holds int64"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_file_gives_one_line(path, box, name):
    spoil, message = BAD[name]
    spoil(path)
    with pytest.raises(DataError, match=message) as caught:
        readers.read(path, box)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_no_events(tmp_path, box, make_events):
    path = tmp_path / "empty.h5"
    empty = Sample(np.zeros((0, *box.shape), "f4"), np.zeros((0, 3), "f4"))
    writers.write(path, box, empty, split="train")
    with pytest.raises(DataError, match="no events"):
        readers.read(path, box)
    writers.write(path, box, make_events(3), split="train")
    with pytest.raises(DataError, match="no events of split 'test'"):
        readers.read(path, box, split="test")
    with pytest.raises(DataError, match="unknown split 'valid'"):
        readers.read(path, box, split="valid")


def test_split_of_a_file_without_split(tmp_path, box, hgcal, make_events):
    writers.write(tmp_path / "a.h5", box, make_events(3))
    with pytest.raises(DataError, match="no dataset 'split'"):
        readers.read(tmp_path / "a.h5", box, split="train")
    shard = write_shard(tmp_path / "b.npz", hgcal)
    with pytest.raises(DataError, match="has no split"):
        readers.read(shard, hgcal, split="train")


def test_weights_in_one_file_only(tmp_path, box, make_events):
    writers.write(tmp_path / "a.h5", box, make_events(3))
    writers.write(tmp_path / "b.h5", box, make_events(3, weighted=True))
    with pytest.raises(DataError, match=r"a\.h5: has no dataset 'weight'"):
        readers.read([tmp_path / "b.h5", tmp_path / "a.h5"], box)


@pytest.mark.parametrize("suffix", [".h5", ".npz"])
def test_broken_files(tmp_path, box, hgcal, suffix, make_events):
    path, detector = tmp_path / f"x{suffix}", box if suffix == ".h5" else hgcal
    with pytest.raises(DataError, match="no such file"):
        readers.read(path, detector)
    path.write_bytes(b"")
    with pytest.raises(DataError, match="not a readable"):
        readers.read(path, detector)
    path.write_bytes(b"This is text, neither HDF5 nor an archive.")
    with pytest.raises(DataError, match="not a readable"):
        readers.detect(path)
    if suffix == ".h5":
        writers.write(path, box, make_events(10))
    else:
        write_shard(path, hgcal)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError, match="not a readable") as caught:
        readers.read(path, detector)
    assert "\n" not in str(caught.value)


def test_damage_inside_a_chunk(path, box):
    with h5py.File(path) as file:
        chunk = file["response"].id.get_chunk_info(0)
    content = bytearray(path.read_bytes())
    content[chunk.byte_offset + 20 : chunk.byte_offset + 60] = bytes(40)
    path.write_bytes(content)
    with pytest.raises(DataError, match="response is damaged"):
        readers.read(path, box)


def test_archive_never_unpickles(tmp_path, hgcal):
    path = write_shard(tmp_path / "p.npz", hgcal, energy=np.array([{}] * 4, object))
    with pytest.raises(DataError, match="not a readable"):
        readers.read(path, hgcal)


def test_archives_of_another_kind(tmp_path, box, hgcal):
    np.savez(tmp_path / "a.npz", x=np.zeros(3))
    with pytest.raises(DataError, match="no known layout has the arrays x;"):
        readers.detect(tmp_path / "a.npz")
    with pytest.raises(DataError, match="holds detector 'hgcal', not 'box'"):
        readers.read(write_shard(tmp_path / "b.npz", hgcal), box)
    mask = ~hgcal.cells[..., 0]
    with pytest.raises(DataError, match="mask of existing cells"):
        readers.read(write_shard(tmp_path / "c.npz", hgcal, mask_full=mask), hgcal)
    flat = np.zeros((4, 180, 7), np.float32)
    with pytest.raises(DataError, match=r"responses have shape \(4, 180, 7\)"):
        readers.read(write_shard(tmp_path / "d.npz", hgcal, showers=flat), hgcal)
    three = np.zeros((3, 2), np.float32)
    with pytest.raises(DataError, match="do not fit the layout"):
        readers.read(write_shard(tmp_path / "e.npz", hgcal, impact=three), hgcal)


def test_unknown_detector_without_its_cells(path, box):
    without("cells")(path)
    with pytest.raises(DataError, match=r"unknown detector 'box'; known: .*hgcal"):
        readers.detect(path)


def test_description_that_does_not_fit(path):
    attribute("energy_conditions", [3])(path)
    with pytest.raises(DataError, match="energy_conditions does not fit"):
        readers.detect(path)
    change(path, "positions_cm", np.zeros((3, 3, 2)))
    with pytest.raises(DataError, match="positions_cm does not fit"):
        readers.detect(path)


def test_file_written_by_hand(tmp_path):
    """The example of docs/formats.md: h5py alone, variable-length texts, no chunks."""
    path = tmp_path / "mine.h5"
    with h5py.File(path, "w") as file:
        file["response"] = np.ones((5, 2, 2), np.float64)
        file["condition"] = np.arange(5)[:, None]
        file["split"] = ["train", "train", "test", "train", "validation"]
        file["cells"] = np.ones((2, 2), bool)
        file["positions_cm"] = np.zeros((2, 2, 3))
        file.attrs["detector"] = "mine"
        file.attrs["condition_names"] = ["energy_gev"]
        file.attrs["condition_units"] = ["GeV"]
        file.attrs["response_unit"] = "MeV"
        file.attrs["domain_low"] = [1.0]
        file.attrs["domain_high"] = [np.inf]
    found = readers.detect(path)
    assert (found.name, found.lower_bound, found.plane_vectors) == ("mine", 0.0, ())
    train = readers.read(path, found, split="train")
    assert train.condition.ravel().tolist() == [0, 1, 3]
    assert train.response.dtype == np.float32
    with readers.open_source(path, found) as source:
        assert source.outside_domain == 1
    change(path, "positions_cm", np.full((2, 2, 3), np.nan))
    with pytest.raises(DataError, match="positions_cm holds a value that is not fini"):
        readers.detect(path)
