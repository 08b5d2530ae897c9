"""Conversion of files of showers from one layout to another, piece by piece."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from data.events import SPLITS, DataError, Sample
from data.files.readers import Dataset, open_source
from data.files.shower_formats.binning_xml import Binning
from data.files.shower_formats.layout_writer import LayoutWriter
from data.files.shower_formats.shower_layouts import LAYOUTS
from data.files.split_fractions import check_fractions, draw_splits
from data.files.writers import Writer

CANONICAL = "canonical"
FORMATS = (CANONICAL, *LAYOUTS)
"""What can be written."""


def convert_showers(
    output: str,
    inputs: Sequence[str],
    layout: str,
    binning: Binning | None,
    fractions: Sequence[float],
    seed: int,
    progress: Callable[[int], None],
) -> dict[str, int]:
    """Writes the showers of some files into one.

    Args:
        output: The file, replaced if it exists; whole or not there.
        inputs: Files of one detector, one after the other.
        layout: One of `FORMATS`.
        binning: The voxels of files of the CaloChallenge or of Par04.
        fractions: Fractions of train, validation and test; of a canonical file each
            shower goes to a split by a random number of its own.
        seed: Seed of the splits.
        progress: Called after each piece with the number of showers so far.

    Returns:
        The number of showers of each split; of "all" where a layout has none.

    Raises:
        DataError: If a file is bad, canonical already, one of the output, or has no
            place in the layout; no file is left behind then.
    """
    check_fractions(fractions)
    for path in inputs:
        exist = os.path.exists(output) and os.path.exists(path)
        if exist and os.path.samefile(output, path):
            raise DataError(f"{output}: is one of the inputs; choose another name")
    with Dataset(inputs, binning) as dataset:
        spec, own = dataset.spec, dataset.layout
    if layout == CANONICAL and own is None:
        raise DataError(
            f"{inputs[0]}: is of no public layout of showers, of which there are "
            f"{', '.join(one.name for one in LAYOUTS.values())}; name another --format"
        )
    counts: dict[str, int] = {}
    random = np.random.default_rng(seed)
    names = ", ".join(Path(path).name for path in inputs)
    attributes = {"sources": names, "split_shares": list(fractions), "seed": seed}
    writer = (
        Writer(output, spec, attributes=attributes)
        if layout == CANONICAL
        else LayoutWriter(output, layout, spec)
    )
    with open_source(list(inputs), spec) as source, writer:
        for number, (start, stop) in enumerate(
            zip(source.offsets[:-1], source.offsets[1:], strict=True)
        ):
            weight = None if source.weight is None else source.weight[start:stop]
            sample = Sample(source.chunk(number), source.condition[start:stop], weight)
            split = np.full(len(sample), "all")
            if isinstance(writer, Writer):
                split = np.asarray(SPLITS)[draw_splits(random, len(sample), fractions)]
                writer.append(sample, split=split)
            else:
                writer.append(sample)
            for name in np.unique(split).tolist():
                counts[name] = counts.get(name, 0) + int(np.sum(split == name))
            progress(int(stop))
    return {name: counts[name] for name in (*SPLITS, "all") if name in counts}
