"""The input of a training: shuffled, augmented, encoded events, step by step."""

from typing import Any, Protocol

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from data.batches.step_batches import (
    Elements,
    fits_in_memory,
    response_shape,
    steps_per_epoch,
)
from data.detectors.symmetry import SymmetryGroup
from data.events import Sample
from data.files.source import Source

__all__ = ["Encoder", "batches", "fits_in_memory", "steps_per_epoch"]

PREFETCHED_ELEMENTS = 2


class Encoder(Protocol):
    """What the pipeline needs of a `data.transforms.Transform`."""

    def encode(self, response: Any, condition: Any) -> Any:
        """Turns responses into what networks see."""


def batches(
    source: Source | Sample,
    *,
    rows: int,
    seed: int,
    first_epoch: int = 0,
    epochs: int | None = None,
    shard: tuple[int, int] = (0, 1),
    transform: Encoder | None = None,
    augment: SymmetryGroup | None = None,
    acceptance: NDArray[np.bool_] | None = None,
) -> tf.data.Dataset:
    """Makes the data set that a training reads.

    What an epoch holds depends only on the data, `rows`, `shard`, `seed` and the number
    of the epoch: a run that starts again with `first_epoch` goes on as if it had never
    stopped. Within an epoch no event comes twice, and what does not fill an element is
    left out; if there are fewer events than `rows`, they are drawn again.

    Args:
        source: The events; a `Source` must stay open while the data set is used.
        rows: Events per element: critic steps x batch size.
        seed: Seed of the run.
        first_epoch: Number of the first epoch.
        epochs: Number of epochs; None goes on without end.
        shard: Number of this worker, from 0, and number of workers.
        transform: Encodes the responses; None leaves them in physical units.
        augment: Every event is carried along by an operation drawn from this group;
            None leaves the events as they are.
        acceptance: Cells outside this mask, bool [*spec.shape], are set to 0 after the
            augmentation; None keeps all.

    Returns:
        Elements of (response or encoded [rows, ...], condition [rows, conditions],
        weight [rows] divided by the mean weight of all events), all float32,
        `steps_per_epoch` of them for every epoch.

    Raises:
        ValueError: If `rows` is not positive, the sample empty, the shard impossible or
            the mean weight not positive.
    """
    elements = Elements(
        source,
        rows=rows,
        seed=seed,
        shard=shard,
        augment=augment,
        acceptance=acceptance,
    )
    response_spec = (rows, *response_shape(source))
    condition_spec = (rows, source.condition.shape[1])

    @tf.autograph.experimental.do_not_convert
    def element(number: Any) -> tuple[Any, Any, Any]:
        # Not from_generator: it lowers malloc's trim threshold for the whole process,
        # after which every large array is paid for in page faults, 1 ms a step.
        response, condition, weight = tf.numpy_function(
            elements.__getitem__, [number], [tf.float32] * 3
        )
        response = tf.ensure_shape(response, response_spec)
        condition = tf.ensure_shape(condition, condition_spec)
        if transform is not None:
            response = transform.encode(response, condition)
        return response, condition, tf.ensure_shape(weight, (rows,))

    dataset = tf.data.Dataset.counter(first_epoch * elements.steps)
    if epochs is not None:
        dataset = dataset.take(epochs * elements.steps)
    options = tf.data.Options()
    options.deterministic = True
    policy = tf.data.experimental.AutoShardPolicy.OFF
    options.experimental_distribute.auto_shard_policy = policy
    return dataset.map(element).prefetch(PREFETCHED_ELEMENTS).with_options(options)
