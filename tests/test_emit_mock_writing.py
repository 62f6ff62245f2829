"""Emitted files on disk: all or none, only what changed, and nothing of somebody else's lost."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
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


def test_a_name_that_no_file_can_have_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    for path in ("x" * 256, f"a/{'é' * 200}/b"):
        with pytest.raises(InputError, match="no file can have a name as long"):
            write_files(tmp_path, {"good": b"1", path: b"2"})
    assert not list(tmp_path.iterdir())


def test_a_list_that_is_nested_without_end_is_no_list(tmp_path: Path) -> None:
    (tmp_path / "emitted.json").write_text("[" * 100_000)
    assert write_files(tmp_path, {"a": b"1"}, replace=True).written == ("a",)


def test_nobody_waits_for_a_pipe_in_the_place_of_a_file(tmp_path: Path) -> None:
    for name in ("a", "emitted.json"):
        os.mkfifo(tmp_path / name)
    with pytest.raises(InputErrors):
        write_files(tmp_path, {"a": b"1"})
    assert write_files(tmp_path, {"a": b"1"}, replace=True).written == ("a",)
    assert (tmp_path / "a").read_bytes() == b"1"


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


BEFORE = {"a": b"1", "b/c": b"2", "d.sh": b"3", "gone": b"4"}
AFTER = {"a": b"1", "b/c": b"22", "d.sh": b"33", "new/e": b"5"}


def content(directory: Path) -> dict[str, bytes]:
    """All files but what a killed process has left."""
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file() and not path.relative_to(directory).parts[0].startswith(".emit-")
    }


@pytest.mark.parametrize("number", range(1, 6))
@pytest.mark.parametrize("call", ["write_bytes", "rename"])
def test_a_disk_that_is_full_at_any_point_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    write_files(tmp_path, BEFORE)
    before = content(tmp_path)
    real, calls = getattr(Path, call), [0]

    def full(path: Path, *arguments: object) -> object:
        calls[0] += 1
        if calls[0] == number:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(path, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Path, call, full)
        if call == "write_bytes" and number > len(AFTER):
            write_files(tmp_path, AFTER)
            return
        with pytest.raises(InputError) as caught:
            write_files(tmp_path, AFTER)
    assert caught.value.code is Code.NOT_EMITTED
    assert "No space left" in caught.value.message
    assert content(tmp_path) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "a",
        "b",
        "d.sh",
        "emitted.json",
        "gone",
    ]


KILLED = """
import os, signal, sys
from pathlib import Path
from streamsolve.emit import write_files
real, calls = Path.rename, [0]
def rename(path, to):
    calls[0] += 1
    if calls[0] == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    return real(path, to)
Path.rename = rename
write_files(Path(sys.argv[1]), AFTER)
"""


@pytest.mark.parametrize("number", range(1, 9))
def test_what_was_killed_at_any_point_is_finished_by_the_same_command(
    tmp_path: Path, number: int
) -> None:
    write_files(tmp_path, BEFORE)
    script = KILLED.replace("AFTER", repr(AFTER))
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path), str(number)], check=False, timeout=60
    )
    assert done.returncode in (0, -signal.SIGKILL)
    write_files(tmp_path, AFTER)
    found = content(tmp_path)
    del found["emitted.json"]
    assert found == AFTER
