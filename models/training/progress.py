"""Callbacks of every training, and what it says where it cannot go on."""

import math
import pathlib
import sys
from typing import Any

import keras
import tensorflow as tf


class NonFiniteError(ArithmeticError):
    """A loss, a gradient or a metric became infinite or not a number."""


def explained(error: tf.errors.OpError, workdir: pathlib.Path) -> Exception:
    """Finds out whether TensorFlow stopped a training because the disk is full.

    Args:
        error: What it said.
        workdir: Folder of the run.

    Returns:
        An OSError in the user's words; any other error as it is.
    """
    full = isinstance(error, tf.errors.ResourceExhaustedError)
    # The same class tells that memory is used up.
    if full and "events" in error.message and "flush" in error.message:
        return OSError(
            f"{workdir}: the logs cannot be written (no room is left); make room, then "
            "the same command goes on from the last checkpoint"
        )
    return error


class NonFiniteGuard(keras.callbacks.Callback):
    """Stops a training at the first value that is not finite, whatever its name."""

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Checks every value of a step."""
        self._check(logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Checks what other callbacks have measured."""
        self._check(logs)

    def _check(self, logs: dict[str, Any] | None) -> None:
        for name, value in (logs or {}).items():
            if not math.isfinite(value):
                step = int(keras.ops.convert_to_numpy(self.model.updates))
                raise NonFiniteError(
                    f"{name} is {value} at step {step}: training stopped, the last "
                    "checkpoint is kept. Lower the learning rates and start again"
                )


class Progress(keras.callbacks.Callback):
    """Shows how far the whole training is and how much time is left.

    Args:
        steps: Steps still to go.
    """

    def __init__(self, steps: int) -> None:
        super().__init__()
        self._done = 0
        interval = 0.5 if sys.stdout.isatty() else 60.0
        self._bar = keras.utils.Progbar(steps, unit_name="step", interval=interval)
        self._bar.stateful_metrics = {"loss", "critic_loss", "generator_loss"}

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Advances the bar."""
        self._done += 1
        shown = [
            (n, v) for n, v in (logs or {}).items() if n in self._bar.stateful_metrics
        ]
        self._bar.update(self._done, shown, finalize=self._done == self._bar.target)
