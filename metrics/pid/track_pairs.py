"""Generated tracks beside reference tracks of equal conditions and weights.

Weights may be negative: sWeights project a mixture of signal and background onto the
signal. They enter every sum as they are, on both sides. That is right as long as the
variable that they were made from (a mass) is independent of response and condition
within signal and within background.

Source: Pivk, Le Diberder, physics/0402083.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.detectors import particles
from data.detectors.spec import DetectorSpec
from metrics.statistics.arrays import Array
from metrics.statistics.weighted import effective_tracks, weighted_quantiles

LIKELIHOODS = {
    "kaon": "dll_k",
    "muon": "dll_mu",
    "proton": "dll_p",
    "electron": "dll_e",
}
"""The number that tells each species from the pion: large where it is that species."""

PION = "pion"

FEWEST_EFFECTIVE = 100.0
"""With fewer effective tracks not even the sum of the weights is known to 10 %."""

CENTRAL = 0.68
"""Fraction of the weights in the middle that counts as the most populated region."""

_SIGNIFICANT_DIGITS = 3


@dataclasses.dataclass(frozen=True, eq=False)
class Grid:
    """Bins of momentum and pseudorapidity.

    Attributes:
        momentum_gev: Edges [GeV], ascending.
        pseudorapidity: Edges, ascending.
    """

    momentum_gev: Array
    pseudorapidity: Array

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of bins in momentum and pseudorapidity."""
        return len(self.momentum_gev) - 1, len(self.pseudorapidity) - 1

    def place(self, momentum_gev: Array, pseudorapidity: Array) -> NDArray[np.intp]:
        """Numbers the bin of every track, momentum first.

        A track outside belongs to the bin at that end; `inside` tells.

        Args:
            momentum_gev: Momenta [GeV], [tracks].
            pseudorapidity: Pseudorapidities, [tracks].

        Returns:
            momentum bin * number of pseudorapidity bins + pseudorapidity bin, [tracks].
        """
        first = np.searchsorted(self.momentum_gev[1:-1], momentum_gev, side="right")
        second = np.searchsorted(
            self.pseudorapidity[1:-1], pseudorapidity, side="right"
        )
        return first * self.shape[1] + second

    def inside(self, momentum_gev: Array, pseudorapidity: Array) -> NDArray[np.bool_]:
        """Says which tracks lie between the outer edges.

        Args:
            momentum_gev: Momenta [GeV], of any shape.
            pseudorapidity: Pseudorapidities, of the same shape.
        """
        found = np.ones(np.shape(momentum_gev), bool)
        for values, edges in (
            (momentum_gev, self.momentum_gev),
            (pseudorapidity, self.pseudorapidity),
        ):
            found &= (values >= edges[0]) & (values <= edges[-1])
        return found

    def texts(self, number: int) -> tuple[str, str]:
        """Writes the ranges of momentum and pseudorapidity of a bin."""
        along, across = divmod(number, self.shape[1])
        p, eta = self.momentum_gev, self.pseudorapidity
        return (
            f"{p[along]:.3g} to {p[along + 1]:.3g} GeV",
            f"{eta[across]:.3g} to {eta[across + 1]:.3g}",
        )


class Tracks:
    """Generated and reference tracks in pairs of equal condition and weight.

    Args:
        spec: The detector, whose responses are likelihoods of hypotheses.
        condition: Conditions [spec.condition_units], [tracks, conditions].
        reference: Reference responses [spec.unit], [tracks, components].
        generated: Generated responses of the same conditions, [tracks, components].
        weight: Weights of the pairs, [tracks]; None where all are 1.

    Attributes:
        weight: Weights, float64 [tracks].
        group: Index in `data.detectors.particles.NAMES` of the species of every track,
            [tracks].
        members: Numbers of the tracks of every species with at least
            `FEWEST_EFFECTIVE` effective tracks, by name.
        sparse: Names of the species that are there with fewer.

    Raises:
        ValueError: If the shapes differ or a species is unknown.
    """

    def __init__(
        self,
        spec: DetectorSpec,
        condition: NDArray[np.float32],
        reference: NDArray[np.float32],
        generated: NDArray[np.float32],
        weight: NDArray[Any] | None = None,
    ) -> None:
        if reference.shape != generated.shape:
            raise ValueError(
                "reference and generated responses need one shape, received "
                f"{reference.shape} and {generated.shape}"
            )
        self.spec = spec
        self.condition = condition
        self.reference = reference.astype(np.float64)
        self.generated = generated.astype(np.float64)
        ones = np.ones(len(condition))
        self.weight = ones if weight is None else weight.astype(np.float64)
        self.group = species_index(spec, condition)
        self.members: dict[str, NDArray[np.intp]] = {}
        self.sparse: list[str] = []
        for number, name in enumerate(particles.NAMES):
            tracks = np.flatnonzero(self.group == number)
            if effective_tracks(self.weight[tracks]) >= FEWEST_EFFECTIVE:
                self.members[name] = tracks
            elif len(tracks):
                self.sparse.append(name)

    def __len__(self) -> int:
        """Returns the number of pairs."""
        return len(self.condition)

    def column(self, name: str) -> Array:
        """Returns a condition of every track by its name."""
        number = self.spec.condition_names.index(name)
        return self.condition[:, number].astype(np.float64)

    def pair(self, component: str) -> tuple[Array, Array]:
        """Returns one number of every generated and of every reference response."""
        number = self.spec.component_names.index(component)
        return self.generated[:, number], self.reference[:, number]

    @property
    def hypotheses(self) -> dict[str, str]:
        """Those of `LIKELIHOODS` whose species is there, and the pion too."""
        if PION not in self.members:
            return {}
        return {n: dll for n, dll in LIKELIHOODS.items() if n in self.members}

    def balanced_weight(self) -> Array:
        """Returns the weights divided by their sum within the species, [tracks].

        Every species then counts the same; tracks of sparse species do not count.
        """
        weight = np.zeros(len(self))
        for tracks in self.members.values():
            weight[tracks] = self.weight[tracks] / self.weight[tracks].sum()
        return weight

    def grid(self, bins: int, central: float = 1.0) -> Grid:
        """Divides momentum and pseudorapidity at quantiles of the weighted reference.

        Every species counts the same. Edges have three significant digits, so that what
        is printed is what was used. The model has no influence.

        Args:
            bins: Bins along each.
            central: Fraction of the weights, of momentum and of pseudorapidity each,
                that the bins hold; the tails on both sides are left out equally. With
                1 the outer edges are those of the tracks.
        """
        tail = 0.5 * (1.0 - central)
        fractions = list(np.linspace(tail, 1.0 - tail, bins + 1))
        weight = self.balanced_weight()
        edges = []
        for name in ("momentum_gev", "pseudorapidity"):
            values = self.column(name)
            found = [
                float(f"{edge:.{_SIGNIFICANT_DIGITS}g}")
                for edge in weighted_quantiles(values, weight, fractions)
            ]
            if central == 1.0:
                found[0], found[-1] = values.min(), values.max()
            edges.append(np.array(found))
        return Grid(edges[0], edges[1])


def species_index(
    spec: DetectorSpec, condition: NDArray[np.float32]
) -> NDArray[np.int64]:
    """Returns the index of the species of every track in `particles.NAMES`.

    Args:
        spec: The detector.
        condition: Conditions [spec.condition_units], [tracks, conditions].

    Raises:
        ValueError: If a species is not among them.
    """
    code = condition[:, spec.condition_names.index("species_pdg")]
    matches = code[:, None] == np.array(particles.PDG_CODES)
    if not matches.any(axis=1).all():
        stranger = float(code[int(np.argmin(matches.any(axis=1)))])
        known = ", ".join(map(str, particles.PDG_CODES))
        raise ValueError(
            f"species_pdg {stranger:g} is not a species that the detector "
            f"{spec.name!r} identifies ({known}); leave such tracks out"
        )
    return np.argmax(matches, axis=1).astype(np.int64)


def of_species(
    spec: DetectorSpec, names: Sequence[str] | None
) -> Callable[[NDArray[np.float32]], NDArray[np.bool_]]:
    """Returns what tells from conditions which tracks are of some species.

    Args:
        spec: The detector.
        names: Names of species; None stands for all.
    """
    wanted = particles.NAMES if names is None else names
    numbers = [particles.NAMES.index(name) for name in wanted]
    return lambda condition: np.isin(species_index(spec, condition), numbers)
