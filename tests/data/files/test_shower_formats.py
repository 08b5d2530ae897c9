"""Files of CaloGAN, of the CaloChallenge and of Par04: read, written, refused."""

import h5py
import numpy as np
import pytest

from data import detectors
from data.detectors import cylinder
from data.events import DataError, Sample
from data.files import readers, writers
from data.files.shower_formats.binning_xml import read_binning
from data.files.shower_formats.cylinder_spec import cylinder_spec
from data.files.shower_formats.layout_writer import LayoutWriter, write_layout
from tests.data.files import challenge_files as made


def _datasets(path):
    with h5py.File(path) as file:
        return {name: file[name][()] for name in file}


def test_calogan_is_read_in_its_units(tmp_path):
    held = made.write_calogan(tmp_path / "gamma.hdf5", 5)
    with readers.Dataset(tmp_path / "gamma.hdf5") as dataset:
        spec, sample = dataset.spec, dataset.read()
        assert dataset.layout == "CaloGAN"
        assert dataset.splits == {}
    assert spec.name == "calogan"
    for number, image in enumerate(spec.layer_images(sample.response)):
        np.testing.assert_array_equal(image, held[f"layer_{number}"])
    np.testing.assert_array_equal(sample.condition, held["energy"])


def test_calogan_is_written_as_it_was_read(tmp_path):
    held = made.write_calogan(tmp_path / "a.hdf5", 5)
    spec = detectors.get("calogan")
    sample = readers.read(tmp_path / "a.hdf5", spec)
    write_layout(tmp_path / "b.hdf5", "calogan", spec, sample, held["overflow"])
    written = _datasets(tmp_path / "b.hdf5")
    assert written.keys() == held.keys()
    for name, values in held.items():
        np.testing.assert_array_equal(written[name], values)
    write_layout(tmp_path / "b.hdf5", "calogan", spec, sample)
    assert not _datasets(tmp_path / "b.hdf5")["overflow"].any()


@pytest.mark.parametrize("voxels", made.LAYERS)
def test_the_four_binnings_of_the_challenge(tmp_path, voxels):
    path = made.write_binning(tmp_path / "binning.xml", voxels)
    binning = read_binning(path)
    spec = cylinder_spec(binning, "calochallenge")
    assert spec.name == f"calochallenge_{made.PARTICLES[voxels]}_{voxels}"
    assert binning.voxels == np.prod(spec.shape) == voxels
    assert spec.layer_numbers == tuple(made.LAYERS[voxels])
    assert spec.image_shapes == tuple(made.LAYERS[voxels].values())
    assert spec.periodic_axes == (0,)
    assert (len(spec.shape) == 3) == (voxels > 6000)
    # Their order is rings, then angles, then layers: each voxel holds its number.
    cells = np.arange(2.0 * voxels).reshape(2, voxels)
    energy = cells.sum(axis=1, keepdims=True)
    made.write_challenge(tmp_path / "a.hdf5", cells, energy)
    with readers.Dataset(tmp_path / "a.hdf5", binning) as dataset:
        sample = dataset.read()
    assert sample.response.shape == (2, *spec.shape)
    first = 0
    for image, (angles, rings) in zip(
        spec.layer_images(sample.response), spec.image_shapes, strict=True
    ):
        expected = first + np.arange(angles * rings).reshape(angles, rings)
        np.testing.assert_array_equal(image[0], expected)
        first += angles * rings
    np.testing.assert_allclose(sample.condition, energy / 1e3, rtol=1e-6)
    write_layout(tmp_path / "b.hdf5", "calochallenge", spec, sample)
    written = _datasets(tmp_path / "b.hdf5")
    assert set(written) == {"showers", "incident_energies"}
    np.testing.assert_array_equal(written["showers"], cells)
    np.testing.assert_allclose(written["incident_energies"], energy, rtol=2e-7)


def test_voxels_lie_where_the_binning_says(tmp_path):
    path = made.write_binning(tmp_path / "binning.xml", 368)
    spec = cylinder_spec(read_binning(path), "calochallenge")
    x, y = (spec.layer_images(spec.positions_cm[:, axis]) for axis in (0, 1))
    # Edges 10 and 22 mm; ten angles from -pi on.
    np.testing.assert_allclose(x[1][0, 1], 1.6 * np.cos(-0.9 * np.pi), rtol=1e-5)
    np.testing.assert_allclose(y[1][0, 1], 1.6 * np.sin(-0.9 * np.pi), rtol=1e-5)
    np.testing.assert_array_equal(x[0], np.zeros((1, 8)))
    np.testing.assert_allclose(spec.ring_edges_cm[3], [0, 1.0, 2.2, 3.6, 5.2, 7.0])
    np.testing.assert_allclose(spec.layer_images(spec.positions_cm[:, 2])[4], 12.0)


def test_a_canonical_copy_is_the_same_detector(tmp_path):
    binning = read_binning(made.write_binning(tmp_path / "binning.xml", 533))
    cells, energy = made.showers(533, 4)
    made.write_challenge(tmp_path / "a.hdf5", cells, energy)
    with readers.Dataset(tmp_path / "a.hdf5", binning) as dataset:
        spec, sample = dataset.spec, dataset.read()
    writers.write(tmp_path / "b.h5", spec, sample)
    with readers.Dataset(tmp_path / "b.h5") as dataset:
        assert dataset.layout is None
        for name in ("name", "shape", "ring_edges_cm", "layer_shapes", "layer_numbers"):
            assert getattr(dataset.spec, name) == getattr(spec, name)
        np.testing.assert_array_equal(dataset.read().response, sample.response)
    # And it can be written back without the XML.
    write_layout(tmp_path / "c.hdf5", "calochallenge", dataset.spec, sample)
    np.testing.assert_array_equal(
        _datasets(tmp_path / "c.hdf5")["showers"], cells.astype(np.float32)
    )


@pytest.mark.parametrize("angles", [False, True])
def test_par04_has_radii_first(tmp_path, angles):
    random = np.random.default_rng(1)
    held = {
        "showers": random.random((6, 18, 50, 45)).astype(np.float32),
        "incident_energy": np.full(6, 5e4, np.float32),
    }
    if angles:
        held["incident_theta"] = random.random(6).astype(np.float32)
        held["incident_phi"] = random.random(6).astype(np.float32)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for name, values in held.items():
            file[name] = values
    with readers.Dataset(tmp_path / "a.h5") as dataset:
        spec, sample = dataset.spec, dataset.read()
    assert spec.name == "par04_electron_40500"
    assert spec.shape == (50, 18, 45)
    assert sample.response[3, 7, 2, 11] == held["showers"][3, 2, 7, 11]
    np.testing.assert_allclose(np.diff(spec.ring_edges_cm[0]), 0.2325, rtol=1e-6)
    np.testing.assert_allclose(sample.condition[:, 0], 50.0)
    assert len(spec.condition_names) == (3 if angles else 1)
    write_layout(tmp_path / "b.h5", "par04", spec, sample)
    written = _datasets(tmp_path / "b.h5")
    assert written.keys() == held.keys()
    for name, values in held.items():
        np.testing.assert_allclose(written[name].reshape(values.shape), values, 2e-7)
    if angles:
        with pytest.raises(DataError, match="no place for the conditions incident_th"):
            write_layout(tmp_path / "c.h5", "calochallenge", spec, sample)


def test_pieces_are_read_as_the_whole(tmp_path):
    binning = read_binning(made.write_binning(tmp_path / "binning.xml", 368))
    cells, energy = made.showers(368, 600)
    made.write_challenge(tmp_path / "a.hdf5", cells, energy)
    spec = readers.detect(tmp_path / "a.hdf5", binning)
    with readers.open_source([tmp_path / "a.hdf5"] * 2, spec) as source:
        assert len(source) == 1200
        np.testing.assert_array_equal(
            source.read(550, 650).response,
            np.concatenate([cells[550:], cells[:50]]).astype(np.float32),
        )
        assert source.outside_domain == 0
    with pytest.raises(DataError, match="CaloChallenge has no split"):
        readers.read(tmp_path / "a.hdf5", spec, split="train")


LAYER = '<Bins><Bin name="photon">{}</Bin></Bins>'


@pytest.mark.parametrize(
    ("text", "particle", "message"),
    [
        ("{}", None, "not XML .*; a binning is <Bins>"),
        ("<Bins><Bin></Bins>", None, "not XML"),
        ("<Bins></Bins>", None, "has no particle ''; known: none"),
        (LAYER.format(""), "pion", "has no particle 'pion'; known: photon"),
        (LAYER.format(""), None, "'photon' has the layers none"),
        (
            LAYER.format('<Layer id="0" r_edges="0,5,5" n_bin_alpha="1"/>'),
            None,
            "layer 0: r_edges '0,5,5', n_bin_alpha 1: edges must ascend",
        ),
        (
            LAYER.format('<Layer id="0" r_edges="0,nan" n_bin_alpha="1"/>'),
            None,
            "edges must ascend",
        ),
        (
            LAYER.format('<Layer id="0" r_edges="0,1" n_bin_alpha="0"/>'),
            None,
            "at least one bin of the angle",
        ),
        (LAYER.format('<Layer id="0" r_edges="0,1"/>'), None, "'n_bin_alpha' is miss"),
        (
            LAYER.format('<Layer id="x" r_edges="0,1" n_bin_alpha="1"/>'),
            None,
            "layer 'x': invalid literal",
        ),
        (
            LAYER.format('<Layer id="1" r_edges="0,1" n_bin_alpha="1"/>' * 2),
            None,
            r"has the layers \[1, 1\]; their id must ascend",
        ),
        (
            LAYER.format('<Layer id="1" r_edges="0,1" n_bin_alpha="99999999"/>'),
            None,
            "layer 1: more than 1,000,000 bins",
        ),
        (
            '<Bins><Bin name="photon"/><Bin name="pion"/></Bins>',
            None,
            "of photon, pion: choose one with --particle",
        ),
        (
            '<!DOCTYPE Bins [<!ENTITY a "0,1">]><Bins><Bin name="photon"><Layer id="0" '
            'r_edges="&a;" n_bin_alpha="1"/></Bin></Bins>',
            None,
            "declares a document type",
        ),
        (" " * 2**20 + "<Bins/>", None, "larger than 1 MB"),
    ],
)
def test_bad_binnings_are_refused_in_one_line(tmp_path, text, particle, message):
    path = tmp_path / "binning.xml"
    path.write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        read_binning(path, particle)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_binnings_are_refused(tmp_path):
    with pytest.raises(DataError, match="no such binning file"):
        read_binning(tmp_path / "none.xml")
    with pytest.raises(DataError, match="cannot be read"):
        read_binning(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"cells": 1e-3},
            r"0\.9 MeV per GeV, .* thousand times off: incident_energies",
        ),
        ({"energy": 1e-3}, r"9e\+05 MeV per GeV.* has to be in MeV, cells in MeV"),
        ({"cells": 1e-6, "energy": 1e-3}, "thousand times off"),
        ({"cells": 1e-6, "energy": 1e-6}, "of at most 0.064 MeV lie below .* if they "),
        ({"energy": 0.0}, "event 0: the incident energy 0 MeV is not positive"),
        ({"energy": np.nan}, "event 0: the incident energy nan MeV is not positive"),
    ],
)
def test_energies_in_other_units_are_named(tmp_path, change, message):
    binning = read_binning(made.write_binning(tmp_path / "binning.xml", 368))
    cells, energy = made.showers(368, 3)
    cells, energy = (
        values * change.get(name, 1.0)
        for name, values in (("cells", cells), ("energy", energy))
    )
    made.write_challenge(tmp_path / "a.hdf5", cells, energy)
    spec = readers.detect(tmp_path / "a.hdf5", binning)
    with pytest.raises(DataError, match=message):
        readers.read(tmp_path / "a.hdf5", spec)


def test_mev_where_calogan_has_gev(tmp_path):
    made.write_calogan(tmp_path / "a.hdf5", 5, factor=1e3)
    spec = readers.detect(tmp_path / "a.hdf5")
    with pytest.raises(DataError, match=r"MeV per GeV.*: energy has to be in GeV"):
        readers.read(tmp_path / "a.hdf5", spec)


def test_what_does_not_fit_the_binning_is_refused(tmp_path):
    binning = read_binning(made.write_binning(tmp_path / "binning.xml", 368))
    made.write_challenge(tmp_path / "a.hdf5", *made.showers(533, 3))
    with pytest.raises(DataError, match=r"shape \(3, 533\).*photon_368' need \(3, 368"):
        readers.detect(tmp_path / "a.hdf5", binning)
    with pytest.raises(DataError, match="give its binning with --binning"):
        readers.detect(tmp_path / "a.hdf5")
    made.write_challenge(tmp_path / "b.hdf5", *made.showers(368, 3))
    with h5py.File(tmp_path / "b.hdf5", "a") as file:
        del file["incident_energies"]
        file["incident_energies"] = np.ones((3, 2))
    spec = readers.detect(tmp_path / "b.hdf5", binning)
    with pytest.raises(DataError, match=r"incident_energies has shape \(3, 2\)"):
        readers.read(tmp_path / "b.hdf5", spec)
    with h5py.File(tmp_path / "c.h5", "w") as file:
        file["incident_energy"], file["showers"] = np.ones(3), np.ones((3, 4))
    with pytest.raises(DataError, match=r"Par04 needs \[events, r, phi, z\]"):
        readers.detect(tmp_path / "c.h5")


def test_the_cylinder_that_geant4_simulates_is_one_of_the_challenge(tmp_path):
    spec = cylinder.spec()
    binning = cylinder_spec(
        read_binning(made.write_binning(tmp_path / "b.xml", 6480)), "calochallenge"
    )
    ours, theirs = (
        np.arctan2(*np.moveaxis(one.positions_cm[..., 1::-1], -1, 0))
        for one in (spec, binning)
    )
    np.testing.assert_allclose(ours, theirs, atol=1e-6)
    response = 1e-4 * np.arange(6480, dtype="f4").reshape(1, *spec.shape)
    sample = Sample(response, np.full((1, 1), 3.0, "f4"))
    write_layout(tmp_path / "a.hdf5", "calochallenge", spec, sample)
    np.testing.assert_array_equal(
        readers.read(tmp_path / "a.hdf5", binning).response, response
    )


def test_writers_refuse_what_has_no_place(tmp_path, box, make_events):
    calogan = detectors.get("calogan")
    sample = Sample(np.ones((2, 504), "f4"), np.ones((2, 1), "f4"))
    path = tmp_path / "a.hdf5"
    for layout in ("calogan", "calochallenge", "par04"):
        with pytest.raises(DataError, match="has no place for detector 'box'"):
            write_layout(path, layout, box, make_events(2))
    with pytest.raises(DataError, match="overflow has shape"):
        write_layout(path, "calogan", calogan, sample, np.zeros((2, 2)))
    weighted = Sample(sample.response, sample.condition, np.ones(2, "f4"))
    with pytest.raises(DataError, match="no place for weights"):
        write_layout(path, "calogan", calogan, weighted)
    with pytest.raises(DataError, match="do not fit detector 'calogan'"):
        write_layout(path, "calogan", calogan, make_events(2))
    with pytest.raises(DataError, match="needs `with LayoutWriter"):
        LayoutWriter(path, "calogan", calogan).append(sample)
    with pytest.raises(DataError, match="cannot be written"):
        write_layout(tmp_path / "no" / "a.hdf5", "calogan", calogan, sample)
    irregular = read_binning(made.write_binning(tmp_path / "binning.xml", 368))
    spec = cylinder_spec(irregular, "calochallenge")
    with pytest.raises(DataError, match="Par04's array"):
        write_layout(path, "par04", spec, sample)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["binning.xml"]
