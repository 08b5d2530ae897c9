from pathlib import Path

import h5py
import numpy as np
import pytest

from data import make_sample, readers, spec

PATH = Path(make_sample.__file__).parent / "samples" / "hgcal_geant4.h5"
TRAINED_GEV = (20, 32, 50, 80, 90)


@pytest.fixture(scope="module")
def hgcal():
    return spec.get("hgcal")


@pytest.fixture(scope="module")
def source(hgcal):
    with readers.open_source(PATH, hgcal) as opened:
        yield opened


def test_size():
    assert PATH.stat().st_size < 12e6


def test_detector():
    assert readers.detect(PATH).name == "hgcal"


def test_all_events_are_good(source):
    source.check()
    assert len(source) == 15_000


def test_energies_of_every_split(hgcal):
    counts = {}
    for split in readers.SPLITS:
        with readers.open_source(PATH, hgcal, split=split) as opened:
            energy_gev = opened.condition[:, 0]
        values, numbers = np.unique(energy_gev, return_counts=True)
        counts[split] = dict(zip(values.tolist(), numbers.tolist(), strict=True))
    assert counts == {
        "train": dict.fromkeys(TRAINED_GEV, 1500),
        "validation": dict.fromkeys(TRAINED_GEV, 500),
        "test": {**dict.fromkeys(TRAINED_GEV, 500), 70.0: 2500},
    }


def test_no_event_occurs_twice(source):
    assert len(np.unique(source.condition, axis=0)) == len(source)


def test_any_part_holds_all_energies(hgcal):
    first = readers.read(PATH, hgcal, split="train", limit=50)
    assert set(first.condition[:, 0]) == set(TRAINED_GEV)


def test_mean_response_is_that_of_the_geometry(hgcal):
    """41.9 MIP/GeV were measured at 20 GeV and 39.8 at 90 GeV."""
    sample = readers.read(PATH, hgcal, split="test")
    total = sample.response.sum(axis=(1, 2, 3), dtype=np.float64)
    for energy_gev, expected in ((20, 41.9), (90, 39.8)):
        chosen = sample.condition[:, 0] == energy_gev
        ratio = total[chosen].mean() / energy_gev
        error = total[chosen].std() / energy_gev / np.sqrt(chosen.sum())
        assert abs(ratio - expected) < 4 * error


def test_showers_are_where_the_beam_hit(hgcal):
    """The centre of energy follows the impact."""
    sample = readers.read(PATH, hgcal, split="validation")
    total = sample.response.sum(axis=(1, 2, 3))
    moment = np.tensordot(sample.response, hgcal.positions_cm[..., :2], axes=3)
    centre = moment / total[:, None]
    for axis in range(2):
        correlation = np.corrcoef(centre[:, axis], sample.condition[:, 1 + axis])[0, 1]
        assert correlation > 0.9


def test_numbers_are_rounded(source):
    piece = source.read(0, 256).response
    np.testing.assert_array_equal(piece, make_sample.rounded(piece, 11))
    assert (make_sample.rounded(piece, 10) != piece).any()


def test_attributes():
    with h5py.File(PATH) as file:
        assert file.attrs["licence"] == "CC-BY-4.0"
        assert file.attrs["generator"] == "Geant4"
        assert file.attrs["generator_version"] == "11.4.1"
        cpu_s, energy_gev = file["cpu_s"][:], file["condition"][:, 0]
    means = [cpu_s[energy_gev == energy].mean() for energy in (*TRAINED_GEV[:3], 80)]
    assert (np.diff(means) > 0).all()


def test_rounding_is_to_nearest():
    values = np.float32([0, 1, 1 + 2**-12, 1 + 3 * 2**-12, 1 + 2**-13, -3.7, 1e-30])
    expected = [0, 1, 1, 1 + 2 * 2**-11, 1, -3.7, 1e-30]
    found = make_sample.rounded(values, 11)
    np.testing.assert_allclose(found, expected, rtol=2**-12)
    np.testing.assert_array_equal(found[:5], np.float32(expected[:5]))
    random = np.random.default_rng(1).lognormal(sigma=9, size=10_000).astype("f4")
    error = np.abs(make_sample.rounded(random, 11) - random) / random
    assert 2**-13 < error.max() <= 2**-12


def test_sample_is_made_from_shards(tmp_path, hgcal):
    """Rounds 0-2 train, 3 validate, 4 and all of 70 GeV test; energies alternate."""
    paths = []
    for energy_gev in (20.0, 70.0):
        for number in (0, 3, 4):
            showers = np.full((3, *hgcal.shape), 1 + number, np.float32) * hgcal.cells
            path = tmp_path / f"hgcal_{energy_gev:03.0f}GeV_{number:02d}.npz"
            np.savez(
                path,
                showers=showers,
                energy=np.full(3, energy_gev),
                impact=np.zeros((3, 2)),
                mask_full=hgcal.cells[..., 0],
                cpu_s=0.3 * energy_gev,
            )
            paths.append(str(path))
    made = make_sample.collect(paths[::-1])
    energy_gev = made["sample"].condition[:, 0]
    assert made["split"] == ["train"] * 3 + ["validation"] * 3 + ["test"] * 12
    assert energy_gev[:6].tolist() == [20] * 6
    assert sorted(energy_gev[6:]) == [20] * 3 + [70] * 9
    assert energy_gev[6:10].tolist() == [70, 20, 70, 70]
    np.testing.assert_allclose(made["cpu_s"], 0.1 * energy_gev, rtol=1e-6)
    other = tmp_path / "hgcal.npz"
    other.write_bytes((tmp_path / "hgcal_020GeV_00.npz").read_bytes())
    with pytest.raises(readers.DataError, match="does not end in _ROUND"):
        make_sample.collect([str(other)])
