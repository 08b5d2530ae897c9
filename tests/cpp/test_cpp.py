"""The C++ loader and its example: against Python, and against bad input."""

import importlib
import os
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

import models
from models.training.exports.simulator_export import export_simulator
from tests import contract
from tests.cpp.programs import (
    EVENTS,
    ROOT,
    Model,
    needs_compiler,
    run,
    run_program_of_the_readme,
    simulate_in_python,
)
from tests.cpp.stand_in import export_stand_in

pytestmark = needs_compiler

# The models to call, each with one event's conditions inside its trained range:
# "stand_in", or the directory of a SavedModel below the repository's root.
MODELS = {
    "stand_in": (0.5, -0.5, 0.1),
    "pretrained/wgan_constrained/saved_model": (32.0, 0.5, -0.5),
}


@pytest.fixture(scope="module", params=MODELS)
def model(request, tmp_path_factory):
    """Returns each model of `MODELS` in turn."""
    path = ROOT / request.param
    if request.param == "stand_in":
        path = tmp_path_factory.mktemp("stand_in") / "saved_model"
        export_stand_in(path)
    return Model(path, MODELS[request.param])


@pytest.fixture
def simulate(build, model, tmp_path):
    """Returns a function that runs the example on a table or a text."""

    def call(conditions, *flags, saved_model=model.path, output="out.csv"):
        path = tmp_path / "in.csv"
        if isinstance(conditions, str):
            path.write_text(conditions)
        elif conditions is not None:
            np.savetxt(path, conditions, fmt="%.9g", delimiter=",")
        words = [build.directory / "simulate", saved_model, path, tmp_path / output]
        return subprocess.run(
            [str(word) for word in (*words, *flags)],
            capture_output=True,
            text=True,
            check=False,
        )

    return call


def _entries():
    """Returns every other entry with a configuration that is built quickly."""
    for name in models.names():
        if models.load(name).DETECTOR != "hgcal":
            module = importlib.import_module(f"tests.models.test_{name}")
            yield pytest.param(name, module.TINY, id=name)


@pytest.mark.parametrize(("name", "tiny"), list(_entries()))
def test_every_entry_answers_like_python(build, tmp_path, name, tiny):
    """The entries of the HGCAL prototype are tested as the pretrained model."""
    case = contract.make_case(name, tiny, models.load(name).DETECTOR)
    path = tmp_path / "saved_model"
    export_simulator(case.build(), case.spec, case.settings.mask, path, {})
    conditions = case.sample.condition[:EVENTS]
    np.savetxt(tmp_path / "in.csv", conditions, fmt="%.9g", delimiter=",")
    files = tmp_path / "in.csv", tmp_path / "out.csv"
    run(build.directory / "simulate", path, *files, "--seed", 7, -3)
    table = np.loadtxt(files[1], delimiter=",", dtype=np.float32)
    asked = Model(path, ())
    expected, in_domain = simulate_in_python(asked, conditions, (7, -3), EVENTS)
    np.testing.assert_array_equal(table[:, 0], in_domain)
    assert np.all(np.any(expected != 0, axis=1))
    largest = np.abs(expected).max(axis=1, keepdims=True)
    assert np.max(np.abs(table[:, 1:] - expected) / largest) <= 4e-6


def _check_refusal(done, words):
    """Checks status 2 and one line of ours, after what TensorFlow may write."""
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    ours = [line for line in done.stderr.splitlines() if line.startswith("simulate: ")]
    assert len(ours) == 1
    assert done.stderr.endswith(f"{ours[0]}\n")
    assert words in ours[0]


@pytest.mark.parametrize(
    ("threads", "batch"), [(1, EVENTS), (2, EVENTS), (1, 4), (2, 4)]
)
def test_example_equals_python(simulate, model, tmp_path, threads, batch):
    """Whatever the threads, and if the batch does not divide the events."""
    conditions = model.conditions()
    conditions[3] *= 1e3
    flags = ("--seed", 7, -3, "--threads", threads, "--batch", batch)
    done = simulate(conditions, *flags)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(
        rf"{EVENTS} events in [\d.]+ s of simulation, [\d.]+ ms/event\n", done.stdout
    )
    assert re.search(r"^the first call: [\d.]+ us$", done.stderr, re.M)
    more = re.findall(
        r"^(\d+) more calls: mean [\d.]+ us/call, [\d.]+ us/event$", done.stderr, re.M
    )
    assert more == ([] if batch == EVENTS else [str(-(-EVENTS // batch) - 1)])
    table = np.loadtxt(tmp_path / "out.csv", delimiter=",", dtype=np.float32)
    expected, in_domain = simulate_in_python(model, conditions, (7, -3), batch)
    np.testing.assert_array_equal(table[:, 0], in_domain)
    assert np.flatnonzero(table[:, 0] == 0).tolist() == [3]
    assert np.all(np.any(table[:, 1:] != 0, axis=1))
    # With another number of threads the sums are rounded differently, and a decode that
    # takes the fourth power makes four times as much of it.
    allowed = 1e-6 if threads == os.cpu_count() else 4e-6
    # A cell may be a small difference of large numbers: relative to the largest.
    largest = np.abs(expected).max(axis=1, keepdims=True)
    excess = np.max(np.abs(table[:, 1:] - expected) / largest, axis=1)
    assert np.all(excess <= allowed), excess


def test_header_and_blank_lines_are_passed_over(simulate, model, tmp_path):
    """Also with a byte order mark and the line ends of another system."""
    values = ",".join(map(str, model.condition))
    names = ",".join(f"name_{i}" for i in range(len(model.condition)))
    outputs = []
    for text in (values, f"{names}\n\n{values}\n", f"\ufeff{values}\r\n\r\n"):
        done = simulate(text)
        assert done.returncode == 0, done.stderr
        outputs.append((tmp_path / "out.csv").read_text())
    assert outputs[0] == outputs[1] == outputs[2]
    assert outputs[0].count("\n") == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1\n2\n", "in.csv: 1 columns, but the model takes "),
        ("1,2,3\n4,5\n", "in.csv, line 2: 2 columns, but the first line has 3"),
        ("a,b\n\n4,5,6\n", "in.csv, line 3: 3 columns, but the first line has 2"),
        ("1,2,3\n1,nan,3\n", "in.csv, line 2: 'nan' is not a finite float32"),
        ("-inf,2,3\n", "in.csv, line 1: '-inf' is not a finite float32"),
        ("1,2,1e39\n", "in.csv, line 1: '1e39' is not a finite float32"),
        ("a,b,c\n1,2,three\n", "in.csv, line 2: 'three' is not a finite float32"),
        ("1,b,3\n", "in.csv, line 1: 'b' is not a finite float32"),
        ("1,2,\n", "in.csv, line 1: '' is not a finite float32"),
        ("1,2,3 4\n", "in.csv, line 1: '3 4' is not a finite float32"),
        ("a,b,c\n", "in.csv' holds no conditions"),
        ("\x00\x01\x02", "in.csv' holds no conditions"),
        (None, "cannot read '"),
    ],
)
def test_bad_conditions(simulate, tmp_path, text, words):
    """One line that names file, line and value; an older output stays."""
    (tmp_path / "out.csv").write_text("older")
    _check_refusal(simulate(text), words)
    assert (tmp_path / "out.csv").read_text() == "older"
    assert not list(tmp_path.glob("*.partial*"))


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--batch", "0"), "--batch takes an integer from 1 to 2147483647, not '0'"),
        (("--threads", "two"), "--threads takes an integer from 1"),
        (("--seed", "1"), "--seed lacks a value; usage: simulate MODEL"),
        (("--seed", "1", "2.5"), "--seed takes an integer from -2147483648"),
        (("--speed", "1"), "unknown flag '--speed'; usage: simulate MODEL"),
        (("one_more",), "usage: simulate MODEL"),
        (
            ("--seed", "1", "2147483647", "--batch", "4"),
            "has B = 2147483649, which must",
        ),
    ],
)
def test_bad_flags(simulate, model, tmp_path, flags, words):
    """One line that names the flag and what it takes."""
    _check_refusal(simulate(model.conditions(), *flags), words)
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


@pytest.mark.parametrize("output", ["no_such_directory/out.csv", "."])
def test_output_that_cannot_be_written(simulate, model, output):
    """One line that names the output."""
    _check_refusal(simulate(model.conditions(), output=output), "cannot write '")


def test_bad_saved_models(simulate, model, tmp_path):
    """No directory, an empty directory, a damaged file, other signatures."""

    def refused(name, words):
        done = simulate(model.conditions(), saved_model=tmp_path / name)
        _check_refusal(done, words)

    refused("missing", "missing': there is no such directory")
    (tmp_path / "empty").mkdir()
    refused("empty", "empty': cannot be loaded: Could not find SavedModel")
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "saved_model.pb").write_bytes(b"\x00" * 100)
    refused("damaged", "damaged': cannot be loaded: ")
    export_stand_in(tmp_path / "other", {"simulate": "generate"})
    refused("other", "signature 'simulate' is missing; it has: __saved_model_init_op, ")
    swapped = {"simulate": "simulate_from_noise", "simulate_from_noise": "simulate"}
    export_stand_in(tmp_path / "swapped", swapped)
    refused("swapped", "signature 'simulate', input 'seed' is missing; it has: ")


def test_ctest(build, model):
    """The loader's own tests, written in C++."""
    values = ";".join(map(str, model.condition))
    run(
        build.cmake,
        f"-DFASTSIM_ZOO_TEST_MODEL={model.path}",
        f"-DFASTSIM_ZOO_TEST_CONDITION={values}",
        build.directory,
    )
    ctest = Path(build.cmake).with_name("ctest")
    run(ctest, "--test-dir", build.directory, "--output-on-failure")


def test_program_of_the_readme(build, model, tmp_path):
    """It builds with the installed loader, as the page says, and runs."""
    printed = run_program_of_the_readme(build, 0, model.path, tmp_path)
    assert re.fullmatch(r"\d+ cells; the first of event 1 holds .*\n", printed)
