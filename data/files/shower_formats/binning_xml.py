"""The binning files of the CaloChallenge: rings and angles of every layer, in XML.

Source: C. Krause et al., "CaloChallenge 2022", arXiv:2410.21611, and its homepage.
"""

import dataclasses
import os
import pathlib
from xml.parsers import expat

import numpy as np

from data.events import DataError

_MOST_BYTES = 2**20
_MOST_VOXELS = 10**6
_EXAMPLE = (
    '<Bins><Bin pid="22" name="photon"><Layer id="0" r_edges="0,5,10" '
    'n_bin_alpha="1"/></Bin></Bins>'
)


@dataclasses.dataclass(frozen=True)
class RingLayer:
    """A layer of bins of a cylinder.

    Attributes:
        number: What the experiment calls it.
        angles: Number of equal bins of the angle, from -pi on.
        edges_mm: Ascending edges of the rings [mm].
    """

    number: int
    angles: int
    edges_mm: tuple[float, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of angles and of rings."""
        return self.angles, len(self.edges_mm) - 1


@dataclasses.dataclass(frozen=True)
class Binning:
    """The layers in which a particle's showers are binned; unused ones left out.

    Attributes:
        particle: Name of the particle.
        layers: The layers.
    """

    particle: str
    layers: tuple[RingLayer, ...]

    @property
    def voxels(self) -> int:
        """The number of bins of all layers."""
        return sum(rows * columns for rows, columns in (x.shape for x in self.layers))


_Attributes = dict[str, str]
_Bin = tuple[_Attributes, list[_Attributes]]


def read_binning(path: str | os.PathLike[str], particle: str | None = None) -> Binning:
    """Reads the binning of a particle.

    Document types, and with them entities, are refused: nothing is fetched or expanded.

    Args:
        path: The XML file: `Bins/Bin[@name]/Layer[@id,@r_edges,@n_bin_alpha]`.
        particle: Name of the particle; None takes the only one of the file.

    Raises:
        DataError: If the file is missing or no XML, has no such particle, or a layer
            has no numbers, edges that do not ascend from 0 or more, or too many bins.
    """
    name = os.fspath(path)
    bins = _parsed(name)
    known = [attributes.get("name", "") for attributes, _ in bins]
    if particle is None and len(bins) > 1:
        raise DataError(
            f"{name}: holds the binning of {', '.join(known)}: choose one with "
            "--particle"
        )
    if not bins or particle not in (None, *known):
        raise DataError(
            f"{name}: has no particle {particle or ''!r}; known: "
            f"{', '.join(known) or 'none'}. A binning is {_EXAMPLE}"
        )
    chosen = 0 if particle is None else known.index(particle)
    layers = [_layer(name, attributes) for attributes in bins[chosen][1]]
    used = tuple(layer for layer in layers if len(layer.edges_mm) > 1)
    numbers = [layer.number for layer in used]
    if not used or numbers != sorted(set(numbers)):
        raise DataError(
            f"{name}: {known[chosen]!r} has the layers {numbers or 'none'}; their id "
            "must ascend, and at least one needs two edges"
        )
    binning = Binning(known[chosen], used)
    if binning.voxels > _MOST_VOXELS:
        raise DataError(
            f"{name}: {binning.voxels:,} bins; at most {_MOST_VOXELS:,} are read"
        )
    return binning


def _parsed(path: str) -> list[_Bin]:
    """Returns the attributes of every Bin and of the layers in it."""
    bins: list[_Bin] = []
    inside: list[str] = []

    def start(tag: str, attributes: _Attributes) -> None:
        inside.append(tag)
        if inside == ["Bins", "Bin"]:
            bins.append((attributes, []))
        elif inside == ["Bins", "Bin", "Layer"]:
            bins[-1][1].append(attributes)

    def refuse(*_: object) -> None:
        raise DataError(
            f"{path}: declares a document type; a binning needs none, and entities are "
            "not read: remove the declaration"
        )

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.EndElementHandler = lambda tag: inside.pop()
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    try:
        with pathlib.Path(path).open("rb") as file:
            text = file.read(_MOST_BYTES + 1)
        if len(text) > _MOST_BYTES:
            raise DataError(f"{path}: larger than 1 MB, which no binning is")
        parser.Parse(text, True)
    except FileNotFoundError:
        raise DataError(f"{path}: no such binning file; check the path") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    except DataError:
        raise
    # The last two: its encoding is unknown, or none of text.
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise DataError(
            f"{path}: not XML ({error}); a binning is {_EXAMPLE}"
        ) from error
    return bins


def _layer(path: str, attributes: _Attributes) -> RingLayer:
    try:
        number = int(attributes["id"])
        angles = int(attributes["n_bin_alpha"])
        edges = np.array([float(x) for x in attributes["r_edges"].split(",")])
    except (KeyError, ValueError) as error:
        missing = isinstance(error, KeyError)
        raise DataError(
            f"{path}: layer {attributes.get('id', '?')!r}: "
            f"{f'{error} is missing' if missing else error}; a layer is "
            '<Layer id="0" r_edges="0,5,10" n_bin_alpha="1"/>'
        ) from error
    if len(edges) > 1 and (
        angles < 1
        or not np.isfinite(edges).all()
        or edges[0] < 0.0
        or np.any(np.diff(edges) <= 0.0)
    ):
        raise DataError(
            f"{path}: layer {number}: r_edges {attributes['r_edges']!r}, n_bin_alpha "
            f"{angles}: edges must ascend, from 0 or more, and there is at least one "
            "bin of the angle"
        )
    if angles * len(edges) > _MOST_VOXELS:
        # Before anything else is done with what may have thousands of digits.
        raise DataError(
            f"{path}: layer {attributes['id']}: more than {_MOST_VOXELS:,} bins, the "
            "most that are read"
        )
    return RingLayer(number, angles, tuple(edges.tolist()))
