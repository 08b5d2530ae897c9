"""Disks that are full or cannot be written to: one line, and nothing half-written."""

import os
import subprocess

import pytest
import tensorflow as tf

from data import detectors
from data.simulation.geant4 import geant4_showers
from models.training import progress
from tests import stand_in_geant4, synthetic
from tests.metrics import stand_in

HGCAL = detectors.get("hgcal")
READ_ONLY = "cannot be written to (Read-only file system); check that the folder"


@pytest.fixture
def mount(tmp_path):
    """Mounts a disk in memory: its size, and whether it can only be read."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def call(*options):
        command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "disk", folder]
        if os.geteuid() or subprocess.run(command, capture_output=True).returncode:
            pytest.skip("needs the right to mount a disk")
        return folder

    yield call
    subprocess.run(["umount", folder], capture_output=True, check=False)


@pytest.fixture
def run(tmp_path):
    """The folder of a run that has been exported."""
    domain = [
        {"name": one.name, "low": one.low, "high": one.high} for one in HGCAL.domain
    ]
    stand_in.export(tmp_path / "run" / "saved_model", HGCAL, domain=domain)
    return tmp_path / "run"


def one_line(capsys, name, message):
    found = capsys.readouterr().err
    assert found.startswith(f"{name}.py: ")
    assert found.count("\n") == 1
    assert message in found


def fill(disk, left):
    """Fills a disk but for some bytes."""
    room = os.statvfs(disk)
    free = room.f_bavail * room.f_bsize
    (disk / "filling").write_bytes(bytes(max(0, free - left)))


def test_a_production_on_a_full_disk_goes_on_when_there_is_room(
    run, tmp_path, mount, script, capsys, monkeypatch
):
    generate = script("generate")
    options = [f"--workdir={run}", "--num=600"]
    assert generate(*options, f"--output={tmp_path / 'a.h5'}") == 0
    disk = mount("size=16m")
    capsys.readouterr()
    for left in (0, 200_000, 2_000_000):
        fill(disk, left)
        assert generate(*options, f"--output={disk / 'a.h5'}") == 2
        one_line(capsys, "generate", "No space left on device")
        assert not (disk / "a.h5").exists()
        (disk / "filling").unlink()
    assert generate(*options, f"--output={disk / 'a.h5'}") == 0
    assert (disk / "a.h5").read_bytes() == (tmp_path / "a.h5").read_bytes()
    assert {one.name for one in disk.iterdir()} == {"a.h5", "a.h5.manifest.json"}


def test_a_simulation_on_a_full_disk_goes_on_when_there_is_room(
    tmp_path, mount, script, capsys, monkeypatch
):
    monkeypatch.setattr(geant4_showers, "simulate", stand_in_geant4.simulate)
    simulate = script("simulate")
    options = ["--detector=ecal", "--num=210"]
    assert simulate(*options, f"--output={tmp_path / 'a.h5'}") == 0
    disk = mount("size=1m")
    capsys.readouterr()
    for left in (0, 5_000, 20_000):
        fill(disk, left)
        assert simulate(*options, f"--output={disk / 'a.h5'}") == 2
        one_line(capsys, "simulate", "No space left on device")
        assert not (disk / "a.h5").exists()
        (disk / "filling").unlink()
    assert simulate(*options, f"--output={disk / 'a.h5'}") == 0
    assert (disk / "a.h5").read_bytes() == (tmp_path / "a.h5").read_bytes()
    assert {one.name for one in disk.iterdir()} == {"a.h5"}


def test_a_folder_that_can_only_be_read(run, tmp_path, mount, script, capsys):
    data = synthetic.write(tmp_path / "data.h5", HGCAL, 30)
    disk = mount("size=1m", "ro")
    tiny = synthetic.assignments(synthetic.TINY_WGAN)
    train = ["--model=wgan_constrained", f"--data={data}", *tiny]
    out = f"--output={disk / 'a.h5'}"
    evaluate = [f"--workdir={run}", f"--reference={data}", "--quick"]
    ecal = ["--detector=ecal", "--num=10"]
    for name, options, message in [
        ("train", [*train, f"--workdir={disk}"], f"{disk}: {READ_ONLY}"),
        ("evaluate", [*evaluate, f"--report={disk / 'report'}"], READ_ONLY),
        ("generate", [f"--workdir={run}", "--num=10", out], READ_ONLY),
        ("simulate", [*ecal, out], READ_ONLY),
        (
            "simulate",
            ["--detector=rich", "--num=50", "--background=0", out],
            "Read-only file system",
        ),
    ]:
        assert script(name)(*options) == 2
        one_line(capsys, name, message)


def test_a_full_disk_under_the_logs_of_a_training(mount):
    """TensorFlow writes them, with errors of its own."""
    disk = mount("size=1m")
    fill(disk, 0)
    with pytest.raises(tf.errors.OpError) as caught:
        tf.summary.create_file_writer(str(disk / "run" / "logs"))
    error = progress.explained(caught.value, disk / "run")
    assert isinstance(error, OSError)
    assert str(error).startswith(f"{disk / 'run'}: the logs cannot be written (no room")
    memory = tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
    assert progress.explained(memory, disk) is memory
