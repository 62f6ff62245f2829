"""The commands about locks, on a small base and a small index."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import streamsolve
from streamsolve.errors import InputErrors
from streamsolve.explain.lock_answers import lock_answers_schema
from streamsolve.lock import check_lock
from streamsolve.lock.canonical import canonical_text, sealed

from .commandworld import CommandWorld
from .smallworld import package

BASE = ("--base", "./base")
PLACES = (*BASE, "--profile", "app.toml")


@pytest.fixture
def world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandWorld:
    """An application that needs idna, which is not in the base, and a newer six than is there."""
    made = CommandWorld(tmp_path, monkeypatch, capsys)
    made.ships("six", "1.16")
    made.release("six", "1.16")
    made.release("six", "1.17")
    made.release("idna", "3.1", "six>=1.17")
    made.release("app", "1", "six>=1", "idna")
    return made


def edited(path: Path, old: str, new: str, *, seal: bool = True) -> None:
    """Change a text in a lock by hand, with or without making its digest anew."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    document = json.loads(text.replace(old, new, 1))
    made = canonical_text(document)
    path.write_text(sealed(made) if seal else made, encoding="utf-8")


# -- lock ------------------------------------------------------------------------------------------


def test_a_lock_is_named_after_what_it_is_of(world: CommandWorld) -> None:
    ran = world.run("lock", "app.toml", *BASE)
    assert ran.code == 0
    assert check_lock((world.directory / "app-only-base.lock.json").read_text("utf-8")) == ()
    assert ran.says(
        "app 1 (only) on base (x86_64) is locked in app-only-base.lock.json.",
        "3 private streams of the application",
        "Nothing leaks",
        "Next streamsolve check app-only-base.lock.json",
    )


def test_a_lock_on_standard_output_is_the_same_bytes(world: CommandWorld) -> None:
    path = world.lock()
    ran = world.run("lock", "app.toml", *BASE, "-o", "-")
    assert ran.out == path.read_text("utf-8")
    assert "is locked" in ran.err


def test_the_settings_in_force_are_in_the_lock(world: CommandWorld) -> None:
    spec = world.directory / "given" / "python-idna.spec"
    spec.parent.mkdir()
    spec.write_text(
        "Name: python-idna\nVersion: 3.1\nRelease: 1\nSummary: s\nLicense: MIT\n"
        "BuildRequires: bash\n%description\nd\n",
        encoding="utf-8",
    )
    world.overlays["extra"] = [package("extra")]
    path = world.lock(
        "--relax", "six==9", "--checks", "never", "--python", "3.14",
        "--spec", f"idna={spec}", "--repo", "extra=./extra,priority=50",
    )  # fmt: skip
    text = path.read_text("utf-8")
    found = json.loads(text)
    settings, base = found["settings"], found["base"]
    assert settings["relaxed"] == [{"component": "six", "specifier": "==9"}]
    assert (settings["checks"], settings["python"]) == ("never", "3.14")
    assert settings["overlays"] == ["extra"]
    (given,) = settings["specs"]
    assert (given["component"], given["filename"]) == ("idna", "python-idna.spec")
    assert {r["id"]: r["priority"] for r in base["repositories"]} == {"extra": 50, "x86_64": 99}
    assert found["tool"] == streamsolve.__version__
    assert str(world.directory) not in text


def test_a_spec_of_what_is_not_built_is_refused(world: CommandWorld) -> None:
    spec = world.directory / "pip.spec"
    spec.write_text(
        "Name: pip\nVersion: 1\nRelease: 1\nSummary: s\nLicense: MIT\n%description\nd\n",
        encoding="utf-8",
    )
    ran = world.run("lock", "app.toml", *BASE, "--spec", f"idnaa={spec}", "-o", "x.json")
    assert ran.code == 2
    assert ran.says("the plan builds no idnaa", "did you mean idna?")
    assert not (world.directory / "x.json").exists()


def test_where_there_is_no_plan_nothing_is_written(world: CommandWorld) -> None:
    world.release("app", "1", "six>=2", "idna")
    ran = world.run("lock", "app.toml", *BASE, "-o", "x.json")
    assert ran.code == 3
    assert "six" in ran.out
    assert not (world.directory / "x.json").exists()


def test_a_plan_that_leaks_is_not_locked(world: CommandWorld) -> None:
    # A package of the base, needed by idna's, that only the private six can satisfy.
    world.has(package("helper", requires=["python3.14dist(six) >= 1.17"]))
    world.more = '[[native]]\ncomponent = "idna"\nrequires = ["helper"]\n'
    ran = world.run("lock", "app.toml", *BASE, "-o", "x.json")
    assert ran.code == 2
    assert ran.says(
        "SS604",
        "the plan of app 1 on base leaks",
        "helper-1-1.fc0.noarch",
        "->" if "->" in ran.err else "→",
    )
    assert not (world.directory / "x.json").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["lock"], "missing argument 'APP'"),
        (["lock", "app.toml", "-o", "no/where.json"], "there is no directory no"),
        (["lock", "app.toml", "-o", "-", "--json"], "both want standard output"),
        (["lock", "app.toml", "--spec", "idna"], "'idna' names no file"),
        (["lock", "app.toml", "--checks", "sometimes"], "sometimes"),
        (["plan", "app.toml", "--checks", "always"], "builds are not planned"),
        (["plan", "--locked", "gone.json"], "cannot be read: no such file or directory"),
        (["check", "gone.json"], "cannot be read: no such file or directory"),
        (["verify", "gone.json"], "cannot be read: no such file or directory"),
        (["update", "gone.json"], "cannot be read: no such file or directory"),
        (["diff", "gone.json", "gone.json"], "cannot be read: no such file or directory"),
        (["check", "app.toml"], "it is not JSON"),
        (["lock", "--check", "app.toml", "--variant", "x"], "--variant cannot be given"),
    ],
)
def test_bad_input_is_told(world: CommandWorld, words: list[str], told: str) -> None:
    ran = world.run(*words)
    assert ran.code == 2
    assert ran.says(told)
    assert "Traceback" not in ran.err


def test_builds_without_a_whole_base_say_what_to_do(world: CommandWorld) -> None:
    for words in (["lock", "vllm"], ["plan", "vllm", "--builds"]):
        ran = world.run(*words, "--offline")
        assert ran.code == 2
        assert ran.says("SS603", "without network the repositories of fedora-", "--base DIRECTORY")


# -- check -----------------------------------------------------------------------------------------


def test_a_lock_proves_itself(world: CommandWorld) -> None:
    world.lock()
    ran = world.run("check", "app.lock.json")
    assert ran.code == 0
    assert ran.says("app.lock.json proves itself", "nothing leaks")


def test_what_does_not_hold_is_told_with_its_place(world: CommandWorld) -> None:
    edited(world.lock(), '"specifier": ">=1.17"', '"specifier": ">=1.99"')
    ran = world.run("check", "app.lock.json")
    assert ran.code == 2
    assert ran.says("].requirements[0]: idna@3.1 requires another six")
    found = world.run("check", "app.lock.json", "--json").document
    assert not found["holds"]
    assert "idna@3.1 requires another six" in [one["text"] for one in found["findings"]]


def test_a_changed_byte_is_noticed(world: CommandWorld) -> None:
    path = world.lock()
    edited(path, '"profile": {"name": "app"', '"profile": {"name": "App"', seal=False)
    ran = world.run("check", "app.lock.json")
    assert ran.code == 2
    assert ran.says("digest: the file was changed by hand or damaged")


def test_a_lock_of_another_version_of_the_format_says_so(world: CommandWorld) -> None:
    edited(world.lock(), "streamsolve.lock/1", "streamsolve.lock/7")
    for words in (["check"], ["verify"], ["update"], ["plan", "--locked"]):
        ran = world.run(*words, "app.lock.json")
        assert ran.code == 2
        assert ran.says("its schema is streamsolve.lock/7", "read it with the version")


# -- diff ------------------------------------------------------------------------------------------


def test_nothing_changed_says_so(world: CommandWorld) -> None:
    world.lock()
    ran = world.run("diff", "app.lock.json", "app.lock.json")
    assert (ran.code, ran.out) == (0, "✓ Nothing changed.\n")


def test_a_diff_tells_streams_and_why(world: CommandWorld) -> None:
    world.lock(file="old.json")
    world.release("six", "1.18")
    world.release("idna", "3.1", "six>=1.18", words="made again")
    world.has(package("bash", "6"))
    world.lock(file="new.json")
    ran = world.run("diff", "old.json", "new.json")
    assert ran.code == 0
    assert ran.says(
        "Streams: 1 up, 1 changed",
        "up six 1.17 → 1.18 private; the base's version does not fit; idna needs six>=1.18",
        "changed idna 3.1 private; another source under the same version",
        "Packages of the base: 1 up",
        "bash.noarch 5-1.fc0 → 6-1.fc0",
    )


def test_a_lock_and_a_plan_can_be_compared(world: CommandWorld) -> None:
    world.lock()
    plan = world.run("plan", "app.toml", *BASE, "--builds", "--json").out
    (world.directory / "plan.json").write_text(plan, encoding="utf-8")
    assert not world.run("diff", "app.lock.json", "plan.json", "--json").document["changed"]
    assert not world.run("diff", "plan.json", "plan.json", "--json").document["changed"]


def test_a_document_without_a_plan_is_refused(world: CommandWorld) -> None:
    world.release("app", "1", "six>=2")
    failure = world.run("plan", "app.toml", *BASE, "--json").out
    (world.directory / "failure.json").write_text(failure, encoding="utf-8")
    ran = world.run("diff", "failure.json", "failure.json")
    assert ran.code == 2
    assert ran.says("failure.json: there is no plan in it")
    (world.directory / "part.json").write_text(
        '{"schema": "streamsolve.plan/1", "summary": {}}', encoding="utf-8"
    )
    assert world.run("diff", "part.json", "part.json").says("it is not the whole of a plan")


@pytest.mark.parametrize(
    "place",
    [
        ("base", "name"),
        ("base", "repositories", 0, "repomd_sha256"),
        ("streams", 0, "component"),
        ("streams", 0, "version"),
        ("streams", 0, "reason", "text"),
        ("application", "variant"),
    ],
)
@pytest.mark.parametrize("wrong", [7, ["a"], {"a": "b"}])
def test_a_plan_with_a_value_that_is_no_text_is_not_compared(
    world: CommandWorld, place: tuple[str | int, ...], wrong: object
) -> None:
    world.release("app", "1")
    document: Any = world.run("plan", "app.toml", *BASE, "--json").document
    good = json.dumps(document)
    inside = document
    for step in place[:-1]:
        inside = inside[step]
    inside[place[-1]] = wrong
    (world.directory / "good.json").write_text(good, encoding="utf-8")
    (world.directory / "wrong.json").write_text(json.dumps(document), encoding="utf-8")
    ran = world.run("diff", "good.json", "wrong.json")
    assert ran.code == 2
    assert ran.says("wrong.json: it is not the whole of a plan")


# -- plan --locked and lock --check ----------------------------------------------------------------


def test_the_plan_of_a_lock_is_the_plan_that_was_locked(world: CommandWorld) -> None:
    world.lock()
    planned = world.run("plan", "app.toml", *BASE, "--builds", "--json").document
    shown = world.run("plan", "--locked", "app.lock.json", *BASE, "--json").document
    assert shown["streams"] == planned["streams"]
    assert shown["summary"] == planned["summary"]
    assert shown["builds"]["order"] == planned["builds"]["order"]


def test_a_lock_of_a_base_that_moved_is_stale(world: CommandWorld) -> None:
    path = world.lock()
    before = path.read_bytes()
    world.has(package("unrelated", "2"))
    ran = world.run("plan", "--locked", "app.lock.json", *BASE)
    assert ran.code == 5
    assert ran.says("SS602", "the repositories of base are not those of the lock: x86_64")
    assert ran.out == ""
    ran = world.run("lock", "app.toml", "--check", "app.lock.json", *BASE)
    assert ran.code == 5
    assert ran.says("app.lock.json is stale", "x86_64 moved", "Next streamsolve update")
    assert path.read_bytes() == before


def test_a_base_that_cannot_be_seen_is_told(world: CommandWorld) -> None:
    world.lock()
    world.monkeypatch.setenv("STREAMSOLVE_BASE", "fedora-44")  # about other plans
    text = (world.directory / "app.lock.json").read_text("utf-8")
    world.directory.joinpath("sub").mkdir()
    world.monkeypatch.chdir(world.directory / "sub")
    Path("app.lock.json").write_text(text, encoding="utf-8")
    ran = world.run("plan", "--locked", "app.lock.json", "--offline")
    assert ran.code == 0
    assert ran.says("Not looked at", "1 repository of the base")


def test_a_lock_that_contradicts_itself_is_not_shown(world: CommandWorld) -> None:
    edited(world.lock(), '"specifier": ">=1.17"', '"specifier": ">=1.99"')
    ran = world.run("plan", "--locked", "app.lock.json", *BASE)
    assert ran.code == 2
    assert ran.says("something does not hold", "idna@3.1 requires another six")


def test_options_that_a_lock_answers_are_refused(world: CommandWorld) -> None:
    world.lock()
    for option in (["--variant", "only"], ["--builds"], ["--python", "3.14"], ["--fresh"]):
        ran = world.run("plan", "--locked", "app.lock.json", *option)
        assert ran.code == 2
        assert ran.says(f"{option[0]} cannot be given together with a lock")
    ran = world.run("plan", "other", "--locked", "app.lock.json")
    assert ran.says("it is a lock of app, not of other")


def test_a_lock_that_is_current_stays_so_when_upstream_releases(world: CommandWorld) -> None:
    world.lock()
    world.release("idna", "3.2", "six>=1.17")
    ran = world.run("lock", "app.toml", "--check", "app.lock.json", *BASE)
    assert ran.code == 0
    assert ran.says("is what would be locked today, its versions kept")


def test_a_profile_that_changed_makes_a_lock_stale(world: CommandWorld) -> None:
    world.lock()
    world.more = "[costs]\nnative = 9\n"
    ran = world.run("lock", "app.toml", "--check", "app.lock.json", *BASE)
    assert ran.code == 5
    assert ran.says("the profile's content")


def test_what_a_lock_does_not_know_must_be_given_again(world: CommandWorld) -> None:
    world.overlays["extra"] = [package("extra")]
    world.lock("--repo", "extra=./extra")
    ran = world.run("lock", "app.toml", "--check", "app.lock.json", *BASE)
    assert ran.code == 2
    assert ran.says("made with the repository extra on top", "--repo extra=URL")
    places = (*BASE, "--repo", "extra=./extra")
    assert world.run("lock", "app.toml", "--check", "app.lock.json", *places).code == 0


# -- JSON and the library --------------------------------------------------------------------------


def test_every_answer_follows_its_schema(world: CommandWorld) -> None:
    world.lock()
    answers = [
        world.run("lock", "app.toml", *BASE, "-o", "other.json", "--json"),
        world.run("check", "app.lock.json", "--json"),
        world.run("verify", "app.lock.json", *PLACES, "--json"),
        world.run("diff", "app.lock.json", "other.json", "--json"),
    ]
    world.has(package("bash", "6"))
    world.withdraw("six", "1.17")
    world.release("six", "1.18")
    world.lock(file="new.json")
    answers += [
        world.run("diff", "app.lock.json", "new.json", "--json"),
        world.run("verify", "app.lock.json", *PLACES, "--json"),
        world.run("lock", "app.toml", "--check", "app.lock.json", *BASE, "--json"),
        world.run("update", "app.lock.json", *PLACES, "--json"),
    ]
    assert [ran.code for ran in answers] == [0, 0, 0, 0, 0, 5, 5, 0]
    validator = jsonschema.Draft202012Validator(lock_answers_schema())
    for ran in answers:
        validator.validate(ran.document)


def test_the_library_locks_reads_and_checks(world: CommandWorld) -> None:
    path = world.lock()
    lock = streamsolve.read_lock(path.read_text("utf-8"), file="app.lock.json")
    assert lock.plan.application == "app"
    assert streamsolve.check_lock(path.read_text("utf-8")) == ()
    with pytest.raises(InputErrors):
        streamsolve.read_lock("{}", file="x")
