"""Several applications at once: the smallest set of stream sets, and why none is smaller."""

from __future__ import annotations

import json
import random
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from packaging.version import Version

from streamsolve.errors import NoPlanError
from streamsolve.explain.document import document_text
from streamsolve.explain.markup import lay_out, plain
from streamsolve.explain.shared_document import shared_document, shared_schema
from streamsolve.explain.shared_text import shared_blocks
from streamsolve.inputs.upstream_extract import UpstreamExtract, read_extract, write_extract
from streamsolve.model import Base, Repository
from streamsolve.model.component import distribution
from streamsolve.model.shared import Apart, ApartKind, DifferenceKind
from streamsolve.planner import PlanRequest
from streamsolve.planner.joint_plans import Joint, JointPlans
from streamsolve.planner.joint_rules import contradictions
from streamsolve.planner.joint_upstream import JoinedExtracts, JointUpstream
from streamsolve.planner.partition import best_partition, divisions
from streamsolve.planner.shared import plan_shared
from streamsolve.planner.upstream import Upstream

from .sharedworld import App, SharedWorld, random_worlds
from .smallworld import FakeIndex, python, release

_SLOW = settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@_SLOW
@given(world=random_worlds())
def test_the_answer_is_the_one_that_trying_everything_finds(
    world: SharedWorld, tmp_path: Path
) -> None:
    expected = world.best()
    if expected is None:
        with pytest.raises(NoPlanError):
            world.plan(tmp_path)
        return
    shared = world.plan(tmp_path)
    groups, cost = expected
    found = sum(one.plan.summary.cost for one in shared.sets)
    assert len(shared.sets) >= len(groups)
    if shared.fewest and shared.cheapest:
        assert tuple(one.applications for one in shared.sets) == groups
        assert found == cost
    else:
        # A set holds one profile's word on each component: where that refused something, nothing
        # is called proven.
        assert any(app.labels for app in world.apps)


# -- the search over partitions --------------------------------------------------------------------


@given(draw=st.data())
@settings(max_examples=300, deadline=None)
def test_a_partition_is_the_least_of_all_that_are_possible(draw: st.DataObject) -> None:
    names = [f"a{number}" for number in range(draw.draw(st.integers(1, 5)))]
    subsets = [
        frozenset(part) for size in range(2, len(names) + 1) for part in combinations(names, size)
    ]
    impossible = draw.draw(st.sets(st.sampled_from(subsets), max_size=4)) if subsets else set()
    weights = {name: draw.draw(st.integers(0, 4)) for name in names}
    shared = draw.draw(st.integers(0, 3))

    def cost(group: frozenset[str]) -> int | None:
        if any(part <= group for part in impossible):
            return None
        return max(weights[name] for name in group) + shared + len(group) // 2

    found = best_partition(names, cost, bound=lambda group: cost(group) or 0)
    every = []
    for groups in divisions(names):
        costs = [cost(frozenset(group)) for group in groups]
        if None not in costs:
            ordered = tuple(sorted(tuple(sorted(group)) for group in groups))
            every.append((len(groups), sum(c or 0 for c in costs), ordered))
    assert found.groups == min(every)[2]
    smallest = {p for p in impossible if not any(other < p for other in impossible)}
    assert set(found.apart) <= smallest


def test_there_are_as_many_divisions_as_bell_counted() -> None:
    bell = [1, 1, 2, 5, 15, 52, 203, 877]
    for number, expected in enumerate(bell):
        found = [frozenset(map(frozenset, d)) for d in divisions([str(n) for n in range(number)])]
        assert len(found) == len(set(found)) == expected


def test_what_is_possible_at_once_is_asked_once() -> None:
    asked: list[frozenset[str]] = []

    def cost(group: frozenset[str]) -> int:
        asked.append(group)
        return len(group)

    best_partition("abcdefgh", cost, bound=len)
    assert len(asked) == 9


# -- what is shared, and why not -------------------------------------------------------------------


def two(*apps: App, **releases: dict[str, tuple[str, ...]]) -> SharedWorld:
    return SharedWorld(apps, releases)


def test_applications_that_agree_share_one_set(tmp_path: Path) -> None:
    world = two(
        App("one", ("lib>=1", "alpha")),
        App("two", ("lib<3",)),
        lib={"1": (), "2": (), "3": ()},
        alpha={"1": ()},
    )
    shared = world.plan(tmp_path)
    (only,) = shared.sets
    assert only.applications == ("one:only", "two:only")
    assert {str(s.component): str(s.version) for s in only.private} == {
        "one": "1", "two": "1", "lib": "2", "alpha": "1",
    }  # fmt: skip
    assert only.users[distribution("lib")] == ("one:only", "two:only")
    assert only.users[distribution("alpha")] == ("one:only",)
    (common,) = shared.common
    assert common.component == distribution("lib")
    assert common.difference is None
    assert (shared.alone, shared.cost, shared.private) == (5, 4, 4)


def test_demands_that_conflict_force_a_second_set_with_their_chains(tmp_path: Path) -> None:
    world = two(
        App("one", ("mid",)),
        App("two", ("lib>=2", "same")),
        App("three", ("same", "mid")),
        mid={"1": ("lib<2",)},
        lib={"1": (), "2": ()},
        same={"1": ()},
    )
    shared = world.plan(tmp_path)
    assert [one.applications for one in shared.sets] == [("one:only", "three:only"), ("two:only",)]
    (apart,) = [each for each in shared.apart if "one:only" in each.applications]
    assert apart.applications == ("one:only", "two:only")
    assert apart.kind is ApartKind.DEMANDS
    (conflict,) = apart.conflicts
    told = [[str(demand.requirement) for demand in chain] for chain in conflict.chains]
    assert sorted(told) == [["lib>=2"], ["mid", "lib<2"]]
    assert {str(chain[0].by) for chain in conflict.chains} == {"one", "two"}
    common = {str(each.component): each for each in shared.common}
    assert [copy.sets for copy in common["same"].copies] == [(1, 2)]
    assert common["same"].difference is None
    lib = common["lib"]
    assert lib.difference is not None
    assert lib.difference.kind is DifferenceKind.DEMANDS
    assert [
        (str(copy.version), copy.applications, [str(d.requirement) for d in copy.demands])
        for copy in lib.copies
    ] == [
        ("1", ("one:only", "three:only"), ["lib<2"]),
        ("2", ("two:only",), ["lib>=2"]),
    ]
    # one, three, mid, lib 1, same; two, lib 2, and same once more, which is built once.
    assert (shared.cost, shared.private) == (7, 7)


def test_one_version_with_other_streams_below_it_is_built_twice(tmp_path: Path) -> None:
    world = two(
        App("one", ("top", "lib==1")),
        App("two", ("top", "lib==2")),
        top={"1": ("lib",)},
        lib={"1": (), "2": ()},
    )
    shared = world.plan(tmp_path)
    top = next(each for each in shared.common if str(each.component) == "top")
    assert top.difference is not None
    assert top.difference.kind is DifferenceKind.BELOW
    assert top.difference.below == (distribution("lib"),)
    assert [copy.sets for copy in top.copies] == [(1,), (2,)]


def test_versions_that_no_demand_keeps_apart_say_so(tmp_path: Path) -> None:
    world = two(
        App("one", ("lib", "key==1")),
        App("two", ("lib<2", "key==2")),
        lib={"1": (), "2": ()},
        key={"1": (), "2": ()},
    )
    shared = world.plan(tmp_path)
    lib = next(each for each in shared.common if str(each.component) == "lib")
    assert lib.difference is not None
    assert [str(version) for version in lib.difference.agreeing] == ["1"]


_VARIANTS = """
[variants.gpu]
requirements = "wheel"
[variants.cpu]
requirements = "wheel"
local = { lib = "cpu" }
"""


def test_two_variants_of_one_application_never_share(tmp_path: Path) -> None:
    apps = [App("one", ("lib",), variants=_VARIANTS, variant=name) for name in ("gpu", "cpu")]
    shared = SharedWorld(tuple(apps), {"lib": {"1": ()}}).plan(tmp_path)
    assert len(shared.sets) == 2
    (apart,) = shared.apart
    assert apart.kind is ApartKind.APPLICATION


def test_a_label_that_only_one_gives_is_a_contradiction(tmp_path: Path) -> None:
    world = two(
        App("one", ("lib",), variants=_VARIANTS, variant="cpu"),
        App("two", ("lib",)),
        App("three", ("other",)),
        lib={"1": ()},
        other={"1": ()},
    )
    shared = world.plan(tmp_path)
    (apart,) = shared.apart
    assert apart.kind is ApartKind.RULES
    (contradiction,) = apart.contradictions
    assert (contradiction.component, contradiction.rule) == (distribution("lib"), "label")
    assert contradiction.says == (("one:cpu", "cpu"), ("two:only", ""))


def test_rules_about_what_only_one_uses_contradict_nobody(tmp_path: Path) -> None:
    source = '[[source]]\ncomponent = "lib"\npurl = "pkg:github/{}/lib@{{version}}"\n'
    first = App("one", ("lib",), more=source.format("a"))
    apart = two(first, App("two", ("lib",), more=source.format("b")), lib={"1": ()})
    assert [one.kind for one in apart.plan(tmp_path).apart] == [ApartKind.RULES]
    other = App("two", ("other",), more=source.format("b"))
    together = two(first, other, lib={"1": ()}, other={"1": ()}).plan(tmp_path)
    (only,) = together.sets
    lib = next(stream for stream in only.private if str(stream.component) == "lib")
    assert lib.source.purl.startswith("pkg:pypi/lib@1") or "github/a/" in lib.source.purl


def test_another_accelerator_for_the_same_stream_is_a_contradiction() -> None:
    def app(name: str, accelerator: str) -> App:
        build = f'[[build]]\ncomponent = "lib"\nneeds = ["accelerator:{accelerator}"]\n'
        streams = f'[[component]]\ncomponent = "accelerator:{accelerator}"\n'
        return App(name, ("lib",), more=f'{build}{streams}packages = ["{accelerator}"]\n')

    one, two_ = app("one", "cuda").application, app("two", "rocm").application
    (found,) = contradictions(one, two_, {distribution("lib")})
    assert (found.rule, found.says) == ("accelerator", (("one:only", "cuda"), ("two:only", "rocm")))
    assert contradictions(one, two_, {distribution("other")}) == ()


def test_a_permission_of_one_profile_is_none_of_another(tmp_path: Path) -> None:
    """Only ``one`` lets what ``mid`` needs of ``lib`` pass; ``two`` uses ``mid`` as well."""
    releases = {"mid": {"1": ("lib<2",)}, "lib": {"1": (), "2": ()}}
    one = App("one", ("mid", "lib==2"), relaxes=(("mid", "lib<2"),))
    shared = SharedWorld((one, App("two", ("mid",))), releases).plan(tmp_path)
    assert len(shared.sets) == 2
    (apart,) = shared.apart
    assert apart.kind is ApartKind.RULES
    (contradiction,) = apart.contradictions
    assert contradiction.rule == "permission"
    assert [text for _, text in contradiction.says] == [
        "two:only does not relax what mid needs, lib<2"
    ]
    both = SharedWorld((one, App("two", ("mid",), relaxes=one.relaxes)), releases).plan(tmp_path)
    assert len(both.sets) == 1


def test_what_one_leaves_out_is_there_for_who_needs_it(tmp_path: Path) -> None:
    releases = {"mid": {"1": ("lib",)}, "lib": {"1": ()}}
    leaving = App("one", ("mid",), omits=("lib",))
    shared = SharedWorld((leaving, App("two", ("mid",))), releases).plan(tmp_path)
    (only,) = shared.sets
    assert only.users[distribution("lib")] == ("two:only",)
    alone = SharedWorld((leaving, App("two", ())), releases).plan(tmp_path)
    (only,) = alone.sets
    assert [str(s.component) for s in only.private] == ["mid", "one", "two"]


def test_an_application_that_cannot_be_planned_alone_is_explained_by_itself(tmp_path: Path) -> None:
    world = two(App("one", ("lib",)), App("two", ("lib==9",)), lib={"1": ()})
    with pytest.raises(NoPlanError) as raised:
        world.plan(tmp_path)
    failure = raised.value.failure
    assert failure.application == "two"
    (conflict,) = failure.conflicts
    assert str(conflict.chains[0][0].requirement) == "lib==9"


def test_the_order_in_which_applications_are_named_says_nothing(tmp_path: Path) -> None:
    apps = [
        App("one", ("lib==1", "same")),
        App("two", ("lib==2", "same")),
        App("three", ("lib==2", "other")),
        App("four", ("same", "other")),
    ]
    releases = {"lib": {"1": (), "2": ()}, "same": {"1": ()}, "other": {"1": ()}}
    found = []
    for seed in range(4):
        random.Random(seed).shuffle(apps)
        found.append(
            document_text(shared_document(SharedWorld(tuple(apps), releases).plan(tmp_path)))
        )
    assert len(set(found)) == 1
    document = json.loads(found[0])
    Draft202012Validator(shared_schema()).validate(document)
    # Six streams and three; with four beside one it would be five and five.
    assert [one["applications"] for one in document["sets"]] == [
        ["four:only", "three:only", "two:only"],
        ["one:only"],
    ]


def test_the_same_version_for_another_interpreter_is_another_stream(tmp_path: Path) -> None:
    apps = (App("one", ("same",), python=">=3.14"), App("two", ("same",), python="<3.14"))
    shared = SharedWorld(apps, {"same": {"1": ()}}).plan(tmp_path)
    assert [one.plan.python for one in shared.sets] == ["3.14", "3.13"]
    (common,) = shared.common
    assert common.difference is not None
    assert common.difference.kind is DifferenceKind.PYTHON
    assert common.difference.texts == ("3.14", "3.13")


def test_interpreters_that_only_one_lets_be_built_are_none_for_both(tmp_path: Path) -> None:
    line = "interpreters = ['3.14']\n"
    variants = f"{line}[variants.only]\nrequirements = 'wheel'\n"
    old = App("one", ("same",), python="<3.14")
    apart = SharedWorld((old, App("two", ("same",), variants=variants)), {"same": {"1": ()}})
    assert len(apart.plan(tmp_path).sets) == 2
    together = SharedWorld((old, App("two", ("same",))), {"same": {"1": ()}})
    assert [one.plan.python for one in together.plan(tmp_path).sets] == ["3.13"]


def test_what_was_given_up_is_not_called_impossible(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planner gives up where two applications are planned together."""
    of_group = JointPlans._plan

    def giving_up(plans: JointPlans, group: frozenset[str]) -> Joint | Apart:
        with monkeypatch.context() as patch:
            if len(group) > 1:
                patch.setattr("streamsolve.planner.planning._ROUNDS", 0)
            return of_group(plans, group)

    monkeypatch.setattr(JointPlans, "_plan", giving_up)
    world = two(App("one", ("lib",)), App("two", ("lib",)), lib={"1": ()})
    shared = world.plan(tmp_path)
    assert [each.kind for each in shared.apart] == [ApartKind.UNDECIDED]
    assert not shared.fewest
    text = plain(lay_out(shared_blocks(shared), 100))
    assert "2 sets of streams, and no fewer, which is not proven." in text
    assert "it is not proven that none is left" in " ".join(text.split())


def test_a_wheel_that_only_one_takes_is_not_used_for_the_other(tmp_path: Path) -> None:
    """``one`` needs the mid that needs lib, of which there is only a wheel."""
    taking = '[[prebuilt]]\ncomponent = "lib"\nlicence = "MIT"\nreason = "r"\n'
    content = [
        release("one", "1", "mid==1"),
        release("two", "1", "mid"),
        release("mid", "1", "lib"),
        release("mid", "2"),
        release("lib", "1", sdist=False),
    ]
    base = Base("small", "x86_64", "", (Repository("b", "0" * 64, (python("3.14"),)),))
    asked = PlanRequest("", base="small", cache=tmp_path)
    one = App("one", (), more=taking).application
    both, alone = (
        plan_shared(
            asked,
            [one, App("two", (), more=more).application],
            base=base,
            upstream=Upstream(None, FakeIndex(content)),
        )
        for more in (taking, "")
    )
    assert len(both.sets) == 1
    assert [each.kind for each in alone.apart] == [ApartKind.RULES]
    (contradiction,) = alone.apart[0].contradictions
    assert [text for _, text in contradiction.says] == [
        "two:only does not take the wheel of lib for its source"
    ]


def test_extracts_are_taken_together_with_the_extras_of_both() -> None:
    def extract(application: str, extra: str) -> UpstreamExtract:
        listed, said = release("lib", "1", 'a; extra == "x"', 'b; extra == "y"', extras=("x", "y"))
        other, told = release(f"of-{application}", "1")
        text = write_extract(
            application=application,
            version="1",
            releases=[listed, other],
            metadata={("lib", listed.version): said, (other.name, other.version): told},
            files={"needs.txt": f"{application}\n"},
            extras=[("lib", extra)],
        )
        return read_extract(text, file=f"{application}.jsonl")

    extracts = (extract("one", "x"), extract("two", "y"))
    whole = JoinedExtracts(extracts)
    assert whole.names == ("lib", "of-one", "of-two")
    key = ("lib", Version("1"))
    found = whole.metadata([key])[key]
    assert set(found.extras) == {"x", "y"}
    assert {text.partition(";")[0] for text in found.requires} == {"a", "b"}
    upstream = JointUpstream(whole, None, extracts=extracts)
    assert upstream.requirement_file("two", Version("1"), "needs.txt") == "two\n"
    assert upstream.requirement_file("three", Version("1"), "needs.txt") is None
    missing: list[str] = []
    whole.metadata([("gone", Version("1"))], on_bad=lambda name, *_: missing.append(name))
    assert missing == ["gone"]


def test_an_extra_is_kept_where_one_of_those_that_hold_the_release_keeps_it() -> None:
    def extract(name: str, version: str, *extras: str) -> UpstreamExtract:
        listed, said = release(name, version, extras=("x", "y"))
        text = write_extract(
            application="app",
            version="1",
            releases=[listed],
            metadata={(name, listed.version): said},
            files={},
            extras=[(name, extra) for extra in extras],
        )
        return read_extract(text, file=f"{name}-{version}.jsonl")

    first, second = Version("1"), Version("2")
    whole = JoinedExtracts([extract("lib", "1", "x"), extract("lib", "1"), extract("lib", "2")])
    assert whole.keeps("lib", first, "x")
    assert not whole.keeps("lib", first, "y")
    # The extract that keeps it does not hold that release.
    assert not whole.keeps("lib", second, "x")
    # What none of them holds is asked of the index as it is.
    assert whole.keeps("lib", Version("3"), "x")
    assert whole.keeps("gone", first, "x")


def test_an_extra_that_no_extract_keeps_is_asked_of_the_index(tmp_path: Path) -> None:
    """The extracts of ``one`` and ``two`` hold lib without what its extra adds."""
    content = [
        release("one", "1", "lib[x]"),
        release("two", "1", "lib"),
        release("lib", "1", 'more; extra == "x"', extras=("x",)),
        release("more", "1"),
    ]
    extracts = [
        read_extract(
            write_extract(
                application=app,
                version="1",
                releases=[content[2][0]],
                metadata={("lib", Version("1")): content[2][1]},
                files={},
            ),
            file=f"{app}.jsonl",
        )
        for app in ("one", "two")
    ]
    base = Base("small", "x86_64", "", (Repository("b", "0" * 64, (python("3.14"),)),))
    apps = [App(name, ()).application for name in ("one", "two")]
    shared = plan_shared(
        PlanRequest("", base="small", cache=tmp_path),
        apps,
        base=base,
        upstream=JointUpstream(JoinedExtracts(extracts), FakeIndex(content)),
    )
    (only,) = shared.sets
    assert [str(each.component) for each in only.private] == ["lib", "more", "one", "two"]
    assert only.users[distribution("more")] == ("one:only",)
