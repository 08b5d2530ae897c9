"""The table of single choices of `cascade`."""

import numpy as np
import pytest

import models
from benchmarks import cascade_choices
from data.files import readers
from models.training import config


def _history(loss, moments):
    parts = {"total": -1.0, "moments": moments, "level_0": loss, "level_1": 2.0}
    columns = {name: np.array([9.0, value]) for name, value in parts.items()}
    validation = {f"val_{name}": values for name, values in columns.items()}
    return {**columns, **validation, "val_radius": np.ones(2), "level_0": np.ones(2)}


def test_the_bound_is_the_sum_of_the_factors_after_the_last_epoch():
    found = cascade_choices.bound(_history(3.0, 0.5), 1.0)
    parts = {"total": -1.0, "moments": 0.5, "level_0": 3.0, "level_1": 2.0}
    assert found == {"all": 4.5, **parts}


def test_a_blur_that_changes_nothing_does_not_change_the_bound():
    """Moments twice as far blurred, along and across, cost 2 ln 2 less density."""
    one = cascade_choices.bound(_history(3.0, 0.5), 0.02)
    two = cascade_choices.bound(_history(3.0, 0.5 + 2.0 * np.log(2.0)), 0.04)
    assert two["moments"] == pytest.approx(one["moments"])


def test_the_table_has_differences_from_the_unchanged_preset():
    base, other = (
        one for one in cascade_choices.choices()
        if one.folder in ("ecal_unchanged", "ecal_no_turns")
    )  # fmt: skip
    found = {
        base: [{"all": 10.0}, {"all": 12.0}],
        other: [{"all": 11.0}, {"all": 12.5}],
    }
    lines = cascade_choices.lines(found, "ecal")
    assert lines[2] == "| unchanged | 2 | 11.00 |"
    assert lines[3] == "| no turns | 2 | +0.75 ± 0.25 |"
    assert cascade_choices.lines(found, "hgcal") == []
    assert cascade_choices.lines({other: found[other]}, "ecal") == []


def test_every_row_is_a_setting_of_the_preset():
    rows = cascade_choices.choices()
    assert len({one.folder for one in rows}) == len(rows)
    for one in rows:
        text = [f"{name}={value}" for name, value in one.settings.items()]
        settings = config.resolve(models.load("cascade"), "quick", text)
        plain = config.resolve(models.load("cascade"), "quick")
        assert (settings == plain) == (not text)


def test_a_cut_sample_has_the_first_training_showers_alone(tmp_path):
    path = tmp_path / "cut.h5"
    cascade_choices.subset(path, "hgcal", 30)
    spec = readers.detect([str(path)])
    assert spec.name == "hgcal"
    whole = [cascade_choices.sample_of("hgcal")]
    cut = readers.read([str(path)], spec, split="train")
    assert len(cut) == 30
    first = readers.read(whole, spec, split="train").condition[:30]
    np.testing.assert_array_equal(cut.condition, first)
    # Not of one energy, or the cut would be no sample.
    assert len(np.unique(first[:, 0])) > 3
    for split in ("validation", "test"):
        counts = [
            len(readers.read(one, spec, split=split)) for one in ([str(path)], whole)
        ]
        assert counts[0] == counts[1]
