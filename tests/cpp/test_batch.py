"""Batches of particles from C++: against Python, and against bad input."""

import re
import subprocess

import numpy as np
import pytest

from data.detectors import particles
from tests.cpp.programs import (
    ROOT,
    Model,
    needs_compiler,
    run,
    run_program_of_the_readme,
    simulate_in_python,
)

# The model of a calorimeter that loads fastest.
CALORIMETER = ROOT / "pretrained/aux_regressor/saved_model"

pytestmark = needs_compiler


def test_batch_of_the_readme(build, tmp_path):
    """The second program of the page; the same for another model of its detector."""
    printed = run_program_of_the_readme(build, 1, CALORIMETER, tmp_path)
    hits = r"\d\d+ hits, [\d.]+ MeV\nparticle 1 is of another species\n"
    assert re.fullmatch(rf"({hits}){{3}}", printed)
    assert len(set(printed.splitlines())) == 4


def test_event_equals_python(build):
    """Hits of an event: conditions, shifts by whole cells, threshold, refusals."""
    program = build.directory / "event"
    printed = run(program, CALORIMETER, 7, -3).splitlines()
    momentum = np.sqrt(20.0 * (20.0 + 2.0 * particles.MASSES_GEV[0]))
    conditions = np.array(
        [
            [0.0, 0.0, 50.0, 0.2, -0.3],
            [0.0, 0.0, momentum, -6.2 + 3 * 2.0, 4.1 - 2 * 2.0],
            [1.0, 0.0, 10.0, 3.9 - 2 * 2.0, 0.0],
        ],
        np.float32,
    )
    model = Model(CALORIMETER, ())
    response, in_domain = simulate_in_python(model, conditions, (7, -3), 3)
    assert in_domain.all()
    response = np.where(response > 1.0, response, 0.0).reshape(3, 30, 30)
    inside = response[0], response[1, 3:, :-2], response[2, :-2]
    for particle, cells in enumerate(inside):
        number, hits, energy, outside = map(
            float, re.findall(r"[\d.]+", printed[particle])
        )
        assert (number, hits) == (particle, np.count_nonzero(cells))
        assert energy == pytest.approx(cells.sum(), abs=0.06)
        assert outside == pytest.approx(
            response[particle].sum() - cells.sum(), abs=0.06
        )
    assert outside == 0.0
    assert [line.split(", ")[1] for line in printed[3:]] == [
        "of another species",
        "outside the trained range",
        "outside the trained range",
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "usage: event MODEL"),
        (["missing"], "cannot read 'missing/signature.json'"),
        ([CALORIMETER, 1, "x"], "the seed takes an integer from -2147483648"),
        (
            [ROOT / "pretrained/wgan_constrained/saved_model"],
            "detector 'hgcal' has 413 missing and 14 dead cells",
        ),
    ],
)
def test_bad_events(build, words, message):
    """Status 2 and one line of ours."""
    done = subprocess.run(
        [str(word) for word in (build.directory / "event", *words)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert message in done.stderr.splitlines()[-1]
