"""Calibration samples of the toy: background, masses, sWeights; and the stored one."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from data import detectors
from data.detectors import particles
from data.events import DataError, Sample
from data.files import readers
from data.samples import make_sample
from data.simulation.rich import calibration_sample

RICH = detectors.get("rich")
STORED = Path(make_sample.__file__).parent / "rich_toy.h5"
NUM, SEED = 360_000, 1
EVENTS = {"train": 216_000, "validation": 36_000, "test": 108_000}


def errors_of_means(values, weight):
    """Weighted means of columns and their standard errors."""
    mean = np.average(values, axis=0, weights=weight)
    squares = np.sum((weight[:, None] * (values - mean)) ** 2, axis=0)
    return mean, np.sqrt(squares) / weight.sum()


def simulated(candidates):
    parts = list(calibration_sample.pieces(candidates, SEED))
    response = np.concatenate([part.response for part in parts])
    weight = None
    if candidates.weight is not None:
        weight = np.concatenate([part.weight for part in parts]).astype(np.float64)
    return Sample(response, candidates.condition, weight)


@pytest.fixture(scope="module")
def candidates():
    return calibration_sample.draw(40_000, SEED, species=["kaon", "pion"])


@pytest.fixture(scope="module")
def sample(candidates):
    return simulated(candidates)


@pytest.fixture(scope="module")
def stored():
    """The file in the repository: its tracks and their split."""
    with readers.open_source(str(STORED), RICH) as source:
        source.check()
        return source.read()


def test_species_take_turns(candidates):
    codes = candidates.condition[:, 3]
    assert set(codes[::2]) == {321}
    assert set(codes[1::2]) == {211}


def test_signal_is_what_it_is_called(candidates):
    same = candidates.truth == candidates.condition[:, 3]
    assert same[candidates.is_signal].all()
    others = candidates.truth[~candidates.is_signal]
    assert set(others) == set(particles.PDG_CODES)
    assert np.mean(others == 211) == pytest.approx(0.7, abs=0.02)
    assert candidates.is_signal.mean() == pytest.approx(0.7, abs=0.01)


def test_all_tracks_are_inside_the_domain(candidates):
    assert np.asarray(RICH.in_domain(candidates.condition)).all()


def test_weights_are_those_of_the_masses(candidates):
    for first, name in enumerate(("kaon", "pion")):
        chosen = slice(first, None, 2)
        model = calibration_sample.MASSES[name]
        weight = candidates.weight[chosen].astype(np.float64)
        count = candidates.is_signal[chosen].sum()
        # The yield of the fit, within its error.
        assert abs(weight.sum() - count) < 4 * np.sqrt(count)
        distance = abs(candidates.mass_gev[chosen] - model.peak_gev) / model.width_gev
        assert (weight[distance > 4] < 0).all()
        assert (weight[distance < 1] > 0.8).all()
        assert 0.17 < np.mean(weight < 0) < 0.23


def test_weights_leave_the_signal(candidates, sample):
    """Means of likelihoods and kinematics; without weights they are elsewhere."""
    pure = simulated(
        calibration_sample.draw(40_000, 2, species=["kaon", "pion"], background=0)
    )
    assert pure.weight is None
    for first in range(2):
        chosen = slice(first, None, 2)
        values = np.hstack([sample.response, sample.condition[:, :3]])[chosen]
        expected = np.hstack([pure.response, pure.condition[:, :3]])[chosen]
        found, error = errors_of_means(values, sample.weight[chosen])
        ones = np.ones(len(expected))
        mean, other_error = errors_of_means(expected, ones)
        assert (abs(found - mean) < 4 * np.hypot(error, other_error)).all()
        mixed, mixed_error = errors_of_means(values, ones)
        assert abs(mixed[0] - mean[0]) > 10 * mixed_error[0]
        assert abs(mixed[5] - mean[5]) > 10 * mixed_error[5]


def test_pieces_and_jobs_change_nothing(monkeypatch):
    drawn = calibration_sample.draw(20_000, 3)
    (whole,) = calibration_sample.pieces(drawn, 3, jobs=2)
    monkeypatch.setattr(
        calibration_sample, "_PIECE_TRACKS", calibration_sample.toy.CHUNK_TRACKS
    )
    parts = list(calibration_sample.pieces(drawn, 3))
    assert len(parts) == 3
    for name in ("response", "condition", "weight"):
        joined = np.concatenate([getattr(part, name) for part in parts])
        np.testing.assert_array_equal(joined, getattr(whole, name))


def test_rounding_keeps_what_is_exact():
    values = np.array([0.0, 1e-6, -1e-6, 0.0017, -0.0017, 1.0, 50.03], np.float32)
    step = 1 / 512
    expected = [0.0, step, -step, step, -step, 1.0, 50.03125]
    np.testing.assert_array_equal(calibration_sample.rounded(values), expected)
    random = np.random.default_rng(1)
    values = (20 * random.standard_normal(10_000)).astype(np.float32)
    found = calibration_sample.rounded(values)
    assert (abs(found - values) <= np.maximum(step / 2, abs(values) * 2.0**-10)).all()
    np.testing.assert_array_equal(calibration_sample.rounded(found), found)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num": 0}, "received 0 and 1"),
        ({"seed": -1}, "received 1000 and -1"),
        ({"species": ["kaon", "tau"]}, "unknown species 'tau'"),
        ({"species": []}, "at least one"),
        ({"species": ["kaon", "kaon"]}, "different ones"),
        ({"background": 0.95}, "from 0 to 0.9, received 0.95"),
        ({"background": -0.1}, "received -0.1"),
        ({"num": 499}, "499 tracks of 5 species are too few for sWeights; give 500"),
    ],
)
def test_impossible_samples_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        calibration_sample.draw(**({"num": 1000, "seed": 1} | arguments))


def test_too_little_background_has_no_weights():
    with pytest.raises(DataError, match="without signal or without background"):
        calibration_sample.draw(100, 1, species=["kaon"], background=1e-9)


def test_stored_size_and_splits(stored):
    assert STORED.stat().st_size < 6.5e6
    assert readers.detect(STORED).name == "rich"
    assert readers.splits(STORED) == EVENTS
    assert len(stored) == NUM


def test_stored_attributes():
    with h5py.File(STORED) as file:
        attributes = dict(file.attrs)
    assert attributes["licence"] == "CC-BY-4.0"
    assert attributes["generator"] == "ring-imaging toy"
    assert attributes["generator_version"] == calibration_sample.toy.VERSION
    assert attributes["seed"] == SEED
    assert attributes["background"] == 0.3


def test_stored_tracks_are_what_the_command_makes(stored):
    """Another processor may round a last bit differently."""
    drawn = calibration_sample.draw(NUM, SEED)
    np.testing.assert_allclose(stored.condition, drawn.condition, rtol=1e-2)
    assert np.mean(stored.condition != drawn.condition) < 1e-4
    np.testing.assert_allclose(stored.weight, drawn.weight, atol=1e-3)
    first = slice(0, calibration_sample.toy.CHUNK_TRACKS)
    truth = drawn.condition[first].copy()
    truth[:, 3] = drawn.truth[first]
    response = calibration_sample.rounded(calibration_sample.toy.simulate(truth, SEED))
    assert np.mean(stored.response[first] != response) < 1e-3


def test_stored_tracks_of_every_split(stored):
    assert np.asarray(RICH.in_domain(stored.condition)).all()
    joined = np.hstack([stored.response, stored.condition])
    assert len(np.unique(joined, axis=0)) == NUM
    start = 0
    for number in EVENTS.values():
        part = slice(start, start + number)
        codes, counts = np.unique(stored.condition[part, 3], return_counts=True)
        assert set(codes) == set(particles.PDG_CODES)
        assert (counts == number // 5).all()
        weight = stored.weight[part].astype(np.float64)
        assert 0.19 < np.mean(weight < 0) < 0.21
        effective = weight.sum() ** 2 / np.sum(weight**2)
        assert effective > 0.5 * number
        start += number


def test_stored_responses_are_rounded_and_exact_zeros_stay(stored):
    np.testing.assert_array_equal(
        calibration_sample.rounded(stored.response), stored.response
    )
    zeros = (stored.response == 0).mean(axis=0)
    assert (zeros[[0, 3, 4]] > 0.002).all()
    k, p, bt = stored.response[:, [0, 3, 4]].T
    assert (k == bt).mean() > 0.15
    np.testing.assert_array_equal(bt == 0, (k == 0) & (p == 0))
