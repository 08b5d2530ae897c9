"""Checkpoints: whole or not there, and everything that a run needs is in them."""

import csv
import errno
import os

import numpy as np
import pytest

from models.training.checkpoint import Checkpoints
from tests.models.gans import small_gan
from tests.models.gans.small_gan import batch, same, values


def _model(**settings):
    constrainers = [small_gan.constrainer("energy", [0])]
    return small_gan.gan(constrainers, ema_decay=0.9, **settings)


def _change(model, epoch):
    """Gives every variable values that belong to an epoch."""
    for index, variable in enumerate(model.state_variables()):
        variable.assign(np.full(variable.shape, 100 * epoch + index))
    return {"loss": epoch / 3.0}


def _train(model, checkpoints, first, last, step=_change):
    checkpoints.set_model(model)
    for epoch in range(first, last):
        checkpoints.on_epoch_end(epoch, step(model, epoch))


def _files(workdir):
    return sorted(path.name for path in (workdir / "checkpoints").iterdir())


@pytest.fixture
def trained(tmp_path):
    """A model after two epochs, and its folder."""
    model = _model()
    checkpoints = Checkpoints(tmp_path)
    assert checkpoints.restore(model) == 0
    _train(model, checkpoints, 0, 2)
    return model, checkpoints


def test_a_restored_model_goes_on_as_if_it_had_never_stopped(tmp_path):
    def step(model, epoch):
        for metric in model.metrics:
            metric.reset_state()
        return model.train_step(batch(model, seed=epoch))

    model, checkpoints = _model(), Checkpoints(tmp_path)
    assert checkpoints.restore(model) == 0
    _train(model, checkpoints, 0, 2, step)
    other, restored = _model(), Checkpoints(tmp_path)
    _change(other, 5)
    assert restored.restore(other) == 2
    assert same(values(model.state_variables()), other.state_variables())
    assert int(other.updates) == 2

    _train(model, checkpoints, 2, 4, step)
    history = (tmp_path / "history.csv").read_bytes()
    _train(other, restored, 2, 4, step)
    assert same(values(model.state_variables()), other.state_variables())
    assert (tmp_path / "history.csv").read_bytes() == history
    rows = list(csv.DictReader(history.decode().splitlines()))
    assert [row["epoch"] for row in rows] == ["0", "1", "2", "3"]


def test_the_state_holds_weights_ema_optimizers_and_the_step():
    model = _model()
    state = {id(variable) for variable in model.state_variables()}
    owners = [model.generator, model.simulator, model.critic, *model.constrainers]
    owners += [model.generator_optimizer, model.critic_optimizer]
    owners += [model.constrainer_optimizer]
    for owner in owners:
        assert owner.variables
        assert state.issuperset(id(variable) for variable in owner.variables)
    assert id(model.updates) in state
    assert len(state) == len(model.state_variables())


def test_the_last_two_are_kept(trained, tmp_path):
    _train(*trained, 2, 5)
    assert _files(tmp_path) == ["epoch-000004.npz", "epoch-000005.npz"]


@pytest.mark.parametrize("half", [b"", b"PK half a checkpoint"])
def test_a_full_disk_keeps_the_old_checkpoint(trained, tmp_path, monkeypatch, half):
    model, checkpoints = trained
    before = {name: (tmp_path / "checkpoints" / name).read_bytes()
              for name in _files(tmp_path)}  # fmt: skip
    history = (tmp_path / "history.csv").read_bytes()

    def full(handle, **arrays):
        handle.write(half)
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", full)
        with pytest.raises(OSError, match="No space left"):
            _train(model, checkpoints, 2, 3)
    assert _files(tmp_path) == list(before)
    for name, content in before.items():
        assert (tmp_path / "checkpoints" / name).read_bytes() == content
    assert (tmp_path / "history.csv").read_bytes() == history
    assert Checkpoints(tmp_path).restore(_model()) == 2


def test_half_a_file_of_a_killed_run_does_no_harm(trained, tmp_path):
    folder = tmp_path / "checkpoints"
    (folder / ".epoch-000003.npz.partial").write_bytes(b"PK half a checkpoint")
    model = _model()
    checkpoints = Checkpoints(tmp_path)
    assert checkpoints.restore(model) == 2
    assert same(values(trained[0].state_variables()), model.state_variables())
    _train(model, checkpoints, 2, 3)
    assert _files(tmp_path) == ["epoch-000002.npz", "epoch-000003.npz"]


def test_a_history_that_was_not_written_any_more_is_written_again(trained, tmp_path):
    path = tmp_path / "history.csv"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    Checkpoints(tmp_path).restore(_model())
    assert path.read_bytes() == whole


def test_the_history_keeps_every_digit(tmp_path):
    model = _model()
    checkpoints = Checkpoints(tmp_path)
    checkpoints.restore(model)
    checkpoints.set_model(model)
    numbers = {"a": 1.0 / 3.0, "b": float(np.float32(0.1)), "c": 1e-300}
    checkpoints.on_epoch_end(0, numbers)
    again = Checkpoints(tmp_path)
    again.restore(model)
    assert again.history == [numbers]
    [row] = csv.DictReader((tmp_path / "history.csv").read_text().splitlines())
    assert {name: float(row[name]) for name in numbers} == numbers


def _damage_truncate(path):
    path.write_bytes(path.read_bytes()[:-200])


def _damage_bytes(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(bytes(content))


def _damage_text(path):
    path.write_text("not an archive")


def _damage_other(path):
    with path.open("wb") as handle:
        np.savez(handle, unrelated=np.zeros(3))


def _restored(tmp_path, model):
    """Restores a model; returns the finished epochs and the lines that were said."""
    said = []
    return Checkpoints(tmp_path, said.append).restore(model), said


@pytest.mark.parametrize(
    "damage", [_damage_truncate, _damage_bytes, _damage_text, _damage_other]
)
def test_after_a_damaged_checkpoint_the_one_before_is_taken(trained, tmp_path, damage):
    path = tmp_path / "checkpoints/epoch-000002.npz"
    whole = path.read_bytes()
    damage(path)
    model = _model()
    done, (line,) = _restored(tmp_path, model)
    assert done == 1
    assert line.startswith(f"{path} is damaged (")
    assert line.endswith("; going on from epoch-000001.npz")
    assert "\n" not in line
    assert float(np.ravel(model.state_variables()[3])[0]) == 3.0
    # What the next epoch writes takes its place, with the same bytes.
    checkpoints = Checkpoints(tmp_path)
    checkpoints.restore(model)
    _train(model, checkpoints, 1, 2)
    assert path.read_bytes() == whole
    assert _files(tmp_path) == ["epoch-000001.npz", "epoch-000002.npz"]


def test_no_flipped_byte_is_overlooked(trained, tmp_path):
    path, model = tmp_path / "checkpoints/epoch-000002.npz", _model()
    whole = path.read_bytes()
    places = np.linspace(0, len(whole) - 1, 40).astype(int)
    for place in [*places, *range(len(whole) - 4, len(whole))]:
        content = bytearray(whole)
        content[place] ^= 0x10
        path.write_bytes(bytes(content))
        assert _restored(tmp_path, model)[0] == 1, place


def test_a_checkpoint_from_before_there_were_checksums_is_read(trained, tmp_path):
    path = tmp_path / "checkpoints/epoch-000002.npz"
    with np.load(path) as archive:
        arrays = dict(archive)
    with path.open("wb") as handle:
        np.savez(handle, **arrays)
    assert _restored(tmp_path, _model()) == (2, [])
    _damage_bytes(path)
    assert _restored(tmp_path, _model())[0] == 1


def test_without_a_good_checkpoint_nothing_begins_anew_by_itself(trained, tmp_path):
    for name in _files(tmp_path):
        _damage_text(tmp_path / "checkpoints" / name)
    with pytest.raises(ValueError, match=r"no checkpoint is left; remove .*") as error:
        _restored(tmp_path, _model())
    assert "\n" not in str(error.value)


def test_a_clock_that_goes_back_changes_nothing(trained, tmp_path, monkeypatch):
    """The newest checkpoint is the one with the highest number."""
    clock = iter(range(10**9, 0, -3600))
    monkeypatch.setattr("time.time", lambda: float(next(clock)))
    model, checkpoints = trained
    _train(model, checkpoints, 2, 3)
    for age, name in enumerate(_files(tmp_path)):
        os.utime(tmp_path / "checkpoints" / name, (10**9 - age * 3600,) * 2)
    other = _model()
    assert _restored(tmp_path, other) == (3, [])
    assert same(values(model.state_variables()), other.state_variables())


def test_a_checkpoint_of_other_networks_is_refused(trained, tmp_path):
    other = small_gan.gan([small_gan.constrainer("energy", [0, 1])], ema_decay=0.9)
    before = values(other.state_variables())
    with pytest.raises(ValueError, match=r"epoch-000002\.npz does not fit"):
        Checkpoints(tmp_path).restore(other)
    assert same(before, other.state_variables())


def test_a_checkpoint_of_a_larger_model_is_refused(trained, tmp_path):
    with pytest.raises(ValueError, match=r"epoch-000002\.npz .*not a checkpoint"):
        Checkpoints(tmp_path).restore(small_gan.gan())
