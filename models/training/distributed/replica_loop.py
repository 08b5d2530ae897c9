"""The loop that trains a model on several replicas, as `fit` does on one.

`fit` of Keras 3 cannot work with several machines (keras issue 20585). This loop runs
the same `train_step` and `test_step` on every replica and drives the same callbacks.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.networks import replicas
from models.training.distributed import cluster

Tensor = Any
Shard = tuple[int, int]

_WORD = 4
_LARGEST_DIFFERENCE = 1e-3


def is_needed(strategy: tf.distribute.Strategy) -> bool:
    """Tells whether a model trained under this strategy has several replicas."""
    several = isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
    return several or strategy.num_replicas_in_sync > 1


def _workers(strategy: tf.distribute.Strategy) -> int:
    local = len(strategy.extended.worker_devices)
    return int(strategy.num_replicas_in_sync) // local


def _shares(
    dataset: tf.data.Dataset, parts: int, count: int, own: slice
) -> tf.data.Dataset:
    """Divides elements among replicas.

    Args:
        dataset: Elements of arrays [parts * count * rows, ...].
        parts: Parts of an element that are used one after the other; every replica has
            its share of each of them.
        count: Number of replicas that share an element.
        own: Which of these shares are wanted.

    Returns:
        Elements [parts * rows, ...], each for one replica after the other.
    """
    if count == 1:
        return dataset

    def divided(array: Tensor) -> Tensor:
        tail = array.shape[1:]
        shares = tf.reshape(array, [parts, count, -1, *tail])[:, own]
        order = [1, 0, 2, *range(3, 3 + len(tail))]
        rows = array.shape[0] // count
        return tf.reshape(tf.transpose(shares, order), [-1, rows, *tail])

    return dataset.map(lambda *element: tuple(map(divided, element))).unbatch()


class ReplicaLoop:
    """Trains a compiled model on all replicas of the strategy it was built under.

    Args:
        model: The compiled model; every process of a cluster has it.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self.strategy = model.distribute_strategy
        self.replicas = int(self.strategy.num_replicas_in_sync)
        self.workers = _workers(self.strategy)
        self._summed = tf.function(
            self._sum_of_workers, input_signature=[tf.TensorSpec([None], tf.int32)]
        )

    def share(self, done: int) -> int:
        """Gives every process the state of the chief's model.

        Args:
            done: Number of finished epochs that the chief's model stands for.

        Returns:
            The chief's number.
        """
        if self.workers == 1:
            return done
        number, *sent = self._of_chief([np.array(done, np.int32), *self._state()])
        for variable, array in zip(self.model.state_variables(), sent, strict=True):
            variable.assign(array)
        return int(number)

    def _state(self) -> list[NDArray[Any]]:
        variables = self.model.state_variables()
        return [keras.ops.convert_to_numpy(variable) for variable in variables]

    def fit(
        self,
        elements: Callable[[Shard], tf.data.Dataset],
        *,
        whole: bool,
        parts: int,
        epochs: int,
        initial_epoch: int,
        steps_per_epoch: int,
        validation: tf.data.Dataset | None,
        callbacks: Sequence[keras.callbacks.Callback],
    ) -> None:
        """Trains as `keras.Model.fit` does.

        Args:
            elements: Makes the elements of one worker, from its number and the number
                of workers; each holds what the replicas of this worker use in a step.
            whole: Whether all workers read the same elements of the whole batch
                instead, those of worker 0 of 1, and use their shares.
            parts: Parts of an element that a step uses one after the other.
            epochs: Number of epochs at the end.
            initial_epoch: Number of those finished already.
            steps_per_epoch: Steps from one end of an epoch to the next.
            validation: Elements of whole batches that the model is measured on after
                every epoch; every worker has the same.
            callbacks: Called as by `fit`, with means over all replicas; those that
                write files on the chief alone.

        Raises:
            RuntimeError: If the replicas have different weights at the end.
        """

        def of_worker(context: tf.distribute.InputContext) -> tf.data.Dataset:
            if whole:
                own = self._shares_of(context)
                return _shares(elements((0, 1)), parts, self.replicas, own)
            shard = context.input_pipeline_id, context.num_input_pipelines
            local = self.replicas // self.workers
            return _shares(elements(shard), parts, local, slice(0, local))

        model = self.model
        listeners = keras.callbacks.CallbackList(
            list(callbacks), model=model, epochs=epochs, steps=steps_per_epoch
        )
        step = self._stepper(model.train_step)
        measure = self._stepper(model.test_step)
        iterator = iter(self.strategy.distribute_datasets_from_function(of_worker))
        listeners.on_train_begin()
        logs: dict[str, float] = {}
        for epoch in range(initial_epoch, epochs):
            model.reset_metrics()
            listeners.on_epoch_begin(epoch)
            for number in range(steps_per_epoch):
                listeners.on_train_batch_begin(number)
                logs = step(iterator)
                listeners.on_train_batch_end(number, logs)
            if validation is not None:
                found = self._evaluate(measure, validation, listeners)
                logs |= {f"val_{name}": number for name, number in found.items()}
            listeners.on_epoch_end(epoch, logs)
        if self.workers > 1:
            self._check_alike()
        listeners.on_train_end(logs)

    def _evaluate(
        self,
        measure: Callable[[Any], dict[str, float]],
        validation: tf.data.Dataset,
        listeners: keras.callbacks.CallbackList,
    ) -> dict[str, float]:
        """Measures the model on one pass over the validation events."""

        def of_worker(context: tf.distribute.InputContext) -> tf.data.Dataset:
            own = self._shares_of(context)
            return _shares(validation, 1, self.replicas, own)

        logs: dict[str, float] = {}
        listeners.on_test_begin()
        self.model.reset_metrics()
        iterator = iter(self.strategy.distribute_datasets_from_function(of_worker))
        for number in range(int(validation.cardinality())):
            listeners.on_test_batch_begin(number)
            logs = measure(iterator)
            listeners.on_test_batch_end(number, logs)
        listeners.on_test_end(logs)
        return logs

    def _shares_of(self, context: tf.distribute.InputContext) -> slice:
        """Returns which shares of a whole batch the replicas of a worker have."""
        local = self.replicas // self.workers
        return slice(*(local * (context.input_pipeline_id + end) for end in (0, 1)))

    def _stepper(
        self, step: Callable[[Any], dict[str, Tensor]]
    ) -> Callable[[Any], dict[str, float]]:
        """Compiles a step on all replicas; its numbers are means over them."""
        names: list[str] = []

        def of_replica(element: Any) -> Tensor:
            logs = step(element)
            names[:] = logs
            [numbers] = replicas.means([tf.stack(list(logs.values()))])
            return numbers

        @tf.function
        def on_all(iterator: Any) -> Tensor:
            return self._local(self.strategy.run(of_replica, args=(next(iterator),)))

        def stepped(iterator: Any) -> dict[str, float]:
            numbers = on_all(iterator).numpy().tolist()
            return dict(zip(names, numbers, strict=True))

        return stepped

    def _local(self, results: Any) -> Any:
        """Returns the results of this process's first replica."""
        return tf.nest.map_structure(
            lambda one: self.strategy.experimental_local_results(one)[0], results
        )

    def _check_alike(self) -> None:
        """Compares the states of all processes."""
        own = self._state()
        # On processors of one kind they are equal to the bit.
        close = [
            np.allclose(*pair, rtol=_LARGEST_DIFFERENCE, atol=_LARGEST_DIFFERENCE)
            for pair in zip(own, self._of_chief(own), strict=True)
        ]
        [unlike] = self._sum(np.array([not all(close)], np.int32))
        if unlike:
            raise RuntimeError(
                f"the weights of {unlike} of {self.workers} workers are not the "
                "chief's at the end of the training; do not use the model"
            )

    def _of_chief(self, arrays: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Returns the chief's arrays, to the bit.

        Args:
            arrays: Those of this process, of the same shapes and types as the chief's.
        """
        content = b"".join(array.tobytes() for array in arrays)
        # As integers no number changes on the way, not even -0.
        words = np.frombuffer(content + bytes(-len(content) % _WORD), np.int32)
        chief = cluster.is_chief(self.strategy)
        content = self._sum(words if chief else np.zeros_like(words)).tobytes()
        found, start = [], 0
        for array in arrays:
            sent = np.frombuffer(content, array.dtype, array.size, start)
            found.append(sent.reshape(array.shape))
            start += array.nbytes
        return found

    def _sum(self, numbers: NDArray[np.int32]) -> NDArray[np.int32]:
        """Adds up the numbers of all workers, [any]."""
        return np.asarray(self._summed(tf.constant(numbers)))

    def _sum_of_workers(self, own: Tensor) -> Tensor:
        local = self.replicas // self.workers

        def of_replica() -> Tensor:
            context = tf.distribute.get_replica_context()
            first = tf.equal(context.replica_id_in_sync_group % local, 0)
            sent = tf.where(first, own, tf.zeros_like(own))
            return context.all_reduce(tf.distribute.ReduceOp.SUM, sent)

        return self._local(self.strategy.run(of_replica))


def wait_for_all(strategy: tf.distribute.Strategy) -> None:
    """Returns when every process of a cluster has come here."""
    if not is_needed(strategy):
        return

    @tf.function
    def met() -> Any:
        return strategy.run(lambda: replicas.means([tf.zeros([1])]))

    met()
