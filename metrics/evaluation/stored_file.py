"""Generated responses that are in a file already, of any generator."""

import pathlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from data.detectors.spec import DetectorSpec
from data.files import readers
from metrics.evaluation.reference import Reference

_TOLERANCE = 1e-5


class StoredResponses:
    """Stands for a model whose responses are in files, in the reference's order.

    Args:
        paths: Files in any layout that `data.files.readers` knows.
        spec: The detector that they have to hold.

    Attributes:
        name: Name of the first file.
        mask: Name of the cells compared, see `spec.acceptance`.
        trained_energies_gev: None: a file does not know.
        history: Empty, for the same reason.

    Raises:
        ValueError: If they cannot be read or hold another detector.
    """

    def __init__(self, paths: list[str], spec: DetectorSpec) -> None:
        found = readers.detect(paths)
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
