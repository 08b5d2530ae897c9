"""The Python examples of three pages of the documentation run as they stand there."""

import re
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from data.detectors.symmetry import symmetries
from data.files.readers import Dataset
from models.networks.building_blocks import scaled_condition

ROOT = Path(__file__).resolve().parents[1]


def examples(page, **changes):
    """Compiles the Python blocks of a page; changes old text to new."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    for old, new in changes.values():
        assert old in text
        text = text.replace(old, new)
    blocks = re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [
        compile(block, f"{page}, example {number}", "exec")
        for number, block in enumerate(blocks, 1)
    ]


def test_the_examples_of_the_library_run_one_after_the_other(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    blocks, names = examples("library.md"), {}
    with threadpool_limits(1):  # As the page says; here NumPy is loaded already.
        for block in blocks:
            exec(block, names)
    assert len(blocks) == 5
    assert names["generated"].shape == names["reference"].shape
    assert "wasserstein_number_of_hits" in capsys.readouterr().out
    for metric in (names["hits"], names["cells"].metric):
        assert metric.uncertainty > 0.0
        assert metric.floor > 0.0


def test_the_tour(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    few = 'dataset.read("test")', 'dataset.read("test", where=few)'
    names = {"few": lambda condition: np.arange(len(condition)) % 25 == 0}
    blocks = examples("tutorial.md", few=few)
    for block in blocks:
        exec(block, names)
    assert len(blocks) == 5
    assert len(names["generated"]) == 400
    figures = {path.name for path in tmp_path.iterdir()}
    assert figures == {"tutorial_shower.png", "tutorial_energy.png"}
    out = capsys.readouterr().out
    assert "conditions: {'energy_gev': 'GeV'" in out
    assert "wasserstein_number_of_hits" in out


def test_the_file_of_a_detector_of_ones_own_can_be_read(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    exec(examples("your_detector.md")[0], {})
    with Dataset("mine.h5") as dataset:
        sample = dataset.read()
        assert set(dataset.splits) == {"train", "validation", "test"}
    assert np.asarray(dataset.spec.in_domain(sample.condition)).all()
    # The impact point has to turn with the showers.
    group = symmetries(dataset.spec)
    assert len(group.conditions) == 8
    assert (group.conditions[1:] != np.eye(3)).any(axis=(1, 2)).all()


@pytest.mark.parametrize("momentum", [[0.0, 0.0, 50.0], [1.0, -0.5, 30.0]])
def test_the_module_of_a_detector_of_ones_own_fits_the_networks(momentum):
    names = {}
    exec(examples("your_detector.md")[2], names)
    spec = names["spec"]()
    assert spec.positions_cm.shape == (*spec.shape, 3)
    condition = np.array([[*momentum, 0.5, -0.5]], np.float32)
    assert np.asarray(spec.in_domain(condition)).all()
    assert np.abs(scaled_condition(condition, spec)).max() <= 1.001
    assert not np.asarray(spec.in_domain(condition * 2.5)).any()
