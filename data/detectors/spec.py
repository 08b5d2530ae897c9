"""The specification of a detector: shape, units, cells, conditions and domain."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from data.detectors.flat_layers import unfolded

Condition = Any
"""A batch of conditions, [batch, conditions]: a NumPy array or a tensor."""

IMPACT = ("impact_x_cm", "impact_y_cm")
MOMENTUM = ("momentum_x_gev", "momentum_y_gev", "momentum_z_gev")


@dataclasses.dataclass(frozen=True)
class DomainRange:
    """A closed range of one quantity derived from the condition.

    Attributes:
        name: Name of the quantity with its unit as suffix, e.g. "polar_angle_deg".
        unit: Its unit.
        low: Lowest trained value.
        high: Highest trained value.
        quantity: Computes it, [batch, conditions] -> [batch]; written with
            `keras.ops`, so that it runs on arrays and inside an exported graph.
    """

    name: str
    unit: str
    low: float
    high: float
    quantity: Callable[[Condition], Any]


@dataclasses.dataclass(frozen=True, eq=False)
class DetectorSpec:
    """Everything that a model, a reader or a metric must know about a detector.

    Attributes:
        name: Name of the detector, as in the `detector` attribute of a file.
        shape: Shape of one response, e.g. (row, column, layer).
        response_name: What one number of the response is.
        unit: Unit of the response.
        lower_bound: Smallest physical value; None where there is none.
        condition_names: Names of the conditions, in order, with units as suffixes.
        condition_units: Their units.
        domain: The ranges of conditions inside which the detector was simulated.
        cells: The cells that exist, bool [*shape].
        dead_cells: Existing cells that are never read out, bool [*shape].
        positions_cm: Centre (x, y, z) of every cell, float32 [*shape, 3].
        plane_vectors: Index pairs of conditions that are vectors in the x-y plane:
            they rotate and mirror with the detector.
        energy_conditions: Indices of the conditions whose Euclidean norm is the
            incident energy: the energy itself, or a momentum's three components.
        layer_depths_x0: Depth of each layer in radiation lengths, empty where the
            response is not layered.
        shower_depth_cm: a and b [cm] of the depth of a shower along the track,
            a + b ln(E / GeV), where E is the incident energy; None if not known.
        periodic_axes: Axes of the response that close in a circle, whose last row is
            beside the first one; where layers have shapes of their own, axes of their
            images.
        layer_shapes: Rows and columns of every layer's image, where these differ. The
            response is [cell] then: the cells of the first layer, row by row, then
            those of the second one, and so on. Empty otherwise.
        layer_numbers: Numbers by which the experiment calls its layers; 1, 2, and so on
            if empty.
        ring_edges_cm: Edges of the rings of every layer [cm], ascending, where cells
            are bins of a cylinder around the axis of the particle: the rows of an image
            are equal bins of the angle, from -pi on, its columns the rings. A ring
            without bins of the angle has its centre on the axis. Empty otherwise.
        component_names: Names of the numbers of a response that is not an image of
            cells; empty otherwise.
        summed: Name of the detector whose cells are summed up, and the side of the sums
            [cm], see `data.detectors.summed_cells`; None where cells are no sums.

    Example:
        >>> from data import detectors
        >>> spec = detectors.get("hgcal")
        >>> spec.shape, spec.unit
        ((12, 15, 7), 'MIP')
        >>> spec.condition_names
        ('energy_gev', 'impact_x_cm', 'impact_y_cm')
    """

    name: str
    shape: tuple[int, ...]
    response_name: str
    unit: str
    lower_bound: float | None
    condition_names: tuple[str, ...]
    condition_units: tuple[str, ...]
    domain: tuple[DomainRange, ...]
    cells: NDArray[np.bool_]
    dead_cells: NDArray[np.bool_]
    positions_cm: NDArray[np.float32]
    plane_vectors: tuple[tuple[int, int], ...] = ()
    energy_conditions: tuple[int, ...] = (0,)
    layer_depths_x0: tuple[float, ...] = ()
    shower_depth_cm: tuple[float, float] | None = None
    periodic_axes: tuple[int, ...] = ()
    layer_shapes: tuple[tuple[int, int], ...] = ()
    layer_numbers: tuple[int, ...] = ()
    ring_edges_cm: tuple[tuple[float, ...], ...] = ()
    component_names: tuple[str, ...] = ()
    summed: tuple[str, float] | None = None

    def acceptance(self, mask: str) -> NDArray[np.bool_]:
        """Returns the cells that a comparison takes into account.

        Args:
            mask: "mask_full" for all cells that exist, "mask" to leave out the dead
                cells too.

        Returns:
            The accepted cells, bool [*shape].

        Raises:
            ValueError: If `mask` is neither of the two names.
        """
        if mask == "mask_full":
            return self.cells
        if mask == "mask":
            return self.cells & ~self.dead_cells
        raise ValueError(
            f"mask must be 'mask' or 'mask_full', received {mask!r}; 'mask' leaves "
            "out the dead cells"
        )

    def in_domain(self, condition: Condition) -> Any:
        """Tells which conditions lie inside every trained range.

        Args:
            condition: Conditions [condition_units], [batch, conditions].

        Returns:
            Whether each condition is inside, bool [batch].
        """
        inside = keras.ops.all(keras.ops.isfinite(condition), axis=-1)
        for limits in self.domain:
            value = limits.quantity(condition)
            in_range = keras.ops.logical_and(value >= limits.low, value <= limits.high)
            inside = keras.ops.logical_and(inside, in_range)
        return inside

    @property
    def layers(self) -> int:
        """The number of layers; 0 without."""
        if self.layer_shapes:
            return len(self.layer_shapes)
        return self.shape[2] if len(self.shape) == 3 else 0

    @property
    def numbered_layers(self) -> tuple[int, ...]:
        """What the layers are called, `layer_numbers` or 1, 2, and so on."""
        return self.layer_numbers or tuple(range(1, self.layers + 1))

    @property
    def image_shapes(self) -> tuple[tuple[int, int], ...]:
        """Rows and columns of every layer's image; of a single image without layers.

        Empty for a response that is not one of cells.
        """
        if self.layer_shapes or self.component_names:
            return self.layer_shapes
        return ((self.shape[0], self.shape[1]),) * max(self.layers, 1)

    def layer_images(self, values: NDArray[Any]) -> list[NDArray[Any]]:
        """Unfolds numbers of cells into the image of each layer.

        Args:
            values: Responses or other numbers of cells, [..., *shape].

        Returns:
            An image [..., row, column] for each of `image_shapes`; no copies.

        Raises:
            ValueError: If the values do not end in the shape of a response.

        Example:
            >>> from data import detectors
            >>> [image.shape for image in detectors.get("calogan").layer_images(
            ...     np.zeros((10, 504), np.float32))]
            [(10, 3, 96), (10, 12, 12), (10, 12, 6)]
        """
        axes = len(self.shape)
        if values.shape[values.ndim - axes :] != self.shape:
            raise ValueError(
                f"detector {self.name!r} has cells {self.shape}, received numbers of "
                f"shape {values.shape}"
            )
        if self.layer_shapes:
            return unfolded(values, self.layer_shapes)
        return [*np.moveaxis(values, -1, 0)] if self.layers else [values]

    @property
    def event(self) -> str:
        """What an event is: "track" where a response names its numbers, or "shower"."""
        return "track" if self.component_names else "shower"

    def incident_energy(self, condition: NDArray[Any]) -> NDArray[np.float64]:
        """Returns the incident energy, or the momentum where the conditions hold that.

        Args:
            condition: Conditions [condition_units], [batch, conditions].

        Returns:
            Energies [GeV], float64 [batch]; all 0 for a detector without.
        """
        columns = condition[:, list(self.energy_conditions)].astype(np.float64)
        energy: NDArray[np.float64] = np.sqrt((columns**2).sum(axis=1))
        return energy

    def impact(self, condition: NDArray[Any]) -> NDArray[np.float64]:
        """Picks the impact point out of the conditions.

        Args:
            condition: Conditions [condition_units], [batch, conditions].

        Returns:
            x and y [cm], float64 [batch, 2].

        Raises:
            ValueError: If the detector has no "impact_x_cm" and "impact_y_cm".
        """
        return self._columns(condition, IMPACT)

    def momentum(self, condition: NDArray[Any]) -> NDArray[np.float64]:
        """Picks the momentum [GeV] out of the conditions, float64 [batch, 3].

        Args:
            condition: Conditions [condition_units], [batch, conditions].

        Raises:
            ValueError: If the detector has no "momentum_x_gev" and so on.
        """
        return self._columns(condition, MOMENTUM)

    def _columns(
        self, condition: NDArray[Any], names: tuple[str, ...]
    ) -> NDArray[np.float64]:
        for name in names:
            if name not in self.condition_names:
                raise ValueError(
                    f"detector {self.name!r} has no condition {name!r}; it has "
                    f"{', '.join(self.condition_names)}"
                )
        indices = [self.condition_names.index(name) for name in names]
        return condition[:, indices].astype(np.float64)
