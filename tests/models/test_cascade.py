"""The cascade: the contract, and its own parts."""

import csv
import dataclasses
import types

import numpy as np
import pytest
import tensorflow as tf

import models
from data import detectors, transforms
from data.events import Sample
from metrics.showers import measure_showers
from models import cascade
from models.training import config
from models.training.exports import onnx_conversion, onnx_model
from models.training.exports.simulator_export import export_simulator
from models.training.trainer import Training
from tests import synthetic
from tests.contract import check_entry

TINY = {
    "widths": (6,),
    "components": (2,),
    "hidden": 8,
    "batch_size": 8,
}
EVENTS = 40
STEPS, EPOCH_STEPS = 6, 3


def test_the_contract():
    # One group and one turn keep the graphs, which are built several times, small. The
    # last touch solves equations, which makes more of a rounding than is allowed here.
    tiny = {**TINY, "layer_groups": (1,), "turns": (1,), "adjust": False}
    # A conversion to ONNX takes half a minute: that of few cells is tested below.
    check_entry("cascade", tiny, flips=1, onnx=False)


def test_onnx_has_every_operation_of_the_last_touch(tmp_path):
    """How well whole showers agree, `export_onnx.py` checks; four cells are too few."""
    try:
        onnx_model.check_packages()
    except ValueError as error:
        pytest.skip(str(error))
    spec = _cut(detectors.get("ecal"), 2)
    settings = cascade.Config(**TINY, layer_groups=(1,), turns=(1,))
    assert settings.adjust
    model = cascade.build(settings, spec, transforms.Identity())
    export_simulator(model, spec, settings.mask, tmp_path / "saved_model", {})
    # It raises an error if there is one that ONNX does not have.
    found = onnx_conversion.convert(tmp_path / "saved_model").graph
    assert [one.name for one in found.input] == [*onnx_conversion.INPUTS]
    assert [one.name for one in found.output] == [*onnx_conversion.OUTPUTS]


def _build(detector="hgcal", **changes):
    settings = cascade.Config(**{**TINY, **changes})
    return cascade.build(settings, detectors.get(detector), transforms.Identity())


@pytest.mark.parametrize(
    ("changes", "pattern"),
    [
        ({"transform": "log"}, "transform must be 'identity', is 'log'"),
        ({"widths": ()}, r"of at least 1; received \[\], \[2\], \[8, 2, 2\] and 8"),
        ({"components": ()}, r"received \[6\], \[\], \[8, 2, 2\] and 8"),
        ({"widths": (4, 0)}, r"received \[4, 0\]"),
        ({"components": (3, 0)}, r"received \[6\], \[3, 0\]"),
        ({"layer_groups": (0,)}, r"received \[6\], \[2\], \[0\] and 8"),
        ({"hidden": 0}, r"received \[6\], \[2\], \[8, 2, 2\] and 0"),
        ({"turns": (2,)}, r"turns must be 1 or 4, received \[2\]"),
    ],
)
def test_impossible_settings_are_refused(changes, pattern):
    with pytest.raises(ValueError, match=pattern):
        _build(**changes)


def test_a_detector_without_cells_is_refused():
    with pytest.raises(ValueError, match=r"needs responses .*'rich' are \[5\]"):
        _build("rich")


def test_the_presets_divide_alike_with_other_networks():
    entry = models.load("cascade")
    full, fast, quick = (config.resolve(entry, p) for p in ("cpu", "fast", "quick"))
    assert full == cascade.Config()
    assert (quick.widths, quick.components) == (full.widths, full.components)
    assert quick.steps < full.steps
    for name in ("widths", "components"):
        pairs = zip(getattr(fast, name), getattr(full, name), strict=True)
        assert all(fewer < more for fewer, more in pairs)


@pytest.mark.parametrize("steps", [1, 40, 500])
def test_the_rate_rises_and_falls(steps):
    attached = []
    model = types.SimpleNamespace(compile=attached.append)
    settings = cascade.Config(steps=steps, learning_rate=1e-2)
    cascade.compile_model(model, settings)
    schedule = attached[0]._learning_rate
    rates = [float(schedule(step)) for step in range(steps + 1)]
    warm_up = min(200, steps // 2)
    assert max(rates) == pytest.approx(1e-2)
    assert np.argmax(rates) == warm_up
    assert rates[-1] == pytest.approx(2e-3 * 1e-2, rel=1e-3)
    assert (np.diff(rates[: warm_up + 1]) > 0.0).all()
    assert (np.diff(rates[warm_up:]) < 0.0).all()


def _cut(spec, rows):
    """Returns the detector with some of its rows and columns."""
    return dataclasses.replace(
        spec,
        shape=(rows, rows),
        cells=spec.cells[:rows, :rows],
        dead_cells=spec.dead_cells[:rows, :rows],
        positions_cm=spec.positions_cm[:rows, :rows],
    )


def _training(spec, folder, **changes):
    """Returns a model and its training, as of `train.py`."""
    settings = cascade.Config(
        **TINY, steps=STEPS, epoch_steps=EPOCH_STEPS, ema_decay=0.9, **changes
    )
    sample = synthetic.sample(spec, 2 * EVENTS)
    parts = [
        Sample(sample.response[part], sample.condition[part])
        for part in (slice(EVENTS), slice(EVENTS, None))
    ]
    model = cascade.build(settings, spec, transforms.Identity())
    cascade.compile_model(model, settings)
    training = Training(
        settings, *parts, spec, model.transform, folder, say=lambda line: None
    )
    return model, training


def test_a_training_is_followed_by_the_likelihood_of_validation_events(
    tmp_path, monkeypatch
):
    # Without the metrics that take minutes in a training of seconds.
    monkeypatch.setattr(measure_showers, "per_epoch", lambda comparison, seed: {})
    model, training = _training(_cut(detectors.get("ecal"), 2), tmp_path)
    training.run(model, [])
    with (tmp_path / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == STEPS // EPOCH_STEPS
    parts = ["total", "moments", "level_0"]
    assert {"loss", "gradient_norm", "val_wasserstein", *parts} <= set(rows[0])
    values = {name: float(value) for name, value in rows[-1].items()}
    assert "val_gradient_norm" not in values
    assert values["val_loss"] == pytest.approx(
        sum(values[f"val_{name}"] for name in parts), rel=1e-5
    )
    # What simulates at the end has the likelihood of the last row.
    seed = tf.constant([training.settings.seed, -1])
    losses = [
        np.mean(model.negative_log_likelihood(model.simulator, part[:2], seed)["loss"])
        for part in training._validation()
    ]
    assert len(losses) == EVENTS // TINY["batch_size"]
    assert values["val_loss"] == pytest.approx(np.mean(losses), rel=1e-4)
    assert float(rows[0]["val_loss"]) != values["val_loss"]
