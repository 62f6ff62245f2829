"""Locks made again with as few changes as possible."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .commandworld import CommandWorld
from .smallworld import package

PLACES = ("--base", "./base", "--profile", "app.toml")


@pytest.fixture
def world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandWorld:
    """Two private streams that know nothing of each other, and one that follows the first."""
    made = CommandWorld(tmp_path, monkeypatch, capsys)
    made.release("idna", "3.1")
    made.release("six", "1.1")
    made.release("six-more", "1.1", "six<1.2")
    made.release("app", "1", "idna", "six", "six-more")
    made.lock()
    return made


def versions(world: CommandWorld, file: str = "app.lock.json") -> dict[str, str]:
    document = json.loads((world.directory / file).read_text("utf-8"))
    return {
        stream["component"]: stream["version"]
        for stream in document["streams"]
        if stream["origin"] == "private" and stream["component"] != "app"
    }


OLD = {"idna": "3.1", "six": "1.1", "six-more": "1.1"}


def newer(world: CommandWorld) -> None:
    """Upstream releases all of them again."""
    world.release("idna", "3.2")
    world.release("idna", "3.3")
    world.release("six", "1.2")
    world.release("six-more", "1.2", "six<1.3")


def test_without_a_change_nothing_is_written(world: CommandWorld) -> None:
    path = world.directory / "app.lock.json"
    before = path.stat().st_mtime_ns, path.read_bytes()
    ran = world.run("update", "app.lock.json", *PLACES)
    assert ran.code == 0
    assert ran.says("Nothing changed, and nothing is written.")
    assert (path.stat().st_mtime_ns, path.read_bytes()) == before
    ran = world.run("update", "app.lock.json", *PLACES, "-o", "other.json")
    assert not (world.directory / "other.json").exists()


def test_what_is_newer_does_not_move_by_itself(world: CommandWorld) -> None:
    newer(world)
    assert world.run("update", "app.lock.json", *PLACES).says("Nothing changed")
    world.lock(file="fresh.json")
    assert versions(world, "fresh.json") == {"idna": "3.3", "six": "1.2", "six-more": "1.2"}


def test_a_new_base_is_taken_and_the_streams_stay(world: CommandWorld) -> None:
    newer(world)
    world.has(package("bash", "6"))
    ran = world.run("update", "app.lock.json", *PLACES)
    assert ran.says("bash.noarch 5-1.fc0 → 6-1.fc0", "app.lock.json is written")
    assert versions(world) == OLD
    assert world.run("check", "app.lock.json").code == 0
    assert world.run("verify", "app.lock.json", *PLACES).code == 0


def test_one_component_alone_goes_to_its_newest(world: CommandWorld) -> None:
    newer(world)
    ran = world.run("update", "app.lock.json", *PLACES, "--only", "idna")
    assert ran.says("Streams: 1 up", "idna 3.1 → 3.3")
    assert versions(world) == {**OLD, "idna": "3.3"}


def test_what_must_follow_moves_too_and_nothing_else(world: CommandWorld) -> None:
    newer(world)
    ran = world.run("update", "app.lock.json", *PLACES, "--only", "six")
    assert versions(world) == {"idna": "3.1", "six": "1.2", "six-more": "1.2"}
    assert ran.says("Could not be kept six-more 1.1")


def test_what_cannot_move_says_why(world: CommandWorld) -> None:
    world.release("six", "1.2")
    ran = world.run("update", "app.lock.json", *PLACES, "--only", "six")
    assert ran.code == 0
    assert ran.says("six stays where it is: six-more needs <1.2.", "nothing is written")
    ran = world.run("update", "app.lock.json", *PLACES, "--only", "idna")
    assert ran.says("idna stays where it is: there is no newer one.")


def test_a_version_that_is_gone_is_let_go_and_no_other(world: CommandWorld) -> None:
    newer(world)
    world.withdraw("idna", "3.1")
    ran = world.run("update", "app.lock.json", *PLACES)
    assert ran.says("Could not be kept idna 3.1 that version is not there any more")
    assert versions(world) == {**OLD, "idna": "3.3"}


def test_a_conflict_lets_go_no_more_than_it_must(world: CommandWorld) -> None:
    newer(world)
    # Now six-more 1.1 is no longer good for six 1.1, and one of them has to move.
    world.release("six-more", "1.1", "six>=1.2")
    ran = world.run("update", "app.lock.json", *PLACES, "--json").document
    assert [one["component"] for one in ran["dropped"]] in (["six"], ["six-more"])
    found = versions(world)
    assert found["idna"] == "3.1"
    assert sum(found[name] != OLD[name] for name in OLD) == 1


def test_an_updated_lock_is_current_and_updates_to_itself(world: CommandWorld) -> None:
    newer(world)
    world.withdraw("idna", "3.1")
    world.run("update", "app.lock.json", *PLACES)
    assert world.run("lock", "app.toml", "--check", "app.lock.json", "--base", "./base").code == 0
    assert world.run("update", "app.lock.json", *PLACES).says("Nothing changed")


def test_an_application_that_its_profile_moves_on_moves(world: CommandWorld) -> None:
    newer(world)
    world.release("app", "2", "idna", "six", "six-more")
    world.version = "2"
    ran = world.run("update", "app.lock.json", *PLACES, "--only", "idna")
    assert not ran.says("application app 1 → app 2")
    ran = world.run("update", "app.lock.json", *PLACES)
    assert ran.says("application app 1 → app 2")
    assert versions(world) == {**OLD, "idna": "3.3"}


def test_another_file_can_be_written(world: CommandWorld) -> None:
    newer(world)
    before = (world.directory / "app.lock.json").read_bytes()
    world.run("update", "app.lock.json", *PLACES, "--only", "idna", "-o", "other.json")
    assert (world.directory / "app.lock.json").read_bytes() == before
    assert versions(world, "other.json") == {**OLD, "idna": "3.3"}


def test_where_there_is_no_plan_any_more_nothing_is_written(world: CommandWorld) -> None:
    before = (world.directory / "app.lock.json").read_bytes()
    world.withdraw("idna", "3.1")
    ran = world.run("update", "app.lock.json", *PLACES)
    assert ran.code == 3
    assert "idna" in ran.out
    assert (world.directory / "app.lock.json").read_bytes() == before


@pytest.mark.parametrize(
    ("name", "told"),
    [("idn", "did you mean idna?"), ("app", "app is the application itself")],
)
def test_a_name_that_cannot_move_is_refused(world: CommandWorld, name: str, told: str) -> None:
    ran = world.run("update", "app.lock.json", *PLACES, "--only", name)
    assert ran.code == 2
    assert ran.says(told)
