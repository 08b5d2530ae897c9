"""A training spread over several devices; virtual ones, since a machine has one CPU."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# A phase and a frozen network; a task with labels of its own.
ENTRIES = ("wgan_regressor", "aux_regressor")


def test_replicas_stay_alike_and_train_as_one_device_does():
    done = subprocess.run(
        [sys.executable, "-m", "tests.distribution.child", *ENTRIES],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    for name in ("regression", "constrained_gan", "cramer_gan", *ENTRIES):
        assert f"{name}: " in done.stdout
