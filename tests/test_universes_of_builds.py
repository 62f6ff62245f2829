"""Constructed universes in which every layer matters, each with its expected plan or explanation.

A build is told as ``LEVEL ID: what its root holds``, beyond a shell, macros, the base's interpreter
with its headers, and pip, which every root of a distribution holds; see :func:`builds_of`.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from streamsolve.errors import ExitCode, NoPlanError
from streamsolve.explain import Command, failure_blocks, lay_out, plain
from streamsolve.model.build import BuildSystem, Leak, LeakKind, Stage
from streamsolve.model.component import Origin
from streamsolve.model.plan import ReasonKind

from .buildworld import (
    BuildWorld,
    builds_in,
    builds_of,
    interpreter,
    names_in,
    root_of,
    sdist,
    source,
    streams_of,
)
from .rpmmd import on_disk
from .smallworld import dist, package, profile, release

APP = "1 app@1"
CMAKE = """
[[tool]]
distribution = "cmake"
package = "cmake"
"""
GCC = """
[[component]]
component = "toolchain:gcc"
packages = ["gcc", "gcc{major}"]
"""
CUDA = """
[[component]]
component = "accelerator:cuda"
[[component.stream]]
version = "13.0"
origin = "external"
package = "cuda-toolkit-13-0"
repository = "cuda"
[[build]]
component = "lib"
requires = ["cuda-nvcc-{major}-{minor}"]
needs = ["accelerator:cuda"]
follows = "accelerator:cuda"
"""


def rule(component: str, *requires: str, needs: str = "", more: str = "") -> str:
    """A profile's ``[[build]]`` row; ``needs`` have commas between."""
    listed = ", ".join(f'"{text}"' for text in requires)
    needed = ", ".join(f'"{text.strip()}"' for text in needs.split(",") if text)
    return (
        f'[[build]]\ncomponent = "{component}"\nrequires = [{listed}]\nneeds = [{needed}]\n{more}'
    )


# -- what only builds need -------------------------------------------------------------------------


def test_a_build_that_excludes_the_base_s_setuptools_gets_its_own_which_is_built_before(
    tmp_path: Path,
) -> None:
    world = BuildWorld(
        [*interpreter("3.14"), dist("setuptools", "83.0.0")],
        [
            sdist("app", "1", "legacy", "setuptools", build="setuptools"),
            sdist("legacy", "1", build="setuptools<81"),
            sdist("setuptools", "80.10.2"),
            sdist("setuptools", "83.0.0"),
        ],
    )
    plan = world.plan(tmp_path)
    assert streams_of(plan) == [
        "app 1 private",
        "legacy 1 private",
        "setuptools 83.0.0 base",
        "setuptools 80.10.2 private for builds",
        "python 3.14.0 base",
    ]
    assert builds_of(plan) == [
        "1 app@1: python3-setuptools",
        "1 setuptools@80.10.2",
        "2 legacy@1: python3-setuptools 80.10.2 (setuptools@80.10.2)",
    ]
    assert "python3-setuptools-83.0.0-1.fc0.noarch" in plan.runtime_packages
    own = plan.streams[3]
    assert (own.reason.kind, own.reason.base_version) == (ReasonKind.BASE_CONFLICT, "83.0.0")
    assert [f"{d.component} {d.requirement}" for d in own.required_by] == ["legacy setuptools<81"]


def test_a_program_is_the_base_s_where_it_fits_and_private_where_it_does_not(
    tmp_path: Path,
) -> None:
    world = BuildWorld(
        [*interpreter("3.14"), package("cmake", "4.3.0")],
        [
            sdist("app", "1", "new", "old"),
            sdist("new", "1", build="cmake>=3.20"),
            sdist("old", "1", build="cmake<4"),
            sdist("cmake", "3.31.6"),
            sdist("cmake", "4.2.1"),
        ],
        profile(CMAKE),
    )
    plan = world.plan(tmp_path)
    assert builds_of(plan) == [
        APP,
        "1 cmake@3.31.6",
        "1 new@1: cmake",
        "2 old@1: python3-cmake 3.31.6 (cmake@3.31.6)",
    ]


def test_the_extras_of_a_build_need_lie_in_its_root_whoever_has_them(tmp_path: Path) -> None:
    carrier = package(
        "python3-cov+toml",
        "7",
        provides=["python3.14dist(cov[toml]) = 7", "python3dist(cov[toml]) = 7"],
        requires=["python3-cov = 7-1.fc0", "python3.14dist(tomli)"],
        source="cov",
    )
    app = sdist("app", "1", build="cov[toml]")
    base = [*interpreter("3.14"), dist("cov", "7"), dist("tomli", "2"), carrier]
    plan = BuildWorld(base, [app]).plan(tmp_path)
    assert builds_of(plan) == [f"{APP}: python3-cov, python3-cov+toml, python3-tomli"]
    private = (
        *release("cov", "7", "tomli; extra == 'toml'", extras=("toml",)),
        BuildSystem(()),
    )
    world = BuildWorld(interpreter("3.14"), [app, private, sdist("tomli", "2")])
    assert builds_of(world.plan(tmp_path)) == [
        "1 cov@7",
        "1 tomli@2",
        "2 app@1: python3-cov 7 (cov@7), python3-cov+toml 7 (cov@7), python3-tomli 2 (tomli@2)",
    ]


def test_two_builds_may_use_two_streams_of_one_component(tmp_path: Path) -> None:
    world = BuildWorld(
        [*interpreter("3.14"), dist("setuptools", "83.0.0")],
        [
            sdist("app", "1", "one", "two"),
            sdist("one", "1", build="setuptools<81"),
            sdist("two", "1", build="setuptools<70"),
            sdist("setuptools", "69.5.1"),
            sdist("setuptools", "80.10.2"),
        ],
    )
    plan = world.plan(tmp_path)
    assert builds_of(plan) == [
        APP,
        "1 setuptools@69.5.1",
        "1 setuptools@80.10.2",
        "2 one@1: python3-setuptools 80.10.2 (setuptools@80.10.2)",
        "2 two@1: python3-setuptools 69.5.1 (setuptools@69.5.1)",
    ]
    held = {
        s.build for root in builds_in(plan).roots for s in root.streams if "setuptools" in s.build
    }
    assert held == {"setuptools@69.5.1", "setuptools@80.10.2"}


def test_a_build_uses_the_private_stream_that_the_application_has(tmp_path: Path) -> None:
    world = BuildWorld(
        [*interpreter("3.14"), dist("numpy", "2.5")],
        [
            sdist("app", "1", "numpy<2.5", "lib"),
            sdist("lib", "1", build="numpy"),
            sdist("numpy", "2.4.6"),
        ],
    )
    assert builds_of(world.plan(tmp_path)) == [
        APP,
        "1 numpy@2.4.6",
        "2 lib@1: python3-numpy 2.4.6 (numpy@2.4.6)",
    ]


# -- cycles ----------------------------------------------------------------------------------------


def test_a_cycle_of_three_is_broken_where_the_base_s_own_stream_stands_in(tmp_path: Path) -> None:
    world = BuildWorld(
        [*interpreter("3.14"), dist("c", "1")],
        [
            sdist("app", "1", "a", "b", "c>=2"),
            sdist("a", "1", build="b"),
            sdist("b", "1", build="c"),
            sdist("c", "2", build="a"),
        ],
    )
    plan = world.plan(tmp_path)
    assert builds_of(plan) == [
        APP,
        "1 b@1/bootstrap: python3-c; for c: python3-c 1 of the base",
        "2 a@1: python3-b 1 (b@1/bootstrap)",
        "3 c@2: python3-a 1 (a@1)",
        "4 b@1/final: python3-c 2 (c@2)",
    ]
    assert builds_in(plan).order.critical_path == ("b@1/bootstrap", "a@1", "c@2", "b@1/final")
    assert plan.summary.build_cost == 5  # a minute each, and b is built twice


def test_a_cycle_is_broken_at_the_cheapest_of_its_streams(tmp_path: Path) -> None:
    """Each of the two has a stream in the base that would do, and `big` takes an hour."""
    world = BuildWorld(
        [*interpreter("3.14"), dist("big", "1"), dist("little", "1")],
        [
            sdist("app", "1", "big>=2", "little>=2"),
            sdist("big", "2", build="little"),
            sdist("little", "2", build="big"),
        ],
        profile("[costs.minutes]\nbig = 60\nlittle = 2\n"),
    )
    assert builds_of(world.plan(tmp_path)) == [
        APP,
        "1 little@2/bootstrap: python3-big; for big: python3-big 1 of the base",
        "2 big@2: python3-little 2 (little@2/bootstrap)",
        "3 little@2/final: python3-big 2 (big@2)",
    ]


def test_a_cycle_that_nothing_breaks_is_told_as_a_chain_and_exits_with_3(tmp_path: Path) -> None:
    world = BuildWorld(
        interpreter("3.14"),
        [sdist("app", "1", "a"), sdist("a", "1", build="b"), sdist("b", "1", build="a")],
    )
    failure = world.failure(tmp_path)
    assert NoPlanError("no plan", failure).exit_code == ExitCode.NO_PLAN == 3
    assert [[str(d.requirement) for d in c] for c in failure.conflicts[0].chains] == [["a"]]
    text = " ".join(plain(lay_out(failure_blocks(failure, Command(("app",))), 100)).split())
    assert "1 independent conflict." in text
    assert "building a 1 needs b 1" in text
    assert "building b 1 needs a 1" in text


@pytest.mark.parametrize(("first", "second"), [("a", "b"), ("b", "a")])
def test_another_version_leads_out_of_a_cycle_whatever_the_names_are(
    tmp_path: Path, first: str, second: str
) -> None:
    world = BuildWorld(
        interpreter("3.14"),
        [
            sdist("app", "1", first),
            sdist(first, "1", build=second),
            sdist(second, "1"),
            sdist(second, "2", build=first),
        ],
    )
    made = builds_of(world.plan(tmp_path))
    assert made == sorted([APP, f"1 {second}@1", f"2 {first}@1: python3-{second} 1 ({second}@1)"])


def test_a_stream_that_needs_itself_is_built_with_the_base_s_own(tmp_path: Path) -> None:
    world = BuildWorld(
        [*interpreter("3.14"), dist("lib", "1")],
        [sdist("app", "1", "lib>=2"), sdist("lib", "2", build="lib")],
    )
    assert builds_of(world.plan(tmp_path)) == [APP, "1 lib@2: python3-lib"]


def wheel_beside(*stated: str, base: str) -> BuildWorld:
    """x is built with setuptools, and setuptools 80 with x; the base has an older one."""
    return BuildWorld(
        [
            *interpreter("3.14"),
            dist("setuptools", base),
            package("python3-setuptools-wheel", base, source="python-setuptools"),
        ],
        [
            sdist("app", "1", "x", "setuptools>=80"),
            sdist("x", "1", build=", ".join(stated)),
            sdist("setuptools", "80", build="x"),
        ],
    )


def test_the_base_s_own_stream_is_better_than_its_wheel_where_the_interpreter_is_its_own(
    tmp_path: Path,
) -> None:
    assert builds_of(wheel_beside("setuptools", base="79").plan(tmp_path)) == [
        APP,
        "1 x@1/bootstrap: python3-setuptools; for setuptools: python3-setuptools 79 of the base",
        "2 setuptools@80: python3-x 1 (x@1/bootstrap)",
        "3 x@1/final: python3-setuptools 80 (setuptools@80)",
    ]


def test_a_wheel_of_the_base_breaks_no_cycle_for_a_build_that_wants_a_newer_one(
    tmp_path: Path,
) -> None:
    failure = wheel_beside("setuptools>=78", base="75").failure(tmp_path)
    told = {text for conflict in failure.conflicts for text in conflict.packages}
    assert {"building x 1 needs setuptools 80", "building setuptools 80 needs x 1"} <= told


def test_a_wheel_of_the_base_breaks_no_cycle_for_a_build_that_wants_extras(
    tmp_path: Path,
) -> None:
    """Nothing says what the wheel's extras need; without the extra the wheel would do."""
    for stated, planned in (("setuptools[core]", False), ("setuptools", True)):
        world = too_new()
        listed, metadata, _ = sdist("setuptools", "83.0.0")
        metadata = evolve(metadata, extras=frozenset({"core"}))
        kept = [one for one in world.upstream if one[0].name not in ("pip", "setuptools")]
        world.upstream = [
            *kept,
            (listed, metadata, BuildSystem(())),
            sdist("pip", "26.0", build=stated),
        ]
        world.profile = profile('[[build]]\ncomponent = "setuptools"\nneeds = ["pip>=26"]\n')
        assert (world.attempt(tmp_path).plan is not None) is planned, stated


# -- the interpreter -------------------------------------------------------------------------------


def too_new() -> BuildWorld:
    """A base with Python 3.15 and an application that needs an older one."""
    return BuildWorld(
        [
            *interpreter("3.15"),
            dist("setuptools", "83.0.0", series="3.15"),
            package("python3-setuptools-wheel", "83.0.0", source="python-setuptools"),
            package("openssl-devel", "3"),
        ],
        [
            sdist("app", "1", "six", python="<3.15", build="setuptools"),
            sdist("six", "1.17.0", build="setuptools"),
            sdist("setuptools", "83.0.0"),
            sdist("pip", "26.0", build="setuptools"),
        ],
        profile("[costs.minutes]\nsetuptools = 5\n"),
        [source("python3.15", "openssl-devel", "gcc")],
    )


def test_an_interpreter_that_is_too_new_is_rebuilt_and_everything_on_it_is_private(
    tmp_path: Path,
) -> None:
    plan = too_new().plan(tmp_path)
    assert streams_of(plan) == [
        "app 1 private",
        "pip 26.0 private for builds",
        "setuptools 83.0.0 private for builds",
        "six 1.17.0 private",
        "python 3.14 private",
    ]
    made = "(interpreter:python@3.14)"
    on_it = f"python3.14 3.14 {made}, python3.14-devel 3.14 {made}"
    everything = (
        f"{on_it}, python3.14-pip 26 (pip@26.0/final), python3.14-setuptools 83 (setuptools@83.0.0)"
    )
    assert builds_of(plan, usual=("bash",)) == [
        "1 interpreter:python@3.14: gcc, openssl-devel",
        f"2 pip@26.0/bootstrap: pyproject-rpm-macros, python3-setuptools-wheel, {on_it}; "
        "without setuptools; for setuptools: the base's wheel, python3-setuptools-wheel",
        f"3 setuptools@83.0.0: pyproject-rpm-macros, {on_it}, "
        "python3.14-pip 26 (pip@26.0/bootstrap)",
        f"4 pip@26.0/final: pyproject-rpm-macros, {on_it}, "
        "python3.14-setuptools 83 (setuptools@83.0.0)",
        f"5 app@1: pyproject-rpm-macros, {everything}",
        f"5 six@1.17.0: pyproject-rpm-macros, {everything}",
    ]


def test_pip_is_bootstrapped_by_the_wheel_in_the_interpreter_s_source_where_the_base_has_none(
    tmp_path: Path,
) -> None:
    """Without the base's wheel of setuptools the cycle with pip goes away at setuptools alone."""
    world = too_new()
    world.base = [one for one in world.base if one.name != "python3-setuptools-wheel"]
    passes = [
        (build.id, [(str(s.component), s.instead) for s in build.substitutes])
        for build in builds_in(world.plan(tmp_path)).builds
        if build.stage is Stage.BOOTSTRAP
    ]
    instead = "the wheel of pip in the source of Python 3.14"
    assert passes == [("setuptools@83.0.0/bootstrap", [("pip", instead)])]


def test_the_headers_of_another_interpreter_are_those_of_its_own_build(tmp_path: Path) -> None:
    root = root_of(too_new().plan(tmp_path), "six@1.17.0")
    of_python = {p.name: p.repository for p in root.packages if p.name.startswith("python3")}
    assert of_python == dict.fromkeys(
        ("python3.14", "python3.14-devel", "python3.14-pip", "python3.14-setuptools"), "private"
    )


def test_the_headers_of_an_alternative_interpreter_of_the_base_are_the_base_s(
    tmp_path: Path,
) -> None:
    world = BuildWorld(
        [
            *interpreter("3.14"),
            package("python3.13", "3.13.9", provides=["python(abi) = 3.13"]),
            package("python3.13-devel", "3.13.9"),
            dist("pip", "26.0", series="3.13", rpm="python3.13-pip"),
        ],
        [sdist("app", "1", python="<3.14")],
    )
    assert builds_of(world.plan(tmp_path), usual=("bash", "pyproject-rpm-macros")) == [
        "1 app@1: python3.13, python3.13-devel, python3.13-pip"
    ]


# -- what a base's packages say --------------------------------------------------------------------


def test_a_base_package_in_a_build_root_brings_the_version_that_it_requires(
    tmp_path: Path,
) -> None:
    """The application's numpy is private and older; the base's builder wants the base's."""
    world = BuildWorld(
        [
            *interpreter("3.14"),
            dist("numpy", "2.5"),
            dist("builder", "1", "python3.14dist(numpy) >= 2.5"),
        ],
        [
            sdist("app", "1", "numpy<2.5", "lib"),
            sdist("lib", "1", build="builder"),
            sdist("numpy", "2.4.6"),
        ],
    )
    plan = world.plan(tmp_path)
    assert builds_of(plan) == [APP, "1 lib@1: python3-builder, python3-numpy", "1 numpy@2.4.6"]
    assert "python3-numpy-2.4.6-0.streamsolve.x86_64" in plan.runtime_packages


def test_a_base_package_that_requires_the_newer_version_is_rebuilt_for_a_root_with_the_older(
    tmp_path: Path,
) -> None:
    world = BuildWorld(
        [
            *interpreter("3.14"),
            dist("numpy", "2.5"),
            dist("builder", "1", "python3.14dist(numpy) >= 2.5"),
        ],
        [
            sdist("app", "1", "numpy<2.5", "lib"),
            sdist("lib", "1", build="builder, numpy<2.5"),
            sdist("numpy", "2.4.6"),
            sdist("builder", "1"),
        ],
    )
    assert builds_of(world.plan(tmp_path)) == [
        APP,
        "1 builder@1",
        "1 numpy@2.4.6",
        "2 lib@1: python3-builder 1 (builder@1), python3-numpy 2.4.6 (numpy@2.4.6)",
    ]


def lib_needs(*requires: str, base: tuple[object, ...]) -> BuildWorld:
    """A private `lib` whose build needs some packages of a base that has these as well."""
    return BuildWorld(
        [*interpreter("3.14"), *base],  # type: ignore[list-item]
        [sdist("app", "1", "lib"), sdist("lib", "1")],
        profile(rule("lib", *requires)),
    )


def test_of_alternatives_the_one_is_taken_that_goes_with_the_rest(tmp_path: Path) -> None:
    world = lib_needs(
        "tool",
        "other",
        base=(
            package("tool", requires=["(first or second)"]),
            package("first", conflicts=["other"]),
            package("second"),
            package("other"),
        ),
    )
    assert builds_of(world.plan(tmp_path)) == [APP, "1 lib@1: other, second, tool"]


def test_an_obsoleted_package_gives_way_to_what_obsoletes_it(tmp_path: Path) -> None:
    world = lib_needs(
        "old-devel",
        base=(
            package("old-devel", "1"),
            package("new-devel", "2", provides=["old-devel = 2"], obsoletes=["old-devel < 2"]),
        ),
    )
    assert builds_of(world.plan(tmp_path)) == [APP, "1 lib@1: new-devel"]


def test_a_required_path_is_found_in_the_lists_of_files(tmp_path: Path) -> None:
    path = "/usr/libexec/deep/helper"
    deep = package("deep", repository="")
    world = lib_needs(path, base=())
    world.files = [on_disk(tmp_path, "files", deep, files={"deep": [path]})]
    plan = world.plan(tmp_path)
    assert builds_of(plan) == [APP, "1 lib@1: deep"]
    found = [one for one in root_of(plan, "lib@1").packages if one.name == "deep"]
    assert [one.repository for one in found] == ["files"]


def test_rich_dependencies_of_a_spec_hold_in_its_root(tmp_path: Path) -> None:
    world = BuildWorld(
        [
            *interpreter("3.14"),
            package("foo", "3"),
            package("foo2", "2", provides=["foo = 2"]),
            package("plus"),
            package("minus"),
            dist("lib", "1", source="python-lib"),
        ],
        [sdist("app", "1", "lib>=2"), sdist("lib", "2")],
        sources=[
            source("python-lib", "(foo >= 2 with foo < 3)", "(plus if bash)", "(minus if zsh)")
        ],
    )
    assert builds_of(world.plan(tmp_path)) == [APP, "1 lib@2: foo2, plus"]


def test_a_private_package_keeps_the_base_s_epoch(tmp_path: Path) -> None:
    """Without it no package of the base that asks for an epoch could use it."""
    world = BuildWorld(
        [
            *interpreter("3.14"),
            dist("x", "2.0", epoch="1"),
            package("builder", requires=["python3-x >= 1:1.0"]),
        ],
        [sdist("app", "1", "x<2", "lib"), sdist("lib", "1", build="x"), sdist("x", "1.9")],
        profile(rule("lib", "builder")),
    )
    plan = world.plan(tmp_path)
    assert builds_of(plan) == [APP, "1 x@1.9", "2 lib@1: builder, python3-x 1.9 (x@1.9)"]
    held = {one.name: one.evr for one in root_of(plan, "lib@1").packages}
    assert held["python3-x"] == "1:1.9-0.streamsolve"


def test_a_pre_release_of_the_base_is_used_where_it_is_asked_for_and_only_there(
    tmp_path: Path,
) -> None:
    world = BuildWorld(
        [*interpreter("3.14"), dist("x", "2~rc1")],
        [
            sdist("app", "1", "early", "late"),
            sdist("early", "1", build="x>=2.0rc1"),
            sdist("late", "1", build="x>=2"),
            sdist("x", "2.0"),
        ],
    )
    assert builds_of(world.plan(tmp_path)) == [
        APP,
        "1 early@1: python3-x",
        "1 x@2.0",
        "2 late@1: python3-x 2 (x@2.0)",
    ]


# -- toolchains, and what third parties have -------------------------------------------------------


def compilers(*, broken: bool = False) -> list[object]:
    """Two compat compilers beside the base's own, which `libtool` needs by its name."""
    return [
        *interpreter("3.14"),
        package("gcc14", "14.3", source="gcc14"),
        package("gcc14-c++", "14.3", requires=["gcc14"], source="gcc14"),
        package("gcc15", "15.2", source="gcc15"),
        package(
            "gcc15-c++", "15.2", requires=["gcc15", *(["gone"] if broken else [])], source="gcc15"
        ),
        package("libtool", requires=["gcc"]),
    ]


def compiled(base: list[object], *requires: str) -> BuildWorld:
    """A private `lib` in compiled code that gcc 16 cannot compile."""
    return BuildWorld(
        base,  # type: ignore[arg-type]
        [sdist("app", "1", "lib"), sdist("lib", "1", native=True)],
        profile(GCC + rule("lib", *requires, needs="toolchain:gcc <16")),
    )


def test_a_limit_on_the_compiler_chooses_the_base_s_compat_compiler_with_its_parts(
    tmp_path: Path,
) -> None:
    plan = compiled(compilers()).plan(tmp_path)
    assert builds_of(plan) == [APP, "1 lib@1: gcc15, gcc15-c++"]
    streams = [str(s.version) for s in root_of(plan, "lib@1").streams if s.component.name == "gcc"]
    assert streams == ["15.2"]


def test_the_usual_compiler_lies_in_the_root_as_a_tool_where_a_package_needs_it(
    tmp_path: Path,
) -> None:
    plan = compiled(compilers(), "libtool").plan(tmp_path)
    assert builds_of(plan) == [APP, "1 lib@1: gcc, gcc15, gcc15-c++, libtool; tool gcc"]


@pytest.mark.parametrize(
    ("bound", "expected"),
    [
        (">= 15", "1 lib@1: gcc15, gcc15-c++"),
        (">= 16", "1 lib@1: gcc, gcc-c++, gcc15, gcc15-c++; tool gcc"),
    ],
)
def test_a_need_that_the_compat_compiler_does_not_meet_brings_the_usual_one_as_a_tool(
    tmp_path: Path, bound: str, expected: str
) -> None:
    assert builds_of(compiled(compilers(), f"gcc-c++ {bound}").plan(tmp_path)) == [APP, expected]


def test_a_need_says_which_text_counts_in_the_root_where_that_is_another(tmp_path: Path) -> None:
    plan = compiled(compilers()).plan(tmp_path)
    applied = {n.text: n.applied for n in builds_in(plan).build("lib@1").needs}
    assert applied["gcc-c++"] == "gcc15-c++"
    assert applied["python3-devel"] == ""
    plan = too_new().plan(tmp_path)
    applied = {n.text: n.applied for n in builds_in(plan).build("six@1.17.0").needs}
    assert applied["python3-devel"] == "python3.14-devel"
    world = BuildWorld(
        [*interpreter("3.14"), package("cmake", "4.2")],
        [sdist("app", "1", build="cmake>=3.26")],
        profile(CMAKE),
    )
    applied = {n.text: n.applied for n in builds_in(world.plan(tmp_path)).build("app@1").needs}
    assert applied["cmake>=3.26"] == "cmake = 4.2-1.fc0"
    assert applied["pip"] == ""


def test_a_compat_compiler_that_cannot_be_installed_gives_way_to_an_older_one(
    tmp_path: Path,
) -> None:
    plan = compiled(compilers(broken=True)).plan(tmp_path)
    assert builds_of(plan) == [APP, "1 lib@1: gcc14, gcc14-c++"]


def test_a_third_party_s_package_is_planned_by_name_with_the_numbers_of_its_stream(
    tmp_path: Path,
) -> None:
    world = BuildWorld(
        interpreter("3.14"),
        [sdist("app", "1", "lib"), sdist("lib", "1")],
        profile(CUDA),
    )
    plan = world.plan(tmp_path)
    assert builds_of(plan) == [
        APP,
        "1 lib@1: cuda-nvcc-13-0 (external), cuda-toolkit-13-0 (external)",
    ]
    lib = builds_in(plan).build("lib@1")
    assert lib.after == ()
    assert "cuda-nvcc-13-0" in {need.text for need in lib.needs}


def test_variants_share_no_root_and_no_need(tmp_path: Path) -> None:
    more = '[variants.cuda]\nrequirements = "wheel"\n'
    rows = rule("lib", "cuda-devel", more='variants = ["cuda"]\n')
    rows += rule("lib", "plain-devel", more='variants = ["only"]\n')
    world = BuildWorld(
        [*interpreter("3.14"), package("cuda-devel"), package("plain-devel")],
        [sdist("app", "1", "lib"), sdist("lib", "1")],
        profile(more + rows),
    )
    assert builds_of(world.plan(tmp_path)) == [APP, "1 lib@1: plain-devel"]
    assert builds_of(world.plan(tmp_path, variant="cuda")) == [APP, "1 lib@1: cuda-devel"]


# -- tests -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "checks", "expected"),
    [
        ("pytest", "free", [APP, "1 lib@2: python3-pytest"]),
        ("pytest", "never", [APP, "1 lib@2: without python3dist(pytest)"]),
        ("hypothesis", "free", [APP, "1 lib@2: without python3dist(hypothesis)"]),
        (
            "hypothesis",
            "always",
            [APP, "1 hypothesis@6", "2 lib@2: python3-hypothesis 6 (hypothesis@6)"],
        ),
    ],
)
def test_tests_count_where_they_cost_no_further_stream(
    tmp_path: Path, asked: str, checks: str, expected: list[str]
) -> None:
    """The base has pytest and no hypothesis; upstream's build needs neither."""
    world = BuildWorld(
        [*interpreter("3.14"), dist("lib", "1", source="python-lib"), dist("pytest", "9")],
        [sdist("app", "1", "lib>=2"), sdist("lib", "2"), sdist("hypothesis", "6")],
        sources=[source("python-lib", "python3-devel", f"python3dist({asked})")],
    )
    assert builds_of(world.plan(tmp_path, checks=checks)) == expected


def test_tests_go_before_a_stream_is_built_twice(tmp_path: Path) -> None:
    """a is tested with b, and b is built with a: without tests there is no cycle."""
    world = BuildWorld(
        [*interpreter("3.14"), dist("a", "1", source="python-a")],
        [sdist("app", "1", "a>=2", "b"), sdist("a", "2"), sdist("b", "1", build="a")],
        sources=[source("python-a", "python3dist(b)")],
    )
    assert builds_of(world.plan(tmp_path)) == [
        "1 a@2: without python3dist(b)",
        APP,
        "2 b@1: python3-a 2 (a@2)",
    ]
    assert builds_of(world.plan(tmp_path, checks="always")) == [
        "1 a@2/bootstrap: without python3dist(b); for b: nothing: it is for tests only",
        APP,
        "2 b@1: python3-a 2 (a@2/bootstrap)",
        "3 a@2/final: python3-b 1 (b@1)",
    ]


def test_streams_of_equal_needs_whose_tests_cannot_be_had_all_go_without(tmp_path: Path) -> None:
    """The base has what both are tested with, and it cannot be installed."""
    world = BuildWorld(
        [
            *interpreter("3.14"),
            dist("tester", "1", "nowhere-to-be-found"),
            dist("a", "1", source="python-a"),
            dist("b", "1", source="python-b"),
        ],
        [sdist("app", "1", "a>=2", "b>=2"), sdist("a", "2"), sdist("b", "2")],
        sources=[source(f"python-{name}", "python3dist(tester)") for name in "ab"],
    )
    assert builds_of(world.plan(tmp_path)) == [
        "1 a@2: without python3dist(tester)",
        APP,
        "1 b@2: without python3dist(tester)",
    ]


# -- what cannot be built --------------------------------------------------------------------------


def test_a_search_goes_on_however_many_versions_a_root_refuses(tmp_path: Path) -> None:
    """Of sixty versions the macros let five in, which are the oldest."""
    base = [one for one in interpreter("3.14") if one.name != "pyproject-rpm-macros"]
    macros = package("pyproject-rpm-macros", "1", conflicts=["python3-d >= 1.5"])
    versions = [sdist("d", f"1.{number}.0") for number in range(60)]
    world = BuildWorld([*base, macros], [sdist("app", "1", build="d"), *versions])
    assert builds_of(world.plan(tmp_path)) == [
        "1 d@1.4.0",
        "2 app@1: python3-d 1.4 (d@1.4.0)",
    ]


def test_a_version_that_cannot_be_built_gives_way_to_one_that_can(tmp_path: Path) -> None:
    world = BuildWorld(
        interpreter("3.14"),
        [sdist("app", "1", "lib"), sdist("lib", "2", build="nowhere"), sdist("lib", "1")],
    )
    plan = world.plan(tmp_path)
    assert builds_of(plan) == [APP, "1 lib@1"]
    assert plan.python == "3.14"


def test_a_tool_that_cannot_be_built_gives_way_to_another_of_its_versions(tmp_path: Path) -> None:
    world = BuildWorld(
        [*interpreter("3.14"), dist("setuptools", "83.0.0")],
        [
            sdist("app", "1", "lib"),
            sdist("lib", "1", build="setuptools<81"),
            sdist("setuptools", "80.10.2", build="nowhere"),
            sdist("setuptools", "79.0"),
        ],
    )
    assert builds_of(world.plan(tmp_path)) == [
        APP,
        "1 setuptools@79.0",
        "2 lib@1: python3-setuptools 79 (setuptools@79.0)",
    ]


def test_what_a_root_needs_and_the_base_lacks_is_told_with_the_chain_to_it(tmp_path: Path) -> None:
    failure = lib_needs("lost-devel", base=()).failure(tmp_path)
    first = failure.conflicts[0]
    assert [[str(d.requirement) for d in chain] for chain in first.chains] == [["lib"]]
    assert "nothing provides lost-devel" in first.packages
    assert "lib 1 cannot be built" in first.packages


def test_a_build_requirement_that_does_not_exist_is_told_with_who_asks_for_it(
    tmp_path: Path,
) -> None:
    world = BuildWorld(
        interpreter("3.14"), [sdist("app", "1", "lib"), sdist("lib", "1", build="nowhere>=2")]
    )
    failure = world.failure(tmp_path)
    chains = [
        [f"{d.by} {d.requirement}" for d in chain]
        for conflict in failure.conflicts
        for chain in conflict.chains
    ]
    assert ["the build of lib nowhere>=2"] in chains


# -- what the packager and the profile say ---------------------------------------------------------


SPEC = """\
Name: python-lib
Version: 1
Release: 1
Summary: A demonstration
License: MIT
BuildRequires: special-devel
BuildRequires: python3dist(setuptools) < 81
%description
It demonstrates.
"""


def test_a_spec_file_beats_upstream_and_the_base_s_spec(tmp_path: Path) -> None:
    """Neither what the sdist asks for exists, nor what the base's spec does."""
    spec = tmp_path / "lib.spec"
    spec.write_text(SPEC, encoding="utf-8")
    world = BuildWorld(
        [
            *interpreter("3.14"),
            dist("setuptools", "83.0.0"),
            dist("lib", "0.9", source="python-lib"),
            package("special-devel"),
            package("profile-devel"),
        ],
        [
            sdist("app", "1", "lib>=1"),
            sdist("lib", "1", build="nowhere"),
            sdist("setuptools", "80.10.2"),
        ],
        profile(rule("lib", "profile-devel")),
        [source("python-lib", "lost-devel")],
    )
    assert builds_of(world.plan(tmp_path, specs=(("lib", str(spec)),))) == [
        APP,
        "1 setuptools@80.10.2",
        "2 lib@1: no pyproject-rpm-macros, no python3-pip, profile-devel, "
        "python3-setuptools 80.10.2 (setuptools@80.10.2), special-devel",
    ]


GENERATES = """\
Name: python-x
Version: 1
Release: 1
Summary: A demonstration
License: MIT
BuildArch: noarch
BuildRequires: python3-devel
%description
It demonstrates.
%generate_buildrequires
%pyproject_buildrequires
"""


def test_a_spec_file_that_generates_its_needs_has_those_of_the_sdist_too(tmp_path: Path) -> None:
    spec = tmp_path / "x.spec"
    spec.write_text(GENERATES, encoding="utf-8")
    world = BuildWorld(
        [*interpreter("3.14"), dist("hatchling", "1")],
        [sdist("app", "1", "x"), sdist("x", "1", build="hatchling")],
    )
    plan = world.plan(tmp_path, specs=(("x", str(spec)),))
    assert builds_of(plan) == [APP, "1 x@1: python3-hatchling"]


def test_what_a_spec_file_conflicts_with_lies_in_no_root_of_its_build(tmp_path: Path) -> None:
    """A rich dependency is met by the other alternative, and a plain one by nothing."""
    spec = tmp_path / "x.spec"
    text = SPEC.replace("python3dist(setuptools) < 81", "helper")
    spec.write_text(text.replace("%desc", "BuildConflicts: evil\n%desc"), encoding="utf-8")
    for requires, planned in (("(evil or good)", True), ("evil", False)):
        world = BuildWorld(
            [
                *interpreter("3.14"),
                package("helper", requires=[requires]),
                package("special-devel"),
                package("evil"),
                package("good"),
            ],
            [sdist("app", "1", "x"), sdist("x", "1")],
        )
        plan = world.attempt(tmp_path, specs=(("x", str(spec)),)).plan
        assert (plan is not None) is planned
        if plan is not None:
            assert {"helper", "good"} <= names_in(plan, "x@1")
            assert "evil" not in names_in(plan, "x@1")


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ('replaces = true\nreason = "a test"\n', "1 lib@1: foo-devel"),
        (
            'drops = ["nowhere"]\nreason = "a test"\n',
            "1 lib@1: foo-devel, python3-setuptools",
        ),
    ],
)
def test_a_profile_s_rule_replaces_or_drops_what_upstream_asks_for(
    tmp_path: Path, more: str, expected: str
) -> None:
    world = BuildWorld(
        [*interpreter("3.14"), dist("setuptools", "83.0.0"), package("foo-devel")],
        [sdist("app", "1", "lib"), sdist("lib", "1", build="nowhere, setuptools")],
        profile(rule("lib", "foo-devel", more=more)),
    )
    assert builds_of(world.plan(tmp_path)) == [APP, expected]


def test_an_sdist_that_nobody_can_read_is_told(tmp_path: Path) -> None:
    world = BuildWorld(
        interpreter("3.14"), [sdist("app", "1", "lib"), sdist("lib", "1", build=None)]
    )
    told = {notice.code: notice.text for notice in world.plan(tmp_path).warnings}
    assert "building lib 1 needs" in told["unknown-build-needs"]


# -- roots -----------------------------------------------------------------------------------------


def test_builds_whose_roots_are_equal_share_one(tmp_path: Path) -> None:
    world = BuildWorld(
        [*interpreter("3.14"), dist("setuptools", "83.0.0")],
        [
            sdist("app", "1", "one", "other", "two"),
            sdist("one", "1", build="setuptools"),
            sdist("other", "1"),
            sdist("two", "1", build="setuptools>=60"),
        ],
    )
    plan = world.plan(tmp_path)
    assert {build.id: build.root for build in builds_in(plan).builds} == {
        "app@1": "build-app",
        "one@1": "build-one",
        "other@1": "build-app",
        "two@1": "build-one",
    }
    assert [root.id for root in builds_in(plan).roots] == ["build-app", "build-one"]


@pytest.mark.parametrize(
    ("group", "told"),
    [
        (("bash", "broken", "fine"), "without broken (broken-1-1.fc0.noarch needs gone, which"),
        (("bash", "fine", "rival"), "without fine (rival-1-1.fc0.noarch conflicts with fine"),
        (("bash", "lost"), "without lost (nothing provides lost)"),
        ((), "nothing says what the build group of small is: build roots start from bash"),
    ],
)
def test_a_build_group_that_cannot_be_had_as_a_whole_is_told(
    tmp_path: Path, group: tuple[str, ...], told: str
) -> None:
    world = BuildWorld(
        [
            *interpreter("3.14"),
            package("broken", requires=["gone"]),
            package("fine"),
            package("rival", conflicts=["fine"]),
        ],
        [sdist("app", "1")],
        group=group,
    )
    plan = world.plan(tmp_path)
    assert [notice.code for notice in plan.warnings] == ["build-group"]
    assert told in plan.warnings[0].text
    assert "bash" in names_in(plan, "app@1")
    assert not {"broken", "lost"} & names_in(plan, "app@1")


# -- leaks -----------------------------------------------------------------------------------------


def test_a_base_that_leaks_by_construction_is_caught(tmp_path: Path) -> None:
    """A package of the base asks for a version that only a private package has."""
    world = BuildWorld(
        [
            *interpreter("3.14"),
            package("helper", requires=["python3-lib >= 2"]),
            dist("lib", "1"),
        ],
        [sdist("app", "1", "lib>=2"), sdist("lib", "2")],
        profile('[[native]]\ncomponent = "app"\nrequires = ["helper"]\n'),
    )
    plan = world.plan(tmp_path)
    assert plan.isolation.leaks == (
        Leak(
            LeakKind.BASE_NEEDS_PRIVATE,
            "python3-lib-2-0.streamsolve.x86_64",
            "python3-lib >= 2",
            "helper-1-1.fc0.noarch",
            "runtime",
        ),
    )


def test_a_base_that_leaks_in_a_build_root_alone_is_caught_there(tmp_path: Path) -> None:
    world = BuildWorld(
        [
            *interpreter("3.14"),
            package("helper", requires=["python3-tool >= 2"]),
            dist("tool", "1"),
        ],
        [sdist("app", "1", "lib"), sdist("lib", "1", build="tool>=2"), sdist("tool", "2")],
        profile(rule("lib", "helper")),
    )
    plan = world.plan(tmp_path)
    assert [(leak.kind, leak.other, leak.root) for leak in plan.isolation.leaks] == [
        (LeakKind.BASE_NEEDS_PRIVATE, "helper-1-1.fc0.noarch", "build-lib")
    ]


def test_an_overlay_s_toolset_with_unqualified_provides_is_caught(tmp_path: Path) -> None:
    toolset = [
        package("gcc15", "15.2", provides=["gcc = 15.2-1.fc0"], source="gcc15"),
        package("gcc15-c++", "15.2", requires=["gcc15 = 15.2-1.fc0"], source="gcc15"),
    ]
    world = compiled([*interpreter("3.14"), package("libtool", requires=["gcc"])])
    world.overlays = [("toolset", toolset)]
    plan = world.plan(tmp_path)
    assert builds_of(plan) == [APP, "1 lib@1: gcc15, gcc15-c++"]
    assert plan.isolation.leaks == (
        Leak(
            LeakKind.UNQUALIFIED_PROVIDE,
            "gcc15-15.2-1.fc0.noarch",
            "gcc = 15.2-1.fc0",
            "libtool-1-1.fc0.noarch",
            "build-lib",
        ),
    )


def test_the_same_toolset_with_provides_of_its_own_does_not_leak(tmp_path: Path) -> None:
    toolset = [
        package("gcc15", "15.2", source="gcc15"),
        package("gcc15-c++", "15.2", requires=["gcc15 = 15.2-1.fc0"], source="gcc15"),
    ]
    world = compiled([*interpreter("3.14"), package("libtool", requires=["gcc"])])
    world.overlays = [("toolset", toolset)]
    plan = world.plan(tmp_path)
    assert plan.isolation.leaks == ()
    assert {p.repository for p in root_of(plan, "lib@1").packages} == {"base", "toolset"}
    assert {s.origin for s in root_of(plan, "lib@1").streams} == {Origin.BASE}
