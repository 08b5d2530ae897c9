"""Features of a track for networks that imitate a Cherenkov detector."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from data.detectors import particles

_PION = particles.NAMES.index("pion")
_MRAD = 1e-3


@keras.saving.register_keras_serializable("fastsim_zoo")
class TrackFeatures(keras.layers.Layer):
    """Turns conditions into numbers of order 1 that a dense network can use.

    The logarithm of the momentum, pseudorapidity and number of tracks, each between -1
    and 1 in the given range; one number per species, 1 for that of the track; and for
    every radiator, 0 outside its acceptance, what a ring-imaging detector can know: per
    mass hypothesis the photon yield relative to a saturated ring, and the logarithm of
    1 + the squared difference of the Cherenkov angle from the pion's, in units of the
    resolution of one photon. Thresholds are thereby where they belong instead of
    being learnt.

    Args:
        ranges: (low, high) of momentum [GeV], pseudorapidity and number of tracks.
        species: Absolute PDG codes of the species that are told apart.
        radiators: (refractive index, angular resolution [mrad], smallest, largest
            polar angle [mrad]) of each radiator.
    """

    def __init__(
        self,
        ranges: Sequence[Sequence[float]],
        species: Sequence[int],
        radiators: Sequence[Sequence[float]] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.ranges = tuple(map(tuple, ranges))
        self.species = tuple(species)
        self.radiators = tuple(map(tuple, radiators))

    def call(self, inputs: Any) -> Any:
        """Maps conditions of the detector `rich` [batch, 4] to [batch, features]."""
        # Events are the last axis until the end: then a short axis of species or of
        # mass hypotheses costs nothing.
        momentum, pseudorapidity, tracks, species = (
            inputs[None, :, i] for i in range(4)
        )
        (low, high), *linear = self.ranges
        rows = [_scaled(keras.ops.log(momentum), np.log(low), np.log(high))]
        rows += [
            _scaled(value, *limits)
            for value, limits in zip((pseudorapidity, tracks), linear, strict=True)
        ]
        codes = np.array(self.species, np.float32)[:, None]
        rows.append(keras.ops.cast(keras.ops.equal(species, codes), "float32"))
        if self.radiators:
            rows.append(_rings(momentum, pseudorapidity, np.array(self.radiators)))
        return keras.ops.transpose(keras.ops.concatenate(rows, axis=0))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "ranges": self.ranges,
            "species": self.species,
            "radiators": self.radiators,
        }


def _scaled(value: Any, low: float, high: float) -> Any:
    return (2.0 * value - (low + high)) / (high - low)


def _rings(
    momentum_gev: Any, pseudorapidity: Any, radiators: NDArray[np.float64]
) -> Any:
    """Describes the ring of every mass hypothesis, [9 per radiator, batch]."""
    index, resolution_mrad, nearest, farthest = radiators.T[:, :, None, None]
    masses = np.array(particles.MASSES_GEV, np.float32)[:, None]
    squared = keras.ops.square(masses / momentum_gev)
    # sin^2 of the angle, 1 - 1 / (n beta)^2; of a light track it is 1 - 1 / n^2.
    full = 1.0 - 1.0 / index**2
    sine = keras.ops.relu(full - squared * (1.0 / index**2))
    angle_mrad = keras.ops.arcsin(keras.ops.sqrt(sine)) / _MRAD
    others = [number for number in range(len(particles.NAMES)) if number != _PION]
    pion_mrad = angle_mrad[:, _PION : _PION + 1]
    difference = keras.ops.take(angle_mrad, others, axis=1) - pion_mrad
    separation = keras.ops.log1p(keras.ops.square(difference / resolution_mrad))
    seen = keras.ops.concatenate([sine / full, 0.2 * separation], axis=1)
    polar_mrad = 2.0 * keras.ops.arctan(keras.ops.exp(-pseudorapidity)) / _MRAD
    inside = keras.ops.logical_and(polar_mrad >= nearest, polar_mrad <= farthest)
    seen = seen * keras.ops.cast(inside, "float32")
    return keras.ops.reshape(seen, (len(radiators) * (len(masses) + len(others)), -1))
