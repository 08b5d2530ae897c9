"""The samples of Geant4 showers in the repository."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from common import rounding
from data import detectors
from data.files import readers
from data.samples import bundled

FOLDER = Path(bundled.__file__).parent
TRAINED_GEV = (20, 32, 50, 80, 90)
EVENTS = {
    "ecal": {"train": 12_000, "validation": 3_000, "test": 10_000},
    "hgcal": {"train": 7_500, "validation": 2_500, "test": 5_000},
}


def path_of(name):
    return FOLDER / f"{name}_geant4.h5"


def read(name, split, **options):
    return readers.read(path_of(name), detectors.get(name), split=split, **options)


def centres_of_energy_cm(detector, response):
    """Energy-weighted mean x and y, [events, 2]."""
    total = response.reshape(len(response), -1).sum(axis=1)
    axes = len(detector.shape)
    moment = np.tensordot(response, detector.positions_cm[..., :2], axes=axes)
    return moment / total[:, None]


@pytest.fixture(scope="module", params=sorted(EVENTS))
def name(request):
    return request.param


@pytest.fixture(scope="module")
def source(name):
    with readers.open_source(path_of(name), detectors.get(name)) as opened:
        yield opened


def test_size(name):
    assert path_of(name).stat().st_size < 13e6


def test_detector(name):
    assert readers.detect(path_of(name)).name == name


def test_all_events_are_good(name, source):
    source.check()
    assert len(source) == sum(EVENTS[name].values())


def test_events_of_every_split(name):
    assert readers.splits(path_of(name)) == EVENTS[name]


def test_no_event_occurs_twice(source):
    """Neither inside a split nor in two of them."""
    assert len(np.unique(source.condition, axis=0)) == len(source)


def test_numbers_are_rounded(source):
    piece = source.read(0, 256).response
    np.testing.assert_array_equal(piece, rounding.rounded(piece, 11))
    assert (rounding.rounded(piece, 10) != piece).any()


def test_conditions_are_not_rounded(source):
    """Of random numbers, one in 2**12 ends in so many zeros by chance."""
    impact_cm = source.condition[:, -2:]
    assert (rounding.rounded(impact_cm, 11) != impact_cm).mean() > 0.99


def test_attributes(name):
    with h5py.File(path_of(name)) as file:
        attributes = dict(file.attrs)
    assert attributes["licence"] == "CC-BY-4.0"
    assert attributes["generator"] == "Geant4"
    assert attributes["generator_version"] == "11.4.1"
    assert attributes["physics_list"] == "G4EmStandardPhysics"
    assert attributes["production_cut_mm"] == {"ecal": 0.1, "hgcal": 0.05}[name]


def test_hgcal_energies_of_every_split():
    counts = {}
    for split in readers.SPLITS:
        energy_gev = read("hgcal", split).condition[:, 0]
        values, numbers = np.unique(energy_gev, return_counts=True)
        counts[split] = dict(zip(values.tolist(), numbers.tolist(), strict=True))
    assert counts == {
        "train": dict.fromkeys(TRAINED_GEV, 1500),
        "validation": dict.fromkeys(TRAINED_GEV, 500),
        "test": {**dict.fromkeys(TRAINED_GEV, 500), 70.0: 2500},
    }


def test_any_part_of_hgcal_holds_all_energies():
    first = read("hgcal", "train", limit=50)
    assert set(first.condition[:, 0]) == set(TRAINED_GEV)


def test_hgcal_mean_response_is_that_of_the_geometry():
    """41.9 MIP/GeV were measured at 20 GeV and 39.8 at 90 GeV."""
    sample = read("hgcal", "test")
    total = sample.response.sum(axis=(1, 2, 3), dtype=np.float64)
    for energy_gev, expected in ((20, 41.9), (90, 39.8)):
        chosen = sample.condition[:, 0] == energy_gev
        ratio = total[chosen].mean() / energy_gev
        error = total[chosen].std() / energy_gev / np.sqrt(chosen.sum())
        assert abs(ratio - expected) < 4 * error


def test_hgcal_showers_are_where_the_beam_hit():
    """The centre of energy follows the impact."""
    sample = read("hgcal", "validation")
    centre = centres_of_energy_cm(detectors.get("hgcal"), sample.response)
    for axis in range(2):
        correlation = np.corrcoef(centre[:, axis], sample.condition[:, 1 + axis])[0, 1]
        assert correlation > 0.9


def test_hgcal_processor_time_grows_with_energy():
    with h5py.File(path_of("hgcal")) as file:
        cpu_s, energy_gev = file["cpu_s"][:], file["condition"][:, 0]
    means = [cpu_s[energy_gev == energy].mean() for energy in (*TRAINED_GEV[:3], 80)]
    assert (np.diff(means) > 0).all()


def test_ecal_conditions_are_what_was_drawn():
    """1/E between 1 and 100 GeV: ln E is uniform; angles of 20 and 10 degrees."""
    detector = detectors.get("ecal")
    for split in readers.SPLITS:
        condition = read("ecal", split).condition.astype(np.float64)
        assert np.asarray(detector.in_domain(condition)).all()
        log_energy = np.log(np.linalg.norm(condition[:, :3], axis=1)) / np.log(100)
        error = np.sqrt(1 / 12 / len(condition))
        assert abs(log_energy.mean() - 0.5) < 4 * error
        for axis, width_deg in ((0, 20), (1, 10)):
            angle = np.degrees(np.arctan2(condition[:, axis], condition[:, 2]))
            assert abs(angle.std() / width_deg - 1) < 4 / np.sqrt(2 * len(angle))


def test_ecal_sampling_fraction_is_that_of_the_geometry():
    """Scintillators hold 0.176 of the energy, constant to 0.3 % from 1 to 100 GeV."""
    sample = read("ecal", "test")
    energy_gev = np.linalg.norm(sample.condition[:, :3].astype(np.float64), axis=1)
    total_mev = sample.response.sum(axis=(1, 2), dtype=np.float64)
    fraction = total_mev / (1000 * energy_gev)
    for low, high in ((1, 5), (5, 20), (20, 101)):
        chosen = fraction[(energy_gev > low) & (energy_gev < high)]
        error = chosen.std() / np.sqrt(len(chosen))
        assert abs(chosen.mean() - 0.176) < 0.003 * 0.176 + 3 * error


def test_ecal_showers_go_where_the_track_points():
    """The centre of energy is the impact plus the depth along the inclination."""
    detector = detectors.get("ecal")
    sample = read("ecal", "validation")
    momentum, impact_cm = np.split(sample.condition.astype(np.float64), [3], axis=1)
    energy_gev = np.linalg.norm(momentum, axis=1, keepdims=True)
    constant, slope = detector.shower_depth_cm
    depth_cm = constant + slope * np.log(energy_gev)
    expected = impact_cm + depth_cm * momentum[:, :2] / energy_gev
    found = centres_of_energy_cm(detector, sample.response)
    for axis in range(2):
        assert np.corrcoef(found[:, axis], expected[:, axis])[0, 1] > 0.98
    # Half a millimetre; the cells are forty times as wide.
    np.testing.assert_allclose(found.mean(axis=0), expected.mean(axis=0), atol=0.05)


def test_ecal_time_is_that_of_the_split():
    """6.3 ms per GeV on a free core, and up to 20 % more on the one used."""
    with h5py.File(path_of("ecal")) as file:
        cpu_s, split = file["cpu_s"][:], file["split"][:].astype(str)
        momentum = file["condition"][:, :3]
    energy_gev = np.linalg.norm(momentum, axis=1)
    for one in readers.SPLITS:
        chosen = split == one
        assert len(np.unique(cpu_s[chosen])) == 1
        per_gev = cpu_s[chosen].sum() / energy_gev[chosen].sum()
        assert 0.98 * 6.3e-3 < per_gev < 1.2 * 6.3e-3
