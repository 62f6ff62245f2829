"""Emitted files on disk: all or none, only what changed, and nothing of somebody else's lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from streamsolve.emit import write_files
from streamsolve.errors import Code, InputError, InputErrors


def test_what_is_no_longer_emitted_is_taken_away_and_what_is_the_same_is_not_touched(
    tmp_path: Path,
) -> None:
    write_files(tmp_path, {"a": b"1", "sub/b": b"2", "c.sh": b"3"})
    before = (tmp_path / "a").stat().st_mtime_ns
    done = write_files(tmp_path, {"a": b"1", "c.sh": b"4"})
    assert (done.written, done.unchanged, done.removed) == (("c.sh",), ("a",), ("sub/b",))
    assert (tmp_path / "a").stat().st_mtime_ns == before
    assert not (tmp_path / "sub" / "b").exists()
    assert (tmp_path / "c.sh").stat().st_mode & 0o100
    assert sorted(json.loads((tmp_path / "emitted.json").read_text())["files"]) == ["a", "c.sh"]


def test_a_file_changed_by_hand_or_of_somebody_else_is_not_lost(tmp_path: Path) -> None:
    write_files(tmp_path, {"a": b"1", "b": b"1"})
    (tmp_path / "a").write_bytes(b"mine")
    (tmp_path / "c").write_bytes(b"mine")
    with pytest.raises(InputErrors) as raised:
        write_files(tmp_path, {"a": b"2", "b": b"2", "c": b"2"})
    assert len(raised.value.errors) == 2
    assert (tmp_path / "b").read_bytes() == b"1"
    write_files(tmp_path, {"a": b"2", "b": b"2", "c": b"2"}, replace=True)
    assert [(tmp_path / name).read_bytes() for name in "abc"] == [b"2"] * 3


def test_all_files_are_written_or_none(tmp_path: Path) -> None:
    directory = tmp_path / "out"
    write_files(directory, {"a": b"1", "b": b"1"})
    (directory / "sub").write_bytes(b"a file, where a directory has to be")
    before = {path: path.read_bytes() for path in directory.iterdir()}
    with pytest.raises(InputError) as raised:
        write_files(directory, {"a": b"2", "b": b"2", "sub/c": b"2"})
    assert raised.value.code is Code.NOT_EMITTED
    assert {path: path.read_bytes() for path in directory.iterdir()} == before
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    with pytest.raises(InputError):
        write_files(blocked / "out", {"a": b"1"})


@pytest.mark.parametrize("path", ["/etc/x", "../x", "a/../../x", "", "emitted.json"])
def test_no_path_leads_out_of_the_directory(tmp_path: Path, path: str) -> None:
    with pytest.raises(ValueError, match="no file can be written"):
        write_files(tmp_path / "out", {path: b""})
    assert not (tmp_path / "out").exists()
