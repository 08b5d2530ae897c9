"""What a calibration table must hold: columns, units, species, tracks that RICH saw."""

import numpy as np
import pytest

from data.calibration import conversion
from data.calibration.calibration_table import CalibrationTable, ReadingOptions
from data.events import DataError
from tests.data import made_tables

COUNT = 40
TRACKS = made_tables.tracks(COUNT)
TEXT = made_tables.named(TRACKS, made_tables.TEXT)
CODES = np.array([-321, 211, 13, -11, 2212] * (COUNT // 5))
SIMULATION = made_tables.named({**TRACKS, "species_pdg": CODES}, made_tables.SIMULATION)


@pytest.fixture
def table(tmp_path):
    """Writes a table in Parquet, which holds any numbers under any names."""

    def write(values):
        return made_tables.write_parquet(tmp_path / "a.parquet", values)

    return write


def changed(values, name, event, value):
    column = np.array(values[name], np.float64)
    column[event] = value
    return {**values, name: column}


def read(path, **options):
    (sample,) = CalibrationTable(path, ReadingOptions(**options)).samples()
    return sample


def refused(path, **options):
    with pytest.raises(ValueError, match=r".") as caught:
        read(path, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_missing_column_is_named_with_the_nearest_one_first(table):
    values = {**TEXT, "Brunel_PT": TEXT["Brunel_ETA"], "Brunel_P0": TEXT["Brunel_P"]}
    del values["Brunel_P"]
    message = refused(table(values), species="kaon")
    assert "a.parquet: no column 'Brunel_P' for momentum_gev" in message
    assert "--columns=momentum_gev=NAME" in message
    assert message.split("nearest first: ")[1].startswith("Brunel_P")
    assert "RichDLLbt" in message


def test_a_wide_table_lists_only_the_names_most_alike(table):
    values = {**TEXT, **{f"branch_{index}": np.zeros(COUNT) for index in range(50)}}
    del values["RichDLLbt"]
    message = refused(table(values), species="kaon")
    assert "nearest first: RichDLL" in message
    assert message.endswith("and 38 more")


def test_names_of_ones_own(table):
    other = {name: f"my {name}" for name in made_tables.CANONICAL}
    path = table(made_tables.named(TRACKS, other))
    sample = read(path, species="pion", columns=other, momentum_unit="MeV")
    np.testing.assert_allclose(sample.condition[:, 0], TRACKS["momentum_gev"], 1e-7)
    np.testing.assert_array_equal(sample.response[:, 4], TRACKS["dll_bt"])
    np.testing.assert_array_equal(sample.weight, TRACKS["weight"])


def test_a_name_of_ones_own_overrides_the_layout(table):
    values = {**TEXT, "nTracks": TEXT["nTracks_Brunel"] + 1}
    path = table(values)
    sample = read(path, species="pion", columns={"number_of_tracks": "nTracks"})
    np.testing.assert_array_equal(
        sample.condition[:, 2], TRACKS["number_of_tracks"] + 1
    )


def test_canonical_names_are_in_canonical_units(table):
    sample = read(table(TRACKS), species="pion")
    np.testing.assert_array_equal(sample.condition[:, 0], TRACKS["momentum_gev"])
    np.testing.assert_array_equal(sample.weight, TRACKS["weight"])


def test_names_given_must_make_sense(table):
    path = table(TEXT)
    message = refused(path, species="pion", columns={"momentum": "Brunel_P"})
    assert "unknown name 'momentum'; known: dll_k, dll_mu," in message
    message = refused(path, species="pion", columns={"dll_k": "RichDLLmu"})
    assert "'RichDLLmu' cannot be both dll_k and dll_mu" in message
    message = refused(path, species="pion", columns={"dll_k": "PIDK"})
    assert "no column 'PIDK' for dll_k" in message


def test_a_momentum_of_unknown_unit(table):
    values = {**TRACKS, "p": TRACKS["momentum_gev"]}
    del values["momentum_gev"]
    message = refused(table(values), species="pion", columns={"momentum_gev": "p"})
    assert "the unit of 'p' is not known; give --momentum_unit=MeV or" in message


@pytest.mark.parametrize(
    ("factor", "unit", "remedy"),
    [
        (1.0, None, "--momentum_unit=GeV"),
        (1.0, "MeV", "--momentum_unit=GeV"),
        (1000.0, "GeV", "--momentum_unit=MeV"),
        (1e6, None, "--columns=momentum_gev=NAME"),
    ],
)
def test_momenta_in_the_wrong_unit(table, factor, unit, remedy):
    path = table({**TEXT, "Brunel_P": TRACKS["momentum_gev"] * factor})
    message = refused(path, species="kaon", momentum_unit=unit)
    median = np.median(TRACKS["momentum_gev"]) * factor
    assert f"median of momentum 'Brunel_P' is {median:g} {unit or 'MeV'}" in message
    assert remedy in message


def test_the_unit_that_fits_is_accepted(table):
    path = table({**TEXT, "Brunel_P": TRACKS["momentum_gev"]})
    sample = read(path, species="kaon", momentum_unit="GeV")
    np.testing.assert_array_equal(sample.condition[:, 0], TRACKS["momentum_gev"])
    assert "unit of the momentum 'TeV'" in refused(
        path, species="kaon", momentum_unit="TeV"
    )


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
@pytest.mark.parametrize("name", ["momentum_gev", "dll_p", "weight"])
def test_numbers_that_are_not_finite(table, name, value):
    theirs = made_tables.TEXT[name]
    message = refused(table(changed(TEXT, theirs, 17, value)), species="kaon")
    assert f"a.parquet: event 17: {name} (column '{theirs}') is {value:g}" in message


def test_a_null_is_not_a_number(table):
    values = {**TEXT, "RichDLLe": [None, *TEXT["RichDLLe"][1:]]}
    message = refused(table(values), species="kaon")
    assert "event 0: dll_e (column 'RichDLLe') is nan" in message


def test_the_event_is_counted_from_the_start_of_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr("data.calibration.archive.PIECE_ROWS", 7)
    values = changed(TEXT, "RichDLLe", 33, np.nan)
    path = made_tables.write_archive(tmp_path / "a.npz", values)
    with pytest.raises(DataError, match="event 33: dll_e"):
        list(CalibrationTable(path, ReadingOptions(species="kaon")).samples())


def test_a_calibration_table_needs_its_weights(table):
    values = {name: TEXT[name] for name in TEXT if name != "probe_sWeight"}
    path = table(values)
    message = refused(path, species="kaon")
    assert "no column 'probe_sWeight' for weight" in message
    assert "--columns=weight=none" in message
    assert read(path, species="kaon", columns={"weight": "none"}).weight is None


def test_a_simulation_has_a_species_for_each_track_and_no_weights(table):
    sample = read(table(SIMULATION))
    assert sample.weight is None
    np.testing.assert_array_equal(sample.condition[:, 3], np.abs(CODES))
    np.testing.assert_array_equal(sample.condition[:, 2], TRACKS["number_of_tracks"])
    weighted = table({**SIMULATION, "w": TRACKS["weight"]})
    np.testing.assert_array_equal(
        read(weighted, columns={"weight": "w"}).weight, TRACKS["weight"]
    )


def test_a_species_must_come_from_somewhere(table):
    message = refused(table(TEXT))
    assert "no column of the species; give --species=NAME" in message
    message = refused(table(TEXT), species="kaons")
    assert "unknown species 'kaons'; known: electron" in message


def test_a_species_that_is_given_must_be_that_of_the_column(table):
    path = table(SIMULATION)
    message = refused(path, species="kaon")
    assert "event 1: species 211 (column 'MCParticleType') is none of 321" in message
    assert "or leave out --species" in message
    kaons = {**SIMULATION, "MCParticleType": np.full(COUNT, -321)}
    np.testing.assert_array_equal(
        read(table(kaons), species="kaon").condition[:, 3], 321
    )


def test_other_species_are_refused_or_left_out(table):
    values = changed(SIMULATION, "MCParticleType", 3, 1000010020)
    path = table(changed(values, "MCParticleType", 8, 0.5))
    assert "event 3: species 1000010020 (column" in refused(path)
    some = CalibrationTable(path, ReadingOptions(drop=("other_species",)))
    (sample,) = some.samples()
    assert some.dropped["other_species"] == 2
    np.testing.assert_array_equal(
        sample.response[:, 0], np.delete(TRACKS["dll_k"], [3, 8])
    )
    protons = CalibrationTable(
        path, ReadingOptions(species="proton", drop=("other_species",))
    )
    (sample,) = protons.samples()
    np.testing.assert_array_equal(sample.response[:, 0], TRACKS["dll_k"][4::5])


@pytest.mark.parametrize("value", [-999.0, -1000.0, -9999.0])
def test_tracks_without_rich_information(table, value):
    values = changed(TEXT, "RichDLLp", 5, value)
    for name in made_tables.LIKELIHOODS:
        values = changed(values, f"RichDLL{name}", 21, value)
    path = table(values)
    message = refused(path, species="kaon")
    assert f"event 5: dll_p is {value:g}" in message
    assert "--drop=no_rich" in message
    some = CalibrationTable(path, ReadingOptions(species="kaon", drop=("no_rich",)))
    (sample,) = some.samples()
    assert some.dropped["no_rich"] == 2
    np.testing.assert_array_equal(sample.weight, np.delete(TRACKS["weight"], [5, 21]))


def test_a_likelihood_just_above_the_mark_stays(table):
    sample = read(table(changed(TEXT, "RichDLLp", 5, -998.0)), species="kaon")
    assert len(sample) == COUNT


def test_nothing_left(table):
    values = {**TEXT, "RichDLLk": np.full(COUNT, -1000.0)}
    assert "all 40 tracks are left out" in refused(
        table(values), species="kaon", drop=("no_rich",)
    )
    assert "--drop=ghosts: unknown; choose from no_rich" in refused(
        table(values), species="kaon", drop=("ghosts",)
    )


def test_effective_tracks_of_signed_weights():
    tally = conversion.Tally()
    assert tally.effective == 0.0
    tally.add(np.array([2.0, -1.0], np.float32), np.array([True, False]))
    tally.add(np.array([1.0], np.float32), np.array([True]))
    assert (tally.tracks, tally.weights, tally.negative, tally.outside) == (
        3,
        2.0,
        1,
        1,
    )
    assert tally.effective == pytest.approx(4.0 / 6.0)


def test_equal_weights_are_all_effective():
    tally = conversion.Tally()
    tally.add(np.full(10, 0.25, np.float32), np.ones(10, bool))
    assert tally.effective == pytest.approx(10.0)
