import h5py
import hypothesis
import hypothesis.extra.numpy as arrays
import numpy as np
import pytest

from data import detectors
from data.files import readers, sparse_responses, writers
from data.files.readers import DataError, Sample

ECAL = detectors.get("ecal")


def showers(count, seed=0):
    random = np.random.default_rng(seed)
    response = random.exponential(size=(count, *ECAL.shape)).astype(np.float32)
    response[random.random(response.shape) < 0.8] = 0
    response[1] = 0  # An event without a hit.
    return Sample(response, random.normal(size=(count, 5)).astype(np.float32))


@hypothesis.given(
    arrays.arrays(
        np.float32,
        arrays.array_shapes(min_dims=2, max_dims=4, min_side=0),
        elements={"allow_nan": False},
    )
)
def test_decoding_undoes_encoding(response):
    hits = sparse_responses.encode(response)
    found = sparse_responses.decode(*hits, response.shape[1:])
    np.testing.assert_array_equal(found, response)
    assert len(hits[1]) == len(hits[2]) == hits[0][-1] == np.count_nonzero(response)


def test_cells_beyond_two_bytes():
    response = np.zeros((2, 70_000), np.float32)
    response[1, 69_999] = 3
    offset, cell, value = sparse_responses.encode(response)
    assert (offset.tolist(), cell.tolist(), value.tolist()) == (
        [0, 0, 1],
        [69_999],
        [3],
    )


@pytest.mark.parametrize("sizes", [[600], [1, 0, 299, 300], [0, 600]])
def test_a_sparse_file_reads_as_a_dense_one(tmp_path, sizes):
    events = showers(600)
    names = np.array(["train"] * 200 + ["test"] * 400)
    start = 0
    with writers.Writer(tmp_path / "a.h5", ECAL, sparse=True) as writer:
        for size in sizes:
            part = slice(start, start + size)
            sample = Sample(events.response[part], events.condition[part])
            writer.append(sample, split=names[part])
            start += size
    assert readers.detect(tmp_path / "a.h5").name == "ecal"
    found = readers.read(tmp_path / "a.h5", ECAL)
    np.testing.assert_array_equal(found.response, events.response)
    np.testing.assert_array_equal(found.condition, events.condition)
    found = readers.read(tmp_path / "a.h5", ECAL, split="test")
    np.testing.assert_array_equal(found.response, events.response[200:])


def test_pieces_that_wait_are_copies(tmp_path):
    """A caller may write to its arrays again before the file is written."""
    buffer = np.zeros((3, *ECAL.shape), np.float32)
    with writers.Writer(tmp_path / "a.h5", ECAL) as writer:
        for value in (1, 2):
            buffer[:] = value
            writer.append(Sample(buffer, np.zeros((3, 5), np.float32)))
    response = readers.read(tmp_path / "a.h5", ECAL).response
    np.testing.assert_array_equal(response[:, 0, 0], [1, 1, 1, 2, 2, 2])


DAMAGES = {
    "offset that falls": ("response_offset", 2, 0, "do not fit each other"),
    "last offset": ("response_offset", -1, 7, "do not fit each other"),
    "cell too large": ("response_cell", 5, 900, "event 0: response_cell 900 is not"),
    "cell twice": ("response_cell", 5, 0, "ascending order, each once"),
    "not finite": ("response_value", 5, np.nan, "event 0: .* is not finite"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damaged_files_are_refused(tmp_path, name):
    where, index, value, message = DAMAGES[name]
    path = tmp_path / "a.h5"
    writers.write(path, ECAL, showers(10), sparse=True)
    with h5py.File(path, "r+") as file:
        if where == "response_offset":
            file[where][...] = np.maximum(file[where][...], 0)
        file[where][index] = value
    with pytest.raises(DataError, match=message) as caught:
        readers.read(path, ECAL)
    assert "\n" not in str(caught.value)
