"""Productions with a stand-in for the network: shards, kills, formats, damage."""

import json

import h5py
import numpy as np
import pytest
import uproot

from data import detectors
from data.events import DataError
from data.files import readers
from data.production import produce as module
from data.production import shard_files, shares
from data.production.drawn_conditions import DrawnConditions
from data.production.produce import Product, is_finished, produce
from data.production.production_manifest import checksum, manifest_path
from data.production.shares import BLOCK_EVENTS, Share

ECAL = detectors.get("ecal")
NUM = 2700
CONDITIONS = DrawnConditions(ECAL, [], 1)


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(shares, "PART_BLOCKS", 2)


def simulate(condition, number):
    assert condition.shape == (BLOCK_EVENTS, 5)
    random = np.random.default_rng(number)
    response = random.exponential(size=(BLOCK_EVENTS, *ECAL.shape)).astype(np.float32)
    response[random.random(response.shape) < 0.9] = 0
    return response * condition[:, 2, None, None]


def product(path, *, share=None, kind="hdf5", compression=None, **changes):
    settings = {
        "model": "stand_in",
        "model_version": "1",
        "model_sha256": "0",
        "num": NUM,
        "seed": 1,
    }
    share = share or Share(NUM)
    path = shard_files.shard_path(path, share)
    return Product(path, kind, compression, ECAL, settings | changes, share)


def run(wanted, function=simulate):
    steps = []
    assert not is_finished(wanted)
    produce(wanted, CONDITIONS, function, lambda *step: steps.append(step))
    return steps


def test_what_is_written(tmp_path):
    wanted = product(tmp_path / "a.h5")
    steps = run(wanted)
    assert steps[0] == (512, NUM)
    assert steps[-1] == (NUM, NUM)
    sample = readers.read(wanted.path, ECAL)
    share = Share(NUM)
    condition = np.concatenate([CONDITIONS.block(share, n) for n in share.blocks])
    np.testing.assert_array_equal(sample.condition, condition)
    expected = np.concatenate(
        [
            simulate(np.resize(CONDITIONS.block(share, n), (512, 5)), n)
            for n in share.blocks
        ]
    )[:NUM]
    np.testing.assert_array_equal(sample.response, expected)
    assert {path.name for path in tmp_path.iterdir()} == {"a.h5", "a.h5.manifest.json"}
    manifest = json.loads(manifest_path(wanted.path).read_text())
    assert manifest["events"] == [0, NUM]
    assert manifest["sha256"] == checksum(wanted.path)
    with h5py.File(wanted.path) as file:
        assert file.attrs["generator"] == "fastsim-zoo stand_in"
        assert file.attrs["seed"] == 1
    assert is_finished(wanted)


@pytest.mark.parametrize(
    ("kind", "died_at"), [("hdf5", 0), ("hdf5", 5), ("sparse_hdf5", 3), ("lhcb_npz", 3)]
)
def test_a_killed_run_continues_to_the_same_bytes(tmp_path, kind, died_at):
    end = ".npz" if kind == "lhcb_npz" else ".h5"
    whole = product(tmp_path / f"whole{end}", kind=kind)
    run(whole)
    killed = product(tmp_path / f"killed{end}", kind=kind)

    def dies(condition, number):
        if number == died_at:
            raise KeyboardInterrupt
        return simulate(condition, number)

    with pytest.raises(KeyboardInterrupt):
        run(killed, dies)
    assert not killed.path.exists()
    # What a process leaves behind that had no time to clean up.
    (killed.parts / ".part-000000002.h5.7.tmp").write_text("half")
    (killed.parts / "output.h5").write_text("half")
    steps = run(killed)
    assert steps[-1][1] == NUM - died_at // 2 * 2 * BLOCK_EVENTS
    assert killed.path.read_bytes() == whole.path.read_bytes()
    assert not killed.parts.exists()


def test_a_damaged_part_is_made_again(tmp_path):
    wanted = product(tmp_path / "a.h5")

    def dies(condition, number):
        if number == 4:
            raise ValueError("gone")
        return simulate(condition, number)

    with pytest.raises(ValueError, match="gone"):
        run(wanted, dies)
    parts = sorted(wanted.parts.glob("part-*"))
    assert len(parts) == 2
    parts[0].write_bytes(parts[0].read_bytes()[:1000])
    assert run(wanted)[-1][1] == NUM - 2 * BLOCK_EVENTS


@pytest.mark.parametrize("count", [2, 6])
def test_shards_joined_are_the_run_without_shards(tmp_path, count):
    whole = product(tmp_path / "whole.h5")
    run(whole)
    for shard in reversed(range(count)):
        run(
            product(
                tmp_path / "some.h5", share=Share(NUM, shard, count), kind="sparse_hdf5"
            )
        )
    assert shard_files.merge(tmp_path / "some.h5", "hdf5", None) == (count, NUM)
    assert (tmp_path / "some.h5").read_bytes() == whole.path.read_bytes()
    found = json.loads(manifest_path(tmp_path / "some.h5").read_text())
    assert found == json.loads(manifest_path(whole.path).read_text())
    assert shard_files.merge(tmp_path / "some.h5", "hdf5", None) == (count, NUM)


def shards(folder, **changes):
    made = [
        product(folder / "a.h5", share=Share(NUM, shard, 3), **changes)
        for shard in range(3)
    ]
    for one in made:
        run(one)
    return made


def test_merge_refuses_what_is_not_whole(tmp_path):
    made = shards(tmp_path)
    output = tmp_path / "a.h5"

    def refused(message):
        with pytest.raises(DataError, match=message) as caught:
            shard_files.merge(output, None, None)
        assert "\n" not in str(caught.value)
        assert not output.exists()

    with h5py.File(made[1].path, "r+") as file:
        file["response"][5, 5, 5] += 1
    refused(r"a.1-of-3.h5: is not the file of its manifest")
    made[1].path.unlink()
    refused(r"a.1-of-3.h5: is missing; generate it again")
    manifest_path(made[1].path).unlink()
    refused(r"1 of 3 shards are not finished: 1; generate them with --shard=1/3")
    run(product(output, share=Share(NUM, 1, 3), seed=2))
    refused(r"a.1-of-3.h5: belongs to another production .*seed is 2, not 1")
    run(product(output, share=Share(NUM, 0, 2)))
    refused("shard 0 is there twice")
    with pytest.raises(DataError, match=r"no shards b.I-of-N.h5 with manifests"):
        shard_files.merge(tmp_path / "b.h5", None, None)


def test_another_production_is_never_overwritten(tmp_path):
    run(product(tmp_path / "a.h5"))
    before = (tmp_path / "a.h5").read_bytes()
    for changes, message in (
        ({"seed": 2}, "seed is 1, not 2"),
        ({"kind": "sparse_hdf5"}, "format is 'hdf5', not 'sparse_hdf5'"),
        ({"share": Share(NUM + 1)}, r"events is \[0, 2700\], not \[0, 2701\]"),
    ):
        with pytest.raises(DataError, match=message):
            is_finished(product(tmp_path / "a.h5", **changes))
    (tmp_path / "mine.h5").write_text("mine")
    with pytest.raises(DataError, match=r"exists, and no manifest says what it holds"):
        is_finished(product(tmp_path / "mine.h5"))
    with pytest.raises(DataError, match="there is no folder"):
        is_finished(product(tmp_path / "no" / "a.h5"))
    assert (tmp_path / "a.h5").read_bytes() == before


def test_parts_of_another_production_are_not_taken(tmp_path):
    def dies(condition, number):
        raise ValueError("gone")

    with pytest.raises(ValueError, match="gone"):
        run(product(tmp_path / "a.h5"), dies)
    with pytest.raises(DataError, match=r"a.h5.parts: belongs to another .*seed is 1"):
        run(product(tmp_path / "a.h5", seed=2))


def test_a_run_killed_between_file_and_manifest_ends(tmp_path, monkeypatch):
    wanted = product(tmp_path / "a.h5")

    def dies(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module.os, "replace", dies)
        with pytest.raises(KeyboardInterrupt):
            run(wanted)
    run(wanted)
    written = wanted.path.read_bytes()
    assert is_finished(wanted)
    manifest_path(wanted.path).unlink()
    wanted.parts.mkdir()
    (wanted.parts / "production.json").write_text(json.dumps(wanted.description))
    run(wanted)
    assert wanted.path.read_bytes() == written


def test_root_holds_the_same_events(tmp_path):
    run(product(tmp_path / "a.h5"))
    run(product(tmp_path / "a.root", kind="root", compression=1))
    sample = readers.read(tmp_path / "a.h5", ECAL)
    with uproot.open(tmp_path / "a.root") as file:
        found = file["events"].arrays(library="np")
    np.testing.assert_array_equal(found.pop("response"), sample.response)
    for index, name in enumerate(ECAL.condition_names):
        np.testing.assert_array_equal(found.pop(name), sample.condition[:, index])
    assert not found
