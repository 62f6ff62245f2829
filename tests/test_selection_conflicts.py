"""Why there is no selection: real and smallest contradictions, in chains from the application."""

from __future__ import annotations

import itertools

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packaging.version import Version

from streamsolve.model import (
    PYTHON,
    Component,
    Origin,
    Requirement,
    Stream,
    distribution,
    python_requirement,
)
from streamsolve.model.conflict import Cause, Conflict
from streamsolve.model.requirement import pythons_requirement
from streamsolve.selection import Nogood, Selection, Selector, Unsatisfiable

from .universes import APP, Universe, all_plans, make_stream, random_universes, universe

slow = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


def select(world: Universe) -> Selection | Unsatisfiable:
    return Selector(world.problem()).select()


_Stated = tuple[Component, Component, str, bool]
"""Who demands something, of whom, the text, and whether it only binds what is used."""


def stated_in(conflict: Conflict) -> set[_Stated]:
    return {
        (demand.by, demand.requirement.component, str(demand.requirement), demand.only_if_used)
        for chain in conflict.chains
        for demand in chain
    }


def with_only(world: Universe, kept: set[_Stated]) -> Universe:
    """The world in which nobody demands anything else; the application needs an interpreter."""

    def keeps(stream: Stream, requirement: Requirement, only_if_used: bool = False) -> bool:
        stated = (stream.component, requirement.component, str(requirement), only_if_used)
        return stated in kept or (stream.component == APP and requirement == python_requirement(""))

    def only(stream: Stream) -> Stream:
        limit = pythons_requirement(stream.offer.pythons, world.targets)
        return evolve(
            stream,
            offer=evolve(
                stream.offer, pythons=stream.offer.pythons if keeps(stream, limit) else ()
            ),
            requirements=tuple(r for r in stream.requirements if keeps(stream, r)),
            constraints=tuple(r for r in stream.constraints if keeps(stream, r, True)),
        )

    streams = {c: [only(s) for s in streams] for c, streams in world.streams_by.items()}
    return Universe(streams, dict(world.targets))


def has_plan(world: Universe) -> bool:
    return next(all_plans(world), None) is not None


@st.composite
def tight_universes(draw: st.DrawFn) -> Universe:
    """Few components of two or three versions that demand much of each other, so that most have
    no plan, and few of those for one reason only."""
    rng = draw(st.randoms(use_true_random=False))
    names = [f"c{i}" for i in range(rng.randint(2, 4))]
    series = ["3.14", "3.13"][: rng.randint(1, 2)]
    specifiers = ["", "", ">=2", "<2", "<3,>=1", "==1", "==2", "==3", "!=2"]
    conditions = [*[""] * 7, 'extra == "x"', 'python_version < "3.14"', 'python_version >= "3.14"']

    def requirement(*, conditional: bool = True) -> str:
        text = rng.choice(names) + rng.choice(["[x]", *[""] * 9]) + rng.choice(specifiers)
        condition = rng.choice(conditions) if conditional else ""
        return f"{text}; {condition}" if condition else text

    app = make_stream("app", "1", *[requirement(conditional=False) for _ in range(3)])
    required = (*app.requirements, python_requirement(rng.choice(["", "<3.14"])))
    app = evolve(app, requirements=(*required, python_requirement("")))
    streams = [app, *[make_stream("python", number) for number in series]]
    for name in names:
        streams += [
            make_stream(
                name,
                version,
                *[requirement() for _ in range(rng.randint(1, 3))],
                pythons=(rng.choice(series),) if rng.random() < 0.2 else (),
                requires_python="<3.14" if rng.random() < 0.2 else "",
                constrains=[rng.choice(names) + rng.choice(specifiers)][: rng.random() < 0.2],
            )
            for version in rng.sample("123", rng.randint(2, 3))
        ]
    return universe(*streams, pythons=series)


tangled = random_universes(components=5) | tight_universes()


@slow
@given(tangled)
def test_conflicts_are_real_and_smallest_and_share_nothing(world: Universe) -> None:
    answer = select(world)
    if isinstance(answer, Selection):
        return
    assert answer.conflicts
    stated = [stated_in(conflict) for conflict in answer.conflicts]
    assert not any(one & other for one, other in itertools.combinations(stated, 2))
    for demands in stated:
        assert not has_plan(with_only(world, demands))
        for demand in demands:
            assert has_plan(with_only(world, demands - {demand})), demand


@slow
@given(tangled)
def test_chains_follow_from_the_application(world: Universe) -> None:
    answer = select(world)
    for conflict in answer.conflicts if isinstance(answer, Unsatisfiable) else ():
        for chain in conflict.chains:
            assert chain[0].by == APP
            for demand, following in itertools.pairwise(chain):
                assert demand.requirement.component == following.by
                assert set(following.versions) <= set(demand.allowed)
            for demand in chain:
                assert demand.versions
                for version in demand.versions:
                    assert any(
                        str(requirement) == str(demand.requirement)
                        for stream in world.streams_by[demand.by]
                        if stream.version == version
                        for requirement in (
                            stream.constraints
                            if demand.only_if_used
                            else (
                                *stream.requirements,
                                pythons_requirement(stream.offer.pythons, world.targets),
                            )
                        )
                    )


@slow
@given(tangled)
def test_nothing_is_said_not_to_exist_where_there_is_an_alternative(world: Universe) -> None:
    answer = select(world)
    for conflict in answer.conflicts if isinstance(answer, Unsatisfiable) else ():
        last = conflict.chains[0][-1]
        one_way = len(conflict.chains) == 1 and not last.allowed
        missing = conflict.cause in (Cause.NO_SUCH_COMPONENT, Cause.NO_SUCH_VERSION)
        assert missing == one_way
        if missing:
            assert conflict.about == last.requirement.component
            assert (conflict.cause is Cause.NO_SUCH_COMPONENT) == (not last.available)
        else:
            assert conflict.cause is Cause.INCOMPATIBLE


def test_a_version_that_does_not_exist_is_its_own_cause() -> None:
    answer = select(universe(make_stream("app", "1", "a>=3"), make_stream("a", "1")))
    assert isinstance(answer, Unsatisfiable)
    (conflict,) = answer.conflicts
    assert conflict.cause.value == "no-such-version"
    assert conflict.about == distribution("a")
    assert [[str(d.requirement) for d in chain] for chain in conflict.chains] == [["a>=3"]]


def test_a_conflict_two_levels_down_is_told_as_two_chains_that_meet() -> None:
    answer = select(
        universe(
            make_stream("app", "1", "a", "b"),
            make_stream("a", "1", "c<2"),
            make_stream("b", "1", "d"),
            make_stream("d", "1", "c>=2"),
            make_stream("c", "1"),
            make_stream("c", "2"),
        )
    )
    assert isinstance(answer, Unsatisfiable)
    (conflict,) = answer.conflicts
    assert conflict.cause.value == "incompatible"
    assert conflict.about == distribution("c")
    assert [[str(d.requirement) for d in chain] for chain in conflict.chains] == [
        ["a", "c<2"],
        ["b", "d", "c>=2"],
    ]


@pytest.mark.parametrize("count", [2, 3])
def test_all_independent_conflicts_are_reported(count: int) -> None:
    names = [f"a{i}" for i in range(count)]
    answer = select(
        universe(
            make_stream("app", "1", *[f"{name}>=3" for name in names]),
            *[make_stream(name, "1") for name in names],
        )
    )
    assert isinstance(answer, Unsatisfiable)
    assert [c.about.name for c in answer.conflicts] == names
    assert APP not in {c.about for c in answer.conflicts}


def texts(conflict: Conflict) -> list[list[str]]:
    """The chains, each demand as ``by versions: requirement``."""
    return [
        [f"{d.by} {' '.join(map(str, d.versions))}: {d.requirement}" for d in chain]
        for chain in conflict.chains
    ]


def conflicts_of(world: Universe, *nogoods: Nogood) -> tuple[Conflict, ...]:
    selector = Selector(world.problem())
    for nogood in nogoods:
        selector.forbid(nogood)
    answer = selector.select()
    assert isinstance(answer, Unsatisfiable)
    return answer.conflicts


def test_a_component_whose_versions_die_in_different_ways_is_what_the_conflict_is_about() -> None:
    (conflict,) = conflicts_of(
        universe(
            make_stream("app", "1", "foo"),
            make_stream("foo", "1", "bar>=9"),
            make_stream("foo", "2", "baz>=2"),
            make_stream("foo", "3", requires_python=">=3.20"),
            make_stream("bar", "1"),
            make_stream("baz", "1"),
            make_stream("python", "3.14", origin=Origin.BASE),
        )
    )
    assert (conflict.about, conflict.cause) == (distribution("foo"), Cause.INCOMPATIBLE)
    assert texts(conflict) == [
        ["app 1: foo", "foo 1: bar>=9"],
        ["app 1: foo", "foo 2: baz>=2"],
        ["app 1: foo", "foo 3: python>=3.20"],
    ]


def test_versions_that_die_of_the_same_are_one_chain() -> None:
    (conflict,) = conflicts_of(
        universe(
            make_stream("app", "1", "foo"),
            make_stream("foo", "1", "bar>=9"),
            make_stream("foo", "2", "bar>=9"),
            make_stream("bar", "1"),
        )
    )
    assert (conflict.about, conflict.cause) == (distribution("bar"), Cause.NO_SUCH_VERSION)
    assert texts(conflict) == [["app 1: foo", "foo 1 2: bar>=9"]]


def test_a_version_that_one_of_several_ways_lets_in_has_a_chain_of_its_own() -> None:
    (conflict,) = conflicts_of(
        universe(
            make_stream("app", "1", "foo"),
            make_stream("foo", "1", "bar<2"),
            make_stream("foo", "2", "bar>=2"),
            make_stream("bar", "1", "dead"),
            make_stream("bar", "2", "dead"),
        )
    )
    assert (conflict.about, conflict.cause) == (distribution("bar"), Cause.INCOMPATIBLE)
    assert texts(conflict) == [
        ["app 1: foo", "foo 1: bar<2", "bar 1: dead"],
        ["app 1: foo", "foo 2: bar>=2", "bar 2: dead"],
    ]


def test_a_refusal_is_explained_by_what_leads_to_what_it_names() -> None:
    world = universe(
        make_stream("app", "1", "foo", "bar"),
        make_stream("foo", "1", "baz"),
        make_stream("bar", "1"),
        make_stream("baz", "1"),
        make_stream("python", "3.14", origin=Origin.BASE),
    )
    offers = [
        next(iter(world.offers(component)))
        for component in (distribution("bar"), distribution("baz"), PYTHON)
    ]
    text = "python3-baz conflicts with python3-bar"
    (conflict,) = conflicts_of(world, Nogood(tuple(offers), (text,)))
    assert (conflict.cause, conflict.packages) == (Cause.ROOT, (text,))
    assert conflict.about in (distribution("bar"), distribution("baz"))
    assert texts(conflict) == [["app 1: bar"], ["app 1: foo", "foo 1: baz"]]


def test_a_refusal_names_what_is_on_the_way_as_well() -> None:
    world = universe(
        make_stream("app", "1", "foo"), make_stream("foo", "1", "baz"), make_stream("baz", "1")
    )
    offers = [world.offers(distribution(name))[0] for name in ("baz", "foo")]
    (conflict,) = conflicts_of(world, Nogood(tuple(offers), ("no",)))
    assert texts(conflict) == [["app 1: foo"], ["app 1: foo", "foo 1: baz"]]


def test_what_was_built_for_some_interpreters_says_for_which() -> None:
    series = ("3.15", "3.14", "3.13", "3.12")
    (conflict,) = conflicts_of(
        universe(
            make_stream("app", "1", "blob", requires_python=">=3.14"),
            make_stream("blob", "1", pythons=("3.12", "3.13")),
            *[make_stream("python", number) for number in series],
            pythons=series,
        )
    )
    assert conflict.about == PYTHON
    assert texts(conflict) == [
        ["app 1: python>=3.14"],
        ["app 1: blob", "blob 1: python<3.14,>=3.12"],
    ]


_SERIES = [f"3.{minor}" for minor in range(9, 17)]


@given(st.sets(st.sampled_from(_SERIES)), st.sets(st.sampled_from(_SERIES)))
def test_a_limit_to_interpreters_allows_exactly_those(built: set[str], known: set[str]) -> None:
    limit = pythons_requirement(built, known)
    for series in known:
        for version in (series, f"{series}.0", f"{series}.17"):
            assert limit.allows(Version(version)) == (not built or series in built)


def test_an_extra_that_the_base_lacks_is_no_demand_of_its_own() -> None:
    (conflict,) = conflicts_of(
        universe(
            make_stream("app", "1", "foo[x]"),
            make_stream("foo", "1", origin=Origin.BASE, extras={}),
        )
    )
    assert (conflict.about, conflict.cause) == (distribution("foo"), Cause.NO_SUCH_VERSION)
    assert texts(conflict) == [["app 1: foo[x]"]]
    assert conflict.chains[0][-1].allowed == ()
