"""The command: evaluate.py on stored and generated likelihoods of tracks."""

import json

import numpy as np
import pytest

from data import detectors
from data.events import SPLITS, Sample
from data.files import readers, writers
from tests import synthetic
from tests.metrics import made_tracks, stand_in

RICH = made_tracks.RICH


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    path = tmp_path_factory.mktemp("reference") / "rich.h5"
    split = np.random.default_rng(1).choice(SPLITS, 6_000, p=(0.1, 0.4, 0.5))
    sample = made_tracks.contaminated(6_000)
    writers.write(path, RICH, sample, split=split, attributes={"generator": "toy"})
    return path


@pytest.fixture
def evaluate(script):
    return script("evaluate")


def _stored(path, reference, shift=0.0, split="test"):
    whole = readers.read(reference, RICH, split=split)
    response = made_tracks.responses(whole.condition, 99, shift)
    writers.write(path, RICH, Sample(response, whole.condition))
    return f"--generated={path}"


def _content(path):
    return json.loads((path / "report/metrics.json").read_text())


def test_stored_responses_with_the_weights_of_the_reference(
    evaluate, reference, tmp_path, capsys
):
    generated = _stored(tmp_path / "generated.h5", reference, shift=1.5)
    assert evaluate(generated, f"--reference={reference}") == 0
    whole = readers.read(reference, RICH, split="test")
    content = _content(tmp_path)
    assert content["detector"] == "rich"
    assert content["reference_name"] == "toy"
    assert content["split"] == "test"
    assert content["events"] == len(whole)
    assert "prd_mode" not in content
    kaons = whole.condition[:, 3] == 321
    assert content["species"]["kaon"]["sum_of_weights"] == pytest.approx(
        whole.weight[kaons].sum(dtype=float)
    )
    assert content["metrics"]["wasserstein_kaon_dll_k"]["value"] > 0.3
    assert content["metrics"]["delta_efficiency_kaon_dll_k_above_0"]["z"] > 3.0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("wasserstein_kaon_dll_k") for line in lines)
    assert lines[-1] == f"report: {tmp_path / 'report/index.html'}"
    assert (tmp_path / "report/figures/delta_auc.png").exists()
    assert (tmp_path / "report/index.html").exists()


@pytest.fixture
def _no_figures(monkeypatch):
    """Figures take most of the time, and one test looks at them already."""
    monkeypatch.setattr("metrics.report.pid.track_report.plots", lambda report: [])


@pytest.mark.usefixtures("_no_figures")
def test_a_part_of_a_split_with_all_species_equally(evaluate, reference, tmp_path):
    generated = _stored(tmp_path / "generated.h5", reference, split="validation")
    options = ("--num=2000", f"--reference={reference}", "--split=validation")
    assert evaluate(generated, *options) == 0
    content = _content(tmp_path)
    assert content["events"] == 2_000
    assert [one["tracks"] for one in content["species"].values()] == [400] * 5


def _export(path, shift, species=(0.0, 4.0)):
    domain = [{"name": "species_index", "low": species[0], "high": species[1]}]
    stand_in.export_tracks(path / "saved_model", RICH, shift=shift, domain=domain)
    return path


@pytest.mark.usefixtures("_no_figures")
def test_a_saved_model_beside_its_untrained_network(evaluate, reference, tmp_path):
    _export(tmp_path, 0.0)
    (tmp_path / "saved_model").rename(tmp_path / "saved_model_untrained")
    _export(tmp_path, 0.0)
    assert evaluate(f"--workdir={tmp_path}", f"--reference={reference}") == 0
    content = _content(tmp_path)
    assert content["model"] == "stand_in/test"
    assert content["untrained"]["wasserstein_pion_dll_bt"]["factor"] == 1.0


@pytest.mark.usefixtures("_no_figures")
def test_a_model_of_one_species_is_compared_with_that_species(
    evaluate, reference, tmp_path
):
    _export(tmp_path, 0.0, species=(3.0, 3.0))
    assert evaluate(f"--workdir={tmp_path}", f"--reference={reference}") == 0
    content = _content(tmp_path)
    assert list(content["species"]) == ["kaon"]
    assert content["outside_domain"] == 0
    assert "AUCs and efficiencies need pions" in content["notes"][0]


@pytest.mark.usefixtures("_no_figures")
def test_runs_side_by_side(evaluate, reference, tmp_path, capsys):
    runs = [_export(tmp_path / name, shift) for name, shift in (("a", 0), ("b", 9))]
    options = f"--reference={reference}", f"--report={tmp_path / 'both'}"
    assert evaluate(f"--workdir={runs[0]},{runs[1]}", *options) == 0
    assert "DLLk of kaons" in (tmp_path / "both/index.html").read_text()
    other = _export(tmp_path / "c", 0.0, species=(3.0, 3.0))
    capsys.readouterr()
    assert evaluate(f"--workdir={runs[0]},{other}", *options) == 2
    assert "evaluate them one by one" in capsys.readouterr().err


def test_mistakes_end_in_one_line_and_status_2(evaluate, reference, tmp_path, capsys):
    generated = _stored(tmp_path / "generated.h5", reference)
    known = generated, f"--reference={reference}"
    hgcal = detectors.get("hgcal")
    showers = synthetic.sample(hgcal, 20)
    weighted = Sample(showers.response, showers.condition, np.ones(20, np.float32))
    writers.write(tmp_path / "weighted.h5", hgcal, weighted)
    writers.write(tmp_path / "plain.h5", hgcal, showers)
    few = made_tracks.contaminated(50)
    writers.write(tmp_path / "few.h5", RICH, few)
    turned = Sample(few.response[::-1], few.condition[::-1])
    writers.write(tmp_path / "turned.h5", RICH, turned)
    cases = [
        ((*known, "--clusters=50"), "--clusters: responses of detector 'rich' are not"),
        ((*known, "--calochallenge"), "of detector 'rich' are not showers"),
        ((*known, "--prd_mode=standard"), "--prd_mode: responses of detector"),
        ((*known, "--threshold=1"), "--threshold: responses of detector"),
        ((*known, "--cell_cm=6"), "--cell_cm: responses of detector"),
        ((*known, "--num=100000"), "tracks in split 'test'"),
        ((*known, "--split=train"), "reference tracks; generate one for each"),
        (
            (generated, f"--reference={tmp_path / 'plain.h5'}"),
            "holds detector 'rich'",
        ),
        (
            (
                f"--generated={tmp_path / 'plain.h5'}",
                f"--reference={tmp_path / 'weighted.h5'}",
            ),
            "weighted showers cannot be compared yet",
        ),
        (
            (f"--generated={tmp_path / 'few.h5'}", f"--reference={tmp_path}/few.h5"),
            "fewer than 100 effective tracks",
        ),
        (
            (f"--generated={tmp_path}/turned.h5", f"--reference={tmp_path}/few.h5"),
            "the reference track there is at",
        ),
    ]
    for arguments, expected in cases:
        assert evaluate(*arguments) == 2, arguments
        errors = capsys.readouterr().err
        assert errors.count("\n") == 1, errors
        assert errors.startswith("evaluate.py: ")
        assert expected in errors
    assert not (tmp_path / "report").exists()
