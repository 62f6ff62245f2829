"""Tables of a profile that hold for some architectures alone."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import tomli_w
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from streamsolve.errors import InputErrors
from streamsolve.inputs.profile_architectures import KNOWN_ARCHITECTURES
from streamsolve.lock import lock_in, read_lock
from streamsolve.model.component import distribution
from streamsolve.model.package import Package
from streamsolve.model.profile import BuildRule, BundledSource, NativeNeed, Profile

from .commandworld import CommandWorld, Ran
from .localrepository import write_repository
from .rpmmd import element
from .sharedworld import App, SharedWorld
from .smallworld import package, profile

BOTH = ("--base", "./base", "--arch", "x86_64", "--arch", "aarch64")
LIMITED = """
[[bundled]]
name = "kleidiai"
revision = "v1.2"
arch = ["aarch64"]

[[bundled]]
name = "onednn"
revision = "v3"
arch = ["x86_64", "s390x"]

[[bundled]]
name = "cutlass"
revision = "v4"

[[native]]
component = "core"
requires = ["libnuma-intel"]
arch = ["x86_64"]

[[build]]
component = "core"
requires = ["acl-devel"]
arch = ["aarch64"]
"""


class World:
    """A base of two architectures, of which each has a package that the other has not."""

    def __init__(self, world: CommandWorld) -> None:
        self.world = world
        self.only = {"x86_64": {"libnuma-intel"}, "aarch64": {"acl-devel"}}
        for names in self.only.values():
            for name in names:
                world.has(package(name))
        world.release("core", "1")
        world.release("app", "1", "core")
        world.more = LIMITED

    def run(self, *words: str) -> Ran:
        everything = dict(self.world.packages)
        for name in self.only["x86_64"]:
            del self.world.packages[name]
        for_aarch64 = map(self._for_aarch64, sorted(self.world.packages.values()))
        write_repository(self.world.directory / "base" / "aarch64", map(element, for_aarch64))
        self.world.packages.clear()
        self.world.packages.update(everything)
        for name in self.only["aarch64"]:
            del self.world.packages[name]
        ran = self.world.run(*words)
        self.world.packages.update(everything)
        return ran

    @staticmethod
    def _for_aarch64(one: Package) -> Package:
        return evolve(one, arch="aarch64" if one.arch == "x86_64" else one.arch)


@pytest.fixture
def world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> World:
    return World(CommandWorld(tmp_path, monkeypatch, capsys))


# -- as it is read ---------------------------------------------------------------------------------


def test_a_table_may_be_limited_to_architectures() -> None:
    read = profile(LIMITED)
    limits = [each.arches for each in (*read.bundled, *read.native_needs, *read.build_rules)]
    assert limits == [("aarch64",), ("s390x", "x86_64"), (), ("x86_64",), ("aarch64",)]


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ('["aarch46"]', "unknown architecture 'aarch46' did you mean aarch64"),
        ('["x86-64"]', "unknown architecture 'x86-64' did you mean x86_64"),
        ('["arm64"]', "unknown architecture 'arm64' RPM calls it aarch64"),
        ('["amd64"]', "unknown architecture 'amd64' RPM calls it x86_64"),
        ('["mips"]', "unknown architecture 'mips' known: aarch64, i686"),
        ('["noarch"]', "unknown architecture 'noarch'"),
        ('"x86_64"', "expected an array, not a string"),
        ("[1]", "expected a string"),
    ],
)
def test_what_is_no_architecture_is_refused_in_each_table(written: str, words: str) -> None:
    tables = """
[[bundled]]
name = "a"
revision = "1"
arch = WRITTEN
[[native]]
component = "a"
requires = ["b"]
arch = WRITTEN
[[build]]
component = "a"
requires = ["b"]
arch = WRITTEN
"""
    with pytest.raises(InputErrors) as raised:
        profile(tables.replace("WRITTEN", written))
    assert len(raised.value.errors) == 3
    for error, table in zip(raised.value.errors, ("bundled", "native", "build"), strict=True):
        assert error.place is not None
        assert error.place.path.startswith(f"{table}[0].arch")
        assert words in " ".join(f"{error.message} {error.hint}".split())


def test_other_tables_have_no_such_key() -> None:
    with pytest.raises(InputErrors, match="unknown key 'arch'"):
        profile('[[omit]]\ncomponent = "a"\nreason = "r"\narch = ["x86_64"]\n')


@pytest.mark.parametrize("table", ['[[bundled]]\nname = "a"\nrevision = "REVISION"\n',
                                   '[[build]]\ncomponent = "a"\nrequires = ["b"]\n'])  # fmt: skip
def test_the_same_may_be_said_for_two_architectures_and_not_twice_for_one(table: str) -> None:
    first = table.replace("REVISION", "1") + 'arch = ["x86_64"]\n'
    second = table.replace("REVISION", "2")
    assert profile(first + second + 'arch = ["aarch64", "s390x"]\n').variants
    for again in ('arch = ["aarch64", "x86_64"]\n', ""):
        with pytest.raises(InputErrors, match="twice"):
            profile(first + second + again)


@pytest.mark.parametrize("name", ["profile", "component"])
def test_the_schemas_know_the_same_names(name: str) -> None:
    text = files("streamsolve").joinpath("schemas", f"{name}-1.schema.json").read_text("utf-8")
    definitions = json.loads(text)["$defs"]
    for table, document in (
        ("bundled", {"name": "a", "revision": "1"}),
        ("native", {"component": "a", "requires": ["b"]}),
        ("build", {"component": "a", "requires": ["b"]}),
    ):
        schema = {"$ref": f"#/$defs/{table}", "$defs": definitions}
        jsonschema.validate({**document, "arch": list(KNOWN_ARCHITECTURES)}, schema)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**document, "arch": ["arm64"]}, schema)


def test_what_a_profile_says_is_shown_with_its_limits(world: World) -> None:
    world.world.more = """
[[build]]
component = "core"
drops = ["libvpl-devel"]
reason = "there is none"
variants = ["only"]
arch = ["aarch64"]
"""
    assert world.run("profile", "check", "app.toml").code == 0
    assert world.run("profile", "show", "app.toml").says("core (only, aarch64) there is none")


# -- as it counts ----------------------------------------------------------------------------------

_ARCHES = st.lists(st.sampled_from(KNOWN_ARCHITECTURES), max_size=3, unique=True).map(tuple)


@given(st.lists(_ARCHES, max_size=5), st.sampled_from(KNOWN_ARCHITECTURES))
def test_on_an_architecture_each_table_holds_or_is_not_there(
    limits: list[tuple[str, ...]], arch: str
) -> None:
    empty = profile()
    core = distribution("core")
    read = evolve(
        empty,
        bundled=tuple(BundledSource(f"b{n}", "1", arches=one) for n, one in enumerate(limits)),
        native_needs=tuple(
            NativeNeed(core, (f"b{n}",), arches=one) for n, one in enumerate(limits)
        ),
        build_rules=tuple(BuildRule(core, (f"b{n}",), arches=one) for n, one in enumerate(limits)),
    )
    wanted = [f"b{n}" for n, one in enumerate(limits) if one == () or arch in one]
    found = read.on(arch)
    assert [one.name for one in found.bundled] == wanted
    assert [one.requires[0] for one in found.native_needs] == wanted
    assert [one.requires[0] for one in found.build_rules] == wanted
    assert found.on("riscv64") == found == read.on(arch).on(arch)


@given(_ARCHES.filter(bool))
def test_what_is_written_is_read(arches: tuple[str, ...]) -> None:
    text = tomli_w.dumps({"bundled": [{"name": "a", "revision": "1", "arch": list(arches)}]})
    assert profile(text).bundled[0].arches == tuple(sorted(arches))


def test_a_profile_without_the_key_is_the_same_on_every_architecture() -> None:
    read: Profile = profile('[[bundled]]\nname = "a"\nrevision = "1"\n')
    assert read.on("x86_64") is read


def test_each_architecture_is_planned_with_its_own_tables(world: World) -> None:
    plans = world.run("plan", "app.toml", *BOTH, "--builds", "--json").document["plans"]
    told = {
        arch: next(one["text"] for one in plan["warnings"] if one["code"] == "bundled-sources")
        for arch, plan in plans.items()
    }
    assert told["x86_64"].endswith("provide onednn v3, cutlass v4")
    assert told["aarch64"].endswith("provide kleidiai v1.2, cutlass v4")
    assert {arch: _in_runtime(plan) & {"libnuma-intel"} for arch, plan in plans.items()} == {
        "x86_64": {"libnuma-intel"},
        "aarch64": set(),
    }
    assert {arch: "acl-devel" in _asked_to_build(plan) for arch, plan in plans.items()} == {
        "x86_64": False,
        "aarch64": True,
    }


def test_locks_and_what_is_emitted_from_them_keep_architectures_apart(world: World) -> None:
    ran = world.run("lock", "app.toml", *BOTH, "-o", "app.lock.json")
    assert ran.code == 0, ran.err + ran.out
    assert world.run("lock", "--check", "app.lock.json", "app.toml", *BOTH[:2]).code == 0
    both = (world.world.directory / "app.lock.json").read_text("utf-8")
    expected = {"x86_64": {"onednn", "cutlass"}, "aarch64": {"kleidiai", "cutlass"}}
    for arch, names in expected.items():
        made = world.run(
            "emit", "sbom", f"app.lock.json#{arch}", "-o", arch, "--profile", "app.toml"
        )
        assert made.code == 0, made.err + made.out
        text = "".join(
            each.read_text("utf-8") for each in (world.world.directory / arch).rglob("*.json")
        )
        assert {name for name in ("onednn", "kleidiai", "cutlass") if name in text} == names
        text = lock_in(both, arch, file="f")
        assert ("acl-devel" in _packages(text)) == (arch == "aarch64")


def _packages(text: str) -> set[str]:
    plan = read_lock(text, file="f").plan
    assert plan.builds is not None
    return {one.name for root in plan.builds.roots for one in root.packages}


@pytest.mark.parametrize("table", ["native", "build"])
@pytest.mark.parametrize(("arch", "same"), [("aarch64", True), ("x86_64", False)])
def test_applications_together_are_held_to_the_tables_of_the_architecture(
    tmp_path: Path, table: str, arch: str, same: bool
) -> None:
    more = f'[[{table}]]\ncomponent = "core"\nrequires = ["python(abi)"]\narch = ["{arch}"]\n'
    apps = (App("one", ("core", "key==1"), more=more), App("two", ("core", "key==2")))
    world = SharedWorld(apps, {"core": {"1": ()}, "key": {"1": (), "2": ()}})
    (core,) = (one for one in world.plan(tmp_path).common if one.component.name == "core")
    assert (core.difference is None) == same


def _in_runtime(plan: dict[str, Any]) -> set[str]:
    """The names of the packages of the runtime root."""
    packages = plan["builds"]["runtime"]["packages"]
    return {each["nevra"].rsplit("-", 2)[0] for each in packages}


def _asked_to_build(plan: dict[str, Any]) -> set[str]:
    builds = plan["builds"]["builds"]
    return {need["text"] for build in builds for need in build["needs"]}
