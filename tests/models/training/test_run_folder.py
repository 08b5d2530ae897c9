"""The folder of a run belongs to one run."""

import dataclasses
import json
import resource

import keras
import numpy as np
import pytest

from data import detectors
from models.training import run_folder
from tests.models.gans import small_gan
from tests.models.gans.small_gan import same, values


@dataclasses.dataclass(frozen=True)
class Config:
    width: int = 3
    sizes: tuple[tuple[int, int], ...] = ((1, 2),)


SPEC = detectors.get("hgcal")


@pytest.fixture
def claim(tmp_path):
    """Claims a folder, by default always as the same run."""
    (tmp_path / "data.h5").write_bytes(b"events")
    (tmp_path / "more.h5").write_bytes(b"Events")

    def claim(model="some_gan", config=None, spec=SPEC, data=("data.h5",)):
        paths = [str(tmp_path / name) for name in data]
        run_folder.claim(tmp_path / "runs/some", model, config or Config(), spec, paths)

    return claim


def _document(tmp_path):
    return json.loads((tmp_path / "runs/some/config.json").read_text())


def test_the_first_run_describes_itself(claim, tmp_path):
    claim("some_gan/paper")
    document = _document(tmp_path)
    assert document["model"] == "some_gan"
    assert document["detector"] == "hgcal"
    assert document["config"] == {"width": 3, "sizes": [[1, 2]]}
    assert {"fastsim_zoo", "tensorflow", "keras"} <= set(document["versions"])


def test_the_same_run_may_come_back(claim, tmp_path):
    claim()
    before = _document(tmp_path)
    claim()
    claim("some_gan/cpu")
    assert _document(tmp_path) == before


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        ({"model": "other_gan"}, "model"),
        ({"config": Config(width=4)}, "width"),
        ({"config": Config(sizes=((1, 3),))}, "sizes"),
        ({"spec": dataclasses.replace(SPEC, name="ecal")}, "detector"),
        ({"data": ("more.h5",)}, "data"),
        ({"data": ("data.h5", "more.h5")}, "data"),
    ],
)
def test_another_run_is_refused(claim, tmp_path, other, difference):
    claim()
    before = _document(tmp_path)
    with pytest.raises(
        ValueError,
        match=rf"another run \(some_gan\), different in: {difference}; choose",
    ):
        claim(**other)
    assert _document(tmp_path) == before


@pytest.mark.parametrize("text", ["", "{", "[]", '{"model": "some_gan"}', "null"])
def test_a_damaged_description_is_named(claim, tmp_path, text):
    claim()
    path = tmp_path / "runs/some/config.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"config\.json is damaged") as error:
        claim()
    assert "\n" not in str(error.value)
    assert path.read_text() == text


def test_the_data_are_known_by_their_first_and_last_megabyte(tmp_path):
    path = tmp_path / "data.h5"
    content = bytearray(3 * 2**20)
    path.write_bytes(content)
    first = run_folder._fingerprint([str(path)])
    assert run_folder._fingerprint([str(path)]) == first
    for place in (0, -1):
        changed = bytearray(content)
        changed[place] = 1
        path.write_bytes(changed)
        assert run_folder._fingerprint([str(path)]) != first
    path.write_bytes(content + b"\0")
    assert run_folder._fingerprint([str(path)]) != first


def test_a_few_energies_are_beam_energies_and_many_are_not():
    few = run_folder.description("some_gan", np.array([20.0, 90.0], np.float32))
    assert few["trained_energies_gev"] == [20.0, 90.0]
    many = run_folder.description(
        "some_gan", np.linspace(1, 100, 500, dtype=np.float32)
    )
    assert "trained_energies_gev" not in many
    json.dumps([few, many])


def test_a_full_disk_keeps_the_model_of_before(tmp_path):
    model = small_gan.gan()
    run_folder.save(model, tmp_path)
    before = (tmp_path / "model.keras").read_bytes()
    model.train_step(small_gan.batch(model))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, limits[1]))
    try:
        with pytest.raises(OSError, match=r"[Ff]ile too large"):
            run_folder.save(model, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [path.name for path in tmp_path.iterdir()] == ["model.keras"]
    assert (tmp_path / "model.keras").read_bytes() == before


def test_the_model_is_saved_with_its_optimizers_and_nothing_else_remains(tmp_path):
    model = small_gan.gan([small_gan.constrainer("energy", [0])], ema_decay=0.9)
    for epoch in range(2):
        model.train_step(small_gan.batch(model, seed=epoch))
        run_folder.save(model, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["model.keras"]
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert same(values(model.state_variables()), loaded.state_variables())


def test_a_run_begun_when_replicas_drew_their_own_noise_is_recognised(claim, tmp_path):
    claim()
    folder = tmp_path / "runs/some"
    assert not run_folder.has_old_noise(folder)
    document = _document(tmp_path)
    del document["noise"]
    (folder / "config.json").write_text(json.dumps(document))
    claim()
    assert run_folder.has_old_noise(folder)
