"""Whether a lock can still be done: what is gone, changed, moved, or was not looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from .commandworld import CommandWorld
from .smallworld import package

BASE = ("--base", "./base")
PLACES = (*BASE, "--profile", "app.toml")


@pytest.fixture
def world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandWorld:
    made = CommandWorld(tmp_path, monkeypatch, capsys)
    made.release("idna", "3.1")
    made.release("app", "1", "idna")
    made.lock()
    return made


def test_a_lock_of_today_can_be_done(world: CommandWorld) -> None:
    ran = world.run("verify", "app.lock.json", *PLACES)
    assert ran.code == 0
    assert ran.says("app.lock.json can still be done on base", "and 2 sources")
    found = world.run("verify", "app.lock.json", *PLACES, "--json").document
    assert found["repositories"] == found["settings"] == found["unseen"] == []


def test_a_package_of_another_version_is_gone(world: CommandWorld) -> None:
    world.has(package("bash", "6"))
    ran = world.run("verify", "app.lock.json", *PLACES)
    assert ran.code == 5
    assert ran.says(
        "can no longer be done as it is",
        "Gone from the base (1) bash.noarch 5-1.fc0, now 6-1.fc0",
        "x86_64 moved",
        "Next streamsolve update app.lock.json --base ./base --profile app.toml",
    )


def test_a_package_that_is_no_more_is_gone(world: CommandWorld) -> None:
    del world.packages["bash"]
    (gone,) = world.run("verify", "app.lock.json", *PLACES, "--json").document["packages"]
    assert (gone["fate"], gone["nevra"]) == ("gone", "bash-5-1.fc0.noarch")
    assert (gone["instead"], gone["found"]) == ([], "")


def test_a_package_of_other_content_under_its_name_changed(world: CommandWorld) -> None:
    world.changes("bash")
    ran = world.run("verify", "app.lock.json", *PLACES, "--json")
    assert ran.code == 5
    (changed,) = ran.document["packages"]
    assert (changed["fate"], changed["nevra"]) == ("changed", "bash-5-1.fc0.noarch")
    assert changed["found"] == world.packages["bash"].checksum != changed["checksum"]


def test_a_base_that_only_moved_takes_nothing_away(world: CommandWorld) -> None:
    world.has(package("unrelated", "2"))
    ran = world.run("verify", "app.lock.json", *PLACES)
    assert ran.code == 0
    assert ran.says("can still be done", "x86_64 moved: repomd.xml")


def test_a_package_may_come_from_another_repository(world: CommandWorld) -> None:
    bash = world.packages.pop("bash")
    world.overlays["moved"] = [bash]
    ran = world.run("verify", "app.lock.json", *PLACES, "--repo", "moved=./moved")
    assert ran.code == 0


def test_a_release_that_was_deleted_is_gone(world: CommandWorld) -> None:
    world.withdraw("idna", "3.1")
    ran = world.run("verify", "app.lock.json", *PLACES, "--json")
    assert ran.code == 5
    (gone,) = ran.document["sources"]
    assert (gone["fate"], gone["component"], gone["filename"]) == (
        "gone", "idna", "idna-3.1.zip",
    )  # fmt: skip


def test_a_source_of_other_content_under_its_name_changed(world: CommandWorld) -> None:
    old = world.files["idna-3.1.zip"].sha256
    world.release("idna", "3.1", words="other words")
    ran = world.run("verify", "app.lock.json", *PLACES, "--json")
    assert ran.code == 5
    (changed,) = ran.document["sources"]
    assert changed["fate"] == "changed"
    assert (changed["sha256"], changed["found"]) == (old, world.files["idna-3.1.zip"].sha256)


def test_a_yanked_release_is_told_and_still_there(world: CommandWorld) -> None:
    world.release("idna", "3.1", yanked=True)
    ran = world.run("verify", "app.lock.json", *PLACES)
    assert ran.code == 0
    assert ran.says("idna-3.1.zip yanked by upstream, still there")


def test_another_profile_is_told(world: CommandWorld) -> None:
    world.more = "[costs]\nnative = 9\n"
    ran = world.run("verify", "app.lock.json", *PLACES)
    assert ran.code == 0
    assert ran.says("A new lock would be made otherwise", "the profile's content")


def test_a_profile_that_is_not_known_is_told(world: CommandWorld) -> None:
    ran = world.run("verify", "app.lock.json", *BASE)
    assert ran.says("1 profile: no profile app comes with the tool; name its file with --profile")


def test_a_base_that_is_not_known_must_be_named(world: CommandWorld) -> None:
    (world.directory / "base").rename(world.directory / "elsewhere")
    path = world.directory / "app.lock.json"
    path.write_text(path.read_text("utf-8"), encoding="utf-8")
    world.directory.joinpath("sub").mkdir()
    world.monkeypatch.chdir(world.directory / "sub")
    ran = world.run("verify", "../app.lock.json", "--profile", "../app.toml")
    assert ran.code == 2
    assert ran.says("there is no base 'base'", "with --base DIRECTORY")


def test_offline_says_what_was_not_looked_at(world: CommandWorld) -> None:
    ran = world.run("verify", "app.lock.json", *PLACES, "--offline")
    assert ran.code == 0
    assert ran.says(
        "could not be verified as a whole",
        "2 sources: neither the cache nor what comes with the tool lists them",
    )


def test_a_repository_on_top_is_looked_at_where_it_is_given(world: CommandWorld) -> None:
    world.overlays["extra"] = [package("helper", repository="extra")]
    world.more = '[[native]]\ncomponent = "idna"\nrequires = ["helper"]\n'
    world.lock("--repo", "extra=./extra")
    ran = world.run("verify", "app.lock.json", *PLACES)
    assert ran.says("say where extra is with --repo extra=URL", "1 package: their repository")
    world.overlays["extra"] = [package("helper", "2", repository="extra")]
    ran = world.run("verify", "app.lock.json", *PLACES, "--repo", "extra=./extra")
    assert ran.code == 5
    assert ran.says("helper.noarch 1-1.fc0, now 2-1.fc0")
