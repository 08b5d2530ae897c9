"""The benchmark of trainings measures the parts that a step consists of."""

import types

import numpy as np
import pytest
import tensorflow as tf

import models
from benchmarks.shared import flops, step_parts, timing
from data import detectors, transforms
from models.training import config
from tests import synthetic

TINY = {
    "cascade": {"widths": [4], "components": [2], "hidden": 4, "layer_groups": [1],
                "turns": [1], "batch_size": 8, "steps": 1},
    "wgan_constrained": synthetic.TINY_WGAN,
}  # fmt: skip


def subject(entry):
    """Returns a tiny compiled model, as `setup.subject` builds large ones."""
    module, spec = models.load(entry), detectors.get("hgcal")
    chosen = synthetic.assignments(TINY[entry])
    settings = config.resolve(module, "cpu", [one[6:] for one in chosen])
    sample = synthetic.sample(spec, 50)
    fitted = transforms.fit(settings.transform, sample.response, sample.condition, spec)
    model = module.build(settings, spec, fitted)
    module.compile_model(model, settings)
    return types.SimpleNamespace(model=model, settings=settings, spec=spec)


def test_the_parts_of_a_step_by_likelihood():
    tried = subject("cascade")
    spec, model = tried.spec, tried.model
    parts = {part.name: part for part in step_parts.of_step(tried)}
    assert [*parts] == ["likelihood", "gradient", "optimizer", "EMA"]
    counted = {name: flops.of(part.function) for name, part in parts.items()}
    # Every product has two gradients, but for those of what is given.
    assert 2 * counted["likelihood"] < counted["gradient"] <= 3 * counted["likelihood"]
    assert counted["optimizer"] == counted["EMA"] == 0
    sample = synthetic.sample(spec, tried.settings.batch_size)
    batch = [tf.constant(one) for one in (sample.response, sample.condition)]
    batch.append(tf.ones(len(sample)))

    def weights():
        return [
            np.concatenate([np.ravel(one) for one in network.get_weights()])
            for network in (model.network, model.simulator)
        ]

    # Only the optimizer moves the network, only the EMA its average.
    for name, moves in (
        ("likelihood", (False, False)), ("gradient", (False, False)),
        ("optimizer", (True, False)), ("EMA", (False, True)),
    ):  # fmt: skip
        before = weights()
        parts[name].function(*batch)
        pairs = zip(before, weights(), strict=True)
        assert tuple(bool(np.any(old != new)) for old, new in pairs) == moves, name


def test_the_parts_of_a_step_of_a_gan():
    tried = subject("wgan_constrained")
    found = {part.name: part.times for part in step_parts.of_step(tried)}
    assert found == {"critic": 2, "generator": 1, "constrainers": 1, "EMA": 1}


def test_a_part_costs_what_it_adds_to_the_one_within():
    matrices = [tf.TensorSpec((4, 4))] * 2

    def once(a, b):
        return a @ b

    def thrice(a, b):
        return a @ b @ b @ b

    functions = [
        tf.function(call).get_concrete_function(*matrices) for call in (once, thrice)
    ]
    parts = [
        step_parts.StepPart("inner", 1, functions[0]),
        step_parts.StepPart("outer", 2, functions[1], "inner"),
    ]
    seconds = {"inner": 0.25, "outer": 1.0}
    found = {name: timing.summary([value]) for name, value in seconds.items()}
    product = 2 * 4**3
    inner, outer = step_parts.rows(parts, found, rate=product)
    assert (inner["ms"], inner["bound_ms"]) == pytest.approx((250.0, 1000.0))
    assert (outer["ms"], outer["bound_ms"]) == pytest.approx((1500.0, 4000.0))
    assert outer["mflop"] == pytest.approx(4e-6 * product)
