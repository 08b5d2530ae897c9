"""Chunks of HDF5 files are unpacked by HDF5, which makes room without any limit.

A chunk of zlib can hold a thousand times of what the dataset declares. So whatever is
large enough to do harm is unpacked here first, up to the declared size.
"""

import itertools
import math
import weakref
import zlib
from collections.abc import Iterator

import h5py

_HARMLESS_BYTES = 1 << 16
"""At most 68 MB, since zlib packs 1032 bytes in one."""

_sound: weakref.WeakKeyDictionary[h5py.Dataset, set[tuple[int, ...]]] = (
    weakref.WeakKeyDictionary()
)
"""Chunks that have been looked at: a training reads them again and again."""


def check_chunks(found: h5py.Dataset, rows: slice) -> None:
    """Refuses chunks that unpack to more than the dataset declares.

    Args:
        found: The dataset.
        rows: Those that are about to be read.

    Raises:
        ValueError: If there is such a chunk, or it is packed more than once.
        OSError: If the file is damaged.
    """
    if found.chunks is None:
        return
    plist = found.id.get_create_plist()
    filters = [plist.get_filter(one)[0] for one in range(plist.get_nfilters())]
    count = filters.count(h5py.h5z.FILTER_DEFLATE)
    if count > 1:
        raise ValueError(f"it is packed {count} times")
    if not count or not found.size:
        return
    declared = math.prod(found.chunks) * found.dtype.itemsize
    sound = _sound.setdefault(found, set())
    for offset in _offsets(found, rows):
        if offset in sound:
            continue
        info = found.id.get_chunk_info_by_coord(offset)
        if info.byte_offset is not None and info.size > _HARMLESS_BYTES:
            unpack = zlib.decompressobj()
            mask, raw = found.id.read_direct_chunk(offset)
            # A bit for every filter that was left out when the chunk was written.
            if not mask >> filters.index(h5py.h5z.FILTER_DEFLATE) & 1:
                unpack.decompress(raw, declared)
                if unpack.decompress(unpack.unconsumed_tail, 1):
                    raise ValueError("a chunk unpacks to more than its size")
        sound.add(offset)


def _offsets(found: h5py.Dataset, rows: slice) -> Iterator[tuple[int, ...]]:
    """Returns the first index of every chunk of some rows."""
    first, last, _ = rows.indices(len(found))
    begin = first - first % found.chunks[0]
    axes = [range(begin, last, found.chunks[0])]
    sizes = zip(found.shape[1:], found.chunks[1:], strict=True)
    axes += [range(0, size, step) for size, step in sizes]
    return itertools.product(*axes)
