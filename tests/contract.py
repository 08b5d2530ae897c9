"""What every entry of the zoo has to do, checked the same way for all of them.

The test of an entry calls `check_entry(name, tiny)` with a configuration that trains in
seconds, and then tests what is its own.
"""

import dataclasses
import json
import pathlib
import tempfile
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import models
from data import detectors, transforms
from data.batches import pipeline
from data.detectors.spec import DetectorSpec
from data.events import Sample
from models.gans.conditional import ConditionalGAN
from models.training.checkpoint import Checkpoints
from models.training.config import TrainingConfig
from models.training.contract import Entry, Simulator
from models.training.exports.simulator_export import export_simulator
from tests import exports_contract, synthetic

EVENTS = 64
EPOCHS, EPOCH_STEPS, FIRST_EPOCHS = 3, 2, 1
SEED = np.array([7, 3], np.int32)
REFUSED = (tf.errors.InvalidArgumentError, TypeError, ValueError)


@dataclasses.dataclass(frozen=True)
class Case:
    """An entry with a configuration, and data to train it on.

    `flips` is how many rows may differ from the same rows of another graph or batch
    size: a draw between outcomes can meet an edge within the rounding.
    """

    entry: Entry
    settings: TrainingConfig
    spec: DetectorSpec
    sample: Sample
    flips: int = 0

    def build(self, seed: int = 1) -> Simulator:
        """Builds and compiles the model; the seed gives its initial weights."""
        keras.utils.set_random_seed(seed)
        fitted = transforms.fit(
            self.settings.transform,
            self.sample.response,
            self.sample.condition,
            self.spec,
        )
        model = self.entry.build(self.settings, self.spec, fitted)
        self.entry.compile_model(model, self.settings)
        return model

    def data(self, model: Simulator, first_step: int = 0) -> tf.data.Dataset:
        """Returns the elements that a training reads, from some step on."""
        return pipeline.batches(
            self.sample,
            rows=self.settings.step_events,
            seed=self.settings.seed,
            transform=model.transform,
            acceptance=self.spec.acceptance(self.settings.mask),
        ).skip(first_step)

    def train(self, model: Simulator, epochs: int, workdir: pathlib.Path) -> None:
        """Trains up to an epoch, going on from what stands in the folder."""
        checkpoints = Checkpoints(workdir)
        done = checkpoints.restore(model)
        model.fit(
            self.data(model, done * EPOCH_STEPS),
            epochs=epochs,
            initial_epoch=done,
            steps_per_epoch=EPOCH_STEPS,
            shuffle=False,
            verbose=0,
            callbacks=[checkpoints],
        )


def make_case(
    name: str, tiny: dict[str, Any], detector: str = "hgcal", preset: str = "cpu"
) -> Case:
    """Prepares an entry for the checks."""
    entry = models.load(name)
    steps = {"steps": EPOCHS * EPOCH_STEPS, "epoch_steps": EPOCH_STEPS}
    settings = entry.Config(**{**entry.PRESETS[preset], **steps, **tiny})
    spec = detectors.get(detector)
    rows = settings.step_events
    assert rows <= EVENTS, "choose a smaller batch: a test has to be quick"
    return Case(entry, settings, spec, synthetic.sample(spec, EVENTS))


def check_entry(
    name: str,
    tiny: dict[str, Any],
    detector: str = "hgcal",
    flips: int = 0,
    onnx: bool = True,
) -> None:
    """Checks everything that an entry promises.

    Args:
        name: Name of the entry.
        tiny: Changes to its default configuration that make it train in seconds.
        detector: Name of a detector that it fits.
        flips: See `Case`.
        onnx: Whether to export to ONNX too.
    """
    tf.config.experimental.enable_op_determinism()
    case = dataclasses.replace(make_case(name, tiny, detector), flips=flips)
    with tempfile.TemporaryDirectory() as folder:
        workdir = pathlib.Path(folder)
        untrained = case.build()
        check_shapes(case, untrained)
        if isinstance(untrained, ConditionalGAN):
            check_networks(case, untrained)
            check_steps_keep_apart(case, untrained)
        model = check_resume(case, workdir)
        check_training_changed_everything(case, model)
        check_responses_are_physical(case, model)
        check_keras_file(case, model, workdir / "model.keras")
        check_export(case, model, workdir / "saved_model")
        exports_contract.check_warm_start(case, model, SEED, workdir / "saved_model")
        if onnx:
            paths = workdir / "saved_model", workdir / "onnx"
            exports_contract.check_onnx(case, *paths)


def state(model: Simulator) -> list[Any]:
    """Copies all variables that training changes, in a fixed order."""
    return [np.array(variable) for variable in model.state_variables()]


def _copy(network: Any) -> list[Any]:
    return [np.array(variable) for variable in network.variables]


def _equal(one: list[Any], other: list[Any]) -> bool:
    return len(one) == len(other) and all(map(np.array_equal, one, other))


def check_shapes(case: Case, model: Simulator) -> None:
    """The model takes and gives the shapes of the detector, for any batch size."""
    for events in (1, 5):
        condition = tf.constant(case.sample.condition[:events])
        noise = tf.zeros((events, model.noise_size))
        encoded = model.simulator([condition, noise])
        assert encoded.shape == (events, *case.spec.shape)
        response = model.simulate(condition, SEED)
        assert response.shape == (events, *case.spec.shape)
        assert response.dtype == tf.float32


def check_networks(case: Case, model: ConditionalGAN) -> None:
    """So do the networks of a GAN."""
    for events in (1, 5):
        condition = tf.constant(case.sample.condition[:events])
        noise = tf.zeros((events, model.noise_size))
        encoded = model.generator([condition, noise])
        assert encoded.shape == (events, *case.spec.shape)
        outputs = model.judge(encoded, condition, training=False)
        assert outputs.shape == (events, model.critic.output_shape[-1])
        for constrainer in model.constrainers:
            assert constrainer.error(encoded, condition).shape == ()


def check_steps_keep_apart(case: Case, model: ConditionalGAN) -> None:
    """Every step trains its own network and leaves the others as they are."""
    element = next(iter(case.data(model)))
    part = [tf.split(values, case.settings.critic_steps)[0] for values in element]
    physical = model.transform.decode(part[0], part[1])
    networks = {"generator": model.generator, "critic": model.critic}
    networks |= {one.name: one.network for one in model.constrainers}
    steps = {
        "critic": lambda: model.critic_step(0, *part),
        "generator": lambda: model.generator_step(*part),
    }
    if model.constrainers:
        steps["constrainer"] = lambda: model.constrainer_step(physical, part[1])
    for name, step in steps.items():
        trained = {name} & set(networks) or {one.name for one in model.constrainers}
        before = {other: _copy(network) for other, network in networks.items()}
        step()
        for other, network in networks.items():
            kept = _equal(before[other], _copy(network))
            assert kept == (other not in trained), f"{name} step, {other} kept: {kept}"


def check_resume(case: Case, workdir: pathlib.Path) -> Simulator:
    """A training in two pieces ends bit for bit as one in a single piece.

    Returns:
        The trained model.
    """
    whole = case.build()
    case.train(whole, EPOCHS, workdir / "whole")
    case.train(case.build(), FIRST_EPOCHS, workdir / "pieces")
    resumed = case.build(seed=2)
    assert not _equal(_copy(case.build()), _copy(resumed))
    case.train(resumed, EPOCHS, workdir / "pieces")
    for variable, one, other in zip(
        whole.state_variables(), state(whole), state(resumed), strict=True
    ):
        np.testing.assert_array_equal(one, other, err_msg=variable.path)
    histories = [
        (workdir / name / "history.csv").read_text() for name in ("whole", "pieces")
    ]
    assert histories[0] == histories[1]
    rows = [line.split(",") for line in histories[0].splitlines()]
    assert len(rows) == 1 + EPOCHS
    assert np.isfinite(np.array(rows[1:], float)).all(), histories[0]
    return whole


def check_training_changed_everything(case: Case, model: Simulator) -> None:
    """Every layer has learnt something, and an EMA is not a mere copy."""
    learnt = {}
    initial = case.build().trainable_variables
    for before, after in zip(initial, model.trainable_variables, strict=True):
        layer = after.path.rpartition("/")[0]
        learnt[layer] = learnt.get(layer, False) or not np.array_equal(before, after)
    assert all(learnt.values()), learnt
    assert int(model.updates) == EPOCHS * EPOCH_STEPS
    if isinstance(model, ConditionalGAN):
        averaged = model.simulator is not model.generator
        assert averaged == (case.settings.ema_decay > 0.0)
        assert averaged != _equal(_copy(model.simulator), _copy(model.generator))


def check_responses_are_physical(case: Case, model: Simulator) -> None:
    """Responses are finite, within the bound, and 0 where no cell exists."""
    response = np.asarray(model.simulate(case.sample.condition, SEED))
    _check_physical(case, response)
    accepted = case.spec.acceptance(case.settings.mask)
    assert response[:, accepted].any()


def _check_physical(case: Case, response: Any) -> None:
    assert np.isfinite(response).all()
    if case.spec.lower_bound is not None:
        assert response.min() >= case.spec.lower_bound
    assert not response[:, ~case.spec.cells].any()
    assert len(np.unique(response, axis=0)) == len(response)


def _configuration(model: Simulator) -> str:
    """Returns all settings as a text that can be compared."""
    configuration = model.get_config() | model.get_compile_config()
    return json.dumps(configuration, sort_keys=True)


def check_keras_file(case: Case, model: Simulator, path: pathlib.Path) -> None:
    """A `.keras` file brings back the model, and it trains on in the same way."""
    model.save(path)
    loaded = keras.models.load_model(path, safe_mode=True)
    assert type(loaded) is type(model)
    assert _configuration(model) == _configuration(loaded)
    assert _equal(state(model), state(loaded))
    condition = case.sample.condition
    np.testing.assert_array_equal(
        loaded.simulate(condition, SEED), model.simulate(condition, SEED)
    )
    element = next(iter(case.data(model)))
    before = state(model)
    for one in (model, loaded):
        one.train_step(element)
    assert _equal(state(model), state(loaded))
    assert not _equal(before, state(model))


def check_export(case: Case, model: Simulator, path: pathlib.Path) -> None:
    """The SavedModel answers like Python and refuses what it cannot answer."""
    description = {"note": "made by a test"}
    export_simulator(model, case.spec, case.settings.mask, path, description)
    signatures = tf.saved_model.load(str(path)).signatures
    check_simulate(case, model, signatures["simulate"])
    check_rows_alone(case, model, signatures["simulate_from_noise"])
    check_bad_input(case, model, signatures)
    condition = tf.constant(case.sample.condition)
    arguments = {"condition": condition, "seed": tf.constant(SEED)}
    np.testing.assert_array_equal(
        signatures["serving_default"](**arguments)["response"],
        signatures["simulate"](**arguments)["response"],
    )
    document = json.loads((path / "signature.json").read_text())
    assert document["note"] == description["note"]
    assert document["detector"] == case.spec.name
    assert document["response"]["shape"] == list(case.spec.shape)
    assert np.shape(document["cells"]) == case.spec.shape
    assert document["signatures"]["simulate"]["inputs"]["condition"][1] == [
        None,
        len(case.spec.condition_names),
    ]


def check_simulate(case: Case, model: Simulator, simulate: Any) -> None:
    """Equals Python; the seed decides; a shorter batch is a prefix; the domain."""
    condition = case.sample.condition.copy()
    condition[::4] *= 10.0

    def answer(rows: int = EVENTS, seed: Any = SEED) -> dict[str, Any]:
        inputs = tf.constant(condition[:rows]), tf.constant(seed)
        outputs = simulate(condition=inputs[0], seed=inputs[1])
        return {name: np.asarray(value) for name, value in outputs.items()}

    whole = answer()
    assert set(whole) == {"response", "in_domain"}
    assert whole["response"].dtype == np.float32
    response = whole["response"]
    _check_physical(case, response)
    python = np.asarray(model.simulate(condition, SEED))
    np.testing.assert_allclose(response, python, rtol=1e-6, atol=_tolerance(python))
    inside = np.asarray(case.spec.in_domain(condition))
    np.testing.assert_array_equal(whole["in_domain"], inside)
    assert inside.any()
    assert not inside.all()
    np.testing.assert_array_equal(answer()["response"], response)
    assert not np.array_equal(answer(seed=SEED[::-1].copy())["response"], response)
    for rows in (1, 5):
        prefix = answer(rows)["response"]
        flipped = _differ(prefix, response[:rows], _tolerance(response))
        assert flipped.sum() <= case.flips


def _tolerance(response: Any) -> float:
    """A millionth of the largest response: cells sum many terms of that size."""
    return 1e-6 * float(np.abs(response).max())


def _differ(one: Any, other: Any, tolerance: float) -> Any:
    """Tells which rows of two batches are not the same, bool [rows]."""
    close = np.isclose(one, other, rtol=1e-6, atol=tolerance)
    return ~close.reshape(len(close), -1).all(axis=1)


def check_rows_alone(case: Case, model: Simulator, simulate: Any) -> None:
    """A row alone gives what the same row gives in a batch."""
    condition = tf.constant(case.sample.condition)
    noise = np.random.default_rng(5).normal(size=(EVENTS, model.noise_size))
    noise = tf.constant(noise, tf.float32)
    whole = np.asarray(simulate(condition=condition, noise=noise)["response"])
    python = np.asarray(model([condition, noise]))
    flipped = int(_differ(whole, python, _tolerance(python)).sum())
    for row in (0, 11, EVENTS - 1):
        one = slice(row, row + 1)
        alone = simulate(condition=condition[one], noise=noise[one])["response"]
        flipped += int(_differ(alone, whole[one], _tolerance(whole)).sum())
    assert flipped <= case.flips


def check_bad_input(case: Case, model: Simulator, signatures: Any) -> None:
    """Conditions that are not finite and wrong shapes or types are errors."""
    simulate, from_noise = signatures["simulate"], signatures["simulate_from_noise"]
    condition = case.sample.condition[:4]
    noise = np.zeros((4, model.noise_size), np.float32)
    for value in (np.nan, np.inf, -np.inf):
        bad_condition, bad_noise = condition.copy(), noise.copy()
        bad_condition[2, 0] = bad_noise[2, 0] = value
        calls = [
            (simulate, {"condition": bad_condition, "seed": SEED}),
            (from_noise, {"condition": bad_condition, "noise": noise}),
            (from_noise, {"condition": condition, "noise": bad_noise}),
        ]
        for signature, inputs in calls:
            tensors = {name: tf.constant(array) for name, array in inputs.items()}
            with pytest.raises(tf.errors.InvalidArgumentError, match="not finite"):
                signature(**tensors)
    wrong = [
        (condition[:, :-1], SEED),
        (condition[0], SEED),
        (condition.astype(np.float64), SEED),
        (condition, np.array([7, 3, 1], np.int32)),
        (condition, SEED.astype(np.int64)),
    ]
    for values, seed in wrong:
        with pytest.raises(REFUSED):
            simulate(condition=tf.constant(values), seed=tf.constant(seed))
    for values, draws in ((condition, noise[:, 1:]), (condition[:3], noise)):
        with pytest.raises(REFUSED):
            from_noise(condition=tf.constant(values), noise=tf.constant(draws))
