"""Calibration tables and binnings of strangers are read or refused, in one line."""

import gzip

import hypothesis
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import strategies as st

from data.calibration.calibration_table import CalibrationTable, ReadingOptions
from data.calibration.formats import open_table
from data.events import DataError
from data.files.shower_formats.binning_xml import read_binning
from tests.data import made_tables


def convert(path):
    """Reads all tracks; what is wrong with them, or None."""
    try:
        table = CalibrationTable(str(path), ReadingOptions(species="kaon"))
        list(table.samples())
    except DataError as error:
        return str(error)
    return None


WRITERS = {
    ".csv": lambda path: made_tables.write_text(path, values(made_tables.TEXT)),
    ".csv.gz": lambda path: made_tables.write_text(path, values(made_tables.TEXT)),
    ".parquet": lambda path: made_tables.write_parquet(path, values(made_tables.TREE)),
    ".npz": lambda path: made_tables.write_archive(path, values(made_tables.TEXT)),
    ".root": lambda path: made_tables.write_root(
        path, {"pid_kaon": values(made_tables.TREE)}
    ),
}


def values(names):
    return made_tables.named(made_tables.tracks(5), names)


@pytest.fixture(scope="module")
def contents(tmp_path_factory):
    """A small valid file of every format, as bytes."""
    folder = tmp_path_factory.mktemp("tables")
    for ending, write in WRITERS.items():
        write(folder / f"a{ending}")
    return {ending: (folder / f"a{ending}").read_bytes() for ending in WRITERS}


@hypothesis.settings(max_examples=60)
@hypothesis.given(
    ending=st.sampled_from(tuple(WRITERS)),
    places=st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.binary(max_size=6)), max_size=4
    ),
    length=st.one_of(st.just(1.0), st.floats(0.1, 1)),
)
def test_any_damage_is_read_or_refused(
    tmp_path_factory, contents, ending, places, length
):
    raw = bytearray(contents[ending])
    for place, damage in places:
        start = int(place * len(raw))
        raw[start : start + len(damage)] = damage
    path = tmp_path_factory.mktemp("any") / f"a{ending}"
    path.write_bytes(raw[: int(length * len(raw))])
    message = convert(path)
    assert message is None or message.isprintable()


@hypothesis.settings(max_examples=40)
@hypothesis.given(text=st.text(alphabet='a1.-"\t,;\n\r\0é', max_size=40))
def test_any_text_is_read_or_refused(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("any") / "a.csv"
    path.write_text(text, encoding="utf-8")
    message = convert(path)
    assert message is None or message.isprintable()


def test_a_name_longer_than_python_takes(tmp_path):
    (tmp_path / "a.csv").write_text("a" * 200_000 + ",b\n1,2\n")
    assert "not a readable table" in convert(tmp_path / "a.csv")


def test_comparing_names_takes_no_time_that_grows_with_them(tmp_path):
    """All names at full length would take minutes."""
    names = [f"probe_{number}_" + "RichDLLk" * 2000 for number in range(60)]
    (tmp_path / "a.csv").write_text(",".join(names) + "\n")
    names = ",".join(f"n{number}" for number in range(100_000))
    (tmp_path / "b.csv").write_text(names + "\n")
    assert "nearest first" in convert(tmp_path / "a.csv")
    assert "and 99980 more" in convert(tmp_path / "b.csv")


def test_a_bomb_of_a_line(tmp_path):
    """A kilobyte that unpacks to one line of megabytes: read until it is too long."""
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"a" * (1 << 24)))
    assert "not a readable table" in convert(tmp_path / "a.csv.gz")


def test_objects_of_root_are_not_made(tmp_path):
    """Texts are refused by the type that the tree declares."""
    columns = values(made_tables.TREE)
    path = tmp_path / "a.root"
    with made_tables.uproot.recreate(path) as file:
        name = made_tables.TREE["dll_k"]
        columns[name] = ["text"] * 5
        file.mktree("pid_kaon", dict.fromkeys(columns, "f8") | {name: "string"})
        file["pid_kaon"].extend(columns)
    assert f"column '{name}' holds" in convert(path)


def test_a_tree_that_says_it_is_endless(tmp_path, monkeypatch):
    import uproot

    path = made_tables.write_root(
        tmp_path / "a.root", {"pid_kaon": values(made_tables.TREE)}
    )
    table = open_table(path, None, "kaon")
    monkeypatch.setattr(uproot.TTree, "num_entries", 1 << 60)
    with pytest.raises(DataError, match="the file is too small for"):
        next(table.pieces(list(table.names)[:1]))


def test_nested_columns_of_parquet(tmp_path):
    columns = {
        name: pyarrow.array(column) for name, column in values(made_tables.TREE).items()
    }
    name = made_tables.TREE["dll_k"]
    columns[name] = pyarrow.array([[1.0]] * 5)
    pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "a.parquet")
    assert f"column '{name}' holds list" in convert(tmp_path / "a.parquet")


XML = {
    "encoding": '<?xml version="1.0" encoding="klingon"?><Bins/>',
    "no encoding of text": '<?xml version="1.0" encoding="zlib"?><Bins/>',
    "deep": "<Bins>" * 100_000,
    "attributes": "<Bins " + " ".join(f'a{n}="1"' for n in range(50_000)) + "/>",
    "digits": '<Bins><Bin name="a"><Layer id="1" r_edges="0,1,2,3" n_bin_alpha="'
    + "9" * 4300
    + '"/></Bin></Bins>',
    "more digits": '<Bins><Bin name="a"><Layer id="1" r_edges="0,1" n_bin_alpha="'
    + "9" * 5000
    + '"/></Bin></Bins>',
    "entity": '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><Bins>&b;</Bins>',
    "other file": '<!DOCTYPE Bins SYSTEM "file:///etc/hostname"><Bins/>',
    "name": '<Bins><Bin name="a&#10;b"/><Bin name="c"/></Bins>',
}


@pytest.mark.parametrize("name", XML)
def test_binnings_are_refused_in_one_line(tmp_path, name):
    (tmp_path / "a.xml").write_text(XML[name])
    with pytest.raises(DataError) as caught:
        read_binning(tmp_path / "a.xml")
    assert str(caught.value).isprintable()


TOKENS = st.sampled_from(
    ["<Bins>", "</Bins>", '<Bin name="a">', "</Bin>", "<Layer ", 'id="0" ', "/>",
     'r_edges="0,5,10" ', 'r_edges="nan" ', 'n_bin_alpha="2" ', 'n_bin_alpha="-1" ',
     "&lt;", "<!--", "-->", "<![CDATA[", "]]>", "<?a", "?>", "\0", "é", 'id="٣" ']
)  # fmt: skip


@hypothesis.settings(max_examples=60)
@hypothesis.given(tokens=st.lists(TOKENS, max_size=12))
def test_any_binning_is_read_or_refused(tmp_path_factory, tokens):
    path = tmp_path_factory.mktemp("any") / "a.xml"
    path.write_text("".join(tokens), encoding="utf-8")
    try:
        assert read_binning(path).voxels > 0
    except DataError as error:
        assert str(error).isprintable()  # noqa: PT017


def test_edges_beyond_numbers(tmp_path):
    edges = "0,1e308,1e309"
    text = f'<Bins><Bin name="a"><Layer id="0" r_edges="{edges}" n_bin_alpha="1"/>'
    (tmp_path / "a.xml").write_text(f"{text}</Bin></Bins>")
    with pytest.raises(DataError, match="edges must ascend"):
        read_binning(tmp_path / "a.xml")
