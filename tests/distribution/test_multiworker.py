"""A training by two processes that share its batches."""

import csv

import pytest

from data import detectors
from tests import synthetic
from tests.distribution import workers

EVENTS = 80
EPOCHS, EPOCH_STEPS = 2, 2


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of both workers' folders, and how their processes ended."""
    folder = tmp_path_factory.mktemp("cluster")
    data = synthetic.write(folder / "data.h5", detectors.get("hgcal"), EVENTS)
    options = f"--epochs={EPOCHS}", f"--set=epoch_steps={EPOCH_STEPS}"
    processes = workers.start(folder, data, *options)
    try:
        outputs = [one.communicate() for one in processes]
    finally:
        for one in processes:
            one.kill()
    return folder, [
        (one.returncode, *texts) for one, texts in zip(processes, outputs, strict=True)
    ]


def test_both_workers_train_to_the_end_with_equal_weights(finished):
    # Unequal weights would end both with an error.
    for status, _, errors in finished[1]:
        assert status == 0, errors
        assert errors == ""


def test_the_chief_alone_writes_and_speaks(finished):
    folder, ended = finished
    left = {path.name for path in (folder / "0").iterdir()}
    assert {"config.json", "history.csv", "model.keras", "saved_model"} <= left
    assert {"checkpoints", "phases", "logs", "saved_model_untrained"} <= left
    assert not (folder / "1").exists()
    assert "phase statistics" in ended[0][1]
    assert ended[1][1] == ""


def test_history_and_validation_are_those_of_a_fit(finished):
    folder = finished[0] / "0"
    histories = []
    for path in (folder / "history.csv", folder / "phases/statistics/history.csv"):
        with path.open() as handle:
            histories.append(list(csv.DictReader(handle)))
    assert [row["epoch"] for row in histories[0]] == ["0", "1"]
    assert {"critic_loss", "generator_loss", "val_wasserstein"} <= set(histories[0][0])
    assert set(histories[1][0]) == {"epoch", "loss", "val_loss"}


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        (None, "TF_CONFIG is not set"),
        ("host0:2222", "TF_CONFIG is not JSON"),
        (workers.task(["localhost:1"], 1), "index 1 is outside the list of 1 workers"),
    ],
)
def test_a_worker_without_a_place_ends_with_one_line_and_status_2(
    text, pattern, script, capsys, monkeypatch, tmp_path
):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if text is not None:
        monkeypatch.setenv("TF_CONFIG", text)
    workdir = tmp_path / "run"
    options = "--model=cascade", "--strategy=multiworker", f"--workdir={workdir}"
    assert script("train")(*options) == 2
    errors = capsys.readouterr().err
    assert errors.count("\n") == 1, errors
    assert errors.startswith("train.py: ")
    assert pattern in errors
    assert not workdir.exists()
