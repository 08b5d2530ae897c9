"""Programs that training steps are compared with."""

import json
import sys

import numpy as np
import pytest

import models
from benchmarks import training
from benchmarks.rivals import cramer_torch, rival
from data import detectors, transforms
from models.training import config
from tests import synthetic

SETTINGS = {
    "batch_size": 8, "critic_steps": 2, "condition_features": 3, "noise": 2,
    "outputs": 5, "generator_dense": [4, 4], "critic_dense": [4], "critic_outputs": 6,
    "penalty_weight": 1.0, "learning_rate": 1e-3, "threads": 1,
}  # fmt: skip


def _script(monkeypatch, tmp_path, text):
    monkeypatch.setattr(rival, "_FOLDER", tmp_path)
    (tmp_path / "script.py").write_text(text)


def test_a_rival_answers(monkeypatch, tmp_path):
    _script(
        monkeypatch,
        tmp_path,
        "import json, sys\n"
        "given = json.loads(sys.argv[1])\n"
        "print(json.dumps({'version': given['name']}), flush=True)\n"
        "for line in sys.stdin:\n"
        "    print(json.dumps({'seconds': 0.5 * int(line)}), flush=True)\n",
    )
    found = rival.Rival("script.py", sys.executable, {"name": "other 1.0"})
    assert found.version == "other 1.0"
    assert [found.timed(calls) for calls in (1, 4)] == [0.5, 2.0]
    found.close()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('print(\'{"error": "torch is not installed"}\')', "torch is not installed"),
        ("raise SystemExit('no such thing')", "no such thing"),
        ("", "it ended"),
    ],
)
def test_a_rival_that_does_not_run_says_why(monkeypatch, tmp_path, text, message):
    _script(monkeypatch, tmp_path, text)
    with pytest.raises(rival.UnavailableError, match=message):
        rival.Rival("script.py", sys.executable, {})


def test_an_interpreter_that_does_not_exist():
    with pytest.raises(rival.UnavailableError, match="nowhere: No such file"):
        rival.Rival("cramer_torch.py", "nowhere", {})


def test_settings_are_those_of_the_model():
    entry = models.load("cramer_rich")
    settings = config.resolve(entry, "cpu", ["batch_size=77", "generator_dense=[9,8]"])
    spec = detectors.get("rich")
    sample = synthetic.sample(spec, 200)
    fitted = transforms.fit("quantile", sample.response, sample.condition, spec)
    model = entry.build(settings, spec, fitted)
    found = training.cramer_settings(model, settings, 2)
    assert set(found) == set(SETTINGS)
    assert found["batch_size"] == 77
    dense = [layer for layer in model.generator.layers if hasattr(layer, "units")]
    assert [*found["generator_dense"], found["outputs"]] == [x.units for x in dense]
    inputs = found["condition_features"] + found["noise"]
    assert dense[0].kernel.shape[0] == inputs
    json.dumps(found)


def test_the_steps_in_pytorch_train_both_networks():
    torch = pytest.importorskip("torch")
    torch.manual_seed(1)
    steps = cramer_torch.Steps(torch, SETTINGS)
    networks = {"generator": steps.generator, "critic": steps.critic}

    def copy():
        return {
            name: [p.detach().numpy().copy() for p in network.parameters()]
            for name, network in networks.items()
        }

    for name, step in (
        ("critic", steps.critic_step),
        ("generator", steps.generator_step),
    ):
        before = copy()
        step()
        for network, values in copy().items():
            kept = all(map(np.array_equal, before[network], values))
            assert kept == (network != name)
    steps.step()
