"""The interface of a generator to evaluate: a SavedModel or a file of responses."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from metrics.evaluation.reference import Reference


class Generator(Protocol):
    """What generates the responses that are compared.

    Attributes:
        name: What it is called in the report.
        mask: Name of the cells compared, see `spec.acceptance`.
        trained_energies_gev: Beam energies of its training; None if not known.
        history: What its training minimised, by name, each [epochs]; empty if not
            known.
    """

    name: str
    mask: str
    trained_energies_gev: list[float] | None
    history: Mapping[str, NDArray[np.float64]]

    def generate(self, reference: Reference, seed: int) -> NDArray[np.float32]:
        """Returns a response for each compared event of the reference.

        Args:
            reference: The reference events.
            seed: Seed of the generation.

        Returns:
            Responses [spec.unit], [events, *spec.shape].

        Raises:
            ValueError: If it cannot, with the reason.
        """

    def generate_further(
        self, reference: Reference, seed: int
    ) -> list[NDArray[np.float32]]:
        """Returns responses for the events of every further split; none if it cannot.

        Args:
            reference: The reference events.
            seed: Seed of the generation; every split gets another one after it.
        """
