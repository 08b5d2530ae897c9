"""The training step: what it draws, what it trains, what it reports."""

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from losses import penalties
from models.gans import conditional
from models.gans import conditional as gan_module
from tests.models.gans import small_gan
from tests.models.gans.small_gan import BATCH, batch, same, values


def _record(monkeypatch, owner, name, arguments):
    """Records some arguments of every call of a function that still does its work."""
    original = getattr(owner, name)
    calls = []

    def recorded(*received, **named):
        calls.append([np.array(received[index]) for index in arguments])
        return original(*received, **named)

    monkeypatch.setattr(owner, name, recorded)
    return calls


def test_every_critic_step_gets_events_of_its_own(monkeypatch):
    model = small_gan.gan(critic_steps=3)
    parts = _record(monkeypatch, model, "critic_step", (0, 1, 2, 3))
    data = batch(model)
    model.train_step(data)
    assert [int(number) for number, *_ in parts] == [0, 1, 2]
    for column, whole in enumerate(data, start=1):
        received = np.concatenate([part[column] for part in parts])
        np.testing.assert_array_equal(received, whole)
    assert len(np.unique(data[1], axis=0)) == 3 * BATCH


def test_every_critic_step_and_update_draws_noise_of_its_own(monkeypatch):
    model = small_gan.gan(critic_steps=2)
    calls = _record(monkeypatch, gan_module, "normal", (2,))
    for _ in range(3):
        model.train_step(batch(model))
    seeds = {tuple(seed) for (seed,) in calls}
    assert len(calls) == 3 * (2 + 1)
    assert len(seeds) == len(calls)


def test_the_same_seed_draws_the_same_noise_and_another_seed_another():
    def noise(seed):
        model = small_gan.gan(seed=seed)
        model.updates.assign(7)
        return np.array(model._noise(BATCH, 1))

    np.testing.assert_array_equal(noise(3), noise(3))
    assert not np.array_equal(noise(3), noise(4))


def test_interpolation_weights_are_uniform_with_one_per_shower(monkeypatch):
    model = small_gan.gan()
    calls = _record(monkeypatch, penalties, "gradient_penalty", (3,))
    response, condition, _ = batch(model)
    for part in range(50):
        model.updates.assign(part % 7)
        model._penalty(response, 0.0 * response, condition, part)
    mixing = np.stack([weights for (weights,) in calls])
    assert mixing.shape == (50, BATCH)
    assert np.all((mixing >= 0.0) & (mixing < 1.0))
    assert len(np.unique(mixing)) == mixing.size
    assert scipy.stats.kstest(mixing.ravel(), "uniform").pvalue > 0.01


@pytest.mark.parametrize("centre", [1.0, 0.0])
def test_the_penalty_is_centred_as_it_was_set(monkeypatch, centre):
    model = small_gan.gan(penalty_centre=centre)
    calls = _record(monkeypatch, penalties, "gradient_penalty", (4,))
    model.train_step(batch(model))
    assert np.ravel(calls) == [centre]


def test_the_report_is_the_mean_over_all_critic_steps_of_the_epoch(monkeypatch):
    model = small_gan.gan(critic_steps=3)
    tracked = _record(monkeypatch, model._trackers["penalty"], "update_state", (0,))
    for _ in range(2):
        report = model.train_step(batch(model))
    taken = [float(value) for (value,) in tracked]
    assert len(taken) == 6
    assert len(set(taken)) == 6
    np.testing.assert_allclose(report["penalty"], np.mean(taken), rtol=1e-5)


def test_two_models_share_no_metrics():
    first, second = small_gan.gan(), small_gan.gan()
    first.train_step(batch(first))
    assert all(float(metric.result()) == 0.0 for metric in second.metrics)
    assert any(float(metric.result()) != 0.0 for metric in first.metrics)
    assert not {id(m) for m in first.metrics} & {id(m) for m in second.metrics}


@pytest.mark.parametrize(
    ("critic_steps", "interval"), [(4, 1), (4, 2), (1, 2), (1, 3), (3, 2)]
)
def test_a_lazy_penalty_comes_with_more_weight(monkeypatch, critic_steps, interval):
    """In every n-th critic step of the whole training, not of one step of it."""
    model = small_gan.gan(
        critic_steps=critic_steps, penalty_interval=interval, penalty_weight=3.0
    )
    losses = []
    monkeypatch.setattr(
        conditional,
        "minimise",
        lambda loss, optimizer, variables: (
            losses.append((optimizer is model.critic_optimizer, float(loss()))) or 0.0
        ),
    )
    penalties_ = []
    penalty = model._penalty

    def recorded(*arguments):
        penalties_.append(float(tf.reduce_mean(value := penalty(*arguments))))
        return value

    monkeypatch.setattr(model, "_penalty", recorded)
    adversarial = _record(
        monkeypatch, model._trackers["critic_loss"], "update_state", [0]
    )
    updates = 6
    for _ in range(updates):
        report = model.train_step(batch(model))
    expected = np.ravel(adversarial)
    assert len(expected) == updates * critic_steps
    assert len(penalties_) == -(-len(expected) // interval)
    expected[::interval] += 3.0 * interval * np.array(penalties_)
    found = [loss for of_critic, loss in losses if of_critic]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    np.testing.assert_allclose(report["penalty"], np.mean(penalties_), rtol=1e-5)


def test_a_skipped_penalty_is_not_computed_in_a_graph(monkeypatch):
    model = small_gan.gan(penalty_interval=3, penalty_weight=3.0)
    computed = []
    penalty = model._penalty

    def counted(*arguments):
        tf.py_function(lambda: computed.append(True), [], [])
        return penalty(*arguments)

    monkeypatch.setattr(model, "_penalty", counted)
    step = tf.function(model.train_step)
    for taken in range(1, 8):
        step(batch(model))
        assert len(computed) == -(-taken // 3)


def test_a_penalty_in_no_step_is_refused():
    with pytest.raises(ValueError, match="penalty_interval must be at least 1, is 0"):
        small_gan.gan(penalty_interval=0)


def test_events_without_weight_train_nothing():
    model = small_gan.gan(penalty_weight=0.0)
    response, condition, weight = batch(model)
    before = values(model.trainable_variables)
    model.train_step((response, condition, 0.0 * weight))
    assert same(before, model.trainable_variables)
    model.train_step((response, condition, weight))
    assert not same(before, model.trainable_variables)


def test_constrainers_learn_from_physical_reference_responses_only(monkeypatch):
    constrainers = [small_gan.constrainer("energy", [0])]
    model = small_gan.gan(constrainers, critic_steps=2)
    learnt = _record(monkeypatch, model, "constrainer_step", (0, 1))
    response, condition, weight = batch(model)
    variables = constrainers[0].trainable_variables
    model.generator_step(response[:BATCH], condition[:BATCH], weight[:BATCH])
    before = values(variables)
    model.critic_step(0, response[:BATCH], condition[:BATCH], weight[:BATCH])
    assert same(before, variables)
    model.train_step((response, condition, weight))
    assert not same(before, variables)
    [(learnt_response, learnt_condition)] = learnt
    np.testing.assert_allclose(
        learnt_response, np.expm1(response[-BATCH:]), rtol=1e-5, atol=1e-6
    )
    np.testing.assert_array_equal(learnt_condition, condition[-BATCH:])


def test_what_constrainers_learn_does_not_depend_on_the_generator():
    learnt = []
    for scale in (1.0, 100.0):
        constrainers = [small_gan.constrainer("energy", [0])]
        model = small_gan.gan(constrainers)
        for index, variable in enumerate(constrainers[0].trainable_variables):
            variable.assign(0.1 * np.cos(index + np.arange(variable.value.numpy().size))
                            .reshape(variable.shape))  # fmt: skip
        for variable in model.generator.trainable_variables:
            variable.assign(scale * variable)
        for seed in range(3):
            model.train_step(batch(model, seed))
        learnt.append(values(constrainers[0].trainable_variables))
    for one, other in zip(*learnt, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_constraint_is_the_difference_of_the_errors_with_its_weight():
    constrainers = [
        small_gan.constrainer("energy", [0], weight=0.3),
        small_gan.constrainer("position", [1, 0], weight=2.0),
    ]
    model = small_gan.gan(constrainers)
    response, condition, weight = batch(model)
    taken = [model.generator_loss(response, condition, weight)]
    noise = model._noise(BATCH, model.critic_steps)
    fake = model.generator([condition, noise])
    expected = -np.mean(model.critic([fake, condition]))
    real, generated = np.expm1(response), np.expm1(fake)
    for constrainer in constrainers:
        label = 0.5 * condition.numpy()[:, constrainer.conditions]
        errors = [
            np.mean(np.sum((np.array(constrainer.network(x)) - label) ** 2, axis=1))
            for x in (real, generated)
        ]
        difference = abs(errors[0] - errors[1])
        report = model._trackers[f"{constrainer.name}_constraint"].result()
        np.testing.assert_allclose(report, difference, rtol=1e-4)
        expected += constrainer.weight * difference
    np.testing.assert_allclose(taken, [expected], rtol=1e-4)


def _losses(monkeypatch, model):
    """Lets no optimizer take a step, and records the losses they would get."""
    losses = []
    monkeypatch.setattr(
        conditional,
        "minimise",
        lambda loss, optimizer, variables: losses.append(float(loss())) or 0.0,
    )
    return losses


def test_tasks_add_their_weighted_errors_to_the_loss_of_the_critic_alone(monkeypatch):
    tasks = [small_gan.Task(0.3, name="mean"), small_gan.Task(2.0, name="again")]
    model = small_gan.gan(tasks=tasks, penalty_weight=0.0)
    losses = _losses(monkeypatch, model)
    report = model.train_step(batch(model))
    errors = [float(report[f"{task.name}_error"]) for task in tasks]
    assert min(errors) > 0.0
    assert errors[0] != errors[1]
    weighted = 0.3 * errors[0] + 2.0 * errors[1]
    expected = [report["critic_loss"] + weighted, report["generator_loss"]]
    np.testing.assert_allclose(losses, expected, rtol=1e-5)


def test_tasks_learn_from_physical_reference_responses_only(monkeypatch):
    tasks = [small_gan.Task(0.3, name="mean"), small_gan.Task(2.0, name="again")]
    model = small_gan.gan(tasks=tasks, critic_steps=2)
    _losses(monkeypatch, model)
    response, condition, weight = batch(model)
    outputs = np.asarray(model.judge(response, condition, training=False))
    model.train_step((response, condition, weight))
    for column, task in enumerate(tasks, start=1):
        parts = zip(*task.asked, strict=True)
        predicted, physical, conditions = (np.concatenate(part) for part in parts)
        np.testing.assert_allclose(predicted, outputs[:, column], rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(physical, np.expm1(response), rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(conditions, condition)


def test_what_a_task_regresses_is_neither_scored_nor_penalised(monkeypatch):
    model = small_gan.gan(tasks=[small_gan.Task(0.0, name="mean")])
    kernel, bias = model.critic.trainable_variables[-2:]
    losses = []
    for factor in (1.0, 100.0):
        kernel.assign(kernel * [[1.0, factor]])
        bias.assign([float(bias[0]), factor])
        with monkeypatch.context() as patch:
            losses.append(_losses(patch, model))
            model.train_step(batch(model))
        model.updates.assign(0)
    np.testing.assert_array_equal(*losses)


def test_the_first_column_is_what_the_generator_learns_from(monkeypatch):
    model = small_gan.gan(tasks=[small_gan.Task(1.0, name="mean")])
    losses = _losses(monkeypatch, model)
    response, condition, weight = batch(model)
    model.generator_step(response, condition, weight)
    fake = model.generator([condition, model._noise(BATCH, model.critic_steps)])
    scores = model.judge(fake, condition, training=False)[:, 0]
    np.testing.assert_allclose(losses, [-np.mean(scores)], rtol=1e-5)


def test_without_weight_no_penalty_is_computed(monkeypatch):
    model = small_gan.gan(penalty_weight=0.0)
    calls = _record(monkeypatch, penalties, "gradient_penalty", ())
    report = model.train_step(batch(model))
    assert calls == []
    assert float(report["penalty"]) == 0.0


@pytest.mark.parametrize("normalised", [False, True])
def test_the_ema_covers_every_variable(normalised):
    model = small_gan.gan(ema_decay=0.999, normalised=normalised)
    assert len(model.simulator.variables) == (8 if normalised else 4)
    for step in range(3):
        averages = values(model.simulator.variables)
        model.train_step(batch(model, seed=step))
        keep = (1.0 + step) / (10.0 + step)
        pairs = zip(averages, values(model.generator.variables), strict=True)
        for average, (old, new) in zip(model.simulator.variables, pairs, strict=True):
            np.testing.assert_allclose(
                average, keep * old + (1.0 - keep) * new, rtol=1e-5, atol=1e-7
            )
    assert not same(values(model.generator.variables), model.simulator.variables)


def test_the_ema_simulates():
    model = small_gan.gan(ema_decay=0.5)
    condition = tf.ones((2, small_gan.CONDITIONS))
    for variable in model.simulator.variables:
        variable.assign(tf.zeros(variable.shape))
    np.testing.assert_array_equal(
        model.simulate(condition, [1, 2]), np.zeros((2, 3, 2, 1))
    )
    for variable in model.generator.variables:
        variable.assign(tf.zeros(variable.shape))
    model.simulator.variables[-1].assign(tf.ones(model.simulator.variables[-1].shape))
    np.testing.assert_allclose(
        model.simulate(condition, [1, 2]), np.full((2, 3, 2, 1), np.expm1(1)), rtol=1e-6
    )


def test_there_is_no_ema_without_a_decay():
    model = small_gan.gan(ema_decay=0.0)
    assert model.simulator is model.generator


def test_constrainers_need_an_optimizer():
    model = small_gan.gan([small_gan.constrainer("energy", [0])])
    adam = keras.optimizers.Adam
    with pytest.raises(ValueError, match="constrainer_optimizer is required"):
        model.compile(adam(), adam())


def test_an_unknown_objective_is_refused():
    with pytest.raises(ValueError, match="unknown objective 'none'; known: "):
        small_gan.gan(objective="none")


@pytest.mark.parametrize("centre", [1.0, 0.0])
@pytest.mark.parametrize("objective", ["wasserstein", "bce", "hinge"])
def test_every_combination_takes_a_finite_step(objective, centre):
    model = small_gan.gan(objective=objective, penalty_centre=centre)
    before = values(model.trainable_variables)
    report = model.train_step(batch(model))
    assert all(np.isfinite(float(value)) for value in report.values())
    assert int(model.updates) == 1
    changed = {
        variable.path
        for value, variable in zip(before, model.trainable_variables, strict=True)
        if not np.array_equal(value, variable)
    }
    # Adding a constant to all scores changes no difference of scores.
    constant = {model.critic.trainable_variables[-1].path}
    assert changed | constant == {one.path for one in model.trainable_variables}
