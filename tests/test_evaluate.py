"""The command: evaluate.py on a stand-in for a trained model."""

import html.parser
import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from data import detectors
from data.files import readers, writers
from tests import synthetic
from tests.driver import drive
from tests.metrics import stand_in

ROOT = pathlib.Path(__file__).resolve().parents[1]
HGCAL = detectors.get("hgcal")

FIGURES = {
    "summary",
    "energy_dependence",
    "position_dependence_x",
    "position_dependence_y",
    "visible_energy",
    "depth",
    "number_of_hits",
    "number_of_hits_10mip",
    "radius",
    "maximum_cell_fraction",
    "cell_correlations",
    "cell_energy",
    "cell_energy_layers_lowest",
    "cell_energy_layers_highest",
    "occupancy_map",
    "radial_profile",
    "layer_occupancy",
    "layer_correlation",
    "correlation_matrices",
    "depth_correlation",
    "gallery",
    "precision_recall",
    "roc",
    "conditioning_incident_energy",
    "conditioning_impact_x_cm",
    "conditioning_impact_y_cm",
}


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluate")
    run = folder / "run"
    run.mkdir()
    stand_in.export(
        run / "saved_model", HGCAL, energy_scale=1.1, trained_energies_gev=[20.0, 90.0]
    )
    stand_in.export(run / "saved_model_untrained", HGCAL, energy_scale=3.0)
    synthetic.write(folder / "reference.h5", HGCAL, 400)
    return folder


@pytest.fixture(scope="module")
def finished(work):
    command = [
        sys.executable,
        str(ROOT / "evaluate.py"),
        f"--workdir={work / 'run'}",
        f"--reference={work / 'reference.h5'}",
        "--num=60",
        "--clusters=10",
        "--quick",
    ]
    return subprocess.run(command, cwd=work, capture_output=True, text=True, check=True)


def test_the_table_is_printed(work, finished):
    lines = finished.stdout.splitlines()
    assert "factor" in lines[0]
    assert any(line.startswith("wasserstein_visible_energy") for line in lines)
    assert any(line.startswith("prd_auc ") for line in lines)
    # 60 showers are too few for this one.
    assert any(line.startswith("Not measured: the search") for line in lines)
    assert any(line.startswith("response_ratio_50gev") for line in lines)
    assert any(line.startswith("classifier_auc_cells_quick ") for line in lines)
    assert any(line.startswith("A small network that sees the cells") for line in lines)
    assert lines[-1] == f"report: {work / 'run' / 'report' / 'index.html'}"


def test_metrics_json(work, finished):
    content = json.loads((work / "run/report/metrics.json").read_text())
    assert content["model"] == "stand_in/test"
    assert content["events"] == 60
    assert content["split"] == "test"
    assert content["mask"] == "mask"
    assert content["mantissa_bits"] == 23
    assert "classifier_auc_cells" not in content["metrics"]
    assert content["metrics"]["mean_ratio_visible_energy"]["value"] == pytest.approx(
        1.1, abs=0.03
    )
    assert content["untrained"]["wasserstein_visible_energy"]["factor"] > 2.0
    trained = {one["energy_gev"]: one["trained"] for one in content["beam_energies"]}
    assert trained == {20.0: True, 50.0: False, 90.0: True}


def test_all_figures_are_there(work, finished):
    figures = work / "run/report/figures"
    assert {path.stem for path in figures.iterdir()} == FIGURES
    for path in figures.iterdir():
        assert path.read_bytes().startswith(b"\x89PNG")


class Resources(html.parser.HTMLParser):
    """Collects what a page would load, and its tags that are still open."""

    def __init__(self):
        super().__init__()
        self.found = []
        self.open = []

    def handle_starttag(self, tag, attributes):
        self.found += [v for n, v in attributes if n in ("src", "href", "srcset")]
        if tag not in ("img", "input", "meta", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_needs_nothing_else(work, finished):
    text = (work / "run/report/index.html").read_text()
    page = Resources()
    page.feed(text)
    assert page.open == []
    assert len(page.found) == len(FIGURES)
    assert all(source.startswith("data:image/png;base64,") for source in page.found)
    for forbidden in ("http:", "https:", "<script", "<link", "@import", "url("):
        assert forbidden not in text
    assert "50 GeV, never trained on" in text


def test_mistakes_end_in_one_line_and_status_2(work, finished, tmp_path):
    reference = f"--reference={work / 'reference.h5'}"
    model = f"--saved_model={work / 'run/saved_model'}"
    stand_in.export(tmp_path / "nan", HGCAL, value=np.nan)
    stand_in.export(tmp_path / "other", HGCAL, detector="ecal")
    stand_in.export(tmp_path / "mask", HGCAL, mask="mask_of_nothing")
    ecal = synthetic.write(tmp_path / "ecal.h5", detectors.get("ecal"), 20)
    (tmp_path / "text.h5").write_text("not a file of showers")
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/data.h5").touch()
    new = f"--report={tmp_path / 'report'}"
    cases = [
        ([], "one of --workdir=DIR, --saved_model=DIR, --pretrained=NAME and --gen"),
        (["--pretrained=no"], "unknown pretrained model 'no'; known: aux_regressor, "),
        ([model, "--workdir=x"], "give one of --workdir=DIR"),
        (["--workdir=x,x"], "a folder occurs twice"),
        (["--workdir=x,y", reference, new], "x/saved_model: no saved model here"),
        ([f"--generated={tmp_path / 'none.h5'}", reference, new], "no such file"),
        ([f"--generated={work / 'reference.h5'}", reference, new], "400 responses for"),
        ([model, reference, new, "--prd_mode=other"], "prd_mode"),
        ([model, reference, new, "--clusters=1"], "clusters"),
        ([model, reference, new, "--threshold=-1"], "threshold"),
        ([model, reference, new, "--cell_cm=6"], "in detector 'hgcal' rows or columns"),
        ([model, new, f"--reference={ecal}", "--cell_cm=5"], "cell_cm=5: the 30 x 30"),
        ([model, new, f"--reference={ecal}", "--cell_cm=0"], "give one of 2, 4, 6"),
        ([model, new, f"--reference={ecal}", "--cell_cm=nan"], "cell_cm=nan"),
        ([f"--workdir={tmp_path}", reference, new], "no saved model here"),
        ([f"--saved_model={tmp_path / 'nan'}", reference, new], "are not finite"),
        ([f"--saved_model={tmp_path / 'other'}", reference, new], "detector 'ecal'"),
        ([f"--saved_model={tmp_path / 'mask'}", reference, new], "mask_of_nothing"),
        ([model, f"--reference={tmp_path / 'none.h5'}", new], "no such file"),
        ([model, f"--reference={tmp_path / 'text.h5'}", new], "text.h5"),
        ([model, reference, new, "--num=100000"], "the reference has"),
        ([model, reference, new, "--num=3"], "at least two events"),
        ([model, reference, new, "--split=nothing"], "split"),
        ([model, reference, new, "--calochallenge_runs=2"], "calochallenge_runs"),
        ([model, reference, f"--report={tmp_path / 'precious'}"], "something else"),
        ([model, "--unknown=3"], "unknown"),
        ([model, "surplus"], "'surplus'"),
    ]
    answers = drive("evaluate", ROOT, [arguments for arguments, _ in cases])
    for (arguments, expected), (status, errors, _) in zip(cases, answers, strict=True):
        assert status == 2, arguments
        assert errors.count("\n") == 1, errors
        assert errors.startswith("evaluate.py: ")
        assert expected in errors
    assert not (tmp_path / "report").exists()
    assert not list(tmp_path.glob(".report*"))
    assert (tmp_path / "precious/data.h5").exists()


def test_stored_responses_of_any_generator(work, tmp_path):
    whole = readers.read(work / "reference.h5", HGCAL, split="test")
    louder = readers.Sample(1.1 * whole.response, whole.condition)
    writers.write(tmp_path / "generated.h5", HGCAL, louder)
    arguments = [
        f"--generated={tmp_path / 'generated.h5'}",
        f"--reference={work / 'reference.h5'}",
        "--num=40",
        "--quick",
    ]
    [(status, errors, _)] = drive("evaluate", ROOT, [arguments])
    assert (status, errors) == (0, "")
    content = json.loads((tmp_path / "report/metrics.json").read_text())
    ratio = content["metrics"]["mean_ratio_visible_energy"]
    # The pairs are the same showers, so that nothing but the factor is left.
    assert ratio["value"] == pytest.approx(1.1, rel=1e-5)


def test_cells_are_summed_on_both_sides(tmp_path):
    detector = detectors.get("ecal")
    reference = synthetic.write(tmp_path / "reference.h5", detector, 200)
    test = readers.read(reference, detector, split="test")
    # A generator that mistakes one cell for its neighbour, inside one cell of 6 cm.
    wrong = test.response.copy()
    wrong[:, 9:12] = test.response[:, [10, 9, 11]]
    sample = readers.Sample(wrong, test.condition)
    writers.write(tmp_path / "generated.h5", detector, sample)
    arguments = [
        f"--generated={tmp_path / 'generated.h5'}",
        f"--reference={reference}",
        "--clusters=2",
        "--quick",
        "--cell_cm=6",
    ]
    [(status, errors, _)] = drive("evaluate", ROOT, [arguments])
    assert (status, errors) == (0, "")
    content = json.loads((tmp_path / "report/metrics.json").read_text())
    assert (content["cell_cm"], content["accepted_cells"]) == (6.0, 100)
    for name in ("width_along", "radius", "number_of_hits", "maximum_cell_fraction"):
        ratio = content["metrics"][f"width_ratio_{name}"]
        assert ratio["value"] == pytest.approx(1.0, abs=1e-6)
    assert (
        "<dt>cell cm</dt><dd>6.0</dd>" in (tmp_path / "report/index.html").read_text()
    )


def test_stored_responses_in_another_order_are_refused(work, tmp_path):
    whole = readers.read(work / "reference.h5", HGCAL, split="test")
    turned = readers.Sample(whole.response[::-1], whole.condition[::-1])
    writers.write(tmp_path / "generated.h5", HGCAL, turned)
    path = f"--generated={tmp_path / 'generated.h5'}"
    arguments = [path, f"--reference={work / 'reference.h5'}"]
    [(status, errors, _)] = drive("evaluate", ROOT, [arguments])
    assert status == 2
    assert "keep the reference's order" in errors
    assert not (tmp_path / "report").exists()


def test_runs_side_by_side(work, tmp_path):
    for name, scale in (("good", 1.0), ("bad", 2.0)):
        stand_in.export(tmp_path / name / "saved_model", HGCAL, energy_scale=scale)
    arguments = [
        f"--workdir={tmp_path / 'good'},{tmp_path / 'bad'}",
        f"--reference={work / 'reference.h5'}",
        "--num=40",
        "--quick",
        f"--report={tmp_path / 'both'}",
    ]
    [(status, errors, _)] = drive("evaluate", ROOT, [arguments])
    assert (status, errors) == (0, "")
    for name in ("good", "bad"):
        assert (tmp_path / name / "report/index.html").exists()
    text = (tmp_path / "both/index.html").read_text()
    assert str(tmp_path / "good") in text
    assert str(tmp_path / "bad") in text
    assert "http" not in text
