"""The cache: what it holds is counted, cleaned by use, and comes back when it is needed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from streamsolve.inputs.cached_files import cache_areas, clean_cache

from .commandworld import CommandWorld

DAY = 24 * 60 * 60


@pytest.fixture
def world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandWorld:
    world = CommandWorld(tmp_path, monkeypatch, capsys)
    world.release("app", "1", "six>=1")
    world.ships("six", "1.16")
    return world


def kept(cache: Path, name: str, *, used: float, size: int = 10) -> Path:
    path = cache / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    os.utime(path, (used, used))
    return path


def test_each_part_of_the_cache_is_counted_by_itself(tmp_path: Path) -> None:
    kept(tmp_path, "solv/one.solv", used=0, size=100)
    kept(tmp_path, "http/ab/one", used=0, size=20)
    kept(tmp_path, "http/ab/two", used=0, size=3)
    assert [(each.name, each.files, each.size) for each in cache_areas(tmp_path)] == [
        ("http", 2, 23),
        ("solv", 1, 100),
    ]


def test_cleaning_by_use_leaves_what_was_used_since(tmp_path: Path) -> None:
    old = kept(tmp_path, "files/aa/old", used=1000.0)
    read = kept(tmp_path, "files/aa/read", used=1000.0)
    os.utime(read, (3000.0, 1000.0))
    done = clean_cache(tmp_path, unused_since=2000.0)
    assert (done.files, done.size, done.kept) == (1, 10, 0)
    assert read.exists()
    assert not old.exists()


def test_cleaning_removes_nothing_that_is_not_the_cache_s(tmp_path: Path) -> None:
    cache, other = tmp_path / "cache", tmp_path / "other"
    mine = kept(cache, "notes.txt", used=0)
    outside = kept(other, "file", used=0)
    kept(cache, "http/one", used=0)
    (cache / "files").symlink_to(other)
    (cache / "http" / "link").symlink_to(outside)
    assert clean_cache(cache).files == 1
    assert mine.exists()
    assert outside.exists()


def test_an_emptied_cache_has_no_directories_left(tmp_path: Path) -> None:
    kept(tmp_path, "listings/aa/bb/one", used=0)
    clean_cache(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_cache_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert cache_areas(tmp_path / "none") == ()
    assert clean_cache(tmp_path / "none").files == 0


def test_what_a_plan_kept_is_shown_and_after_cleaning_the_same_plan_is_made(
    world: CommandWorld,
) -> None:
    first = world.run("plan", "app.toml", "--cache", "kept", "--json")
    assert first.code == 0, first.err
    assert world.run("cache", "show", "--cache", "kept").says("solv", "http")
    assert world.run("cache", "clean", "--cache", "kept").says("are removed from kept")
    assert world.run("cache", "show", "--cache", "kept").says("kept holds nothing")
    again = world.run("plan", "app.toml", "--cache", "kept", "--json")
    assert again.document == first.document
