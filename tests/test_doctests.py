"""The examples in docstrings run and show what they say."""

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# What a user's own code meets first.
MODULES = (
    "data.detectors",
    "data.detectors.spec",
    "data.detectors.summed_cells",
    "data.events",
    "data.files.readers",
    "data.transforms",
    "losses.adversarial",
    "data.files.sparse_responses",
    "data.batches.shuffling",
    "data.production.shares",
    "metrics.evaluation.pretrained_models",
    "metrics.evaluation.saved_model",
    "metrics.showers.shower_pairs",
    "metrics.statistics.resampling",
    "models",
    "models.training.config",
)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    failed, attempted = doctest.testmod(importlib.import_module(name))
    assert attempted > 0
    assert failed == 0
