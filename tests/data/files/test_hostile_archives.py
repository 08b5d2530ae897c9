"""NumPy archives of strangers: nothing is believed, unpacked beyond it, or run."""

import io
import json
import zipfile

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from data.files import readers
from data.files.archives.array_archives import array_names, load_arrays
from data.files.readers import DataError

MAGIC = b"\x93NUMPY\x01\x00"


def member(header, content=b""):
    """An array as a file has it, with a header of one's own."""
    text = header.encode("latin-1") + b"\n"
    return MAGIC + len(text).to_bytes(2, "little") + text + content


def header(shape="(3,)", descr="'<f4'", order="False"):
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}}}"


def archive(path, content, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as file:
        file.writestr("x.npy", content)
    return str(path)


def load(path):
    return load_arrays(path, ["x"])["x"]


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("kind", ["f4", "i1", ">f8", "?", "U3", "S5"])
@pytest.mark.parametrize("shape", [(), (0, 2), (3,), (2, 3, 4)])
def test_arrays_are_those_that_numpy_wrote(tmp_path, shape, kind, order):
    values = np.zeros(shape, kind, order)
    values[...] = np.arange(values.size).reshape(shape).astype(kind)
    np.savez_compressed(tmp_path / "a.npz", x=values, y=1)
    found = load(str(tmp_path / "a.npz"))
    np.testing.assert_array_equal(found, values, strict=True)
    assert array_names(str(tmp_path / "a.npz")) == {"x", "y"}


def test_an_array_of_many_pieces(tmp_path):
    values = np.random.default_rng(1).random((700, 500))
    np.savez(tmp_path / "a.npz", x=values)
    np.testing.assert_array_equal(load(str(tmp_path / "a.npz")), values)


REFUSED = {
    "a terabyte": (header("(1000000000000,)"), bytes(12), "are stored"),
    "more than there is": (header("(4,)"), bytes(12), "16 bytes, 12 are stored"),
    "less than there is": (header("(2,)"), bytes(12), "8 bytes, 12 are stored"),
    "negative": (header("(-3,)"), bytes(12), "are stored"),
    "twice negative": (header("(-1, -3)"), bytes(12), "not a readable"),
    "objects": (header("(1,)", "'|O'"), b"cos\nsystem\n", "holds Python objects"),
    "objects inside": (header("(1,)", "[('a', 'O')]"), bytes(8), "Python objects"),
    "nothing each": (header("(5,)", "'<U0'"), b"", "are stored"),
    "code": ("{'descr': __import__('os').getcwd()}", b"", "not a readable"),
    "deep": ("(" * 5000, b"", "not a readable"),
    "signs": ("{'shape': " + "-" * 5000 + "1}", b"", "not a readable"),
    "dimensions": (header(str((1,) * 70)), bytes(4), "not a readable"),
    "no header": ("", b"", "not a readable"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_headers_are_not_believed(tmp_path, name):
    text, content, message = REFUSED[name]
    path = archive(tmp_path / "a.npz", member(text, content))
    with pytest.raises(DataError, match=message):
        load(path)


def test_a_header_that_goes_on_and_on(tmp_path):
    """A bomb: a kilobyte of zip that would be a header of megabytes."""
    start = b"\x93NUMPY\x02\x00" + (1 << 24).to_bytes(4, "little")
    path = archive(tmp_path / "a.npz", start + b" " * (1 << 21))
    with pytest.raises(DataError, match="not a readable"):
        load(path)


def test_sizes_of_the_zip_are_not_believed(tmp_path):
    """The directory of the zip says a terabyte, and so does the array."""
    count = 1 << 38
    content = member(header(f"({count},)"), bytes(12))
    path = archive(tmp_path / "a.npz", content, zipfile.ZIP_STORED)
    raw = (tmp_path / "a.npz").read_bytes()
    start = raw.index(b"PK\x01\x02")
    size = (4 * count + len(content) - 12).to_bytes(8, "little")
    # The size is in the extra field of zip64 if its 32 bits are all 1.
    entry = bytearray(raw[start : start + 46])
    entry[24:28], entry[30:32] = b"\xff" * 4, (12).to_bytes(2, "little")
    extra = b"\x01\x00\x08\x00" + size
    end = bytearray(raw[raw.index(b"PK\x05\x06") :])
    end[12:16] = (46 + 5 + 12).to_bytes(4, "little")
    whole = raw[:start] + bytes(entry) + b"x.npy" + extra + bytes(end)
    (tmp_path / "a.npz").write_bytes(whole)
    assert zipfile.ZipFile(path).getinfo("x.npy").file_size > count
    with pytest.raises(DataError, match=r"not a readable|are stored"):
        load(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_other_compressions_are_refused(tmp_path, method):
    content = io.BytesIO()
    np.save(content, np.zeros(3))
    path = archive(tmp_path / "a.npz", content.getvalue(), method)
    with pytest.raises(DataError, match="otherwise than by deflate"):
        load(path)


def test_a_password(tmp_path):
    path = archive(tmp_path / "a.npz", member(header(), bytes(12)))
    raw = bytearray((tmp_path / "a.npz").read_bytes())
    raw[6] |= 1
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "a.npz").write_bytes(raw)
    with pytest.raises(DataError, match="password"):
        load(path)


def test_names_do_not_break_the_line(tmp_path):
    np.savez(tmp_path / "a.npz", **{"a\nb\x1b[2J": 1})
    with pytest.raises(DataError, match=r"arrays a b\?\[2J") as caught:
        readers.detect(tmp_path / "a.npz")
    assert json.dumps(str(caught.value)).isprintable()


@hypothesis.settings(max_examples=60)
@hypothesis.given(
    places=st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.binary(max_size=6)), max_size=4
    ),
    length=st.floats(0.5, 1),
)
def test_any_damage_is_read_or_refused(tmp_path_factory, places, length):
    path = tmp_path_factory.mktemp("any") / "a.npz"
    np.savez_compressed(path, x=np.arange(50), y=np.zeros((2, 2)))
    raw = bytearray(path.read_bytes())
    for place, values in places:
        start = int(place * len(raw))
        raw[start : start + len(values)] = values
    path.write_bytes(raw[: int(length * len(raw)) or 1])
    try:
        load_arrays(str(path), sorted(array_names(str(path))))
    except DataError as error:
        assert "a.npz" in str(error)  # noqa: PT017
