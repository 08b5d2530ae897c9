"""Measures how two workers on this machine train together, against one of them.

    python -m benchmarks.scaling.two_workers --model=cramer_rich

Each worker is a process with one core to itself and a whole batch in every step: two of
them ideally take as long as one. Timed in turn are a step of one worker while the other
waits; of both at the same time, each for itself, which shows what the cores take from
each other; and of both together with `--strategy=multiworker`. The exchange of as many
numbers as a step exchanges is timed alone, too. Then the time of a step of more workers
is projected, with an assumed network.
"""

import json
import os
import socket
import subprocess
import sys
import time
from typing import Any

from benchmarks.shared import setup  # First: it silences the start of TensorFlow.

# isort: split

import keras
import numpy as np
import tensorflow as tf
from absl import flags

from benchmarks.shared import timing
from common.command_line import prepare_training
from data.batches import pipeline
from models.gans.conditional import ConditionalGAN
from models.networks import replicas
from models.training.distributed import cluster, replica_loop

_WORKERS = 2
_ONE, _BOTH, _TOGETHER = "one worker", "two, each for itself", "two workers together"
_FIRST_STEPS = 3
_PROJECTED = (2, 8, 64, 512)
_BYTES = 4


class _Clock(keras.callbacks.Callback):
    """Takes the time from step to step."""

    def __init__(self) -> None:
        super().__init__()
        self._ended: list[float] = []

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Ends a step."""
        self._ended.append(time.perf_counter())

    def samples(self) -> list[float]:
        """Returns the time of every step [s] but the first, which compile."""
        return np.diff(self._ended[_FIRST_STEPS:]).tolist()


def exchanged(model: Any) -> int:
    """Counts the numbers that replicas add up in a step, those of all gradients.

    Args:
        model: A compiled model.
    """

    def size(variables: Any) -> int:
        return sum(int(np.prod(one.shape)) for one in variables)

    if not isinstance(model, ConditionalGAN):
        return size(model.trained_network.trainable_variables)
    others = [one.network for one in model.constrainers] + [model.generator]
    critic = model.critic_steps * size(model.critic.trainable_variables)
    return critic + sum(size(one.trainable_variables) for one in others)


def projection(
    step_s: float, numbers: int, gbit_per_s: float, latency_us: float
) -> list[tuple[int, float, float, float]]:
    """Models the step of N workers, none of whose exchange is hidden by computing.

    A ring sends 2 (N-1)/N of the gradients over each link, in 2 (N-1) messages.

    Args:
        step_s: Time of a step of one worker [s].
        numbers: From `exchanged`.
        gbit_per_s: Rate of a link [Gbit/s].
        latency_us: Time of an empty message [us].

    Returns:
        For each number of workers: that number, bytes that each sends in a step, time
        of the exchange [s], and efficiency.
    """
    rows = []
    for count in _PROJECTED:
        sent = 2.0 * (count - 1) / count * numbers * _BYTES
        exchange_s = sent / (gbit_per_s * 1e9 / 8) + 2 * (count - 1) * latency_us * 1e-6
        rows.append((count, sent, exchange_s, step_s / (step_s + exchange_s)))
    return rows


def _exchange_s(strategy: tf.distribute.Strategy, numbers: int, repeats: int) -> float:
    """Returns the median time of one exchange of so many numbers [s]."""

    @tf.function
    def exchange(own: tf.Tensor) -> Any:
        # The copy stands on the device of its replica.
        return strategy.run(lambda: replicas.means([tf.identity(own)]))

    own = tf.ones([numbers])
    samples = []
    for _ in range(repeats):
        start = time.perf_counter()
        exchange(own)
        samples.append(time.perf_counter() - start)
    return float(np.median(samples[1:]))


def _worker() -> None:
    setup.use_threads(1)
    prepare_training()
    strategy = cluster.strategy("multiworker")
    chief = cluster.is_chief(strategy)
    subject = setup.subject(flags.FLAGS.model, None, flags.FLAGS.set)
    with strategy.scope():
        spread = setup.subject(flags.FLAGS.model, None, flags.FLAGS.set).model
    rows, transform = subject.settings.step_events, subject.model.transform
    some = pipeline.batches(subject.source, rows=rows, seed=1, transform=transform)
    elements = some.take(1).cache().repeat()
    loop = replica_loop.ReplicaLoop(spread)
    loop.share(0)
    steps = flags.FLAGS.steps + _FIRST_STEPS + 1

    def alone() -> list[float]:
        clock = _Clock()
        subject.model.fit(
            elements, steps_per_epoch=steps, shuffle=False, verbose=0, callbacks=[clock]
        )
        return clock.samples()

    def together() -> list[float]:
        clock = _Clock()
        loop.fit(
            lambda _: elements, whole=False, parts=1, epochs=1, initial_epoch=0,
            steps_per_epoch=steps, validation=None, callbacks=[clock],
        )  # fmt: skip
        return clock.samples()

    samples: dict[str, list[float]] = {_ONE: [], _BOTH: [], _TOGETHER: []}
    for _ in range(flags.FLAGS.rounds):
        samples[_ONE] += alone() if chief else []
        replica_loop.wait_for_all(strategy)
        samples[_BOTH] += alone()
        replica_loop.wait_for_all(strategy)
        samples[_TOGETHER] += together()
    numbers = exchanged(spread)
    exchange_s = _exchange_s(strategy, numbers, flags.FLAGS.steps)
    if chief:
        times = {name: timing.summary(values) for name, values in samples.items()}
        _print(rows, times, numbers, exchange_s)


def _print(
    rows: int, times: dict[str, timing.Timing], numbers: int, exchange_s: float
) -> None:
    one = times[_ONE].median_s
    print(f"{flags.FLAGS.model}: {rows} showers a step and worker, one core each")
    table = [
        [name, f"{1e3 * x.median_s:.1f} +-{x.spread:3.0%}", f"{one / x.median_s:.3f}"]
        for name, x in times.items()
    ]
    print(timing.table(["", "ms a step", "efficiency"], table))
    sent = 2.0 * (_WORKERS - 1) / _WORKERS * numbers * _BYTES
    print(
        f"exchanged: {numbers} numbers a step; at once they take "
        f"{1e3 * exchange_s:.1f} ms, {sent / exchange_s / 1e9:.2f} GB/s"
    )
    gbit_per_s, latency_us = flags.FLAGS.gbit_per_s, flags.FLAGS.latency_us
    print(
        f"projected, not measured: {gbit_per_s:g} Gbit/s and {latency_us:g} us a "
        "message, nothing hidden by computing"
    )
    table = [
        [str(count), f"{size / 1e6:.2f}", f"{1e3 * taken:.2f}", f"{efficiency:.3f}"]
        for count, size, taken, efficiency in projection(
            one, numbers, gbit_per_s, latency_us
        )
    ]
    header = ["workers", "MB sent a step", "ms of exchange", "efficiency"]
    print(timing.table(header, table))


def _addresses() -> list[str]:
    sockets = [socket.create_server(("localhost", 0)) for _ in range(_WORKERS)]
    found = [f"localhost:{one.getsockname()[1]}" for one in sockets]
    for one in sockets:
        one.close()
    return found


def _start() -> None:
    addresses = _addresses()
    cores = sorted(os.sched_getaffinity(0))
    processes = []
    for index in range(_WORKERS):
        task = {"type": "worker", "index": index}
        document = {"cluster": {"worker": addresses}, "task": task}
        # A process has the cores of the one that started it.
        os.sched_setaffinity(0, {cores[index % len(cores)]})
        processes.append(
            subprocess.Popen(
                [sys.executable, "-m", "benchmarks.scaling.two_workers", *sys.argv[1:]],
                env={**os.environ, "TF_CONFIG": json.dumps(document)},
            )
        )
    if any([process.wait() for process in processes]):
        raise ValueError("a worker failed; what it said stands above")


def _run() -> None:
    if "TF_CONFIG" in os.environ:
        _worker()
    else:
        _start()


if __name__ == "__main__":
    flags.DEFINE_string("model", "cramer_rich", "ENTRY or ENTRY/PRESET of the zoo.")
    flags.DEFINE_multi_string("set", [], "name=value: changes a Config field.")
    flags.DEFINE_integer("steps", 10, "Steps of a sample.", lower_bound=2)
    flags.DEFINE_integer("rounds", 2, "Samples of each measurement.", lower_bound=1)
    flags.DEFINE_float("gbit_per_s", 25.0, "Assumed rate of the network.")
    flags.DEFINE_float("latency_us", 20.0, "Assumed time of an empty message.")
    setup.run(_run)
