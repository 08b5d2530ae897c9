"""The command: generate.py with a stand-in for a trained model."""

import json
import signal
import subprocess
import sys

import numpy as np
import pytest

from data import detectors
from data.files import readers, writers
from data.production import shares
from metrics.evaluation.saved_model import SavedSimulator
from tests.conftest import ROOT
from tests.metrics import stand_in

HGCAL = detectors.get("hgcal")
DOMAIN = [
    {"name": "energy_gev", "low": 20.0, "high": 90.0},
    {"name": "impact_x_cm", "low": -4.0, "high": 4.0},
    {"name": "impact_y_cm", "low": -4.0, "high": 4.0},
]
NUM = 2 * 512 + 100


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a run that has been exported."""
    folder = tmp_path_factory.mktemp("run")
    stand_in.export(folder / "saved_model", HGCAL, domain=DOMAIN)
    return folder


@pytest.fixture
def generate(script, run, tmp_path, monkeypatch, capsys):
    """Runs the command in an empty folder: status, standard output and error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(shares, "PART_BLOCKS", 1)
    command = script("generate")

    def call(*options, model=f"--workdir={run}"):
        status = command(*([model] if model else []), *options)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


def test_conditions_of_a_file(generate, run, tmp_path):
    """The responses of `SavedSimulator`: those that evaluate.py measures."""
    condition = np.float32([[30, 0, 1], [95, 1, 1], [50, 2, 0]])
    np.savez(tmp_path / "mine.npz", condition=condition)
    status, out, err = generate("--conditions=mine.npz", "--output=a.h5", "--seed=4")
    assert (status, err) == (0, "")
    assert "1 conditions are outside the trained range" in out
    assert out.endswith("a.h5: events 0 to 2 of 3\n")
    sample = readers.read("a.h5", HGCAL)
    np.testing.assert_array_equal(sample.condition, condition)
    whole = np.pad(condition, ((0, 509), (0, 0)), mode="edge")
    expected = SavedSimulator(run / "saved_model", HGCAL)(whole, seed=4)[:3]
    np.testing.assert_array_equal(sample.response, expected)
    np.savez(tmp_path / "mine.npz", condition=condition + 1)
    status, _, err = generate("--conditions=mine.npz", "--output=a.h5", "--seed=4")
    assert status == 2
    assert "a.h5: belongs to another production (conditions is " in err


def test_shards_and_a_killed_process_lose_and_double_nothing(generate, run, tmp_path):
    common = [f"--num={NUM}", "--seed=3"]
    assert generate(*common, "--output=whole.h5")[0] == 0
    for shard in range(3):
        assert generate(*common, "--output=a.h5", f"--shard={shard}/3")[0] == 0
    status, out, _ = generate("--merge", "--output=a.h5", model=None)
    assert (status, out) == (0, f"a.h5: {NUM:,} events of 3 shards, all verified\n")
    whole = (tmp_path / "whole.h5").read_bytes()
    assert (tmp_path / "a.h5").read_bytes() == whole
    assert len(readers.read("a.h5", HGCAL)) == NUM

    program = f"""
import os, signal, sys
sys.path.insert(0, {str(ROOT)!r})
import generate
from data.production import shares
from metrics.evaluation.saved_model import SavedSimulator
shares.PART_BLOCKS = 1
chunk = SavedSimulator.chunk
def dies(self, condition, seed, number):
    # The second block: by then the first one may be on the disk or not.
    if number == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return chunk(self, condition, seed, number)
SavedSimulator.chunk = dies
generate.command_line.run(generate.main)
"""
    options = [f"--workdir={run}", *common, "--output=killed.h5"]
    command = [sys.executable, "-c", program, *options]
    killed = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True)
    assert killed.returncode == -signal.SIGKILL
    assert (tmp_path / "killed.h5.parts").is_dir()
    assert not (tmp_path / "killed.h5").exists()
    assert generate(*common, "--output=killed.h5")[0] == 0
    assert (tmp_path / "killed.h5").read_bytes() == whole
    assert not (tmp_path / "killed.h5.parts").exists()
    status, out, _ = generate(*common, "--output=killed.h5")
    assert (status, out) == (
        0,
        f"killed.h5: events 0 to {NUM - 1:,} of {NUM:,}, complete already\n",
    )


def test_sparse_and_compressed(generate):
    assert generate("--num=20", "--output=a.h5")[0] == 0
    options = ("--num=20", "--format=sparse_hdf5", "--compression=4")
    assert generate(*options, "--output=b.h5")[0] == 0
    one, two = (readers.read(path, HGCAL) for path in ("a.h5", "b.h5"))
    np.testing.assert_array_equal(one.response, two.response)
    np.testing.assert_array_equal(one.condition, two.condition)


def test_mistakes_end_in_one_line(generate, tmp_path, run):
    broken = tmp_path / "broken"
    stand_in.export(broken, HGCAL, value=np.nan, domain=DOMAIN)
    np.savez(tmp_path / "a.npz", energy_gev=np.ones(3))
    writers.write(
        "events.h5",
        HGCAL,
        readers.Sample(
            np.zeros((2, *HGCAL.shape), np.float32), np.ones((2, 3), np.float32)
        ),
    )
    before = {path: path.stat().st_size for path in tmp_path.iterdir()}
    new, ten = "--output=new.h5", "--num=10"
    mistakes = [
        ([new], "give --num=N events, or --conditions=FILE"),
        ([new, ten, "--pretrained=sagan"], "give one of --pretrained=NAME"),
        ([new, ten, "--shard=3/3"], "--shard=3/3: give I/N"),
        ([new, ten, "--shard=0/3"], "10 events are 1 blocks of 512, which 3 shards"),
        ([new, ten, "--columns=energy_gev=E"], "--columns belongs to --conditions"),
        ([new, "--conditions=a.npz"], "no known layout has the arrays energy_gev"),
        ([new, "--conditions=a.npz", "--columns=E"], "each entry is canonical=theirs"),
        ([new, "--conditions=none.csv"], "none.csv: no such file"),
        (["--output=new", ten], "its name does not say what kind of file to write"),
        (["--output=new.root", ten, "--format=hdf5"], "ends in .h5 or .hdf5"),
        (["--output=new.npz", ten], "the LHCb layout holds responses of shape"),
        (["--output=no/new.h5", ten], "there is no folder no; make it first"),
        (["--output=events.h5", ten], "no manifest says what it holds"),
        ([new, "--merge", "--seed=0"], "--seed does not belong to --merge"),
    ]
    for options, message in mistakes:
        model = None if "--merge" in options else f"--workdir={run}"
        status, out, err = generate(*options, model=model)
        assert (status, out, err.count("\n")) == (2, "", 1), options
        assert err.startswith("generate.py: ")
        assert message in err
    status, _, err = generate(new, "--num=600", model=f"--saved_model={broken}")
    assert status == 2
    assert "responses are not finite" in err
    status, _, err = generate(new, ten, model="--pretrained=unknown")
    assert "unknown pretrained model 'unknown'; known: aux_regressor," in err
    left = {path: path.stat().st_size for path in tmp_path.iterdir()}
    # The parts of the run that failed half-way stay, to be continued.
    assert set(left) - set(before) == {tmp_path / "new.h5.parts"}
    assert all(left[path] == size for path, size in before.items())


def test_the_manifest_names_what_made_the_file(generate, tmp_path):
    assert generate("--num=20", "--output=a.h5", "--seed=5")[0] == 0
    found = json.loads((tmp_path / "a.h5.manifest.json").read_text())
    made = found["production"]
    assert (made["model"], made["seed"], made["num"]) == ("stand_in/test", 5, 20)
    assert len(made["model_sha256"]) == 64
    assert found["bytes"] == (tmp_path / "a.h5").stat().st_size
