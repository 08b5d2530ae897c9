"""The detectors: what a response is, cell by cell; imports only `common`.

A detector of the zoo is a module with a function `spec`; any other one is described in
its own files, see `data.files.described_detector`. `summed_cells` makes the detector of
sums of cells from that of the cells, and `flat_layers` unfolds cells into the images of
layers that have different shapes.
"""

from collections.abc import Callable

from data.detectors import calogan_layers, ecal, hgcal, rich
from data.detectors.spec import DetectorSpec

_SPECS: dict[str, Callable[[], DetectorSpec]] = {
    "calogan": calogan_layers.spec,
    "ecal": ecal.spec,
    "hgcal": hgcal.spec,
    "rich": rich.spec,
}


def names() -> tuple[str, ...]:
    """Returns the names of the detectors that the zoo knows."""
    return tuple(sorted(_SPECS))


def get(name: str) -> DetectorSpec:
    """Returns the specification of a detector.

    Args:
        name: One of `names()`.

    Raises:
        ValueError: If there is no such detector.

    Example:
        >>> names()
        ('calogan', 'ecal', 'hgcal', 'rich')
        >>> get("ecal").shape
        (30, 30)
    """
    if name not in _SPECS:
        raise ValueError(f"unknown detector {name!r}; known: {', '.join(names())}")
    return _SPECS[name]()
