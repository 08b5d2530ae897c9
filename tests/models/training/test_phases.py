"""Phases: what is learnt, what is drawn, and how an interrupted one goes on."""

import csv
import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from data import detectors
from data.events import Sample
from data.transforms.cell_energy import Identity
from models.gans.gan_config import GANConfig
from models.networks.building_blocks import normal
from models.training import progress
from models.training.config import TrainingConfig
from models.training.phases import Phase, Pretraining
from models.training.trainer import Training
from tests.models.gans import small_gan
from tests.models.gans.small_gan import same, values

SHAPE = (3, 2, 1)
SLOPE, OFFSET = 3.0, 1.0
JITTER = 0.1
EVENTS, BATCH = 24, 8
EPOCHS, EPOCH_STEPS = 3, 4
CELLS = np.ones(SHAPE, bool)
SPEC = detectors.DetectorSpec(
    name="line",
    shape=SHAPE,
    response_name="cell energy",
    unit="MeV",
    lower_bound=None,
    condition_names=("x", "y"),
    condition_units=("cm", "cm"),
    domain=(),
    cells=CELLS,
    dead_cells=~CELLS,
    positions_cm=np.zeros((*SHAPE, 3), np.float32),
)


class Line(Pretraining):
    """Fits mean(response) = slope x + offset, the labels a little off at random.

    It also counts its steps in a variable that no gradient changes, as the moments of
    a normalisation are.
    """

    def __init__(self, rate=0.1, seed=3):
        names = ("slope", "offset")
        line = [keras.Variable(0.0, dtype="float32", name=name) for name in names]
        super().__init__(line, seed)
        self.counted = self.add_weight(shape=(), initializer="zeros", trainable=False)
        self.compile(keras.optimizers.Adam(rate), jit_compile=False)

    def names(self):
        """See `Pretraining.names`."""
        return ["loss", "error"]

    def terms(self, encoded, condition, seed, training):
        """See `Pretraining.terms`."""
        slope, offset = self.trained
        if training:
            self.counted.assign_add(1.0)
        label = tf.reduce_mean(encoded, axis=[1, 2, 3])
        label += JITTER * normal(tf.shape(label)[0], 1, seed)[:, 0]
        error = (slope * condition[:, 0] + offset - label) ** 2
        ridge = 1e-6 * tf.square(slope)
        return {"loss": error + ridge, "error": error}


class Killed(Exception):
    """Stands for the end of the process."""


@pytest.fixture(autouse=True)
def _determinism():
    tf.config.experimental.enable_op_determinism()


def _sample(seed=1):
    random = np.random.default_rng(seed)
    condition = random.uniform(-1.0, 1.0, (EVENTS, 2)).astype(np.float32)
    line = SLOPE * condition[:, 0] + OFFSET
    response = line.reshape(-1, 1, 1, 1) + random.normal(size=(EVENTS, *SHAPE))
    response += (line - response.mean(axis=(1, 2, 3))).reshape(-1, 1, 1, 1)
    return Sample(response.astype(np.float32), condition)


def _element(sample):
    weight = np.ones(len(sample.condition), np.float32)
    return tuple(map(tf.constant, (sample.response, sample.condition, weight)))


def _error(model, step, element):
    """Returns the error that one step alone reports."""
    for metric in model.metrics:
        metric.reset_state()
    return float(step(element)["error"])


def _training(workdir, say=lambda line: None, **changes):
    settings = {
        "mask": "mask_full", "batch_size": BATCH, "epoch_steps": EPOCH_STEPS,
        "steps": 0, "augment": False, "seed": 7, **changes,
    }  # fmt: skip
    settings = TrainingConfig(**settings)
    transform = Identity()
    return Training(settings, _sample(), _sample(2), SPEC, transform, workdir, say)


def _phase(model, finished=None, steps=EPOCHS * EPOCH_STEPS):
    finished = [] if finished is None else finished
    return Phase("line", model, steps, lambda: finished.append(values(model.trained)))


def _history(workdir):
    return (workdir / "phases/line/history.csv").read_bytes()


def _content(folder):
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path: path.read_bytes() for path in files}


def test_the_optimum_is_found(tmp_path):
    model = Line()
    _training(tmp_path).run(None, [_phase(model, steps=200)])
    np.testing.assert_allclose(values(model.trained), [SLOPE, OFFSET], atol=0.1)
    rows = list(csv.DictReader(_history(tmp_path).decode().splitlines()))
    assert [int(row["epoch"]) for row in rows] == list(range(200 // EPOCH_STEPS))
    losses = [float(row["loss"]) for row in rows]
    assert losses[0] > 1.0
    # What is left is the square of the jitter.
    assert np.mean(losses[-10:]) == pytest.approx(JITTER**2, rel=0.5)
    assert all(float(row["val_error"]) < 0.1 for row in rows[-10:])


def test_a_step_is_one_of_the_optimizer():
    """The first one of Adam is the rate, against the sign of the gradient."""
    model = Line(rate=0.25)
    terms = model.train_step(_element(_sample()))
    np.testing.assert_allclose(values(model.trained), [0.25, 0.25], rtol=1e-4)
    assert int(model.updates) == 1
    assert set(terms) == {"loss", "error"}


def test_everything_random_depends_on_seed_and_step_alone():
    element = _element(_sample())

    def errors(seed, steps=3):
        model = Line(rate=0.0, seed=seed)
        return [_error(model, model.train_step, element) for _ in range(steps)]

    assert errors(1) == errors(1)
    assert len({*errors(1), *errors(2)}) == 6


def test_a_measurement_changes_nothing():
    model = Line()
    element = _element(_sample())
    model.train_step(element)
    before = values(model.state_variables())
    first = _error(model, model.test_step, element)
    assert _error(model, model.test_step, element) == first
    assert same(before, model.state_variables())


def test_the_state_holds_all_that_a_phase_changes():
    model = Line()
    state = {id(variable) for variable in model.state_variables()}
    assert len(state) == len(model.state_variables())
    wanted = [*model.trained, model.counted, model.updates, *model.trainer.variables]
    assert state == {id(variable) for variable in wanted}
    model.train_step(_element(_sample()))
    assert model.metrics
    assert len(model.state_variables()) == len(state)


def _kill_in_step(patch, number):
    """Lets the process end in some step; the epoch before is the last one kept."""
    end = progress.Progress.on_train_batch_end
    steps = iter(range(1, 1000))

    def count(self, batch, logs=None):
        end(self, batch, logs)
        if next(steps) == number:
            raise Killed

    patch.setattr(progress.Progress, "on_train_batch_end", count)


def test_a_killed_phase_ends_bit_identical(tmp_path, monkeypatch):
    whole, pieces = tmp_path / "whole", tmp_path / "pieces"
    never_killed = Line()
    _training(whole).run(None, [_phase(never_killed)])

    finished = []
    with monkeypatch.context() as patch:
        _kill_in_step(patch, EPOCH_STEPS + 2)
        with pytest.raises(Killed):
            _training(pieces).run(None, [_phase(Line(), finished)])
    assert not finished
    assert len(_history(pieces).splitlines()) == 2
    resumed = Line()
    _training(pieces).run(None, [_phase(resumed, finished)])
    expected = values(never_killed.state_variables())
    assert same(expected, resumed.state_variables())
    assert _history(whole) == _history(pieces)
    assert float(resumed.counted) == EPOCHS * EPOCH_STEPS
    assert len(finished) == 1


def test_a_finished_phase_is_skipped_and_finished_again(tmp_path):
    model, finished, said = Line(), [], []
    _training(tmp_path).run(None, [_phase(model, finished)])
    before = _content(tmp_path)
    again = Line()
    _training(tmp_path, said.append).run(None, [_phase(again, finished)])
    assert _content(tmp_path) == before
    assert "is finished" in said[-1]
    assert same(values(model.state_variables()), again.state_variables())
    # Whatever needs the weights finds the final ones, not those of a new model.
    assert len(finished) == 2
    assert finished[0] == finished[1] != values(Line().trained)


def test_the_adversarial_training_begins_after_the_phases(tmp_path, monkeypatch):
    order = []
    settings = GANConfig(steps=2, batch_size=4, critic_steps=3)
    training = dataclasses.replace(_training(tmp_path), settings=settings)
    gan = small_gan.gan()

    def fit(self, model, steps, folder, rows, simulate):
        order.append((model, steps, folder, rows, simulate))

    monkeypatch.setattr(Training, "fit", fit)
    phase = Phase("line", Line(), 5, lambda: order.append("finished"))
    training.run(gan, [phase])
    assert order == [
        (phase.model, 5, tmp_path / "phases/line", 4, None),
        "finished",
        (gan, 2, tmp_path, 12, gan.simulate),
    ]


def test_without_adversarial_steps_there_is_no_such_history(tmp_path):
    gan = small_gan.gan()
    before = values(gan.state_variables())
    _training(tmp_path).run(gan, [_phase(Line())])
    assert [path.name for path in tmp_path.iterdir()] == ["phases"]
    assert same(before, gan.state_variables())
