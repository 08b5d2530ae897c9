"""Whatever moment a process is killed at: nothing is half-written, and it goes on."""

import types

import numpy as np
import pytest

from common import sealed_archive
from common.atomic_files import replacing
from data import detectors
from data.files import readers
from data.production import shares
from data.production.drawn_conditions import DrawnConditions
from data.production.produce import Product, is_finished, produce
from data.production.shares import Share
from data.simulation.geant4 import geant4_showers
from models.training.checkpoint import Checkpoints
from tests import stand_in_geant4
from tests.faults.moments import moments

HGCAL = detectors.get("hgcal")


@pytest.fixture
def copies(tmp_path):
    folder = tmp_path / "copies"
    folder.mkdir()
    return folder


@pytest.fixture
def work(tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def replace(path, text):
    with replacing(path) as temporary:
        temporary.mkdir()
        for name in ("a", "b"):
            (temporary / name).write_text(text)


def test_a_folder_that_is_replaced_is_the_old_or_the_new_one(work, copies):
    path = work / "model"
    replace(path, "old")
    with moments(work, copies) as found:
        replace(path, "new")
    whole = [dict.fromkeys("ab", text.encode()) for text in ("old", "new")]
    seen = []
    for copy in found:
        if (copy / "model").exists():
            seen.append(contents(copy / "model"))
            assert seen[-1] in whole
        # A next attempt that fails puts back what was there.
        with pytest.raises(ValueError, match="fails"), replacing(copy / "model"):
            raise ValueError("fails")
        assert contents(copy) in [
            {f"model/{name}": text for name, text in one.items()} for one in whole
        ]
    assert whole[0] in seen
    assert whole[1] in seen
    assert contents(path) == whole[1]


class Variable:
    """Stands for a variable of Keras."""

    path = "variable"

    def __init__(self, size):
        self.value = np.zeros(size, np.float32)
        self.shape = self.value.shape

    def __array__(self, dtype=None, copy=None):
        return np.array(self.value, dtype)

    def assign(self, value):
        self.value = np.array(value)


def train(folder, epochs):
    """Trains from the last checkpoint to some epoch; returns where it began."""
    variables = [Variable(3), Variable(50)]
    model = types.SimpleNamespace(state_variables=lambda: variables)
    checkpoints = Checkpoints(folder)
    begin = checkpoints.restore(model)
    checkpoints.set_model(model)
    for epoch in range(begin, epochs):
        for number, variable in enumerate(variables):
            variable.assign(3.0 * variable.value + number + 1)
        checkpoints.on_epoch_end(epoch, {"loss": float(variables[0].value[0])})
    return begin


def test_a_training_goes_on_from_every_moment(work, copies):
    with moments(work, copies) as found:
        train(work, 4)
    last = ["checkpoints/epoch-000003.npz", "checkpoints/epoch-000004.npz"]
    expected = contents(work)
    assert sorted(expected) == [*last, "history.csv"]
    begins = set()
    for copy in found:
        for path in copy.glob("checkpoints/epoch-*"):
            assert sealed_archive.intact(path)
        begins.add(train(copy, 4))
        assert {name: contents(copy)[name] for name in expected} == expected
    assert begins == {0, 1, 2, 3, 4}


def product(folder):
    settings = {
        "model": "stand_in",
        "model_version": "1",
        "model_sha256": "0",
        "num": 1200,
        "seed": 1,
    }
    return Product(folder / "a.h5", "hdf5", None, HGCAL, settings, Share(1200))


def generate(folder):
    """Generates what is missing; returns how many blocks that was."""
    limits = [
        {"name": one.name, "low": one.low, "high": one.high} for one in HGCAL.domain
    ]
    blocks = []

    def simulate(condition, number):
        blocks.append(number)
        response = np.zeros((len(condition), *HGCAL.shape), np.float32)
        response[:, number, 5, 3] = condition[:, 0]
        return response

    wanted = product(folder)
    if not is_finished(wanted):
        conditions = DrawnConditions(HGCAL, limits, 1)
        produce(wanted, conditions, simulate, lambda done, total: None)
    return len(blocks)


def test_a_production_goes_on_from_every_moment(work, copies, monkeypatch):
    monkeypatch.setattr(shares, "PART_BLOCKS", 1)
    with moments(work, copies) as found:
        assert generate(work) == 3
    expected = contents(work)
    assert sorted(expected) == ["a.h5", "a.h5.manifest.json"]
    counts = set()
    for copy in found:
        if (copy / "a.h5").exists():
            assert len(readers.read(copy / "a.h5", HGCAL)) == 1200
        counts.add(generate(copy))
        left = contents(copy)
        # The last moment is within the removal of the parts, of a finished file.
        assert {name: left[name] for name in expected} == expected
    assert counts == {0, 1, 2, 3}


def test_a_simulation_goes_on_from_every_moment(work, copies, monkeypatch, script):
    calls = []

    def simulate(*arguments, **named):
        calls.append(named["stream"])
        return stand_in_geant4.simulate(*arguments, **named)

    monkeypatch.setattr(geant4_showers, "simulate", simulate)
    command = script("simulate")

    def run(folder):
        calls.clear()
        monkeypatch.chdir(folder)
        assert command("--detector=ecal", "--num=210", "--output=a.h5") == 0
        return len(calls)

    with moments(work, copies) as found:
        assert run(work) == 3
    expected = contents(work)
    assert list(expected) == ["a.h5"]
    counts = set()
    for copy in found:
        for path in copy.glob("a.h5.pieces/piece_*"):
            assert sealed_archive.intact(path)
        if (copy / "a.h5").exists():
            assert len(readers.read(copy / "a.h5", detectors.get("ecal"))) == 210
        counts.add(run(copy))
        assert contents(copy) == expected
    assert counts == {0, 1, 2, 3}
