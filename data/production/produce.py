"""A run of a production: it goes on where it was killed, and ends in one file."""

import contextlib
import dataclasses
import os
import shutil
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from common import process_lock
from data.detectors.spec import DetectorSpec
from data.events import DataError, Sample
from data.files import hdf5
from data.files.event_stream import Block, EventStream
from data.files.sparse_responses import SparseDataset, encode
from data.files.writers import Writer
from data.production import production_manifest as manifest
from data.production.output_kinds import KINDS
from data.production.shares import BLOCK_EVENTS, Share

_AHEAD = 2

Simulate = Callable[[NDArray[np.float32], int], NDArray[np.float32]]
"""Conditions [512, conditions] and the number of their block -> responses."""


class Conditions(Protocol):
    """Where the conditions of events come from."""

    def keep(self, share: Share, path: Path) -> None:
        """Prepares the conditions of a share; `path` is a file that it may write."""

    def block(self, share: Share, number: int) -> NDArray[np.float32]:
        """Returns the conditions of a block, float32 [events, conditions]."""


@dataclasses.dataclass(frozen=True)
class Product:
    """A file to write.

    Attributes:
        path: The file.
        kind: One of `output_kinds.KINDS`.
        compression: Level, 1 to 9; None for plain numbers.
        spec: The detector.
        production: What determines every event: model, its checksum, seed, number of
            events, conditions. The file of another production is never touched.
        share: The events that it holds.
    """

    path: Path
    kind: str
    compression: int | None
    spec: DetectorSpec
    production: Mapping[str, Any]
    share: Share

    @property
    def parts(self) -> Path:
        """The folder of finished parts, beside the file."""
        return self.path.with_name(f"{self.path.name}.parts")

    def alone(self) -> AbstractContextManager[None]:
        """Keeps other processes from the folder of parts, which is made."""
        lock = self.parts / process_lock.LOCK
        return process_lock.alone(lock, "choose another --output")

    @property
    def description(self) -> dict[str, Any]:
        """The manifest without size and checksum."""
        return {
            "production": dict(self.production),
            "shard": [self.share.shard, self.share.shards],
            "events": [self.share.start, self.share.stop],
            "format": self.kind,
            "compression": self.compression,
        }


def is_finished(product: Product) -> bool:
    """Tells whether the file is there already.

    Raises:
        DataError: If another file stands in its place.
    """
    path = product.path
    if not path.parent.is_dir():
        raise DataError(f"{path}: there is no folder {path.parent}; make it first")
    beside = manifest.manifest_path(path)
    if beside.is_file() and path.is_file():
        found = manifest.read_json(beside)
        _refuse_another(path, found, product.description)
        if path.stat().st_size != found.get("bytes"):
            raise DataError(
                f"{path}: is not the file of its manifest; remove both to generate it "
                "again"
            )
        return True
    if path.exists() and not (product.parts / "production.json").is_file():
        raise DataError(
            f"{path}: exists, and no manifest says what it holds; choose another "
            "--output or remove it"
        )
    return False


def _refuse_another(
    path: Path, found: Mapping[str, Any], wanted: Mapping[str, Any]
) -> None:
    other = manifest.difference(found.get("production", {}), wanted["production"])
    rest = {key: value for key, value in wanted.items() if key != "production"}
    other = other or manifest.difference({key: found.get(key) for key in rest}, rest)
    if other:
        raise DataError(
            f"{path}: belongs to another production ({other}); choose another --output "
            "or remove it"
        )


def produce(
    product: Product,
    conditions: Conditions,
    simulate: Simulate,
    progress: Callable[[int, int], None],
) -> None:
    """Generates what is missing of a file, and writes it.

    Every 16,384 events become safe on the disk, in the folder `product.parts`. A run
    that was killed is repeated by the same call: the file becomes that of a run never
    killed, to the bit if its kind holds no time. The folder is removed at the end.

    Args:
        product: The file, which `is_finished` has looked for.
        conditions: Where the conditions come from.
        simulate: Draws the responses of a whole block. A shorter one is filled up
            with its last condition and cut afterwards.
        progress: Is told the number of events generated so far and, of all that were
            missing, in this call.

    Raises:
        BusyError: If another process generates the same file.
        DataError: If the parts are those of another production, or something cannot be
            written.
        OSError: If the folder of parts cannot be written to.
    """
    with product.alone():
        _produce(product, conditions, simulate, progress)


def _produce(
    product: Product,
    conditions: Conditions,
    simulate: Simulate,
    progress: Callable[[int, int], None],
) -> None:
    share, parts = product.share, product.parts
    try:
        _clean(parts)
        known = parts / "production.json"
        if known.exists():
            _refuse_another(parts, manifest.read_json(known), product.description)
        else:
            manifest.write_json(known, product.description)
        conditions.keep(share, parts / "conditions.f4")
    except OSError as error:
        raise DataError(
            f"{parts}: cannot be written ({error.strerror}); check that the folder may "
            "be written to and has room"
        ) from error

    def one(number: int) -> Block:
        condition = conditions.block(share, number)
        missing, whole = BLOCK_EVENTS - len(condition), condition
        if missing:
            whole = np.pad(condition, ((0, missing), (0, 0)), mode="edge")
        response = simulate(whole, number)[: len(condition)]
        return Block(Sample(response, condition), None, encode(response))

    def blocks() -> Iterator[Block]:
        missing = [part for part in share.parts if not _usable(product, part)]
        total = sum(len(share.events_of(number)) for part in missing for number in part)
        done = 0
        numbers = (number for part in missing for number in part)
        with contextlib.closing(_ahead(one, numbers)) as fresh:
            for part in share.parts:
                if part not in missing:
                    yield from _stored(product, part)
                    continue
                path = _part_path(product, part)
                with Writer(path, product.spec, compression=None, sparse=True) as file:
                    for _ in part:
                        block = next(fresh)
                        file.append(block.sample, hits=block.hits)
                        done += len(block.sample)
                        progress(done, total)
                        yield block

    finish(product, blocks)


def finish(product: Product, blocks: Callable[[], Iterator[Block]]) -> None:
    """Writes the file of a product and its manifest; removes the folder of parts.

    Args:
        product: The file, inside its `alone()`.
        blocks: See `EventStream`.

    Raises:
        DataError: If something cannot be written; parts stay then.
    """
    made = product.production
    attributes = {
        "generator": f"fastsim-zoo {made['model']}",
        "generator_version": made["model_version"],
        "model_sha256": made["model_sha256"],
        "seed": made["seed"],
    }
    count = product.share.stop - product.share.start
    temporary = product.parts / f"output{product.path.suffix}"
    stream = EventStream(product.spec, count, blocks, attributes)
    KINDS[product.kind].write(temporary, stream, product.compression)
    found = {
        "bytes": temporary.stat().st_size,
        "sha256": manifest.checksum(temporary),
    }
    os.replace(temporary, product.path)
    manifest.write_json(
        manifest.manifest_path(product.path), product.description | found
    )
    remove_parts(product)


def remove_parts(product: Product) -> None:
    """Removes the folder of parts, which a finished file no longer needs."""
    shutil.rmtree(product.parts, ignore_errors=True)


def _clean(folder: Path) -> None:
    """Removes what a run left behind that was killed while it wrote."""
    for path in folder.iterdir():
        kept = path.name in ("production.json", process_lock.LOCK)
        if not (kept or path.name.startswith("part-")):
            path.unlink()


def _part_path(product: Product, part: range) -> Path:
    return product.parts / f"part-{part.start:09}.h5"


def _usable(product: Product, part: range) -> bool:
    """Tells whether a part is finished; removes one that is damaged."""
    path = _part_path(product, part)
    if not path.exists():
        return False
    try:
        with hdf5.open_file(str(path)) as file:
            found = SparseDataset(str(path), file, product.spec).events
    except DataError:
        found = 0
    if found != sum(len(product.share.events_of(number)) for number in part):
        path.unlink()
        return False
    return True


def _stored(product: Product, part: range) -> Iterator[Block]:
    """Reads the blocks of a finished part."""
    path = str(_part_path(product, part))
    with hdf5.open_file(path) as file:
        responses = SparseDataset(path, file, product.spec)
        condition = hdf5.floats(path, hdf5.dataset(path, file, "condition"))
        for first in range(0, responses.events, BLOCK_EVENTS):
            last = min(first + BLOCK_EVENTS, responses.events)
            sample = Sample(responses.read(first, last), condition[first:last])
            yield Block(sample)


def _ahead(work: Callable[[int], Block], numbers: Iterable[int]) -> Generator[Block]:
    """Does the work in another thread, a little ahead of who takes the results."""
    waiting: deque[Future[Block]] = deque()
    with ThreadPoolExecutor(1) as pool:
        try:
            for number in numbers:
                waiting.append(pool.submit(work, number))
                if len(waiting) > _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
