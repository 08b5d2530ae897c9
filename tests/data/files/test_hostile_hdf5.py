"""HDF5 files of strangers: other files are not followed, and no size is believed."""

import zlib

import h5py
import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from data.files import inflated_chunks, readers, writers
from data.files.readers import DataError
from data.production.stored_conditions import StoredConditions

SPLIT = ["train", "validation", "test"]
DATASETS = ("response", "condition", "split", "weight", "cells", "positions_cm")
ATTRIBUTES = (
    "detector", "condition_names", "condition_units", "response_unit", "response_name",
    "domain_low", "domain_high", "lower_bound", "energy_conditions", "plane_vectors",
    "layer_depths_x0", "shower_depth_cm", "periodic_axes", "layer_shapes",
    "layer_numbers", "ring_edges_cm", "summed_from", "cell_cm", "generator",
)  # fmt: skip


@pytest.fixture
def path(tmp_path, box, make_events):
    target = tmp_path / "box.h5"
    writers.write(target, box, make_events(3, weighted=True), split=SPLIT)
    return target


def read(path):
    """Reads all that a file holds; what is wrong with it, or None."""
    try:
        with readers.Dataset(path) as dataset:
            _ = dataset.splits
            dataset.read()
    except DataError as error:
        return str(error)
    return None


def replace(path, name, **keywords):
    with h5py.File(path, "r+") as file:
        held = file[name][()]
        del file[name]
        return file.create_dataset(name, shape=held.shape, dtype=held.dtype, **keywords)


LINKS = {
    "external": lambda name: h5py.ExternalLink("secret.h5", f"/{name}"),
    "soft": lambda name: h5py.SoftLink(f"/moved_{name}"),
}


@pytest.mark.parametrize("name", DATASETS)
@pytest.mark.parametrize("kind", LINKS)
def test_links_are_not_followed(path, kind, name):
    (path.parent / "secret.h5").write_bytes(path.read_bytes())
    with h5py.File(path, "r+") as file:
        file.move(name, f"moved_{name}")
        file[name] = LINKS[kind](name)
        assert name in file
    assert "is a link to elsewhere" in read(path)


def test_links_of_groups_are_not_followed(path, box):
    (path.parent / "secret.h5").write_bytes(path.read_bytes())
    with h5py.File(path, "r+") as file:
        file["group"] = h5py.ExternalLink("secret.h5", "/")
    columns = {name: f"group/{name}" for name in box.condition_names}
    with pytest.raises(DataError, match="is a link to elsewhere"):
        StoredConditions([str(path)], box, None, columns, None)


@pytest.mark.parametrize("name", ["response", "condition"])
def test_numbers_in_other_files_are_not_read(path, name):
    (path.parent / "secret").write_bytes(bytes(4096))
    replace(path, name, external=[(str(path.parent / "secret"), 0, 4096)])
    assert "keeps its numbers in other files" in read(path)


def test_virtual_datasets_are_not_read(path):
    (path.parent / "secret.h5").write_bytes(path.read_bytes())
    with h5py.File(path, "r+") as file:
        shape = file["response"].shape
        del file["response"]
        layout = h5py.VirtualLayout(shape, np.float32)
        layout[:] = h5py.VirtualSource("secret.h5", "response", shape)
        file.create_virtual_dataset("response", layout)
    assert "keeps its numbers in other files" in read(path)


@pytest.mark.parametrize("name", DATASETS)
def test_room_is_made_for_what_is_stored_alone(path, name):
    """A kilobyte of file that says it is a terabyte."""
    with h5py.File(path, "r+") as file:
        kind, rest = file[name].dtype, file[name].shape[1:]
        del file[name]
        file.create_dataset(name, (1 << 40, *rest), kind, chunks=(1, *rest))
    assert "are stored" in read(path)


@pytest.mark.parametrize("shape", [(), None])
@pytest.mark.parametrize("name", ["response", "condition", "split", "cells"])
def test_datasets_without_axes(path, name, shape):
    with h5py.File(path, "r+") as file:
        kind = file[name].dtype
        del file[name]
        file[name] = h5py.Empty(kind) if shape is None else np.zeros(shape, kind)
    assert "has no axis" in read(path)


def test_groups_and_types_are_no_datasets(path):
    with h5py.File(path, "r+") as file:
        del file["response"], file["condition"]
        file.create_group("response")
        file["condition"] = np.dtype("f4")
    assert "'response' is missing" in read(path)


@pytest.mark.parametrize("shuffle", [False, True])
def test_a_chunk_unpacks_to_what_is_declared_alone(path, shuffle, monkeypatch):
    monkeypatch.setattr(inflated_chunks, "_HARMLESS_BYTES", 64)
    with h5py.File(path, "r+") as file:
        held = file["response"][:]
        del file["response"]
        found = file.create_dataset(
            "response", data=held, chunks=(2, 3, 3, 2), compression=9, shuffle=shuffle
        )
        assert found.id.get_chunk_info(0).size > 64
    assert read(path) is None
    with h5py.File(path, "r+") as file:
        bomb = zlib.compress(bytes(1 << 20))
        file["response"].id.write_direct_chunk((2, 0, 0, 0), bomb)
    assert "response is damaged (a chunk unpacks to more" in read(path)


def test_chunks_that_are_packed_twice(path):
    with h5py.File(path, "r+") as file:
        shape = file["response"].shape
        del file["response"]
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk(shape)
        plist.set_deflate(9)
        plist.set_deflate(9)
        space = h5py.h5s.create_simple(shape)
        h5py.h5d.create(
            file.id, b"response", h5py.h5t.NATIVE_FLOAT, space, dcpl=plist
        ).close()
    assert "it is packed 2 times" in read(path)


def test_one_long_text_for_every_event(path):
    """Texts share what they are; none is copied for all events at once."""
    with h5py.File(path, "r+") as file:
        del file["split"]
        file["split"] = ["x" * 5000] * 3
    message = read(path)
    assert "unknown split 'xxx" in message
    assert len(message) < 3000


VALUES = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(max_size=5),
    st.lists(st.integers(-3, 9), max_size=6),
    st.lists(st.floats(), max_size=6),
    st.lists(st.text(alphabet="ab\n\x1b", max_size=3), max_size=4),
    st.just(np.zeros((2, 3, 2))),
    st.just(np.zeros(2, [("a", "f4"), ("b", "S3")])),
    st.just(h5py.Empty("f4")),
    st.just(np.array([1 + 2j])),
    st.just(b"\xff\xfe"),
)


def _fill(file, box):
    """Writes two events and what describes the detector."""
    file["response"] = np.zeros((2, *box.shape), np.float32)
    file["condition"] = np.ones((2, 3), np.float32)
    file["cells"], file["positions_cm"] = box.cells, box.positions_cm
    file.attrs["detector"], file.attrs["response_unit"] = "box", "MeV"
    file.attrs["condition_names"] = box.condition_names
    file.attrs["condition_units"] = box.condition_units
    file.attrs["domain_low"], file.attrs["domain_high"] = [0] * 3, [9] * 3


@hypothesis.settings(max_examples=40)
@hypothesis.given(name=st.sampled_from(ATTRIBUTES), value=VALUES)
def test_any_attribute_is_read_or_refused(tmp_path_factory, box, name, value):
    target = tmp_path_factory.mktemp("any") / "box.h5"
    with h5py.File(target, "w") as file:
        _fill(file, box)
        try:
            file.attrs[name] = value
        except (TypeError, ValueError, OSError):
            hypothesis.reject()
    read(target)


KINDS = ("f2", "f8", "i1", "u8", "?", "S4", "c8", "f4,i2", h5py.ref_dtype)


@hypothesis.settings(max_examples=40)
@hypothesis.given(
    name=st.sampled_from(DATASETS),
    shape=st.lists(st.integers(0, 4), max_size=5).map(tuple),
    kind=st.sampled_from((*KINDS, h5py.vlen_dtype("i4"), h5py.string_dtype())),
)
def test_any_dataset_is_read_or_refused(tmp_path_factory, box, name, shape, kind):
    target = tmp_path_factory.mktemp("any") / "box.h5"
    with h5py.File(target, "w") as file:
        _fill(file, box)
        if name in file:
            del file[name]
        file.create_dataset(name, shape, kind)
    read(target)
