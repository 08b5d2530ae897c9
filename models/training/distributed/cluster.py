"""Who takes part in a training: devices of one machine, or workers of a cluster."""

import contextlib
import json
import os
import re
import sys
import traceback
from collections.abc import Iterator, Mapping
from typing import Any

import tensorflow as tf

_VARIABLE = "TF_CONFIG"
_EXAMPLE = (
    '{"cluster": {"worker": ["host0:2222", "host1:2222"]}, '
    '"task": {"type": "worker", "index": 0}}'
)
_LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.FailedPreconditionError,
)
"""How TensorFlow reports that another process does not answer any more."""


class WorkerLostError(RuntimeError):
    """Another worker of the cluster stopped."""


def check_task(environment: Mapping[str, str]) -> None:
    """Checks what a cluster tells each of its workers about itself.

    Args:
        environment: With the variable TF_CONFIG, see `docs/cluster.md`.

    Raises:
        ValueError: If it is missing, or does not say which worker of which this is.
    """
    text = environment.get(_VARIABLE, "")
    if not text:
        raise ValueError(
            f"--strategy=multiworker: {_VARIABLE} is not set; give every worker its "
            f"own, such as {_VARIABLE}='{_EXAMPLE}', see docs/cluster.md"
        )
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{_VARIABLE} is not JSON ({error}): {text!r}; write it as {_EXAMPLE}"
        ) from None
    try:
        groups, task = document["cluster"], document["task"]
        kind, index = task["type"], task["index"]
        members = groups[kind]
        unfit = set(groups) - {"chief", "worker"}
    except (KeyError, TypeError):
        raise ValueError(
            f"{_VARIABLE} does not say which worker of which cluster this is, received "
            f"{text!r}; write it as {_EXAMPLE}"
        ) from None
    if unfit:
        raise ValueError(
            f"{_VARIABLE}: the cluster has {', '.join(sorted(unfit))}, received "
            f"{text!r}; all processes are workers here, leave the others out"
        )
    addresses = [one for some in groups.values() for one in _listed(some)]
    if not _listed(members) or not all(map(_is_address, addresses)):
        raise ValueError(
            f"{_VARIABLE}: the workers must be a list of host:port, received "
            f"{members!r}; write it as {_EXAMPLE}"
        )
    if type(index) is not int or not 0 <= index < len(members):
        raise ValueError(
            f"{_VARIABLE}: task index {index!r} is outside the list of {len(members)} "
            f"{kind}s; count them from 0 to {len(members) - 1}"
        )


def _listed(members: Any) -> list[Any]:
    return members if isinstance(members, list) else [None]


def _is_address(member: Any) -> bool:
    if not isinstance(member, str):
        return False
    host, _, port = member.rpartition(":")
    return bool(host) and port.isdigit()


def strategy(name: str) -> tf.distribute.Strategy:
    """Returns how a training is spread over devices.

    Call it before TensorFlow computes anything: the workers of a cluster wait here for
    each other.

    Args:
        name: "none" for one device, "mirrored" for all GPUs of this machine,
            "multiworker" for all devices of the machines named in TF_CONFIG.

    Raises:
        ValueError: If TF_CONFIG does not say which worker of which this is.
        OSError: If this worker cannot listen at its address.
    """
    if name == "mirrored":
        return tf.distribute.MirroredStrategy()
    if name == "none":
        return tf.distribute.get_strategy()
    check_task(os.environ)
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except (tf.errors.UnknownError, tf.errors.InvalidArgumentError) as error:
        raise OSError(
            f"{_VARIABLE}: this worker cannot join its cluster ({error.message}); "
            "is its address of this machine, and the port free?"
        ) from None


def check_batch(batch_size: int, spread: tf.distribute.Strategy) -> None:
    """Checks that every replica can have an equal part of a batch.

    Args:
        batch_size: Events per optimizer step.
        spread: From `strategy`.

    Raises:
        ValueError: If they cannot be divided.
    """
    replicas = spread.num_replicas_in_sync
    if batch_size % replicas:
        raise ValueError(
            f"batch_size={batch_size} cannot be divided among {replicas} replicas; "
            f"give --batch_size={max(1, round(batch_size / replicas)) * replicas}"
        )


def is_chief(spread: tf.distribute.Strategy) -> bool:
    """Tells whether this process writes the files; of one alone it does."""
    return bool(spread.extended.should_checkpoint)


@contextlib.contextmanager
def noticing_losses(name: str) -> Iterator[None]:
    """Turns what TensorFlow says of a process that does not answer into one sentence.

    Args:
        name: See `strategy`; nothing happens where there is no other process.

    Raises:
        WorkerLostError: Instead of the error of TensorFlow.
    """
    try:
        yield
    except _LOST as error:
        if name != "multiworker":
            raise
        found = re.search(r"aborted by: *([^\n]+)", error.message)
        raise WorkerLostError(
            "another worker stopped or cannot be reached, so this one stops too; the "
            "last checkpoint is kept. Start all workers again with the same command to "
            f"go on ({found[1] if found else type(error).__name__})"
        ) from None


@contextlib.contextmanager
def leaving_at_once() -> Iterator[None]:
    """Lets a worker that fails end at once, with its message and status.

    TensorFlow would let it wait for the other workers, who wait for it.
    """
    try:
        yield
    except BaseException as error:
        if _VARIABLE not in os.environ:
            raise
        status: Any = 1
        if not isinstance(error, SystemExit):
            traceback.print_exc()
        elif isinstance(error.code, str):
            sys.stderr.write(f"{error.code}\n")
        else:
            status = error.code or 0
        sys.stdout.flush()
        sys.stderr.flush()
        if status:
            os._exit(status)
        raise
