"""Files and folders that are whole or not there."""

import errno

import pytest

from common.atomic_files import replacing


def _content(folder):
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_a_file_appears_when_it_is_whole(tmp_path):
    with replacing(tmp_path / "a.txt") as temporary:
        temporary.write_text("new")
        assert not (tmp_path / "a.txt").exists()
        assert temporary.parent == tmp_path
    assert _content(tmp_path) == {"a.txt": "new"}


def test_a_file_is_replaced(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    with replacing(tmp_path / "a.txt") as temporary:
        temporary.write_text("new")
        assert (tmp_path / "a.txt").read_text() == "old"
    assert _content(tmp_path) == {"a.txt": "new"}


def _fail_to_write(path, error, folder=False):
    with replacing(path) as temporary:
        if folder:
            temporary.mkdir()
        half = temporary / "new" if folder else temporary
        half.write_text("ne")
        raise error


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])
def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path, error):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(type(error)):
        _fail_to_write(tmp_path / "a.txt", error)
    assert _content(tmp_path) == {"a.txt": "old"}


def test_what_a_killed_writer_left_does_no_harm(tmp_path):
    with replacing(tmp_path / "a.txt") as temporary:
        left = temporary
        temporary.write_text("x")
    left.write_text("half of somethi")
    with replacing(tmp_path / "a.txt") as temporary:
        assert not temporary.exists()
        temporary.write_text("new")
    assert _content(tmp_path) == {"a.txt": "new"}


def test_folders_are_replaced_whole(tmp_path):
    for text in ("first", "second"):
        with replacing(tmp_path / "model") as temporary:
            temporary.mkdir()
            (temporary / text).write_text(text)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert _content(tmp_path / "model") == {"second": "second"}


def test_an_error_leaves_the_old_folder(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model/old").write_text("old")
    with pytest.raises(OSError, match="full"):
        _fail_to_write(tmp_path / "model", OSError(errno.ENOSPC, "full"), folder=True)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert _content(tmp_path / "model") == {"old": "old"}


def test_nothing_written_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "a.txt"):
        pass
    assert list(tmp_path.iterdir()) == []
