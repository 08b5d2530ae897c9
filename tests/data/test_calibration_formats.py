"""Every format gives the same tracks, and says in one line what is wrong with it."""

import builtins

import numpy as np
import pytest

from data.calibration import archive, parquet, root, text
from data.calibration.calibration_table import CalibrationTable, ReadingOptions
from data.events import DataError, Sample
from tests.data import made_tables

COUNT = 40
KAON = ReadingOptions(species="kaon")
TRACKS = made_tables.tracks(COUNT)
TEXT = made_tables.named(TRACKS, made_tables.TEXT)
TREE = made_tables.named(TRACKS, made_tables.TREE)


def read(path, options=KAON):
    parts = list(CalibrationTable(path, options).samples())
    weights = [part.weight for part in parts]
    return Sample(
        np.concatenate([part.response for part in parts]),
        np.concatenate([part.condition for part in parts]),
        None if weights[0] is None else np.concatenate(weights),
    )


def check(sample, code=321):
    for index, name in enumerate(made_tables.LIKELIHOODS):
        np.testing.assert_array_equal(sample.response[:, index], TRACKS[f"dll_{name}"])
    for index, name in enumerate(
        ("momentum_gev", "pseudorapidity", "number_of_tracks")
    ):
        np.testing.assert_allclose(sample.condition[:, index], TRACKS[name], rtol=1e-7)
    np.testing.assert_array_equal(sample.condition[:, 3], code)
    np.testing.assert_array_equal(sample.weight, TRACKS["weight"])
    assert sample.weight.min() < 0
    assert sample.response.dtype == sample.condition.dtype == np.float32
    assert sample.weight.dtype == np.float32


@pytest.mark.parametrize("delimiter", ["\t", ",", ";"])
@pytest.mark.parametrize("name", ["kaon.csv", "kaon.tsv", "kaon.txt", "kaon.csv.gz"])
def test_text(tmp_path, name, delimiter):
    # A table that pandas wrote begins with a column without a name.
    values = {"": np.arange(COUNT), **TEXT, "probe_name": ["a"] * COUNT}
    check(read(made_tables.write_text(tmp_path / name, values, delimiter)))


def test_text_with_numbers_that_begin_as_integers(tmp_path):
    values = {name: list(column) for name, column in TEXT.items()}
    values["Brunel_ETA"][:20] = [2] * 20
    path = made_tables.write_text(tmp_path / "kaon.csv", values)
    sample = read(path)
    assert (
        sample.condition[:, 1].tolist() == [2.0] * 20 + TEXT["Brunel_ETA"][20:].tolist()
    )


@pytest.mark.parametrize("kind", ["mktree", "mkrntuple"])
def test_root(tmp_path, kind):
    trees = {"PidTupler/pid_kaon": {**TREE, "probe_PIDK": np.zeros(COUNT)}}
    check(read(made_tables.write_root(tmp_path / "a.root", trees, kind)))


def test_root_with_the_shorter_names(tmp_path):
    names = {
        name: theirs.replace("Brunel_Rich", "Rich")
        for name, theirs in made_tables.TREE.items()
    }
    trees = {"PidTupler/pid_kaon": made_tables.named(TRACKS, names)}
    check(read(made_tables.write_root(tmp_path / "a.root", trees)))


def test_root_finds_the_tree_of_the_species_or_takes_the_one_that_is_named(tmp_path):
    other = {name: values[::-1].copy() for name, values in TREE.items()}
    trees = {"PidTupler/pid_pion": other, "PidTupler/pid_kaon": TREE}
    path = made_tables.write_root(tmp_path / "a.root", trees)
    check(read(path))
    check(
        read(path, ReadingOptions(species="proton", tree="PidTupler/pid_kaon")),
        code=2212,
    )
    with pytest.raises(DataError, match="PidTupler/pid_pion, PidTupler/pid_kaon"):
        CalibrationTable(path, ReadingOptions(species="muon"))
    with pytest.raises(DataError, match=r"no tree 'pid_kaon'; .*PidTupler/pid_kaon"):
        CalibrationTable(path, ReadingOptions(species="kaon", tree="pid_kaon"))


def test_parquet(tmp_path):
    check(read(made_tables.write_parquet(tmp_path / "a.parquet", TEXT)))
    check(read(made_tables.write_parquet(tmp_path / "b.parquet", TREE)))


def test_parquet_of_integers_and_half_precision(tmp_path):
    values = {**TEXT, "nTracks_Brunel": TEXT["nTracks_Brunel"].astype(np.int16)}
    values["probe_sWeight"] = TEXT["probe_sWeight"].astype(np.float16)
    check(read(made_tables.write_parquet(tmp_path / "a.parquet", values)))


def test_archive(tmp_path):
    check(read(made_tables.write_archive(tmp_path / "a.npz", TEXT)))
    check(read(made_tables.write_archive(tmp_path / "b.npz", TREE, made_tables.TREE)))


@pytest.mark.parametrize(
    ("module", "limit"),
    [
        (root, "PIECE_ROWS"),
        (parquet, "PIECE_ROWS"),
        (archive, "PIECE_ROWS"),
        (text, ""),
    ],
)
def test_pieces_add_up_to_the_whole(tmp_path, monkeypatch, module, limit):
    if limit:
        monkeypatch.setattr(module, limit, 11)
    else:
        monkeypatch.setattr(text, "_BLOCK_BYTES", 700)
    path = {
        root: lambda: made_tables.write_root(tmp_path / "a.root", {"t": TREE}),
        parquet: lambda: made_tables.write_parquet(tmp_path / "a.parquet", TEXT),
        archive: lambda: made_tables.write_archive(tmp_path / "a.npz", TEXT),
        text: lambda: made_tables.write_text(tmp_path / "a.csv", TEXT),
    }[module]()
    parts = list(CalibrationTable(path, KAON).samples())
    assert len(parts) > 2
    assert sum(map(len, parts)) == COUNT
    check(read(path))


def test_text_names_the_event_and_the_column_that_is_no_number(tmp_path, monkeypatch):
    monkeypatch.setattr(text, "_BLOCK_BYTES", 700)
    values = {"a": ["x"] * COUNT, **{name: list(v) for name, v in TEXT.items()}}
    values["RichDLLmu"][33] = "n/k"
    path = made_tables.write_text(tmp_path / "a.csv", values)
    with pytest.raises(DataError, match=r"event 33: column 'RichDLLmu' holds 'n/k'"):
        read(path)


def test_text_with_a_short_line(tmp_path):
    path = tmp_path / "a.csv"
    made_tables.write_text(path, TEXT)
    path.write_text(path.read_text(encoding="utf-8") + "1\t2\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"a\.csv: not a readable table .*got 2"):
        read(str(path))


@pytest.mark.parametrize("content", [b"", b"\n1\t2\n", b"\xff\xfeR\x00i\x00c\x00h\x00"])
def test_text_without_a_header(tmp_path, content):
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.csv: .*(names no columns|not a readable)"):
        read(str(path))


@pytest.mark.parametrize("suffix", ["csv", "parquet", "npz", "root"])
def test_a_table_without_rows(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    empty = {name: values[:0] for name, values in TEXT.items()}
    write = {
        "csv": made_tables.write_text,
        "parquet": made_tables.write_parquet,
        "npz": made_tables.write_archive,
        "root": lambda path, values: made_tables.write_root(path, {"t": values}),
    }[suffix]
    with pytest.raises(DataError, match="holds no tracks"):
        read(write(path, empty))


@pytest.mark.parametrize("suffix", ["csv.gz", "parquet", "npz", "root"])
def test_files_that_are_none(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    with pytest.raises(DataError, match="no such file"):
        read(str(path))
    path.write_bytes(b"no such thing as a table")
    with pytest.raises(DataError, match="not a readable") as caught:
        read(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", ["parquet", "npz", "root"])
def test_damaged_files(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    if suffix == "root":
        made_tables.write_root(path, {"t": TREE})
    elif suffix == "npz":
        made_tables.write_archive(path, TEXT)
    else:
        made_tables.write_parquet(path, TEXT)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError, match="not a readable"):
        read(str(path))


def test_an_unknown_ending_and_a_tree_where_there_is_none(tmp_path):
    with pytest.raises(DataError, match=r"a\.xlsx: unknown format"):
        read("a.xlsx")
    path = made_tables.write_text(tmp_path / "a.csv", TEXT)
    with pytest.raises(DataError, match="only ROOT files have trees"):
        read(path, ReadingOptions(species="kaon", tree="pid_kaon"))


def test_a_root_file_without_trees(tmp_path):
    path = made_tables.write_root(tmp_path / "a.root", {})
    with pytest.raises(DataError, match="holds no tree"):
        read(path)


def test_columns_of_text_or_of_several_numbers(tmp_path):
    tree = {**TREE, "probe_sWeight": np.zeros((COUNT, 3))}
    path = made_tables.write_root(tmp_path / "a.root", {"t": tree})
    with pytest.raises(
        DataError, match=r"'probe_sWeight' holds arrays of shape \(3,\)"
    ):
        read(path)
    values = {**TEXT, "Brunel_P": ["fast"] * COUNT}
    path = made_tables.write_parquet(tmp_path / "a.parquet", values)
    with pytest.raises(DataError, match="'Brunel_P' holds string, not one number"):
        read(path)


def test_archives_whose_arrays_do_not_fit(tmp_path):
    good = dict(np.load(made_tables.write_archive(tmp_path / "a.npz", TEXT)))

    def refused(**changes):
        arrays = {k: v for k, v in {**good, **changes}.items() if v is not None}
        np.savez(tmp_path / "b.npz", **arrays)
        with pytest.raises(DataError) as caught:
            read(str(tmp_path / "b.npz"))
        assert str(caught.value).startswith(f"{tmp_path}/b.npz: ")
        return str(caught.value)

    assert "x has 39, y has 40" in refused(x=good["x"][1:])
    assert "x_vars names 2 columns" in refused(x_vars=good["x_vars"][:2])
    assert "has no array 'y_vars'" in refused(y_vars=None)
    assert "x_vars holds int64" in refused(x_vars=np.arange(3))
    assert "holds Python objects" in refused(x_vars=good["x_vars"].astype(object))
    assert "'Brunel_P' holds <U" in refused(x=good["x"].astype(str))
    assert "no column 'probe_sWeight' for weight" in refused(w=None, w_var=None)
    assert "2 columns called 'RichDLLk'" in refused(
        y_vars=np.array(["RichDLLk", "RichDLLk", *good["y_vars"][2:]])
    )


def test_a_single_array(tmp_path):
    with open(tmp_path / "a.npz", "wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(DataError, match="a single array"):
        read(str(tmp_path / "a.npz"))


@pytest.mark.parametrize(
    ("suffix", "package"),
    [("csv", "pyarrow"), ("parquet", "pyarrow"), ("root", "uproot")],
)
def test_a_package_that_is_not_installed(tmp_path, monkeypatch, suffix, package):
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(b"")
    real = builtins.__import__

    def without(name, *rest, **options):
        if name.partition(".")[0] == package:
            raise ModuleNotFoundError(f"No module named {package!r}", name=package)
        return real(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(
        DataError, match=f"'{package}'; pip install -r requirements-pid"
    ):
        read(str(path))
