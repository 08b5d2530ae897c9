import itertools

import hypothesis
import hypothesis.strategies as st
import pytest

from data.events import DataError
from data.production.shares import BLOCK_EVENTS, PART_BLOCKS, Share, parse_shard


@hypothesis.given(st.integers(1, 10**8), st.integers(1, 40))
def test_shards_hold_every_event_once(num, shards):
    shards = min(shards, -(-num // BLOCK_EVENTS))
    shares = [Share(num, shard, shards) for shard in range(shards)]
    assert shares[0].start == 0
    assert shares[-1].stop == num
    assert all(one.stop == two.start for one, two in itertools.pairwise(shares))
    sizes = [len(share.blocks) for share in shares]
    assert max(sizes) - min(sizes) <= 1


def test_parts_and_blocks_hold_every_event_once():
    share = Share(100_000, 1, 2)
    events = [
        n for part in share.parts for block in part for n in share.events_of(block)
    ]
    assert events == list(range(share.start, share.stop))
    assert {len(part) for part in share.parts[:-1]} == {PART_BLOCKS}


def test_a_block_does_not_depend_on_the_number_of_events():
    assert Share(10_000).events_of(3) == Share(2048, 1, 2).events_of(3)


def test_more_shards_than_blocks_are_refused():
    with pytest.raises(DataError, match="1000 events are 2 blocks of 512, which 3"):
        Share(1000, 0, 3)


@pytest.mark.parametrize("text", ["3", "3/3", "-1/3", "a/b", "0/0", "1/2/3", ""])
def test_bad_shards_are_refused(text):
    with pytest.raises(DataError, match=r"--shard=.*: give I/N"):
        parse_shard(text)
