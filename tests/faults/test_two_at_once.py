"""Two processes on one file or folder: the second is refused in one line."""

import contextlib
import os
import signal
import subprocess
import sys

import pytest

from common import process_lock
from data import detectors
from data.files import writers
from tests import synthetic
from tests.conftest import ROOT
from tests.metrics import stand_in

HGCAL = detectors.get("hgcal")
HOLD = """
import pathlib, sys, time
from common import process_lock
with process_lock.alone(pathlib.Path(sys.argv[1]), ""):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def held(tmp_path):
    """Another process that holds a lock until it is killed."""
    lock = tmp_path / "run" / process_lock.LOCK
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lock)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    with process:
        yield lock, process
        process.kill()


def test_a_lock_ends_with_its_process_however_that_ends(held):
    lock, process = held
    refused = pytest.raises(process_lock.BusyError, match="another process is at work")
    with refused as error, process_lock.alone(lock, "take another one"):
        pass
    assert str(error.value).startswith(f"{lock.parent}: ")
    assert str(error.value).endswith("or take another one")
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert lock.exists()
    with process_lock.alone(lock, ""):
        pass
    assert not lock.exists()


def test_a_file_that_was_renamed_meanwhile_is_not_the_one_to_lock(tmp_path):
    path = tmp_path / ".a.h5.partial"
    first = process_lock.open_alone(path, "")
    os.write(first, b"whole")
    path.rename(tmp_path / "a.h5")
    os.close(first)
    second = process_lock.open_alone(path, "")
    os.write(second, b"h")
    os.close(second)
    assert (tmp_path / "a.h5").read_bytes() == b"whole"


def test_a_disk_without_locks_is_used_without(tmp_path, monkeypatch):
    def flock(descriptor, how):
        raise OSError(process_lock.errno.ENOLCK, "No locks available")

    monkeypatch.setattr(process_lock.fcntl, "flock", flock)
    with process_lock.alone(tmp_path / process_lock.LOCK, ""):
        pass
    assert not list(tmp_path.iterdir())


def test_two_writers_of_one_file(tmp_path):
    sample = synthetic.sample(HGCAL, 3)
    path = tmp_path / "a.h5"
    with writers.Writer(path, HGCAL) as first:
        first.append(sample)
        with pytest.raises(process_lock.BusyError, match=r"a\.h5: another process"):
            writers.write(path, HGCAL, synthetic.sample(HGCAL, 2))
    assert [one.name for one in tmp_path.iterdir()] == ["a.h5"]


@contextlib.contextmanager
def lock(path):
    path.parent.mkdir(exist_ok=True)
    descriptor = process_lock.open_alone(path, "")
    try:
        yield
    finally:
        os.close(descriptor)


def test_commands_are_refused_in_one_line(tmp_path, monkeypatch, script, capsys):
    monkeypatch.chdir(tmp_path)
    run = tmp_path / "run"
    run.mkdir()
    stand_in.export(
        run / "saved_model",
        HGCAL,
        domain=[
            {"name": one.name, "low": one.low, "high": one.high} for one in HGCAL.domain
        ],
    )
    synthetic.write("data.h5", HGCAL, 30)
    tiny = synthetic.assignments(synthetic.TINY_WGAN)
    commands = [
        (
            ["train", "--model=wgan_constrained", "--data=data.h5", *tiny],
            "runs/wgan_constrained/.lock",
            "runs/wgan_constrained: another process is at work on it; wait for its "
            "end, or choose another --workdir",
        ),
        (
            ["evaluate", "--workdir=run", "--reference=data.h5", "--quick"],
            "run/.report.lock",
            "run/report: another process is at work on it; wait for its end, or give "
            "another --report",
        ),
        (
            ["generate", "--workdir=run", "--num=10", "--output=a.h5"],
            "a.h5.parts/.lock",
            "a.h5.parts: another process is at work on it; wait for its end, or "
            "choose another --output",
        ),
        (
            ["simulate", "--detector=ecal", "--num=10", "--output=b.h5"],
            "b.h5.pieces/.lock",
            "b.h5.pieces: another process is at work on it; wait for its end, or "
            "choose another --output",
        ),
    ]
    (tmp_path / "runs").mkdir()
    for (name, *options), path, message in commands:
        with lock(tmp_path / path):
            assert script(name)(*options) == 2
        assert capsys.readouterr().err == f"{name}.py: {message}\n"
        assert [one.name for one in (tmp_path / path).parent.iterdir()].count(
            (tmp_path / path).name
        ) == 1
