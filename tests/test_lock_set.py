"""One application for several architectures: plans side by side, one file of locks, FILE#ARCH."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from streamsolve.cli import main
from streamsolve.errors import Code, InputError, InputErrors
from streamsolve.explain.plan_text import plan_blocks
from streamsolve.lock import (
    check_lock,
    diff,
    is_lock_set,
    lock_in,
    lock_set_schema,
    lock_set_text,
    lock_text,
    read_lock,
    read_lock_set,
    split_fragment,
)
from streamsolve.model.package import Package

from .commandworld import CommandWorld, Ran
from .localrepository import write_repository
from .lockworld import SmallPlan, small_settings
from .rpmmd import element

BOTH = ("--arch", "x86_64", "--arch", "aarch64")
BASE = ("--base", "./base")
PLACES = (*BASE, "--profile", "app.toml")


class TwoArchitectures:
    """The base of a command world in two architectures, in one of which ``idna`` is missing."""

    def __init__(self, world: CommandWorld) -> None:
        self.world = world
        self.only_x86_64: set[str] = {"python3-idna"}

    def run(self, *words: str) -> Ran:
        packages = [
            self.for_aarch64(one)
            for one in sorted(self.world.packages.values())
            if one.name not in self.only_x86_64
        ]
        write_repository(self.world.directory / "base" / "aarch64", map(element, packages))
        return self.world.run(*words)

    @staticmethod
    def for_aarch64(package: Package) -> Package:
        return evolve(package, arch="aarch64" if package.arch == "x86_64" else package.arch)


@pytest.fixture
def world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> TwoArchitectures:
    """The base has idna for x86_64 alone; turbo is required there alone."""
    made = CommandWorld(tmp_path, monkeypatch, capsys)
    made.ships("six", "1.16")
    made.ships("idna", "3.1")
    made.release("six", "1.17")
    made.release("idna", "3.1")
    made.release("turbo", "2.0")
    made.release("app", "1", "six>=1.17", "idna", 'turbo; platform_machine == "x86_64"')
    return TwoArchitectures(made)


# -- plans -----------------------------------------------------------------------------------------


def test_a_plan_for_each_architecture_shows_what_differs_and_why(world: TwoArchitectures) -> None:
    ran = world.run("plan", "app.toml", *BASE, *BOTH)
    assert ran.code == 0
    assert ran.says(
        "app 1 (only) can be shipped for aarch64 and x86_64 on base.",
        "idna: another origin or package",
        "aarch64: private 3.1, the base does not ship it",
        "x86_64: base 3.1, the base's own version meets every demand",
        "turbo: not for aarch64",
        'app needs any version where platform_machine == "x86_64"',
    )
    assert "six" not in ran.out


def test_what_was_asked_for_as_well_is_told_once_and_holds_for_each(
    world: TwoArchitectures,
) -> None:
    words = ("plan", "app.toml", *BASE, *BOTH, "--with", "turbo")
    assert world.run(*words).out.count("also asked: turbo (--with)") == 1
    plans = world.run(*words, "--json").document["plans"]
    assert [plan["demands"] for plan in plans.values()] == [["turbo"], ["turbo"]]
    assert all("turbo" in {one["component"] for one in plan["streams"]} for plan in plans.values())


def test_architectures_may_stand_behind_one_option(world: TwoArchitectures) -> None:
    several = world.run("plan", "app.toml", *BASE, *BOTH, "--json")
    one = world.run("plan", "app.toml", *BASE, "--arch", "aarch64,x86_64,aarch64", "--json")
    assert several.out == one.out
    document = one.document
    schema = json.loads(
        (Path(plan_blocks.__code__.co_filename).parents[1] / "schemas")
        .joinpath("architectures-1.schema.json")
        .read_text("utf-8")
    )
    jsonschema.validate(document, schema)
    assert document["architectures"] == ["aarch64", "x86_64"]
    streams = {each["component"]: each for each in document["streams"]}
    assert sorted(streams) == ["idna", "turbo"]
    assert streams["turbo"]["missing"] == ["aarch64"]
    assert streams["idna"]["streams"]["aarch64"]["origin"] == "private"
    alone = world.run("plan", "app.toml", *BASE, "--arch", "aarch64", "--json")
    assert document["plans"]["aarch64"] == alone.document


def test_an_architecture_without_a_plan_is_explained(world: TwoArchitectures) -> None:
    world.world.release("app", "1", "six>=1.17", 'gone; platform_machine == "aarch64"')
    ran = world.run("plan", "app.toml", *BASE, *BOTH)
    assert ran.code == 3
    assert ran.says("No plan exists for app 1 (only) on base (aarch64)")
    locked = world.run("lock", "app.toml", *BASE, *BOTH, "-o", "app.lock.json")
    assert locked.code == 3
    assert not (world.world.directory / "app.lock.json").exists()


@pytest.mark.parametrize("option", ["--alternatives=2", "--dump-universe=u.json"])
def test_what_is_about_one_plan_is_refused_for_several(
    world: TwoArchitectures, option: str
) -> None:
    ran = world.run("plan", "app.toml", *BASE, *BOTH, option)
    assert ran.code == 2
    assert ran.says(option.partition("=")[0], "several --arch were given")


# -- one file --------------------------------------------------------------------------------------


def locked(world: TwoArchitectures, *words: str) -> Path:
    ran = world.run("lock", "app.toml", *BASE, *BOTH, "-o", "app.lock.json", *words)
    assert ran.code == 0, ran.err + ran.out
    return world.world.directory / "app.lock.json"


def test_one_file_holds_the_very_locks_that_each_architecture_has_alone(
    world: TwoArchitectures,
) -> None:
    ran = world.run("lock", "app.toml", *BASE, *BOTH, "-o", "app.lock.json", "--json")
    jsonschema.validate(ran.document, lock_set_schema())
    assert sorted(ran.document["answers"]) == ["aarch64", "x86_64"]
    text = locked(world).read_text("utf-8")
    assert is_lock_set(text)
    jsonschema.validate(json.loads(text), lock_set_schema())
    for arch in ("x86_64", "aarch64"):
        ran = world.run("lock", "app.toml", *BASE, "--arch", arch, "-o", f"{arch}.json")
        assert ran.code == 0
        alone = (world.world.directory / f"{arch}.json").read_text("utf-8")
        assert lock_in(text, arch, file="f") == alone
        assert check_lock(alone) == ()
    assert locked(world).read_text("utf-8") == text


def test_commands_take_one_lock_of_the_file_by_its_architecture(world: TwoArchitectures) -> None:
    locked(world)
    assert world.run("check", "app.lock.json#aarch64").code == 0
    assert world.run("verify", "app.lock.json#x86_64", *PLACES).code == 0
    assert world.run("plan", "--locked", "app.lock.json#aarch64", *PLACES[:2]).says("(aarch64)")
    made = world.run("emit", "sbom", "app.lock.json#aarch64", "-o", "out", "--profile", "app.toml")
    assert made.code == 0, made.err + made.out
    texts = [path.read_text("utf-8") for path in (world.world.directory / "out").rglob("*.json")]
    assert any("arch=aarch64" in text for text in texts)
    assert not any("arch=x86_64" in text for text in texts)


def test_which_of_several_locks_is_asked_where_one_is_needed(world: TwoArchitectures) -> None:
    locked(world)
    ran = world.run("check", "app.lock.json")
    assert ran.code == 2
    assert ran.says("SS127", "it holds locks for aarch64, x86_64, and one is needed",
                    "app.lock.json#aarch64")  # fmt: skip
    other = world.run("check", "app.lock.json#aarch46")
    assert other.code == 2
    assert other.says("it holds no lock for aarch46", "did you mean aarch64?")


@pytest.mark.parametrize(("host", "arch"), [("gb200", "aarch64"), ("laptop", "x86_64")])
def test_doctor_takes_the_lock_of_its_host(world: TwoArchitectures, host: str, arch: str) -> None:
    locked(world)
    root = Path(__file__).parent / "hosts" / host
    words = ("doctor", "--root", str(root), "--json", "--lock")
    found = world.run(*words, "app.lock.json").document
    assert found["host"]["cpu"]["arch"] == arch
    named = world.run(*words, f"app.lock.json#{arch}").document
    assert found["checks"] == named["checks"]
    other = "aarch64" if arch == "x86_64" else "x86_64"
    assert found["checks"] != world.run(*words, f"app.lock.json#{other}").document["checks"]


def test_the_difference_of_two_architectures_is_that_and_their_streams(
    world: TwoArchitectures,
) -> None:
    locked(world)
    ran = world.run("diff", "app.lock.json#aarch64", "app.lock.json#x86_64", "--json")
    changes = ran.document["changes"]
    assert {each["component"] for each in changes["streams"]} == {"idna", "turbo"}
    assert changes["repositories"] == []
    assert changes["updates"] == []
    assert {"name": "base_arch", "old": "aarch64", "new": "x86_64"} in changes["settings"]


def test_files_of_several_architectures_are_compared_one_after_the_other(
    world: TwoArchitectures,
) -> None:
    old = locked(world)
    (world.world.directory / "old.json").write_bytes(old.read_bytes())
    assert world.run("diff", "old.json", "app.lock.json").says(
        "aarch64 ✓ Nothing changed. x86_64 ✓ Nothing changed."
    )
    world.world.ships("six", "1.17")
    world.only_x86_64.add("python3-six")
    updated = world.run("update", "app.lock.json", *PLACES)
    assert updated.says("aarch64 ", "x86_64 ")
    ran = world.run("diff", "old.json", "app.lock.json", "--json")
    assert ran.code == 0
    jsonschema.validate(ran.document, lock_set_schema())
    assert ran.document["removed"] == ran.document["added"] == []
    for arch, answer in ran.document["answers"].items():
        words = ("diff", f"old.json#{arch}", f"app.lock.json#{arch}", "--json")
        assert answer == world.run(*words).document
    moved = {
        arch: [each["component"] for each in answer["changes"]["streams"]]
        for arch, answer in ran.document["answers"].items()
    }
    assert moved == {"aarch64": [], "x86_64": ["six"]}
    refused = world.run("diff", "old.json", "app.lock.json", "--layers")
    assert refused.code == 2
    assert refused.says("one is needed")


def test_an_architecture_that_only_one_file_has_is_told(world: TwoArchitectures) -> None:
    whole = read_lock_set(locked(world).read_text("utf-8"), file="f")
    text = whole.locks["x86_64"]
    one = lock_set_text({"x86_64": (read_lock(text, file="f"), text)})
    (world.world.directory / "one.json").write_text(one, encoding="utf-8")
    assert world.run("diff", "one.json", "app.lock.json").says("aarch64: only in app.lock.json")
    ran = world.run("diff", "app.lock.json", "one.json", "--json")
    jsonschema.validate(ran.document, lock_set_schema())
    assert (ran.document["removed"], ran.document["added"]) == (["aarch64"], [])
    assert list(ran.document["answers"]) == ["x86_64"]


def test_a_current_file_is_current_and_another_base_makes_it_stale(
    world: TwoArchitectures,
) -> None:
    path = locked(world)
    assert world.run("lock", "--check", "app.lock.json", "app.toml", *BASE).code == 0
    before = path.read_bytes()
    assert world.run("update", "app.lock.json", *PLACES).code == 0
    assert path.read_bytes() == before
    world.only_x86_64.add("python3-six")
    world.world.ships("six", "1.17")
    stale = world.run("lock", "--check", "app.lock.json", "app.toml", *BASE, "--json")
    assert stale.code == 5
    jsonschema.validate(stale.document, lock_set_schema())
    assert [each["current"] for each in stale.document["answers"].values()] == [False, False]
    elsewhere = world.run("update", "app.lock.json", *PLACES, "-o", "new.json", "--json")
    jsonschema.validate(elsewhere.document, lock_set_schema())
    assert path.read_bytes() == before
    assert world.run("update", "app.lock.json#x86_64", *PLACES).code == 0
    found = read_lock_set(path.read_text("utf-8"), file="f")
    old = read_lock_set(before.decode(), file="f")
    assert found.locks["aarch64"] == old.locks["aarch64"]
    assert found.locks["x86_64"] != old.locks["x86_64"]
    assert world.run("update", "app.lock.json", *PLACES).code == 0
    assert path.read_bytes() == (world.world.directory / "new.json").read_bytes()
    assert world.run("lock", "--check", "app.lock.json", "app.toml", *BASE).code == 0


# -- the file as text ------------------------------------------------------------------------------


def of_architecture(arch: str) -> tuple[object, str]:
    plan = evolve(SmallPlan().plan(), arch=arch)
    text = lock_text(plan, evolve(small_settings(), arch=arch))
    return read_lock(text, file=arch), text


LOCKS = {arch: of_architecture(arch) for arch in ("x86_64", "aarch64", "riscv64")}


@given(st.permutations(sorted(LOCKS)), st.integers(1, 3))
def test_a_file_of_locks_gives_each_back_whatever_their_order(order: list[str], count: int) -> None:
    chosen = order[:count]
    text = lock_set_text({arch: LOCKS[arch] for arch in chosen})  # type: ignore[misc]
    assert text == lock_set_text({arch: LOCKS[arch] for arch in sorted(chosen)})  # type: ignore[misc]
    found = read_lock_set(text, file="f")
    assert list(found.locks) == sorted(chosen)
    for arch in chosen:
        assert found.locks[arch] == LOCKS[arch][1]


TEXT = lock_set_text({arch: LOCKS[arch] for arch in ("x86_64", "aarch64")})  # type: ignore[misc]


@given(st.data())
def test_no_changed_byte_goes_unseen(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(TEXT) - 1))
    other = data.draw(st.characters(codec="ascii").filter(lambda c: c != TEXT[at]))
    changed = TEXT[:at] + other + TEXT[at + 1 :]
    with pytest.raises(InputError):
        read_lock_set(changed, file="f")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not JSON"),
        ("[]", "its schema is not"),
        ('{"schema": "streamsolve.lockset/2"}', "its schema is not"),
        ('{"schema": "streamsolve.lockset/1", "locks": {}}', "it holds no lock"),
        ('{"schema": "streamsolve.lockset/1", "locks": {"x86_64": 1}}', "it is no lock"),
        ('{"schema": "streamsolve.lockset/1", "locks": {"a": {"base": {"arch": "b"}}}}', "no lock"),
    ],
)
def test_what_is_no_file_of_locks_says_why(text: str, words: str) -> None:
    with pytest.raises(InputError) as raised:
        read_lock_set(text, file="f")
    assert raised.value.code is Code.BROKEN_LOCK_SET
    assert words in str(raised.value)


def test_every_fault_of_a_file_is_told_at_once() -> None:
    document = json.loads(TEXT)
    document["locks"]["sparc"] = document["locks"].pop("x86_64")
    document["version"] = "7"
    with pytest.raises(InputErrors) as raised:
        read_lock_set(json.dumps(document), file="f")
    places = [each.place.path for each in raised.value.errors]
    assert places == ["digest", "locks.aarch64", "locks.sparc", "locks.sparc"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.json#x86_64", ("a.json", "x86_64")),
        ("a#b/c.json", ("a#b/c.json", "")),
        ("a#b/c.json#s390x", ("a#b/c.json", "s390x")),
        ("a.json", ("a.json", "")),
        ("a.json#", ("a.json#", "")),
        ("#x86_64", ("#x86_64", "")),
    ],
)
def test_the_architecture_stands_behind_the_last_number_sign(
    name: str, expected: tuple[str, str]
) -> None:
    assert split_fragment(name) == expected


def test_a_lock_alone_may_be_named_with_its_architecture_and_no_other() -> None:
    _, text = LOCKS["aarch64"]
    assert lock_in(text, "aarch64", file="f") == text
    assert lock_in(text, "", file="f") == text
    with pytest.raises(InputError) as raised:
        lock_in(text, "x86_64", file="f")
    assert raised.value.code is Code.WHICH_ARCH


def test_equal_locks_of_two_architectures_differ_in_nothing_else() -> None:
    first, second = LOCKS["x86_64"][0], LOCKS["aarch64"][0]
    found = diff(first, second)  # type: ignore[arg-type]
    assert {each.name for each in found.settings} == {"arch", "base_arch"}
    assert evolve(found, settings=()) == type(found)()


def test_a_file_whose_name_has_a_number_sign_is_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "odd#aarch64"
    path.write_text(LOCKS["x86_64"][1], encoding="utf-8")
    assert main(["check", str(path)]) in (0, 2)
    assert "WHICH" not in capsys.readouterr().err
