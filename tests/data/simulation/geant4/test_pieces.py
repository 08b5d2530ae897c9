"""Pieces of a simulation: interrupted, continued, refused."""

import h5py
import numpy as np
import pytest

from data import detectors
from data.events import DataError
from data.files.shower_formats.layout_writer import LayoutWriter
from data.simulation.geant4 import geant4_showers, setups
from data.simulation.geant4.calogan_showers import CELLS, sample_of_arrays
from data.simulation.geant4.pieces import Simulation

ECAL = setups.get("ecal")


@pytest.fixture
def calls(monkeypatch):
    """A stand-in for Geant4: its calls, and the block at which it dies."""
    state = {"blocks": [], "dies_at": None}

    def simulate(detector, condition, seed, *, particle, stream, scratch):
        (scratch / "left_behind").mkdir(exist_ok=True)
        if stream == state["dies_at"]:
            raise ChildProcessError("Geant4 ended")
        state["blocks"].append(stream)
        return {
            "response": np.full((len(condition), 30, 30), seed + stream, np.float32),
            "condition": condition,
            "cpu_s": np.ones(len(condition)),
        }

    monkeypatch.setattr(geant4_showers, "simulate", simulate)
    return state


def simulation(folder, num=250, **changes):
    settings = {"setup": ECAL, "beam": ECAL.beam(), "seed": 5, **changes}
    return Simulation(num=num, folder=folder / "out.h5.pieces", **settings)


def everything(one, jobs=1):
    one.run(jobs)
    pieces = list(one.pieces())
    return {name: np.concatenate([one[name] for one in pieces]) for name in pieces[0]}


@pytest.mark.parametrize("jobs", [1, 3])
def test_what_was_finished_before_a_death_is_used(calls, tmp_path, jobs):
    whole = everything(simulation(tmp_path))
    simulation(tmp_path).remove()
    calls["blocks"], calls["dies_at"] = [], 2
    with pytest.raises(ChildProcessError, match="Geant4 ended"):
        everything(simulation(tmp_path))
    assert calls["blocks"] == [0, 1]
    calls["blocks"], calls["dies_at"] = [], None
    found = everything(simulation(tmp_path), jobs)
    assert calls["blocks"] == [2]
    assert found.keys() == whole.keys()
    for name, values in found.items():
        np.testing.assert_array_equal(values, whole[name])
    assert len(found["cpu_s"]) == 250
    np.testing.assert_array_equal(found["response"][::100, 0, 0], [5, 6, 7])


def test_nothing_stays_where_nothing_was_finished(calls, tmp_path):
    calls["dies_at"] = 0
    with pytest.raises(ChildProcessError, match="Geant4 ended"):
        everything(simulation(tmp_path, num=50))
    assert list(tmp_path.iterdir()) == []


def test_scratch_of_a_killed_process_is_removed(calls, tmp_path):
    first = simulation(tmp_path)
    first.run(1)
    scratch = first.folder / "tmp_of_a_child"
    scratch.mkdir()
    (scratch / "events.npz").touch()
    everything(simulation(tmp_path))
    assert not scratch.exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 6}, "seed=5, not 6"),
        ({"num": 249}, "num=250, not 249"),
        ({"beam": ECAL.beam(particle="gamma")}, "particle=e-, not gamma"),
        ({"beam": ECAL.beam(energy_gev=(1.0, 2.0))}, r"energy_gev=\[1.0, 100.0\], not"),
        ({"beam": ECAL.beam(impact_half_cm=1.0)}, "impact_half_cm=None, not 1.0"),
        ({"setup": setups.get("hgcal")}, "detector=ecal, not hgcal"),
    ],
)
def test_pieces_of_another_simulation_are_refused(calls, tmp_path, changes, message):
    simulation(tmp_path).run(1)
    before = sorted((tmp_path / "out.h5.pieces").glob("piece_*"))
    with pytest.raises(DataError, match=message):
        simulation(tmp_path, **changes).run(1)
    assert sorted((tmp_path / "out.h5.pieces").glob("piece_*")) == before


def test_settings_that_cannot_be_read_are_refused(calls, tmp_path):
    simulation(tmp_path).run(1)
    (tmp_path / "out.h5.pieces" / "settings.json").write_text("[1")
    with pytest.raises(DataError, match="or remove the folder"):
        simulation(tmp_path).run(1)


def test_a_folder_that_cannot_be_made_is_one_line(calls, tmp_path):
    with pytest.raises(DataError, match="check that the folder exists"):
        simulation(tmp_path / "nowhere").run(1)


def showers(events, seed):
    random = np.random.default_rng(seed)
    layers = [random.random((events, *cells), np.float32) for cells in CELLS]
    arrays = {f"layer_{layer}": values for layer, values in enumerate(layers)}
    arrays["overflow"] = random.random((events, 3), np.float32)
    arrays["condition"] = random.random((events, 1), np.float32)
    return arrays | {"cpu_s": np.full(events, seed)}


def test_calogan_files_have_the_public_layout(tmp_path):
    pieces = [showers(4, 1), showers(3, 2)]
    with LayoutWriter(
        tmp_path / "new.hdf5", "calogan", detectors.get("calogan"),
        attributes={"seed": 3},
    ) as writer:  # fmt: skip
        for one in pieces:
            writer.append(sample_of_arrays(one), one["overflow"], one["cpu_s"])
    with h5py.File(tmp_path / "new.hdf5") as file:
        assert file.attrs["seed"] == 3
        found = {name: values[()] for name, values in file.items()}
    names = [f"layer_{layer}" for layer in range(3)]
    for name in (*names, "overflow", "cpu_s"):
        expected = np.concatenate([piece[name] for piece in pieces])
        np.testing.assert_array_equal(found.pop(name), expected)
    energy = np.concatenate([piece["condition"] for piece in pieces])
    np.testing.assert_array_equal(found.pop("energy"), energy)
    assert not found
