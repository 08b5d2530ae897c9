"""The guard against values that are not finite, and the progress bar."""

import math
import types

import pytest

from models.training.progress import NonFiniteError, NonFiniteGuard, Progress


@pytest.fixture
def guard():
    """A guard of a model at step 12."""
    guard = NonFiniteGuard()
    guard.set_model(types.SimpleNamespace(updates=12))
    return guard


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["loss", "penalty", "energy_loss", "critic_loss"])
def test_any_value_that_is_not_finite_stops_the_training(guard, name, value):
    logs = {"generator_loss": 1.0, name: value, "val_wasserstein": 2.0}
    with pytest.raises(NonFiniteError, match=f"{name} is {value} at step 12"):
        guard.on_train_batch_end(3, logs)


def test_a_response_that_is_not_finite_stops_before_the_checkpoint(guard):
    with pytest.raises(NonFiniteError, match="val_wasserstein is nan at step 12"):
        guard.on_epoch_end(3, {"loss": 0.0, "val_wasserstein": math.nan})


@pytest.mark.parametrize("logs", [None, {}, {"loss": -1e30, "penalty": 0.0}])
def test_finite_values_pass(guard, logs):
    guard.on_train_batch_end(3, logs)
    guard.on_epoch_end(3, logs)


def test_the_bar_reaches_its_end(capsys):
    bar = Progress(2)
    for _ in range(2):
        bar.on_train_batch_end(0, {"critic_loss": 1.25, "penalty": 7.0})
    shown = capsys.readouterr().out
    assert "2/2" in shown
    assert "critic_loss: 1.2500" in shown
    assert "penalty" not in shown
