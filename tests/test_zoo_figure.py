"""The figure of the zoo shows what is stored of its pretrained models."""

import json
from pathlib import Path

import PIL.Image
import pytest

from benchmarks import zoo_table
from benchmarks.shared import quality_against_time, reference_time, setup

ROOT = Path(__file__).parents[1]


def _store(folder, auc, threads=2, batch=512):
    """Writes what is stored of a pretrained model."""
    folder.mkdir()
    metric = {"value": auc, "uncertainty": 0.25}
    (folder / "metrics.json").write_text(
        json.dumps({"metrics": {"classifier_auc_cells": metric}})
    )
    time = {"low": 1.0, "median": 2.0, "high": 3.0}
    batches = {str(batch): {"ms_per_shower": {setup.SIMULATE: time}}}
    (folder / "speed.json").write_text(
        json.dumps({"threads": threads, "batches": batches})
    )


def test_the_points_of_quality_against_time(tmp_path):
    _store(tmp_path / "cascade_ecal", 0.75)
    _store(tmp_path / "cascade_hgcal", 0.625)
    _store(tmp_path / "sagan", 0.875, batch=64)  # Of another batch: no point.
    found = quality_against_time.points(tmp_path)
    point = quality_against_time.ZooPoint
    assert found == {
        "ecal": [point("cascade", (1.0, 2.0, 3.0), 2, 0.75, 0.25)],
        "hgcal": [point("cascade", (1.0, 2.0, 3.0), 2, 0.625, 0.25)],
    }
    panels = quality_against_time.quality_against_time(found).axes
    for axes, detector in zip(panels, found, strict=True):
        floor, geant4, published, measured = axes.lines[:4]
        assert [*floor.get_ydata()] == [0.5, 0.5]
        cpu_ms = reference_time.recorded(detector).ms_per_shower
        assert [*geant4.get_xdata()] == [cpu_ms / 2] * 2
        assert [*published.get_xdata()] == [reference_time.PUBLISHED[detector][1]]
        assert published.get_markerfacecolor() == "none"
        assert measured.get_xydata().tolist() == [[2.0, found[detector][0].auc]]


def test_times_of_different_threads_are_not_compared(tmp_path):
    with pytest.raises(ValueError, match="no pretrained model"):
        quality_against_time.quality_against_time(quality_against_time.points(tmp_path))
    _store(tmp_path / "cascade_ecal", 0.75)
    _store(tmp_path / "aux_regressor", 0.75, threads=4)
    points = quality_against_time.points(tmp_path)
    with pytest.raises(ValueError, match="models of ecal were timed with different"):
        quality_against_time.quality_against_time(points)


def test_the_figure_of_the_readme_has_the_stored_numbers():
    found = quality_against_time.points(ROOT / "pretrained")
    assert {point.name for some in found.values() for point in some} >= {"cascade"}
    with PIL.Image.open(zoo_table.QUALITY) as image:
        stored = {name: text for name, text in image.text.items() if "zoo" in name}
    assert stored == quality_against_time.texts(found), "zoo_table --write draws it"
