"""How a production is divided: events, blocks with a seed each, parts and shards."""

import dataclasses
import re

from data.events import DataError

BLOCK_EVENTS = 512
"""Events that are drawn together, with one seed."""

PART_BLOCKS = 32
"""Blocks that become safe on the disk together."""


@dataclasses.dataclass(frozen=True)
class Share:
    """The part of a production that one run makes.

    Event n belongs to block n // 512, whatever the number of events and shards. A shard
    is a range of blocks, and so is each of its parts.

    Attributes:
        num: Events of the whole production.
        shard: Number of the shard, from 0.
        shards: Number of shards.

    Example:
        >>> shares = [Share(2000, shard, 3) for shard in range(3)]
        >>> [(share.start, share.stop) for share in shares]
        [(0, 512), (512, 1024), (1024, 2000)]
    """

    num: int
    shard: int = 0
    shards: int = 1

    def __post_init__(self) -> None:
        """Refuses shards without events."""
        if not 0 <= self.shard < self.shards:
            raise DataError(
                f"shard {self.shard} of {self.shards}: shards are numbered from 0 to "
                f"{self.shards - 1}"
            )
        if self.shards > self._all_blocks:
            raise DataError(
                f"{self.num} events are {self._all_blocks} blocks of {BLOCK_EVENTS}, "
                f"which {self.shards} shards cannot share; take fewer shards"
            )

    @property
    def _all_blocks(self) -> int:
        return -(-self.num // BLOCK_EVENTS)

    @property
    def blocks(self) -> range:
        """The blocks of this shard."""
        return range(
            self._all_blocks * self.shard // self.shards,
            self._all_blocks * (self.shard + 1) // self.shards,
        )

    @property
    def start(self) -> int:
        """The first event of this shard."""
        return self.blocks.start * BLOCK_EVENTS

    @property
    def stop(self) -> int:
        """The event after the last one of this shard."""
        return min(self.blocks.stop * BLOCK_EVENTS, self.num)

    def events_of(self, block: int) -> range:
        """Returns the events of a block."""
        start = block * BLOCK_EVENTS
        return range(start, min(start + BLOCK_EVENTS, self.num))

    @property
    def parts(self) -> list[range]:
        """The blocks of every part of this shard."""
        starts = range(self.blocks.start, self.blocks.stop, PART_BLOCKS)
        return [range(one, min(one + PART_BLOCKS, self.blocks.stop)) for one in starts]


def parse_shard(text: str) -> tuple[int, int]:
    """Reads "I/N".

    Raises:
        DataError: If it is something else.

    Example:
        >>> parse_shard("3/100")
        (3, 100)
    """
    match = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
    if match is None or int(match[1]) >= int(match[2]):
        raise DataError(
            f"--shard={text}: give I/N, shard I of N, from 0/N to N-1/N; for instance "
            "0/100"
        )
    return int(match[1]), int(match[2])
