"""From texts to a typed configuration."""

import dataclasses
import json
import types

import pytest

from models.training import config


@dataclasses.dataclass(frozen=True)
class Config(config.TrainingConfig):
    width: int = 3
    rate: float = 0.5
    switch: bool = False
    name: str = "cpu"
    sizes: tuple[int, ...] = (1, 2)
    pairs: tuple[tuple[int, int], ...] = ((1, 2),)
    steps: int = 10


@dataclasses.dataclass(frozen=True)
class WithoutSteps(Config):
    least_steps = 0


ENTRY = types.SimpleNamespace(Config=Config, PRESETS={"cpu": {}, "paper": {"width": 7}})
WITHOUT_STEPS = types.SimpleNamespace(Config=WithoutSteps, PRESETS={"cpu": {}})


def test_a_preset_changes_the_defaults():
    assert config.resolve(ENTRY, "cpu") == Config()
    assert config.resolve(ENTRY, "paper") == Config(width=7)


@pytest.mark.parametrize(
    ("assignment", "value"),
    [
        ("width=9", 9),
        ("rate=2", 2.0),
        ("rate=1e-3", 1e-3),
        ("switch=true", True),
        ("name=log", "log"),
        ("name=3", "3"),
        ("name=a=b", "a=b"),
        ("sizes=[]", ()),
        ("sizes=[4, 5, 6]", (4, 5, 6)),
        ("pairs=[[3, 4], [5, 6]]", ((3, 4), (5, 6))),
    ],
)
def test_an_assignment_sets_one_field_in_its_type(assignment, value):
    name = assignment.partition("=")[0]
    resolved = config.resolve(ENTRY, "paper", [assignment])
    assert getattr(resolved, name) == value
    assert type(getattr(resolved, name)) is type(value)
    expected = dataclasses.replace(Config(width=7), **{name: value})
    assert resolved == expected


def test_the_last_assignment_counts():
    assert config.resolve(ENTRY, "cpu", ["width=1", "width=2"]).width == 2


@pytest.mark.parametrize(
    ("assignment", "wanted"),
    [
        ("width=1.5", "int"),
        ("width=true", "int"),
        ("width=wide", "int"),
        ("width=", "int"),
        ("rate=fast", "float"),
        ("rate=true", "float"),
        ("rate=NaN", "float"),
        ("rate=Infinity", "float"),
        ("switch=1", "bool"),
        ("switch=True", "bool"),
        ("sizes=3", r"tuple\[int, \.\.\.\]"),
        ("sizes=[1.5]", "tuple"),
        ("pairs=[[1, 2, 3]]", "tuple"),
        ("pairs=[1, 2]", "tuple"),
    ],
)
def test_a_value_of_another_type_is_refused(assignment, wanted):
    name, _, text = assignment.partition("=")
    with pytest.raises(ValueError, match=f"--set={name}: .* not of type {wanted}") as e:
        config.resolve(ENTRY, "cpu", [assignment])
    assert repr(text) in str(e.value)
    assert "\n" not in str(e.value)


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="--set=lambda: no such setting; known: a"):
        config.resolve(ENTRY, "cpu", ["lambda=5"])


def test_an_assignment_needs_an_equals_sign():
    with pytest.raises(ValueError, match="--set=width: expected name=value"):
        config.resolve(ENTRY, "cpu", ["width"])


def test_an_unknown_preset_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="unknown preset 'gpu'; known: cpu, paper"):
        config.resolve(ENTRY, "gpu")


@pytest.mark.parametrize("name", ["steps", "epoch_steps", "batch_size"])
def test_nothing_can_be_trained_with_zero(name):
    with pytest.raises(ValueError, match=f"{name} must be at least 1, is 0"):
        config.resolve(ENTRY, "cpu", [f"{name}=0"])


def test_steps_may_be_0_where_a_phase_is_a_whole_training():
    assert config.resolve(WITHOUT_STEPS, "cpu", ["steps=0"]).steps == 0
    with pytest.raises(ValueError, match="steps must be at least 0, is -1"):
        config.resolve(WITHOUT_STEPS, "cpu", ["steps=-1"])


@pytest.mark.parametrize("name", ["epoch_steps", "batch_size"])
def test_the_other_numbers_must_not_be_0_there(name):
    with pytest.raises(ValueError, match=f"{name} must be at least 1, is 0"):
        config.resolve(WITHOUT_STEPS, "cpu", [f"{name}=0"])


@pytest.mark.parametrize("seed", [-1, 2**31, 10**30])
def test_a_seed_has_31_bits(seed):
    with pytest.raises(ValueError, match=f"seed must be from 0 to .*, is {seed}"):
        config.resolve(ENTRY, "cpu", [f"seed={seed}"])


def test_json_holds_the_whole_configuration():
    document = config.as_json(Config())
    assert set(document) == {field.name for field in dataclasses.fields(Config)}
    assert json.loads(json.dumps(document)) == document
    assert document["pairs"] == [[1, 2]]
