"""Physics of the generated events, followed during training."""

import os
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from data.detectors.spec import DetectorSpec
from data.events import Sample
from models.training.followed_events import Snapshot, follow

Simulate = Callable[[NDArray[np.float32], NDArray[np.int32]], Any]

CHUNK_EVENTS = 512


class PhysicsMonitor(keras.callbacks.Callback):
    """Compares generated with real validation events at the end of an epoch.

    Every measurement uses the same events and the same seeds, so that only the weights
    change from epoch to epoch. Of a calorimeter it writes

    - into `logs`, for the callbacks listed after it: `val_response_<energy>gev`, the
      mean visible energy divided by that of the sample in this energy bin (ideal 1);
      `val_mean_<observable>` for hits and depth; `val_wasserstein_<observable>`, W1 in
      units of the sample's standard deviation, and their mean `val_wasserstein`; and
      as `val_<metric>` all metrics of `measure.per_epoch` but those distances:
      resolutions, ratios, profiles, correlations, PRD, FPD, KPD;
    - for TensorBoard, into the runs `generated` and `reference` below `log_dir`: the
      visible energy per incident energy in every energy bin and the means of hits and
      depth, drawn over each other; every metric over its floor; and pictures of showers
      of equal condition, real above generated.

    Where responses are likelihoods it writes all metrics of `pid.per_epoch`, with
    signed weights, and the mean `val_wasserstein` of their Wasserstein distances.

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
        events: Largest number of validation events used, all energy bins or species
            equally; None takes 1,000 showers or 20,000 tracks.
        seed: Seed of the generation and of the choice of events.

    Raises:
        ValueError: If `every` or `events` is not positive, or the mask or a species is
            unknown.
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
        events: int | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if every < 1 or (events is not None and events < 1):
            raise ValueError(
                "every and events must be at least 1, received "
                f"every={every}, events={events}"
            )
        self.simulate = simulate
        self.log_dir = os.fspath(log_dir)
        self.every = every
        self.seed = seed
        self.followed = follow(sample, spec, mask, events, seed)
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
                found = self.followed.measure(generated)
                self.last = found.logs
                self._write(epoch, found)
            else:
                healthy = self.followed.measure(self.followed.real).logs
                self.last = dict.fromkeys(healthy, np.nan)
        if logs is not None:
            logs.update({name: _drawable(x) for name, x in self.last.items()})

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
        conditions = self.followed.condition
        for number, start in enumerate(range(0, len(conditions), CHUNK_EVENTS)):
            seed = np.array([self.seed, number], np.int32)
            some = conditions[start : start + CHUNK_EVENTS]
            parts.append(np.asarray(self.simulate(some, seed), np.float32))
        accepted = self.followed.accepted
        return np.where(accepted, np.concatenate(parts), np.float32(0.0))

    def _write(self, epoch: int, found: Snapshot) -> None:
        for side, run in enumerate(("generated", "reference")):
            if run not in self._writers:
                path = os.path.join(self.log_dir, run)
                self._writers[run] = tf.summary.create_file_writer(path)
            with self._writers[run].as_default(step=epoch):
                for tag, pair in found.curves.items():
                    tf.summary.scalar(tag, _drawable(pair[side]))
        with self._writers["generated"].as_default(step=epoch):
            for tag, picture in found.images.items():
                tf.summary.image(tag, picture[None])
        for writer in self._writers.values():
            writer.flush()


def _drawable(value: float) -> float:
    """Returns the nearest number that TensorBoard can write, a float32."""
    limit = float(np.finfo(np.float32).max)
    return min(max(float(value), -limit), limit)
