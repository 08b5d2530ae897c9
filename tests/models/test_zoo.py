"""The registry: every module of the folder is an entry."""

import dataclasses
import pathlib

import pytest

import models

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_every_module_is_an_entry():
    files = sorted((ROOT / "models").glob("*.py"))
    entries = tuple(file.stem for file in files if file.stem != "__init__")
    assert models.names() == entries
    assert "gans" not in models.names()


def test_an_unknown_entry_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"unknown model 'wgan'; known: .*wgan_constr"):
        models.load("wgan")


@pytest.mark.parametrize("name", ["gans", "gans.conditional", "../train", ""])
def test_what_is_not_an_entry_is_not_imported(name):
    with pytest.raises(ValueError, match="unknown model"):
        models.load(name)


@pytest.mark.parametrize("name", models.names())
def test_an_entry_offers_what_the_scripts_call(name):
    entry = models.load(name)
    assert dataclasses.is_dataclass(entry.Config)
    assert entry.Config.__dataclass_params__.frozen
    assert {"cpu", "quick" if name == "cascade" else "paper"} <= set(entry.PRESETS)
    assert callable(entry.build)
    assert callable(entry.compile_model)
    fields = {field.name for field in dataclasses.fields(entry.Config)}
    for preset in entry.PRESETS.values():
        assert set(preset) <= fields
        entry.Config(**preset)
