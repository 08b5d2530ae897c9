"""The models in `pretrained/` answer, and answer like their reference sample."""

import json
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from data import detectors
from data.files import readers
from data.samples.bundled import sample_of

ROOT = pathlib.Path(__file__).parents[1]
MODELS = sorted((ROOT / "pretrained").glob("*/saved_model"))
EVENTS = 2_000


def _answer(path):
    """Returns the detector, validation events and the generated responses."""
    signature = json.loads((path / "signature.json").read_text())
    detector = detectors.get(signature["detector"])
    sample = readers.read(sample_of(detector.name), detector, split="validation")
    first = np.arange(min(EVENTS, len(sample)))
    simulate = tf.saved_model.load(str(path)).signatures["simulate"]
    answer = simulate(
        condition=tf.constant(sample.condition[first]), seed=tf.constant([1, 2])
    )
    assert answer["in_domain"].numpy().all()
    accepted = sample.response[first] * detector.acceptance(signature["mask"])
    return detector, accepted, sample, answer["response"].numpy()


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.parent.name)
def test_pretrained_model_answers_like_its_sample(path):
    detector, reference, sample, generated = _answer(path)
    assert generated.shape == reference.shape
    assert np.isfinite(generated).all()
    if len(detector.shape) == 1:
        # Likelihoods: the weighted mean of each within its error, and a little more.
        weight = sample.weight[: len(reference)].astype(np.float64)[:, None]
        difference = weight * (generated - reference).astype(np.float64)
        error = np.sqrt(np.sum(difference**2, axis=0)) / weight.sum()
        mean = difference.sum(axis=0) / weight.sum()
        assert (abs(mean) < 5 * error).all(), mean / error
    else:
        axes = tuple(range(1, reference.ndim))
        ratio = generated.sum(axis=axes).mean() / reference.sum(axis=axes).mean()
        assert ratio == pytest.approx(1.0, abs=0.02)


def test_every_pretrained_model_has_a_card():
    assert MODELS
    for path in MODELS:
        names = {one.name for one in path.parent.iterdir()}
        assert names >= {"README.md", "config.json", "history.csv", "metrics.json"}
        assert path.parent.name in (path.parent / "README.md").read_text()


def test_pretrained_models_are_small_enough():
    files = (ROOT / "pretrained").rglob("*")
    assert sum(one.stat().st_size for one in files if one.is_file()) < 60e6
