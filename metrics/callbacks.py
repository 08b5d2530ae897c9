"""Physics of the generated showers, followed during training."""

import os
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from data.sample import Sample
from data.spec import DetectorSpec
from metrics import distances, measure, observables, pictures
from metrics.comparison import Comparison
from metrics.groups import beams, choose, strata
from metrics.resampling import Metric

Simulate = Callable[[NDArray[np.float32], NDArray[np.int32]], Any]

CHUNK_EVENTS = 512

_FOLLOWED_OTHERWISE = ("wasserstein_", "response_ratio_")
"""Metrics whose value on all events `PhysicsMonitor` already follows."""


class PhysicsMonitor(keras.callbacks.Callback):
    """Compares generated with real validation showers at the end of an epoch.

    Every measurement uses the same events and the same seeds, so that only the weights
    change from epoch to epoch. It writes

    - into `logs`, for the callbacks listed after it: `val_response_<energy>gev`, the
      mean visible energy divided by that of the sample at this beam energy (ideal 1);
      `val_mean_<observable>` for hits and depth; `val_wasserstein_<observable>`, W1 in
      units of the sample's standard deviation, and their mean `val_wasserstein`; and
      as `val_<metric>` all metrics of `measure.per_epoch` but those distances:
      resolutions, ratios, profiles, correlations, PRD, FPD, KPD;
    - for TensorBoard, into the runs `generated` and `reference` below `log_dir`: the
      visible energy per incident energy at every beam energy and the means of hits and
      depth, drawn over each other; every metric over its floor; and pictures of showers
      of equal condition, real above generated.

    A non-finite response makes all values in `logs` NaN.

    Args:
        sample: Validation events.
        simulate: Maps conditions [events, conditions] and a seed [2] to responses in
            physical units, [events, *spec.shape].
        spec: The detector.
        mask: Name of the acceptance applied to both sides, see `spec.acceptance`.
        log_dir: Folder of the TensorBoard logs.
        every: Number of epochs between measurements. In between, `logs` repeats the
            last values; a continued run measures at once, as it does not know them.
        events: Largest number of validation events used; all beam energies equally.
        seed: Seed of the generation and of the choice of events.

    Raises:
        ValueError: If `every` or `events` is not positive or the mask is unknown.
    """

    def __init__(
        self,
        sample: Sample,
        simulate: Simulate,
        spec: DetectorSpec,
        mask: str,
        log_dir: str | os.PathLike[str],
        *,
        every: int = 1,
        events: int = 1000,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if every < 1 or events < 1:
            raise ValueError(
                "every and events must be at least 1, received "
                f"every={every}, events={events}"
            )
        self.simulate = simulate
        self.spec = spec
        self.mask = mask
        self.accepted = spec.acceptance(mask)
        self.log_dir = os.fspath(log_dir)
        self.every = every
        self.seed = seed
        energy = observables.incident_energy(spec, sample.condition)
        chosen = choose(strata(energy), events, seed)
        self.condition = np.ascontiguousarray(sample.condition[chosen], np.float32)
        self.real = sample.response[chosen] * self.accepted
        self.observables = observables.scalar_observables(spec)
        self.reference = self._evaluate(self.real)
        self.beams = beams(energy[chosen])
        self.last: dict[str, float] = {}
        self._writers: dict[str, Any] = {}

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Measures, writes for TensorBoard and extends `logs`.

        Args:
            epoch: Number of the epoch, from 0.
            logs: What the callbacks after this one report.
        """
        if not self.last or epoch % self.every == 0:
            generated = self._generate()
            if np.isfinite(generated).all():
                values = self._evaluate(generated)
                metrics = self._measure(generated)
                self.last = self._compare(values) | _values(metrics)
                self._write(epoch, generated, values, metrics)
            else:
                healthy = self._compare(self.reference)
                healthy |= _values(self._measure(self.real))
                self.last = dict.fromkeys(healthy, np.nan)
        if logs is not None:
            logs.update(self.last)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Closes the TensorBoard files.

        Args:
            logs: Not used.
        """
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()

    def _generate(self) -> NDArray[np.float32]:
        parts = []
        for number, start in enumerate(range(0, len(self.condition), CHUNK_EVENTS)):
            condition = self.condition[start : start + CHUNK_EVENTS]
            seed = np.array([self.seed, number], np.int32)
            parts.append(np.asarray(self.simulate(condition, seed), np.float32))
        return np.where(self.accepted, np.concatenate(parts), np.float32(0.0))

    def _evaluate(self, response: NDArray[np.float32]) -> dict[str, Any]:
        return observables.evaluate(self.observables, response, self.condition)

    def _compare(self, generated: dict[str, Any]) -> dict[str, float]:
        visible = generated["visible_energy"], self.reference["visible_energy"]
        values = {}
        for beam in self.beams:
            real = float(visible[1][beam.events].mean())
            mean = float(visible[0][beam.events].mean())
            values[f"val_response_{beam.name}"] = mean / real if real > 0.0 else 0.0
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

    def _measure(self, generated: NDArray[np.float32]) -> dict[str, Metric]:
        showers = self.condition, self.real, generated
        comparison = Comparison(self.spec, self.mask, *showers)
        metrics = measure.per_epoch(comparison, self.seed)
        return {
            name: metric
            for name, metric in metrics.items()
            if not name.startswith(_FOLLOWED_OTHERWISE)
        }

    def _means(self) -> list[str]:
        followed = ("number_of_hits", "depth")
        return [one.name for one in self.observables if one.name.startswith(followed)]

    def _write(
        self,
        epoch: int,
        generated: NDArray[np.float32],
        values: dict[str, Any],
        metrics: dict[str, Metric],
    ) -> None:
        for run, numbers in (("generated", values), ("reference", self.reference)):
            if run not in self._writers:
                path = os.path.join(self.log_dir, run)
                self._writers[run] = tf.summary.create_file_writer(path)
            with self._writers[run].as_default(step=epoch):
                for beam in self.beams:
                    response = numbers.get("energy_response", numbers["visible_energy"])
                    mean = float(response[beam.events].mean())
                    tf.summary.scalar(f"physics/response_{beam.name}", mean)
                for name in self._means():
                    tf.summary.scalar(f"physics/{name}", float(numbers[name].mean()))
        for name, metric in metrics.items():
            with self._writers["generated"].as_default(step=epoch):
                tf.summary.scalar(f"metrics/{name}", metric.value)
            with self._writers["reference"].as_default(step=epoch):
                tf.summary.scalar(f"metrics/{name}", metric.floor)
        with self._writers["generated"].as_default(step=epoch):
            for beam in self.beams:
                first = beam.events[0]
                showers = self.real[first], generated[first]
                picture = pictures.pair(*showers, self.accepted)
                tf.summary.image(f"real_above_generated/{beam.name}", picture[None])
        for writer in self._writers.values():
            writer.flush()


def _values(metrics: dict[str, Metric]) -> dict[str, float]:
    return {f"val_{name}": metric.value for name, metric in metrics.items()}
