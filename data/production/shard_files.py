"""The files of the shards of a production, and how they are joined."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from data.events import DataError
from data.files import readers
from data.files.event_stream import Block
from data.production import production_manifest as manifest
from data.production.output_kinds import KINDS, kind_of
from data.production.produce import Product, finish, is_finished, remove_parts
from data.production.shares import BLOCK_EVENTS, Share


def shard_path(output: Path, share: Share) -> Path:
    """Returns the file of a shard: showers.h5 becomes showers.3-of-100.h5.

    Args:
        output: The file that the shards are joined to.
        share: The shard; the only one keeps the name.
    """
    if share.shards == 1:
        return output
    return output.with_name(
        f"{output.stem}.{share.shard}-of-{share.shards}{output.suffix}"
    )


def _found(output: Path) -> list[Path]:
    """Returns the files of all shards, in their order.

    Raises:
        DataError: If there are none, some are missing, or some are of a production in
            another number of shards.
    """
    pattern = re.compile(
        re.escape(output.stem) + r"\.(\d+)-of-(\d+)\.(?:h5|hdf5)\.manifest\.json"
    )
    shards: dict[int, Path] = {}
    counts: set[int] = set()
    for path in sorted(output.parent.glob("*.manifest.json")):
        match = pattern.fullmatch(path.name)
        if match is not None:
            shard = int(match[1])
            if shard in shards:
                raise DataError(
                    f"{path}: shard {shard} is there twice; remove one of them"
                )
            shards[shard] = path.with_name(path.name.removesuffix(".manifest.json"))
            counts.add(int(match[2]))
    if not shards:
        raise DataError(
            f"{output}: no shards {output.stem}.I-of-N.h5 with manifests beside it; "
            "generate them with --shard=I/N as HDF5, or give their folder"
        )
    if len(counts) > 1:
        raise DataError(
            f"{output}: shards of productions in {sorted(counts)} shards lie together; "
            "remove those of one"
        )
    (count,) = counts
    missing = [shard for shard in range(count) if shard not in shards]
    if missing:
        listed = ", ".join(map(str, missing[:20]))
        raise DataError(
            f"{output}: {len(missing)} of {count} shards are not finished: {listed}"
            + (", ..." if len(missing) > 20 else "")
            + f"; generate them with --shard={missing[0]}/{count}"
        )
    return [shards[shard] for shard in range(count)]


def merge(output: Path, kind: str | None, compression: int | None) -> tuple[int, int]:
    """Verifies the shards of a production and joins them to one file.

    The file is that of a run without shards, to the bit if its kind holds no time. The
    shards stay.

    Args:
        output: The file; the shards lie beside it.
        kind: One of `output_kinds.KINDS`; None: as the name ends.
        compression: Level, 1 to 9; None for plain numbers.

    Returns:
        The number of shards and of events.

    Raises:
        DataError: If a shard is missing, damaged or of another production; what stood
            at `output` before still stands there.
    """
    paths = _found(output)
    manifests = [manifest.verified(path) for path in paths]
    production: dict[str, Any] = manifests[0].get("production", {})
    num = int(production.get("num", 0))
    for shard, (path, found) in enumerate(zip(paths, manifests, strict=True)):
        share = Share(num, shard, len(paths))
        stored = KINDS.get(str(found.get("format")))
        if stored is None or not stored.canonical:
            raise DataError(
                f"{path}: only shards of the formats hdf5 and sparse_hdf5 are joined, "
                f"this one is {found.get('format')!r}; convert each by itself"
            )
        wanted = {
            "production": production,
            "shard": [shard, len(paths)],
            "events": [share.start, share.stop],
        }
        other = manifest.difference(
            found.get("production", {}), production
        ) or manifest.difference({key: found.get(key) for key in wanted}, wanted)
        if other:
            raise DataError(
                f"{path}: belongs to another production than {paths[0]} ({other}); "
                "generate it again"
            )
    spec = readers.detect(str(paths[0]))
    product = Product(
        output,
        kind_of(output, kind, spec),
        compression,
        spec,
        production,
        Share(num),
    )
    if is_finished(product):
        remove_parts(product)
        return len(paths), num

    def blocks() -> Iterator[Block]:
        for path in paths:
            with readers.open_source(str(path), spec) as source:
                for start in range(0, len(source), BLOCK_EVENTS):
                    yield Block(source.read(start, start + BLOCK_EVENTS))

    with product.alone():
        finish(product, blocks)
    return len(paths), num
