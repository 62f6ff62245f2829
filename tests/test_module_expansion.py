"""The ways to build a module, against trying everything."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamsolve.model.module_expansion import Expansion, ExpansionFailure, FactKind
from streamsolve.model.modules import (
    ModuleDefaults,
    ModuleDependencies,
    ModuleIndex,
    ModuleObsoletes,
    ModuleStream,
    StreamChoice,
)
from streamsolve.planner.module_expansion import ModuleExpander

from .moduleworld import Answer, built, every_answer, wanted

Universe = tuple[ModuleStream, list[ModuleStream]]


def expand(module: ModuleStream, streams: Sequence[ModuleStream]) -> list[Expansion]:
    with ModuleExpander(module, ModuleIndex(tuple(streams))) as expander:
        return list(expander.expansions())


def failures(module: ModuleStream, streams: Sequence[ModuleStream]) -> tuple[ExpansionFailure, ...]:
    with ModuleExpander(module, ModuleIndex(tuple(streams))) as expander:
        return expander.failures()


def plain(expansions: Sequence[Expansion]) -> list[Answer]:
    return [(one.buildrequires, one.requires) for one in expansions]


def streams_of(name: str, *streams: str) -> list[ModuleStream]:
    return [built(name, stream) for stream in streams]


# -- twenty universes ------------------------------------------------------------------------------

_ABC = [*streams_of("a", "1", "2"), *streams_of("b", "1", "2"), *streams_of("c", "1", "2")]

UNIVERSES: dict[str, Universe] = {
    "one module, one stream": (wanted(({"a": ["1"]}, {})), streams_of("a", "1")),
    "nothing is needed": (wanted(({}, {})), streams_of("a", "1")),
    "any stream": (wanted(({"a": []}, {"b": []})), _ABC),
    "alternatives in a list": (wanted(({"a": ["1", "2", "9"]}, {})), _ABC),
    "an excluded stream": (wanted(({"a": ["-1"]}, {"b": ["-2", "-9"]})), _ABC),
    "all streams excluded": (wanted(({"a": ["-1", "-2"]}, {})), _ABC),
    "alternative groups": (
        wanted(({"a": ["1"]}, {"b": ["1"]}), ({"a": ["2"]}, {"c": []}), ({"a": ["9"]}, {})),
        _ABC,
    ),
    "groups that overlap": (wanted(({"a": []}, {}), ({"a": ["1"]}, {})), _ABC),
    "the same stream to build and to use": (wanted(({"a": []}, {"a": []})), _ABC),
    "to build with one, to use with another": (wanted(({"a": ["1"]}, {"a": ["2"]})), _ABC),
    "a conflict one level down": (
        wanted(({"a": [], "b": []}, {})),
        [
            *(built("a", s, {"c": [s]}) for s in "12"),
            *(built("b", s, {"c": [s]}) for s in "12"),
            *streams_of("c", "1", "2"),
        ],
    ),
    "a conflict two levels down": (
        wanted(({"a": [], "b": []}, {})),
        [
            *(built("a", s, {"x": [s]}) for s in "12"),
            *(built("b", s, {"y": [s]}) for s in "12"),
            built("x", "1", {"z": ["1"]}),
            built("x", "2", {"z": []}),
            *(built("y", s, {"z": ["2"]}) for s in "12"),
            *streams_of("z", "1", "2"),
        ],
    ),
    "a chain of eight": (
        wanted(({"m0": []}, {"m7": []})),
        [
            *(built(f"m{i}", s, {f"m{i + 1}": [s]}) for i in range(7) for s in "12"),
            *streams_of("m7", "1", "2"),
        ],
    ),
    "a diamond": (
        wanted(({"top": []}, {"bottom": []})),
        [
            *(built("top", s, {"left": [s], "right": []}) for s in "123"),
            *(built("left", s, {"bottom": [s]}) for s in "123"),
            *(built("right", s, {"bottom": [f"-{s}"]}) for s in "123"),
            *streams_of("bottom", "1", "2", "3"),
        ],
    ),
    "several groups of a stream in a repository": (
        wanted(({"a": [], "b": []}, {})),
        [
            built("a", "1", {"b": ["1"]}, {"c": ["2"]}),
            built("b", "1"),
            built("b", "2", {"c": ["1"]}),
            *_ABC[4:],
        ],
    ),
    "contexts of one stream": (
        wanted(({"a": ["1"], "b": []}, {})),
        [
            built("a", "1", {"b": ["1"]}, context="one"),
            built("a", "1", {"b": ["2"], "c": ["9"]}, context="two"),
            *streams_of("b", "1", "2"),
        ],
    ),
    "modules that need each other": (
        wanted(({"a": []}, {"b": []})),
        [built("a", "1", {"b": ["1"]}), built("b", "1", {"a": ["1"]}), built("b", "2")],
    ),
    "a module that needs an older stream of itself": (
        wanted(({"target": ["0"]}, {"a": []})),
        [built("target", "0"), built("a", "1", {"target": ["0"]}), built("a", "2")],
    ),
    "a virtual stream of the platform": (
        wanted(({"platform": ["el8"], "a": []}, {})),
        [
            built("platform", "el8.2.0", virtual=["el8"]),
            built("platform", "el8.3.0", virtual=["el8"]),
            built("platform", "el9.0.0", virtual=["el9"]),
            built("a", "1", {"platform": ["el8"]}),
            built("a", "2", {"platform": ["el9"]}),
        ],
    ),
    "what was built on an earlier release of the platform": (
        wanted(({"platform": ["el8.1.0", "el8.3.0"], "a": []}, {})),
        [
            built("platform", "el8.1.0", virtual=["el8"]),
            built("platform", "el8.3.0", virtual=["el8"]),
            built("a", "1", {"platform": ["el8.2.0"]}),
            built("a", "2", {"platform": [">=el8.3"]}),
            built("a", "3", {"platform": [">=el9"]}),
        ],
    ),
    "a module that nobody knows": (wanted(({"a": []}, {}), ({"zz": []}, {})), _ABC),
}


@pytest.mark.parametrize("name", UNIVERSES)
def test_the_ways_are_those_that_trying_everything_finds(name: str) -> None:
    module, streams = UNIVERSES[name]
    found = plain(expand(module, streams))
    assert set(found) == every_answer(module, streams)
    assert len(found) == len(set(found))


@pytest.mark.parametrize("name", UNIVERSES)
def test_the_order_of_the_input_does_not_matter(name: str) -> None:
    module, streams = UNIVERSES[name]
    expected = expand(module, streams)
    shuffler = random.Random(name)
    for _ in range(5):
        groups = list(module.dependencies)
        shuffled = list(streams)
        shuffler.shuffle(groups)
        shuffler.shuffle(shuffled)
        again = ModuleStream(module.name, module.stream, dependencies=tuple(groups))
        assert expand(again, shuffled) == expected


@pytest.mark.parametrize("name", UNIVERSES)
def test_a_group_has_ways_or_a_reason(name: str) -> None:
    module, streams = UNIVERSES[name]
    failing = {failure.group for failure in failures(module, streams)}
    for group in module.dependencies:
        alone = ModuleStream(module.name, module.stream, dependencies=(group,))
        assert (not every_answer(alone, streams)) == (group in failing)


def test_a_needle_among_three_to_the_tenth_is_found() -> None:
    modules = [f"m{number}" for number in range(10)]
    right = random.Random(10)
    needle = {name: right.choice("123") for name in modules}
    streams = [
        built(name, stream, *([] if stream == needle[name] else [{"lock": [name]}]))
        for name in modules
        for stream in "123"
    ]
    streams += [built("lock", name) for name in ["open", *modules]]
    module = wanted(({**{name: [] for name in modules}, "lock": ["open"]}, {}))
    (only,) = expand(module, streams)
    assert dict(only.buildrequires) == {**needle, "lock": "open"}


# -- laws ------------------------------------------------------------------------------------------


@st.composite
def universes(draw: st.DrawFn) -> Universe:
    names = ["a", "b", "c", "d"][: draw(st.integers(2, 4))]
    labels = st.sampled_from(["1", "2", "3"])
    excluded = labels.map("-{}".format)
    lists = st.one_of(st.lists(labels, max_size=2), st.lists(excluded, max_size=2))
    needs = st.dictionaries(st.sampled_from(names), lists, max_size=2)
    streams = [
        built(name, stream, *draw(st.lists(needs, max_size=2)), context=context)
        for name in names
        for stream in draw(st.sets(labels, min_size=1, max_size=2))
        for context in draw(st.sampled_from([("c",), ("c", "d")]))
    ]
    groups = draw(st.lists(st.tuples(needs, needs), min_size=1, max_size=2))
    return wanted(*groups), streams


@settings(max_examples=150, deadline=None)
@given(universes())
def test_random_universes_have_the_ways_that_trying_everything_finds(universe: Universe) -> None:
    module, streams = universe
    found = plain(expand(module, streams))
    assert set(found) == every_answer(module, streams)
    assert len(found) == len(set(found))


@settings(max_examples=60, deadline=None)
@given(universes())
def test_the_first_ways_are_the_beginning_of_all(universe: Universe) -> None:
    module, streams = universe
    every = expand(module, streams)
    with ModuleExpander(module, ModuleIndex(tuple(streams))) as expander:
        ways = expander.expansions()
        first = [way for way, _ in zip(ways, range(2), strict=False)]
    assert first == every[:2]


# -- the order -------------------------------------------------------------------------------------


def test_newer_streams_come_first_module_by_module() -> None:
    streams = [*streams_of("a", "1.9", "1.10"), *streams_of("b", "7", "latest")]
    found = expand(wanted(({"b": [], "a": []}, {})), streams)
    # RPM takes digits for newer than letters.
    assert [one.buildrequires for one in found] == [
        (("a", "1.10"), ("b", "7")),
        (("a", "1.10"), ("b", "latest")),
        (("a", "1.9"), ("b", "7")),
        (("a", "1.9"), ("b", "latest")),
    ]


def test_the_recommended_stream_comes_first_and_one_that_has_ended_last() -> None:
    streams = streams_of("a", "1", "2", "3", "4")
    index = ModuleIndex(
        tuple(streams),
        (ModuleDefaults("a", "2"),),
        (
            ModuleObsoletes("a", "4", "2026-01-01T00:00Z", by="a:3"),
            ModuleObsoletes("a", "3", "2025-01-01T00:00Z"),
            ModuleObsoletes("a", "3", "2026-01-01T00:00Z", reset=True),
        ),
    )
    with ModuleExpander(wanted(({"a": []}, {})), index) as expander:
        found = [dict(one.buildrequires)["a"] for one in expander.expansions()]
    assert found == ["2", "3", "1", "4"]


def test_only_the_newest_build_of_a_stream_counts() -> None:
    old = built("a", "1", {"gone": []})
    new = ModuleStream("a", "1", 2, "c")
    assert plain(expand(wanted(({"a": []}, {})), [old, new])) == [((("a", "1"),), ())]


@pytest.mark.parametrize(
    ("label", "stream", "works"),
    [
        ("el8.2.0", "el8.2.0", True),
        ("el8.2.0", "el8.10.0", True),
        ("el8.2.0", "el8.1.0", False),
        ("el8.2", "el8.2.0", True),
        ("el8", "el8.2.0", False),
        ("el8.2.0", "el9.4.0", False),
        (">=el8.2", "el9.4.0", True),
        (">=el8", "f44", False),
        (">=f43", "f44", True),
        ("f43", "f44", False),
        ("eln", "eln", True),
    ],
)
def test_what_was_built_on_a_release_works_on_later_ones_of_its_family(
    label: str, stream: str, works: bool
) -> None:
    assert built("platform", stream).answers(label) is works
    assert not built("other", "el8.10.0").answers("el8.2.0")


def test_streams_that_are_required_keep_their_virtual_name() -> None:
    streams = [built("platform", f"el8.{minor}.0", virtual=["el8"]) for minor in (2, 3)]
    found = expand(wanted(({"platform": ["el8.3.0"]}, {"platform": ["el8"]})), streams)
    assert plain(found) == [((("platform", "el8.3.0"),), (("platform", "el8"),))]


def test_a_platform_that_no_repository_describes_is_there_if_something_was_built_for_it() -> None:
    streams = [built("a", "1", {"platform": ["el9"]})]
    module = wanted(({"a": [], "platform": ["el9"]}, {}))
    assert plain(expand(module, streams)) == [((("a", "1"), ("platform", "el9")), ())]
    with ModuleExpander(module, ModuleIndex(tuple(streams)), platforms=["el8"]) as expander:
        assert list(expander.expansions()) == []


# -- contexts --------------------------------------------------------------------------------------


def test_each_way_has_a_context_of_its_own() -> None:
    module, streams = UNIVERSES["any stream"]
    found = expand(module, streams)
    assert len({one.context for one in found}) == len(found) == 4
    assert all(len(one.context) == 8 for one in found)


def test_a_context_that_the_packager_named_stays() -> None:
    build = (("a", StreamChoice(("1",))),)
    module = ModuleStream("m", "1", dependencies=(ModuleDependencies(build, (), "MINE"),))
    assert [one.context for one in expand(module, _ABC)] == ["MINE"]


# -- reasons ---------------------------------------------------------------------------------------


def test_an_unknown_module_and_an_unknown_stream_are_both_named() -> None:
    (failure,) = failures(wanted(({"aa": [], "b": ["9"]}, {})), _ABC)
    kinds = {(fact.kind, fact.module): fact.known for fact in failure.facts}
    assert kinds == {
        (FactKind.UNKNOWN_MODULE, "aa"): ("a", "b", "c"),
        (FactKind.UNKNOWN_STREAM, "b"): ("1", "2"),
    }


def test_a_conflict_is_told_with_its_chain() -> None:
    streams = [
        built("a", "1", {"x": ["1"]}),
        built("x", "1", {"z": ["1"]}),
        built("b", "1", {"z": ["2"]}),
        *streams_of("z", "1", "2"),
    ]
    (failure,) = failures(wanted(({"a": [], "b": []}, {})), streams)
    told = {(fact.who, fact.module, str(fact.choice)) for fact in failure.facts if fact.who}
    assert told == {
        ("a:1:1:c", "x", "1"),
        ("x:1:1:c", "z", "1"),
        ("b:1:1:c", "z", "2"),
    }
    (one,) = [fact for fact in failure.facts if fact.kind is FactKind.ONE_STREAM]
    assert (one.module, one.known) == ("z", ("1", "2"))


def test_names_of_streams_are_never_read_as_syntax() -> None:
    odd = ["1) or (x", "a b", "%{x}", "rhel-8.0", "é"]
    module = wanted(({"a": odd[:3], "b": odd[3:]}, {}))
    streams = [built(name, stream) for name in "ab" for stream in odd]
    assert set(plain(expand(module, streams))) == every_answer(module, streams)
