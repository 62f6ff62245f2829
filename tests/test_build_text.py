"""Builds as a reader sees them: the plan's section, questions, failures and the graph."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from attrs import evolve
from packaging.version import Version

from streamsolve.explain import (
    Command,
    conflict_sentence,
    failure_blocks,
    lay_out,
    plain,
    plan_blocks,
    why_blocks,
)
from streamsolve.explain.build_conflict_text import with_causes
from streamsolve.explain.graph import dot_text, graph_blocks, plan_graph
from streamsolve.explain.graph_svg import svg_text
from streamsolve.library import plan as plan_of
from streamsolve.model.build import (
    Build,
    BuildNeed,
    BuildOrder,
    BuildPlan,
    Isolation,
    Leak,
    LeakKind,
    Level,
    NeedOrigin,
    NeedRole,
    Root,
    RootStream,
    Stage,
    Substitute,
)
from streamsolve.model.component import Component, Kind, Origin
from streamsolve.model.conflict import Cause, Conflict, Demand, Failure
from streamsolve.model.plan import Plan, PlannedStream

from .builders import (
    component,
    from_base,
    plan,
    private,
    private_python,
    rebuilt,
    requirement,
    versions,
)
from .builders import failure as failure_of
from .buildworld import BuildWorld, interpreter, sdist
from .smallworld import dist, profile

TYPED = Command(("streamsolve", "plan", "vllm"))


def screen(what: Plan, width: int = 100, *, everything: bool = False) -> str:
    return plain(lay_out(plan_blocks(what, TYPED, everything=everything), width))


def one_line(text: str) -> str:
    return " ".join(text.split())


# -- plans with builds in few words --------------------------------------------------------------


def build(
    name: str,
    version: str,
    cost: int = 1,
    *,
    stage: Stage = Stage.ONLY,
    after: Iterable[str] = (),
    root: str = "",
    left_out: Iterable[str] = (),
    instead: str = "",
) -> Build:
    """A build; ``left_out`` are needs of tests, ``instead`` is ``component: what stands in``."""
    of, _, what = instead.partition(": ")
    one = component(name)
    ending = "" if stage is Stage.ONLY else f"/{stage.value}"
    return Build(
        f"{one.spelled}@{version}{ending}",
        one,
        Version(version),
        stage,
        root or f"build-{one.name}",
        (),
        tuple(after),
        cost,
        tuple(BuildNeed(t, NeedOrigin.BASE_SPEC, NeedRole.CHECK, "x.src") for t in left_out),
        (Substitute(component(of), what),) if instead else (),
    )


def root(id: str, *streams: RootStream, tools: Iterable[str] = ()) -> Root:
    return Root(id, (), streams, (), tuple(tools))


def in_root(name: str, version: str, origin: Origin, package: str) -> RootStream:
    return RootStream(component(name), Version(version), origin, package)


def built(
    *levels: tuple[Build, ...],
    roots: Iterable[Root] = (),
    path: Iterable[str] = (),
    minutes: int = 0,
    schedule: Iterable[tuple[int, int]] = ((1, 100), (2, 60), (4, 60)),
) -> BuildPlan:
    every = [one for level in levels for one in level]
    named = {one.id: one for one in roots}
    for one in every:
        named.setdefault(one.root, root(one.root))
    return BuildPlan(
        root("runtime"),
        tuple(named[id] for id in sorted(named)),
        tuple(sorted(every, key=lambda one: one.id)),
        BuildOrder(
            tuple(
                Level(
                    tuple(sorted(one.id for one in level)),
                    max(one.cost for one in level),
                    sum(one.cost for one in level),
                )
                for level in levels
            ),
            tuple(path),
            minutes,
            tuple(schedule),
        ),
    )


def for_builds(one: PlannedStream) -> PlannedStream:
    return evolve(one, build_only=True)


def with_builds(builds: BuildPlan, *streams: PlannedStream) -> Plan:
    return evolve(plan(*streams), builds=builds)


# -- the section ----------------------------------------------------------------------------------


def test_builds_say_how_many_how_long_and_what_the_longest_chain_is():
    small = (build("a", "1", 30),), (build("b", "1", 40, after=["a@1"]), build("c", "1", 30))
    builds = built(*small, path=["a@1", "b@1"], minutes=70, schedule=[(1, 100), (2, 70), (4, 70)])
    text = one_line(screen(with_builds(builds, private("a"), private("b"), private("c"))))
    assert "Builds: 3 builds in 3 roots and 2 levels" in text
    assert "In all 1 h 40 min with 1 builder, 1 h 10 min with 2; more builders do not" in text
    assert "The longest chain takes 1 h 10 min: a 1 (30 min) → b 1 (40 min)." in text


def test_where_more_builders_could_still_help_nothing_else_is_said():
    builds = built((build("a", "1"),), minutes=10, schedule=[(1, 100), (2, 50)])
    assert "with 2." in one_line(screen(with_builds(builds, private("a"))))


def test_short_builds_in_a_row_are_counted_and_named_with_all():
    names = ["a", "b", "c", "d"]
    builds = built(
        *((build(name, "1", 1),) for name in names),
        (build("long", "2", 600),),
        path=[*(f"{name}@1" for name in names), "long@2"],
        minutes=604,
    )
    what = with_builds(builds, private("long"))
    assert "4 short ones (a … d, 4 min) → long 2 (10 h)" in one_line(screen(what))
    assert "a 1 (1 min) → b 1 (1 min) → c 1 (1 min)" in one_line(screen(what, everything=True))


def test_streams_that_only_builds_use_are_not_among_the_private_ones():
    builds = built((build("torch", "2.14"), build("hatchling", "1.26")))
    text = screen(
        with_builds(
            builds,
            private("torch", "2.14", base_has="2.13", cost=100),
            for_builds(private("hatchling", "1.26", base_has="1.31", cost=1)),
            for_builds(rebuilt("pip", "26")),
        )
    )
    before, _, after = text.partition("Builds:")
    assert "hatchling" not in before
    assert "pip" not in before
    assert "● 2 more private streams that only builds use" in after
    assert "hatchling  1.26  the base has 1.31" in after
    assert "1 only because Python 3.14 is used: pip 26" in one_line(after)


def test_who_needs_a_build_only_stream_is_told_as_a_build(tmp_path: Path) -> None:
    text = one_line(screen(old_setuptools().plan(tmp_path)))
    assert "setuptools 80 the base has 83.0; the build of old needs <81" in text


def test_a_bootstrap_pass_says_what_stands_in_and_when_the_final_pass_is():
    first = build("flit", "3", stage=Stage.BOOTSTRAP, instead="pip: the base's wheel", root="b1")
    last = build("flit", "3", stage=Stage.FINAL, after=["pip@26"], root="b2")
    pip = in_root("pip", "26", Origin.PRIVATE, "python3-pip")
    builds = built((first,), (build("pip", "26"),), (last,), roots=[root("b2", pip)])
    text = one_line(screen(with_builds(builds, private("flit", "3"))))
    assert (
        "flit 3 is built twice: in level 1 with the base's wheel instead of pip, and at last in "
        "level 3 with pip 26" in text
    )


def test_tests_that_are_left_out_are_counted_and_named_with_all():
    one = build("a", "1", left_out=["python3-pytest", "python3-sphinx"])
    what = with_builds(built((one,)), private("a"))
    assert "2 needs of tests and documentation left out of 1 build" in one_line(screen(what))
    assert "python3-sphinx" not in screen(what)
    assert "python3-pytest, python3-sphinx" in one_line(screen(what, everything=True))


def test_tools_of_the_base_say_what_to_name_and_where():
    gcc15 = in_root("toolchain:gcc", "15.3", Origin.BASE, "gcc15")
    python = in_root("python", "3.14", Origin.PRIVATE, "python3.14")
    roots = [root(f"build-{n}", gcc15, python, tools=["gcc", "python 3.15"]) for n in "ab"]
    builds = built((build("a", "1"), build("b", "1")), roots=roots)
    text = one_line(screen(with_builds(builds, private("a"), private("b"))))
    assert "gcc of the base lies beside gcc15 in the roots of a and b" in text
    assert "name gcc15 in those builds" in text
    assert "python 3.15 of the base lies beside python3.14 in the roots of a and b" in text


def test_all_lists_each_level_and_who_shares_a_root():
    shared = built((build("a", "1", root="build-a"), build("b", "2", root="build-a")))
    text = one_line(screen(with_builds(shared, private("a"), private("b", "2")), everything=True))
    assert "Level 1: 2 builds, the longest 1 min, all of them 2 min a@1 in build-a" in text
    assert "shared by a 1 and b 2" in text


def test_without_builds_there_is_no_word_of_them():
    assert "Builds" not in screen(plan(private("a")))


# -- isolation and burden -------------------------------------------------------------------------


def test_that_nothing_leaks_is_said_of_plans_without_builds_too():
    text = one_line(screen(evolve(plan(private("a")), isolation=Isolation((), 1, 20, 3))))
    assert "✓ Nothing leaks: 1 root, 20 packages and 3 private provides looked at." in text


def test_a_plan_that_leaks_does_not_say_that_it_can_be_shipped():
    leak = Leak(LeakKind.UNQUALIFIED_PROVIDE, "python3-a-1-1.noarch", "gcc", "b-1-1.noarch")
    text = screen(evolve(plan(private("a")), isolation=Isolation((leak,), 1, 20, 3)))
    assert text.startswith("✗ vllm 0.33.0 (cuda) has a plan that leaks on fedora-45")
    assert "1 leak in 1 root" in text


def test_the_burden_counts_what_is_only_built_again_and_tells_python_apart():
    what = plan(
        private_python("3.14.2", "3.15.0", "vllm", "python<3.15"),
        *(rebuilt(f"r{n}") for n in range(3)),
        for_builds(rebuilt("pip")),
        would_conflict=["a 1 (the base has 2)", "python 3.14.2 (the base has 3.15.0)"],
        would_add=["n 1", "m 1"],
    )
    assert (
        "Burden: in fedora-45 nothing changes. Without private streams it would have to make "
        "Python 3.14 its own instead of 3.15.0, change the version of 1 package for all who use "
        "it, add 2 and build 3 again for Python 3.14." in one_line(screen(what))
    )
    whole = one_line(screen(what, everything=True))
    assert "change a 1 (the base has 2) add m 1, n 1 build again r0 1.0, r1 1.0, r2 1.0" in whole


def test_a_plan_that_takes_all_from_the_base_has_no_burden():
    assert "Burden" not in screen(plan(from_base("six")))


# -- why ------------------------------------------------------------------------------------------


def old_setuptools() -> BuildWorld:
    """The build of ``old`` needs a setuptools that is older than the base's."""
    return BuildWorld(
        [*interpreter("3.14"), dist("setuptools", "83.0")],
        [
            sdist("app", "1", "old"),
            sdist("old", "1", build="setuptools<81"),
            sdist("setuptools", "80", build=""),
        ],
    )


def why(what: Plan, name: str) -> str:
    return one_line(plain(lay_out(why_blocks(what, name), 200)))


def test_why_a_build_only_stream_names_the_builds_and_what_is_wrong_with_the_base(
    tmp_path: Path,
) -> None:
    text = why(old_setuptools().plan(tmp_path), "setuptools")
    assert "setuptools 80 is a private stream that only builds use" in text
    assert "the base has 83.0; the build of old needs <81." in text
    assert "Builds that need it: 1 build old 1 setuptools<81 (old 1 pyproject.toml)" in text
    assert "What would make the base's 83.0 fit, all of it together: not: the build of old" in text


def test_why_a_stream_at_run_time_does_not_lead_through_builds(tmp_path: Path) -> None:
    world = BuildWorld(
        [*interpreter("3.14"), dist("setuptools", "83.0")],
        [
            sdist("app", "1", "aa", "mid"),
            sdist("aa", "1", build="tool"),
            sdist("mid", "1", "tool>=2", build=""),
            sdist("tool", "2", build=""),
        ],
    )
    text = why(world.plan(tmp_path), "tool")
    assert "tool 2 is a private stream (about" in text
    assert "also in the root that build aa 1" in text
    assert "app → mid (app 1 METADATA) → tool>=2" in text
    assert "aa" not in text.partition("Who needs it")[2]


# -- failures -------------------------------------------------------------------------------------


def failure_screen(what: Failure) -> str:
    return one_line(plain(lay_out(failure_blocks(what, TYPED), 200)))


def build_of(name: str) -> Component:
    return Component(Kind.PACKAGE, f"the build of {name}")


def cannot(name: str, version: str, text: str, there: Iterable[str] = ()) -> Conflict:
    """That a build needs what there is not."""
    wanted = requirement(text, at=f"{name} {version} pyproject.toml")
    demand = Demand(build_of(name), versions(version), wanted, versions(*there))
    cause = Cause.NO_SUCH_VERSION if there else Cause.NO_SUCH_COMPONENT
    return Conflict(wanted.component, cause, ((demand,),))


def refused(name: str, *texts: str) -> Conflict:
    """That nothing of a component can be used; ``texts`` are what stands behind it."""
    needed = Demand(component("vllm"), (), requirement(name), versions("1"), versions("1"))
    return Conflict(component(name), Cause.ROOT, ((needed,),), texts)


def test_a_stream_that_cannot_be_built_says_what_its_build_needs(tmp_path: Path) -> None:
    world = BuildWorld(
        [*interpreter("3.14")],
        [
            sdist("app", "1", "torch==2.14.0"),
            sdist("torch", "2.14.0", build="cmake<4"),
            sdist("cmake", "4.3.0", build=""),
        ],
    )
    failed = world.failure(tmp_path, python="3.14")
    text = failure_screen(failed)
    assert "1 independent conflict. 1. torch 2.14.0 cannot be built on small: its build needs " in (
        text
    )
    assert "needs cmake<4 (pyproject.toml), and of cmake there is 4.3.0: none is <4." in text
    assert "app 1 needs torch==2.14.0" in text
    assert "The base's own packages" not in text


def test_what_the_base_lacks_for_a_build_is_named_once(tmp_path: Path) -> None:
    rule = '[[build]]\ncomponent = "torch"\nrequires = ["gone-devel >= 3"]\n'
    world = BuildWorld(
        [*interpreter("3.14")],
        [sdist("app", "1", "torch"), sdist("torch", "2", build="")],
        profile=profile(rule),
    )
    text = failure_screen(world.failure(tmp_path, python="3.14"))
    assert "1. torch 2 cannot be built on small: nothing provides gone-devel >= 3." in text
    assert text.count("gone-devel") == 1


def test_several_versions_that_cannot_be_built_each_say_why():
    failed = failure_of(
        refused("torch", "torch 1 cannot be built", "torch 2 cannot be built"),
        cannot("torch", "1", "cmake<4", ["4.3"]),
        cannot("torch", "2", "nowhere"),
    )
    text = failure_screen(failed)
    assert "1 independent conflict. 1. torch cannot be built on fedora-45, neither 1 nor 2." in text
    assert "✗ torch 1 cannot be built: its build needs cmake<4 (pyproject.toml), and of" in text
    assert "✗ torch 2 cannot be built: its build needs nowhere (pyproject.toml), and no" in text


def test_the_same_conflict_with_several_pythons_is_told_once():
    def with_python(there: str) -> Conflict:
        first = Demand(build_of("app"), versions("1"), requirement("pip"), versions("26"))
        first = evolve(first, allowed=versions("26"))
        last = Demand(
            component("pip"), versions("26"), requirement("python==3.14.*"), versions(there)
        )
        return Conflict(component("python"), Cause.NO_SUCH_VERSION, ((first, last),))

    conflicts = (
        refused("torch", "app 1 cannot be built", "torch 2 cannot be built"),
        with_python("3.13"),
        with_python("3.12"),
        cannot("torch", "2", "cmake<4", ["4.3"]),
    )
    text = failure_screen(failure_of(*conflicts))
    assert text.count("app 1 cannot be built") == 1
    assert (
        "app 1 cannot be built with Python 3.12, 3.13: its build needs pip, and pip 26 is built "
        "for Python 3.14 alone" in text
    )
    assert text.index("its build needs cmake<4") < text.index("app 1 cannot be built")


def test_needs_of_a_build_that_contradict_each_other_are_told_as_chains():
    one = Demand(build_of("torch"), versions("2"), requirement("cmake<4"), versions("3", "4"))
    other = evolve(one, requirement=requirement("cmake>=4"), allowed=versions("4"))
    clash = Conflict(
        component("cmake"), Cause.INCOMPATIBLE, ((evolve(one, allowed=versions("3")),), (other,))
    )
    text = failure_screen(failure_of(refused("torch", "torch 2 cannot be built"), clash))
    assert "torch 2 cannot be built: what its build needs of cmake cannot be met together" in text
    assert "the build of torch 2 needs cmake<4 that allows cmake 3" in text
    assert "the build of torch 2 needs cmake>=4 that allows cmake 4" in text


def test_a_conflict_of_a_build_that_stands_alone_is_a_conflict_of_its_own():
    alone = cannot("torch", "2", "cmake<4", ["4.3"])
    assert [one.conflict for one in with_causes([alone])] == [alone]
    assert conflict_sentence(alone) == (
        "torch 2 cannot be built: its build needs cmake<4 (pyproject.toml), and of cmake there is "
        "4.3: none is <4."
    )
    assert "1. torch 2 cannot be built on fedora-45: its build" in failure_screen(failure_of(alone))


def test_no_conflict_is_lost_or_told_twice():
    causes = [cannot("torch", "1", "x"), cannot("torch", "2", "y"), cannot("other", "1", "z")]
    top = [refused("torch", "torch 1 cannot be built", "torch 2 cannot be built"), refused("b")]
    told = with_causes([*causes, *top])
    nested = [cause for one in told for stream in one.unbuilt for cause in stream.causes]
    assert sorted(map(repr, [*nested, *(one.conflict for one in told)])) == sorted(
        map(repr, [*causes, *top])
    )


# -- the graph ------------------------------------------------------------------------------------


def test_what_a_great_part_of_all_builds_needs_has_a_number_instead_of_arrows():
    names = [f"n{number:02}" for number in range(20)]
    users = tuple(build(name, "1", after=["pip@26"]) for name in names)
    pair = build("last", "1", after=["n00@1", "pip@26"])
    graph = plan_graph(with_builds(built((build("pip", "26"),), users, (pair,)), private("n00")))
    labels = {node.id: node.label for node in graph.nodes}
    assert labels["pip@26"] == "pip 26 (for 21)"
    assert labels["n00@1"] == "n00 1"
    assert graph.edges == (("last@1", "n00@1"),)
    assert "Arrows to the one build with (for N)" in graph.note


def test_the_longest_chain_is_drawn_thick_even_through_what_all_need():
    users = tuple(build(f"n{number:02}", "1", after=["pip@26"]) for number in range(20))
    builds = built((build("pip", "26"),), users, path=["pip@26", "n03@1"], minutes=2)
    graph = plan_graph(with_builds(builds, private("n00")))
    assert graph.critical == graph.edges == (("n03@1", "pip@26"),)
    assert '"n03@1" -> "pip@26" [penwidth=2.5];' in dot_text(graph)
    assert len(re.findall(r'stroke-width="2">\n<path', svg_text(graph))) == 1


def test_a_bootstrap_pass_is_dashed_and_in_the_legend():
    first = build("flit", "3", stage=Stage.BOOTSTRAP)
    last = build("flit", "3", stage=Stage.FINAL, after=["flit@3/bootstrap"])
    graph = plan_graph(with_builds(built((first,), (last,)), private("flit", "3")))
    assert [node.label for node in graph.nodes] == ["flit 3 (bootstrap)", "flit 3 (final)"]
    assert "2 builds of private streams, 1 of them a first pass of two (dashed)" in svg_text(graph)


def test_the_levels_are_those_of_the_order():
    builds = built((build("a", "1", 5),), (build("b", "1", 7, after=["a@1"]), build("c", "1", 1)))
    text = plain(lay_out(graph_blocks(with_builds(builds, private("a"))), 80))
    assert "Level 1: 1 build, 5 min\n  ● a 1\n" in text
    assert "Level 2: 2 builds, the longest 7 min, all of them 8 min\n  ● b 1, c 1\n" in text


# -- real plans -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Plan:
    cache = tmp_path_factory.mktemp("cache")
    return plan_of(
        "vllm",
        base=str(shared / "data" / "fedora-45"),
        variant="cuda",
        offline=True,
        cache=cache,
        builds=True,
    )


def test_the_whole_text_of_a_real_plan_is_about_two_screens(real: Plan) -> None:
    assert len(screen(real, 80).splitlines()) <= 105
    assert len(screen(real, 120).splitlines()) <= 85


def test_the_private_streams_of_a_real_plan_are_counted_once(real: Plan) -> None:
    """Rows and folded groups of both sections add up to what the summary says."""
    text = screen(real, 400)
    runtime, _, rest = text.partition("Private streams")[2].partition("\n\n")
    section = rest.partition("Builds:")[2].partition("\n\n")[0]
    section = section.partition("that only builds use")[2].partition("×")[0]
    assert _counted(runtime, r"^  ● (\d+) ", r"^  ● +[a-z]") == real.summary.private
    assert _counted(section, r"^    (\d+) ", r"^    [a-z]") == real.summary.build_only


def _counted(text: str, folded: str, row: str) -> int:
    numbers = map(int, re.findall(folded, text, re.MULTILINE))
    return sum(numbers) + len(re.findall(row, text, re.MULTILINE))


def test_all_names_every_build_and_every_root_of_a_real_plan(real: Plan) -> None:
    assert real.builds is not None
    words = set(screen(real, 120, everything=True).split())
    missing = [one.id for one in (*real.builds.builds, *real.builds.roots) if one.id not in words]
    assert missing == []
