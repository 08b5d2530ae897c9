"""evaluate.py on somebody's answer to the CaloChallenge, and on what is refused."""

import json
import pathlib

import h5py
import numpy as np
import pytest

from data.files import readers
from data.files.shower_formats.binning_xml import read_binning
from metrics.evaluation import event_kinds
from metrics.evaluation.stored_file import StoredResponses, partners
from tests.data.files import challenge_files as made
from tests.driver import drive

ROOT = pathlib.Path(__file__).resolve().parents[1]
SHAPES = {0: (1, 3), 1: (4, 4), 12: (1, 2)}
VOXELS = 21
EVENTS = 100


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    folder = tmp_path_factory.mktemp("challenge")
    (folder / "photon.xml").write_text(made.binning(SHAPES))
    (folder / "broken.xml").write_text("<Bins>")
    cells, energy = made.showers(VOXELS, EVENTS)
    made.write_challenge(folder / "reference.hdf5", cells, energy)
    # The same energies, but in another order, a tenth too large.
    order = np.random.default_rng(1).permutation(EVENTS)
    answer = 1.1 * cells[order], energy[order]
    made.write_challenge(folder / "answer.hdf5", *answer)
    made.write_challenge(folder / "gev.hdf5", answer[0], answer[1] / 1e3)
    made.write_challenge(folder / "far.hdf5", answer[0], 1.3 * answer[1])
    made.write_challenge(folder / "other.hdf5", *made.showers(VOXELS + 1, 20))
    made.write_calogan(folder / "calogan.hdf5", 20)
    return folder


def _arguments(work, generated="answer.hdf5", *more, binning="photon.xml"):
    found = [
        f"--generated={work / generated}",
        f"--reference={work / 'reference.hdf5'}",
        *more,
    ]
    return found if binning is None else [*found, f"--binning={work / binning}"]


@pytest.fixture(scope="module")
def ended(work):
    lines = [
        _arguments(work, "answer.hdf5", "--quick", "--clusters=8"),
        _arguments(work, binning="broken.xml"),
        _arguments(work, binning="none.xml"),
        _arguments(work, binning=None),
        _arguments(work, "answer.hdf5", "--particle=pion"),
        _arguments(work, "answer.hdf5", "--particle=pion", binning=None),
        _arguments(work, "gev.hdf5"),
        _arguments(work, "far.hdf5"),
        _arguments(work, "other.hdf5"),
        _arguments(work, "missing.hdf5"),
        _arguments(work, "calogan.hdf5"),
    ]
    return drive("evaluate", ROOT, lines)


def test_an_answer_in_another_order_is_paired_and_measured(work, ended):
    status, errors, output = ended[0]
    assert status == 0, errors
    assert (
        "answer.hdf5: has an order or energies of its own; 100 of 100 reference showers"
        in output
    )
    content = json.loads((work / "report" / "metrics.json").read_text())
    assert content["detector"] == "calochallenge_photon_21"
    assert content["events"] == EVENTS
    metrics = content["metrics"]
    # The same showers, all a tenth larger: what depends on no scale agrees.
    assert metrics["response_ratio_8gev"]["value"] == pytest.approx(1.1)
    assert metrics["mean_ratio_layer_energy_12"]["value"] == pytest.approx(1.1)
    response = metrics["calochallenge_separation_response"]
    assert response["value"] == pytest.approx(1.0)
    assert response["floor"] < 0.5
    for name in ("centre_x", "width_r", "sparsity"):
        found = metrics[f"calochallenge_separation_{name}"]
        assert abs(found["value"] - found["floor"]) < 0.2
    assert "calochallenge_fpd" not in metrics
    assert any("FPD of 18 features" in note for note in content["notes"])
    assert "classifier_auc_cells_quick" in metrics
    figures = {path.stem for path in (work / "report" / "figures").iterdir()}
    assert {"gallery", "layer_occupancy", "summary"} <= figures


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (1, "broken.xml: not XML"),
        (2, "none.xml: no such binning file"),
        (3, "a file of the CaloChallenge, which says nothing of its voxels"),
        (4, "photon.xml: has no particle 'pion'; known: photon"),
        (5, "--particle=pion: a part of a binning; give --binning too"),
        (6, "gev.hdf5: a response of 9.9e+05 MeV per GeV"),
        (7, "far.hdf5: 0 of 100 reference showers have a shower within 0.2%"),
        (8, "other.hdf5: showers has shape (20, 22), 20 events of detector"),
        (9, "missing.hdf5: no such file"),
        (10, "holds detector 'calogan'"),
    ],
)
def test_what_cannot_be_compared_is_one_line(ended, number, message):
    status, errors, _ = ended[number]
    assert status == 2
    assert errors.count("\n") == 1, errors
    assert message in errors


def test_nearest_energies_are_paired_once():
    random = np.random.default_rng(1)
    first, second = (np.exp(random.uniform(0.0, 7.0, 20000)) for _ in range(2))
    one, other = partners(first, second)
    assert len(one) > 0.9 * len(first)
    assert len(set(one)) == len(one)
    assert len(set(other)) == len(other)
    np.testing.assert_allclose(second[other], first[one], rtol=2e-3)


def test_a_file_keeps_its_order_where_it_is_that_of_the_reference(work, tmp_path):
    binning = read_binning(work / "photon.xml")
    with readers.Dataset(work / "reference.hdf5", binning) as dataset:
        events = event_kinds.of(dataset.spec).read(
            dataset, event_kinds.Selection("test", 50)
        )
    path = str(work / "reference.hdf5")
    stored = StoredResponses([path], events.spec, binning)
    assert stored.paired(events) is events
    np.testing.assert_array_equal(stored.generate(events, 1), events.response)
    shuffled = StoredResponses([str(work / "answer.hdf5")], events.spec, binning)
    paired = shuffled.paired(events)
    np.testing.assert_array_equal(paired.chosen, events.chosen)
    with h5py.File(work / "answer.hdf5") as file:
        energy = file["incident_energies"][()][shuffled._partner[paired.chosen]]
    np.testing.assert_allclose(energy[:, 0] / 1e3, paired.condition[:, 0], rtol=1e-6)
