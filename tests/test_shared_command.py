"""``streamsolve plan APP APP --shared`` as it is typed: names, options, text, JSON, exit codes."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest

import streamsolve
from streamsolve.errors import Code, InputError
from streamsolve.explain.document import plan_schema
from streamsolve.explain.shared_document import shared_schema
from streamsolve.planner import shared_names
from streamsolve.planner.shared_names import application_named, applications_named

from .commandworld import CommandWorld

BASE = ("--base", "./base")
_PROFILE = """\
schema = "streamsolve.profile/1"
name = "{name}"
version = "1"
default-variant = "{variant}"
default-base = "base"
[variants.{variant}]
requirements = "wheel"
"""


@pytest.fixture
def world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandWorld:
    """app and other agree, third needs another idna than both."""
    made = CommandWorld(tmp_path, monkeypatch, capsys)
    made.ships("six", "1.16")
    for version in ("3.1", "3.2"):
        made.release("idna", version)
    made.release("same", "1", "six")
    made.release("app", "1", "six>=1", "idna<3.2", "same")
    made.release("other", "1", "idna!=3.2", "same")
    made.release("third", "1", "idna>=3.2", "same")
    made.release("lost", "1", "idna>=9")
    for name in ("other", "third", "lost"):
        text = _PROFILE.format(name=name, variant="only")
        (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
    return made


def test_applications_that_agree_are_one_set(world: CommandWorld) -> None:
    ran = world.run("plan", "app.toml", "./other.toml", "--shared", *BASE)
    assert ran.code == 0
    assert ran.says(
        "2 applications on base (x86_64): 1 set of streams.",
        "set 1 app:only, other:only",
        "Shared inside a set: 2 private streams",
        "all (2): idna 3.1, same 1",
        "Together: 4 private streams",
    )


def test_what_forces_a_second_set_is_told_with_its_chains(world: CommandWorld) -> None:
    ran = world.run("plan", "app.toml", "other.toml", "third.toml:only", "--shared", *BASE)
    assert ran.code == 0
    assert ran.says(
        "3 applications on base (x86_64): 2 sets of streams, and no fewer.",
        "app:only and third:only demand what cannot be met together:",
        "The demands on idna conflict with each other",
        "app 1 needs idna<3.2",
        "third 1 needs idna>=3.2",
        "Built once for several sets: 1 private stream",
        "Needed more than once: 1 private stream",
        "3.1 for app:only and other:only · app needs <3.2 and other needs !=3.2",
        "3.2 for third:only · third needs >=3.2",
    )


def test_the_json_document_follows_its_schema(world: CommandWorld) -> None:
    words = ("app.toml", "other.toml", "third.toml", "--shared", *BASE)
    document = world.run("plan", *words, "--json").document
    jsonschema.validate(document, shared_schema())
    assert [one["set"] for one in document["applications"]] == [1, 1, 2]
    assert document["apart"][0]["kind"] == "demands"
    assert document["cost"]["private"] == 6
    builds = world.run("plan", *words, "--json", "--builds").document
    jsonschema.validate(builds, shared_schema())
    assert builds["builds_compared"]
    same = next(one for one in builds["common"] if one["component"] == "same")
    assert same["difference"] is None
    assert builds["cost"] == document["cost"]


def test_an_application_without_a_plan_is_explained_by_itself(world: CommandWorld) -> None:
    ran = world.run("plan", "app.toml", "lost.toml", "--shared", *BASE)
    assert ran.code == 3
    assert ran.says("No plan exists for lost 1 (only) on base", "idna>=9")
    asked = world.run("plan", "app.toml", "lost.toml", "--shared", *BASE, "--json")
    assert asked.code == 3
    jsonschema.validate(asked.document, plan_schema())


def test_what_is_asked_for_holds_in_every_set(world: CommandWorld) -> None:
    words = ("plan", "app.toml", "third.toml", "--shared", *BASE)
    ran = world.run(*words, "--relax", "third:idna>=3.2")
    assert ran.says("1 set of streams")
    refused = world.run(*words, "--python", "3.9")
    assert refused.code == 3
    assert refused.says("you ask for python==3.9")


@pytest.mark.parametrize(
    ("option", "why"),
    [
        ("--variant=only", "write APP:VARIANT"),
        ("--app-version=1", "each application has its profile's"),
        ("--alternatives=2", "the plan of one application"),
        ("--dump-universe=u.json", "the plan of one application"),
        ("--locked=app.lock.json", "a lock is of one application"),
        ("--arch=x86_64,aarch64", "one architecture"),
    ],
)
def test_options_about_one_plan_are_refused_by_name(
    world: CommandWorld, option: str, why: str
) -> None:
    ran = world.run("plan", "app.toml", "other.toml", "--shared", *BASE, option)
    assert ran.code == 2
    assert ran.says(option.partition("=")[0], why)


def test_when_tests_count_is_not_asked_where_nothing_is_built(world: CommandWorld) -> None:
    words = ("plan", "app.toml", "other.toml", "--shared", *BASE, "--checks", "never")
    refused = world.run(*words)
    assert refused.code == 2
    assert refused.says("builds are not planned", "add --builds")
    assert world.run(*words, "--builds").code == 0


def test_the_library_plans_applications_together(shared: Path, tmp_path: Path) -> None:
    """llama-cpp and ramalama have neither streams nor a base to fetch."""
    base = streamsolve.load_base(str(shared / "data" / "fedora-45"), offline=True)
    ramalama = streamsolve.load_profile("ramalama")
    found = [
        streamsolve.plan_shared(named, base=base, offline=True, cache=tmp_path)
        for named in ([ramalama, "llama-cpp:cpu"], ["llama-cpp", "ramalama:container"])
    ]
    assert found[0] == found[1]
    assert isinstance(found[0], streamsolve.SharedPlan)
    (only,) = found[0].sets
    assert only.applications == ("llama-cpp:cpu", "ramalama:container")
    with pytest.raises(InputError, match="which is there already"):
        streamsolve.plan_shared([ramalama, "ramalama"], base=base, offline=True, cache=tmp_path)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("app.toml", "--shared"), "one application has nobody to share with"),
        (("--shared",), "no application was named"),
        (("app.toml", "other.toml"), "add --shared"),
        (("app.toml", "app.toml:only", "--shared"), "which is there already"),
        (("app.toml", "other.toml:onyl", "--shared"), "did you mean only?"),
        (("app.toml", "gone.toml", "--shared"), "no such file: gone.toml"),
        (("app.toml", "a\nb", "--shared"), "there is no profile 'a\\nb'"),
        (("app.toml", "", "--shared"), "there is no profile ''"),
    ],
)
def test_applications_that_cannot_be_shared_are_clear_errors(
    world: CommandWorld, words: tuple[str, ...], told: str
) -> None:
    ran = world.run("plan", *words, *BASE)
    assert ran.code == 2
    assert ran.says(told)


# -- names -----------------------------------------------------------------------------------------


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Profiles that come with the tool: a (variants b, b-c), a-b (variant c), plain."""
    monkeypatch.chdir(tmp_path)
    named = {"a": ("b", "b-c"), "a-b": ("c", "d"), "plain": ("only",), "plain-only": ("other",)}
    for name, variants in named.items():
        (tmp_path / name).mkdir()
        text = _PROFILE.format(name=name, variant=variants[0])
        for further in variants[1:]:
            text += f'[variants.{further}]\nrequirements = "wheel"\n'
        (tmp_path / name / "profile.toml").write_text(text, encoding="utf-8")
    monkeypatch.setattr("streamsolve.inputs.profiles.profiles_directory", lambda: tmp_path)
    return tmp_path


@pytest.mark.usefixtures("shipped")
@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("a", "a:b"),
        ("a:b-c", "a:b-c"),
        ("a-b", "a-b:c"),
        ("a-b:d", "a-b:d"),
        ("a-b-d", "a-b:d"),
        ("plain-only", "plain-only:other"),
        ("plain:only", "plain:only"),
        ("plain-only-other", "plain-only:other"),
        ("./plain/profile.toml", "plain:only"),
        ("./plain/profile.toml:only", "plain:only"),
    ],
)
def test_a_whole_name_comes_first_then_a_colon_then_a_hyphen(text: str, label: str) -> None:
    assert application_named(text).label == label


@pytest.mark.usefixtures("shipped")
@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        ("a-b-c", Code.UNCLEAR_APPLICATION, "may be a:b-c or a-b:c"),
        ("a:", Code.UNCLEAR_APPLICATION, "names no variant"),
        (":b", Code.UNCLEAR_APPLICATION, "names no variant"),
        ("a:x", Code.UNKNOWN_VARIANT, "no variant 'x'"),
        ("plain-onyl", Code.UNKNOWN_VARIANT, "did you mean only?"),
        ("nobody", Code.UNKNOWN_APPLICATION, "there is no profile nobody"),
        ("no-body", Code.UNKNOWN_APPLICATION, "there is no profile no-body"),
        ("", Code.UNKNOWN_APPLICATION, "there is no profile"),
    ],
)
def test_a_name_that_is_not_clear_says_why(text: str, code: Code, told: str) -> None:
    with pytest.raises(InputError) as raised:
        application_named(text)
    assert raised.value.code is code
    assert told in str(raised.value)


@pytest.mark.usefixtures("shipped")
def test_all_faults_of_the_names_are_told_at_once() -> None:
    with pytest.raises(InputError) as raised:
        applications_named(["a", "nobody", "a:b", "a-b-c"])
    for told in ("nobody", "is there already", "may be"):
        assert told in str(raised.value)


def test_no_more_than_eight_are_planned_together(
    shipped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shared_names.MOST == 8
    monkeypatch.setattr(shared_names, "MOST", 2)
    assert [one.label for one in applications_named(["plain", "a"])] == ["a:b", "plain:only"]
    with pytest.raises(InputError, match="3 applications are too many: at most 2"):
        applications_named(["plain", "a", "a-b"])


def test_all_lists_every_private_stream_with_who_uses_it(world: CommandWorld) -> None:
    ran = world.run("plan", "app.toml", "other.toml", "--shared", *BASE, "--all")
    lines = [" ".join(line.split()) for line in ran.out.splitlines()]
    start = lines.index("Private streams of set 1")
    assert lines[start + 1 : start + 5] == [
        "app 1, 1 min, of app:only",
        "idna 3.1, 1 min, of all",
        "other 1, 1 min, of other:only",
        "same 1, 1 min, of all",
    ]
