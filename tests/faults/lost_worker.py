"""Kills one of two workers with SIGKILL: does the other stop, and the run go on?

    python -m tests.faults.lost_worker

Trains once without a disturbance. Then it trains again and kills a worker after a
checkpoint, once the second and once the chief; measures how long the other one takes to
stop and prints what it says; starts the same command again; and compares the end with
that of the first training, bit for bit. Minutes; not a part of the tests.
"""

import pathlib
import signal
import sys
import tempfile
import time

import numpy as np

from data import detectors
from tests import synthetic
from tests.distribution import workers

EVENTS = 80
EPOCHS, EPOCH_STEPS, KILLED_AFTER = 6, 3, 2
LIMIT_S = 60.0
POLL_S = 0.01


def _start(folder, data):
    options = f"--epochs={EPOCHS}", f"--set=epoch_steps={EPOCH_STEPS}"
    return workers.start(folder, data, *options)


def _finish(processes):
    outputs = [one.communicate() for one in processes]
    if any(one.returncode for one in processes):
        raise RuntimeError(f"a worker failed: {outputs}")


def _result(folder):
    with np.load(folder / f"0/checkpoints/epoch-{EPOCHS:06d}.npz") as archive:
        arrays = {name: archive[name].tobytes() for name in archive.files}
    return arrays, (folder / "0/history.csv").read_bytes()


def _kill(folder, data, victim):
    """Kills a worker and reports on the other one.

    Returns:
        How long it took to stop [s], its exit status and what it said.
    """
    processes = _start(folder, data)
    checkpoint = folder / f"0/checkpoints/epoch-{KILLED_AFTER:06d}.npz"
    while not checkpoint.exists():
        if any(one.poll() is not None for one in processes):
            raise RuntimeError(
                f"ended early: {[one.communicate() for one in processes]}"
            )
        time.sleep(POLL_S)
    processes[victim].send_signal(signal.SIGKILL)
    begun = time.monotonic()
    other = processes[1 - victim]
    _, said = other.communicate()
    taken = time.monotonic() - begun
    processes[victim].communicate()
    return taken, other.returncode, said


def main():
    """Runs all and prints a line for each worker killed; status 1 if one failed."""
    failed = False
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        data = synthetic.write(folder / "data.h5", detectors.get("hgcal"), EVENTS)
        _finish(_start(folder / "undisturbed", data))
        expected = _result(folder / "undisturbed")
        for victim in (1, 0):
            run = folder / f"killed_{victim}"
            taken, status, said = _kill(run, data, victim)
            _finish(_start(run, data))
            same = _result(run) == expected
            sys.stdout.write(
                f"worker {victim} killed: the other stopped after {taken:.1f} s with "
                f"status {status}; resumed bit for bit: {same}\n{said}"
            )
            sys.stdout.flush()
            one_line = said.startswith("train.py: ") and said.count("\n") == 1
            failed |= not (same and one_line and status and taken < LIMIT_S)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
