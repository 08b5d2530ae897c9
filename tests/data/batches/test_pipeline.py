import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from data.batches import pipeline, shuffling, step_batches
from data.detectors.symmetry import symmetries
from data.files import readers, writers
from data.files.readers import DataError, Sample


def energies(dataset):
    """Returns the numbers of the events, [elements, rows]."""
    return np.asarray([element[1].numpy()[:, 0] for element in dataset])


def drawn(source, *, epochs=1, **arguments):
    return energies(pipeline.batches(source, epochs=epochs, **arguments))


@pytest.fixture
def files(tmp_path, box, make_events):
    """Three files of several chunks; the energies number the events throughout."""
    events, paths = make_events(2000), []
    for number, (start, stop) in enumerate([(0, 700), (700, 710), (710, 2000)]):
        paths.append(tmp_path / f"{number}.h5")
        piece = Sample(events.response[start:stop], events.condition[start:stop])
        writers.write(paths[-1], box, piece)
    return paths


@pytest.fixture
def streamed(files, box, monkeypatch):
    """A source that does not fit into one window."""
    monkeypatch.setattr(step_batches, "WINDOW_BYTES", 600 * box.cells.size * 4)
    with readers.open_source(files, box) as source:
        yield source


@pytest.fixture
def resident(files, box):
    with readers.open_source(files, box) as source:
        yield source


@pytest.fixture(params=["sample", "resident", "streamed"])
def source(request, make_events):
    if request.param == "sample":
        return make_events(2000)
    return request.getfixturevalue(request.param)


def test_elements(source, box):
    batches = pipeline.batches(source, rows=50, seed=1, epochs=2)
    assert pipeline.steps_per_epoch(source, 50) == 40
    assert int(batches.cardinality()) == 80
    response, condition, weight = next(iter(batches))
    assert response.shape == (50, *box.shape)
    assert condition.shape == (50, 3)
    assert weight.numpy().tolist() == [1] * 50
    assert {t.dtype for t in (response, condition, weight)} == {tf.float32}
    assert int(pipeline.batches(source, rows=50, seed=1).cardinality()) < 0


def test_response_and_condition_stay_together(source, make_events):
    events = make_events(2000)
    for response, condition, _ in pipeline.batches(source, rows=64, seed=3, epochs=1):
        number = condition.numpy()[:, 0].astype(int) - 1
        np.testing.assert_array_equal(response, events.response[number])
        np.testing.assert_array_equal(condition, events.condition[number])


def test_every_event_at_most_once_per_epoch(source):
    first, second = drawn(source, rows=300, seed=1, epochs=2).reshape(2, 6 * 300)
    for epoch in (first, second):
        assert len(np.unique(epoch)) == len(epoch)
    assert (first != second).any()
    assert not np.array_equal(np.sort(first), first)


def test_order_depends_on_the_seed_alone(source):
    first = drawn(source, rows=100, seed=1)
    np.testing.assert_array_equal(first, drawn(source, rows=100, seed=1))
    assert (first != drawn(source, rows=100, seed=2)).any()


def test_resuming_continues(source, box):
    arguments = {"rows": 300, "seed": 5, "augment": symmetries(box)}
    straight = list(pipeline.batches(source, epochs=4, **arguments))
    resumed = list(pipeline.batches(source, first_epoch=2, epochs=2, **arguments))
    assert len(resumed) == 12
    for expected, found in zip(straight[12:], resumed, strict=True):
        for left, right in zip(expected, found, strict=True):
            np.testing.assert_array_equal(left, right)


def test_a_second_iterator_starts_anew(source):
    batches = pipeline.batches(source, rows=300, seed=1, epochs=1)
    iterator = iter(batches)
    next(iterator)
    np.testing.assert_array_equal(energies(batches), drawn(source, rows=300, seed=1))


def test_elements_are_fresh(make_events):
    found = step_batches.Elements(make_events(10), rows=5, seed=1)
    first, copy = found[0][0], found[0][0].copy()
    found[1]
    np.testing.assert_array_equal(first, copy)


def test_the_sample_is_never_changed(make_events, box):
    events = make_events(20)
    before = events.response.copy()
    nothing = np.zeros(box.shape, bool)
    for response, *_ in pipeline.batches(
        events, rows=20, seed=1, epochs=1, acceptance=nothing
    ):
        assert not np.any(response)
    np.testing.assert_array_equal(events.response, before)


@pytest.mark.parametrize("workers", [2, 3])
def test_workers_share_no_event_and_take_equal_steps(source, workers):
    parts = []
    for index in range(workers):
        plan = step_batches.Elements(source, rows=10, seed=1, shard=(index, workers))
        parts.append(np.ravel([condition[:, 0] for _, condition, _ in plan.epoch(0)]))
    together = np.concatenate(parts)
    assert len(np.unique(together)) == len(together)
    assert len({len(part) for part in parts}) == 1


@given(
    sizes=st.lists(st.integers(0, 5), min_size=1, max_size=20),
    workers=st.integers(1, 30),
)
def test_chunks_are_shared_out_completely(sizes, workers):
    files = np.repeat(np.arange(len(sizes)), sizes)
    if workers > len(files):
        with pytest.raises(ValueError, match="use fewer workers"):
            shuffling.shard_chunks(files, (0, workers))
        return
    parts = [shuffling.shard_chunks(files, (i, workers)) for i in range(workers)]
    assert sorted(np.concatenate(parts)) == list(range(len(files)))
    assert all(len(part) for part in parts)
    if workers <= np.count_nonzero(sizes):
        opened = [set(files[part]) for part in parts]
        assert sum(map(len, opened)) == len(set.union(*opened))


def test_a_worker_that_is_none_of_them_is_refused():
    with pytest.raises(ValueError, match="shard must be"):
        shuffling.shard_chunks(np.zeros(9, int), (3, 3))


@given(
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=20),
    window=st.integers(1, 40),
    epoch=st.integers(0, 3),
)
def test_windows_hold_every_event_once(sizes, window, epoch):
    sizes = np.asarray(sizes)
    found = list(shuffling.windows(sizes, window, seed=1, epoch=epoch, turn=0))
    chunks = np.concatenate([chunk for chunk, _ in found])
    assert sorted(chunks) == list(range(len(sizes)))
    for members, order in found:
        assert sorted(order) == list(range(sizes[members].sum()))
        assert len(order) <= window + sizes.max()


def test_fewer_events_than_rows_are_drawn_again(make_events):
    events = make_events(7)
    assert pipeline.steps_per_epoch(events, 20) == 1
    found = drawn(events, rows=20, seed=1, epochs=2)
    assert found.shape == (2, 20)
    for turn in (found[0, :7], found[0, 7:14]):
        assert sorted(turn) == [1, 2, 3, 4, 5, 6, 7]
    assert (found[0] != found[1]).any()


def test_weights_follow_their_events_divided_by_their_mean(make_events):
    events = make_events(40, weighted=True)
    events.weight[:] += 0.7
    assert events.weight.min() < 0.0
    expected = events.weight / events.weight.mean()
    for _, condition, weight in pipeline.batches(events, rows=8, seed=1, epochs=1):
        number = condition.numpy()[:, 0].astype(int) - 1
        np.testing.assert_allclose(weight, expected[number], rtol=1e-6)


def test_an_event_split_in_two_changes_no_weighted_mean(make_events):
    events = make_events(40, weighted=True)
    events.weight[:] += 0.7
    fraction = np.random.default_rng(3).normal(size=40).astype(np.float32)
    twice = Sample(
        np.concatenate([events.response] * 2),
        np.concatenate([events.condition] * 2),
        np.concatenate([fraction, events.weight - fraction]),
    )

    def mean_energy(sample):
        batches = pipeline.batches(sample, rows=len(sample), seed=1, epochs=1)
        _, condition, weight = next(iter(batches))
        return np.mean(condition[:, 0] * weight)

    assert mean_energy(twice) == pytest.approx(mean_energy(events), rel=1e-4)


def test_weights_of_background_cannot_train(make_events):
    events = make_events(40, weighted=True)
    events.weight[:] = -0.5
    with pytest.raises(ValueError, match=r"must be positive to train, is -0\.5"):
        pipeline.batches(events, rows=8, seed=1)


def test_augmentation_carries_the_impact_to_the_hit_cell(box):
    """An event hits one cell and says where it is; so do all its images."""
    cell = (2, 1, 1)
    response = np.zeros((400, *box.shape), np.float32)
    response[(slice(None), *cell)] = np.arange(1, 401)
    condition = np.zeros((400, 3), np.float32)
    condition[:, 0] = np.arange(1, 401)
    condition[:, 1:] = box.positions_cm[cell][:2]
    dataset = pipeline.batches(
        Sample(response, condition), rows=400, seed=1, epochs=1, augment=symmetries(box)
    )
    images, conditions, _ = (tensor.numpy() for tensor in next(iter(dataset)))
    event, *hit = np.nonzero(images)
    np.testing.assert_array_equal(event, np.arange(400))
    np.testing.assert_array_equal(images[event, *hit], conditions[:, 0])
    positions = box.positions_cm[tuple(hit)]
    np.testing.assert_allclose(positions[:, :2], conditions[:, 1:], atol=1e-6)
    np.testing.assert_array_equal(positions[:, 2], box.positions_cm[cell][2])
    assert len(np.unique(positions, axis=0)) == 4


def test_augmentation_by_the_identity_changes_nothing(box, make_events):
    group = symmetries(box)
    identity = dataclasses.replace(
        group, cells=group.cells[:1], conditions=group.conditions[:1]
    )
    arguments = {"rows": 10, "seed": 1, "epochs": 1}
    plain = pipeline.batches(make_events(50), **arguments)
    turned = pipeline.batches(make_events(50), augment=identity, **arguments)
    for left, right in zip(plain, turned, strict=True):
        np.testing.assert_array_equal(left[0], right[0])
        np.testing.assert_array_equal(left[1], right[1])


def test_dead_cells_do_not_rotate(box, make_events):
    accepted = box.acceptance("mask")
    seen = np.zeros(box.shape, bool)
    for response, *_ in pipeline.batches(
        make_events(50),
        rows=50,
        seed=1,
        epochs=1,
        augment=symmetries(box),
        acceptance=accepted,
    ):
        seen |= np.any(response.numpy() > 0, axis=0)
    np.testing.assert_array_equal(seen, accepted)


def test_transform_comes_last(box, make_events):
    class PerEnergy:
        def encode(self, response, condition):
            return tf.reshape(response, (10, -1)) / condition[:, :1]

    events = make_events(10)
    dataset = pipeline.batches(events, rows=10, seed=1, epochs=1, transform=PerEnergy())
    encoded, condition, _ = next(iter(dataset))
    number = condition.numpy()[:, 0].astype(int) - 1
    expected = events.response[number].reshape(10, -1) / condition.numpy()[:, :1]
    np.testing.assert_allclose(encoded, expected, rtol=1e-6)


def test_bad_event_stops_the_stream(files, box):
    import h5py

    with h5py.File(files[2], "r+") as file:
        file["response"][1000, 1, 1, 0] = np.nan
    with readers.open_source(files, box) as source:
        with pytest.raises(DataError, match="event 1000"):
            source.check()
        with pytest.raises(DataError, match="event 1000"):
            drawn(source, rows=10, seed=1)


def test_bad_event_behind_the_first_window(files, streamed):
    import h5py

    streamed.close()
    with h5py.File(files[2], "r+") as file:
        file["response"][1000, 1, 1, 0] = -1
    with readers.open_source(files, streamed.spec) as source:
        batches = pipeline.batches(source, rows=10, seed=1, epochs=1)
        with pytest.raises(tf.errors.InvalidArgumentError, match="event 1000"):
            list(batches)


def test_impossible_requests(make_events, box):
    events = make_events(5)
    with pytest.raises(ValueError, match="rows must be at least 1"):
        pipeline.batches(events, rows=0, seed=1)
    with pytest.raises(ValueError, match="shard must be"):
        pipeline.batches(events, rows=1, seed=1, shard=(2, 2))
    empty = Sample(events.response[:0], events.condition[:0])
    with pytest.raises(ValueError, match="without events"):
        pipeline.batches(empty, rows=1, seed=1)


def test_what_does_not_fit_into_a_window_does_not_stay_in_memory(request, source):
    streamed = "streamed" in request.node.name
    assert pipeline.fits_in_memory(source) != streamed
