"""The known formats of a table, told by the end of its name."""

from pathlib import Path

from data.calibration import archive, parquet, root, text
from data.calibration.table import Table
from data.events import DataError

_TEXT = (".csv", ".tsv", ".txt")
_COMPRESSED = (".gz", ".bz2", ".zst", ".lz4")


def open_table(path: str, tree: str | None, species: str | None) -> Table:
    """Opens a table.

    Args:
        path: The file: .root, .parquet, .npz; .csv, .tsv or .txt, also compressed, for
            instance .csv.gz.
        tree: The tree of a ROOT file; None if it is clear.
        species: The species of its tracks, None if a column says it; it tells between
            trees.

    Raises:
        DataError: If the format is unknown or the file cannot be read.
    """
    suffixes = Path(path).suffixes
    if len(suffixes) > 1 and suffixes[-1] in _COMPRESSED and suffixes[-2] in _TEXT:
        suffixes.pop()
    suffix = suffixes[-1] if suffixes else ""
    if suffix == ".root":
        return root.open_table(path, tree, species)
    if tree is not None:
        raise DataError(
            f"{path}: --tree={tree}: only ROOT files have trees; leave it out"
        )
    if suffix == ".parquet":
        return parquet.open_table(path)
    if suffix == ".npz":
        return archive.open_table(path)
    if suffix in _TEXT:
        return text.open_table(path)
    raise DataError(
        f"{path}: unknown format; a calibration table ends in .root, .parquet, .npz, "
        ".csv, .tsv or .txt"
    )
