"""The command: convert.py from tables to a canonical file."""

import subprocess
import sys

import h5py
import numpy as np
import pytest

from data import detectors
from data.files import readers, writers
from tests.conftest import ROOT
from tests.data import made_tables

RICH = detectors.get("rich")
COUNT = 400
TRACKS = made_tables.tracks(COUNT)
TEXT = made_tables.named(TRACKS, made_tables.TEXT)


@pytest.fixture
def kaons(tmp_path):
    return made_tables.write_text(tmp_path / "kaon.csv", TEXT)


@pytest.fixture
def pions(tmp_path):
    values = made_tables.named(made_tables.tracks(100, seed=1), made_tables.TREE)
    return made_tables.write_root(tmp_path / "pion.root", {"pid_pion": values})


@pytest.fixture
def simulation(tmp_path):
    columns = made_tables.tracks(50, seed=2) | {"species_pdg": np.full(50, 2212)}
    values = made_tables.named(columns, made_tables.SIMULATION)
    return made_tables.write_text(tmp_path / "mc.csv", values)


def convert(script, tmp_path, capsys, *options, output="rich.h5"):
    status = script("convert")(f"--output={tmp_path / output}", *options)
    captured = capsys.readouterr()
    return status, captured.out, captured.err, tmp_path / output


def test_one_table(script, tmp_path, capsys, kaons):
    status, out, err, path = convert(
        script, tmp_path, capsys, f"--input={kaons}", "--species=kaon"
    )
    assert (status, err) == (0, "")
    assert readers.detect(path).name == "rich"
    sample = readers.read(path, RICH)
    np.testing.assert_array_equal(sample.response[:, 0], TRACKS["dll_k"])
    np.testing.assert_array_equal(sample.condition[:, 3], 321)
    np.testing.assert_array_equal(sample.weight, TRACKS["weight"])
    counts = readers.splits(path)
    assert sum(counts.values()) == COUNT
    weight = TRACKS["weight"]
    (line,) = [line for line in out.splitlines() if line.startswith("kaon")]
    assert line.split() == [
        "kaon",
        "400",
        f"{weight.sum():,.1f}",
        f"{weight.sum() ** 2 / np.sum(weight**2):,.0f}",
        f"{np.mean(weight < 0):.1%}",
        "0.0%",
    ]
    shown = ", ".join(f"{count} {name}" for name, count in counts.items())
    assert out.splitlines()[-1] == f"{path}: {shown}"
    with h5py.File(path) as file:
        assert file.attrs["sources"] == "kaon.csv"
        assert file.attrs["seed"] == 0


def test_several_tables_become_one_file(
    script, tmp_path, capsys, kaons, pions, simulation
):
    status, out, _, path = convert(
        script,
        tmp_path,
        capsys,
        f"--input={kaons},{pions},{simulation}",
        "--species=kaon,pion,",
    )
    assert status == 0
    sample = readers.read(path, RICH)
    codes = [321.0] * 400 + [211.0] * 100 + [2212.0] * 50
    assert sample.condition[:, 3].tolist() == codes
    # Where one table is weighted, every track of the others counts as 1.
    np.testing.assert_array_equal(sample.weight[500:], 1.0)
    np.testing.assert_array_equal(sample.weight[:400], TRACKS["weight"])
    rows = [line.split()[:2] for line in out.splitlines()[1:4]]
    assert rows == [["pion", "100"], ["kaon", "400"], ["proton", "50"]]


def test_a_table_without_weights_gives_a_file_without(
    script, tmp_path, capsys, simulation
):
    status, _, _, path = convert(script, tmp_path, capsys, f"--input={simulation}")
    assert status == 0
    assert readers.read(path, RICH).weight is None


def splits_of(path):
    with h5py.File(path) as file:
        return file["split"][()].tolist()


def test_splits_depend_on_the_seed_and_not_on_the_pieces(
    script, tmp_path, capsys, monkeypatch, kaons
):
    def run(name, *options):
        path = convert(
            script,
            tmp_path,
            capsys,
            f"--input={kaons}",
            "--species=kaon",
            *options,
            output=name,
        )[3]
        return splits_of(path)

    first = run("a.h5")
    assert run("b.h5", "--seed=1") != first
    monkeypatch.setattr("data.calibration.text._BLOCK_BYTES", 2000)
    assert run("c.h5") == first
    assert run("d.h5", "--splits=0,0,1") == [b"test"] * COUNT
    counts = readers.splits(tmp_path / "a.h5")
    # Five standard deviations of a binomial with 400 trials.
    assert abs(counts["train"] - 240) < 50
    assert abs(counts["validation"] - 40) < 30


def test_tracks_left_out_are_counted(script, tmp_path, capsys):
    values = {
        **TEXT,
        "RichDLLk": np.where(np.arange(COUNT) < 3, -1000, TEXT["RichDLLk"]),
    }
    path = made_tables.write_text(tmp_path / "kaon.csv", values)
    options = f"--input={path}", "--species=kaon"
    status, _, err, output = convert(script, tmp_path, capsys, *options)
    assert status == 2
    assert err.count("\n") == 1
    assert "--drop=no_rich" in err
    assert not output.exists()
    status, out, _, output = convert(
        script, tmp_path, capsys, *options, "--drop=no_rich"
    )
    assert status == 0
    assert f"{path}: 3 tracks left out: no_rich" in out
    assert len(readers.read(output, RICH)) == COUNT - 3


def test_tracks_outside_the_domain_are_kept_and_counted(script, tmp_path, capsys):
    values = {**TEXT, "Brunel_P": np.where(np.arange(COUNT) < 100, 3e5, 3e4)}
    path = made_tables.write_text(tmp_path / "kaon.csv", values)
    status, out, _, output = convert(
        script, tmp_path, capsys, f"--input={path}", "--species=kaon"
    )
    assert status == 0
    assert out.splitlines()[1].endswith(" 25.0%")
    assert len(readers.read(output, RICH)) == COUNT


def test_columns_and_unit_from_the_command_line(script, tmp_path, capsys):
    values = {name: TEXT[name] for name in TEXT if name != "probe_sWeight"}
    values["P"] = values.pop("Brunel_P") / 1000
    path = made_tables.write_text(tmp_path / "kaon.csv", values)
    status, _, _, output = convert(
        script,
        tmp_path,
        capsys,
        f"--input={path}",
        "--species=kaon",
        "--columns=momentum_gev=P,weight=none",
        "--momentum_unit=GeV",
    )
    assert status == 0
    sample = readers.read(output, RICH)
    assert sample.weight is None
    np.testing.assert_array_equal(sample.condition[:, 0], TRACKS["momentum_gev"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--species=kaon,pion"], "--species=kaon,pion: 2 values for 1 inputs"),
        (
            ["--species=kaon", "--splits=0.5,0.5"],
            "fractions of train, validation, test",
        ),
        (["--species=kaon", "--splits=0.5,0.5,x"], "not all of these are numbers"),
        (["--species=kaon", "--splits=0.5,0.6,-0.1"], "add up to 1"),
        (["--species=kaon", "--columns=dll_k"], "canonical=theirs"),
        (["--species=kaon", "--columns=dll_k=a,dll_k=b"], "canonical=theirs, once"),
        (["--species=kaon", "--momentum_unit=GeV"], "--momentum_unit=MeV"),
        (["--species=photon"], "unknown species 'photon'"),
        ([], "give --species=NAME"),
    ],
)
def test_mistakes_end_in_one_line(script, tmp_path, capsys, kaons, options, message):
    status, out, err, output = convert(
        script, tmp_path, capsys, f"--input={kaons}", *options
    )
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("convert.py: ")
    assert message in err
    assert not output.exists()


def test_an_output_that_would_not_be_read(script, tmp_path, capsys, kaons):
    before = TEXT.keys()
    status, _, err, output = convert(
        script,
        tmp_path,
        capsys,
        f"--input={kaons}",
        "--species=kaon",
        output="kaon.csv",
    )
    assert status == 2
    assert "end its name in .h5" in err
    assert output.read_text(encoding="utf-8").splitlines()[0].split("\t") == list(
        before
    )


def test_weights_of_the_background(script, tmp_path, capsys):
    values = {**TEXT, "probe_sWeight": -TEXT["probe_sWeight"]}
    path = made_tables.write_text(tmp_path / "kaon.csv", values)
    (tmp_path / "rich.h5").write_bytes(b"older")
    status, _, err, output = convert(
        script, tmp_path, capsys, f"--input={path}", "--species=kaon"
    )
    assert status == 2
    assert "the weights of species 'kaon' add up to -" in err
    # An error late in a file leaves what was there before, and no temporary file.
    assert output.read_bytes() == b"older"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["kaon.csv", "rich.h5"]


def test_as_a_process():
    ended = subprocess.run(
        [sys.executable, "convert.py", "--input=none.csv", "--output=a.h5"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stderr == "convert.py: none.csv: no such file; check the path\n"


def test_events_in_another_format(script, tmp_path, capsys):
    """Dense to sparse and back keeps numbers, weights and splits."""
    random = np.random.default_rng(0)
    response = random.normal(size=(700, 5)).astype(np.float32)
    response[::2, 1:3] = 0
    condition = np.tile(np.float32([30, 3, 100, 321]), (700, 1))
    weight = random.normal(size=700).astype(np.float32)
    names = random.choice(readers.SPLITS, 700)
    sample = readers.Sample(response, condition, weight)
    writers.write(tmp_path / "a.h5", RICH, sample, split=names, attributes={"seed": 3})

    def rewrite(source, output, *options):
        source = f"--input={tmp_path / source}"
        return convert(script, tmp_path, capsys, source, *options, output=output)

    status, out, err, path = rewrite("a.h5", "b.h5", "--format=sparse_hdf5")
    counts = ", ".join(f"{np.sum(names == one)} {one}" for one in readers.SPLITS)
    assert (status, err, out) == (0, "", f"{path}: {counts}\n")
    status, _, _, path = rewrite("b.h5", "c.h5", "--format=hdf5")
    found = readers.read(path, RICH)
    np.testing.assert_array_equal(found.response, response)
    np.testing.assert_array_equal(found.weight, weight)
    assert splits_of(path) == [name.encode() for name in names]
    with h5py.File(path) as file:
        assert file.attrs["seed"] == 3
    path = rewrite("b.h5", "d.h5", "--format=hdf5", "--split=test")[3]
    assert readers.splits(path) == {"test": int(np.sum(names == "test"))}
    for options, message in (
        (["--format=lhcb_npz"], "ends in .npz"),
        (["--format=hdf5", "--species=kaon"], "--species: has no meaning for events"),
        (["--split=test", "--splits=1,0,0"], "--split takes events of one split"),
        (["--format=root", "--splits=1,0,0", "--output=e.root"], "no place for splits"),
    ):
        status, _, err, path = rewrite("a.h5", "e.h5", *options)
        assert (status, err.count("\n")) == (2, 1)
        assert message in err
        assert not path.exists()
