"""What is of one architecture stays out of plans for another: needs, wheels, explanations."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from streamsolve.model.conflict import Cause
from streamsolve.model.package import Package
from streamsolve.model.upstream import Artifact, Release
from streamsolve.planner.other_architectures import asked_elsewhere
from streamsolve.planner.wheels import wheels_for

from .buildworld import BuildWorld, builds_in, interpreter, sdist, source
from .commandworld import CommandWorld
from .smallworld import dist, package, profile
from .test_lock_set import BOTH, PLACES, TwoArchitectures

# -- what a source package asks for elsewhere ------------------------------------------------------


def opencv(arch: str, *, shipped: str = "1", built_for: str = "") -> BuildWorld:
    """A base with ``cv`` 1, whose spec asks for what this base has not; the application wants 2."""
    built = evolve(dist("cv", shipped, source="python-cv"), arch=built_for or arch)
    return BuildWorld(
        [*interpreter("3.14"), dist("setuptools", "80"), package("zlib-devel"), built],
        [sdist("app", "1", "cv>=2", build="setuptools"), sdist("cv", "2", build="setuptools")],
        sources=[source("python-cv", "gcc", "libvpl-devel >= 2", "zlib-devel", version="1")],
        arch=arch,
    )


def test_what_a_spec_asks_for_elsewhere_is_no_need_where_the_base_built_it(tmp_path: Path) -> None:
    plan = opencv("aarch64").plan(tmp_path)
    build = builds_in(plan).build("cv@2")
    assert build is not None
    texts = {need.text for need in build.needs}
    assert {"gcc", "zlib-devel"} <= texts
    assert "libvpl-devel >= 2" not in texts
    assert build.left_out == ()
    (told,) = (each for each in plan.warnings if each.code == "other-architecture")
    assert told.text.startswith(
        "python-cv-1-1.fc0.src asks for libvpl-devel >= 2, which small has not for aarch64"
    )


@pytest.mark.parametrize(
    "world",
    [
        opencv("x86_64"),
        opencv("aarch64", built_for="noarch"),
        opencv("aarch64", shipped="1.1"),
    ],
    ids=["x86_64", "the base's package may be from anywhere", "the base built another release"],
)
def test_without_that_proof_it_is_a_need_and_cannot_be_met(
    tmp_path: Path, world: BuildWorld
) -> None:
    found = world.attempt(tmp_path)
    assert found.plan is None
    assert "nothing provides libvpl-devel >= 2" in str(found.conflicts)


class Pool:
    """A base whose packages provide their names; modules hide some of them."""

    def __init__(self, packages: list[Package], hidden: list[Package]) -> None:
        self.packages = packages
        self.hidden = hidden

    def named(self, name: str) -> tuple[Package, ...]:
        return tuple(one for one in self.packages if one.name == name)

    def providers(self, capability: str) -> tuple[Package, ...]:
        return self.named(capability)

    def hidden_providers(self, capabilities: Iterable[str]) -> tuple[Package, ...]:
        names = set(capabilities)
        return tuple(one for one in self.hidden if one.name in names)

    def sources(self, name: str) -> tuple[Package, ...]:
        raise AssertionError(name)


NAMES = ["acl", "bzip2", "cmake", "dwz", "elfutils"]
TEXTS = st.one_of(
    st.sampled_from(NAMES),
    st.sampled_from(NAMES).map("{} >= 2".format),
    st.sampled_from(NAMES).map("python3dist({})".format),
    st.sampled_from(NAMES).map("/usr/bin/{}".format),
    st.sampled_from(NAMES).map("({} or dwz)".format),
)


@given(
    st.lists(TEXTS, max_size=6, unique=True),
    st.sets(st.sampled_from(NAMES)),
    st.sets(st.sampled_from(NAMES), max_size=2),
    st.sampled_from(["x86_64", "aarch64", "s390x"]),
    st.sampled_from(["x86_64", "aarch64", "noarch"]),
)
def test_only_plain_needs_that_nothing_meets_are_taken_for_other_architectures(
    texts: list[str], there: set[str], hidden: set[str], arch: str, built_for: str
) -> None:
    pool = Pool([package(name) for name in there], [package(name) for name in hidden])
    built = evolve(package("lib", "1", source="lib"), arch=built_for)
    found = asked_elsewhere(source("lib", *texts), [built], arch, pool)
    if arch == "x86_64" or arch != built_for:
        assert found == frozenset()
    else:
        assert found == {each for each in texts if each.split()[0] in set(NAMES) - there - hidden}


# -- wheels ----------------------------------------------------------------------------------------


def test_a_third_partys_wheel_is_told_for_the_architecture(tmp_path: Path) -> None:
    tags = ("manylinux_2_17_aarch64", "manylinux_2_17_x86_64", "win_amd64")
    listed, metadata, _ = sdist("blas", "1", native=True)
    wheels = tuple(Artifact(f"blas-1-py3-none-{tag}.whl", "1" * 64) for tag in tags)
    blas = (evolve(listed, sdists=(), wheels=wheels), metadata, None)
    rule = '[[external]]\ncomponent = "blas"\npackage = "libblas"\nrepository = "vendor"\n'
    for arch in ("aarch64", "x86_64"):
        world = BuildWorld(
            [*interpreter("3.14"), dist("setuptools", "80")],
            [sdist("app", "1", "blas", build="setuptools"), blas],
            profile(rule),
            arch=arch,
        )
        plan = world.plan(tmp_path / arch)
        (stream,) = (each for each in plan.streams if each.component.name == "blas")
        assert stream.source.filename == f"blas-1-py3-none-manylinux_2_17_{arch}.whl"


PLATFORMS = ("any", "linux_aarch64", "manylinux_2_17_x86_64.manylinux2014_x86_64", "win_amd64",
             "macosx_11_0_arm64", "musllinux_1_2_aarch64", "manylinux_2_17_i686")  # fmt: skip


@given(st.sets(st.sampled_from(PLATFORMS)), st.sampled_from(["x86_64", "aarch64"]))
def test_wheels_for_an_architecture_are_those_that_name_it_or_none(
    platforms: set[str], arch: str
) -> None:
    wheels = tuple(Artifact(f"a-1-py3-none-{one}.whl", "0" * 64) for one in platforms)
    listed, _, _ = sdist("a", "1")
    release: Release = evolve(listed, wheels=wheels)
    wanted = {one for one in platforms if one == "any" or ("linux" in one and arch in one)}
    assert [each.filename for each in wheels_for(release, arch)] == sorted(
        f"a-1-py3-none-{one}.whl" for one in wanted
    )


# -- what an architecture has not ------------------------------------------------------------------

ROCM = '[[component]]\ncomponent = "package:rocm"\npackages = ["rocm-core", "rocm-core{major}"]\n'


@pytest.mark.parametrize(("arch", "told"), [("aarch64", True), ("x86_64", False)])
def test_a_conflict_tells_that_the_base_does_not_build_it_for_the_architecture(
    tmp_path: Path, arch: str, told: bool
) -> None:
    world = BuildWorld(
        interpreter("3.14"),
        [sdist("app", "1", build="")],
        profile(ROCM, needs='["package:rocm"]'),
        sources=[source("rocm-core", version="7")],
        arch=arch,
    )
    (conflict,) = world.attempt(tmp_path).conflicts
    assert conflict.cause is Cause.NO_SUCH_COMPONENT
    text = (
        "small has the source package rocm-core, and no package of that name for aarch64: it is "
        "not built for it"
    )
    assert conflict.packages == ((text,) if told else ())


def test_what_the_base_has_no_source_of_either_is_not_said_to_be_unbuilt(tmp_path: Path) -> None:
    world = BuildWorld(
        interpreter("3.14"),
        [sdist("app", "1", build="")],
        profile(ROCM, needs='["package:rocm"]'),
        arch="aarch64",
    )
    (conflict,) = world.attempt(tmp_path).conflicts
    assert conflict.packages == ()


@pytest.mark.parametrize(
    ("marker", "told"),
    [
        ('platform_machine == "aarch64"', True),
        ('platform_machine == "aarch64" or platform_machine == "x86_64"', False),
    ],
)
def test_a_demand_of_some_machines_alone_says_so_in_a_conflict(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    marker: str,
    told: bool,
) -> None:
    world = TwoArchitectures(CommandWorld(tmp_path, monkeypatch, capsys))
    world.world.release("app", "1", f"gone; {marker}")
    ran = world.run("plan", "app.toml", *PLACES[:2], "--arch", "aarch64")
    assert ran.code == 3
    assert ran.says("app 1 needs gone")
    assert ran.says(f"app 1 needs gone where {marker}") == told


# -- side by side ----------------------------------------------------------------------------------


def test_names_of_repositories_and_wheels_of_one_architecture_are_no_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """``aarch64`` sorts before ``source``, ``x86_64`` behind it."""
    world = TwoArchitectures(CommandWorld(tmp_path, monkeypatch, capsys))
    world.only_x86_64 = set()
    world.world.overlays["base/source"] = [source("python-six")]
    world.world.release("app", "1")
    assert world.run("lock", "app.toml", *PLACES[:2], *BOTH, "-o", "app.lock.json").code == 0
    ran = world.run("diff", "app.lock.json#aarch64", "app.lock.json#x86_64", "--json")
    changes = ran.document["changes"]
    assert {each["name"] for each in changes["settings"]} == {"arch", "base_arch"}
    assert changes["streams"] == []
