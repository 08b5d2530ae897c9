import sys

import h5py
import numpy as np
import pytest

from data import detectors
from data.files import readers
from data.samples import make_sample


def ecal_shard(folder, number, **changes):
    """Writes four events of different energies; one cell holds the number plus 1."""
    image = np.zeros((4, 30, 30), np.float32)
    image[:, 20, 10] = 1 + number
    arrays = {
        "EnergyDeposit": image,
        "ParticleMomentum": np.outer([1, 2, 3, 4], [0.1, 0.2, 0.7]),
        "ParticlePoint": np.full((4, 2), 0.1),
        "cpu_s": 2.0 * (1 + number),
    } | changes
    path = folder / f"ecal_{number:04d}.npz"
    np.savez(path, **{key: value for key, value in arrays.items() if value is not None})
    return str(path)


def hgcal_shard(folder, energy_gev, number):
    """Writes three events of one energy; every cell holds the number plus 1."""
    hgcal = detectors.get("hgcal")
    path = folder / f"hgcal_{energy_gev:03.0f}GeV_{number:02d}.npz"
    np.savez(
        path,
        showers=np.full((3, *hgcal.shape), 1 + number, np.float32) * hgcal.cells,
        energy=np.full(3, energy_gev),
        impact=np.zeros((3, 2)),
        mask_full=hgcal.cells[..., 0],
        cpu_s=0.3 * energy_gev,
    )
    return str(path)


def test_hgcal(tmp_path):
    """Rounds 0-2 train, 3 validate, 4 and all of 70 GeV test; energies alternate."""
    paths = [
        hgcal_shard(tmp_path, energy_gev, number)
        for energy_gev in (20.0, 70.0)
        for number in (0, 3, 4)
    ]
    made = make_sample.collect(paths[::-1])
    energy_gev = made["sample"].condition[:, 0]
    assert made["spec"].name == "hgcal"
    assert made["split"] == ["train"] * 3 + ["validation"] * 3 + ["test"] * 12
    assert energy_gev[:6].tolist() == [20] * 6
    assert sorted(energy_gev[6:]) == [20] * 3 + [70] * 9
    assert energy_gev[6:10].tolist() == [70, 20, 70, 70]
    np.testing.assert_allclose(made["cpu_s"], 0.1 * energy_gev, rtol=1e-6)
    assert made["attributes"]["production_cut_mm"] == 0.05


def test_ecal(tmp_path):
    """Shards 0-11 train, 12-14 validate, 15 and on test, each in its own order."""
    numbers = [0, 11, 12, 14, 15, 24]
    paths = [ecal_shard(tmp_path, number) for number in numbers]
    made = make_sample.collect(paths[::-1])
    assert made["spec"].name == "ecal"
    assert made["split"] == ["train"] * 8 + ["validation"] * 8 + ["test"] * 8
    deposit_mev = made["sample"].response[:, 20, 10]
    assert deposit_mev.tolist() == [1 + number for number in numbers for _ in range(4)]
    momenta_gev = np.outer([1, 2, 3, 4] * 6, [0.1, 0.2, 0.7]).astype(np.float32)
    np.testing.assert_array_equal(made["sample"].condition[:, :3], momenta_gev)
    # The mean of (1 + 12) / 2, (13 + 15) / 2 and (16 + 25) / 2 half seconds per event.
    np.testing.assert_allclose(made["cpu_s"], np.repeat([3.25, 7.0, 10.25], 8))
    assert made["attributes"]["production_cut_mm"] == 0.1
    assert "mip_mev" not in made["attributes"]


def test_energies_are_rounded_and_conditions_are_not(tmp_path):
    random = np.random.default_rng(1)
    image = random.lognormal(sigma=9, size=(4, 30, 30)).astype(np.float32)
    momentum = random.normal(size=(4, 3)).astype(np.float32)
    path = ecal_shard(tmp_path, 0, EnergyDeposit=image, ParticleMomentum=momentum)
    sample = make_sample.collect([path])["sample"]
    error = np.abs(sample.response - image) / image
    assert 2**-13 < error.max() <= 2**-12
    np.testing.assert_array_equal(sample.condition[:, :3], momentum)


def test_command_gives_the_same_bytes_for_any_order(tmp_path, monkeypatch):
    paths = [ecal_shard(tmp_path, number) for number in (0, 12, 15)]
    for name, shards in (("a.h5", paths), ("b.h5", paths[::-1])):
        output = f"--output={tmp_path / name}"
        monkeypatch.setattr(sys, "argv", ["make_sample", *shards, output])
        make_sample.main()
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()
    assert readers.detect(tmp_path / "a.h5").name == "ecal"
    assert readers.splits(tmp_path / "a.h5") == dict.fromkeys(readers.SPLITS, 4)
    with h5py.File(tmp_path / "a.h5") as file:
        assert file.attrs["licence"] == "CC-BY-4.0"


def test_shards_that_cannot_be_used(tmp_path, monkeypatch, capsys):
    ecal = ecal_shard(tmp_path, 0)
    with pytest.raises(readers.DataError, match="holds detector 'hgcal', not 'ecal'"):
        make_sample.collect([ecal, hgcal_shard(tmp_path, 20.0, 0)])
    with pytest.raises(
        readers.DataError, match=r"ecal_0001\.npz: has no array 'cpu_s'"
    ):
        make_sample.collect([ecal_shard(tmp_path, 1, cpu_s=None)])
    monkeypatch.setattr(make_sample, "RECIPES", {})
    with pytest.raises(readers.DataError, match="no recipe for detector 'ecal'"):
        make_sample.collect([ecal])
    other = tmp_path / "ecal.npz"
    other.write_bytes((tmp_path / "ecal_0000.npz").read_bytes())
    output = tmp_path / "a.h5"
    monkeypatch.setattr(sys, "argv", ["make_sample", str(other), f"--output={output}"])
    with pytest.raises(SystemExit) as caught:
        make_sample.main()
    assert caught.value.code == 2
    message = capsys.readouterr().err
    assert "the name does not end in _NUMBER.npz" in message
    assert message.count("\n") == 1
    assert not output.exists()
