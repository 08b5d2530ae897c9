"""Generated responses that are in a file already, of any generator."""

import dataclasses
import pathlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from data.detectors.spec import DetectorSpec
from data.files import readers
from data.files.shower_formats.binning_xml import Binning
from metrics.evaluation.reference import Reference

_TOLERANCE = 1e-5

ENERGIES_APART = 2e-3
"""Largest relative difference of the incident energies of a pair, small beside the
resolution of a calorimeter."""


class StoredResponses:
    """Stands for a model whose responses are in files, in the reference's order.

    Showers of a public layout, for instance somebody's answer to the CaloChallenge, may
    have another order and energies of their own: see `paired`.

    Args:
        paths: Files in any layout that `data.files.readers` knows.
        spec: The detector that they have to hold.
        binning: See `data.files.readers.Dataset`.

    Attributes:
        name: Name of the first file.
        mask: Name of the cells compared, see `spec.acceptance`.
        trained_energies_gev: None: a file does not know.
        history: Empty, for the same reason.

    Raises:
        ValueError: If they cannot be read or hold another detector.
    """

    def __init__(
        self, paths: list[str], spec: DetectorSpec, binning: Binning | None = None
    ) -> None:
        with readers.Dataset(paths, binning) as dataset:
            found, layout = dataset.spec, dataset.layout
        if (found.name, found.shape, found.unit, found.condition_names) != (
            spec.name,
            spec.shape,
            spec.unit,
            spec.condition_names,
        ):
            raise ValueError(
                f"{paths[0]}: holds detector {found.name!r}, {found.shape} in "
                f"{found.unit} of {', '.join(found.condition_names)}; the reference is "
                f"{spec.name!r}, {spec.shape} in {spec.unit} of "
                f"{', '.join(spec.condition_names)}: give another one"
            )
        self.name = pathlib.Path(paths[0]).name
        self.mask = "mask"
        self.trained_energies_gev: list[float] | None = None
        self.history: Mapping[str, NDArray[np.float64]] = {}
        self.spec = spec
        self._path = paths[0]
        self._sample = readers.read(paths, spec)
        self._in_any_order = layout is not None and len(spec.condition_names) == 1
        self._partner: NDArray[np.intp] | None = None

    def paired(self, reference: Reference) -> Reference:
        """Pairs showers that have their own order with reference showers.

        Each compared reference shower gets one of nearly its incident energy, none
        twice. Files whose conditions are those of the reference, one by one, keep
        their order, and so do canonical files.

        Args:
            reference: The reference events.

        Returns:
            Those that have a partner, to compare the responses with.

        Raises:
            ValueError: If fewer than half have.
        """
        condition, own = reference.whole.condition, self._sample.condition
        if not self._in_any_order or (
            own.shape == condition.shape
            and np.isclose(own, condition, _TOLERANCE, _TOLERANCE).all()
        ):
            return reference
        chosen = reference.chosen
        first, second = partners(condition[chosen, 0], own[:, 0])
        if 2 * len(first) < len(chosen) or len(first) < 2:
            raise ValueError(
                f"{self._path}: {len(first)} of {len(chosen)} reference showers have a "
                f"shower within {ENERGIES_APART:.1%} of their incident energy; "
                "generate at the energies of the reference"
            )
        self._partner = np.full(len(condition), -1, np.intp)
        self._partner[chosen[first]] = second
        return dataclasses.replace(reference, chosen=np.sort(chosen[first]))

    def generate(self, reference: Reference, seed: int) -> NDArray[np.float32]:
        """Returns the responses of the file; the seed changes nothing.

        Args:
            reference: The reference events.
            seed: See `Generator.generate`.

        Returns:
            Responses [spec.unit], [events, *spec.shape].

        Raises:
            ValueError: If number, order or conditions are not those of the reference.
        """
        if self._partner is not None:
            paired: NDArray[np.float32] = self._sample.response[
                self._partner[reference.chosen]
            ]
            return paired
        condition = reference.whole.condition
        if len(self._sample) != len(condition):
            raise ValueError(
                f"{self._path}: {len(self._sample)} responses for {len(condition)} "
                f"reference {self.spec.event}s; generate one for each, in their order"
            )
        close = np.isclose(self._sample.condition, condition, _TOLERANCE, _TOLERANCE)
        if not close.all():
            first = int(np.argmin(close.all(axis=1)))
            pair = [
                "(" + ", ".join(f"{value:.5g}" for value in values[first]) + ")"
                for values in (self._sample.condition, condition)
            ]
            raise ValueError(
                f"{self._path}: response {first} was generated at {pair[0]}, the "
                f"reference {self.spec.event} there is at {pair[1]}; keep the "
                "reference's order"
            )
        found: NDArray[np.float32] = self._sample.response[reference.chosen]
        return found

    def generate_further(
        self, reference: Reference, seed: int
    ) -> list[NDArray[np.float32]]:
        """See `Generator.generate_further`; a file holds no others."""
        return []


def partners(
    first: NDArray[np.float32], second: NDArray[np.float32]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pairs numbers of two samples that are nearly equal, each once.

    Both samples are walked through in ascending order; of two numbers that are too far
    apart the smaller one stays alone, so that as many pairs as possible are found.

    Args:
        first: Positive numbers, [n].
        second: Positive numbers, [m].

    Returns:
        Numbers of the pairs' members in both samples, [pairs] each.

    Example:
        >>> partners(np.array([4.0, 1.0, 2.0]), np.array([2.001, 3.0, 4.0]))
        (array([2, 0]), array([0, 2]))
    """
    orders = [np.argsort(one, kind="stable") for one in (first, second)]
    low, high = (
        one[order].tolist() for one, order in zip((first, second), orders, strict=True)
    )
    pairs, i, j = [], 0, 0
    while i < len(low) and j < len(high):
        if abs(low[i] - high[j]) <= ENERGIES_APART * low[i]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif low[i] < high[j]:
            i += 1
        else:
            j += 1
    found = np.array(pairs, np.intp).reshape(-1, 2)
    return orders[0][found[:, 0]], orders[1][found[:, 1]]
