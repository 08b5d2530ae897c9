"""`train.py`: what a run leaves behind, and how it refuses bad input."""

import csv
import json
import math
import pathlib
import re
import resource
import subprocess
import sys

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

import models
from data import detectors
from data.samples.bundled import sampled
from metrics.evaluation import pretrained_models
from models.training import training_inputs
from models.training.exports import onnx_model
from tests import synthetic

ROOT = pathlib.Path(__file__).resolve().parents[1]
SPEC = detectors.get("hgcal")
EVENTS = 80
EPOCHS, EPOCH_STEPS = 2, 2
TINY = [
    "--model=wgan_constrained",
    *synthetic.assignments(synthetic.TINY_WGAN),
    f"--set=epoch_steps={EPOCH_STEPS}",
]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A small file of made-up showers with all splits."""
    path = tmp_path_factory.mktemp("data") / "showers.h5"
    return synthetic.write(path, SPEC, EVENTS)


def _command(*options):
    return subprocess.run(
        [sys.executable, "train.py", *map(str, options)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def finished(data, tmp_path_factory):
    """The options of a run, its folder, and how the first process ended."""
    workdir = tmp_path_factory.mktemp("runs") / "new/run"
    options = [*TINY, f"--data={data}", f"--workdir={workdir}", f"--epochs={EPOCHS}"]
    return options, workdir, _command(*options)


def _check_one_line(text, pattern):
    """Checks what a user's mistake gives on stderr."""
    assert text.count("\n") == 1, text
    assert text.startswith("train.py: ")
    assert re.search(pattern, text), text


def _content(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_run_leaves_everything_behind(finished):
    _, workdir, process = finished
    assert process.returncode == 0, process.stderr
    assert process.stderr == ""
    assert f"{EPOCHS * EPOCH_STEPS}/{EPOCHS * EPOCH_STEPS}" in process.stdout
    assert f"{workdir}/saved_model" in process.stdout
    assert {path.name for path in workdir.iterdir()} == {
        "checkpoints",
        "config.json",
        "history.csv",
        "logs",
        "model.keras",
        "phases",
        "saved_model",
        "saved_model_untrained",
    }
    assert len(list((workdir / "checkpoints").iterdir())) == min(EPOCHS, 2)
    assert list((workdir / "logs").rglob("events.out.tfevents.*"))


def test_the_configuration_says_what_was_run(finished):
    _, workdir, _ = finished
    document = json.loads((workdir / "config.json").read_text())
    assert document["model"] == "wgan_constrained"
    assert document["detector"] == "hgcal"
    assert document["config"]["steps"] == EPOCHS * EPOCH_STEPS
    for name, value in synthetic.TINY_WGAN.items():
        assert document["config"][name] == json.loads(json.dumps(value))
    assert document["versions"]["tensorflow"] == tf.__version__


def test_the_history_has_one_finite_row_per_epoch(finished):
    _, workdir, _ = finished
    rows = list(csv.DictReader((workdir / "history.csv").read_text().splitlines()))
    assert [int(row["epoch"]) for row in rows] == list(range(EPOCHS))
    names = {"critic_loss", "generator_loss", "penalty", "critic_gradient_norm"}
    names |= {"energy_loss", "position_constraint", "val_wasserstein"}
    names |= {f"val_response_{energy:g}gev" for energy in synthetic.BEAMS_GEV}
    assert names <= set(rows[0])
    assert all(math.isfinite(float(value)) for row in rows for value in row.values())


def test_the_model_of_a_run_loads_and_simulates_like_its_saved_model(finished):
    _, workdir, _ = finished
    models.load("wgan_constrained")
    model = keras.models.load_model(workdir / "model.keras")
    assert int(model.updates) == EPOCHS * EPOCH_STEPS
    signatures = tf.saved_model.load(str(workdir / "saved_model")).signatures
    untrained = tf.saved_model.load(str(workdir / "saved_model_untrained")).signatures
    condition = tf.constant([[32.0, 0.5, -0.5], [80.0, 0.0, 1.0]])
    inputs = {"condition": condition, "seed": tf.constant([3, 4])}
    response = np.asarray(model.simulate(condition, [3, 4]))
    answer = signatures["simulate"](**inputs)["response"]
    np.testing.assert_allclose(answer, response, rtol=1e-6, atol=1e-6 * response.max())
    before = untrained["simulate"](**inputs)["response"]
    assert not np.allclose(answer, before, rtol=1e-3)
    document = json.loads((workdir / "saved_model/signature.json").read_text())
    assert document["trained_energies_gev"] == list(synthetic.BEAMS_GEV)
    assert document["model"] == "wgan_constrained"


def test_a_finished_run_says_so_and_changes_nothing(finished):
    options, workdir, _ = finished
    kept = ("config.json", "history.csv", "checkpoints", "logs")
    before = _content(workdir)
    process = _command(*options)
    assert process.returncode == 0, process.stderr
    assert f"the training of {EPOCHS} epochs is finished" in process.stdout
    after = _content(workdir)
    assert set(after) == set(before)
    for path, content in after.items():
        assert path.parts[0] not in kept or content == before[path]


def test_another_run_in_the_same_folder_is_refused(finished, script, capsys):
    options, workdir, _ = finished
    before = _content(workdir)
    assert script("train")(*options, "--seed=2") == 2
    _check_one_line(capsys.readouterr().err, "another run .*, different in: seed;")
    assert _content(workdir) == before


def test_a_folder_of_another_model_is_refused(finished, script, capsys, tmp_path):
    options, workdir, _ = finished
    document = json.loads((workdir / "config.json").read_text())
    text = json.dumps({**document, "model": "sagan"})
    (tmp_path / "config.json").write_text(text)
    assert script("train")(*options, f"--workdir={tmp_path}") == 2
    _check_one_line(capsys.readouterr().err, r"run \(sagan\), different in: model;")
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]


def test_a_training_starts_with_a_pretrained_model(
    finished, data, script, capsys, monkeypatch, tmp_path
):
    _, pretrained, _ = finished
    monkeypatch.setattr(pretrained_models, "FOLDER", pretrained.parent)
    exported = []
    monkeypatch.setattr(onnx_model, "check_packages", lambda: None)
    monkeypatch.setattr(
        onnx_model, "export_onnx", lambda *paths: exported.append(paths[:2]) or "agrees"
    )
    train, workdir = script("train"), tmp_path / "warm"
    options = [f"--data={data}", f"--workdir={workdir}", "--pretrained=run"]
    settings = ["--epochs=1", "--set=epoch_steps=1", "--onnx"]
    assert train("--model=wgan_constrained", *options, *settings) == 0
    assert f"{workdir}/onnx/model.onnx: agrees\n" in capsys.readouterr().out
    assert exported == [(workdir / "saved_model", workdir / "onnx")]
    inputs = {"condition": [[32.0, 0.5, -0.5]], "seed": [3, 4]}
    inputs = {name: tf.constant(value) for name, value in inputs.items()}
    first, start, end = (
        tf.saved_model.load(str(path)).signatures["simulate"](**inputs)["response"]
        for path in (
            pretrained / "saved_model",
            workdir / "saved_model_untrained",
            workdir / "saved_model",
        )
    )
    np.testing.assert_array_equal(start, first)
    assert not np.array_equal(end, first)
    before, after = (
        json.loads((one / "config.json").read_text()) for one in (pretrained, workdir)
    )
    assert after["pretrained"] == "run"
    changes = {"steps": 1, "epoch_steps": 1}
    assert after["config"] == before["config"] | changes
    for model, pattern in (
        ("sagan", "is a 'wgan_constrained'; give --model=wgan_constrained"),
        ("wgan_constrained/cpu", "brings its settings; give --model=wgan_constrained"),
    ):
        assert train(f"--model={model}", *options) == 2
        _check_one_line(capsys.readouterr().err, pattern)


@pytest.mark.parametrize(
    ("option", "pattern"),
    [
        ("--model=wgan", "unknown model 'wgan'; known: "),
        ("--epochs=many", "flag --epochs=many: "),
    ],
)
def test_a_mistake_ends_a_real_process_with_one_line_and_status_2(option, pattern):
    process = _command("--model=wgan_constrained", option)
    assert process.returncode == 2
    assert process.stdout == ""
    _check_one_line(process.stderr, pattern)


@pytest.fixture
def refused(script, capsys, data, tmp_path):
    """Runs a command that has to be refused before it makes its folder."""
    train = script("train")

    def run(pattern, *options):
        workdir = tmp_path / "run"
        status = train(*TINY, f"--data={data}", f"--workdir={workdir}", *options)
        assert status == 2
        _check_one_line(capsys.readouterr().err, pattern)
        assert not workdir.exists()

    return run


@pytest.mark.parametrize(
    ("option", "pattern"),
    [
        ("--model=", "unknown model ''; known: "),
        ("--model=core", "unknown model 'core'; known: "),
        ("--model=wgan_constrained/gpu", "unknown preset 'gpu'; known: "),
        ("--set=lambda=5", "--set=lambda: no such setting; known: "),
        ("--set=noise", "--set=noise: expected name=value"),
        ("--set=noise=1.5", "--set=noise: '1.5' is not of type int"),
        ("--set=objective=lsgan", "unknown objective 'lsgan'; known: "),
        ("--set=mask=half", "mask must be 'mask' or 'mask_full', received 'half'"),
        ("--set=transform=sine", "unknown transform 'sine'; known: "),
        ("--set=transform=log", "statistics_hidden needs transform=spectrum"),
        ("--set=critic_learning_rates=[1e-3]", "learning rates need"),
        ("--set=branch_filters=[0]", "argument `filters`"),
        ("--steps=-3", "steps must be at least 1, is -3"),
        ("--batch_size=0", "batch_size must be at least 1, is 0"),
        ("--seed=-1", "seed must be from 0 to 2147483647, is -1"),
        ("--data=", "no such file|no data file"),
        ("--data=missing.h5", r"missing\.h5: no such file; check the path"),
        ("--data=train.py", r"train\.py: not a readable HDF5 file"),
        ("--data=tests", "tests: "),
    ],
)
def test_a_mistake_on_the_command_line(refused, monkeypatch, option, pattern):
    monkeypatch.chdir(ROOT)
    refused(pattern, option)


@pytest.mark.parametrize(
    "name", [one for one in models.names() if models.load(one).DETECTOR in sampled()]
)
def test_without_data_the_sample_of_the_detector_is_taken(
    script, monkeypatch, tmp_path, name
):
    train = script("train")
    detect, asked = train.module.readers.detect, []

    def stop(paths):
        asked.extend(paths)
        raise ValueError("that is enough")

    monkeypatch.setattr(train.module.readers, "detect", stop)
    # Not a path in the current folder, but in that of the script.
    monkeypatch.chdir(tmp_path)
    assert train(f"--model={name}") == 2
    [path] = asked
    assert detect([path]).name == models.load(name).DETECTOR


def test_without_data_and_without_a_sample(script, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("data.samples.bundled.FOLDER", tmp_path)
    assert script("train")("--model=calogan", f"--workdir={tmp_path}/run") == 2
    assert re.search(
        r"no sample of detector 'calogan' .*; give a file of your own",
        capsys.readouterr().err,
    )
    assert not (tmp_path / "run").exists()


def test_epochs_and_steps_exclude_each_other(refused):
    refused("--epochs and --steps exclude each other", "--epochs=1", "--steps=1")


def test_a_truncated_file(refused, data, tmp_path):
    path = tmp_path / "half.h5"
    path.write_bytes(data.read_bytes()[: data.stat().st_size // 2])
    refused(r"half\.h5: not a readable HDF5 file", f"--data={path}")


def _changed(data, tmp_path, name, change):
    """Copies the file and changes one of its datasets."""
    path = tmp_path / "changed.h5"
    path.write_bytes(data.read_bytes())
    with h5py.File(path, "r+") as file:
        values = file[name][:]
        change(values, file["split"][:])
        file[name][:] = values
    return path


@pytest.mark.parametrize(
    ("value", "pattern"),
    [
        (np.nan, "cell energy nan MIP in cell .* is not finite"),
        (np.inf, "cell energy inf MIP in cell .* is not finite"),
        (-1.0, "cell energy -1 MIP in cell .* is below the physical bound 0"),
    ],
)
@pytest.mark.parametrize("split", [b"train", b"validation"])
def test_an_impossible_response_is_found_before_the_training(
    refused, data, tmp_path, monkeypatch, split, value, pattern
):
    def spoil(response, splits):
        response[np.flatnonzero(splits == split)[-1], 5, 7, 3] = value

    path = _changed(data, tmp_path, "response", spoil)
    # The event is not among those that the transform is fitted to.
    monkeypatch.setattr(training_inputs, "_NUMBERS_FOR_FIT", 8 * SPEC.cells.size)
    refused(pattern, f"--data={path}")


def test_a_file_without_validation_events(refused, data, tmp_path):
    def relabel(names, splits):
        names[splits == b"validation"] = b"test"

    path = _changed(data, tmp_path, "split", relabel)
    refused("no events of split 'validation'", f"--data={path}")


@pytest.mark.parametrize("kilobytes", [2, 40])
def test_a_full_disk_leaves_nothing_half_written(
    script, capsys, data, tmp_path, kilobytes
):
    """A limit on the size of files makes writing fail like a full disk does."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (kilobytes * 1024, limits[1]))
    try:
        status = script("train")(
            *TINY, f"--data={data}", f"--workdir={tmp_path / 'run'}", "--epochs=1"
        )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert status == 2
    _check_one_line(capsys.readouterr().err, "[Ff]ile too large")
    left = {path.name for path in (tmp_path / "run").rglob("*")}
    assert left <= {"config.json"}
    assert all(json.loads(path.read_text()) for path in (tmp_path / "run").iterdir())


def test_a_value_that_is_not_finite_stops_and_keeps_the_last_good_checkpoint(
    script, capsys, data, tmp_path
):
    status = script("train")(
        *TINY,
        f"--data={data}",
        f"--workdir={tmp_path}",
        "--set=epoch_steps=1",
        "--steps=6",
        "--set=generator_learning_rates=[1e-3, 1e30]",
        "--set=learning_rate_changes=[0.5]",
        "--set=critic_learning_rates=[1e-3, 1e-3]",
        "--set=constrainer_learning_rates=[1e-3, 1e-3]",
    )
    message = str(status)
    assert re.fullmatch(
        r"train\.py: \w+ is (nan|-?inf) at step \d: training stopped, .*", message
    )
    assert "Traceback" not in capsys.readouterr().err
    checkpoint = max((tmp_path / "checkpoints").iterdir())
    assert checkpoint.name >= "epoch-000003.npz"
    with np.load(checkpoint) as archive:
        variables = [archive[name] for name in archive.files if name != "history"]
    assert all(np.isfinite(variable).all() for variable in variables)
    assert not (tmp_path / "saved_model").exists()
