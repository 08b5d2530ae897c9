"""Conditions drawn from the range that a model was trained in."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.detectors import particles
from data.detectors.spec import DetectorSpec
from data.events import DataError
from data.production.shares import BLOCK_EVENTS, Share
from data.simulation.geant4 import setups

_GROUP_BLOCKS = 16
"""Blocks whose conditions are drawn together: a draw of few costs as much."""

_INTEGER = "number_of_tracks"


class DrawnConditions:
    """Draws conditions, the same for an event whatever else is drawn.

    Electrons in the ECAL are those of its sample, see
    `data.simulation.geant4.setups`. Any other quantity is uniform between the ends
    of its trained range; species and numbers of tracks are integers.

    Args:
        spec: The detector.
        domain: The trained ranges, as in `signature.json`: name, low and high of each.
        seed: Seed of the production.

    Attributes:
        outside_domain: Number of events outside the trained range: 0.

    Raises:
        DataError: If a range has no end, or is of a quantity that is no condition.
    """

    outside_domain = 0

    def __init__(
        self, spec: DetectorSpec, domain: Sequence[Mapping[str, Any]], seed: int
    ) -> None:
        self._spec, self._seed = spec, seed
        self._electrons = "ecal" in (spec.name, (spec.summed or ("",))[0])
        self._drawn = (-1, np.empty((0, 0), np.float32))
        self._ranges: list[tuple[str, float, float]] = []
        if not self._electrons:
            found = {one["name"]: (one["low"], one["high"]) for one in domain}
            for name in spec.condition_names:
                quantity = "species_index" if name == "species_pdg" else name
                low, high = found.get(quantity, (-np.inf, np.inf))
                if not np.isfinite([low, high]).all():
                    raise DataError(
                        f"detector {spec.name!r}: the trained range of {name} has no "
                        "ends to draw from; give --conditions=FILE"
                    )
                self._ranges.append((name, float(low), float(high)))

    def keep(self, share: Share, path: Path) -> None:
        """Does nothing: conditions are drawn when they are needed."""

    def block(self, share: Share, number: int) -> NDArray[np.float32]:
        """Draws the conditions of a block.

        Args:
            share: The share that it belongs to.
            number: The block.

        Returns:
            Conditions [spec.condition_units], float32 [events of the block,
            conditions]; a shorter block is a prefix.
        """
        group, place = divmod(number, _GROUP_BLOCKS)
        if self._drawn[0] != group:
            self._drawn = group, self._group(group)
        first = place * BLOCK_EVENTS
        return self._drawn[1][first : first + len(share.events_of(number))]

    def _group(self, group: int) -> NDArray[np.float32]:
        """Draws the conditions of some blocks, with a seed of their own."""
        sequence = np.random.SeedSequence([self._seed, group])
        count = _GROUP_BLOCKS * BLOCK_EVENTS
        if self._electrons:
            seed = int(sequence.generate_state(1, np.uint64)[0])
            setup = setups.get("ecal")
            return setups.all_conditions(setup, setup.beam(), count, seed)
        columns = []
        streams = sequence.spawn(len(self._ranges))
        for (name, low, high), stream in zip(self._ranges, streams, strict=True):
            random = np.random.default_rng(stream)
            columns.append(_column(name, low, high, random, count))
        return np.stack(columns, axis=1).astype(np.float32)


def _column(
    name: str, low: float, high: float, random: np.random.Generator, count: int
) -> NDArray[Any]:
    if name == "species_pdg":
        codes = np.asarray(particles.PDG_CODES)
        return codes[random.integers(int(low), int(high), count, endpoint=True)]
    if name == _INTEGER:
        return random.integers(int(low), int(high), count, endpoint=True)
    # The nearest float32 may lie outside; no event shall.
    values = random.uniform(low, high, count).astype(np.float32)
    return np.clip(values, _inside(low, high), _inside(high, low))


def _inside(end: float, other: float) -> np.float32:
    """Returns the float32 nearest to an end of a range that is not outside."""
    value = np.float32(end)
    outside = float(value) < end if end < other else float(value) > end
    if outside:
        return np.nextafter(value, np.float32(other))
    return value
