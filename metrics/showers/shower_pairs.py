"""Generated showers beside reference showers of equal conditions."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.rounding import rounded, stored_bits
from data.detectors.spec import DetectorSpec
from data.detectors.summed_cells import cells_a_side, sum_cells, summed
from metrics.observables import calorimeter, layered
from metrics.observables.registry import (
    LAYER_ENERGY,
    Observable,
    evaluate,
    layer_observables,
    scalar_observables,
)
from metrics.statistics.arrays import Array, ratio
from metrics.statistics.energy_bins import energy_bins

RING_EDGES_CM = np.linspace(0.0, 10.0, 21)
"""Edges of the rings of the radial profile [cm]."""


class Comparison:
    """Generated and reference showers of equal conditions under one acceptance.

    Where the reference was rounded before it was stored, the generated responses are
    rounded to as many bits: else it could be told from them by its bits alone.

    Cells can be summed n x n on both sides, as a readout of larger cells does: after
    the rounding, and after dead cells are left out; a readout threshold then holds for
    the sums.

    Attributes:
        spec: The detector that is compared; of the sums, where cells are summed.
        unsummed: The detector of the responses as they come.
        cells_a_side: The n of these sums, 1 without.
        bits: Bits of the mantissa of the reference, 23 if it was not rounded; before
            cells are summed.
        reference: Accepted reference responses [spec.unit], [events, *spec.shape].
        generated: Accepted generated responses, rounded as the reference.
        unrounded: Accepted generated responses as they came.

    Args:
        spec: The detector.
        mask: Name of the acceptance applied to both sides, see `spec.acceptance`.
        condition: Conditions [spec.condition_units], [events, conditions].
        reference: Reference responses [spec.unit], [events, *spec.shape].
        generated: Generated responses of the same conditions, [events, *spec.shape].
        trained_energies_gev: Beam energies of the training; None if not known.
        threshold: Readout threshold [spec.unit]: a cell that does not exceed it is 0,
            on both sides.
        cell_cm: Side of the cells that are compared [cm], a multiple of those of
            `spec`; None sums none.

    Raises:
        ValueError: If the shapes differ, the mask is unknown, the threshold is
            negative or not finite, or cells cannot be summed, see
            `data.detectors.summed_cells.cells_a_side`.

    Example:
        >>> from data import detectors
        >>> condition = np.array([[50.0, 0.0, 0.0]] * 4, np.float32)
        >>> showers = np.ones((2, 4, 12, 15, 7), np.float32)
        >>> comparison = Comparison(
        ...     detectors.get("hgcal"), "mask_full", condition, *showers)
        >>> [one.label for one in comparison.energy_bins]
        ['50 GeV']
    """

    def __init__(
        self,
        spec: DetectorSpec,
        mask: str,
        condition: NDArray[np.float32],
        reference: NDArray[np.float32],
        generated: NDArray[np.float32],
        trained_energies_gev: Sequence[float] | None = None,
        threshold: float = 0.0,
        cell_cm: float | None = None,
    ) -> None:
        if reference.shape != generated.shape:
            raise ValueError(
                f"reference and generated responses need one shape, received "
                f"{reference.shape} and {generated.shape}"
            )
        self.unsummed = spec
        self.cell_cm = cell_cm
        self.cells_a_side = 1 if cell_cm is None else cells_a_side(spec, cell_cm)
        self.spec = spec if cell_cm is None else summed(spec, cell_cm)
        self.mask = mask
        self.accepted = self.spec.acceptance(mask)
        self.condition = condition
        if not 0.0 <= threshold < np.inf:
            raise ValueError(
                f"the readout threshold must be finite and at least 0 {spec.unit}, is "
                f"{threshold:g}"
            )
        self.threshold = threshold
        self.bits = stored_bits(reference)
        self.reference = self.read_out(reference)
        self.unrounded = self.read_out(generated)
        self.generated = self.read_out(rounded(generated, self.bits))
        self.energy = spec.incident_energy(condition)
        self.energy_bins = energy_bins(self.energy, trained_energies_gev)
        self.observables = scalar_observables(self.spec) + layer_observables(self.spec)
        self.values = self.both(
            lambda response: evaluate(self.observables, response, condition)
        )

    def read_out(self, response: NDArray[np.float32]) -> NDArray[np.float32]:
        """Returns responses as they are compared: accepted cells above the threshold.

        Args:
            response: Responses [spec.unit], [events, *unsummed.shape].

        Returns:
            Accepted cells or their sums [spec.unit], [events, *spec.shape].
        """
        kept = self.unsummed.acceptance(self.mask)
        if self.cells_a_side > 1:
            response = np.where(kept, response, np.float32(0.0))
            response, kept = sum_cells(response, self.cells_a_side), self.accepted
        if self.threshold > 0.0:
            kept = kept & (response > self.threshold)
        return np.where(kept, response, np.float32(0.0))

    def __len__(self) -> int:
        """Returns the number of pairs."""
        return len(self.condition)

    def both(self, function: Callable[[NDArray[np.float32]], Any]) -> tuple[Any, Any]:
        """Applies a function to the generated and to the reference responses.

        Args:
            function: A function of responses.

        Returns:
            What it gives for the generated and for the reference responses.
        """
        return function(self.generated), function(self.reference)

    @property
    def layered(self) -> bool:
        """Whether the detector has layers."""
        return self.spec.layers > 0

    @property
    def has_depth(self) -> bool:
        """Whether the depths of the layers are known."""
        return self.layered and bool(self.spec.layer_depths_x0)

    @property
    def has_impact(self) -> bool:
        """Whether the impact point is among the conditions."""
        return {"impact_x_cm", "impact_y_cm"} <= set(self.spec.condition_names)

    def observable(self, name: str) -> Observable:
        """Returns the observable of that name."""
        return next(one for one in self.observables if one.name == name)


def profiles(comparison: Comparison) -> dict[str, tuple[Array, Array]]:
    """Computes the profiles of every event, generated and reference.

    Args:
        comparison: The showers.

    Returns:
        For every profile two arrays [events, entries]: fraction of cells hit in each
        layer, fraction of the energy in each layer and in each ring around the impact
        point, and cells hit.
    """
    spec, accepted = comparison.spec, comparison.accepted
    shapes = spec.layer_shapes
    found: dict[str, tuple[Array, Array]] = {}
    if comparison.layered:
        found["layer_occupancy"] = comparison.both(
            lambda response: layered.layer_occupancies(
                response, accepted, shapes=shapes
            )
        )
        found["longitudinal"] = comparison.both(
            lambda response: layered.longitudinal_profile(response, shapes)
        )
    if comparison.has_impact:
        point = spec.impact(comparison.condition)
        found["radial"] = comparison.both(
            lambda response: calorimeter.radial_profile(
                response, point, spec.positions_cm, RING_EDGES_CM
            )
        )
    found["cell_occupancy"] = comparison.both(
        lambda response: (response[:, accepted] > 0.0).astype(np.float64)
    )
    return found


def correlated(comparison: Comparison) -> dict[str, tuple[Array, Array]]:
    """Standardises what is correlated, per event, generated and reference.

    Args:
        comparison: The showers.

    Returns:
        For every set of observables two arrays [events, observables]: all of them, the
        energies of the layers, depth and visible energy, where there are.
    """
    names = [one.name for one in comparison.observables]
    sets = {"observables": names}
    if comparison.spec.layers > 1:
        sets["layers"] = [name for name in names if name.startswith(LAYER_ENERGY)]
    if comparison.has_depth:
        sets["depth_energy"] = ["depth", "visible_energy"]
    found = {}
    for name, columns in sets.items():
        generated, reference = (
            within_energy_bins(comparison, np.column_stack([v[c] for c in columns]))
            for v in comparison.values
        )
        found[name] = generated, reference
    return found


def within_energy_bins(comparison: Comparison, features: Array) -> Array:
    """Standardises features at every incident energy.

    What remains of a correlation is then the one among showers of equal energy.

    Args:
        comparison: The showers, which define the energies.
        features: Numbers, [events, features].

    Returns:
        Features of mean 0 and standard deviation 1 at every energy.
    """
    standard = np.empty_like(features)
    for energy_bin in comparison.energy_bins:
        part = features[energy_bin.events]
        centred = part - part.mean(axis=0)
        width = np.broadcast_to(part.std(axis=0), part.shape)
        standard[energy_bin.events] = ratio(centred, width)
    return standard
