"""A run that is killed and started again ends as if nothing had happened.

Real processes, killed with SIGKILL at five moments drawn with a seed, one of them in
the middle of the writing of a checkpoint; then bit for bit the end of a run that was
never killed.
"""

import pathlib
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from data import detectors
from tests import synthetic

ROOT = pathlib.Path(__file__).resolve().parents[1]
EVENTS = 100
EPOCHS, EPOCH_STEPS = 6, 3
POLL_S = 0.01

# Runs train.py, but dies in the middle of the writing of one checkpoint.
HALF_A_CHECKPOINT = """
import io, os, runpy, signal, sys
import numpy

number, *sys.argv = sys.argv[1:]
savez = numpy.savez

def half(handle, **arrays):
    if f"epoch-{number}.npz" not in handle.name:
        return savez(handle, **arrays)
    whole = io.BytesIO()
    savez(whole, **arrays)
    handle.write(whole.getvalue()[: len(whole.getvalue()) // 2])
    handle.flush()
    os.kill(os.getpid(), signal.SIGKILL)

numpy.savez = half
runpy.run_path(sys.argv[0], run_name="__main__")
"""


class Run:
    """The command that trains in one folder, as often as it is started."""

    def __init__(self, workdir, data):
        settings = {**synthetic.TINY_WGAN, "critic_steps": 1}
        self.workdir = workdir
        self._command = [
            "train.py",
            "--model=wgan_constrained",
            f"--data={data}",
            f"--workdir={workdir}",
            f"--epochs={EPOCHS}",
            f"--set=epoch_steps={EPOCH_STEPS}",
            *synthetic.assignments(settings),
        ]
        self._errors = workdir.with_suffix(".stderr")

    def start(self, *before):
        """Starts it; before the script may stand options of Python."""
        with self._errors.open("w") as errors:
            return subprocess.Popen(
                [sys.executable, *before, *self._command],
                cwd=ROOT,
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )

    def finish(self):
        """Runs it to the end."""
        assert self.start().wait() == 0, self._errors.read_text()

    def kill_after(self, path, delay_s):
        """Kills it when a file has appeared, and some time more has gone by."""
        process = self.start()
        try:
            while not path.exists():
                assert process.poll() is None, self._errors.read_text()
                time.sleep(POLL_S)
            time.sleep(delay_s)
        finally:
            process.kill()
        assert process.wait() == -signal.SIGKILL, "it was finished already"

    def kill_while_writing(self, epoch):
        """Kills it when half of the checkpoint of an epoch is written."""
        process = self.start("-c", HALF_A_CHECKPOINT, f"{epoch:06d}")
        assert process.wait() == -signal.SIGKILL, self._errors.read_text()
        half = self.checkpoint(epoch).with_name(f".epoch-{epoch:06d}.npz.partial")
        assert half.stat().st_size > 0

    def checkpoint(self, epoch):
        """Returns the path of the checkpoint of an epoch."""
        return self.workdir / f"checkpoints/epoch-{epoch:06d}.npz"

    def result(self):
        """Returns the last checkpoint's arrays and the history."""
        with np.load(self.checkpoint(EPOCHS)) as archive:
            arrays = {name: archive[name] for name in archive.files}
        return arrays, (self.workdir / "history.csv").read_bytes()


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs of the same command in different folders."""
    folder = tmp_path_factory.mktemp("resume")
    data = synthetic.write(folder / "data.h5", detectors.get("hgcal"), EVENTS)
    return Run(folder / "never_killed", data), Run(folder / "killed", data)


def test_a_run_killed_five_times_ends_bit_identical(runs):
    never_killed, killed = runs
    never_killed.finish()
    draw = random.Random(3)
    epochs = sorted(draw.sample(range(1, EPOCHS), 3))
    killed.kill_after(killed.workdir / "config.json", draw.uniform(0.0, 1.0))
    killed.kill_after(killed.checkpoint(epochs[0]), draw.uniform(0.0, 0.2))
    killed.kill_while_writing(epochs[1])
    killed.kill_after(killed.checkpoint(epochs[2]), draw.uniform(0.0, 0.2))
    killed.kill_after(killed.checkpoint(EPOCHS), draw.uniform(0.0, 0.5))
    killed.finish()

    expected, received = never_killed.result(), killed.result()
    assert len(expected[0]) > 50
    assert set(received[0]) == set(expected[0])
    for name, array in expected[0].items():
        np.testing.assert_array_equal(received[0][name], array, err_msg=name)
    assert received[1] == expected[1]
    assert len(expected[1].splitlines()) == 1 + EPOCHS
