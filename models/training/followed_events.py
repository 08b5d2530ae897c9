"""The events that the monitor of a training follows: showers or tracks."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from data.detectors.spec import DetectorSpec
from data.events import Sample
from metrics.observables import registry
from metrics.pid import measure_tracks
from metrics.pid.track_pairs import Tracks, species_index
from metrics.showers import measure_showers
from metrics.showers.shower_pairs import Comparison
from metrics.statistics import distances
from metrics.statistics.energy_bins import choose, energy_bins, strata
from metrics.statistics.resampling import Metric
from models.training import tensorboard_images

EVENTS = 1_000
TRACKS = 20_000
"""How many are followed by default: a track is smaller, its weights fluctuate more."""

_FOLLOWED_OTHERWISE = ("wasserstein_", "response_ratio_")
"""Metrics whose value on all events `FollowedShowers` already follows."""


@dataclasses.dataclass(frozen=True, eq=False)
class Snapshot:
    """What was measured at the end of an epoch.

    Attributes:
        logs: Numbers for history and console.
        curves: Pairs of numbers for TensorBoard, of the generated and the reference
            sample, by tag.
        images: Pictures for TensorBoard, uint8 [height, width, 3], by tag.
    """

    logs: dict[str, float]
    curves: dict[str, tuple[float, float]]
    images: dict[str, NDArray[np.uint8]]


class Followed(Protocol):
    """Validation events that generated ones are compared with again and again."""

    @property
    def condition(self) -> NDArray[np.float32]:
        """Conditions to generate at [spec.condition_units], [events, conditions]."""

    @property
    def real(self) -> NDArray[np.float32]:
        """Accepted responses of the sample [spec.unit], [events, *spec.shape]."""

    @property
    def accepted(self) -> NDArray[np.bool_]:
        """What counts of a response; the rest is set to 0, bool [*spec.shape]."""

    def measure(self, generated: NDArray[np.float32]) -> Snapshot:
        """Compares accepted generated responses, [events, *spec.shape], with those."""


def follow(
    sample: Sample, spec: DetectorSpec, mask: str, events: int | None, seed: int
) -> Followed:
    """Chooses the events of a sample that are followed.

    Args:
        sample: Validation events.
        spec: The detector.
        mask: Name of the acceptance applied to both sides, see `spec.acceptance`.
        events: Largest number of events; None takes `EVENTS` or `TRACKS`.
        seed: Seed of choice and splits.

    Raises:
        ValueError: If the mask or a species is unknown.
    """
    if spec.component_names:
        return FollowedTracks(sample, spec, TRACKS if events is None else events, seed)
    return FollowedShowers(
        sample, spec, mask, EVENTS if events is None else events, seed
    )


class FollowedShowers:
    """Showers in a calorimeter, all energy bins equally.

    Args:
        sample: Validation events.
        spec: The detector.
        mask: Name of the acceptance applied to both sides, see `spec.acceptance`.
        events: Largest number of events.
        seed: Seed of choice and splits.
    """

    def __init__(
        self, sample: Sample, spec: DetectorSpec, mask: str, events: int, seed: int
    ) -> None:
        self.spec = spec
        self.mask = mask
        self.accepted = spec.acceptance(mask)
        self.seed = seed
        energy = spec.incident_energy(sample.condition)
        chosen = choose(strata(energy), events, seed)
        self.condition = np.ascontiguousarray(sample.condition[chosen], np.float32)
        self.real = sample.response[chosen] * self.accepted
        self.observables = registry.scalar_observables(spec)
        self.reference = self._evaluate(self.real)
        self.energy_bins = energy_bins(energy[chosen])

    def measure(self, generated: NDArray[np.float32]) -> Snapshot:
        """Compares generated showers of equal conditions.

        Args:
            generated: Accepted responses [spec.unit], [events, *spec.shape].
        """
        values = self._evaluate(generated)
        showers = self.condition, self.real, generated
        comparison = Comparison(self.spec, self.mask, *showers)
        metrics = {
            name: metric
            for name, metric in measure_showers.per_epoch(comparison, self.seed).items()
            if not name.startswith(_FOLLOWED_OTHERWISE)
        }
        unfold = self.spec.layer_images
        pairs = {
            f"real_above_generated/{energy_bin.name}": (
                self.real[energy_bin.events[0]],
                generated[energy_bin.events[0]],
            )
            for energy_bin in self.energy_bins
        }
        return Snapshot(
            self._compare(values) | _values(metrics),
            self._physics(values) | _curves(metrics),
            {
                tag: tensorboard_images.pair(*map(unfold, (*pair, self.accepted)))
                for tag, pair in pairs.items()
            },
        )

    def _evaluate(self, response: NDArray[np.float32]) -> dict[str, Any]:
        return registry.evaluate(self.observables, response, self.condition)

    def _compare(self, generated: dict[str, Any]) -> dict[str, float]:
        visible = generated["visible_energy"], self.reference["visible_energy"]
        values = {}
        for energy_bin in self.energy_bins:
            real = float(visible[1][energy_bin.events].mean())
            mean = float(visible[0][energy_bin.events].mean())
            values[f"val_response_{energy_bin.name}"] = (
                mean / real if real > 0.0 else 0.0
            )
        for name in self._means():
            values[f"val_mean_{name}"] = float(generated[name].mean())
        distance = {
            one.name: distances.normalised_wasserstein(
                generated[one.name], self.reference[one.name]
            )
            for one in self.observables
        }
        values |= {f"val_wasserstein_{name}": w for name, w in distance.items()}
        values["val_wasserstein"] = float(np.mean(list(distance.values())))
        return values

    def _physics(self, generated: dict[str, Any]) -> dict[str, tuple[float, float]]:
        pair = generated, self.reference
        found = {}
        for energy_bin in self.energy_bins:
            one, other = (
                values.get("energy_response", values["visible_energy"])
                for values in pair
            )
            found[f"physics/response_{energy_bin.name}"] = (
                float(one[energy_bin.events].mean()),
                float(other[energy_bin.events].mean()),
            )
        for name in self._means():
            one, other = (values[name] for values in pair)
            found[f"physics/{name}"] = float(one.mean()), float(other.mean())
        return found

    def _means(self) -> list[str]:
        followed = ("number_of_hits", "depth")
        return [one.name for one in self.observables if one.name.startswith(followed)]


class FollowedTracks:
    """Tracks with signed weights, all species equally.

    Args:
        sample: Validation events.
        spec: The detector.
        tracks: Largest number of tracks.
        seed: Seed of choice and splits.

    Raises:
        ValueError: If a species is unknown.
    """

    def __init__(
        self, sample: Sample, spec: DetectorSpec, tracks: int, seed: int
    ) -> None:
        self.spec = spec
        self.accepted = spec.cells
        self.seed = seed
        chosen = choose(species_index(spec, sample.condition), tracks, seed)
        self.condition = np.ascontiguousarray(sample.condition[chosen], np.float32)
        self.real = sample.response[chosen]
        self.weight = None if sample.weight is None else sample.weight[chosen]

    def measure(self, generated: NDArray[np.float32]) -> Snapshot:
        """Compares generated tracks of equal conditions and weights.

        Args:
            generated: Responses [spec.unit], [tracks, components].
        """
        tracks = self.condition, self.real, generated, self.weight
        metrics = measure_tracks.per_epoch(Tracks(self.spec, *tracks), self.seed)
        logs = _values(metrics)
        distance = [
            metric.value
            for name, metric in metrics.items()
            if name.startswith("wasserstein_")
        ]
        if distance:
            logs["val_wasserstein"] = float(np.mean(distance))
        return Snapshot(logs, _curves(metrics), {})


def _values(metrics: Mapping[str, Metric]) -> dict[str, float]:
    return {f"val_{name}": metric.value for name, metric in metrics.items()}


def _curves(metrics: Mapping[str, Metric]) -> dict[str, tuple[float, float]]:
    return {
        f"metrics/{name}": (metric.value, metric.floor)
        for name, metric in metrics.items()
    }
