"""Events in many files: few of them open at a time, and no worker opens another's."""

import h5py
import numpy as np
import pytest

from benchmarks.shared import shuffle_quality
from data.batches import step_batches
from data.files import readers, source, writers
from data.files.readers import Sample

FILES, EVENTS = 30, 8


@pytest.fixture
def files(tmp_path, box, make_events):
    """Files of a few events each; the energies number the events throughout."""
    events, paths = make_events(FILES * EVENTS), []
    for number in range(FILES):
        part = slice(number * EVENTS, (number + 1) * EVENTS)
        piece = Sample(events.response[part], events.condition[part])
        paths.append(str(tmp_path / f"{number:02}.h5"))
        writers.write(paths[-1], box, piece, sparse=number % 2 == 1)
    return paths


@pytest.fixture
def opened(monkeypatch):
    """The files that were opened, and the largest number open at a time."""
    found = {"paths": set(), "most": 0, "files": []}
    kept = h5py.File

    def file(path, *arguments, **named):
        one = kept(path, *arguments, **named)
        found["paths"].add(path)
        found["files"].append(one)
        found["most"] = max(found["most"], sum(map(bool, found["files"])))
        return one

    monkeypatch.setattr(h5py, "File", file)
    return found


def test_few_of_many_files_are_open(files, box, make_events, monkeypatch, opened):
    monkeypatch.setattr(source, "MOST_OPEN", 4)
    # Not all fit into one window, so that files have to be read again and again.
    monkeypatch.setattr(step_batches, "WINDOW_BYTES", 50 * box.cells.size * 4)
    expected = make_events(FILES * EVENTS)
    with readers.open_source(files, box) as found:
        plan = step_batches.Elements(found, rows=20, seed=1)
        for epoch in range(2):
            seen = []
            for response, condition, _ in plan.epoch(epoch):
                number = condition[:, 0].astype(int) - 1
                np.testing.assert_array_equal(response, expected.response[number])
                seen.append(number)
            assert sorted(np.concatenate(seen)) == list(range(FILES * EVENTS))
        np.testing.assert_array_equal(found.read().response, expected.response)
    # One more is open while it takes the place of another.
    assert opened["most"] == 5
    assert not any(map(bool, opened["files"]))


@pytest.mark.parametrize("workers", [3, 7])
def test_a_worker_reads_events_of_its_own_files_alone(
    files, box, opened, workers, monkeypatch
):
    monkeypatch.setattr(source, "MOST_OPEN", 1)
    seen = []
    for index in range(workers):
        # Conditions are few, and read of all files.
        with readers.open_source(files, box) as found:
            opened["paths"].clear()
            plan = step_batches.Elements(found, rows=8, seed=1, shard=(index, workers))
            assert len(list(plan.epoch(0))) == plan.steps
        assert opened["paths"] <= set(files[index::workers])
        seen += opened["paths"]
    assert len(set(seen)) == len(seen)
    assert len(seen) > FILES / 2


def test_the_quality_of_a_perfect_shuffle_and_of_none():
    sizes = np.full(50, 200)
    random = np.random.default_rng(1)
    perfect = shuffle_quality.of_order(random.permutation(10_000), sizes, 100)
    assert abs(perfect.rank_correlation) < 4 * perfect.rank_error
    # 100 of 10,000 events: a file is missed with probability 0.99^200 or so.
    assert perfect.ideal_files == pytest.approx(50 * (1 - 0.99**200), rel=0.01)
    assert perfect.files_in_batch == pytest.approx(perfect.ideal_files, abs=0.5)
    assert perfect.spread == pytest.approx(1.0, abs=0.3)
    none = shuffle_quality.of_order(np.arange(10_000), sizes, 100)
    assert none.rank_correlation == pytest.approx(1.0)
    assert none.files_in_batch == 1.0
    # Means 100 apart from each other, against those of 100 random events.
    means = np.arange(49.5, 10_000, 100)
    ideal = np.sqrt(10_001 * 9_900 / 1_200)
    assert none.spread == pytest.approx(means.std(ddof=1) / ideal)


def test_the_epoch_of_a_stream_is_mixed_well(files, box, monkeypatch):
    monkeypatch.setattr(step_batches, "WINDOW_BYTES", 80 * box.cells.size * 4)
    with readers.open_source(files, box) as found:
        plan = step_batches.Elements(found, rows=20, seed=1)
        numbers = np.concatenate([c[:, 0] for _, c, _ in plan.epoch(0)]) - 1
    sizes = np.full(FILES, EVENTS)
    quality = shuffle_quality.of_order(numbers.astype(int), sizes, 20)
    # Events of the ten files of a window come together.
    assert abs(quality.rank_correlation) < 6 * quality.rank_error
    assert 6 < quality.files_in_batch < 10.1
    assert quality.ideal_files > 13
