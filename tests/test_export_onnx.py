"""`export_onnx.py`: a model that is already trained, and bad input."""

import json

import pytest

from models.training.exports import onnx_model
from tests.conftest import ROOT

TRAINED = ROOT / "pretrained" / "cramer_rich" / "saved_model"


@pytest.fixture
def export(script, tmp_path, capsys):
    """Runs the script; returns exit status, standard output and standard error."""
    for name in ("tf2onnx", "onnx", "onnxruntime"):
        pytest.importorskip(name, reason="pip install -r requirements-onnx.txt")

    def call(*options):
        status = script("export_onnx")(f"--output={tmp_path / 'onnx'}", *options)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


def test_a_pretrained_model_becomes_one_of_onnx(export, tmp_path):
    status, out, err = export(f"--saved_model={TRAINED}")
    assert (status, err) == (0, "")
    path = tmp_path / "onnx" / onnx_model.FILE
    assert out.startswith(f"{path}: ")
    assert " events agree with TensorFlow to " in out
    assert {one.name for one in path.parent.iterdir()} == {path.name, "signature.json"}
    trained, found = (
        json.loads((folder / "signature.json").read_text())
        for folder in (TRAINED, path.parent)
    )
    del trained["signatures"], found["signatures"]
    compared = found.pop("onnx")["compared"]
    assert found == trained
    assert compared["events"] > 100
    assert compared["differing"] == 0
    assert compared["largest_difference"] < 1e-4


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--saved_model=nowhere"], "nowhere: no saved model here (saved_model.pb is"),
        (
            [f"--saved_model={TRAINED}", "--data=data/samples/hgcal_geant4.h5"],
            "showers of detector 'hgcal'; the model simulates 'rich'",
        ),
        ([f"--saved_model={TRAINED}", "--data=nowhere.h5"], "nowhere.h5"),
    ],
)
def test_bad_input_is_refused_in_one_line(
    export, tmp_path, monkeypatch, options, words
):
    monkeypatch.chdir(ROOT)
    status, out, err = export(*options)
    assert (status, out) == (2, "")
    assert err.startswith("export_onnx.py: ")
    assert err.count("\n") == 1
    assert words in err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("export_onnx", [f"--saved_model={TRAINED}"]),
        ("train", ["--model=cramer_rich", "--onnx", "--workdir=nowhere"]),
    ],
)
def test_missing_packages_are_one_line(script, capsys, monkeypatch, name, options):
    monkeypatch.setattr(onnx_model, "_PACKAGES", ("no_such_package",))
    assert script(name)(*options) == 2
    assert capsys.readouterr().err == (
        f"{name}.py: the export to ONNX needs no_such_package; "
        "pip install -r requirements-onnx.txt\n"
    )
