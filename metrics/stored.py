"""Generated responses that are in a file already, of any generator."""

import pathlib

import numpy as np
from numpy.typing import NDArray

from data import readers
from data.spec import DetectorSpec

_TOLERANCE = 1e-5


class StoredResponses:
    """Stands for a model whose responses are in files, in the reference's order.

    Args:
        paths: Files in any layout that `data.readers` knows.
        spec: The detector that they have to hold.

    Attributes:
        name: Name of the first file.
        mask: Name of the cells compared, see `spec.acceptance`.
        trained_energies_gev: None: a file does not know.

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
        self.spec = spec
        self._path = paths[0]
        self._sample = readers.read(paths, spec)

    def responses(
        self, condition: NDArray[np.float32], chosen: NDArray[np.intp]
    ) -> NDArray[np.float32]:
        """Returns the responses that stand beside reference showers.

        Args:
            condition: Conditions of all reference showers [spec.condition_units],
                [reference, conditions].
            chosen: Numbers of the reference showers that are compared, [events].

        Returns:
            Responses [spec.unit], [events, *spec.shape].

        Raises:
            ValueError: If number, order or conditions are not those of the reference.
        """
        if len(self._sample) != len(condition):
            raise ValueError(
                f"{self._path}: {len(self._sample)} responses for {len(condition)} "
                f"reference {_noun(self.spec)}s; generate one for each, in their order"
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
                f"reference {_noun(self.spec)} there is at {pair[1]}; keep the "
                "reference's order"
            )
        found: NDArray[np.float32] = self._sample.response[chosen]
        return found


def _noun(spec: DetectorSpec) -> str:
    return "track" if spec.component_names else "shower"
